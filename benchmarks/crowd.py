"""Many servers whose members all use the bot: events are copies of one of each kind, so that they cost little."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.playground import checks, payloads
from bot.playground.world import Interaction, Json, Member, Message, User
from bot.texts import say
from tests.playground import Playground

SERVERS, MEMBERS = 40, 25
BUSY = say("en", "refusal-busy")
_COMMAND, _COMPONENT, _AUTOCOMPLETE = 2, 3, 4
_LAST_ANSWERS = 4.0


@dataclass(frozen=True)
class Kind:
    """One thing that members do: the event that tells the bot of it, and the message that was pressed."""

    event: Json
    source: Message | None = None


@dataclass(frozen=True)
class Acknowledged:
    """What became of one use: seconds until its first answer, infinite without one, and whether that was `busy`."""

    seconds: float
    busy: bool


class Crowd:
    """Servers 1 to `SERVERS` that only the bot knows; 0 is the stand-in's own, the only one with mashups."""

    def __init__(self, play: Playground) -> None:
        self._play = play
        self._numbers = itertools.count(1)
        self._kinds: dict[str, Kind] = {}
        self._servers = [play.world.new_id() for _ in range(SERVERS + 1)]
        self._people = [User(play.world.new_id(), f"fan{number}", f"Fan {number}") for number in range(MEMBERS)]

    async def gather(self, songs: Sequence[Path]) -> None:
        """Add members and servers, and do everything once to have an event to copy."""
        world = self._play.world
        self._servers[0] = world.guild.id
        for person in self._people:
            world.guild.members[person.id] = Member(person, [], world.clock.now())
        mine: Json = payloads.guild_create(world) | {"channels": [], "threads": []}
        for server in self._servers[1:]:
            self._play.standin.gateway.dispatch(
                "GUILD_CREATE", mine | {"id": str(server), "name": f"Server {server}"}
            )
        seen: list[Json] = []
        self._play.standin.gateway.watchers.append(lambda _, data: seen.append(data))
        mashup = await self._play.slash("mika", "lounge", "mashup", track_a=songs[0], track_b=songs[1])
        self._kinds["mashup"] = Kind(seen[-1])
        pressed = await self._play.wait_for(self._cancel_button)
        await mashup.says("Job", 60)
        for name, command in (("list", "jobs list"), ("quota", "quota status")):
            act = await self._play.slash("mika", "lounge", command)
            self._kinds[name] = Kind(seen[-1])
            await act.answered()
        await self._play.autocomplete("mika", "lounge", "mashup", "engine", engine="lo")
        self._kinds["suggest"] = Kind(next(one for one in reversed(seen) if one.get("type") == _AUTOCOMPLETE))
        self._play.standin.gateway.watchers.clear()
        self._kinds["press"] = Kind(self._kinds["list"].event | pressed[1], pressed[0])

    def slow_down(self, seconds: float) -> None:
        """From now on Discord takes so long for each first answer."""
        self._play.knobs.slow(seconds, "callback")

    def _cancel_button(self) -> tuple[Message, Json] | None:
        """The first live card, and the event of its button, which nobody here may use."""
        for card in self._play.messages("lounge"):
            for button in checks.walk(card.components):
                if str(button.get("custom_id")).startswith("cancel:"):
                    shape = payloads.message(self._play.world, self._play.standin.files, card)
                    data = {"custom_id": button["custom_id"], "component_type": 2, "id": button.get("id", 0)}
                    return card, {"type": _COMPONENT, "data": data, "message": shape}
        return None

    def use(self, name: str, server: int) -> Interaction:
        """One member of a server does something; the event is on its way."""
        kind, number, world = self._kinds[name], next(self._numbers), self._play.world
        person = self._people[number % MEMBERS]
        place = world.channel("lounge").id if server == 0 else self._servers[server] + 1
        token = secrets.token_urlsafe(120)
        user = kind.event["member"]["user"] | {"id": str(person.id), "username": person.name}
        event: Json = kind.event | {
            "id": str(world.new_id()),
            "token": token,
            "guild_id": str(self._servers[server]),
            "guild": kind.event["guild"] | {"id": str(self._servers[server])},
            "channel_id": str(place),
            "channel": kind.event["channel"] | {"id": str(place), "guild_id": str(self._servers[server])},
            "member": kind.event["member"] | {"user": user},
        }
        interaction = Interaction(
            int(event["id"]),
            token,
            event["type"],
            person.id,
            world.channel("lounge").id,
            event["data"],
            name,
            world.clock.now(),
            world.clock.monotonic(),
            kind.source,
        )
        world.interactions[token] = interaction
        self._play.standin.gateway.dispatch("INTERACTION_CREATE", event)
        return interaction

    async def load(
        self, rate: float, seconds: float, choose: Callable[[int], tuple[str, int]]
    ) -> list[Interaction]:
        """Uses at a steady rate, whatever the answers take; `choose` says of each by its number what and where."""
        sent: list[Interaction] = []
        started = time.monotonic()
        for number in range(int(rate * seconds)):
            if (ahead := started + number / rate - time.monotonic()) > 0 or number % 10 == 0:
                await asyncio.sleep(max(0.0, ahead))
            sent.append(self.use(*choose(number)))
        return sent


async def acknowledged(sent: Sequence[Interaction]) -> list[Acknowledged]:
    """Wait for the last answers; what became of each, the quickest first."""
    waits = [asyncio.create_task(one.settled.wait()) for one in sent]
    await asyncio.wait(waits, timeout=_LAST_ANSWERS)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    return sorted((_told(one) for one in sent), key=lambda one: one.seconds)


def _told(one: Interaction) -> Acknowledged:
    after = one.acknowledged_after
    refused = (
        one.choices == [] if one.kind == _AUTOCOMPLETE else bool(one.original and one.original.content == BUSY)
    )
    return Acknowledged(float("inf") if after is None else after, refused)


def everybody(number: int) -> tuple[str, int]:
    """What a hundred uses are made of, each by another server."""
    if number % 100 == 50:
        return "mashup", 0
    return ("list", "quota", "suggest", "press")[number % 4], 1 + number % SERVERS


def one_server(number: int) -> tuple[str, int]:
    """The same without mashups, all of it from one server."""
    return ("list", "quota", "suggest", "press")[number % 4], 1


def quiet(_: int) -> tuple[str, int]:
    return "list", 2
