"""The driver for stories: people of the Remix Club act, the bot under test answers, and we look on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.playground import checks
from bot.playground.child import BotProcess
from bot.playground.files import Upload
from bot.playground.intake import Call
from bot.playground.knobs import Knobs
from bot.playground.launcher import keep_alive
from bot.playground.limits import GENEROUS
from bot.playground.members import ON_MESSAGE, ON_PERSON
from bot.playground.music import Music
from bot.playground.server import Standin
from bot.playground.world import Attachment, Interaction, Json, Message, World, direct_id
from tests import referee
from tests.checks.saving import CountedBot, counted
from tests.warm import WarmBot

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
File = Path | tuple[str, bytes] | Upload

ROOMY = {
    "TWODECK_QUOTA_MEMBER_DAY": "5000",
    "TWODECK_QUOTA_MEMBER_DAY_MOST": "100000",
    "TWODECK_QUOTA_GUILD_DAY": "5000",
    "TWODECK_QUOTA_GUILD_DAY_MOST": "100000",
    "TWODECK_QUOTA_MEMBER_RUNNING": "5000",
    "TWODECK_QUOTA_MEMBER_RUNNING_MOST": "10000",
    "TWODECK_QUOTA_GUILD_RUNNING": "5000",
    "TWODECK_QUOTA_GUILD_RUNNING_MOST": "10000",
    "TWODECK_QUOTA_COOLDOWN_SECONDS": "0",
    "TWODECK_INTAKE": "10000",
}
"""Settings that are in nobody's way."""


@dataclass(frozen=True)
class Act:
    """What one person did, and what the bot made of it."""

    playground: Playground
    interaction: Interaction

    @property
    def failed(self) -> bool:
        """The bot did not answer within three seconds."""
        return self.interaction.failed

    @property
    def acknowledged_after(self) -> float | None:
        """Seconds until the first answer."""
        return self.interaction.acknowledged_after

    @property
    def modal(self) -> Json | None:
        """The form that was opened instead of an answer."""
        return self.interaction.modal

    @property
    def original(self) -> Message | None:
        """The answer to this act: maybe still loading, maybe the message whose button was pressed."""
        return self.interaction.original

    @property
    def followups(self) -> list[Message]:
        return self.interaction.followups

    async def answered(self, timeout: float = 5) -> Act:
        """Wait for the first answer, or for the end of its three seconds."""
        await asyncio.wait_for(self.interaction.settled.wait(), timeout)
        return self

    async def says(self, text: str, timeout: float = 10) -> Message:
        """Wait until the answer or a followup shows `text`, in content, embed or component."""

        def found() -> Message | None:
            mine = [m for m in (self.original, *self.followups) if m is not None]
            return next((m for m in mine if text in shown_text(m)), None)

        return await self.playground.wait_for(found, timeout)


