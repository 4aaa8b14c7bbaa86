"""What the buttons below a result do: with which options, for whom, how often, and what they leave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.files import store as files
from bot.files.store import Stored
from bot.jobs import repeat, store
from bot.jobs.job import Job, Track
from bot.jobs.results import Act
from bot.jobs.service import JobService, Reader
from bot.jobs.stake import NoStake
from bot.posts import store as posts
from bot.posts.post import Purpose
from bot.quotas import ledger
from bot.request import Operation
from tests.unit.test_job_ledger import CLOCK, OFFERS, PLACE, service
from tests.unit.test_repeat import results_of

GIVEN = {"engine": "kie", "mode": "simple", "prompt": "rain", "title": "Mine", "weirdness": 0.3}
OWNER = Reader(PLACE.guild, PLACE.member, moderator=False)
OTHER = Reader(PLACE.guild, "43", moderator=False)
MODERATOR = Reader(PLACE.guild, "99", moderator=True)
ANYWHERE = Reader(None, PLACE.member, moderator=False)


class Held(NoStake):
    """A contest that has every job, and hides whose they are."""

    def hides(self, tx: Tx, job: str) -> bool:
        return True

    def holds(self, tx: Tx, job: str) -> bool:
        return True


async def made(db: Database, jobs: JobService, given: Mapping[str, Any] = GIVEN, *, private: bool = False) -> Job:
    """A job that has its result, with everything in our store."""
    place = replace(PLACE, interaction=f"made-{CLOCK.new_id()}", private=private)
    job = (await jobs.ask(Operation.MASHUP, place, OFFERS, given)).job
    now = CLOCK.now()

    def finish(tx: Tx) -> None:
        for source in job.ask.sources:
            digest = source.side * 64
            store.stage_source(tx, job.id, replace(source, hash=digest, seconds=60.0))
            files.keep(tx, [Stored(digest, 9, "mp3")], job.subject, now + 1000, now)
        files.keep(tx, [Stored("c" * 64, 9, "mp3")], job.subject, now + 1000, now)
        store.add_track(tx, job.id, Track(1, "c" * 64, "", "One", 61.0))
        tx.run("UPDATE jobs SET state = 'done', report = ? WHERE id = ?", (json.dumps({"tracks": []}), job.id))
        ledger.settle(tx, job.id, now)

    await db.work(finish)
    found = await db.work(lambda tx: store.get(tx, job.id))
    assert found is not None
    return found


def pressed(number: int) -> Any:
    return replace(PLACE, interaction=f"press-{number}")


async def refused(call: Any) -> Code:
    with pytest.raises(Refused) as caught:
        await call
    return caught.value.refusal.code


async def test_swapped_is_the_same_with_the_sources_in_each_others_place(db: Database) -> None:
    jobs = service(db)
    job = await made(db, jobs, {"engine": "kie"}, private=True)
    assert job.title == "a × b"
    swapped = (await results_of(jobs).swap(pressed(1), job.id)).job
    assert [(s.side, s.name, s.hash) for s in swapped.ask.sources] == [
        ("a", "b.mp3", "b" * 64),
        ("b", "a.mp3", "a" * 64),
    ]
    assert (swapped.title, swapped.ask.private, swapped.ask.seed == job.ask.seed) == ("b × a", True, False)
    again = (await results_of(jobs).swap(pressed(2), job.id)).job
    assert again.id == swapped.id, "a double click makes one"
    assert (await results_of(jobs).again(pressed(3), job.id)).job.id != swapped.id, "that is something else"


async def test_the_form_has_what_was_asked_and_what_is_sent_is_made(db: Database) -> None:
    jobs = service(db)
    job = await made(db, jobs)
    form = await results_of(jobs).form(PLACE, job.id)
    assert form.fields == {"engine": "kie", "title": "Mine", "style": "", "prompt": "rain", "audio_weight": ""}
    assert len(form.fields) <= 5
    assert [engine.value for engine in form.engines] == ["kie", "local"]
    typed = {"engine": "local", "title": "Yours", "prompt": "snow", "audio_weight": "0,5"}
    changed = (await results_of(jobs).change(pressed(1), job.id, typed)).job.ask.request
    kept = {name: changed[name] for name in ("engine", "title", "prompt", "audio_weight", "weirdness", "mode")}
    assert kept == {
        "engine": "local",
        "title": "Yours",
        "prompt": "snow",
        "audio_weight": 0.5,
        "weirdness": 0.3,
        "mode": "simple",
    }
    assert await refused(results_of(jobs).change(pressed(2), job.id, {"audio_weight": "much"})) is (
        Code.WEIGHT_OUT_OF_RANGE
    )


async def test_an_idea_never_becomes_what_is_sung(db: Database) -> None:
    jobs = service(db)
    idea = await made(db, jobs, {"engine": "kie", "mode": "auto", "prompt": "rain"})
    assert repeat.changed(idea, {"style": "dub"})["mode"] == "simple"
    nothing = await made(db, jobs, {"engine": "kie"})
    assert repeat.changed(nothing, {"style": "dub"})["mode"] == "auto"


async def test_what_makes_sense_is_offered(db: Database) -> None:
    jobs = service(db)
    job, hidden = await made(db, jobs), await made(db, jobs, private=True)
    everything = frozenset(Act)
    assert await results_of(jobs).offered(job.id) == everything - {Act.SHARE}
    assert await results_of(jobs).offered(hidden.id) == everything
    assert Act.SHARE not in await results_of(jobs, Held()).offered(hidden.id)
    await db.work(lambda tx: files.forget(tx, CLOCK.now() + 2000))
    assert await results_of(jobs).offered(job.id) == {Act.DELETE, Act.DETAILS}
    await jobs.remove(OWNER, job.id, "")
    assert await results_of(jobs).offered(job.id) == frozenset()


async def test_a_private_result_is_shared_once_by_its_requester(db: Database) -> None:
    jobs = service(db)
    job, public = await made(db, jobs, private=True), await made(db, jobs)
    assert await refused(results_of(jobs).share(replace(PLACE, member="43"), job.id)) is Code.REQUESTER_ONLY
    assert await refused(results_of(jobs).share(PLACE, public.id)) is Code.RESULT_NOT_PRIVATE
    assert await refused(results_of(jobs, Held()).share(PLACE, job.id)) is Code.RESULT_IN_CONTEST
    await results_of(jobs).share(PLACE, job.id)
    assert await refused(results_of(jobs).share(PLACE, job.id)) is Code.ALREADY_SHARED
    sent = await db.work(lambda tx: posts.of(tx, job.subject, Purpose.SHARED))
    assert sent is not None
    assert (sent.target, sent.body["member"]) == (PLACE.channel, PLACE.member)
    await db.work(lambda tx: tx.run("UPDATE posts SET state = 'dead' WHERE id = ?", (sent.id,)))
    await results_of(jobs).share(replace(PLACE, channel="2"), job.id)
    later = await db.work(lambda tx: posts.of(tx, job.subject, Purpose.SHARED))
    assert later is not None
    assert later.target == "2", "a channel that refused it for good is not the last word"


async def test_sharing_asks_the_same_of_place_and_member_as_a_command(db: Database) -> None:
    jobs = service(db)
    job = await made(db, jobs, private=True)
    guild = json.dumps({"channels": ["5" * 18]})
    await db.work(
        lambda tx: tx.run("INSERT INTO guilds (guild, settings, changed_at) VALUES (?, ?, 0)", (PLACE.guild, guild))
    )
    assert await refused(results_of(jobs).share(PLACE, job.id)) is Code.CHANNEL_NOT_ALLOWED
    await results_of(jobs).share(replace(PLACE, channel="6", parent="5" * 18), job.id)


async def test_deleting_is_for_the_requester_and_for_moderators_with_a_reason(db: Database) -> None:
    jobs = service(db)
    own, theirs = await made(db, jobs), await made(db, jobs)
    assert await refused(jobs.remove(OTHER, own.id, "x")) is Code.NOT_YOUR_JOB
    assert await refused(jobs.remove(MODERATOR, own.id, "")) is Code.REASON_NEEDED
    await jobs.remove(ANYWHERE, own.id, "")
    await jobs.remove(MODERATOR, theirs.id, "too loud")
    assert await refused(results_of(jobs).again(PLACE, own.id)) is Code.RESULT_DELETED
    assert await refused(results_of(jobs).again(PLACE, theirs.id)) is Code.RESULT_REMOVED
    noted = await db.work(lambda tx: tx.all("SELECT actor, subject FROM audit"))
    assert [tuple(row) for row in noted] == [("99", theirs.subject)], "one's own is nobody else's business"
    assert await db.work(lambda tx: files.forget(tx, CLOCK.now())) != []


async def test_what_a_contest_has_stays(db: Database) -> None:
    jobs = service(db)
    jobs._stake = Held()
    job = await made(db, jobs)
    assert await refused(jobs.remove(OWNER, job.id, "")) is Code.RESULT_IN_CONTEST
    await jobs.remove(MODERATOR, job.id, "stolen")


async def test_details_name_nobody_and_are_for_who_may_see_the_result(db: Database) -> None:
    jobs = service(db)
    public, hidden = await made(db, jobs), await made(db, jobs, private=True)
    found = await results_of(jobs).details(OTHER, public.id)
    assert [source["sha256"] for source in found["sources"]] == ["a" * 64, "b" * 64]
    assert found["options"] == {"prompt": "rain", "title": "Mine", "instrumental": False, "weirdness": 0.3}
    assert PLACE.member not in json.dumps(found), "nobody is named"
    assert found["seed"] is None, "a provider has its own"
    for reader in (OTHER, MODERATOR):
        assert await refused(results_of(jobs).details(reader, hidden.id)) is Code.NOT_YOUR_JOB
    assert await refused(results_of(jobs, Held()).details(OTHER, public.id)) is Code.NOT_YOUR_JOB
    assert (await results_of(jobs).details(ANYWHERE, hidden.id))["job"] == hidden.id
    assert await refused(results_of(jobs).details(replace(ANYWHERE, member="43"), public.id)) is Code.NO_SUCH_JOB
    await results_of(jobs).share(PLACE, hidden.id)
    assert (await results_of(jobs).details(OTHER, hidden.id))["title"] == "Mine"


async def test_in_direct_messages_one_sees_ones_own_jobs_of_every_server(db: Database) -> None:
    jobs = service(db)
    job = await made(db, jobs, private=True)
    await jobs.ask(Operation.MASHUP, replace(PLACE, interaction="x", guild="8"), OFFERS, {"engine": "kie"})
    await jobs.ask(Operation.MASHUP, replace(PLACE, interaction="y", member="43"), OFFERS, {"engine": "kie"})
    page = await jobs.listed(ANYWHERE, everyone=True, page=0)
    assert {(one.ask.guild, one.ask.member) for one in page.jobs} == {("7", "42"), ("8", "42")}
    assert (await jobs.finished(ANYWHERE, job.id)).id == job.id
