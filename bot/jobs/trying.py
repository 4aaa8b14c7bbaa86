"""Who may not make anything here may have nothing fetched either; quotas do not count, for nothing is spent."""

from __future__ import annotations

from bot.database import Tx
from bot.errors import Code, Refused
from bot.jobs.service import Place
from bot.quotas.facts import Asking
from bot.quotas.gate import Gate
from bot.request import EngineName, Operation

_DECIDED = frozenset(
    {
        Code.NOT_SERVED,
        Code.BLOCKED,
        Code.BLOCKED_UNTIL,
        Code.GUILD_PAUSED,
        Code.ROLE_NEEDED,
        Code.CHANNEL_NOT_ALLOWED,
    }
)


def must_be_welcome(tx: Tx, gate: Gate, place: Place, now: int) -> None:
    """Raises `Refused` for whom the guild or the operator serves nothing there."""
    asking = Asking(
        guild=place.guild,
        member=place.member,
        roles=place.roles,
        channel=place.channel,
        parent=place.parent,
        engine=EngineName.LOCAL.value,
        operation=Operation.MASHUP.value,
    )
    verdict = gate.decide(tx, asking, now)
    if verdict.refusal is not None and verdict.refusal.code in _DECIDED:
        raise Refused.of(verdict.refusal)
