"""Whoever else has a stake in jobs, told in the units that change them; jobs know nothing of who that is."""

from __future__ import annotations

from typing import Protocol

from bot.database import Tx
from bot.jobs.job import Job, Removal, State


class Stake(Protocol):
    """Every method runs inside the unit of what it is told."""

    def ended(self, tx: Tx, job: Job, state: State, now: int) -> None:
        """The job is at an end; `job` has what its last step added."""
        ...

    def removed(self, tx: Tx, job: Job, removal: Removal, now: int) -> None:
        """A moderator deleted its result."""
        ...

    def veiled(self, tx: Tx, guild: str) -> frozenset[str]:
        """Jobs of a guild of which nobody but their members may know yet whose they are."""
        ...

    def hides(self, tx: Tx, job: str) -> bool:
        """Whether this is one of them."""
        ...


class NoStake:
    """Nobody."""

    def ended(self, tx: Tx, job: Job, state: State, now: int) -> None: ...

    def removed(self, tx: Tx, job: Job, removal: Removal, now: int) -> None: ...

    def veiled(self, tx: Tx, guild: str) -> frozenset[str]:
        return frozenset()

    def hides(self, tx: Tx, job: str) -> bool:
        return False
