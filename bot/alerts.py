"""Telling the operators that something needs them: once for each cause, until it clears."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from bot.clock import Clock
from bot.database import Database
from bot.errors import Cause, Value
from bot.failpoints import around
from bot.posts import store as posts
from bot.posts.post import Alert, NewPost, Purpose
from bot.settings import OperatorSettings
from bot.texts import DEFAULT, say

log = logging.getLogger(__name__)
_WEBHOOK_SECONDS = 5


class Alerts:
    """Always the log; besides it the alert channel by a post of its own, or the webhook. Never raises."""

    def __init__(self, db: Database, clock: Clock, settings: OperatorSettings, wake: Callable[[], None]) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._wake = wake
        self._standing: dict[str, int] = {}
        self._operators = settings.named

    @property
    def operators(self) -> tuple[str, ...]:
        """User ids: those of the settings, or else whoever Discord says owns the application."""
        return self._operators

    def know_owners(self, owners: Sequence[str]) -> None:
        """Discord said who owns the application; settings that name operators win."""
        self._operators = self._settings.named or tuple(owners)

    async def alert(self, cause: Cause, about: str = "", **values: Value) -> None:
        """Tell of `cause`, unless it stands already for the thing it is `about`.

        A post's row also stands through a restart.
        """
        name = _subject(cause, about)
        if name in self._standing:
            return
        self._standing[name] = self._clock.now()
        log.warning("alert: %s", say(DEFAULT, f"alert-{cause}", **values))
        try:
            if self._settings.alert_channel:
                await self._post(name, cause, values)
            elif self._settings.alert_webhook.get_secret_value():
                await self._call(say(DEFAULT, f"alert-{cause}", **values))
        except Exception:
            log.exception("the alert %s was not sent", cause)

    async def clear(self, cause: Cause, about: str = "", *, after_ms: int = 0) -> None:
        """It is over, if it has stood for `after_ms`: the next time is told again."""
        name, before = _subject(cause, about), self._clock.now() - after_ms
        if self._standing.get(name, before + 1) <= before:
            del self._standing[name]
        if self._settings.alert_channel:
            await self._db.work(lambda tx: posts.set_aside(tx, name, before))

    async def _post(self, subject: str, cause: Cause, values: dict[str, Value]) -> None:
        body = Alert(cause=cause.value, locale=DEFAULT, operators=self._operators, values=values).to_json()
        post = NewPost(Purpose.ALERT, self._settings.alert_channel, body)
        post_id, now = self._clock.new_id(), self._clock.now()
        await self._db.work(lambda tx: posts.add(tx, subject, post, post_id=post_id, now=now))
        self._wake()

    async def _call(self, sentence: str) -> None:
        """Discord's own shape of a webhook, which chat programs take too. The address is a secret: never logged."""
        timeout = aiohttp.ClientTimeout(total=_WEBHOOK_SECONDS)
        body: dict[str, Any] = {"content": sentence, "text": sentence, "allowed_mentions": {"parse": []}}
        try:
            with around("http alert"):
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.post(
                        self._settings.alert_webhook.get_secret_value(), json=body, allow_redirects=False
                    ) as answer,
                ):
                    if answer.status >= 300:
                        log.warning("the alert webhook answered %d", answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("the alert webhook cannot be reached (%s)", type(error).__name__)


def _subject(cause: Cause, about: str) -> str:
    return f"alert:{cause}:{about}" if about else f"alert:{cause}"
