"""Who acts on a guild, and whether they moderate it right now (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import Code, Refused
from bot.guilds.guild import GuildSettings


@dataclass(frozen=True)
class Actor:
    """Somebody with the rights that Discord says they have at this moment; `manages` is Manage Server."""

    guild: str
    member: str
    roles: frozenset[str]
    manages: bool


def moderates(settings: GuildSettings, actor: Actor) -> bool:
    """By permission, or by the role that the guild named."""
    return actor.manages or settings.moderator_role in actor.roles


def must_make_contests(settings: GuildSettings, actor: Actor) -> None:
    """Moderators, and the role that the guild named. Raises `Refused` for everybody else."""
    if settings.contest_role not in actor.roles:
        must_moderate(settings, actor)


def must_moderate(settings: GuildSettings, actor: Actor) -> None:
    """Raises `Refused` for everybody else."""
    if not moderates(settings, actor):
        raise Refused(Code.MODERATORS_ONLY)
