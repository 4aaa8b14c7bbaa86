"""What a member typed into a command: found, checked and shaped as the Discord client would do it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.playground import payloads
from bot.playground.errors import MemberError
from bot.playground.faults import Faults
from bot.playground.files import Files, Upload
from bot.playground.world import MEBIBYTE, Json, User, World

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)


class Options:
    """The options of one invocation: `given` in Discord's shape, `resolved` with what the ids stand for."""

    def __init__(self, world: World, files: Files, faults: Faults, person: User, channel_id: int) -> None:
        self._world = world
        self._files = files
        self._faults = faults
        self._person = person
        self._channel_id = channel_id
        self.resolved: dict[str, Json] = {}

    def take(self, specs: list[Json], values: Mapping[str, Any]) -> list[Json]:
        """Check every value against what the bot synced."""
        _check_names(specs, values)
        given: list[Json] = []
        for spec in specs:
            value = values.get(spec["name"])
            if value is None or value == "":
                if spec.get("required"):
                    raise MemberError(_missing(spec), field=spec["name"])
                continue
            given.append({"name": spec["name"], "type": spec["type"], "value": self._value(spec, value)})
        return given

    def take_partial(self, specs: list[Json], values: Mapping[str, Any], focused: str) -> list[Json]:
        """For an autocomplete: what was typed so far, files left out, nothing required."""
        _check_names(specs, values)
        given: list[Json] = []
        for spec in specs:
            name, value = spec["name"], values.get(spec["name"])
            if spec["type"] == ATTACHMENT or (value in (None, "") and name != focused):
                continue
            entry: Json = {"name": name, "type": spec["type"], "value": "" if value is None else value}
            given.append(entry | {"focused": True} if name == focused else entry)
        return given

    def _value(self, spec: Json, value: Any) -> Any:
        checks: dict[int, Callable[[Json, Any], Any]] = {
            STRING: self._string,
            INTEGER: self._number,
            NUMBER: self._number,
            BOOLEAN: self._boolean,
            USER: self._user,
            CHANNEL: self._channel,
            ROLE: self._role,
            MENTIONABLE: self._mentionable,
            ATTACHMENT: self._attachment,
        }
        checked = checks[spec["type"]](spec, value)
        choices = spec.get("choices")
        if choices and not spec.get("autocomplete") and checked not in [choice["value"] for choice in choices]:
            raise MemberError(f"{spec['name']}: choose one of the listed values.", field=spec["name"])
        return checked

    def _string(self, spec: Json, value: Any) -> str:
        text = str(value)
        least, most = spec.get("min_length", 0), spec.get("max_length", 6000)
        if not least <= len(text) <= most:
            raise MemberError(f"{spec['name']}: {least} to {most} characters.", field=spec["name"])
        return text

    def _number(self, spec: Json, value: Any) -> int | float:
        whole = spec["type"] == INTEGER
        try:
            number = int(str(value)) if whole else float(value)
        except ValueError:
            kind = "a whole number" if whole else "a number"
            raise MemberError(f"{spec['name']}: type {kind}.", field=spec["name"]) from None
        least, most = spec.get("min_value"), spec.get("max_value")
        if (least is not None and number < least) or (most is not None and number > most):
            bounds = " and ".join(
                text
                for text, bound in ((f"at least {least}", least), (f"at most {most}", most))
                if bound is not None
            )
            raise MemberError(f"{spec['name']}: {bounds}.", field=spec["name"])
        return number

    def _boolean(self, _: Json, value: Any) -> bool:
        return value if isinstance(value, bool) else str(value).lower() == "true"

    def _user(self, spec: Json, value: Any) -> str:
        member = self._world.guild.members.get(_id_of(value))
        if member is None:
            raise MemberError(f"{spec['name']}: nobody here has that id.", field=spec["name"])
        key = str(member.user.id)
        self.resolved.setdefault("users", {})[key] = payloads.user(member.user)
        shape = payloads.member_in(self._world, member.user.id, self._channel_id, with_user=False)
        self.resolved.setdefault("members", {})[key] = shape
        return key

    def _channel(self, spec: Json, value: Any) -> str:
        channel = self._world.guild.channels.get(_id_of(value))
        if channel is None or (spec.get("channel_types") and 0 not in spec["channel_types"]):
            raise MemberError(f"{spec['name']}: choose a channel of the list.", field=spec["name"])
        allowed = payloads.bits(self._world.allowed(self._person.id, channel.id))
        shape = payloads.channel(self._world, channel) | {"permissions": allowed}
        self.resolved.setdefault("channels", {})[str(channel.id)] = shape
        return str(channel.id)

    def _role(self, spec: Json, value: Any) -> str:
        role = self._world.guild.roles.get(_id_of(value))
        if role is None:
            raise MemberError(f"{spec['name']}: choose a role of the list.", field=spec["name"])
        self.resolved.setdefault("roles", {})[str(role.id)] = payloads.role(self._world, role)
        return str(role.id)

    def _mentionable(self, spec: Json, value: Any) -> str:
        taken = self._role if _id_of(value) in self._world.guild.roles else self._user
        return taken(spec, value)

    def _attachment(self, spec: Json, value: Any) -> str:
        if not isinstance(value, Upload):
            raise MemberError(f"{spec['name']}: choose a file.", field=spec["name"])
        return self.attach(value, spec["name"])

    def attach(self, upload: Upload, field: str) -> str:
        """Store a member's file; its id goes into the interaction."""
        self.check_size(upload, field)
        upload = replace(upload, claimed=self._faults.take_claim() or upload.claimed)
        kept = self._files.keep(upload, f"ephemeral-attachments/{self._world.application_id}")
        self.resolved.setdefault("attachments", {})[str(kept.id)] = self._files.payload(kept)
        return str(kept.id)

    def check_size(self, upload: Upload, field: str) -> None:
        """The client's own limit, by the person's and the guild's boosts."""
        limit = max(self._person.upload_limit, self._world.upload_limit(self._channel_id))
        if upload.size > limit:
            most = f"the {limit // MEBIBYTE} MiB {self._person.display_name} may upload"
            raise MemberError(f"{upload.filename} is larger than {most}.", field=field)


