"""Being forgotten: no trace of the person in any row, books that still balance, other people's jobs untouched."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.port import Engine, TaskState, TaskStatus
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code, Refusal
from bot.files.store import Stored, keep
from bot.guilds import audit
from bot.guilds.audit import Action
from bot.guilds.former import is_former
from bot.guilds.guild import Period
from bot.guilds.service import change_in
from bot.guilds.store import set_direct
from bot.jobs import inbox, persona_rows, store
from bot.jobs.forgetting import clear
from bot.jobs.job import ENDED, Ask, Move, Removal, Source, State, Track
from bot.jobs.line import JobLine
from bot.jobs.persona_rows import Persona
from bot.jobs.steps import Steps, give_up
from bot.posts import store as posts
from bot.posts.post import NewPost, PostState, Purpose, direct_to
from bot.privacy.forgetting import LONGEST_MS, Forgotten, finish, forget
from bot.quotas import ledger, policy
from bot.quotas import store as quotas
from bot.quotas.facts import Block, Claim, Effect, Grant, Kind, Rule
from bot.quotas.store import Pending
from bot.quotas.windows import Window
from bot.request import EngineName
from bot.settings import KeepSettings
from tests.bookkeeping import counters, sums

MIKA, NOOR = "123456789012345678", "223456789012345678"
HERE, THERE = "323456789012345678", "423456789012345678"
DAY = 24 * 3600_000
NOW = 1_800_000_000_000
TODAY = NOW - NOW % DAY
TRACES = (MIKA, "Night Drive", "secret prompt", "secret.mp3", "https://cdn", "the-token", "sniffed")
REQUEST: dict[str, Any] = {
    "engine": "kie",
    "mode": "custom",
    "model": "V5",
    "title": "Night Drive",
    "prompt": "secret prompt",
    "unused": [],
    "style": "dub",
}
_numbers = itertools.count()


def new_id() -> str:
    return f"x{next(_numbers):04}"


def add_job(tx: Tx, name: str, state: State, *, member: str = MIKA, guild: str = HERE, engine: str = "kie") -> None:
    """A job with everything a job can have, in one state."""
    sources = (Source("a", "https://cdn/a?sniffed", "secret.mp3", 77, "h" * 64, 10.0),)
    ask = Ask(name, guild, "c", member, "en", engine, "cover", REQUEST, 1, 1, sources, True, "the-token")
    store.insert(tx, name, ask, now=NOW - DAY, deadline=NOW + DAY)
    store.add_track(tx, name, Track(1, "r" * 64, "p" * 64, "Night Drive", 10.0))
    keep(tx, [Stored(hashlib.sha256(name.encode()).hexdigest(), 1, "mp3")], f"job:{name}", NOW + DAY, NOW)
    inbox.put(tx, name, "complete", "task-of-night-drive", NOW)
    posts.add(tx, f"job:{name}", NewPost(Purpose.CARD, "c", {"title": "Night Drive"}), post_id=f"c{name}", now=NOW)
    posts.add(
        tx,
        f"job:{name}",
        NewPost(Purpose.DIRECT, direct_to(member), {"member": member}),
        post_id=f"d{name}",
        now=NOW,
    )
    tx.run("UPDATE posts SET state = 'sent', message_id = '5' WHERE id = ?", (f"c{name}",))
    error = Refusal(Code.NOT_AUDIO, {"name": "secret.mp3"}).to_json()
    tx.run(
        "UPDATE jobs SET state = ?, task = 'task', uploads = '[\"https://cdn/u\"]', callback_secret = 's',"
        ' report = \'{"tracks": ["Night Drive"]}\', error = ?, ended_at = ? WHERE id = ?',
        (
            state,
            json.dumps(error) if state in (State.FAILED, State.NOTIFYING) else None,
            NOW if state in ENDED else None,
            name,
        ),
    )
    window = Window(TODAY, TODAY + DAY)
    claims = [
        Claim(policy.member_account(guild, member), 1, 99, window),
        Claim(policy.guild_account(guild), 1, 99, window),
    ]
    ledger.reserve(tx, name, claims, NOW)


def forget_mika(tx: Tx, now: int = NOW) -> Forgotten:
    return forget(tx, MIKA, new_id=new_id, now=now)


async def rows(db: Database, table: str, where: str = "1") -> list[dict[str, Any]]:
    return [dict(row) for row in await db.work(lambda tx: tx.all(f"SELECT * FROM {table} WHERE {where}"))]


async def traces(db: Database, *, but: tuple[str, ...] = ()) -> list[str]:
    """Where anything of Mika is to be read, in any column of any table."""
    names = await db.work(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table'"))
    found: list[str] = []
    for table in (row["name"] for row in names):
        if table in but:
            continue
        for row in await rows(db, table):
            found += [f"{table}.{c}: {v}" for c, v in row.items() for trace in TRACES if trace in str(v)]
    return found


@pytest.mark.parametrize("state", State)
async def test_no_row_says_whose_or_what_it_was(db: Database, state: State) -> None:
    await db.work(lambda tx: add_job(tx, "mine", state))
    await db.work(lambda tx: set_direct(tx, MIKA, True, NOW))
    persona = Persona("mine", 1, MIKA, EngineName.KIE, "Night Choir", "breathy")
    await db.work(lambda tx: persona_rows.put(tx, persona, NOW))
    assert any(trace.startswith("personas.") for trace in await traces(db))
    await db.work(lambda tx: forget_mika(tx, NOW + 2 * DAY))
    left = await traces(db, but=("posts",))
    (job,) = await rows(db, "jobs")
    assert is_former(job["member"])
    if state in ENDED:
        assert left == []
    else:
        assert [trace for trace in left if "jobs.uploads" not in trace] == [], "it may still have to be recognised"
        assert job["wake_at"] == 0
    found = await rows(db, "posts")
    assert [(post["state"], post["body"]) for post in found] == [("removing", "{}")]


async def test_the_books_balance_before_and_after_and_when_a_job_ends_later(db: Database) -> None:
    def unit(tx: Tx) -> None:
        for name, state in (("done", State.DONE), ("open", State.SUBMITTED)):
            add_job(tx, name, state)
        ledger.settle(tx, "done", NOW)

    await db.work(unit)
    before = await db.work(counters)
    await db.work(lambda tx: forget_mika(tx, NOW + 2 * DAY))
    after = await db.work(counters)
    assert after == await db.work(sums)
    assert sorted(after.values()) == sorted(before.values())
    assert not [account for account, _ in after if MIKA in account]
    await db.work(lambda tx: ledger.settle(tx, "open", NOW))
    settled = await db.work(counters)
    assert settled == await db.work(sums)
    assert set(settled.values()) == {(0, 2)}


async def test_each_guild_has_another_name_and_none_of_them_twice(db: Database) -> None:
    def unit(tx: Tx) -> None:
        for name, guild in (("a", HERE), ("b", HERE), ("c", THERE)):
            add_job(tx, name, State.DONE, guild=guild)
        forget_mika(tx)

    await db.work(unit)
    names = {job["id"]: job["member"] for job in await rows(db, "jobs")}
    assert names["a"] == names["b"] != names["c"]
    assert all(map(is_former, names.values()))


async def test_other_people_are_as_they_were(db: Database) -> None:
    def unit(tx: Tx) -> None:
        add_job(tx, "mine", State.DONE)
        add_job(tx, "theirs", State.SUBMITTED, member=NOOR)
        set_direct(tx, NOOR, True, NOW)

    await db.work(unit)
    where = {"jobs": "id = 'theirs'", "sources": "job = 'theirs'", "tracks": "job = 'theirs'"}
    where |= {"posts": "subject = 'job:theirs'", "ledger": "job = 'theirs'", "members": f"member = '{NOOR}'"}
    before = {table: await rows(db, table, which) for table, which in where.items()}
    await db.work(forget_mika)
    assert {table: await rows(db, table, which) for table, which in where.items()} == before
    assert all(before.values())


async def test_what_moderators_did_stays_without_who(db: Database) -> None:
    def unit(tx: Tx) -> None:
        add_job(tx, "theirs", State.DONE, member=NOOR)
        store.cancel(tx, "theirs", MIKA)
        store.remove(tx, "theirs", Removal(MIKA, "too loud"))
        audit.note(tx, HERE, MIKA, Action.DELETE_RESULT, "job:theirs", reason="too loud", now=1)
        change_in(tx, HERE, MIKA, 2, member_units=3)
        block = json.dumps({"ends": 5, "why": "Night Drive again"})
        audit.note(tx, HERE, NOOR, Action.BLOCK, f"member:{MIKA}", reason=block, now=3)
        forget_mika(tx)

    await db.work(unit)
    first, second, third = await rows(db, "audit")
    assert (first["subject"], first["reason"]) == ("job:theirs", "too loud")
    assert json.loads(second["reason"]) == {"old": None, "new": 3}
    assert is_former(first["actor"])
    assert first["actor"] == second["actor"]
    assert (third["actor"], json.loads(third["reason"])) == (NOOR, {"ends": 5})
    assert third["subject"] == f"member:{first['actor']}"
    theirs = await db.work(lambda tx: store.get(tx, "theirs"))
    assert theirs is not None
    assert (theirs.cancelled_by, theirs.removed) == (first["actor"], Removal(first["actor"], "too loud"))


async def test_the_files_are_nobodys_at_once(db: Database) -> None:
    await db.work(lambda tx: add_job(tx, "mine", State.DONE))
    await db.work(forget_mika)
    assert [row["expires_at"] for row in await rows(db, "file_refs")] == [NOW]


async def test_twice_is_as_good_as_once(db: Database) -> None:
    await db.work(lambda tx: add_job(tx, "mine", State.DONE))
    later = NOW + 2 * DAY
    await db.work(lambda tx: forget_mika(tx, later))
    before = {
        table: await rows(db, table) for table in ("jobs", "ledger", "balance", "audit", "forgotten", "posts")
    }
    assert await db.work(lambda tx: forget_mika(tx, later)) == Forgotten(0, None)
    assert {table: await rows(db, table) for table in before} == before
    assert before["forgotten"] == []


async def test_what_was_decided_against_somebody_stands_and_the_rest_loses_the_name(db: Database) -> None:
    def unit(tx: Tx) -> None:
        quotas.put_block(tx, HERE, MIKA, Block("rude", None), by=NOOR, now=1)
        quotas.put_block(tx, THERE, MIKA, Block("rude", NOW - 1), by=NOOR, now=1)
        quotas.put_block(tx, THERE, NOOR, Block("rude", None), by=MIKA, now=1)
        quotas.put_rule(tx, HERE, Rule(Kind.MEMBER, MIKA, Effect.LIMIT, 0))
        quotas.put_rule(tx, THERE, Rule(Kind.MEMBER, MIKA, Effect.EXEMPT, 0))
        quotas.add_grant(tx, Grant("g1", 5, 0, None), HERE, MIKA, by=NOOR, reason="Night Drive", now=1)
        quotas.add_grant(tx, Grant("g2", 5, 0, None), HERE, NOOR, by=MIKA, reason="kind", now=1)
        quotas.put_pending(tx, "q", Pending(HERE, NOOR, {"do": "block", "member": MIKA}), NOW)
        body = {"locale": "en", "entries": [{"actor": MIKA}]}
        posts.add(tx, f"log:{HERE}:1", NewPost(Purpose.LOG, "c", body), post_id="l", now=NOW)
        forget_mika(tx)

    await db.work(unit)
    assert await traces(db, but=("blocks", "rules", "forgotten")) == []
    assert [(row["guild"], row["member"]) for row in await rows(db, "blocks")] == [(HERE, MIKA), (THERE, NOOR)]
    assert is_former((await rows(db, "blocks"))[1]["blocked_by"])
    assert [(row["subject"], row["effect"]) for row in await rows(db, "rules")] == [(MIKA, "limit")]
    first, second = await rows(db, "grants")
    assert is_former(first["member"])
    assert is_former(second["granted_by"])
    assert (first["reason"], second["reason"], second["member"]) == ("", "kind", NOOR)
    assert await rows(db, "confirmations") == []


# ---- allowances


def spend(tx: Tx, job: str, now: int) -> None:
    """One more unit of five a day."""
    window = Window(now - now % DAY, now - now % DAY + DAY)
    ledger.reserve(tx, job, [Claim(policy.member_account(HERE, MIKA), 1, 5, window)], now)
    ledger.settle(tx, job, now)


async def spends_again(db: Database) -> int:
    """How many units somebody gets out of a day who is forgotten whenever nothing is left."""
    taken = 0
    for number in range(20):
        try:
            await db.work(lambda tx, number=number: spend(tx, f"j{number}", NOW))
            taken += 1
        except Exception:  # noqa: BLE001 - refused, by whatever name
            await db.work(forget_mika)
    return taken


async def test_being_forgotten_makes_no_new_allowance(db: Database) -> None:
    assert await spends_again(db) == 5


async def test_renaming_a_running_window_would_make_one(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant."""
    monkeypatch.setitem(LONGEST_MS, Period.DAY, -DAY)
    assert await spends_again(db) > 5


