"""A job and its reservations move together: taken at acceptance, closed by the step that ends it, or neither."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest

from bot import failpoints
from bot.clock import Clock
from bot.database import Database
from bot.engines.port import Capabilities, Engine
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Cause, Code, Refusal, Refused, Value
from bot.guilds.moderation import Actor
from bot.guilds.service import GuildService
from bot.jobs import line as line_module
from bot.jobs import store
from bot.jobs.job import ARROWS, EFFECTS, Effect, Job, Move, Sleep, State, Step
from bot.jobs.line import FAULTS, JobLine
from bot.jobs.service import Accepted, JobService, Offer, Place
from bot.jobs.steps import Steps, call_off, give_up
from bot.posts import store as posts
from bot.quotas.facts import Operator
from bot.quotas.gate import Gate
from bot.quotas.windows import day
from bot.request import EngineName, Limits, Operation
from bot.settings import KeepSettings
from cogs.asking import promise
from tests.bookkeeping import counters, kinds, sums

GIVE_UPS = sorted(origin for origin, targets in ARROWS.items() if State.NOTIFYING in targets)
PLACE = Place(interaction="i1", guild="7", channel="1", member="42", locale="en-US", max_bytes=1 << 23)
OFFERS = (Offer("https://x/a.mp3", "a.mp3", 9), Offer("https://x/b.mp3", "b.mp3", 9))
Handler = Callable[[Job, str], Awaitable[Step]]


class NoonClock(Clock):
    """Real ids; a time that stands still at noon, so that no test meets midnight."""

    def now(self) -> int:
        return day(super().now()).start + 12 * 3600_000


CLOCK = NoonClock()
KEEP = KeepSettings.model_validate({})
TODAY = day(CLOCK.now()).start


def engine(name: EngineName) -> Engine:
    """All that accepting and waiting read of an engine."""
    capabilities = Capabilities((), Limits(prompt=500, style=100, title=80), frozenset())
    local = name is EngineName.LOCAL
    known = SimpleNamespace(
        name=name,
        capabilities=mock.Mock(return_value=capabilities),
        repeatable=local,
        cancellable=local,
        free=lambda: 1,
        opens_in=lambda: None,
    )
    return cast(Engine, known)


REGISTRY = Registry([engine(EngineName.KIE), engine(EngineName.LOCAL)])


def service(db: Database, *, queue: int = 1000, member: int = 5, guild: int = 50) -> JobService:
    return JobService(
        db,
        CLOCK,
        REGISTRY,
        Switches(db, CLOCK),
        max_source_bytes=1 << 20,
        gate=Gate(
            Operator(
                member_day=member,
                guild_day=guild,
                member_running=queue,
                member_running_most=queue,
                guild_running=queue,
                guild_running_most=queue,
                cooldown_seconds=0,
            )
        ),
        keep=KEEP,
        wake=lambda: None,
    )


async def ask(jobs: JobService, interaction: str = "i1", *, engine: str = "kie", member: str = "42") -> Accepted:
    place = replace(PLACE, interaction=interaction, member=member)
    return await jobs.ask(Operation.MASHUP, place, OFFERS, {"engine": engine})


async def held(db: Database) -> tuple[int, int]:
    """What the member's account holds and has used; the guild's must say the same, and so must the ledger."""
    found = await db.work(counters)
    assert found == await db.work(sums)
    of_member, of_guild = (found.get((account, TODAY), (0, 0)) for account in ("member:7:42", "guild:7"))
    assert of_member == of_guild
    return of_member


async def leased(db: Database, job: str, state: State) -> Job:
    """The job as a step finds it."""
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = ? WHERE id = ?", (state, job)))
    (row,) = await db.work(lambda tx: store.lease(tx, [job], owner="me", lease_until=1))
    return row


class Told:
    """What operators would hear of."""

    def __init__(self) -> None:
        self.causes: list[Cause] = []

    async def alert(self, cause: Cause, about: str = "", **values: Value) -> None:
        self.causes.append(cause)

    async def clear(self, cause: Cause, about: str = "") -> None: ...


def line_of(db: Database, steps: Steps, alarm: Told | None = None, switches: Switches | None = None) -> JobLine:
    switches = switches or Switches(db, CLOCK)
    return JobLine(db, CLOCK, REGISTRY, switches, steps, lambda _: None, alarm or Told(), KEEP)


async def advance(db: Database, job: Job, handler: Handler) -> State:
    """One step of the job with this handler; returns where it is then."""
    steps = cast(Steps, SimpleNamespace(handlers={job.state: handler}))
    await line_of(db, steps).advance(job, "me")
    return await state_of(db, job.id)


async def state_of(db: Database, job: str) -> State:
    found = await db.work(lambda tx: store.get(tx, job))
    assert found is not None
    return found.state


def goes(step: Step) -> Handler:
    async def handler(job: Job, owner: str) -> Step:
        return step

    return handler


async def gives_up(job: Job, owner: str) -> Step:
    return give_up(job, Refusal(Code.ENGINE_FAILED))


async def refuses(job: Job, owner: str) -> Step:
    raise Refused(Code.ENGINE_FAILED)


async def stumbles(job: Job, owner: str) -> Step:
    raise ValueError("on purpose")


# Acceptance.


async def test_acceptance_reserves_and_says_what_is_left(db: Database) -> None:
    accepted = await ask(service(db))
    assert accepted.standing is not None
    assert (accepted.standing.left, accepted.standing.limit) == (4, 5)
    assert await held(db) == (1, 0)
    assert promise(accepted, "en-US").endswith(
        f"You have 4 of 5 left today; the next 5 come <t:{TODAY // 1000 + 86_400}:R>."
    )


async def test_the_embedded_engine_is_free_and_nothing_is_said_of_quotas(db: Database) -> None:
    accepted = await ask(service(db, member=0, guild=0), engine="local")
    assert accepted.standing is None
    assert promise(accepted, "en-US").endswith(f"Job `{accepted.job.id}`.")
    assert await held(db) == (0, 0)
    assert await db.work(lambda tx: kinds(tx, accepted.job.id)) == [("member", "reserve"), ("guild", "reserve")]


async def test_the_same_interaction_reserves_once(db: Database) -> None:
    jobs = service(db)
    first, second = await ask(jobs), await ask(jobs)
    assert first == second
    assert await held(db) == (1, 0)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"member": 2}, Code.QUOTA_MEMBER),
        ({"guild": 2}, Code.QUOTA_GUILD),
        ({"member": 2, "guild": 2}, Code.QUOTA_MEMBER),
        ({"queue": 2, "member": 2}, Code.TOO_MANY_WAITING),
    ],
)
async def test_a_full_allowance_refuses_and_keeps_nothing(db: Database, limits: dict[str, int], code: Code) -> None:
    jobs = service(db, **limits)
    await ask(jobs, "i1")
    await ask(jobs, "i2")
    with pytest.raises(Refused) as caught:
        await ask(jobs, "i3")
    assert caught.value.refusal.code is code
    assert await held(db) == (2, 0)
    assert await db.work(lambda tx: [row["interaction"] for row in tx.all("SELECT interaction FROM jobs")]) == [
        "i1",
        "i2",
    ]
    assert len(await db.work(lambda tx: tx.all("SELECT DISTINCT job FROM ledger"))) == 2


async def test_a_crash_during_acceptance_leaves_neither_job_nor_reservation(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "add", crash)
    with pytest.raises(OSError, match="power cut"):
        await ask(service(db))
    assert await held(db) == (0, 0)
    assert await db.work(lambda tx: tx.all("SELECT 1 FROM jobs UNION ALL SELECT 1 FROM ledger")) == []


def crash(*_: Any, **__: Any) -> None:
    raise OSError("power cut")


# The arrows.


def test_every_arrow_has_the_effect_that_its_target_demands() -> None:
    demanded = {State.NOTIFYING: Effect.RELEASE, State.DONE: Effect.SETTLE}
    arrows = [(origin, target) for origin, targets in ARROWS.items() for target in targets]
    assert {arrow: demanded[arrow[1]] for arrow in arrows if arrow[1] in demanded} == EFFECTS


@pytest.mark.parametrize("origin", GIVE_UPS)
@pytest.mark.parametrize("handler", [gives_up, refuses])
async def test_giving_up_releases_wherever_it_happens(db: Database, origin: State, handler: Handler) -> None:
    job = (await ask(service(db))).job
    assert await advance(db, await leased(db, job.id, origin), handler) is State.NOTIFYING
    assert await held(db) == (0, 0)
    assert await advance(db, await leased(db, job.id, State.NOTIFYING), goes(Move(State.FAILED))) is State.FAILED
    written = await db.work(lambda tx: kinds(tx, job.id))
    assert [kind for _, kind in written] == ["reserve", "reserve", "release", "release"]


@pytest.mark.parametrize("origin", GIVE_UPS)
async def test_a_passed_deadline_releases(db: Database, origin: State) -> None:
    job = (await ask(service(db))).job
    late = replace(await leased(db, job.id, origin), deadline=0)
    assert await advance(db, late, stumbles) is State.NOTIFYING
    assert await held(db) == (0, 0)


@pytest.mark.parametrize("moderator", [True, False])
async def test_a_cancel_before_the_engine_has_it_releases(db: Database, moderator: bool) -> None:
    job = (await ask(service(db))).job
    await db.work(lambda tx: store.cancel(tx, job.id, "1" if moderator else "42"))
    staged = await leased(db, job.id, State.STAGED)
    assert await advance(db, staged, goes(call_off(staged))) is State.NOTIFYING
    assert await held(db) == (0, 0)


async def test_a_step_that_keeps_stumbling_releases_in_the_end(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    job = (await ask(service(db))).job
    steps = cast(Steps, SimpleNamespace(handlers={State.READY: stumbles}))
    alarm = Told()
    jobs = line_of(db, steps, alarm)
    with caplog.at_level("CRITICAL"):
        for count in range(FAULTS):
            assert await held(db) == (1, 0), count
            await jobs.advance(await leased(db, job.id, State.READY), "me")
    assert await state_of(db, job.id) is State.NOTIFYING
    assert await held(db) == (0, 0)
    assert alarm.causes == [Cause.UNEXPECTED] * FAULTS


async def test_a_delivered_or_kept_result_settles(db: Database) -> None:
    jobs = service(db)
    sent, kept = (await ask(jobs, "i1")).job, (await ask(jobs, "i2")).job
    step = goes(Move(State.DONE, {"how": "channel"}))
    assert await advance(db, await leased(db, sent.id, State.POSTING), step) is State.DONE
    assert await held(db) == (1, 1)
    late = replace(await leased(db, kept.id, State.POSTING), deadline=0)
    assert await advance(db, late, stumbles) is State.DONE
    assert await held(db) == (0, 2)


@pytest.mark.parametrize(
    ("origin", "step"),
    [
        (State.ACCEPTED, Move(State.STAGED)),
        (State.SUBMITTING, Move(State.SUBMITTED, {"task": "t"})),
        (State.SUBMITTED, Move(State.STAGED, {"task": None})),
        (State.DOWNLOADED, Move(State.POSTING)),
        (State.SUBMITTED, Sleep(1)),
    ],
)
async def test_steps_on_the_way_touch_no_reservation(db: Database, origin: State, step: Step) -> None:
    job = (await ask(service(db))).job
    await advance(db, await leased(db, job.id, origin), goes(step))
    assert await held(db) == (1, 0)


async def test_a_late_proof_is_delivered_free(db: Database) -> None:
    job = (await ask(service(db))).job
    path = (State.SUBMITTING, State.NOTIFYING, State.UNKNOWN, State.SUBMITTED, State.READY, State.DOWNLOADED)
    for origin, target in zip(path, (*path[1:], State.POSTING), strict=True):
        row = replace(await leased(db, job.id, origin), deadline=CLOCK.now() + 1)
        assert await advance(db, row, goes(Move(target))) is target
    assert await held(db) == (0, 0)
    posting = await leased(db, job.id, State.POSTING)
    assert await advance(db, posting, goes(Move(State.DONE, {"how": "channel"}))) is State.DONE
    assert await held(db) == (0, 0)


@pytest.mark.parametrize(
    ("origin", "step", "target"),
    [
        (State.SUBMITTED, give_up, "bot.posts.store.add"),
        (State.SUBMITTED, give_up, "bot.quotas.ledger.release"),
        (State.POSTING, None, "bot.quotas.ledger.settle"),
    ],
)
async def test_a_crash_in_the_unit_moves_neither_job_nor_reservation(
    db: Database, monkeypatch: pytest.MonkeyPatch, origin: State, step: Any, target: str
) -> None:
    job = await leased(db, (await ask(service(db))).job.id, origin)
    move = step(job, Refusal(Code.ENGINE_FAILED)) if step else Move(State.DONE, {"how": "channel"})
    with monkeypatch.context() as patch:
        patch.setattr(target, crash)
        with pytest.raises(OSError, match="power cut"):
            await advance(db, job, goes(move))
    assert (await state_of(db, job.id), await held(db)) == (origin, (1, 0))
    assert await advance(db, job, goes(move)) is move.to
    assert await held(db) == ((0, 0) if step else (0, 1))


async def test_sources_and_results_are_kept_for_as_long_as_the_settings_say(db: Database) -> None:
    job = (await ask(service(db))).job
    for origin, target, name in (
        (State.ACCEPTED, State.STAGED, "source"),
        (State.READY, State.DOWNLOADED, "result"),
    ):
        row = await leased(db, job.id, origin)
        await advance(db, row, goes(Move(target, files=((name, 1, "mp3"),))))
    rows = await db.work(lambda tx: tx.all("SELECT hash, expires_at FROM file_refs"))
    days = {row["hash"]: (row["expires_at"] - CLOCK.now()) / 86_400_000 for row in rows}
    assert days == {"source": KEEP.source_days, "result": KEEP.result_days}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_step_is_written_by_a_database_that_balked_once(db: Database, moment: str) -> None:
    job = await leased(db, (await ask(service(db))).job.id, State.SUBMITTING)
    balks = [f"commit bot.jobs.line.JobLine._apply:{moment}"]

    def strike(point: str) -> None:
        if point in balks:
            balks.remove(point)
            raise sqlite3.OperationalError("disk I/O error")

    failpoints.arm(strike)
    try:
        assert await advance(db, job, goes(Move(State.SUBMITTED, {"task": "paid"}))) is State.SUBMITTED
    finally:
        failpoints.arm(None)
    found = await db.work(lambda tx: store.get(tx, job.id))
    assert found is not None
    assert (found.task, balks) == ("paid", [])


async def test_a_step_that_lost_its_lease_closes_nothing(db: Database) -> None:
    job = await leased(db, (await ask(service(db))).job.id, State.SUBMITTED)
    await db.work(store.clear_leases)
    assert await advance(db, job, gives_up) is State.SUBMITTED
    assert await held(db) == (1, 0)


async def test_without_its_effect_an_arrow_leaks(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: what the tests above would see if the table were not applied."""
    monkeypatch.setattr(line_module, "EFFECTS", {})
    job = (await ask(service(db))).job
    await advance(db, await leased(db, job.id, State.SUBMITTED), gives_up)
    assert await held(db) == (1, 0)


