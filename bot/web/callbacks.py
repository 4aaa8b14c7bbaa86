"""Takes a provider's callback as a hint: checked, stored and the job woken in one unit, then answered."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bot.clock import Clock
from bot.database import Database
from bot.database.connection import DatabaseError
from bot.jobs import inbox
from bot.web.signature import Replays, verify

log = logging.getLogger(__name__)
MAX_BODY = 64 << 10
DEADLINE_SECONDS = 5.0
STAGES = frozenset({"text", "first", "complete", "error"})
_OTHER = "other"
_NOBODY = inbox.Address("", "-" * 32)


@dataclass(frozen=True)
class Hint:
    """All that is used of a body."""

    task: str
    stage: str


class Callbacks:
    """One route. An unknown job, another engine and a wrong secret get the same answer, 404."""

    def __init__(
        self, db: Database, clock: Clock, webhook_keys: Sequence[SecretStr], wake: Callable[[], None]
    ) -> None:
        """Callbacks of kie.ai have to be signed with one of `webhook_keys`, if there are any."""
        self._db = db
        self._clock = clock
        self._keys = tuple(webhook_keys)
        self._wake = wake
        self._replays = Replays()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/callbacks/{engine}/{job}/{secret}", self._receive),
            web.get("/healthz", self._health),
        ]

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        engine, job = request.match_info["engine"], request.match_info["job"]
        try:
            await self._check_address(engine, job, request.match_info["secret"])
            hint = await _hint(request)
            signature = self._check_signature(engine, hint, request.headers)
            if signature is None or not self._replays.seen(signature, hint.stage):
                await self._keep(job, hint)
            if signature is not None:
                self._replays.remember(signature, hint.stage, self._clock.now() / 1000)
        except (sqlite3.Error, DatabaseError, _TooSlow):
            log.warning("a callback for job %s could not be stored", job)
            raise web.HTTPServiceUnavailable(text="try again") from None
        return web.json_response({"status": "received"})

    async def _check_address(self, engine: str, job: str, secret: str) -> None:
        known = await _in_time(self._db.work(lambda tx: inbox.address_of(tx, job)))
        address = known or _NOBODY
        right = hmac.compare_digest(address.secret.encode(), secret.encode("utf-8", "replace"))
        if known is None or not right or known.engine != engine:
            raise web.HTTPNotFound(text="not found")

    def _check_signature(self, engine: str, hint: Hint, headers: Mapping[str, str]) -> str | None:
        """The signature, where one has to be."""
        if engine != "kie" or not self._keys:
            return None
        signature, at = headers.get("X-Webhook-Signature", ""), headers.get("X-Webhook-Timestamp", "")
        now = self._clock.now() / 1000
        good = [verify(key.get_secret_value(), hint.task, at, signature, now) for key in self._keys]
        if True not in good:
            raise web.HTTPUnauthorized(text="wrong signature")
        return signature

    async def _keep(self, job: str, hint: Hint) -> None:
        now = self._clock.now()
        await _in_time(self._db.work(lambda tx: inbox.put(tx, job, hint.stage, hint.task, now)))
        self._wake()

    async def _health(self, request: web.Request) -> web.StreamResponse:
        try:
            await _in_time(self._db.work(lambda tx: tx.one("SELECT 1")))
        except (sqlite3.Error, DatabaseError, _TooSlow):
            return web.json_response({"status": "no database"}, status=503)
        return web.json_response({"status": "ok"})


class _TooSlow(Exception):  # noqa: N818 - a deadline of our own
    """The database did not answer in time."""


async def _in_time(work: Any) -> Any:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await work
    except TimeoutError:
        raise _TooSlow from None


async def _hint(request: web.Request) -> Hint:
    """Read the body within its limits; everything that is no hint is refused."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="no content encoding")
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="application/json only")
    if (request.content_length or 0) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or 0)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="too slow") from None
    try:
        return _read(json.loads(body))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise web.HTTPBadRequest(text="not a callback") from None


def _read(body: Any) -> Hint:
    data = body.get("data") if isinstance(body.get("data"), dict) else {}
    task = data.get("task_id") or data.get("taskId") or body.get("taskId")
    if not isinstance(task, str) or not 0 < len(task) <= 200 or not task.isascii():
        raise ValueError("no task id")
    stage = data.get("callbackType")
    return Hint(task, stage if stage in STAGES else _OTHER)