async def test_the_name_goes_when_the_window_has_ended(db: Database) -> None:
    await db.work(lambda tx: spend(tx, "j", NOW))
    done = await db.work(forget_mika)
    assert done.accounts_until == TODAY + LONGEST_MS[Period.DAY]
    await db.work(lambda tx: finish(tx, new_id=new_id, now=done.accounts_until or 0 - 1))
    await db.work(lambda tx: spend(tx, "later", NOW + 2 * DAY))
    await db.work(lambda tx: finish(tx, new_id=new_id, now=NOW + 2 * DAY))
    balance = await db.work(counters)
    assert balance == await db.work(sums)
    named = [account for account in balance if MIKA in account[0]]
    assert named == [(policy.member_account(HERE, MIKA), TODAY + 2 * DAY)], "what came after is a new acquaintance"
    assert await rows(db, "forgotten") == []


async def test_longer_windows_keep_the_name_longer(db: Database) -> None:
    await db.work(lambda tx: change_in(tx, HERE, NOOR, 1, period="month"))
    await db.work(lambda tx: spend(tx, "j", NOW))
    await db.work(forget_mika)
    await db.work(lambda tx: finish(tx, new_id=new_id, now=NOW + 20 * DAY))
    assert await rows(db, "forgotten")
    await db.work(lambda tx: finish(tx, new_id=new_id, now=NOW + 32 * DAY))
    assert await rows(db, "forgotten") == []


