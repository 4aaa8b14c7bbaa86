"""Accepting jobs: the one place where a wish becomes a promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.decks.store import unload
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code, Refused
from bot.files.space import Space
from bot.files.store import is_kept, release
from bot.guilds import audit
from bot.guilds.audit import Action
from bot.guilds.moderation import Actor
from bot.guilds.store import set_direct, settings_of
from bot.jobs import messages, persona_rows, repeat, store, view
from bot.jobs.choice import Choice, default_model, is_allowed
from bot.jobs.job import DEADLINES, Ask, Job, Removal, Source, State
from bot.jobs.persona_rows import Persona
from bot.jobs.retention import DAY_MS, TOKEN_MS
from bot.jobs.stake import NoStake, Stake
from bot.jobs.veil import seen
from bot.posts import store as posts
from bot.posts.post import Purpose
from bot.quotas import ledger, policy
from bot.quotas.caps import CapWatch
from bot.quotas.facts import THOUSANDTHS, Allowance, Asking
from bot.quotas.gate import Gate
from bot.quotas.policy import Standing
from bot.request import EngineName, Mode, Operation, Request, engine_named, model_named, read_request
from bot.settings import KeepSettings

PAGE = 6
_TOKEN_MARGIN_MS = 30_000


@dataclass(frozen=True)
class Offer:
    """A file a member handed over: where it lies, what it is called, how many bytes it claims.

    One that is in our store already has its `hash` and `seconds` instead of a `url`.
    """

    url: str
    name: str
    size: int
    hash: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Place:
    """Where and by whom something was asked; ids are Discord's, as text. `parent` is the channel of a thread."""

    interaction: str
    guild: str
    channel: str
    member: str
    locale: str
    max_bytes: int
    private: bool = False
    token: str = field(default="", repr=False)
    roles: frozenset[str] = frozenset()
    parent: str = ""


@dataclass(frozen=True)
class Reader:
    """Who looks at jobs, and with which rights in this guild; None: at their own, wherever they asked for them."""

    guild: str | None
    member: str
    moderator: bool


@dataclass(frozen=True)
class Page:
    """Some jobs, and the message of each result that was posted, by job id."""

    jobs: tuple[Job, ...]
    messages: Mapping[str, str]
    number: int
    more: bool
    veiled: frozenset[str] = frozenset()
    """Jobs of others that have neither member nor title here, because they are in a contest."""


@dataclass(frozen=True)
class Accepted:
    """A job that was promised, and what its member has left if it took anything."""

    job: Job
    standing: Standing | None


