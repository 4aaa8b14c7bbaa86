"""Who is let in when too much is under way: a flood fills no more than its share; everything passes the gate."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.client import COGS, Tree, TwodeckBot
from bot.clock import Clock
from bot.errors import Code, Refused
from bot.intake import Intake
from bot.settings import DiscordSettings
from cogs.views.controls import Admitted

PLACES, QUIET = 32, 99


class Dial(Clock):
    """A clock that is turned by hand."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at


class WithoutShares(Intake):
    """Broken on purpose: a limit for everybody together."""

    def _has_room(self, who: int) -> bool:
        return self.under_way < self._places


def let_in(intake: Intake, who: int) -> bool:
    try:
        intake.enter(who)
    except Refused as refused:
        return refused.refusal.code is not Code.BUSY
    return True


def shut_out(intake: Intake, floods: int) -> int:
    """How often somebody quiet finds no place while some servers take all they get for a while."""
    chance, held, missed = random.Random(5), list[int](), 0
    for turn in range(4000):
        who = chance.randrange(floods)
        if let_in(intake, who):
            held.append(who)
        if chance.random() < 0.3 and held:
            intake.leave(held.pop(chance.randrange(len(held))))
        if turn > 1000:
            if let_in(intake, QUIET):
                intake.leave(QUIET)
            else:
                missed += 1
    return missed


@pytest.mark.parametrize("floods", [1, 2, 3, 7])
def test_floods_leave_a_place_for_somebody_quiet(floods: int) -> None:
    assert shut_out(Intake(PLACES, Clock()), floods) == 0


def test_without_shares_a_flood_would_shut_somebody_quiet_out() -> None:
    assert shut_out(WithoutShares(PLACES, Clock()), 1) > 1000


def test_a_flood_gets_half_of_the_places_and_there_are_never_more_than_all() -> None:
    intake = Intake(PLACES, Clock())
    assert sum(let_in(intake, 1) for _ in range(100)) == PLACES // 2
    assert Counter(who for who in range(2, 200) if let_in(intake, who)).total() == PLACES // 2
    assert (intake.under_way, intake.turned_away) == (PLACES, 84 + 182)
    intake.leave(1)
    assert let_in(intake, QUIET)


def test_who_leaves_makes_room() -> None:
    intake = Intake(2, Clock())
    for _ in range(100):
        assert let_in(intake, 1)
        intake.leave(1)
    assert (intake.under_way, intake.turned_away) == (0, 0)


def test_the_log_tells_of_it_at_once_and_then_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Dial()
    intake = Intake(2, clock)
    assert let_in(intake, 1)
    with caplog.at_level(logging.WARNING, "bot.intake"):
        for second in range(125):
            clock.at = float(second)
            let_in(intake, 1)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"busy: {new} interactions turned away, {total} since the start"
        for new, total in ((1, 1), (60, 61), (60, 121))
    ]


# ---- every interaction passes it


def client(**settings: str) -> TwodeckBot:
    values: dict[str, Any] = {"DISCORD_TOKEN": "x", **settings}
    return TwodeckBot(DiscordSettings(**values), cast(Any, None))


async def test_a_place_is_held_as_long_as_the_task_that_works_on_it() -> None:
    bot, going_on = client(TWODECK_INTAKE="2"), asyncio.Event()
    asked = cast(Any, SimpleNamespace(guild_id=None, user=SimpleNamespace(id=7)))

    async def work() -> None:
        bot.admit(asked)
        await going_on.wait()

    first = asyncio.create_task(work())
    await asyncio.sleep(0)
    assert bot.intake.under_way == 1
    with pytest.raises(Refused, match="busy"):
        await asyncio.create_task(work())
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.sleep(0)
    assert bot.intake.under_way == 0


def test_every_control_passes_the_gate() -> None:
    for cog in COGS:
        __import__(cog)
    kinds: list[type[discord.ui.DynamicItem[Any]]] = [*discord.ui.DynamicItem.__subclasses__()]
    for kind in kinds:
        kinds += kind.__subclasses__()
    ours = [kind for kind in kinds if kind.__module__.startswith("cogs.")]
    assert len(ours) > 10
    assert [kind for kind in ours if kind.interaction_check is not Admitted.interaction_check] == []
    assert TwodeckBot.admit.__name__ in Tree.interaction_check.__code__.co_names
