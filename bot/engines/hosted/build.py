"""Makes an engine of every account whose key is set; says which are not ready, and what they need."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from bot.clock import Clock
from bot.engines.hosted import profile as profiles
from bot.engines.hosted.client import MusicClient
from bot.engines.hosted.engine import HostedEngine
from bot.engines.hosted.tracks import Collector
from bot.files.download import Downloader
from bot.files.links import Links
from bot.request import EngineName
from bot.settings import DownloadSettings, HostedSettings, SettingsError
from bot.worker.pool import Pool

log = logging.getLogger(__name__)
_TRACK_MB = 64
_FETCH_SECONDS = 300


def build(
    accounts: Mapping[EngineName, HostedSettings],
    public_url: str,
    downloads: DownloadSettings,
    pool: Pool,
    folder: Path,
    clock: Clock,
    overlays: Path | None = None,
    *,
    links: Links | None = None,
    pass_links: bool = False,
) -> list[HostedEngine]:
    """The engines in the order of `accounts`. Every profile is checked, whether its key is set or not.

    `overlays` is where the operator's own prices, models and limits are; `links` give sources an address where no
    upload host is known. Raises `SettingsError`.
    """
    waiting = unready(accounts, public_url, overlays)
    engines: list[HostedEngine] = []
    for name, account in accounts.items():
        profile = _profile(name, account.dialect, overlays)
        if not account.api_key.get_secret_value():
            continue
        if name in waiting:
            log.warning("engine %s is not ready: needs %s", name, waiting[name])
            continue
        upload_url = account.upload_url or profile.provider.upload_url
        base_url = account.base_url or profile.provider.base_url
        client = MusicClient(base_url, upload_url or "", account.api_key, name=name.value)
        downloader = Downloader(
            (*profile.provider.result_hosts, *downloads.further),
            max_bytes=_TRACK_MB << 20,
            timeout_seconds=_FETCH_SECONDS,
            user_agent="Twodeck",
        )
        engines.append(
            HostedEngine(
                profile,
                client,
                Collector(downloader, pool),
                folder,
                public_url=public_url,
                monotonic=clock.monotonic,
                new_id=clock.new_id,
                offer=links.offer if links and not upload_url else None,
                pass_links=pass_links,
            )
        )
    return engines


def unready(
    accounts: Mapping[EngineName, HostedSettings], public_url: str, overlays: Path | None = None
) -> dict[EngineName, str]:
    """Engines whose key is set and that cannot work yet, and the settings of which each needs one.

    Sources have to get there: by an upload host, or else by our own address. Raises `SettingsError`.
    """
    return {
        name: f"{name.upper()}_UPLOAD_URL or TWODECK_PUBLIC_URL"
        for name, account in accounts.items()
        if account.api_key.get_secret_value()
        and not (account.upload_url or public_url)
        and _profile(name, account.dialect, overlays).provider.upload_url is None
    }


def _profile(name: EngineName, dialect: str, overlays: Path | None) -> profiles.Profile:
    try:
        return profiles.load(name, dialect, overlays)
    except profiles.ProfileError as error:
        raise SettingsError(str(error)) from None
