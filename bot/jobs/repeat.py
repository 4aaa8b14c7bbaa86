"""What is asked when a member asks again for what came to nothing: the same thing, of our own copies."""

from __future__ import annotations

from typing import Any

from bot.database import Tx
from bot.errors import Code, Refused
from bot.files.store import share
from bot.jobs import store, view
from bot.jobs.job import Job
from bot.request import OPTIONS, Operation, title_of

_ANY_LENGTH = 10_000


def to_repeat(tx: Tx, guild: str, member: str, job_id: str) -> Job:
    """The failed job that `member` may ask for again. Raises `Refused`."""
    job = store.get(tx, job_id)
    if job is None or job.ask.guild != guild:
        raise Refused(Code.NO_SUCH_JOB, job=job_id)
    if job.ask.member != member:
        raise Refused(Code.REQUESTER_ONLY, job=job_id)
    if job.error is None or not view.repeatable(job, job.error):
        raise Refused(Code.NOTHING_TO_REPEAT, job=job_id)
    return job


def given_in(job: Job) -> dict[str, Any]:
    """The options as the member gave them; a title that was made of the file names is made anew."""
    request = job.ask.request
    given = {name: request.get(name) for name in ("engine", "mode", *OPTIONS[Operation(job.ask.operation)])}
    if given["title"] == title_of([source.name for source in job.ask.sources], _ANY_LENGTH):
        del given["title"]
    return given


def under_way(tx: Tx, job_id: str) -> Job | None:
    """The job that asks again for `job_id` and has not ended."""
    return next((job for job in store.repeats_of(tx, job_id) if job.is_open), None)


def take_over(tx: Tx, job: Job, expires_at: int) -> None:
    """Let the job refer to those of its sources that are ours already. Raises `Refused` for one that is gone."""
    for source in job.ask.sources:
        if source.hash is not None and not share(tx, source.hash, job.subject, expires_at):
            raise Refused(Code.SOURCES_GONE, name=source.name)
