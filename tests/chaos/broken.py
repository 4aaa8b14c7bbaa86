"""Bots that break a promise on purpose, each by one part replaced: the checker has to find every one of them."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord

from bot.client import Tree, TwodeckBot
from bot.database import Tx, connection
from bot.engines.hosted.client import MusicClient
from bot.intake import Intake
from bot.jobs import line
from bot.jobs import store as jobs
from bot.jobs.job import Job, Move
from bot.jobs.steps import Steps, again
from bot.posts import store as posts
from bot.posts.post import Post
from bot.posts.slot import Slot
from bot.web.callbacks import Callbacks, Hint, Knock, Signed
from cogs.views.controls import Admitted

_HEAD_START = 0.3
_LOOK_SECONDS = 0.02


def _nothing(*_: object) -> None:
    pass


def no_marker() -> None:
    """After a crash in the middle of a create the job goes back into the queue: it is submitted again."""

    async def submitting(self: Steps, job: Job, owner: str) -> Move:
        return again(job)

    Steps.submitting = submitting


def random_nonce_and_no_lookup() -> None:
    """A message whose fate is not known is sent again, and Discord cannot know that it is the same."""
    send = Slot.send

    async def forgetful(self: Slot, post: Post) -> str:
        return await send(self, replace(post, nonce=secrets.token_hex(12)))

    async def blind(self: Slot, post: Post) -> str | None:
        return None

    Slot.send, Slot.find = forgetful, blind


def release_not_in_unit() -> None:
    """Reservations are closed after the step, in a unit of their own."""
    account, apply = line._account, line.JobLine._apply

    async def in_two_units(self: line.JobLine, job: Job, owner: str, step: Any) -> Job | None:
        following = await apply(self, job, owner, step)
        if isinstance(step, Move):
            now = self._clock.now()
            await self._db.work(lambda tx: account(tx, job, step.to, now))
        return following

    line._account = _nothing
    line.JobLine._apply = in_two_units


def no_reclaim() -> None:
    """A step that ended without a word keeps its lease."""
    jobs.reclaim = posts.reclaim = _nothing


def no_room_back() -> None:
    """A claim that came to nothing keeps the turn at the engine."""

    def reclaim(self: line.JobLine, tx: Tx, running: Collection[str]) -> None:
        jobs.reclaim(tx, running, self._clock.now())

    line.JobLine.reclaim = reclaim


def callback_answers_before_commit() -> None:
    """The provider is told 200 at once; the hint is stored a little later."""
    keep = Callbacks._keep
    storing: set[asyncio.Task[None]] = set()

    async def soon(self: Callbacks, knock: Knock, hint: Hint, signed: Signed) -> None:
        await asyncio.sleep(_HEAD_START)
        await keep(self, knock, hint, signed)

    async def at_once(self: Callbacks, knock: Knock, hint: Hint, signed: Signed) -> None:
        task = asyncio.create_task(soon(self, knock, hint, signed))
        storing.add(task)
        task.add_done_callback(storing.discard)

    Callbacks._keep = at_once


def synchronous_normal() -> None:
    """Commits are not synced: a power cut takes them back."""
    prepare = connection._prepare

    def lazily(raw: sqlite3.Connection, path: Path) -> None:
        prepare(raw, path)
        raw.execute("PRAGMA synchronous=NORMAL")

    connection._prepare = lazily


_LEAKED: list[Any] = []


def leak() -> None:
    """Each step of a job leaves a little memory and an open file behind."""
    apply = line.JobLine._apply

    async def leaving(self: line.JobLine, job: Job, owner: str, step: Any) -> Job | None:
        _LEAKED.append((b"x" * 20_000, os.open(os.devnull, os.O_RDONLY)))
        return await apply(self, job, owner, step)

    line.JobLine._apply = leaving


def tell() -> None:
    """The key of a provider is in the log, at its most talkative."""
    ask = MusicClient._ask

    async def telling(self: MusicClient, *args: Any, **kwargs: Any) -> Any:
        logging.getLogger("bot.engines").debug("asking with %s", self._key.get_secret_value())
        return await ask(self, *args, **kwargs)

    MusicClient._ask = telling


def in_line() -> None:
    """Who finds no place waits for one, instead of being told that the bot is busy."""
    enter_commands, enter_controls = Tree.interaction_check, Admitted.interaction_check

    def waiting(check: Any) -> Any:
        async def checked(self: Any, interaction: discord.Interaction[TwodeckBot]) -> bool:
            intake = interaction.client.intake
            while not intake._has_room(interaction.guild_id or interaction.user.id):  # noqa: ASYNC110 - nobody tells of a place
                await asyncio.sleep(_LOOK_SECONDS)
            return await check(self, interaction)

        return checked

    Tree.interaction_check = waiting(enter_commands)
    Admitted.interaction_check = waiting(enter_controls)


def without_shares() -> None:
    """Places are for whoever comes first, also when they all come from one server."""
    Intake._has_room = lambda self, who: self.under_way < self._places


def no_look_back() -> None:
    """A start draws the cards of open jobs only."""

    def nobody(tx: Tx) -> list[str]:
        return []

    jobs.ended_last = nobody


VARIANTS: Mapping[str, Callable[[], None]] = {
    "no-marker": no_marker,
    "random-nonce-and-no-lookup": random_nonce_and_no_lookup,
    "release-not-in-unit": release_not_in_unit,
    "no-reclaim": no_reclaim,
    "no-room-back": no_room_back,
    "no-look-back": no_look_back,
    "callback-answers-before-commit": callback_answers_before_commit,
    "synchronous-normal": synchronous_normal,
    "leak": leak,
    "tell": tell,
    "in-line": in_line,
    "without-shares": without_shares,
}
