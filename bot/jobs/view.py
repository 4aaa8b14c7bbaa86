"""What cards and messages show of a job (pure)."""

from __future__ import annotations

from bot.errors import Code, Refusal
from bot.jobs.job import Job, State
from bot.posts.post import Hint, Notice, Progress, Result, ResultTrack

DEFAULT_PACE = 0.06
"""Seconds of work per second of source audio, until this bot has measured its own."""

SLOW_MS = 15 * 60_000
"""From when on a card says that the engine takes longer than usual."""

KEPT = "kept"
"""How a result goes out that no place takes, and what its card says."""

_STAGES = {
    State.ACCEPTED: ("fetching", 0.02),
    State.STAGED: ("waiting", 0.1),
    State.SUBMITTING: ("starting", 0.12),
    State.SUBMITTED: ("working", 0.15),
    State.READY: ("collecting", 0.95),
    State.DOWNLOADED: ("posting", 0.98),
    State.POSTING: ("posting", 0.98),
    State.DONE: ("done", 1.0),
    State.NOTIFYING: ("failed", 1.0),
    State.FAILED: ("failed", 1.0),
    State.CANCELLED: ("cancelled", 1.0),
    State.UNKNOWN: ("unknown", 1.0),
}


def opening_card(job: Job) -> Progress:
    """The card as it is first posted."""
    return card(job, stage=None, fraction=0.0, place=0, ready_at=None)


def card(
    job: Job,
    *,
    stage: str | None,
    fraction: float,
    place: int,
    ready_at: int | None,
    slow: bool = False,
    down: bool = False,
) -> Progress:
    """The card of a job; `stage` and `fraction` are the engine's own while it works; a slow one has no estimate,
    nor has one whose engine is down."""
    shown, base = _STAGES[job.state]
    if job.error and job.error.code is Code.CANCELLED:
        shown = "cancelled"
    if job.state is State.DONE and job.how == KEPT:
        shown = KEPT
    if stage and job.state is State.SUBMITTED:
        shown, base = stage, 0.15 + 0.8 * fraction
    hashes = [source.hash for source in job.ask.sources]
    request = job.ask.request
    prompt = request.get("prompt") if "prompt" not in request["unused"] else None
    return Progress(
        job=job.id,
        member=job.ask.member,
        locale=job.ask.locale,
        title=job.title,
        engine=job.ask.engine,
        sources=tuple(source.name for source in job.ask.sources),
        stage=shown,
        fraction=round(base, 2),
        place=place,
        ready_at=None if slow or down else ready_at,
        slow=slow,
        down=down,
        unused=tuple(request["unused"]),
        prompt=prompt,
        lyrics=request["mode"] == "custom" and not request.get("instrumental"),
        same_file=len(hashes) == 2 and hashes[0] is not None and hashes[0] == hashes[1],
        error=job.error if shown == "failed" else None,
        cancellable=job.stoppable and job.cancelled_by is None,
        comparable=job.comparable,
    )


def result(job: Job) -> Result:
    """The result message of a job whose tracks are in our store."""
    return Result(
        job=job.id,
        member=job.ask.member,
        locale=job.ask.locale,
        title=job.title,
        engine=job.ask.engine,
        sources=tuple(source.name for source in job.ask.sources),
        tracks=tuple(ResultTrack(t.number, t.title, t.hash, t.picture, t.seconds) for t in job.tracks),
        report=job.report or {},
        unused=tuple(job.ask.request["unused"]),
    )


def notice(job: Job, error: Refusal) -> Notice:
    """The message that says why there is no result."""
    again = repeatable(job, error)
    return Notice(
        job=job.id, member=job.ask.member, locale=job.ask.locale, title=job.title, error=error, again=again
    )


def repeatable(job: Job, error: Refusal) -> bool:
    """Whether it makes sense to ask again for a job that ended so: both sources are ours, nobody stopped it, and
    nothing may still come of a create that had no answer."""
    if error.code is Code.CANCELLED or (error.code is Code.OUTCOME_UNKNOWN and job.task is None):
        return False
    return all(source.hash is not None for source in job.ask.sources)


def gone(job: Job) -> Refusal | None:
    """Why a finished result is there no more, None for one that is."""
    if job.removed is None:
        return None
    if job.removed.by == job.ask.member:
        return Refusal(Code.RESULT_DELETED, {"job": job.id})
    return Refusal(Code.RESULT_REMOVED, {"why": job.removed.reason})


def hint(job: Job, message: str) -> Hint:
    """A word about a private job for a place where others read too."""
    return Hint(job=job.id, member=job.ask.member, locale=job.ask.locale, message=message)


def is_slow(job: Job, now: int) -> bool:
    """Whether an engine has been at it for longer than usual."""
    return job.state is State.SUBMITTED and job.marked_at is not None and now - job.marked_at >= SLOW_MS


def ready_at(job: Job, *, pace: float | None, place: int, now: int) -> int | None:
    """When the result is expected, UTC milliseconds; None while the lengths are unknown or it is over."""
    seconds = [source.seconds for source in job.ask.sources if source.seconds is not None]
    if len(seconds) < len(job.ask.sources):
        return None
    work = int((pace or DEFAULT_PACE) * sum(seconds) * 1000) + 2000
    if job.state is State.STAGED:
        return now + work * max(1, place)
    if job.state is State.SUBMITTED and job.marked_at is not None:
        return max(job.marked_at + work, now + 1000)
    return None
