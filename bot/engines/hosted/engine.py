"""A provider behind the engine port: sources go up, one create goes out, records say how it stands."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.engines.hosted import legacy, unified
from bot.engines.hosted.client import OK, Answer, MusicClient, NoAnswer, NotConnected
from bot.engines.hosted.dialect import Call, Dialect
from bot.engines.hosted.profile import Profile
from bot.engines.hosted.records import entries, made_of, names_uploads, persona_of, task_of
from bot.engines.hosted.rules import DialectName, Outcome
from bot.engines.hosted.tracks import Collector
from bot.engines.port import (
    Account,
    Ambiguous,
    Capabilities,
    Finished,
    Later,
    Likeness,
    Order,
    TaskState,
    TaskStatus,
)
from bot.errors import Code, Refusal, Refused
from bot.request import Mode, Operation

log = logging.getLogger(__name__)
_DIALECTS: dict[DialectName, Dialect] = {
    DialectName.LEGACY: legacy,
    DialectName.MODELESS: legacy,
    DialectName.UNIFIED: unified,
}
_UPLOADS = 3
_WRONG_KEY = 401
_ONCE_MORE = frozenset({451, 531})
"""A source that could not be fetched (it goes up afresh), and a failure whose credits were given back."""
_STRANGE = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_STATE = 40
_EXISTS = 409
_CREDIT_WORDS = ("credit", "balance")
_NOT_NOW_SECONDS = 30.0
_PAUSE_SECONDS = 60.0
_WINDOW_SECONDS = 10.0
_LINK_SECONDS = 120.0
"""How long a finished task may be without addresses of files before links to listen to will do."""
_RUNNING = TaskStatus(TaskState.RUNNING, stage="working", fraction=0.1)


class HostedEngine:
    """One provider's account. `monotonic` is the seconds counter, `new_id` names uploads."""

    repeatable = False
    cancellable = False

    def __init__(
        self,
        profile: Profile,
        client: MusicClient,
        collector: Collector,
        folder: Path,
        *,
        public_url: str | None,
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
        offer: Callable[[str], str] | None = None,
        pass_links: bool = False,
    ) -> None:
        """`offer` gives a source of ours an address, by its sha256: for providers without an upload host.

        With `pass_links` the first try gets the member's own links.
        """
        self.name = profile.name
        self._profile = profile
        self._dialect = _DIALECTS[profile.dialect]
        self._client = client
        self._collector = collector
        self._folder = folder
        self._public_url = (public_url or "").rstrip("/")
        self._monotonic = monotonic
        self._new_id = new_id
        self._offer = offer
        self._pass_links = pass_links
        self._creates: deque[float] = deque()
        self._seen: dict[str, TaskStatus] = {}
        self._linkless: dict[str, float] = {}
        self._records: dict[str, Answer] = {}
        self._account = Account(min(rules.price for rules in profile.spoken.operations.values()))

    def capabilities(self, operation: Operation, mode: Mode, model: str | None = None) -> Capabilities | None:
        return self._profile.capabilities(operation, mode, model)

    @property
    def account(self) -> Account:
        return self._account

    @property
    def polls_per_second(self) -> float | None:
        return self._profile.provider.polls_per_second

    def free(self) -> int:
        """As many creates as the account's rate leaves."""
        now = self._monotonic()
        while self._creates and self._creates[0] <= now - _WINDOW_SECONDS:
            self._creates.popleft()
        return self._profile.provider.creates_per_10_seconds - len(self._creates)

    def opens_in(self) -> float | None:
        if self.free() > 0:
            return None
        return max(0.0, self._creates[0] + _WINDOW_SECONDS - self._monotonic())

    async def prepare(self, order: Order) -> tuple[str, ...]:
        """Put the sources on the provider's upload host, under names nobody can guess. Raises `Refused`, too."""
        self._check(order)
        if self._pass_links and order.links and order.attempt == 1:
            return order.links
        if self._offer is not None:
            return tuple(self._offer(source.name) for source in order.sources)
        return tuple([await self._upload(source) for source in order.sources])

    async def submit(self, order: Order) -> str:
        """One create, sent once."""
        self._creates.append(self._monotonic())
        path, body = self._dialect.create(self._call(order))
        try:
            answer = await self._client.create(path, body)
        except NotConnected:
            raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": 0}), _NOT_NOW_SECONDS) from None
        except NoAnswer as trouble:
            raise Ambiguous(f"{self.name}: {trouble}") from None
        if answer.code != OK:
            raise await self._refused(answer, order)
        task = task_of(answer.data)
        if task is None:
            raise Ambiguous(f"{self.name}: an answer without a task id")
        return task

    async def status(self, task: str) -> TaskStatus:
        """The provider's record; while it cannot be read, the task is taken to run on."""
        answer = await self._record(task)
        if answer is None:
            return self.glance(task)
        status = self._dialect.status_of(answer.data, self._profile.spoken.task_codes)
        state = self._dialect.state_of(answer.data)
        if state and state not in self._dialect.STATES:
            status = replace(status, unheard=_STRANGE.sub("?", state)[:_LONGEST_STATE])
        if status.state is TaskState.RUNNING and state in self._dialect.DONE:
            waits = self._monotonic() - self._linkless.setdefault(task, self._monotonic())
            if waits > _LINK_SECONDS and made_of(answer.data, streams=True):
                status = TaskStatus(TaskState.READY, fraction=1.0)
        self._seen[task] = status
        if status.state is TaskState.READY:
            self._records[task] = answer
        return status

    def glance(self, task: str) -> TaskStatus:
        return self._seen.get(task, _RUNNING)

    async def recognises(self, task: str, uploads: tuple[str, ...]) -> bool:
        """Whether the provider's record of `task` names these uploads. Raises `Later` when it cannot be read."""
        answer = await self._record(task)
        if answer is None:
            raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": 0}), _NOT_NOW_SECONDS)
        return names_uploads(answer.data, uploads)

    async def finished(self, task: str, max_bytes: int) -> Finished:
        """Fetch and check every track of a READY task. Raises `Later` while one cannot be fetched.

        The first time the record will do by which it was READY; it may have other addresses later.
        """
        answer = self._records.pop(task, None) or await self._record(task)
        made = made_of(answer.data) or made_of(answer.data, streams=True) if answer else ()
        if not made:
            raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": 0}), _NOT_NOW_SECONDS)
        directory = self._directory(task)
        directory.mkdir(parents=True, exist_ok=True)
        return await self._collector.collect(made[: self._profile.provider.tracks], directory, max_bytes)

    async def discard(self, task: str) -> None:
        self._seen.pop(task, None)
        self._linkless.pop(task, None)
        self._records.pop(task, None)
        await asyncio.to_thread(shutil.rmtree, self._directory(task), ignore_errors=True)

    def offers_persona(self, operation: Operation) -> bool:
        personas = self._profile.spoken.personas
        return personas is not None and operation in personas.of

    async def make_persona(self, likeness: Likeness) -> str:
        """One create, sent once; there can be one of each track, and what is there cannot be asked for."""
        personas = self._profile.spoken.personas
        if personas is None:
            raise Refused(Code.PERSONA_NOT_OFFERED, engine=self.name.value, ready="-")
        names = {"name": likeness.name, "description": likeness.description}
        try:
            answer = await self._client.create(
                personas.name, {"taskId": likeness.task, "audioId": likeness.audio, **names}
            )
        except NotConnected:
            raise Refused(Code.ENGINE_UNAVAILABLE, status=0) from None
        except NoAnswer as trouble:
            raise Ambiguous(f"{self.name}: {trouble}") from None
        if answer.code != OK:
            raise self._no_persona(answer.code)
        made = persona_of(answer.data)
        if made is None:
            raise Ambiguous(f"{self.name}: an answer without a persona id")
        return made

    def _no_persona(self, code: int) -> Exception:
        log.warning("%s answered a persona with code %s", self.name, code)
        if code == _EXISTS:
            return Refused(Code.PERSONA_EXISTS)
        match self._profile.outcome(code):
            case Outcome.UNKNOWN:
                return Ambiguous(f"{self.name}: code {code}")
            case Outcome.REFUSE:
                return Refused(Code.ENGINE_REFUSED, status=code)
            case _:
                return Refused(Code.ENGINE_UNAVAILABLE, status=code)

    async def close(self) -> None:
        await self._client.close()
        await self._collector.close()

    async def _record(self, task: str) -> Answer | None:
        try:
            answer = await self._client.read(self._dialect.RECORD, {"taskId": task})
        except (NotConnected, NoAnswer) as trouble:
            log.info("%s: no record of a task: %s", self.name, trouble)
            return None
        if answer.code != OK:
            log.info("%s: no record of a task: code %s", self.name, answer.code)
            return None
        return answer

    async def _upload(self, path: Path) -> str:
        """Free, so it is tried again; each try has a name of its own. A wrong key stays wrong."""
        code = 0
        for _ in range(_UPLOADS):
            try:
                answer = await self._client.upload(path, f"{self._new_id()}{self._new_id()}.audio")
            except (NotConnected, NoAnswer) as trouble:
                log.info("%s: an upload failed: %s", self.name, trouble)
                continue
            code = answer.code
            address = entries(answer.data).get("downloadUrl") or entries(answer.data).get("fileUrl")
            if code == OK and isinstance(address, str):
                return address
            if code == _WRONG_KEY:
                log.error("%s refuses the key: code %s to an upload", self.name, code)
                raise Refused(Code.ENGINE_UNAVAILABLE, status=code)
        raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": code}), _NOT_NOW_SECONDS)

    async def balance(self) -> Account:
        """Ask the provider; without a readable answer the credits stay as they were known."""
        try:
            answer = await self._client.read(self._profile.provider.credit_path, {})
        except (NotConnected, NoAnswer) as trouble:
            log.info("%s: no balance: %s", self.name, trouble)
            answer = None
        found = answer.data if answer and answer.code == OK else None
        if isinstance(found, int | float) and not isinstance(found, bool):
            self._account = replace(self._account, credits=float(found), reached=True)
        else:
            self._account = replace(self._account, reached=False)
        return self._account

    def _check(self, order: Order) -> None:
        """The dialect or a limit may have changed since the order was accepted. Raises `Refused`."""
        mode, model = Mode(order.request["mode"]), order.request["model"]
        offered = self.capabilities(order.operation, mode, model)
        if offered is None:
            raise Refused(Code.MODE_NOT_OFFERED, engine=self.name.value, mode=mode.value, ready="-")
        for field in sorted(name for name in offered.lacks if order.request.get(name)):
            raise Refused(Code.OPTION_NOT_OFFERED, engine=self.name.value, field=field, ready="-")
        if model not in offered.models:
            raise Refused(Code.UNKNOWN_CHOICE, field="model", value=str(model), choices=", ".join(offered.models))

    def _call(self, order: Order) -> Call:
        spoken = self._profile.spoken
        return Call(
            operation=order.operation,
            rules=spoken.operations[order.operation],
            request=order.request,
            uploads=order.uploads,
            callback=self._callback(order),
            duration=spoken.duration(order.operation, order.request, order.seconds),
            persona_model=spoken.personas.model if spoken.personas else None,
        )

    async def _refused(self, answer: Answer, order: Order) -> Exception:
        """What a documented code other than 200 leads to."""
        outcome = self._profile.outcome(answer.code)
        if outcome is Outcome.CREDITS_OR_RATE:
            outcome = Outcome.PAUSE_ENGINE if await self._out_of_credits(answer, order) else Outcome.LATER
        log.warning("%s answered a create with code %s (%s)", self.name, answer.code, outcome)
        unavailable = Refusal(Code.ENGINE_UNAVAILABLE, {"status": answer.code})
        match outcome:
            case Outcome.REFUSE:
                return Refused(Code.ENGINE_REFUSED, status=answer.code)
            case Outcome.LATER:
                return Later(unavailable, _NOT_NOW_SECONDS, tries=2 if answer.code in _ONCE_MORE else None)
            case Outcome.PAUSE_ENGINE:
                return Later(unavailable, _PAUSE_SECONDS, pause=True)
            case Outcome.OPERATOR:
                log.error("%s needs the operator: code %s; docs/engines.md says why", self.name, answer.code)
                return Refused(Code.ENGINE_UNAVAILABLE, status=answer.code)
            case _:
                return Ambiguous(f"{self.name}: code {answer.code}")

    async def _out_of_credits(self, answer: Answer, order: Order) -> bool:
        """Some pages give one code two meanings: the message says which, or else the balance."""
        if any(word in answer.message.lower() for word in _CREDIT_WORDS):
            return True
        account, price = await self.balance(), self._profile.spoken.operations[order.operation].price
        return account.reached and account.credits is not None and account.credits < price

    def _callback(self, order: Order) -> str | None:
        """Where it may ring; None when nobody can reach us."""
        if not self._public_url:
            return None
        return f"{self._public_url}/callbacks/{self.name}/{order.job}/{order.secret}"

    def _directory(self, task: str) -> Path:
        """Named by a hash: a provider's task id is not a file name."""
        return self._folder / f"{self.name}-{hashlib.sha256(task.encode()).hexdigest()[:24]}"
