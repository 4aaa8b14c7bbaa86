"""Discord's limits on what a bot sends: messages, embeds, components, modals and commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from bot.playground.errors import ApiError
from bot.playground.world import COMPONENTS_V2, Json

_COMMAND_NAME = re.compile(r"^[-_'\w]{1,32}$")
_EMBED_TEXTS = (("title", 256), ("description", 4096))
_LONGEST_CHOICE = 100
_SELECTS = {3, 5, 6, 7, 8}


class Problems:
    """Collects what is wrong with a body, each at its path, in the shape of error 50035."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {}

    def add(self, path: str, code: str, text: str) -> None:
        place = self.tree
        for step in path.split("."):
            place = place.setdefault(step, {})
        place.setdefault("_errors", []).append({"code": code, "message": text})

    def length(self, path: str, value: object, most: int, least: int = 0) -> int:
        """Check a text (None counts as empty) and return its length."""
        text = "" if value is None else value
        if not isinstance(text, str):
            self.add(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
            return 0
        if len(text) > most:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        if len(text) < least:
            self.add(path, "BASE_TYPE_MIN_LENGTH", f"Must be {least} or more in length.")
        return len(text)

    def count(self, path: str, value: object, most: int, least: int = 0) -> list[Any]:
        """Check a list (None counts as empty) and return it."""
        if value is None:
            value = list[Any]()
        if not isinstance(value, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
            return []
        items = cast("list[Any]", value)
        if not least <= len(items) <= most:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        return items

    def finish(self) -> None:
        if self.tree:
            raise ApiError(50035, errors=self.tree)


def message(body: Mapping[str, Any], *, flags: int = 0) -> None:
    """A message body, new or edited. `flags` are those the message already has."""
    problems = Problems()
    problems.length("content", body.get("content"), 2000)
    _embeds(problems, body.get("embeds"))
    new_style = bool((int(body.get("flags") or 0) | flags) & COMPONENTS_V2)
    if new_style and (body.get("content") or body.get("embeds")):
        problems.add("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with components V2.")
    (_layout if new_style else _rows)(problems, body.get("components"))
    problems.count("attachments", body.get("attachments"), 10)
    problems.length("nonce", None if body.get("nonce") is None else str(body["nonce"]), 25)
    problems.finish()


def modal(body: Mapping[str, Any]) -> None:
    problems = Problems()
    problems.length("data.title", body.get("title"), 45, 1)
    problems.length("data.custom_id", body.get("custom_id"), 100, 1)
    for index, item in enumerate(problems.count("data.components", body.get("components"), 5, 1)):
        path = f"data.components.{index}"
        if item.get("type") == 18:
            problems.length(f"{path}.label", item.get("label"), 45, 1)
            problems.length(f"{path}.description", item.get("description"), 100)
            _control(problems, f"{path}.component", item.get("component") or {})
    problems.finish()


def choices(found: object) -> list[Json]:
    """The answer to an autocomplete."""
    problems = Problems()
    listed = problems.count("data.choices", found, 25)
    for index, choice in enumerate(listed):
        _choice(problems, f"data.choices.{index}", choice)
    problems.finish()
    return listed


def commands(body: object) -> list[Json]:
    """The body of a bulk overwrite."""
    problems = Problems()
    listed = problems.count("commands", body, 130)
    seen: set[tuple[int, str]] = set()
    for index, command in enumerate(listed):
        kind, name = command.get("type", 1), str(command.get("name", ""))
        if (kind, name) in seen:
            problems.add(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Names must be unique.")
        seen.add((kind, name))
        if kind != 1:
            problems.length(f"{index}.name", name, 32, 1)
        elif _described(problems, str(index), command) + _options(problems, str(index), command) > 8000:
            problems.add(str(index), "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000).")
    problems.finish()
    return listed


def _within(embed: Json, part: str) -> Json:
    return embed.get(part) or {}


def _embeds(problems: Problems, embeds: object) -> None:
    total = 0
    for index, embed in enumerate(problems.count("embeds", embeds, 10)):
        path = f"embeds.{index}"
        for key, most in _EMBED_TEXTS:
            total += problems.length(f"{path}.{key}", embed.get(key), most)
        total += problems.length(f"{path}.footer.text", _within(embed, "footer").get("text"), 2048)
        total += problems.length(f"{path}.author.name", _within(embed, "author").get("name"), 256)
        for number, field in enumerate(problems.count(f"{path}.fields", embed.get("fields"), 25)):
            total += problems.length(f"{path}.fields.{number}.name", field.get("name"), 256, 1)
            total += problems.length(f"{path}.fields.{number}.value", field.get("value"), 1024, 1)
    if total > 6000:
        problems.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _rows(problems: Problems, rows: object) -> None:
    seen: set[str] = set()
    for number, row in enumerate(problems.count("components", rows, 5)):
        path = f"components.{number}"
        if row.get("type") != 1:
            problems.add(f"{path}.type", "UNION_TYPE_CHOICES", "Value of field type must be one of (1,).")
            continue
        items = problems.count(f"{path}.components", row.get("components"), 5, 1)
        if len(items) > 1 and any(item.get("type") in _SELECTS for item in items):
            problems.add(f"{path}.components", "BASE_TYPE_BAD_LENGTH", "A select fills its row.")
        for place, item in enumerate(items):
            _control(problems, f"{path}.components.{place}", item, seen)


def _layout(problems: Problems, components: object) -> None:
    every = [*walk(problems.count("components", components, 40))]
    if len(every) > 40:
        problems.add("components", "BASE_TYPE_BAD_LENGTH", "Must be 40 or fewer components in total.")
    if sum(len(item.get("content") or "") for item in every) > 4000:
        problems.add("components", "BASE_TYPE_MAX_LENGTH", "Must be 4000 or fewer characters in total.")
    seen: set[str] = set()
    for number, item in enumerate(every):
        if item.get("type") == 2 or item.get("type") in _SELECTS:
            _control(problems, f"components.{number}", item, seen)


def walk(components: list[Json]) -> list[Json]:
    """Every component with all that it holds, in reading order."""
    found: list[Json] = []
    for item in components:
        found.append(item)
        inner = list(item.get("components") or [])
        inner += [item[key] for key in ("component", "accessory") if item.get(key)]
        found += walk(inner)
    return found


def _control(problems: Problems, path: str, item: Json, seen: set[str] | None = None) -> None:
    kind = item.get("type")
    if kind == 2:
        problems.length(f"{path}.label", item.get("label"), 80)
        if not item.get("label") and not item.get("emoji"):
            problems.add(
                f"{path}.label", "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or emoji is required."
            )
    if kind in _SELECTS:
        problems.length(f"{path}.placeholder", item.get("placeholder"), 150)
        least = 1 if kind == 3 else 0
        for index, option in enumerate(problems.count(f"{path}.options", item.get("options"), 25, least)):
            problems.length(f"{path}.options.{index}.label", option.get("label"), 100, 1)
            problems.length(f"{path}.options.{index}.value", option.get("value"), 100, 1)
    if kind == 2 and item.get("style") == 5:
        problems.length(f"{path}.url", item.get("url"), 512, 1)
        return
    custom_id = str(item.get("custom_id") or "")
    problems.length(f"{path}.custom_id", custom_id, 100, 1)
    if seen is not None and custom_id in seen:
        problems.add(
            f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    if seen is not None:
        seen.add(custom_id)


def _described(problems: Problems, path: str, item: Json) -> int:
    """Check name and description; return the characters they count for."""
    name, description = str(item.get("name", "")), str(item.get("description", ""))
    if not _COMMAND_NAME.match(name) or name != name.lower():
        problems.add(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    problems.length(f"{path}.description", description, 100, 1)
    return len(name) + len(description)


def _options(problems: Problems, path: str, item: Json) -> int:
    total, optional_seen = 0, False
    for index, option in enumerate(problems.count(f"{path}.options", item.get("options"), 25)):
        here = f"{path}.options.{index}"
        total += _described(problems, here, option) + _options(problems, here, option)
        for number, choice in enumerate(problems.count(f"{here}.choices", option.get("choices"), 25)):
            total += _choice(problems, f"{here}.choices.{number}", choice)
        if option.get("required") and optional_seen:
            problems.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first")
        optional_seen |= not option.get("required")
    return total


def _choice(problems: Problems, path: str, choice: Json) -> int:
    length = problems.length(f"{path}.name", choice.get("name"), _LONGEST_CHOICE, 1)
    value = choice.get("value")
    return length + (problems.length(f"{path}.value", value, _LONGEST_CHOICE) if isinstance(value, str) else 0)