def find_command(commands: list[Json], path: str) -> tuple[Json, list[Json], list[Json]]:
    """For "group name": the command, the options of its leaf and the (sub)commands on the way to it."""
    name, *rest = path.removeprefix("/").split()
    command = next((one for one in commands if one["name"] == name and one.get("type", 1) == 1), None)
    if command is None:
        raise MemberError(f"The bot has no command /{name}.")
    place: Json = command
    way: list[Json] = []
    for step in rest:
        inner = (one for one in place.get("options") or () if one["type"] in (SUBCOMMAND, GROUP))
        found = next((one for one in inner if one["name"] == step), None)
        if found is None:
            raise MemberError(f"The bot has no command /{path}.")
        place = found
        way.append(found)
    specs: list[Json] = place.get("options") or []
    if any(spec["type"] in (SUBCOMMAND, GROUP) for spec in specs):
        raise MemberError(f"/{path} needs one of: " + ", ".join(spec["name"] for spec in specs))
    return command, specs, way


def wrap(way: list[Json], given: list[Json]) -> list[Json]:
    """Put the options inside the subcommands they belong to."""
    for step in reversed(way):
        given = [{"name": step["name"], "type": step["type"], "options": given}]
    return given


def _check_names(specs: list[Json], values: Mapping[str, Any]) -> None:
    unknown = set(values) - {spec["name"] for spec in specs}
    if unknown:
        raise MemberError(f"No such option: {', '.join(sorted(unknown))}.", field=min(unknown))


def _missing(spec: Json) -> str:
    if spec["type"] == ATTACHMENT:
        return f"{spec['name']}: choose a file first, or use a demo track."
    return f"{spec['name']} is required."


def _id_of(value: Any) -> int:
    """The id in an id, a mention, or anything of ours that has one."""
    found = re.search(r"\d+", str(getattr(value, "id", value)))
    return int(found.group()) if found else 0
