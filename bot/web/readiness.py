"""Whether the bot can do its work: Discord hears it, its database takes what is written, its workers work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from bot.database import Database, Tx
from bot.metrics.gateway import Gateway
from bot.runner import Runner
from bot.web.health import TROUBLE
from bot.worker.pool import Pool

_DATABASE_SECONDS = 3.0
_QUIET_SECONDS = 120.0
"""A runner looks for work at least every 30 s."""
_PROBE = "readyz"


class Readiness:
    """One route, `/readyz`: 200 when every part is ready, else 503; each part says why it is not."""

    def __init__(self, db: Database, gateway: Gateway, runner: Runner, pools: Sequence[Pool]) -> None:
        self._db = db
        self._gateway = gateway
        self._runner = runner
        self._pools = pools
        self._probe: asyncio.Task[str] | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/readyz", self._answer)]

    async def stop(self) -> None:
        """End a look at the database that nobody waits for any more."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)

    async def parts(self) -> dict[str, str]:
        """What keeps each part from its work; an empty text where nothing does."""
        return {"gateway": self._discord(), "database": await self._database(), "workers": self._workers()}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        parts = await self.parts()
        ready = not any(parts.values())
        told = {name: {"ready": not why, **({"why": why} if why else {})} for name, why in parts.items()}
        return web.json_response({"ready": ready, **told}, status=200 if ready else 503)

    def _discord(self) -> str:
        return "" if self._gateway.connected else "not connected"

    async def _database(self) -> str:
        """A write that leaves nothing behind; one at a time, so that a database that hangs gets no queue."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._write(), name="readiness")
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                return await asyncio.shield(self._probe)
        except TimeoutError:
            return "does not answer"

    async def _write(self) -> str:
        try:
            await self._db.work(_write_and_undo)
        except TROUBLE as trouble:
            return f"cannot be written ({type(trouble).__name__})"
        return ""

    def _workers(self) -> str:
        if not self._runner.is_running:
            return "not started"
        if self._runner.quiet_seconds > _QUIET_SECONDS:
            return "stuck"
        return "" if all(pool.is_able for pool in self._pools) else "no worker can be started"


def _write_and_undo(tx: Tx) -> None:
    """The pages are written and synced like those of any other unit."""
    tx.run("INSERT INTO command_syncs (application, digest, synced_at) VALUES (?, '', 0)", (_PROBE,))
    tx.run("DELETE FROM command_syncs WHERE application = ?", (_PROBE,))
