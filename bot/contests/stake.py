"""What contests do when something happens to a job, in the unit in which it happens."""

from __future__ import annotations

from bot.clock import Clock
from bot.contests import entries, moves, store
from bot.contests.contest import ACTIVE, EntryState, Phase
from bot.contests.entering import adopt
from bot.contests.judging import disqualify_in
from bot.database import Tx
from bot.jobs import store as jobs
from bot.jobs.job import Job, Removal, State

_RUNNING = frozenset({Phase.OPEN, Phase.VOTING, Phase.CLOSED})


class ContestStake:
    """Implements `bot.jobs.stake.Stake`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ended(self, tx: Tx, job_id: str, state: State, now: int) -> None:
        """An entry counts from the moment in which its job is done; one that came to nothing drops out."""
        for entry in entries.of_job(tx, job_id):
            contest, job = store.get(tx, entry.contest), jobs.get(tx, job_id)
            if entry.state is not EntryState.MAKING or contest is None:
                continue
            counts = state is State.DONE and contest.phase is Phase.OPEN
            made = job.tracks if counts and job is not None and not job.forgotten else ()
            if not (made and adopt(tx, contest, entry, made[0])):
                moves.drop_out(tx, entry, moves.NOT_MADE)
            store.ring(tx, contest.id)

    def removed(self, tx: Tx, job: Job, removal: Removal, now: int) -> None:
        """Before voting the entry goes with its result; later it is disqualified, for the same reason."""
        for entry in entries.of_job(tx, job.id):
            contest = store.get(tx, entry.contest)
            if entry.state not in ACTIVE or contest is None or contest.phase is Phase.ARCHIVED:
                continue
            if contest.phase in (Phase.VOTING, Phase.CLOSED):
                disqualify_in(tx, contest, entry, removal.reason, self._clock.new_id, now)
            else:
                moves.drop_out(tx, entry, removal.reason)
                store.ring(tx, contest.id)

    def veiled(self, tx: Tx, guild: str) -> frozenset[str]:
        return entries.veiled_jobs(tx, guild)

    def holds(self, tx: Tx, job: str) -> bool:
        found = (store.get(tx, one.contest) for one in entries.of_job(tx, job) if one.state in ACTIVE)
        return any(contest is not None and contest.phase in _RUNNING for contest in found)

    def hides(self, tx: Tx, job: str) -> bool:
        return entries.is_veiled(tx, job)
