"""Personas: made of a member's own finished tracks, one of each, and never asked for twice without an answer."""

from __future__ import annotations

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.port import Ambiguous, Likeness
from bot.engines.registry import Registry
from bot.errors import Code, Refused
from bot.jobs import persona_rows as rows
from bot.jobs import store
from bot.jobs.job import Job, State
from bot.jobs.persona_rows import Persona
from bot.request import EngineName, Operation

_LOOK_BACK = 50


class Personas:
    """What commands may do with personas."""

    def __init__(self, db: Database, clock: Clock, registry: Registry) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry

    async def create(
        self, guild: str, member: str, job_id: str, number: int, *, name: str, description: str
    ) -> Persona:
        """Make one of a track, or give the one that was made of it. Raises `Refused`.

        The row is there before the engine is asked. A definite no takes it away; a lost answer leaves it, and then
        nobody asks again.
        """
        now = self._clock.now()

        def claim(tx: Tx) -> tuple[Persona, Likeness | None]:
            job, audio = self._track(tx, guild, member, job_id, number)
            known = rows.of_track(tx, job_id, number)
            if known is not None:
                return known, None
            persona = Persona(job_id, number, member, EngineName(job.ask.engine), name, description)
            rows.put(tx, persona, now)
            return persona, Likeness(job.task or "", audio, name, description)

        persona, likeness = await self._db.work(claim)
        if persona.id is not None:
            return persona
        if likeness is None:
            raise Refused(Code.PERSONA_UNKNOWN)
        try:
            made = await self._registry.get(persona.engine).make_persona(likeness)
        except Ambiguous:
            raise Refused(Code.PERSONA_UNKNOWN) from None
        except Refused:
            await self._db.work(lambda tx: rows.settle(tx, persona, None))
            raise
        return await self._db.work(lambda tx: _settled(tx, persona, made))

    async def listed(self, member: str) -> tuple[Persona, ...]:
        """A member's own, newest first."""
        return await self._db.work(lambda tx: rows.of_member(tx, member))

    async def possible(self, guild: str, member: str) -> tuple[Job, ...]:
        """The member's finished jobs of which one can be made, newest first."""
        found = await self._db.work(lambda tx: store.listed(tx, guild, member, limit=_LOOK_BACK, offset=0))
        return tuple(
            job
            for job in found
            if job.state is State.DONE
            and job.removed is None
            and self._offered(job)
            and any(track.audio for track in job.tracks)
        )

    def _track(self, tx: Tx, guild: str, member: str, job_id: str, number: int) -> tuple[Job, str]:
        """A finished track of the member's own, and the engine's id of it. Raises `Refused`."""
        job = store.get(tx, job_id)
        if job is None or job.ask.guild != guild:
            raise Refused(Code.NO_SUCH_JOB, job=job_id)
        if job.ask.member != member:
            raise Refused(Code.PERSONA_NOT_YOURS, job=job_id)
        if job.state is not State.DONE or job.removed is not None:
            raise Refused(Code.NO_RESULT, job=job_id)
        if not self._offered(job):
            able = [e.name for e in self._registry.engines if any(e.offers_persona(o) for o in Operation)]
            raise Refused(Code.PERSONA_NOT_OFFERED, engine=job.ask.engine, ready=", ".join(able) or "-")
        track = next((track for track in job.tracks if track.number == number), None)
        if track is None:
            numbers = ", ".join(str(track.number) for track in job.tracks)
            raise Refused(Code.UNKNOWN_CHOICE, field="take", value=str(number), choices=numbers)
        if not track.audio:
            raise Refused(Code.PERSONA_TOO_EARLY)
        return job, track.audio

    def _offered(self, job: Job) -> bool:
        name = EngineName(job.ask.engine)
        return name in self._registry.names and self._registry.get(name).offers_persona(
            Operation(job.ask.operation)
        )


def _settled(tx: Tx, persona: Persona, made: str) -> Persona:
    rows.settle(tx, persona, made)
    return rows.of_track(tx, persona.job, persona.number) or persona
