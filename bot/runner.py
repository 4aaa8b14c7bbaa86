"""One scheduler for every table with a state, a `rev` and a `wake_at`: no task per waiting row."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

from bot import failpoints
from bot.clock import Clock
from bot.database import Database, DatabaseError, Tx

Outcome = TypeVar("Outcome")
log = logging.getLogger(__name__)
_LONGEST_SLEEP = 30.0
_TICK = 1.0
_STEP_MS = 5_000
"""A clock that is off by as much was put forward or back; less is drift."""
_UNSURE = (asyncio.CancelledError, sqlite3.Error, DatabaseError)
"""After these a unit may be committed all the same."""


class Line(Protocol):
    """A table that the runner drives. All but `advance` run inside a unit."""

    name: str
    room: int

    def clear(self, tx: Tx) -> None:
        """At start nobody holds a lease."""
        ...

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        """Take back the leases of all rows but those: their step ended without giving it up."""
        ...

    def claim(self, tx: Tx, owner: str, room: int) -> list[Any]: ...

    def next_wake(self, tx: Tx, since: int) -> int | None:
        """When the first row is due that was not due at `since`, UTC milliseconds."""
        ...

    async def advance(self, row: Any, owner: str, /) -> None: ...


class Runner:
    """Claims due rows and advances each in a task of its own, which it awaits when it stops."""

    def __init__(
        self, db: Database, clock: Clock, lines: Sequence[Line], shifts: Sequence[Callable[[Tx, int], None]] = ()
    ) -> None:
        """`shifts` move what is waited for by so many milliseconds as the wall clock was put forward or back."""
        self._db = db
        self._clock = clock
        self._lines = lines
        self._shifts = shifts
        self._ahead = self._offset()
        self._bell = asyncio.Event()
        self._steps: dict[str, dict[asyncio.Task[None], str]] = {line.name: {} for line in lines}
        self._in_doubt: set[str] = set()
        """Lines in which a row may be leased that nobody works on: a step or a claim ended badly."""
        self._looking = asyncio.Lock()
        """Held from before a claim until its rows have their steps: who takes leases back knows of all of them."""
        self._loop: asyncio.Task[None] | None = None
        self._cleared = self._failed = False
        self._looked_at = clock.monotonic()

    @property
    def is_running(self) -> bool:
        return self._loop is not None

    @property
    def quiet_seconds(self) -> float:
        """How long ago it began to look for work."""
        return self._clock.monotonic() - self._looked_at

    def start(self) -> None:
        """Begin to work; a second call changes nothing."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name="runner")
            self._loop.add_done_callback(self._go_on)

    def wake(self) -> None:
        """Something became due: look now."""
        self._bell.set()

    async def serve(self, line: Line, unit: Callable[[Tx], Outcome]) -> Outcome:
        """Carry out a unit that makes rows of a line due, and claim them in the same transaction: one commit less.

        While it looks anyway, or does not work, the unit goes alone and the rows are found by the next look.
        """
        outcome: list[Outcome] = []
        alone = self._loop is None or self._looking.locked()
        try:
            async with contextlib.nullcontext() if alone else self._looking:
                await self._claim(line, 0 if alone else self._room(line), lambda tx: outcome.append(unit(tx)))
        except _UNSURE:
            self.wake()
            raise
        if alone:
            self.wake()
        return outcome[0]

    async def stop(self, grace: float = 5.0) -> None:
        """Claim no more, give steps under way `grace` seconds, then cancel them; the next start clears leases."""
        if self._loop is None:
            return
        loop, self._loop = self._loop, None
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        steps = [step for running in self._steps.values() for step in running]
        if steps:
            await asyncio.wait(steps, timeout=grace)
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)

    def _go_on(self, ended: asyncio.Task[None]) -> None:
        """Nothing but `stop` may end it."""
        if self._loop is ended:
            log.error("the runner was cancelled; it begins again")
            self._loop = None
            self.start()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            since, self._looked_at = self._clock.now(), self._clock.monotonic()
            try:
                async with self._looking:
                    await self._clear()
                    await self._follow_clock()
                    pause = 0.0 if await self._claim_all() else await self._pause(since)
                self._failed = False
            except Exception as error:
                # One trace is enough of what may last for hours, such as a full disk.
                log.error("the runner could not read the database (%s)", error, exc_info=not self._failed)
                self._failed, pause = True, 1.0
            if pause > 0:
                await self._sleep(pause)

    def _offset(self) -> int:
        """How far the wall clock is ahead of the one that only runs on, in milliseconds."""
        return self._clock.now() - int(self._clock.monotonic() * 1000)

    @property
    def _stepped(self) -> bool:
        return abs(self._offset() - self._ahead) >= _STEP_MS

    async def _follow_clock(self) -> None:
        """Whatever waits for a moment waits as long as it was to, though the moment has another name now."""
        offset = self._offset()
        by, stepped = offset - self._ahead, self._stepped
        if stepped:
            log.warning("the clock was put %s by %.0f s", "forward" if by > 0 else "back", abs(by) / 1000)
            await self._db.work(lambda tx: [shift(tx, by) for shift in self._shifts])
        self._ahead = offset

    async def _clear(self) -> None:
        """Once; later there are steps that hold leases."""
        if not self._cleared:
            await self._db.work(lambda tx: [line.clear(tx) for line in self._lines])
            self._cleared = True

    async def _claim_all(self) -> bool:
        """Side by side, so that all lines share one hop to the database; whether anything was claimed."""
        rooms = [(line, room) for line in self._lines if (room := self._room(line))]
        claims = await asyncio.gather(*(self._claim(line, room) for line, room in rooms), return_exceptions=True)
        for failed in claims:
            if isinstance(failed, BaseException):
                raise failed
        return any(claims)

    def _room(self, line: Line) -> int:
        return max(0, line.room - len(self._steps[line.name]))

    async def _claim(self, line: Line, room: int, first: Callable[[Tx], None] | None = None) -> bool:
        """Whether anything was claimed; `first` is carried out before, and alone if there is no room."""
        steps, owner = self._steps[line.name], self._clock.new_id()
        lost_by = tuple(steps.values()) if room and line.name in self._in_doubt else None
        if room:
            self._in_doubt.discard(line.name)
        try:
            rows = await self._db.work(lambda tx: self._take(tx, line, lost_by, owner, room, first))
        except BaseException as error:
            refused = first is not None and not isinstance(error, _UNSURE)  # then there was no claim
            if lost_by is not None or not refused:
                self._in_doubt.add(line.name)
            raise
        if self._loop is None:  # stopped meanwhile
            self._in_doubt.add(line.name)
            return False
        for row in rows:
            step = asyncio.create_task(self._step(line, row, owner), name=f"{line.name}:{row.id}")
            steps[step] = row.id
            step.add_done_callback(functools.partial(self._make_room, line))
        return bool(rows)

    def _take(
        self,
        tx: Tx,
        line: Line,
        running: Collection[str] | None,
        owner: str,
        room: int,
        first: Callable[[Tx], None] | None,
    ) -> list[Any]:
        """Each claim has an owner of its own, so that a step that lost its lease cannot pass for its successor."""
        if first is not None:
            first(tx)
        if running is not None:
            line.reclaim(tx, running)
        return line.claim(tx, owner, room) if room else []

    def _make_room(self, line: Line, step: asyncio.Task[None]) -> None:
        """Only now is the step out of the way, so only now does looking again help."""
        del self._steps[line.name][step]
        if step.cancelled():
            self._in_doubt.add(line.name)
        self.wake()

    async def _step(self, line: Line, row: Any, owner: str) -> None:
        try:
            await line.advance(row, owner)
        except Exception:
            log.exception("%s %s could not be advanced", line.name, row.id)
            self._in_doubt.add(line.name)

    async def _pause(self, since: int) -> float:
        """Seconds until a row is due that was not at `since`, when there was no room for those that were.

        They are woken by the step that makes room.
        """
        running = {line.name: tuple(self._steps[line.name].values()) for line in self._lines}
        wakes = await self._db.work(
            lambda tx: [self._rest(tx, line, running[line.name], since) for line in self._lines]
        )
        now = self._clock.now()
        ahead = [max(0.0, (wake - now) / 1000) for wake in wakes if wake is not None]
        return min([*ahead, _LONGEST_SLEEP]) + 0.001

    def _rest(self, tx: Tx, line: Line, running: Collection[str], since: int) -> int | None:
        """With nothing else to do, look for lost leases, too, whatever became of their steps."""
        line.reclaim(tx, running)
        return line.next_wake(tx, since)

    async def _sleep(self, seconds: float) -> None:
        """So long, until the bell rings, or until the clock is put forward or back."""
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0 and not self._bell.is_set() and not self._stepped:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, _TICK)):
                    await self._bell.wait()


class Desk:
    """The database for those who make rows of one line due."""

    def __init__(self, runner: Runner, line: Line) -> None:
        self._runner = runner
        self._line = line

    async def work(self, unit: Callable[[Tx], Outcome]) -> Outcome:
        """As `Database.work`; what it made due is under way, or about to be, when it returns."""
        with failpoints.around(failpoints.commit_name(unit)):
            return await self._runner.serve(self._line, unit)