# ---- jobs under way


def engine(name: EngineName, discarded: list[str]) -> Engine:
    async def discard(task: str) -> None:
        discarded.append(task)

    async def status(task: str) -> TaskStatus:
        return TaskStatus(TaskState.READY)

    local = name is EngineName.LOCAL
    found = SimpleNamespace(
        name=name, repeatable=local, cancellable=local, polls_per_second=None, discard=discard, status=status
    )
    return cast(Engine, found)


class NoBell:
    async def alert(self, *_: Any, **__: Any) -> None: ...

    async def clear(self, *_: Any, **__: Any) -> None: ...


class Still(Clock):
    def now(self) -> int:
        return NOW


class Works:
    """The real line and the real steps, with engines that are finished at once."""

    def __init__(self, db: Database, tmp_path: Path) -> None:
        self.db, self.discarded = db, list[str]()
        clock = Still()
        registry = Registry([engine(name, self.discarded) for name in (EngineName.LOCAL, EngineName.KIE)])
        switches = Switches(db, clock)
        nothing = cast(Any, None)
        steps = Steps(db, clock, registry, switches, nothing, nothing, nothing, NoBell())
        keep = KeepSettings.model_validate({})
        self.line = JobLine(db, clock, registry, switches, steps, lambda _: None, NoBell(), keep)

    async def step(self, job: str) -> State:
        (row,) = await self.db.work(lambda tx: store.lease(tx, [job], owner="me", lease_until=1))
        await self.line.advance(row, "me")
        return await self.state(job)

    async def state(self, job: str) -> State:
        found = await self.db.work(lambda tx: store.get(tx, job))
        assert found is not None
        return found.state

    async def ends(self, job: str) -> list[State]:
        way = [await self.state(job)]
        while way[-1] not in ENDED:
            way.append(await self.step(job))
        return way