class JobService:
    """What commands may do with jobs."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        registry: Registry,
        switches: Switches,
        *,
        max_source_bytes: int,
        gate: Gate,
        keep: KeepSettings,
        wake: Callable[[], None],
        caps: CapWatch | None = None,
        stake: Stake | None = None,
        space: Space | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self.choice = Choice(registry, switches)
        self._max_source_bytes = max_source_bytes
        self._gate = gate
        self._keep = keep
        self._caps = caps
        self._stake = stake or NoStake()
        self._space = space
        self._wake = wake
        self._stopping = False

    async def allowed(self, operation: Operation, guild: str) -> tuple[EngineName, ...]:
        """Engines that do this here and that the guild allows, its default first."""
        chosen = await self._db.work(lambda tx: settings_of(tx, guild))
        return tuple(name for name in self.choice.ranked(operation, chosen) if is_allowed(name, chosen))

    async def allowed_models(self, operation: Operation, guild: str, engine: str | None) -> tuple[str, ...]:
        """Models that the guild allows, of the engine named or of the one that is taken when none is."""
        chosen = await self._db.work(lambda tx: settings_of(tx, guild))
        first = next(iter(self.choice.ranked(operation, chosen)), None)
        models = self.choice.models(operation, engine or first)
        return tuple(model for model in models if not chosen.models or model in chosen.models)

    def stop(self) -> None:
        """Take no more jobs: the bot is going down."""
        self._stopping = True

    async def ask(
        self,
        operation: Operation,
        place: Place,
        offers: tuple[Offer, ...],
        given: Mapping[str, Any],
        again_of: str | None = None,
    ) -> Accepted:
        """Check a request and accept it. Raises `Refused`; nothing is kept of a refused one."""
        await self._check_space()
        job_id, post_id, seed = self._clock.new_id(), self._clock.new_id(), self._clock.new_seed()

        def unit(tx: Tx) -> Accepted:
            ask = self._checked(tx, operation, place, offers, given, seed, again_of)
            return self.accept_in(tx, ask, job_id=job_id, post_id=post_id)

        accepted = await self._db.work(unit)
        await self.accepted(accepted.job)
        return accepted

    async def accepted(self, job: Job) -> None:
        """What follows once the unit of an acceptance is committed."""
        self._wake()
        if self._caps is not None:
            await self._caps.look(EngineName(job.ask.engine))

    async def checked(
        self, operation: Operation, place: Place, offers: tuple[Offer, ...], given: Mapping[str, Any]
    ) -> Ask:
        """What is asked for, as far as it can be known without the gate. Raises `Refused`."""
        await self._check_space()
        seed = self._clock.new_seed()
        return await self._db.work(lambda tx: self._checked(tx, operation, place, offers, given, seed))

    async def _check_space(self) -> None:
        if self._space is not None:
            await self._space.check()

    def _checked(
        self,
        tx: Tx,
        operation: Operation,
        place: Place,
        offers: tuple[Offer, ...],
        given: Mapping[str, Any],
        seed: int,
        again_of: str | None = None,
    ) -> Ask:
        if self._stopping:
            raise Refused(Code.STOPPING)
        for offer in offers:
            self.check_size(offer)
        chosen = settings_of(tx, place.guild)
        persona = _persona(tx, place.member, given.get("persona"))
        engine = self.choice.engine(operation, given.get("engine") or (persona.engine if persona else None), chosen)
        mode = self.choice.mode(engine, operation, given)
        offered = self.choice.capabilities(engine, operation, mode)
        model = model_named(given.get("model"), offered.models, default_model(offered, chosen))
        capabilities = self.choice.capabilities(engine, operation, mode, model)
        self.choice.check_options(engine, operation, mode, capabilities, given)
        if persona is not None:
            if persona.engine is not engine:
                raise Refused(Code.PERSONA_ELSEWHERE, name=persona.name, engine=persona.engine.value)
            given = {**given, "persona": persona.id}
        request = read_request(
            operation,
            {**given, "model": model, "mode": mode},
            engine=engine,
            limits=capabilities.limits,
            uses=capabilities.uses,
            names=[offer.name for offer in offers],
            needs=capabilities.needs,
        )
        return _ask(operation, place, offers, request, seed, again_of)

    def accept_in(
        self, tx: Tx, ask: Ask, *, job_id: str, post_id: str, allowance: Allowance | None = None
    ) -> Accepted:
        """Pass the gate, write the job, ask for its card; a known interaction gives the job it already made, and so
        does asking again for the same that is being made again. Units come from `allowance` where one is given.

        Raises `Refused`, which must leave the unit.
        """
        known = store.by_interaction(tx, ask.interaction) or repeat.under_way(tx, ask)
        now, asking = self._clock.now(), self._asking(ask, allowance)
        if known is not None:
            left = self._gate.member(tx, asking, now) if ledger.took(tx, known.id) else None
            return Accepted(known, left)
        verdict = self._gate.reserve(tx, job_id, asking, now)
        job = store.insert(tx, job_id, ask, now=now, deadline=now + DEADLINES[State.ACCEPTED])
        repeat.take_over(tx, job, now + self._keep.source_days * DAY_MS)
        posts.add(tx, job.subject, messages.card(job), post_id=post_id, now=now)
        return Accepted(job, policy.standing_after(verdict) if policy.takes(verdict) else None)

    async def listed(self, reader: Reader, *, everyone: bool, page: int) -> Page:
        """One page of the reader's own jobs, or of the guild's for a moderator, newest first."""
        member = None if everyone and reader.moderator else reader.member

        def unit(tx: Tx) -> Page:
            found = store.listed(tx, reader.guild, member, limit=PAGE + 1, offset=page * PAGE)
            shown, veiled = seen(tx, self._stake, reader.guild or "", reader.member, found[:PAGE])
            results = {job.id: posts.of(tx, job.subject, Purpose.RESULT) for job in shown if not job.removed}
            messages = {name: post.message_id for name, post in results.items() if post and post.message_id}
            return Page(shown, messages, page, more=len(found) > PAGE, veiled=veiled)

        return await self._db.work(unit)

    async def cancel(self, reader: Reader, job_id: str) -> Job:
        """Stop a job of the reader, or any of the guild for a moderator. Raises `Refused`."""

        def unit(tx: Tx) -> Job:
            job = _readable(tx, reader, job_id)
            if not job.stoppable:
                raise Refused(Code.TOO_LATE_TO_CANCEL, job=job_id)
            store.cancel(tx, job_id, reader.member)
            return job

        job = await self._db.work(unit)
        self._wake()
        return job

    async def finished(self, reader: Reader, job_id: str) -> Job:
        """A done job of the reader, or any of the guild for a moderator, with its tracks. Raises `Refused`."""

        def unit(tx: Tx) -> Job:
            job = _readable(tx, reader, job_id)
            if job.ask.private and job.ask.member != reader.member:
                raise Refused(Code.NOT_YOUR_JOB, job=job_id)
            if (gone := view.gone(job)) is not None:
                raise Refused.of(gone)
            if job.state not in (State.POSTING, State.DONE):
                raise Refused(Code.NO_RESULT, job=job_id)
            if not job.tracks or not all(is_kept(tx, job.subject, track.hash) for track in job.tracks):
                raise Refused(Code.RESULT_EXPIRED, job=job_id)
            return job

        return await self._db.work(unit)

    async def remove(self, reader: Reader, job_id: str, reason: str) -> Job:
        """Delete a finished result of the reader, its messages and its audio; for a reason, any of the guild as a
        moderator. Raises `Refused`."""
        now = self._clock.now()

        def unit(tx: Tx) -> Job:
            job = self._deletable(tx, reader, job_id)
            own = job.ask.member == reader.member
            if not own and not reason:
                raise Refused(Code.REASON_NEEDED, job=job_id)
            if job.removed is None:
                removal = Removal(reader.member, reason)
                store.remove(tx, job_id, removal)
                posts.remove(tx, job.subject, messages.WITH_AUDIO)
                release(tx, job.subject, now)
                unload(tx, [track.hash for track in job.tracks])
                if not own:
                    audit.note(
                        tx, job.ask.guild, reader.member, Action.DELETE_RESULT, job.subject, reason=reason, now=now
                    )
                self._stake.removed(tx, job, removal, now)
            return job

        job = await self._db.work(unit)
        self._wake()
        return job

    async def deletable(self, reader: Reader, job_id: str) -> bool:
        """Whether what the reader could delete is their own. Raises `Refused` where they could not."""
        job = await self._db.work(lambda tx: self._deletable(tx, reader, job_id))
        if (gone := view.gone(job)) is not None:
            raise Refused.of(gone)
        return job.ask.member == reader.member

    def _deletable(self, tx: Tx, reader: Reader, job_id: str) -> Job:
        job = _readable(tx, reader, job_id)
        if job.state is not State.DONE:
            raise Refused(Code.RESULT_ARRIVING if job.state is State.POSTING else Code.NO_RESULT, job=job_id)
        if job.ask.member == reader.member and self._stake.holds(tx, job_id):
            raise Refused(Code.RESULT_IN_CONTEST, job=job_id)
        return job

    async def removable(self, reader: Reader) -> tuple[Job, ...]:
        """What the reader could delete, newest first."""
        member = None if reader.moderator else reader.member
        found = await self._db.work(lambda tx: self._recent(tx, reader, member))
        return tuple(job for job in found if job.state is State.DONE and job.removed is None and not job.forgotten)

    async def send_direct(self, member: str, wanted: bool) -> None:
        """Whether late private results come to `member` by direct message."""
        now = self._clock.now()
        await self._db.work(lambda tx: set_direct(tx, member, wanted, now))

    async def is_answered(self, job_id: str) -> bool:
        """Whether the end of a private job stands in its answer, or is on its way there."""
        subject = f"job:{job_id}"
        return bool(await self._db.work(lambda tx: posts.of_any(tx, subject, messages.ANSWERS)))

    async def answer_token(self, job_id: str) -> str | None:
        """The token of a private job's interaction, while Discord surely takes it."""
        since = self._clock.now() - TOKEN_MS + _TOKEN_MARGIN_MS
        return await self._db.work(lambda tx: store.token_of(tx, job_id, since))

    async def cancellable(self, reader: Reader) -> tuple[Job, ...]:
        """What the reader could cancel now, newest first."""
        member = None if reader.moderator else reader.member
        found = await self._db.work(lambda tx: self._recent(tx, reader, member))
        return tuple(job for job in found if job.stoppable and job.cancelled_by is None)

    def _recent(self, tx: Tx, reader: Reader, member: str | None) -> tuple[Job, ...]:
        """As many as a menu may choose from, as this reader may see them."""
        found = store.listed(tx, reader.guild, member, limit=50, offset=0)
        return seen(tx, self._stake, reader.guild or "", reader.member, found)[0]

    def asking(self, actor: Actor, channel: str, parent: str, typed: str | None = None) -> Asking:
        """What the gate would look at if a mashup by this engine were asked for. Raises `Refused`."""
        engine = engine_named(typed, self.choice.engines[0])
        offered = self._registry.get(engine).capabilities(Operation.MASHUP, Mode.CUSTOM)
        return Asking(
            guild=actor.guild,
            member=actor.member,
            roles=actor.roles,
            channel=channel,
            parent=parent,
            engine=engine.value,
            operation=Operation.MASHUP.value,
            model=offered.default_model if offered else None,
            credits=round(offered.credits * THOUSANDTHS) if offered else 0,
        )

    def _asking(self, ask: Ask, allowance: Allowance | None) -> Asking:
        """What the gate looks at; whatever the engine's account will be charged counts for its caps."""
        request, operation = ask.request, Operation(ask.operation)
        mode, model = Mode(request.get("mode") or Mode.CUSTOM), request.get("model")
        offered = self.choice.capabilities(EngineName(ask.engine), operation, mode, model)
        return Asking(
            guild=ask.guild,
            member=ask.member,
            roles=ask.roles,
            channel=ask.channel,
            parent=ask.parent,
            engine=ask.engine,
            operation=ask.operation,
            model=model,
            credits=round(offered.credits * THOUSANDTHS),
            allowance=allowance,
        )

    def check_size(self, offer: Offer) -> None:
        """Raises `Refused` for a file that cannot be taken."""
        if offer.size == 0:
            raise Refused(Code.FILE_EMPTY, name=offer.name)
        if offer.size > self._max_source_bytes:
            limit = self._max_source_bytes >> 20
            raise Refused(Code.FILE_TOO_LARGE, name=offer.name, limit_mb=limit)


