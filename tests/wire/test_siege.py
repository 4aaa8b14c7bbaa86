"""The short form of `python -m benchmarks siege`: valid callbacks are answered, bad connections are closed."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.forged import Knock
from benchmarks.siege import Forces, Outcome, besiege
from bot.database import Database
from bot.web.connections import Limits
from bot.web.listener import Listener
from tests.wire.plain_listener import PlainListener
from tests.wire.test_callback_faults import KEY, SECRET, TASK, opened, text
from tests.wire.test_callbacks import COMPLETE, headers

FORCES = Forces(40, 40, 8, 4, 60, 2, 40, opened_per_second=200, calm=0.1)


async def outcome_of(listener: Listener | PlainListener, forces: Forces) -> Outcome:
    def valid(number: int) -> Knock:
        kind = {"Content-Type": "application/json", **headers(TASK, key=KEY)}
        return Knock(f"/callbacks/kie/job1/{SECRET}", text(COMPLETE), kind)

    return await besiege(f"127.0.0.1:{listener.port}", forces, valid)


async def test_a_besieged_listener_answers_and_rids_itself_of_the_others(db: Database) -> None:
    async with opened(db, limits=Limits(head_seconds=1, body_seconds=1)) as door:
        outcome = await outcome_of(door.listener, FORCES)
        assert (outcome.open, len(outcome.closed_after), outcome.refused) == (0, 94, 0)
        assert door.listener.tally.counts["slow body"] > 0
        assert door.listener.tally.counts["fault"] == 0


async def test_the_figure_turns_red_for_a_plain_server(db: Database) -> None:
    async with opened(db) as door:
        plain = PlainListener(door.room)
        await plain.start("127.0.0.1", 0)
        outcome = await outcome_of(plain, replace(FORCES, seconds=3, bombs=0, oversized=0))
        await plain.stop()
    assert outcome.open >= 80
