"""A provider behind the engine port: sources go up, one create goes out, records say how it stands."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bot.engines.hosted import legacy
from bot.engines.hosted.client import OK, Answer, MusicClient, NoAnswer, NotConnected
from bot.engines.hosted.profile import Outcome, Profile
from bot.engines.hosted.tracks import Collector
from bot.engines.port import Ambiguous, Capabilities, Finished, Later, Order, TaskState, TaskStatus
from bot.errors import Code, Refusal, Refused
from bot.request import Mode, Operation

log = logging.getLogger(__name__)
INERT_CALLBACK = "https://example.com/"
"""Where callbacks go when nobody can reach us: the field is required, and this host is reserved for examples."""

_UPLOADS = 3
_UNFETCHED = 451
_NOT_NOW_SECONDS = 30.0
_PAUSE_SECONDS = 60.0
_WINDOW_SECONDS = 10.0
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
    ) -> None:
        self.name = profile.name
        self._profile = profile
        self._client = client
        self._collector = collector
        self._folder = folder
        self._public_url = (public_url or "").rstrip("/")
        self._monotonic = monotonic
        self._new_id = new_id
        self._creates: deque[float] = deque()
        self._seen: dict[str, TaskStatus] = {}

    def capabilities(self, operation: Operation, mode: Mode, model: str | None = None) -> Capabilities | None:
        if operation is not Operation.MASHUP:
            return None
        return Capabilities(
            models=tuple(self._profile.models),
            default_model=self._profile.default_model,
            limits=self._profile.limits(mode, model),
            uses=legacy.uses(mode, self._profile.simple_fields),
            needs=frozenset({"style", "prompt"}) if mode is Mode.CUSTOM else frozenset({"prompt"}),
        )

    @property
    def polls_per_second(self) -> float | None:
        return self._profile.polls_per_second

    def free(self) -> int:
        """As many creates as the account's rate leaves."""
        now = self._monotonic()
        while self._creates and self._creates[0] <= now - _WINDOW_SECONDS:
            self._creates.popleft()
        return self._profile.creates_per_10_seconds - len(self._creates)

    async def prepare(self, order: Order) -> tuple[str, ...]:
        """Put the sources on the provider's upload host, under names nobody can guess."""
        return tuple([await self._upload(source) for source in order.sources])

    async def submit(self, order: Order) -> str:
        """One create, sent once."""
        self._creates.append(self._monotonic())
        callback = self._callback(order)
        body = legacy.mashup_body(order.request, self._profile.simple_fields, order.uploads, callback)
        try:
            answer = await self._client.create(legacy.MASHUP, body)
        except NotConnected:
            raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": 0}), _NOT_NOW_SECONDS) from None
        except NoAnswer as trouble:
            raise Ambiguous(f"{self.name}: {trouble}") from None
        if answer.code != OK:
            raise self._refused(answer)
        task = legacy.task_of(answer.data)
        if task is None:
            raise Ambiguous(f"{self.name}: an answer without a task id")
        return task

    async def status(self, task: str) -> TaskStatus:
        """The provider's record; while it cannot be read, the task is taken to run on."""
        answer = await self._record(task)
        status = legacy.status_of(answer.data) if answer else self._seen.get(task, _RUNNING)
        self._seen[task] = status
        return status

    def glance(self, task: str) -> TaskStatus:
        return self._seen.get(task, _RUNNING)

    async def recognises(self, task: str, uploads: tuple[str, ...]) -> bool:
        """Whether the provider's record of `task` names these uploads. Raises `Later` when it cannot be read."""
        answer = await self._record(task)
        if answer is None:
            raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": 0}), _NOT_NOW_SECONDS)
        return legacy.names_uploads(answer.data, uploads)

    async def finished(self, task: str) -> Finished:
        """Fetch and check every track of a READY task. Raises `Later` while one cannot be fetched."""
        answer = await self._record(task)
        made = legacy.made_of(answer.data) if answer else ()
        if not made:
            raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": 0}), _NOT_NOW_SECONDS)
        directory = self._directory(task)
        directory.mkdir(parents=True, exist_ok=True)
        return await self._collector.collect(made[: self._profile.tracks], directory)

    async def discard(self, task: str) -> None:
        self._seen.pop(task, None)
        await asyncio.to_thread(shutil.rmtree, self._directory(task), ignore_errors=True)

    async def close(self) -> None:
        await self._client.close()
        await self._collector.close()

    async def _record(self, task: str) -> Answer | None:
        try:
            answer = await self._client.read(legacy.RECORD, {"taskId": task})
        except (NotConnected, NoAnswer) as trouble:
            log.info("%s: no record of a task: %s", self.name, trouble)
            return None
        if answer.code != OK:
            log.info("%s: no record of a task: code %s", self.name, answer.code)
            return None
        return answer

    async def _upload(self, path: Path) -> str:
        """Free, so it is tried again; each try has a name of its own."""
        code = 0
        for _ in range(_UPLOADS):
            try:
                answer = await self._client.upload(path, f"{self._new_id()}{self._new_id()}.audio")
            except (NotConnected, NoAnswer) as trouble:
                log.info("%s: an upload failed: %s", self.name, trouble)
                continue
            code = answer.code
            data = answer.data if isinstance(answer.data, dict) else {}
            address = data.get("downloadUrl") or data.get("fileUrl")
            if code == OK and isinstance(address, str):
                return address
        raise Later(Refusal(Code.ENGINE_UNAVAILABLE, {"status": code}), _NOT_NOW_SECONDS)

    def _refused(self, answer: Answer) -> Exception:
        """What a documented code other than 200 leads to."""
        outcome = self._profile.outcome(answer.code)
        log.warning("%s answered a create with code %s (%s)", self.name, answer.code, outcome)
        unavailable = Refusal(Code.ENGINE_UNAVAILABLE, {"status": answer.code})
        match outcome:
            case Outcome.REFUSE:
                return Refused(Code.ENGINE_REFUSED, status=answer.code)
            case Outcome.LATER:
                return Later(unavailable, _NOT_NOW_SECONDS, tries=2 if answer.code == _UNFETCHED else None)
            case Outcome.PAUSE_ENGINE:
                return Later(unavailable, _PAUSE_SECONDS, pause=True)
            case Outcome.OPERATOR:
                log.error("%s needs the operator: code %s; docs/engines.md says why", self.name, answer.code)
                return Refused(Code.ENGINE_UNAVAILABLE, status=answer.code)
            case Outcome.UNKNOWN:
                return Ambiguous(f"{self.name}: code {answer.code}")

    def _callback(self, order: Order) -> str:
        if not self._public_url:
            return INERT_CALLBACK
        return f"{self._public_url}/callbacks/{self.name}/{order.job}/{order.secret}"

    def _directory(self, task: str) -> Path:
        """Named by a hash: a provider's task id is not a file name."""
        return self._folder / f"{self.name}-{hashlib.sha256(task.encode()).hexdigest()[:24]}"
