"""What others see of a job while nobody may know whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.database import Tx
from bot.jobs.job import Job
from bot.jobs.stake import Stake


def seen(
    tx: Tx, stake: Stake, guild: str, member: str, jobs: Sequence[Job]
) -> tuple[tuple[Job, ...], frozenset[str]]:
    """Jobs as this member may see them, and which of them hide whose they are."""
    others = {job.id for job in jobs if job.ask.member != member}
    veiled = others & stake.veiled(tx, guild) if others else frozenset[str]()
    return tuple(_veil(job) if job.id in veiled else job for job in jobs), frozenset(veiled)


def _veil(job: Job) -> Job:
    """A job without whose and what it is."""
    request = {**job.ask.request, "title": "", "prompt": None, "style": None}
    ask = replace(job.ask, member="", channel="", interaction="", request=request, sources=())
    return replace(job, ask=ask, tracks=(), report=None, cancelled_by=None)