@pytest.fixture
def works(db: Database, tmp_path: Path) -> Works:
    return Works(db, tmp_path)


@pytest.mark.parametrize(
    ("origin", "of", "end", "kind"),
    [
        (State.ACCEPTED, "kie", State.CANCELLED, "release"),
        (State.STAGED, "kie", State.CANCELLED, "release"),
        (State.SUBMITTED, "local", State.CANCELLED, "release"),
        (State.SUBMITTED, "kie", State.DONE, "settle"),
        (State.READY, "kie", State.DONE, "settle"),
        (State.DOWNLOADED, "local", State.DONE, "settle"),
        (State.POSTING, "kie", State.DONE, "settle"),
        (State.NOTIFYING, "kie", State.FAILED, None),
    ],
)
async def test_a_job_under_way_ends_without_a_trace(
    db: Database, works: Works, origin: State, of: str, end: State, kind: str | None
) -> None:
    await db.work(lambda tx: add_job(tx, "mine", origin, engine=of))
    assert (await db.work(forget_mika)).under_way == 1
    assert (await works.ends("mine"))[-1] is end
    assert await traces(db, but=("ledger", "balance", "forgotten")) == []
    assert await rows(db, "tracks") == await rows(db, "inbox") == []
    closed = {row["kind"] for row in await rows(db, "ledger")} - {"reserve"}
    assert closed == ({kind} if kind else set())
    assert await db.work(counters) == await db.work(sums)
    (job,) = await rows(db, "jobs")
    assert (job["task"], job["uploads"], job["callback_secret"], job["report"]) == (None, None, None, None)
    assert (works.discarded != []) == (origin in (State.SUBMITTED, State.READY, State.DOWNLOADED))


