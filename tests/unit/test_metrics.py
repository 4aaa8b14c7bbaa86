"""What is counted: each outcome under its own label, the labels few, the rows as they are at the moment."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import TraceRequestEndParams
from prometheus_client import Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from bot.clock import Clock
from bot.database import Database
from bot.engines.port import Account
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code
from bot.jobs.job import ARROWS
from bot.metrics import acks, counters
from bot.metrics.gateway import Gateway
from bot.posts.port import Closed, Postponed
from bot.posts.post import Purpose
from bot.request import EngineName
from bot.web.readings import Readings
from tests.unit.test_job_ledger import ask, service
from tests.unit.test_posts import World

LABELS = {
    "state": set(ARROWS),
    "engine": {*EngineName, ""},  # nothing: a client of the doctor or of a test
    "reason": set(Code),
    "purpose": set(Purpose),
    "call": {"create", "read", "upload"},
    "outcome": {"sent", "removed", "closed", "postponed", "failed"},
    "why": {
        *("connections of one address", "too many connections", "slow head", "endless head", "slow body"),
        *(
            "slow answer",
            "unread answer",
            "malformed",
            "cut off",
            "no callback",
            "wrong signature",
            "unknown address",
        ),
        *(
            "wrong method",
            "too large",
            "wrong type or encoding",
            "too many requests",
            "not stored",
            "fault",
            "other",
        ),
    },
    "code": {*map(str, counters._CODES), "other", "not-connected", "no-answer", "interrupted"},
}
"""Every label and its values."""
OUTCOMES = ("postponed", "failed", "closed", "sent")
NAMES = ("twodeck_ack_seconds_count", "twodeck_ack_seconds_sum", "twodeck_ack_failures_total")


def counted(name: str, **labels: str) -> float:
    return counters.REGISTRY.get_sample_value(name, labels) or 0


def test_no_label_has_more_values_than_are_written_down() -> None:
    for family in counters.REGISTRY.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert label == "le" or not label or value in LABELS[label], (family.name, label, value)
    ours = [one for one in vars(counters).values() if isinstance(one, Counter | Histogram)]
    assert {str(label) for one in cast(list[Any], ours) for label in one._labelnames} <= set(LABELS)


def test_a_code_that_no_document_has_is_one_of_many() -> None:
    assert [counters.code_of(code) for code in (200, 455, 531, 0, 777, 10**9)] == ["200", "455", "531"] + 3 * [
        "other"
    ]


async def test_each_try_to_deliver_is_counted_by_what_became_of_it(db: Database) -> None:
    world = World(db)
    await world.ask()
    before = {
        outcome: counted("twodeck_deliveries_total", purpose="notice", outcome=outcome) for outcome in OUTCOMES
    }
    for trouble in (Postponed("slow mode"), RuntimeError("no network")):
        world.channel.blind = True
        world.channel.trouble = [trouble]
        await world.step()
    world.channel.closed = Closed(Code.CHANNEL_GONE)
    await world.step()
    after = {
        outcome: counted("twodeck_deliveries_total", purpose="notice", outcome=outcome) for outcome in OUTCOMES
    }
    assert {outcome: after[outcome] - before[outcome] for outcome in OUTCOMES} == {
        "postponed": 1,
        "failed": 1,
        "closed": 1,
        "sent": 0,
    }


async def test_rows_and_engines_are_read_when_somebody_asks(db: Database, tmp_path: Path) -> None:
    await ask(service(db))
    since = Clock().now() - 60_000
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'staged', updated_at = ?", (since,)))
    engine = SimpleNamespace(name=EngineName.KIE, account=Account(12, 7.0, reached=False))
    switches, gateway = Switches(db, Clock()), Gateway()
    registry = Registry([cast(Any, engine)])
    readings = Readings(tmp_path / "twodeck.db", Clock(), gateway, registry, switches, [])

    async def told() -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families((await readings.text()).decode())
        return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}

    first = await told()
    assert first["twodeck_jobs", "staged"] == 1
    assert 60 <= first["twodeck_job_oldest_seconds", "staged"] < 600
    assert first["twodeck_posts_waiting",] == 1, "the card"
    assert (first["twodeck_engine_credits", "kie"], first["twodeck_engine_answers", "kie"]) == (7, 0)
    assert (first["twodeck_engine_takes_jobs", "kie"], first["twodeck_gateway_connected",]) == (1, 0)
    await switches.pause(EngineName.KIE, 60)
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'done'"))
    await db.work(lambda tx: tx.run("UPDATE posts SET state = 'sent'"))
    gateway.connected = True
    then = await told()
    assert (then["twodeck_jobs", "staged"], then["twodeck_job_oldest_seconds", "staged"]) == (0, 0)
    assert (then["twodeck_posts_waiting",], then["twodeck_engine_takes_jobs", "kie"]) == (0, 0)
    assert then["twodeck_gateway_connected",] == 1
    await db.close()
    (tmp_path / "twodeck.db").unlink()
    left = await told()
    assert ("twodeck_jobs", "staged") not in left
    assert left["twodeck_gateway_connected",] == 1


async def test_only_first_answers_count_and_those_that_never_came_are_forgotten() -> None:
    now = 100.0
    seen = acks.Acks(lambda: now)

    async def answer(path: str, status: int) -> None:
        response = cast(Any, SimpleNamespace(status=status))
        end = TraceRequestEndParams("POST", URL(f"https://discord.example/api/v10{path}"), cast(Any, {}), response)
        await seen._answered(cast(Any, None), SimpleNamespace(), end)

    count, seconds, failures = (counted(name) for name in NAMES)
    seen.arrived(1)
    seen.arrived(2)
    now = 100.5
    await answer("/webhooks/1/token/messages/@original", 200)
    await answer("/interactions/1/token/callback", 204)
    await answer("/interactions/1/token/callback", 204)
    await answer("/interactions/2/token/callback", 404)
    assert [counted(name) for name in NAMES] == [count + 1, seconds + 0.5, failures + 1]
    for number in range(3, 20_000):
        seen.arrived(number)
    assert len(seen._arrived) == acks._REMEMBERED