def _persona(tx: Tx, member: str, typed: str | None) -> Persona | None:
    """The member's own, by id or name. Raises `Refused`."""
    if not typed:
        return None
    found = persona_rows.chosen(tx, member, typed)
    if found is None:
        raise Refused(Code.NO_SUCH_PERSONA, name=typed)
    return found


def _readable(tx: Tx, reader: Reader, job_id: str) -> Job:
    """A job that this reader may act on. Raises `Refused`."""
    job = known(tx, reader, job_id)
    if not reader.moderator and job.ask.member != reader.member:
        raise Refused(Code.NOT_YOUR_JOB, job=job_id)
    return job


def known(tx: Tx, reader: Reader, job_id: str) -> Job:
    """A job that is there where the reader looks. Raises `Refused`."""
    job = store.get(tx, job_id)
    if job is None or (job.ask.member != reader.member if reader.guild is None else job.ask.guild != reader.guild):
        raise Refused(Code.NO_SUCH_JOB, job=job_id)
    return job


def _ask(
    operation: Operation, place: Place, offers: tuple[Offer, ...], request: Request, seed: int, again_of: str | None
) -> Ask:
    return Ask(
        interaction=place.interaction,
        guild=place.guild,
        channel=place.channel,
        member=place.member,
        locale=place.locale,
        engine=request.engine.value,
        operation=operation.value,
        request=request.model_dump(mode="json"),
        seed=seed,
        max_bytes=place.max_bytes,
        sources=tuple(_source(side, offer) for side, offer in zip("ab", offers, strict=False)),
        private=place.private,
        token=place.token if place.private else "",
        again_of=again_of,
        roles=place.roles,
        parent=place.parent,
    )


def _source(side: str, offer: Offer) -> Source:
    return Source(side, offer.url, offer.name[:200], offer.size, offer.hash, offer.seconds)
