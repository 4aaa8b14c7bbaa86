"""The knobs on the page, as JSON.

Same rules of origin and host as every route under /page. A POST is multipart/form-data with one field `request`
that holds a JSON object; a refusal is `200 {"error": sentence, "field": argument name}`.

GET /page/knobs -> {"knobs": [Knob, ...]} in the order in which to show them:

    Knob = {"id", "group", "label", "hint": sentence, "arguments": [Argument, ...],
            "active": something is in force, "value": what is in force as short text or "",
            "can_end": {"off": true} is understood, "available": bool, "why": why it is not available}
    Argument = {"name", "label", "kind": "number" | "choice" | "channel" | "permission" | "message" | "member",
                "default", "min", "max", "unit" (numbers),
                "choices": [{"value", "label"}, ...] (choices and permissions)}

    group is one of "Requests", "Connection", "Server", "Time", "Bot". A channel, message or member is sent as its
    id; null or nothing stands for the channel in `channel`, for the bot's newest message in it, and for `user`.

POST /page/knobs/{id} with {"user", "channel", "arguments": {name: value}} or {"user", "channel", "off": true}
    -> {"knobs": [Knob, ...], "said": sentence}. Arguments left out take their default.

On the WebSocket: {"type": "knobs", "knobs": [...]} whenever one of them changed, {"type": "scene"} when channels or
permissions did, and `in_guild` in {"type": "bot", "bot": {...}}.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Sequence
from typing import Any

from aiohttp import web

from bot.playground.errors import MemberError
from bot.playground.knob import Asked
from bot.playground.knob_table import KNOBS
from bot.playground.knobs import Knobs
from bot.playground.world import Channel, Json, Message, User, World


class KnobsApi:
    """Shows the table and turns what is asked for."""

    def __init__(self, world: World, knobs: Knobs) -> None:
        self._world = world
        self._knobs = knobs

    def listed(self) -> list[Json]:
        return [knob.to_json(self._knobs) for knob in KNOBS.values()]

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response({"knobs": self.listed()})

    async def turn(self, knob_id: str, person: User, channel_id: int, body: Json) -> Json:
        """Raises MemberError with the argument at fault."""
        knob = KNOBS.get(knob_id)
        if knob is None:
            raise MemberError("There is no such knob.")
        if why := knob.why_not(self._knobs):
            raise MemberError(why)
        ending = bool(body.get("off"))
        turn = knob.end if ending else knob.turn
        if turn is None:
            raise MemberError("This cannot be taken back.")
        arguments = () if ending else knob.arguments
        asked = self._asked(arguments, person, channel_id, body.get("arguments") or {})
        said = turn(asked)
        if isinstance(said, Awaitable):
            said = await said
        state = knob.state(self._knobs)
        said = said or f"{knob.label}: {'ended' if ending else state or 'done'}."
        return {"knobs": self.listed(), "said": said}

    def _asked(self, arguments: Sequence[Json], person: User, channel_id: int, given: Any) -> Asked:
        values: Json = {}
        channel = self._world.guild.channels.get(channel_id) or self._world.directs[channel_id]
        message, member = None, person
        for argument in arguments:
            name, value = argument["name"], given.get(argument["name"])
            match argument["kind"]:
                case "number":
                    values[name] = _number(argument, value)
                case "channel":
                    channel = self._channel(value, channel)
                case "message":
                    message = self._message(value, channel)
                case "member":
                    member = self._member(value, person)
                case _:
                    values[name] = _chosen(argument, value)
        return Asked(self._knobs, self._world, channel, message, member, values)

    def _channel(self, value: Any, here: Channel) -> Channel:
        if value in (None, ""):
            if here.is_direct:
                raise MemberError("Choose a channel of the server.", field="channel")
            return here
        with contextlib.suppress(KeyError, ValueError, TypeError):
            return self._world.guild.channels[int(value)]
        raise MemberError("That channel is gone.", field="channel")

    def _message(self, value: Any, channel: Channel) -> Message:
        if value in (None, ""):
            mine = [m for m in self._world.history(channel.id, 0) if m.author_id == self._world.bot.id]
            if mine:
                return mine[-1]
            raise MemberError("The bot has no message in this channel.", field="message")
        with contextlib.suppress(KeyError, ValueError, TypeError):
            return self._world.messages[int(value)]
        raise MemberError("That message is gone.", field="message")

    def _member(self, value: Any, person: User) -> User:
        if value in (None, ""):
            return person
        with contextlib.suppress(KeyError, ValueError, TypeError):
            found = self._world.guild.members[int(value)].user
            if not found.bot:
                return found
        raise MemberError("That member is gone.", field="member")


def _number(argument: Json, value: Any) -> float:
    try:
        found = float(argument["default"] if value in (None, "") else value)
    except (TypeError, ValueError):
        found = float("nan")
    if not argument["min"] <= found <= argument["max"]:
        bounds = f"{argument['min']} to {argument['max']}"
        raise MemberError(f"{argument['label']}: type a number from {bounds}.", field=argument["name"])
    return found


def _chosen(argument: Json, value: Any) -> str:
    wanted = argument["default"] if value in (None, "") else str(value)
    if wanted not in [one["value"] for one in argument["choices"]]:
        raise MemberError(f"{argument['label']}: choose one of the list.", field=argument["name"])
    return wanted
