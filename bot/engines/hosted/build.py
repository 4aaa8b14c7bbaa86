"""Makes an engine of every account whose key is set; says which are not ready, and why."""

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
) -> list[HostedEngine]:
    """The engines in the order of `accounts`. Every profile is checked, whether its key is set or not.

    `overlays` is where the operator's own prices, models and limits are. Raises `SettingsError`.
    """
    engines: list[HostedEngine] = []
    for name, account in accounts.items():
        profile = _profile(name, account.dialect, overlays)
        upload_url = account.upload_url or profile.provider.upload_url
        if not account.api_key.get_secret_value():
            continue
        if upload_url is None:
            log.warning("engine %s is not ready: it needs %s_UPLOAD_URL", name, name.upper())
            continue
        client = MusicClient(account.base_url or profile.provider.base_url, upload_url, account.api_key)
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
            )
        )
    return engines


def _profile(name: EngineName, dialect: str, overlays: Path | None) -> profiles.Profile:
    try:
        return profiles.load(name, dialect, overlays)
    except profiles.ProfileError as error:
        raise SettingsError(str(error)) from None
