"""Messages written, edited and deleted, with their files; the same rules for bot token and interaction token."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from bot.playground import checks
from bot.playground.errors import ApiError
from bot.playground.files import Files, Upload
from bot.playground.permissions import Permission
from bot.playground.world import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    Attachment,
    Channel,
    Interaction,
    Json,
    Message,
    User,
    World,
)

_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")
_MEDIA_KEYS = ("image", "thumbnail", "media", "file")
_SETTABLE_FLAGS = 1 << 2 | EPHEMERAL | 1 << 12 | COMPONENTS_V2
_KEPT_FLAGS = EPHEMERAL | COMPONENTS_V2
_KIND_OF_ANSWER = {2: 20, 3: 19, 5: 19}  # a reply that names the command, or one that names the message


class Posting:
    """Changes messages in the world and tells everybody who listens."""

    def __init__(self, world: World, files: Files) -> None:
        self._world = world
        self._files = files

    def post(
        self,
        channel_id: int,
        body: Json,
        uploads: Sequence[Upload] = (),
        *,
        limit: int,
        interaction: Interaction | None = None,
        loading: bool = False,
    ) -> Message:
        """Write a new message as the bot. Ephemeral ones are seen by the interaction's member only."""
        checks.message(body)
        _check_sizes(uploads, limit)
        world = self._world
        place = world.place(channel_id)
        if place is None:
            raise ApiError(10003)
        if interaction is None:
            self._check_open(place)
        message = Message(
            world.new_id(),
            channel_id,
            world.bot.id,
            world.clock.now(),
            nonce=body.get("nonce"),
            interaction=interaction,
        )
        message.flags = int(body.get("flags") or 0) & _SETTABLE_FLAGS | (LOADING if loading else 0)
        if interaction is not None:
            message.kind = _KIND_OF_ANSWER[interaction.kind]
            message.reference_id = interaction.source.id if interaction.source else None
            message.visible_to = interaction.user_id if message.ephemeral else None
        elif body.get("message_reference"):
            message.kind, message.reference_id = 19, int(body["message_reference"]["message_id"])
        self._fill(message, body, uploads)
        if not loading and not (message.content or message.embeds or message.components or _files_of(message)):
            raise ApiError(50006)
        self._show(message)
        return message

    def say(self, person: User, channel_id: int, text: str, uploads: Sequence[Upload]) -> Message:
        """A member writes, perhaps with files."""
        world = self._world
        message = Message(world.new_id(), channel_id, person.id, world.clock.now(), content=text)
        message.mention_ids = self._mentioned(text, None)
        message.attachments = [self._files.keep(upload, f"attachments/{channel_id}") for upload in uploads]
        self._show(message)
        return message

    def _show(self, message: Message) -> None:
        world = self._world
        world.messages[message.id] = message
        world.newest[message.channel_id] = message.id
        if message.nonce is not None:
            world.nonces[message.channel_id, str(message.nonce)] = message
        world.tell("message", message)

    def _check_open(self, place: Channel) -> None:
        """A locked thread takes nothing, slow mode nothing yet; answers to interactions are outside of both."""
        if place.locked:
            raise ApiError(50083)
        if place.slow_seconds:
            mine = (m.created for m in self._world.messages.values() if _is_own(m, place, self._world))
            if max(mine, default=0.0) + place.slow_seconds > self._world.clock.now():
                raise ApiError(20016)
        place.archived = False  # Discord opens an archived thread when somebody writes in it

    def edit(self, message: Message, body: Json, uploads: Sequence[Upload] = (), *, limit: int) -> Message:
        """Change what the body names and leave the rest; files that `attachments` does not list are dropped."""
        checks.message(body, flags=message.flags)
        _check_sizes(uploads, limit)
        was_loading = bool(message.flags & LOADING)
        wanted = int(body.get("flags") or 0) & (_SETTABLE_FLAGS & ~EPHEMERAL)
        message.flags = message.flags & _KEPT_FLAGS | wanted
        self._fill(message, body, uploads)
        message.edited = None if was_loading else self._world.clock.now()
        self._world.tell("message", message)
        return message

    def delete(self, message: Message) -> None:
        message.deleted = True
        self._world.messages.pop(message.id, None)
        self._world.tell("gone", message)

    def _fill(self, message: Message, body: Json, uploads: Sequence[Upload]) -> None:
        if "content" in body:
            message.content = body["content"] or ""
            message.mention_ids = self._mentioned(message.content, body.get("allowed_mentions"))
            message.mention_role_ids = self._mentioned_roles(message, body.get("allowed_mentions"))
        kept = self._kept(message, body)
        kept += self._arriving(message, body, uploads)
        by_name = {attachment.filename: attachment for attachment in kept}
        shown: set[str] = set()
        if "embeds" in body:
            message.embeds = [
                {"type": "rich", **self._with_links(embed, by_name, shown)} for embed in body["embeds"] or ()
            ]
        if "components" in body:
            message.components = self._with_links(_numbered(body["components"] or []), by_name, shown)
        body_now = json.dumps([message.embeds, message.components])
        message.embedded = [one for one in _files_of(message) if f"/{one.id}/" in body_now and one not in kept]
        message.embedded += [one for one in kept if one.filename in shown]
        message.attachments = [one for one in kept if one.filename not in shown]

    def _mentioned(self, content: str, allowed: Json | None) -> list[int]:
        """Members whose mention counts under `allowed_mentions`."""
        found = [int(text) for text in _MENTION.findall(content) if int(text) in self._world.guild.members]
        if allowed is not None and "users" not in (allowed.get("parse") or []):
            named = {int(user_id) for user_id in allowed.get("users") or ()}
            found = [user_id for user_id in found if user_id in named]
        return list(dict.fromkeys(found))

    def _mentioned_roles(self, message: Message, allowed: Json | None) -> list[int]:
        """Roles whose mention counts: allowed by the bot, and anybody may mention it or the bot may mention all."""
        world = self._world
        found = [int(text) for text in _ROLE_MENTION.findall(message.content)]
        roles = [world.guild.roles[role_id] for role_id in dict.fromkeys(found) if role_id in world.guild.roles]
        if allowed is not None and "roles" not in (allowed.get("parse") or []):
            named = {int(role_id) for role_id in allowed.get("roles") or ()}
            roles = [role for role in roles if role.id in named]
        all_of_them = Permission.MENTION_EVERYONE in world.allowed(world.bot.id, message.channel_id)
        return [role.id for role in roles if role.mentionable or all_of_them]

    def _kept(self, message: Message, body: Json) -> list[Attachment]:
        if "attachments" not in body:
            return list(message.attachments)
        listed = {str(entry.get("id")) for entry in body["attachments"] or ()}
        return [one for one in _files_of(message) if str(one.id) in listed]

    def _arriving(self, message: Message, body: Json, uploads: Sequence[Upload]) -> list[Attachment]:
        home = f"attachments/{message.channel_id}"
        if message.ephemeral:
            home = f"ephemeral-attachments/{self._world.application_id}"
        described = {str(entry.get("id")): entry for entry in body.get("attachments") or ()}
        arrived: list[Attachment] = []
        for upload in uploads:
            number = upload.field.removeprefix("files[").rstrip("]")
            arrived.append(self._files.keep(upload, home, described.get(number)))
        return arrived

    def _with_links(self, value: Any, by_name: dict[str, Attachment], shown: set[str]) -> Any:
        """Replace attachment:// addresses by links, noting which files they show."""
        if isinstance(value, list):
            return [self._with_links(item, by_name, shown) for item in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        result = {key: self._with_links(item, by_name, shown) for key, item in cast("Json", value).items()}
        for key in _MEDIA_KEYS:
            media: Json = result[key] if isinstance(result.get(key), dict) else {}
            address = str(media.get("url", ""))
            if address.startswith("attachment://") and (found := by_name.get(address[13:])):
                shown.add(found.filename)
                result[key] = {"width": 0, "height": 0, **media, "url": self._files.link(found)}
                result[key]["proxy_url"] = result[key]["url"]
        return result


def _numbered(components: list[Json]) -> list[Json]:
    """Every component carries an id that is unique in its message."""
    for number, item in enumerate(checks.walk(components), start=1):
        item.setdefault("id", number)
    return components


def _files_of(message: Message) -> list[Attachment]:
    return [*message.attachments, *message.embedded]


def _check_sizes(uploads: Sequence[Upload], limit: int) -> None:
    if len(uploads) > 10:
        raise ApiError(50035, message="Maximum number of files exceeded (10)")
    if any(len(upload.data) > limit for upload in uploads):
        raise ApiError(40005)


def _is_own(message: Message, place: Channel, world: World) -> bool:
    """Whether the bot wrote it there by itself."""
    mine = message.author_id == world.bot.id and message.interaction is None
    return mine and message.channel_id == place.id
