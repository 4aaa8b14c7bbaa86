"""The members' side: run a command, press a button, choose, fill in a modal; each becomes an interaction."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from bot.playground import checks, payloads
from bot.playground.errors import MemberError
from bot.playground.faults import Faults
from bot.playground.files import Files, Upload
from bot.playground.gateway import Gateway
from bot.playground.options import USER, Options, find_command, wrap
from bot.playground.permissions import Permission, to_send_in
from bot.playground.posting import Posting
from bot.playground.world import FIRST_ANSWER_SECONDS, Interaction, Json, Message, User, World

ON_PERSON, ON_MESSAGE = 2, 3
_GUILD, _BOT_MESSAGES = 0, 1
_COMMAND, _COMPONENT, _AUTOCOMPLETE, _MODAL = 2, 3, 4, 5
_BUTTON, _SELECT, _TEXT, _USERS, _ROLES, _MENTIONABLES, _CHANNELS = 2, 3, 4, 5, 6, 7, 8
_LABEL, _UPLOAD, _RADIO, _CHECKBOXES, _CHECKBOX = 18, 19, 21, 22, 23


class Members:
    """What people can do. Raises MemberError for what the Discord client would not let them do."""

    def __init__(self, world: World, files: Files, gateway: Gateway, posting: Posting, faults: Faults) -> None:
        self._world = world
        self._posting = posting
        self._faults = faults
        self._files = files
        self._gateway = gateway
        self._watchers: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for watcher in list(self._watchers):
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def commands_for(self, person: User, channel_id: int) -> list[Json]:
        """The commands that are offered to somebody there."""
        if channel_id in self._world.directs:
            return [one for one in self._world.commands if _BOT_MESSAGES in (one.get("contexts") or [])]
        allowed = self._world.allowed(person.id, channel_id)
        if Permission.USE_APPLICATION_COMMANDS not in allowed or not self._world.guild.has_bot:
            return []
        return [one for one in self._world.commands if _offered(one, allowed)]

    async def slash(self, person: User, channel_id: int, path: str, values: Mapping[str, Any]) -> Interaction:
        """Run "name" or "group name" with option values by name; files are `Upload`s."""
        command, specs, way = find_command(self._world.commands, path)
        self._check_offered(person, channel_id, command)
        options = self._options(person, channel_id)
        given = wrap(way, options.take(specs, values))
        data = _command_data(command, given, options.resolved)
        return self._send(_COMMAND, person, channel_id, data, path)

    async def context(
        self, person: User, channel_id: int, name: str, kind: int, target: Message | User
    ) -> Interaction:
        """Run a command from the menu of a person or of a message."""
        found = [one for one in self._world.commands if (one.get("type", 1), one["name"]) == (kind, name)]
        if not found:
            raise MemberError(f"The bot has no “{name}” in this menu.")
        self._check_offered(person, channel_id, found[0])
        data: Json = {"id": found[0]["id"], "name": name, "type": kind, "target_id": str(target.id)}
        if isinstance(target, Message):
            if target.deleted or target.ephemeral:
                raise MemberError("Apps have no menu on this message.")
            shape = payloads.message(self._world, self._files, target)
            data["resolved"] = {"messages": {str(target.id): shape}}
        else:
            options = self._options(person, channel_id)
            options.take([{"name": "target", "type": USER}], {"target": target})
            data["resolved"] = options.resolved
        return self._send(_COMMAND, person, channel_id, data, name)

    def say(self, person: User, channel_id: int, text: str, uploads: Sequence[Upload] = ()) -> Message:
        """Write a message of one's own, perhaps with files."""
        channel = self._world.place(channel_id)
        if channel is None or to_send_in(channel) not in self._world.allowed(person.id, channel_id):
            raise MemberError(f"{person.display_name} may not write here.")
        if not text and not uploads:
            raise MemberError("Write something, or add a file.", field="text")
        if len(text) > 2000 or len(uploads) > 10:
            raise MemberError("At most 2000 characters and 10 files fit in a message.", field="text")
        options = self._options(person, channel_id)
        for upload in uploads:
            options.check_size(upload, "text")
        return self._posting.say(person, channel_id, text, uploads)

    async def autocomplete(
        self, person: User, channel_id: int, path: str, values: Mapping[str, Any], focused: str
    ) -> list[Json]:
        """The bot's suggestions for the option that is being typed; none when it did not answer in time."""
        command, specs, way = find_command(self._world.commands, path)
        options = self._options(person, channel_id)
        given = wrap(way, options.take_partial(specs, values, focused))
        data = _command_data(command, given, {})
        interaction = self._send(_AUTOCOMPLETE, person, channel_id, data, path)
        await interaction.settled.wait()
        return interaction.choices or []

    async def component(
        self, person: User, message: Message, custom_id: str, values: list[str] | None = None
    ) -> Interaction:
        """Press a button, or choose values of a select."""
        item = next((one for one in checks.walk(message.components) if one.get("custom_id") == custom_id), None)
        if item is None or message.deleted or not self._world.reaches(message, person.id):
            raise MemberError("That control is gone.")
        if item.get("disabled"):
            raise MemberError("That control is disabled.")
        data: Json = {"custom_id": custom_id, "component_type": item["type"], "id": item.get("id", 0)}
        if item["type"] != _BUTTON:
            resolved = self._resolve(item, values or [], person, message.channel_id)
            # discord.py takes an empty `resolved` for an empty choice, so a select of plain words must have none.
            data |= {"values": values or []} | ({"resolved": resolved} if resolved else {})
        return self._send(_COMPONENT, person, message.channel_id, data, "", message)

    async def submit(self, person: User, opened: Interaction, values: Mapping[str, Any]) -> Interaction:
        """Send the modal that an interaction opened, with values by custom_id; files are lists of `Upload`s."""
        modal = opened.modal
        if modal is None or opened.user_id != person.id:
            raise MemberError("That form is not open.")
        options = self._options(person, opened.channel_id)
        components = [self._filled(item, values, options) for item in modal["components"]]
        data: Json = {"custom_id": modal["custom_id"], "components": components, "resolved": options.resolved}
        return self._send(_MODAL, person, opened.channel_id, data, "", opened.source)

    def _options(self, person: User, channel_id: int) -> Options:
        return Options(self._world, self._files, self._faults, person, channel_id)

    def _check_offered(self, person: User, channel_id: int, command: Json) -> None:
        if command not in self.commands_for(person, channel_id):
            raise MemberError(f"{person.display_name} may not use /{command['name']} here.")

    def _resolve(self, item: Json, values: list[str], person: User, channel_id: int) -> dict[str, Json]:
        """Check a select's values and look up what they stand for."""
        least, most = int(item.get("min_values", 1)), int(item.get("max_values", 1))
        if not least <= len(values) <= most:
            raise MemberError(f"Choose {least} to {most}." if least != most else f"Choose {least}.")
        if item["type"] == _SELECT:
            if not set(values) <= {option["value"] for option in item["options"]}:
                raise MemberError("Choose listed values.")
            return {}
        kinds = {_USERS: 6, _ROLES: 8, _MENTIONABLES: 9, _CHANNELS: 7}
        options = self._options(person, channel_id)
        for value in values:
            options.take([{"name": "value", "type": kinds[item["type"]]}], {"value": value})
        return options.resolved

    def _filled(self, item: Json, values: Mapping[str, Any], options: Options) -> Json:
        """One top-level component of a modal as it is submitted."""
        if item["type"] == 1:
            inner = [_filled_control(one, values, options, one.get("label", "")) for one in item["components"]]
            return {"type": 1, "id": item.get("id", 0), "components": inner}
        if item["type"] == _LABEL:
            inner = _filled_control(item["component"], values, options, item["label"])
            return {"type": _LABEL, "id": item.get("id", 0), "component": inner}
        return {"type": item["type"], "id": item.get("id", 0)}

    def _send(
        self, kind: int, person: User, channel_id: int, data: Json, name: str, source: Message | None = None
    ) -> Interaction:
        world = self._world
        if not world.guild.has_bot:
            raise MemberError(f"{world.bot.display_name} is not on this server.")
        if not self._gateway.connected:
            raise MemberError("The bot is not connected.")
        if world.place(channel_id) is None:
            raise MemberError("That channel is gone.")
        late = FIRST_ANSWER_SECONDS + 0.5 if self._faults.take_late() else 0.0
        interaction = Interaction(
            world.new_id(),
            secrets.token_urlsafe(120),
            kind,
            person.id,
            channel_id,
            data,
            name,
            world.clock.now(),
            world.clock.monotonic() - late,
            source,
        )
        world.interactions[interaction.token] = interaction
        self._gateway.dispatch("INTERACTION_CREATE", self._event(interaction, person))
        watcher = asyncio.create_task(self._watch(interaction))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        world.tell("interaction", interaction)
        return interaction

    async def _watch(self, interaction: Interaction) -> None:
        """Give up on an interaction that was not answered in time."""
        expiry = asyncio.create_task(self._world.clock.sleep_until(interaction.sent_at + FIRST_ANSWER_SECONDS))
        answered = asyncio.create_task(interaction.settled.wait())
        try:
            await asyncio.wait((expiry, answered), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (expiry, answered):
                task.cancel()
            await asyncio.gather(expiry, answered, return_exceptions=True)
        if interaction.acknowledged_at is None:
            interaction.failed = True
            interaction.settled.set()
            self._world.tell("interaction", interaction)

    def _event(self, interaction: Interaction, person: User) -> Json:
        world, place = self._world, interaction.channel_id
        bot_may = world.allowed(world.bot.id, place)
        body: Json = {
            "id": str(interaction.id),
            "application_id": str(world.application_id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(place),
            "app_permissions": payloads.bits(bot_may),
            "locale": person.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "attachment_size_limit": max(person.upload_limit, world.upload_limit(place)),
        }
        body |= self._in_direct(person, place) if place in world.directs else self._in_guild(person, place)
        if interaction.source is not None:
            body["message"] = payloads.message(world, self._files, interaction.source)
        return body

    def _in_guild(self, person: User, place: int) -> Json:
        world = self._world
        mine = payloads.bits(world.allowed(person.id, place))
        return {
            "guild_id": str(world.guild.id),
            "guild": {"id": str(world.guild.id), "locale": "en-US", "features": []},
            "channel": payloads.channel(world, world.guild.channels[place]) | {"permissions": mine},
            "member": payloads.member_in(world, person.id, place),
            "guild_locale": "en-US",
            "authorizing_integration_owners": {"0": str(world.guild.id)},
            "context": _GUILD,
        }

    def _in_direct(self, person: User, place: int) -> Json:
        return {
            "channel": payloads.channel(self._world, self._world.directs[place]),
            "user": payloads.user(person),
            "authorizing_integration_owners": {"0": "0"},
            "context": _BOT_MESSAGES,
        }


def _offered(command: Json, allowed: Permission) -> bool:
    needed = command.get("default_member_permissions")
    if needed is None:
        return True
    wanted = Permission(int(needed))
    return bool(wanted) and wanted in allowed


def _command_data(command: Json, given: list[Json], resolved: dict[str, Json]) -> Json:
    data: Json = {"id": command["id"], "name": command["name"], "type": 1, "options": given}
    return data | {"resolved": resolved} if resolved else data


def _filled_control(item: Json, values: Mapping[str, Any], options: Options, label: str) -> Json:
    """One control of a modal with its value, checked as the Discord client would."""
    kind, name = item["type"], item["custom_id"]
    value = values.get(name)
    body: Json = {"type": kind, "id": item.get("id", 0), "custom_id": name}
    if kind == _TEXT:
        return body | {"value": _typed(item, str(item.get("value") or "") if value is None else str(value), label)}
    if kind == _CHECKBOX:
        return body | {"value": bool(value)}
    if kind == _RADIO:
        if not value and item.get("required", True):
            raise MemberError(f"{label}: choose one.", field=name)
        return body | {"value": value or None}
    chosen = _chosen_before(item) if value is None else list(value)
    least = int(item.get("min_values", 1)) if item.get("required", True) else 0
    most = int(item.get("max_values", 1 if kind != _CHECKBOXES else 10))
    if not least <= len(chosen) <= most:
        wanted = f"exactly {least}" if least == most else f"{least} to {most}"
        raise MemberError(f"{label}: {'add' if kind == _UPLOAD else 'choose'} {wanted}.", field=name)
    if kind == _UPLOAD:
        chosen = [options.attach(upload, name) for upload in chosen if isinstance(upload, Upload)]
    return body | {"values": chosen}


def _chosen_before(item: Json) -> list[Any]:
    """What a select has before anybody touches it."""
    return [option["value"] for option in item.get("options") or () if option.get("default")]


def _typed(item: Json, text: str, label: str) -> str:
    least, most = int(item.get("min_length") or 0), int(item.get("max_length") or 4000)
    if item.get("required", True) and not text:
        raise MemberError(f"{label} is required.", field=item["custom_id"])
    if text and not least <= len(text) <= most:
        raise MemberError(f"{label}: {least} to {most} characters.", field=item["custom_id"])
    return text
