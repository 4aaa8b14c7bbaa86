"""Every check in one go: settings first, then Discord, engines, the public address, this machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock
from bot.doctor import account, address, configuration, database, engines, machine, places, workers
from bot.doctor.configuration import Given
from bot.doctor.finding import Finding, clean, error, not_looked_at
from bot.settings import DiscordSettings, OperatorSettings, StorageSettings, UpkeepSettings

NEEDS_FOLDER = ("data-folder", "disk", "database", "backups")
_WRONG = "a setting is wrong"


@dataclass(frozen=True)
class Wish:
    """Where permissions are to be looked at; without either, everywhere."""

    guild: int | None = None
    channel: int | None = None


async def examine(env_file: Path | None, wish: Wish, clock: Clock) -> list[Finding]:
    """All findings, in the order in which they are printed; none holds a secret."""
    given, findings = configuration.examine(env_file)
    storage = given.get(StorageSettings)
    folder = storage.data_dir if storage else None
    parts = await asyncio.gather(
        ask_discord(given, wish, clock),
        engines.examine(given, folder / "profiles" if folder else None),
        asyncio.to_thread(look_at_folder, folder, given, clock.now()),
        workers.examine(),
    )
    asked, offered, kept, made = parts
    # Last, by itself: nothing else of this process may make it late.
    reached = await address.examine(given, folder, clock)
    found = [*findings, *asked, *offered, reached, *kept, database.library(), *made]
    return [clean(finding, given.secrets) for finding in found]


async def ask_discord(given: Given, wish: Wish, clock: Clock) -> list[Finding]:
    """Token, application, permissions and clock."""
    settings, operator = given.get(DiscordSettings), given.get(OperatorSettings)
    if settings is None:
        return [not_looked_at(check, _WRONG) for check in ("token", *account.NEEDS_TOKEN, places.CHECK, "clock")]
    skew = account.Skew(clock)
    async with account.session(settings, skew) as session:
        findings = [session.finding]
        if session.application is None:
            checks = (*account.NEEDS_TOKEN, places.CHECK)
            findings += [not_looked_at(check, "Discord did not take the token") for check in checks]
        else:
            findings += account.examine(session.application)
            findings.append(await account.logins(session.client))
            findings += await places.examine(session.client, wish.guild, wish.channel)
            if operator and operator.alert_channel:
                findings.append(await places.alert_channel(session.client, int(operator.alert_channel)))
    return [*findings, account.clock(skew)]


def look_at_folder(folder: Path | None, given: Given, now: int) -> list[Finding]:
    """Data folder, disk, database and backups."""
    if folder is None:
        return [not_looked_at(check, _WRONG) for check in NEEDS_FOLDER]
    try:
        return [*machine.examine(folder), *database.examine(folder, given.get(UpkeepSettings), now)]
    except OSError as problem:
        fix = "Run this as the bot's user, and correct TWODECK_DATA_DIR if it is another folder."
        first, *others = NEEDS_FOLDER
        closed = error(first, f"{folder} cannot be looked at ({problem.strerror}).", fix)
        return [closed, *(not_looked_at(check, "the data folder is closed") for check in others)]
