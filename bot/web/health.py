"""Whether the bot is alive: it answers, and so does its database."""

from __future__ import annotations

import asyncio
import sqlite3

from aiohttp import web

from bot.database import Database, Tx
from bot.database.connection import DatabaseError

TROUBLE = (sqlite3.Error, DatabaseError, TimeoutError)
"""What comes of a database that cannot be used."""
_SECONDS = 5.0


def look(tx: Tx) -> bool:
    """Whether it answers."""
    return tx.one("SELECT 1") is not None


class Health:
    """One route, `/healthz`: 200, or 503 without a database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(_SECONDS):
                await self._db.work(look)
        except TROUBLE:
            return web.json_response({"status": "no database"}, status=503)
        return web.json_response({"status": "ok"})