class Playground:
    """`async with Playground() as play:` is a stand-in without a bot; see `connect` and `start_bot`.

    In `directory` the bot keeps its data, and the page finds its demo tracks in the folder `demo`.
    """

    def __init__(
        self, directory: Path | None = None, world: World | None = None, *, limits: str = GENEROUS
    ) -> None:
        # With limits as on Discord the stories of one file, which share a channel, would wait for one another.
        self.standin = Standin(world, demo=directory / "demo" if directory else None, limits=limits)
        self.directory = directory
        self.bot: BotProcess | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._clients: list[tuple[discord.Client, asyncio.Task[None]]] = []
        self._discord = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY

    async def __aenter__(self) -> Playground:
        await self.standin.start()
        if referee.on_duty is not None:
            referee.on_duty.watch(self.standin)
        Route.BASE = self.standin.api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.standin.gateway_url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client, task in self._clients:
            await client.close()
            await asyncio.gather(task, return_exceptions=True)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.bot is not None:
            await self.bot.stop()
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = self._discord
        await self.standin.close()

    @property
    def world(self) -> World:
        return self.standin.world

    @property
    def knobs(self) -> Knobs:
        """What can be made to go wrong: `play.knobs.reset(1, "create", applied=True)`."""
        return self.standin.knobs

    @property
    def history(self) -> list[Call]:
        """Every request of the bot, oldest first."""
        return self.standin.history

    def requests(self, method: str, path_part: str) -> list[Call]:
        """The bot's requests of one kind."""
        return [call for call in self.history if call.method == method and path_part in call.path]

    async def connect(self, client: discord.Client, timeout: float = 10) -> None:
        """Log an in-process bot in and wait until it is ready."""
        client._connection.guild_ready_timeout = 0.05
        task = asyncio.create_task(client.start(self.world.token))
        self._clients.append((client, task))
        await self.wait_for(lambda: task.done() or client.is_ready(), timeout)
        if task.done():
            task.result()

    @property
    def connected_client(self) -> discord.Client:
        """The in-process bot, to ask the stand-in what the driver does not."""
        return self._clients[-1][0]

    async def start_bot(
        self, timeout: float = 30, *, cold: bool = False, broken: str = "", **settings: str
    ) -> BotProcess:
        """Run the real bot as its users do, in `directory`, until it is identified and synced.

        The folder of its data is named from where it runs, as `data` is by default. Its limits are out of the way
        unless `settings`, by environment name, bring them back. A `cold` one has an interpreter of its own, others
        come out of the nursery; `broken` names a part that is broken on purpose.
        """
        assert self.directory is not None, "Playground(tmp_path) gives the bot a place for its data"
        before = self.standin.gateway.identified
        kind = CountedBot if counted() else BotProcess if cold else WarmBot
        self.bot = kind(self.standin, self.directory)
        named = {"TWODECK_DATA_DIR": _from_here(self.directory / "bot"), "PYTHONPATH": str(ROOT)}
        self.bot.settings = {**ROOMY, **counted(), **named, **settings}
        if broken:
            self.bot.command = [
                "tests.chaos.child",
                "--notes",
                str(self.directory / "strikes.txt"),
                "--broken",
                broken,
            ]
        self.knobs.attach(self.bot)
        await self.bot.start()
        await self.wait_for_bot(timeout, identified=before + 1)
        return self.bot

    def keep_bot(self) -> None:
        """Start the bot again whenever it ends, and say so on the page, as `twodeck playground` does."""
        assert self.bot is not None
        self._keeper = asyncio.create_task(keep_alive(self.standin, self.bot), name="keeper")

    async def restart_bot(self, timeout: float = 30) -> None:
        """Kill the bot and wait until its successor is there."""
        before = self.standin.gateway.identified
        await self.knobs.restart_bot()
        await self.wait_for_bot(timeout, identified=before + 1)

    async def wait_for_bot(self, timeout: float = 30, *, identified: int = 0) -> None:
        """Wait until the started bot is connected with its commands; fail with its log when it ends before."""
        bot, gateway = self.bot, self.standin.gateway
        assert bot is not None
        there = lambda: gateway.connected and gateway.identified >= identified and bool(self.world.commands)  # noqa: E731
        await self.wait_for(lambda: not (bot.running or bot.kept) or there(), timeout)
        assert bot.running, "the bot ended:\n" + "\n".join(bot.last_lines)

    async def slash(self, user: str, channel: str, command: str, /, **options: Any) -> Act:
        """Run a command: `await play.slash("mika", "mashups", "mashup", track_a=path, track_b=path)`.

        A file is a path or (name, bytes); a member, channel or role is a name of the world or an id;
        "@mika" are her direct messages with the bot.
        """
        values = {name: self._value(name, value) for name, value in options.items()}
        if channel.startswith("@"):
            self.world.open_direct(self.world.person(channel[1:]))
        place = self.world.channel(channel).id
        interaction = await self.standin.members.slash(self.world.person(user), place, command, values)
        return Act(self, interaction)

    async def autocomplete(
        self, user: str, channel: str, command: str, focused: str, /, **typed: Any
    ) -> list[Json]:
        """The suggestions while `focused` is typed."""
        members, place = self.standin.members, self.world.channel(channel).id
        return await members.autocomplete(self.world.person(user), place, command, typed, focused)

    async def click(self, user: str, message: Message, label_or_id: str) -> Act:
        """Press a button by its label or custom_id."""
        custom_id = find_control(message, label_or_id)["custom_id"]
        return Act(self, await self.standin.members.component(self.world.person(user), message, custom_id))

    async def choose(self, user: str, message: Message, label_or_id: str, *values: str) -> Act:
        """Choose values of a select by its placeholder or custom_id."""
        custom_id = find_control(message, label_or_id)["custom_id"]
        person = self.world.person(user)
        return Act(self, await self.standin.members.component(person, message, custom_id, list(values)))

    async def context(self, user: str, channel: str, command: str, target: Message | str) -> Act:
        """Run a command from the menu of a message, or of a member by name."""
        on_message = isinstance(target, Message)
        kind = ON_MESSAGE if on_message else ON_PERSON
        aim = target if on_message else self.world.person(target)
        place = self.world.channel(channel).id
        person = self.world.person(user)
        return Act(self, await self.standin.members.context(person, place, command, kind, aim))

    def say(self, user: str, channel: str, text: str = "", *files: File) -> Message:
        """Write a message, perhaps with files."""
        uploads = [self._value("files", file) for file in files]
        place = self.world.channel(channel).id
        return self.standin.members.say(self.world.person(user), place, text, uploads)

    async def submit(self, user: str, act: Act, fields: dict[str, Any]) -> Act:
        """Send the form that an act opened; `fields` by label or custom_id, files as a list of paths."""
        await act.answered()
        names = _modal_names(act.modal or {})
        values = {names.get(name, name): self._field(name, value) for name, value in fields.items()}
        return Act(self, await self.standin.members.submit(self.world.person(user), act.interaction, values))

    def messages(self, channel: str, as_user: str | None = None) -> list[Message]:
        """What is to be seen, oldest first; without `as_user` only what everybody sees.

        "@mika" stands for her direct messages with the bot; there are none before it opens them.
        """
        if channel.startswith("@"):
            person = self.world.person(channel[1:])
            return self.world.history(direct_id(person), person.id)
        viewer = self.world.person(as_user).id if as_user else 0
        return self.world.history(self.world.channel(channel).id, viewer)

    def read(self, attachment: Attachment) -> bytes:
        """The bytes of a posted file."""
        return self.standin.files.read(attachment)

    async def wait_for(self, predicate: Callable[[], T | None], timeout: float = 30) -> T:
        """Wait until `predicate` returns something true, and return that."""
        ends = time.monotonic() + timeout
        while not (found := predicate()):
            if time.monotonic() > ends:
                raise TimeoutError(f"waited {timeout} s; the last requests were\n{self._recent()}")
            await asyncio.sleep(0.01)
        return found

    def _recent(self) -> str:
        lines = [f"{call.status} {call.method} {call.path[:60]} {str(call.body)[:200]}" for call in self.history]
        return "\n".join(lines[-12:])

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Path):
            return Upload(name, value.name, value.read_bytes())
        if isinstance(value, tuple):
            filename, data = cast("tuple[str, bytes]", value)
            return Upload(name, filename, data)
        return value

    def _field(self, name: str, value: Any) -> Any:
        return [self._value(name, one) for one in cast("list[object]", value)] if isinstance(value, list) else value


