"""What the members of a busy server do in an hour, twenty times as fast."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from bot.playground import checks
from bot.playground.errors import MemberError
from tests.chaos.stage import ENGINES, MEMBERS, Stage
from tests.playground import Act, find_control

SPEED = 20
HOUR = {"hosted": 25, "local": 5, "look": 40, "press": 10, "settings": 2, "contest": 0.3}
"""How often each is done in a busy server's hour, of ours."""
_PRIVATE = 0.15
_LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("jobs list", {}),
    ("quota status", {}),
    ("engines list", {}),
    ("help", {}),
    ("contest list", {}),
    ("jobs list", {"page": 2}),
)
_BUTTONS = ("Details", "Again", "Cancel", "Enter a contest")
_PATIENCE = 10.0
_LOST = (MemberError, TimeoutError, AssertionError, IndexError)
"""What a member meets while the bot is away or an answer got lost."""


class Guests:
    """`come` begins what they do, `go` ends it; `done` counts it by kind."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tasks: list[asyncio.Task[None]] = []
        self.done: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        """What broke off, because the bot was away or an answer got lost."""
        self._kinds: dict[str, Callable[[int], Awaitable[None]]] = {
            "hosted": self._hosted,
            "local": self._local,
            "look": self._look,
            "press": self._press,
            "settings": self._settings,
            "contest": self._contest,
        }

    def come(self) -> None:
        for kind in HOUR:
            self._tasks.append(asyncio.create_task(self._keep_doing(kind), name=f"guests:{kind}"))

    async def go(self) -> None:
        """Nobody does anything more. Raises what went wrong with them."""
        failed = [task for task in self._tasks if task.done()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in failed:
            task.result()

    @property
    def room(self) -> str:
        return self._stage.chance.choice(self._stage.rooms).name

    async def _keep_doing(self, kind: str) -> None:
        """At moments by chance, on average as often as it is done."""
        pause = 3600 / (HOUR[kind] * SPEED)
        while True:
            await asyncio.sleep(self._stage.chance.uniform(0.5, 1.5) * pause)
            self.done[kind] += 1
            try:
                await self._kinds[kind](self.done[kind])
            except _LOST:
                self.lost[kind] += 1

    async def _hosted(self, number: int) -> None:
        await self._stage.ask(ENGINES[number % len(ENGINES)], private=self._stage.chance.random() < _PRIVATE)

    async def _local(self, _: int) -> None:
        await self._stage.ask("local", private=self._stage.chance.random() < _PRIVATE)

    async def _look(self, number: int) -> None:
        member, play = MEMBERS[number % len(MEMBERS)], self._stage.play
        if number % 4 == 0:
            await play.autocomplete(member, self.room, "mashup", "engine", engine="k")
            return
        command, options = _LOOKS[number % len(_LOOKS)]
        await (await play.slash(member, self.room, command, **options)).answered()

    async def _press(self, number: int) -> None:
        """The newest such button that somebody sees."""
        member, label, play = MEMBERS[number % len(MEMBERS)], _BUTTONS[number % len(_BUTTONS)], self._stage.play
        seen = [message for room in self._stage.rooms for message in play.messages(room.name, member)]
        offered = [m for m in seen if any(c.get("label") == label for c in checks.walk(m.components))]
        if offered:
            await (await play.click(member, max(offered, key=lambda one: one.id), label)).answered()

    async def _settings(self, number: int) -> None:
        play, room = self._stage.play, self.room
        card = await self._shown(await play.slash("sam", room, "settings"))
        turned = await play.choose("sam", card, "settings:page", ("private", "limits")[number % 2])
        await turned.answered()

    async def _contest(self, number: int) -> None:
        """One from its draft to its result."""
        title, room = f"Night {number}", self._stage.rooms[0].name
        when = {"theme": "anything", "deadline": "3d", "voting_ends": "5d"}
        pair = {f"track_{side}": (f"n{number}{side}.mp3", sound) for side, sound in self._stage.songs.items()}
        question = await self._does("sam", room, "create", title=title, winners=1, **when, **pair)
        await self._shown(await self._stage.play.click("sam", question, "Save"))
        await self._does("sam", room, "open", contest=title)
        for member in ("mika", "noor"):
            await self._does(member, room, "mashup", contest=title, engine="kie", style="dub", prompt="rain")
        await asyncio.sleep(3 * _PATIENCE)
        await self._does("sam", room, "close", contest=title)
        await asyncio.sleep(_PATIENCE)
        for member in ("mika", "noor"):
            ballot = await self._does(member, room, "vote", contest=title)
            choice = find_control(ballot, "Your choice")["options"][0]["value"]
            await (await self._stage.play.choose(member, ballot, "Your choice", choice)).says("Counted.", _PATIENCE)
        await self._does("sam", room, "close", contest=title)
        await self._does("mika", room, "results", contest=title)

    async def _does(self, who: str, room: str, command: str, **options: Any) -> Any:
        return await self._shown(await self._stage.play.slash(who, room, f"contest {command}", **options))

    async def _shown(self, act: Act) -> Any:
        """The answer as soon as it says something."""
        return await self._stage.play.wait_for(
            lambda: act.original if act.original and (act.original.content or act.original.embeds) else None,
            _PATIENCE,
        )