@pytest.mark.parametrize("paused", [False, True])
async def test_nothing_of_a_paused_guild_gets_its_turn(db: Database, paused: bool) -> None:
    job = (await ask(service(db), engine="local")).job
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'staged' WHERE id = ?", (job.id,)))
    await GuildService(db, CLOCK, lambda: None).change(Actor("7", "99", frozenset(), manages=True), paused=paused)
    steps = cast(Steps, SimpleNamespace(handlers={State.STAGED: stumbles}))
    taken = await db.work(lambda tx: line_of(db, steps).claim(tx, "me", 9))
    assert [one.id for one in taken] == ([] if paused else [job.id])


async def test_the_books_survive_a_restart(tmp_path: Path) -> None:
    first = Database(tmp_path / "books.db")
    await first.open()
    job = (await ask(service(first))).job
    await first.close()
    second = Database(tmp_path / "books.db")
    await second.open()
    try:
        assert await held(second) == (1, 0)
        await advance(second, await leased(second, job.id, State.READY), gives_up)
        assert await held(second) == (0, 0)
    finally:
        await second.close()


@pytest.mark.parametrize(("waits", "rests", "ends"), [(59, True, False), (61, True, True), (61, False, False)])
async def test_who_waits_for_credits_is_released_after_an_hour(
    db: Database, waits: int, rests: bool, ends: bool
) -> None:
    switches = Switches(db, CLOCK)
    await switches.turn(EngineName.KIE, None if rests else "for now")
    if rests:
        await switches.pause(EngineName.KIE, 60)
    job = (await ask(service(db))).job
    created = CLOCK.now() - waits * 60_000
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'staged', created_at = ?, wake_at = 0", (created,)))
    line = line_of(db, cast(Steps, SimpleNamespace(handlers={State.STAGED: None})), switches=switches)
    claimed = await db.work(lambda tx: line.claim(tx, "me", 8))
    assert [found.id for found in claimed] == ([job.id] if ends else [])
    for found in claimed:
        await line.advance(found, "me")
        after = await db.work(lambda tx: store.get(tx, job.id))
        assert after is not None
        assert after.error is not None
        assert (after.state, after.error.code) == (State.NOTIFYING, Code.OUT_OF_CREDITS)
        assert await held(db) == (0, 0)
    wakes = await db.work(lambda tx: line.next_wake(tx, created))
    assert ends or wakes is not None


async def test_who_waits_for_an_engine_that_stays_off_is_released_at_the_deadline(db: Database) -> None:
    switches = Switches(db, CLOCK)
    await switches.turn(EngineName.KIE, "for good")
    job = (await ask(service(db))).job
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'staged', deadline = 1, wake_at = 0"))
    line = line_of(db, cast(Steps, SimpleNamespace(handlers={State.STAGED: None})), switches=switches)
    (claimed,) = await db.work(lambda tx: line.claim(tx, "me", 8))
    await line.advance(claimed, "me")
    after = await db.work(lambda tx: store.get(tx, job.id))
    assert after is not None
    assert after.error is not None
    assert after.error.code is Code.TOOK_TOO_LONG
