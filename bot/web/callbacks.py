"""Takes a provider's callback as a hint: checked, stored and the job woken in one unit, then answered."""

from __future__ import annotations

import asyncio
import hmac
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bot.clock import Clock
from bot.database import Tx, Units
from bot.database.connection import DatabaseError
from bot.jobs import inbox
from bot.web.probes import Probes
from bot.web.signature import Replays, verify

DEADLINE_SECONDS = 5.0
STAGES = frozenset({"text", "first", "complete", "error"})
_OTHER = "other"
_NOBODY = inbox.Address("", "-" * 32)


@dataclass(frozen=True)
class Hint:
    """All that is used of a body."""

    task: str
    stage: str


@dataclass(frozen=True)
class Knock:
    """The parts of a callback's address as it came."""

    engine: str
    job: str
    secret: str = field(repr=False)

    def leads_to(self, address: inbox.Address | None) -> bool:
        """Compared in a time that tells nothing of the secret."""
        right = hmac.compare_digest((address or _NOBODY).secret.encode(), self.secret.encode("utf-8", "replace"))
        return right and address is not None and address.engine == self.engine


@dataclass(frozen=True)
class Signed:
    """Whether a callback is signed as it has to be, and by what; None where nothing has to be signed."""

    good: bool
    signature: str | None = None


class Callbacks:
    """One route. An unknown job, another engine and a wrong secret get the same answer, 404."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        webhook_keys: Sequence[SecretStr],
        probes: Probes | None = None,
    ) -> None:
        """Callbacks of kie.ai have to be signed with one of `webhook_keys`, if there are any.

        `units` see to it that a job which is due is looked at. What comes to one of `probes` is checked like the
        rest, and then only noted there.
        """
        self._units = units
        self._clock = clock
        self._keys = tuple(webhook_keys)
        self._probes = probes or Probes(clock)
        self._replays = Replays()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/callbacks/{engine}/{job}/{secret}", self._receive),
        ]

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        knock, hint = Knock(**request.match_info), await _hint(request)
        signed = self._signed(knock.engine, hint, request.headers)
        try:
            await self._keep(knock, hint, signed)
        except (sqlite3.Error, DatabaseError, _TooSlow):
            raise web.HTTPServiceUnavailable(text="try again") from None
        return web.json_response({"status": "received"})

    def _signed(self, engine: str, hint: Hint, headers: Mapping[str, str]) -> Signed:
        if engine != "kie" or not self._keys:
            return Signed(True)
        signature, at = headers.get("X-Webhook-Signature", ""), headers.get("X-Webhook-Timestamp", "")
        now = self._clock.now() / 1000
        good = [verify(key.get_secret_value(), hint.task, at, signature, now) for key in self._keys]
        return Signed(True in good, signature)

    def _check(self, tx: Tx, knock: Knock, signed: Signed) -> None:
        _admit(inbox.address_of(tx, knock.job), knock, signed)

    def _store(self, tx: Tx, knock: Knock, hint: Hint, signed: Signed, now: int) -> None:
        """Nothing for what was stored before."""
        self._check(tx, knock, signed)
        if signed.signature is not None and self._replays.seen(signed.signature, hint.stage):
            return
        inbox.put(tx, knock.job, hint.stage, hint.task, now)

    async def _keep(self, knock: Knock, hint: Hint, signed: Signed) -> None:
        if (probe := self._probes.address_of(knock.job)) is not None:
            _admit(probe, knock, signed)
            self._probes.arrive(knock.job)
            return
        now = self._clock.now()
        await _in_time(self._units.work(lambda tx: self._store(tx, knock, hint, signed, now)))
        if signed.signature is not None:
            self._replays.remember(signed.signature, hint.stage, now / 1000)


def _admit(address: inbox.Address | None, knock: Knock, signed: Signed) -> None:
    """Who does not know the address is told nothing else."""
    if not knock.leads_to(address):
        raise web.HTTPNotFound(text="not found")
    if not signed.good:
        raise web.HTTPUnauthorized(text="wrong signature")


class _TooSlow(Exception):  # noqa: N818 - a deadline of our own
    """The database did not answer in time."""


async def _in_time(work: Any) -> Any:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await work
    except TimeoutError:
        raise _TooSlow from None


async def _hint(request: web.Request) -> Hint:
    """The body as the guard let it in; everything that is no hint is refused."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="application/json only")
    body = await request.read()
    try:
        return _read(json.loads(body))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise web.HTTPBadRequest(text="not a callback") from None


def _read(body: Any) -> Hint:
    data: dict[str, Any] = body.get("data") if isinstance(body.get("data"), dict) else {}
    task = data.get("task_id") or data.get("taskId") or body.get("taskId")
    if not isinstance(task, str) or not 0 < len(task) <= 200 or not task.isascii():
        raise ValueError("no task id")
    stage = data.get("callbackType")
    return Hint(task, stage if stage in STAGES else _OTHER)
