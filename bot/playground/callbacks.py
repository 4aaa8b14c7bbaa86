"""The REST routes a bot calls with an interaction's token: first answers, the original answer, followups."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from bot.playground import checks, payloads
from bot.playground.errors import ApiError
from bot.playground.faults import Faults
from bot.playground.files import Files, Upload
from bot.playground.intake import BODY, UPLOADS, answer
from bot.playground.posting import Posting
from bot.playground.world import (
    EPHEMERAL,
    FIRST_ANSWER_SECONDS,
    LOADING,
    TOKEN_SECONDS,
    Interaction,
    Json,
    Message,
    World,
)

_COMMAND, _COMPONENT, _AUTOCOMPLETE, _MODAL = 2, 3, 4, 5
_ANSWERS_TO = {
    _COMMAND: {4, 5, 9},
    _COMPONENT: {4, 5, 6, 7, 9},
    _AUTOCOMPLETE: {8},
    _MODAL: {4, 5, 6, 7},
}


class Callbacks:
    """Routes relative to /api/v10."""

    def __init__(self, world: World, files: Files, posting: Posting, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._files = files
        self._posting = posting

    def routes(self) -> list[web.RouteDef]:
        webhook = r"/webhooks/{application:\d+}/{token}"
        message = webhook + r"/messages/{message:@original|\d+}"
        return [
            web.post(r"/interactions/{interaction:\d+}/{token}/callback", self.callback),
            web.post(webhook, self.followup),
            web.get(message, self.get),
            web.patch(message, self.edit),
            web.delete(message, self.delete),
        ]

    async def callback(self, request: web.Request) -> web.Response:
        interaction = self._world.interactions.get(request.match_info["token"])
        body: Any = request[BODY]
        now = self._world.clock.monotonic()
        if interaction is None or str(interaction.id) != request.match_info["interaction"]:
            raise ApiError(10062)
        if interaction.acknowledged_at is not None:
            raise ApiError(40060)
        if interaction.failed or now - interaction.sent_at > FIRST_ANSWER_SECONDS:
            raise ApiError(10062)
        kind = int(body.get("type", 0))
        data: dict[str, Any] = body.get("data") or {}
        if kind not in _ANSWERS_TO[interaction.kind]:
            raise ApiError(
                50035, errors={"type": {"_errors": [{"code": "INTERACTION_TYPE", "message": "Not here."}]}}
            )
        self._apply(interaction, kind, data, request[UPLOADS])
        interaction.answer_type = kind
        interaction.acknowledged_at = now
        interaction.void = self._faults.take_voided()
        interaction.settled.set()
        self._world.tell("interaction", interaction)
        if request.query.get("with_response", "").lower() not in ("1", "true"):
            return answer()
        return answer(self._callback_json(interaction, kind))

    def _apply(self, interaction: Interaction, kind: int, data: dict[str, Any], uploads: list[Upload]) -> None:
        """Do what the first answer says."""
        limit = self._limit(interaction)
        if kind == 4:
            interaction.original = self._posting.post(
                interaction.channel_id, data, uploads, limit=limit, interaction=interaction
            )
        elif kind == 5:
            flags = {"flags": int(data.get("flags") or 0) & EPHEMERAL}
            interaction.original = self._posting.post(
                interaction.channel_id, flags, limit=limit, interaction=interaction, loading=True
            )
        elif kind == 6:
            interaction.original = interaction.source
        elif kind == 7:
            if interaction.source is None or interaction.source.deleted:
                raise ApiError(10008)
            interaction.original = self._posting.edit(interaction.source, data, uploads, limit=limit)
        elif kind == 8:
            interaction.choices = checks.choices(data.get("choices"))
        else:
            checks.modal(data)
            checks.walk(data["components"])
            interaction.modal = data | {"id": secrets.token_hex(8)}

    def _callback_json(self, interaction: Interaction, kind: int) -> Json:
        about: Json = {"id": str(interaction.id), "type": interaction.kind}
        original = interaction.original
        if kind in (4, 5, 7) and original is not None:
            about["response_message_id"] = str(original.id)
            about["response_message_loading"] = bool(original.flags & LOADING)
            about["response_message_ephemeral"] = original.ephemeral
        if kind not in (4, 7) or original is None:
            return {"interaction": about}
        return {"interaction": about, "resource": {"type": kind, "message": self._json(original)}}

    async def followup(self, request: web.Request) -> web.Response:
        interaction = self._open(request)
        if interaction.acknowledged_at is None:
            raise ApiError(10015)
        body: Any = request[BODY]
        limit = self._limit(interaction)
        original = interaction.original
        if original is not None and original.flags & LOADING and interaction.answer_type == 5:
            message = self._posting.edit(original, body, request[UPLOADS], limit=limit)
        else:
            message = self._posting.post(
                interaction.channel_id, body, request[UPLOADS], limit=limit, interaction=interaction
            )
            interaction.followups.append(message)
        return answer(self._json(message))

    async def get(self, request: web.Request) -> web.Response:
        return answer(self._json(self._message(request, self._open(request))))

    async def edit(self, request: web.Request) -> web.Response:
        interaction = self._open(request)
        message = self._message(request, interaction)
        body: Any = request[BODY]
        edited = self._posting.edit(message, body, request[UPLOADS], limit=self._limit(interaction))
        return answer(self._json(edited))

    async def delete(self, request: web.Request) -> web.Response:
        self._posting.delete(self._message(request, self._open(request)))
        return answer()

    def _open(self, request: web.Request) -> Interaction:
        """The interaction of the token, while the token lives."""
        world = self._world
        if int(request.match_info["application"]) != world.application_id or not world.guild.has_bot:
            raise ApiError(10015)
        interaction = world.interactions.get(request.match_info["token"])
        if interaction is None or interaction.void or world.clock.now() - interaction.created > TOKEN_SECONDS:
            raise ApiError(50027)
        return interaction

    def _message(self, request: web.Request, interaction: Interaction) -> Message:
        wanted = request.match_info["message"]
        mine = [m for m in (interaction.original, *interaction.followups) if m is not None and not m.deleted]
        for message in mine:
            if wanted == str(message.id) or (wanted == "@original" and message is interaction.original):
                return message
        raise ApiError(10008 if interaction.acknowledged_at is not None else 10015)

    def _limit(self, interaction: Interaction) -> int:
        person = self._world.guild.members[interaction.user_id].user
        return max(person.upload_limit, self._world.guild.upload_limit)

    def _json(self, message: Message) -> Json:
        return payloads.message(self._world, self._files, message)
