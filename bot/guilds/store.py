"""The rows of `guilds` and `members`: plain functions that take the transaction first."""

from __future__ import annotations

import functools

from bot.database import Tx
from bot.guilds.guild import GuildSettings

_DEFAULTS = GuildSettings()


def settings_of(tx: Tx, guild: str) -> GuildSettings:
    """What this guild chose; the defaults before it chose anything."""
    row = tx.one("SELECT settings FROM guilds WHERE guild = ?", (guild,))
    return _read(row["settings"]) if row else _DEFAULTS


def keep_settings(tx: Tx, guild: str, settings: GuildSettings, now: int) -> None:
    """Write down what this guild chose."""
    tx.run(
        "INSERT INTO guilds (guild, settings, changed_at) VALUES (?, ?, ?) ON CONFLICT (guild)"
        " DO UPDATE SET settings = excluded.settings, changed_at = excluded.changed_at",
        (guild, settings.model_dump_json(), now),
    )


def drop_settings(tx: Tx, guild: str) -> None:
    """Forget what this guild chose."""
    tx.run("DELETE FROM guilds WHERE guild = ?", (guild,))


def set_direct(tx: Tx, member: str, wanted: bool, now: int) -> None:
    """Whether private results that are late come by direct message."""
    tx.run(
        "INSERT INTO members (member, direct, changed_at) VALUES (?, ?, ?) ON CONFLICT (member)"
        " DO UPDATE SET direct = excluded.direct, changed_at = excluded.changed_at",
        (member, int(wanted), now),
    )


def forget_choices(tx: Tx, member: str) -> None:
    """Forget what this member chose."""
    tx.run("DELETE FROM members WHERE member = ?", (member,))


def wants_direct(tx: Tx, member: str) -> bool:
    """False until the member says otherwise."""
    row = tx.one("SELECT direct FROM members WHERE member = ?", (member,))
    return bool(row and row["direct"])


@functools.lru_cache(maxsize=1024)
def _read(settings: str) -> GuildSettings:
    """They cannot be changed, so whoever asks next may have the same ones."""
    return GuildSettings.model_validate_json(settings)
