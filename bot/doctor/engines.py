"""Every engine that is set up: does its provider take the key, and is the account worth anything."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.doctor.configuration import Given
from bot.doctor.finding import Finding, error, ok, warning
from bot.engines.hosted import profile as profiles
from bot.engines.hosted.build import unready
from bot.engines.hosted.client import OK, MusicClient, NoAnswer, NotConnected
from bot.engines.hosted.profile import Profile, ProfileError
from bot.request import EngineName
from bot.settings import HostedSettings, LocalSettings, SettingsError, WebSettings

_SECONDS = 20.0
_FEW = 10
"""An account that is good for fewer of the cheapest operations is low."""
_WRONG_KEY = (401, 403)


async def examine(given: Given, overlays: Path | None) -> list[Finding]:
    """A line for each engine. `overlays` is the folder of the operator's own prices, models and limits."""
    local = given.get(LocalSettings)
    findings = [] if local is None else [_local(local)]
    asked = [_hosted(name, account, given, overlays) for name, account in given.keyed.items()]
    return [*findings, *await asyncio.gather(*asked)]


def _local(settings: LocalSettings) -> Finding:
    if not settings.enabled:
        return ok("engine-local", "The embedded engine is switched off by LOCAL_ENABLED.")
    return ok("engine-local", f"The embedded engine makes {settings.workers} at a time, and costs nothing.")


async def _hosted(name: EngineName, account: HostedSettings, given: Given, overlays: Path | None) -> Finding:
    check, web = f"engine-{name}", given.get(WebSettings)
    try:
        profile = profiles.load(name, account.dialect, overlays)
        waiting = unready({name: account}, web.public_url if web else "", overlays)
    except (ProfileError, SettingsError) as problem:
        return error(check, str(problem), "Correct it as docs/engines.md describes it.")
    base = account.base_url or profile.provider.base_url
    client = MusicClient(base, "", account.api_key, seconds=_SECONDS)
    try:
        found = await _balance(check, client, profile)
    finally:
        await client.close()
    if found.level == "ok" and name in waiting:
        return error(
            check, f"It takes the key, but no source would get there: it needs {waiting[name]}.", "Set one."
        )
    return found


async def _balance(check: str, client: MusicClient, profile: Profile) -> Finding:
    prefix = profile.name.upper()
    try:
        answer = await client.read(profile.provider.credit_path, {})
    except NotConnected as trouble:
        fix = f"Check the connection to the internet, a firewall, and {prefix}_BASE_URL if it is set."
        return error(check, f"Its provider cannot be reached ({trouble}).", fix)
    except NoAnswer as trouble:
        fix = f"Check {prefix}_BASE_URL if it is set; else the provider is in trouble: try again later."
        return error(check, f"What answers is not its provider's API ({trouble}).", fix)
    if answer.code in _WRONG_KEY:
        fix = f"Make a new key at the provider and set {prefix}_API_KEY to it."
        return error(check, f"The provider refuses the key (code {answer.code}).", fix)
    credits = answer.data
    if answer.code != OK or isinstance(credits, bool) or not isinstance(credits, int | float):
        fix = f"Check {prefix}_BASE_URL and {prefix}_DIALECT if they are set; docs/engines.md lists the codes."
        return error(check, f"The provider tells no balance (code {answer.code}).", fix)
    return _worth(check, float(credits), min(rules.price for rules in profile.spoken.operations.values()))


def _worth(check: str, credits: float, cheapest: float) -> Finding:
    seen = f"The key is taken; the account has {credits:g} credits, the cheapest operation takes {cheapest:g}."
    fix = "Top the account up at the provider."
    if credits < cheapest:
        return error(check, seen, fix)
    return warning(check, seen, fix) if credits < _FEW * cheapest else ok(check, seen)
