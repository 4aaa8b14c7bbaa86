"""What is asked when a member asks once more: the same, or with other options, of our own copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.database import Tx
from bot.errors import Code, Refused
from bot.files.store import share
from bot.jobs import store, view
from bot.jobs.job import Ask, Job, State
from bot.request import OPTIONS, Mode, Operation, title_of

FIELDS: Mapping[Operation, tuple[str, ...]] = {
    Operation.MASHUP: ("engine", "title", "style", "prompt", "audio_weight"),
    Operation.COVER: ("engine", "title", "style", "prompt", "negative_tags"),
    Operation.INSTRUMENTAL: ("engine", "title", "tags", "negative_tags", "audio_weight"),
    Operation.VOCALS: ("engine", "title", "style", "prompt", "negative_tags"),
}
"""What can be changed before it is asked for again: as many as a form holds."""
_OF_ONE_ENGINE = ("model", "persona")
_ANY_LENGTH = 10_000


def to_repeat(tx: Tx, guild: str, member: str, job_id: str) -> Job:
    """The job that `member` may ask for again: one that has its result, or failed. Raises `Refused`."""
    job = store.get(tx, job_id)
    if job is None or job.ask.guild != guild:
        raise Refused(Code.NO_SUCH_JOB, job=job_id)
    if job.ask.member != member:
        raise Refused(Code.REQUESTER_ONLY, job=job_id)
    if (gone := view.gone(job)) is not None:
        raise Refused.of(gone)
    made = job.state in (State.POSTING, State.DONE)
    if not made and (job.error is None or not view.repeatable(job, job.error)):
        raise Refused(Code.NOTHING_TO_REPEAT, job=job_id)
    return job


def given_in(job: Job) -> dict[str, Any]:
    """The options as the member gave them; a title that was made of the file names is made anew."""
    request = job.ask.request
    given = {name: request.get(name) for name in ("engine", "mode", *OPTIONS[Operation(job.ask.operation)])}
    if given["title"] == title_of([source.name for source in job.ask.sources], _ANY_LENGTH):
        del given["title"]
    return given


def changed(job: Job, typed: Mapping[str, str | None]) -> dict[str, Any]:
    """The same options but for those that were typed. Raises `Refused` for a weight that is no number.

    With a prompt the mode stays, so that an idea never becomes what is sung. Another engine chooses its own model.
    """
    given = given_in(job)
    wanted = {name: typed[name] for name in FIELDS[Operation(job.ask.operation)] if name in typed}
    engine = wanted.pop("engine", None)
    if not given.get("prompt"):
        given["mode"] = Mode.AUTO.value
    if engine and engine != given["engine"]:
        given = {**given, "engine": engine, **dict.fromkeys(_OF_ONE_ENGINE)}
    if "audio_weight" in wanted:
        given["audio_weight"] = _weight(wanted.pop("audio_weight"))
    return {**given, **wanted}


def under_way(tx: Tx, ask: Ask) -> Job | None:
    """The job that asks again for the same and has not ended."""
    if ask.again_of is None:
        return None
    return next((job for job in store.repeats_of(tx, ask.again_of) if job.is_open and _same(job.ask, ask)), None)


def take_over(tx: Tx, job: Job, expires_at: int) -> None:
    """Let the job refer to those of its sources that are ours already. Raises `Refused` for one that is gone."""
    for source in job.ask.sources:
        if source.hash is not None and not share(tx, source.hash, job.subject, expires_at):
            raise Refused(Code.SOURCES_GONE, name=source.name)


def _same(one: Ask, other: Ask) -> bool:
    files = ([source.hash for source in ask.sources] for ask in (one, other))
    return one.request == other.request and next(files) == next(files)


def _weight(typed: str | None) -> float | None:
    if typed is None:
        return None
    try:
        return float(typed.replace(",", "."))
    except ValueError:
        raise Refused(Code.WEIGHT_OUT_OF_RANGE, field="audio_weight", value=typed[:20]) from None
