"""Whoever else has a stake in jobs, told in the units that change them; jobs know nothing of who that is."""

from __future__ import annotations

from typing import Protocol

from bot.database import Tx
from bot.jobs.job import Job, Removal, State


class Stake(Protocol):
    """Every method runs inside the unit of what it is told."""

    def ended(self, tx: Tx, job_id: str, state: State, now: int) -> None:
        """The job is at an end, with all that its last step added."""
        ...

    def removed(self, tx: Tx, job: Job, removal: Removal, now: int) -> None:
        """Its result was deleted."""
        ...

    def veiled(self, tx: Tx, guild: str) -> frozenset[str]:
        """Jobs of a guild of which nobody but their members may know yet whose they are."""
        ...

    def hides(self, tx: Tx, job: str) -> bool:
        """Whether this is one of them."""
        ...

    def holds(self, tx: Tx, job: str) -> bool:
        """Whether its result must stay as it is, because it takes part in something that is not over."""
        ...


class NoStake:
    """Nobody."""

    def ended(self, tx: Tx, job_id: str, state: State, now: int) -> None: ...

    def removed(self, tx: Tx, job: Job, removal: Removal, now: int) -> None: ...

    def veiled(self, tx: Tx, guild: str) -> frozenset[str]:
        return frozenset()

    def hides(self, tx: Tx, job: str) -> bool:
        return False

    def holds(self, tx: Tx, job: str) -> bool:
        return False