@contextlib.asynccontextmanager
async def with_kie(directory: Path, **more: Any) -> AsyncGenerator[Playground]:
    """A playground whose bot has the engine kie beside its own; it asks how a task stands, nobody calls it back."""
    music = Music()
    music.knobs.callbacks = "lost"
    await music.start()
    try:
        async with Playground(directory) as play:
            settings: dict[str, Any] = {
                **music.settings("kie"),
                "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
                "TWODECK_LISTEN": "127.0.0.1:0",
                "TWODECK_POLL_SECONDS": "0.5",
            }
            await play.start_bot(**settings, **more)
            yield play
    finally:
        await music.close()


def shown_text(message: Message) -> str:
    """Everything a person can read in a message, a line for each part."""
    parts = [message.content]
    for embed in message.embeds:
        parts += [embed.get("title") or "", embed.get("description") or ""]
        parts += [f"{field['name']}: {field['value']}" for field in embed.get("fields") or ()]
        footer: Json = embed.get("footer") or {}
        parts.append(footer.get("text") or "")
    for item in checks.walk(message.components):
        parts += [item.get("content") or "", item.get("label") or ""]
    return "\n".join(part for part in parts if part)


def find_control(message: Message, label_or_id: str) -> Json:
    """A button or select of a message."""
    controls = [item for item in checks.walk(message.components) if item.get("custom_id")]
    for item in controls:
        if label_or_id in (item["custom_id"], item.get("label"), item.get("placeholder")):
            return item
    offered = [item.get("label") or item["custom_id"] for item in controls]
    raise AssertionError(f"no control {label_or_id!r}; there are {offered}")


def _modal_names(modal: Json) -> dict[str, str]:
    """custom_id by label."""
    names: dict[str, str] = {}
    for item in modal.get("components") or ():
        inner: list[Json] = item.get("components") or [item.get("component")]
        for control in inner:
            if control and control.get("custom_id"):
                names[item.get("label") or control.get("label") or control["custom_id"]] = control["custom_id"]
    return names


def _from_here(path: Path) -> str:
    return os.path.relpath(path)