@pytest.mark.parametrize("origin", [State.SUBMITTING, State.READY, State.SUBMITTED])
async def test_a_step_that_was_under_way_leaves_nothing(db: Database, works: Works, origin: State) -> None:
    """It read the job before, and writes its outcome after."""
    await db.work(lambda tx: add_job(tx, "mine", origin))
    (before,) = await db.work(lambda tx: store.lease(tx, ["mine"], owner="me", lease_until=1))
    await db.work(forget_mika)
    steps = {
        State.SUBMITTING: Move(State.SUBMITTED, {"task": "paid"}),
        State.READY: Move(
            State.DOWNLOADED,
            {"report": '{"title": "Night Drive"}'},
            tracks=(Track(1, "r" * 64, "p" * 64, "Night Drive", 1.0),),
            files=(("f" * 64, 1, "mp3"),),
        ),
        State.SUBMITTED: give_up(before, Refusal(Code.NOT_AUDIO, {"name": "secret.mp3"})),
    }
    await works.line._apply(before, "me", steps[origin])
    assert await works.state("mine") is steps[origin].to
    left = await traces(db, but=("ledger", "balance", "forgotten"))
    assert [trace for trace in left if "jobs.uploads" not in trace] == []
    assert await rows(db, "tracks") == []
    assert len(await rows(db, "file_refs")) == 1
    if origin is State.SUBMITTING:
        assert (await rows(db, "jobs"))[0]["task"] == "paid", "it has to be settled"


@pytest.mark.parametrize("origin", [State.ACCEPTED, State.STAGED])
async def test_a_step_before_the_engine_has_it_can_hand_nothing_in_any_more(db: Database, origin: State) -> None:
    await db.work(lambda tx: add_job(tx, "mine", origin))
    (before,) = await db.work(lambda tx: store.lease(tx, ["mine"], owner="me", lease_until=1))
    await db.work(forget_mika)
    marked = await db.work(lambda tx: store.mark(tx, before, "me", State.SUBMITTING, now=NOW, deadline=NOW))
    assert not marked


async def test_a_message_that_was_on_its_way_is_deleted_when_it_arrived(db: Database) -> None:
    await db.work(lambda tx: add_job(tx, "mine", State.POSTING))
    (sending,) = await db.work(lambda tx: posts.claim(tx, owner="p", now=NOW, lease_until=NOW + 1, room=1))
    await db.work(lambda tx: posts.change(tx, sending, "p", {"state": PostState.SENDING}))
    await db.work(forget_mika)
    assert {post["id"]: post["state"] for post in await rows(db, "posts")} == {
        "dmine": "sending",
        "cmine": "removing",
    }

    def arrives(tx: Tx) -> None:
        tx.run("UPDATE posts SET state = 'sent', owner = NULL, message_id = '9' WHERE id = 'dmine'")
        clear(tx, "mine")

    await db.work(arrives)
    found = {post["id"]: (post["state"], post["body"]) for post in await rows(db, "posts")}
    assert found == {"dmine": ("removing", "{}"), "cmine": ("removing", "{}")}

    def removed(tx: Tx) -> None:
        tx.run("UPDATE posts SET state = 'removed'")
        clear(tx, "mine")

    await db.work(removed)
    assert await rows(db, "posts") == []


async def test_nothing_of_others_is_cleared(db: Database) -> None:
    await db.work(lambda tx: add_job(tx, "theirs", State.DONE, member=NOOR))
    await db.work(lambda tx: clear(tx, "theirs"))
    assert len(await rows(db, "posts")) == 2
