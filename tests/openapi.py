"""Discord's OpenAPI document: found, read once, and asked what is wrong with a request, a reply or an object."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import jsonschema_rs

VARIABLE = "DISCORD_OPENAPI"
USUAL_PLACE = Path("shared", "reference", "discord-openapi.json")
PROJECT = Path(__file__).parents[1]
_URN, _JSON = "urn:discord", "application/json"


@dataclass(frozen=True)
class Exemption:
    """A place of the document, by its keys, where something else is held to be true, and why."""

    place: tuple[str, ...]
    truth: Any
    reason: str


def _exempt(schema: str, *keys: str, truth: Any, because: str) -> Exemption:
    return Exemption(("components", "schemas", schema, *keys), truth, because)


def _object_with(**types: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": one} for name, one in types.items()},
        "required": [*types],
    }


_NUMBER_OR_DIGITS = {"type": ["integer", "string"]}
EXEMPTIONS = (
    _exempt(
        *("MessageAttachmentRequest", "properties", "id"),
        truth=_NUMBER_OR_DIGITS,
        because="discord.py counts the files of a request in integers, and Discord takes them",
    ),
    _exempt(
        *("MessageAllowedMentionsRequest", "properties", "users", "items"),
        truth=_NUMBER_OR_DIGITS,
        because="discord.py sends the ids of allowed mentions as integers, and Discord takes them",
    ),
    _exempt(
        *("MessageAllowedMentionsRequest", "properties", "roles", "items"),
        truth=_NUMBER_OR_DIGITS,
        because="as for users",
    ),
    _exempt(
        *("CreatePrivateChannelRequest", "properties", "recipient_id"),
        truth=_NUMBER_OR_DIGITS,
        because="discord.py sends the id of who is to be written to as an integer, and Discord takes it",
    ),
    _exempt(
        *("InnerErrors", "properties", "_errors", "items"),
        truth=_object_with(code="string", message="string"),
        because="Discord says what is wrong with a field by a word such as BASE_TYPE_MAX_LENGTH, not by a number",
    ),
    _exempt(
        *("RatelimitedResponse", "allOf"),
        truth=[_object_with(message="string", retry_after="number", **{"global": "boolean"})],
        because="Discord leaves the code out of a 429; its site calls it optional",
    ),
)


@dataclass(frozen=True)
class Fault:
    """What the document says against one place of a body."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message}"


class Document:
    """The parsed document. A place in it is a tuple of keys."""

    def __init__(self, path: Path, exemptions: tuple[Exemption, ...] = EXEMPTIONS) -> None:
        self._root = json.loads(path.read_bytes())
        for exemption in exemptions:
            *parents, last = exemption.place
            parent = _descend(self._root, parents)
            assert last in parent, f"the document has changed, this exemption has no place: {exemption}"
            parent[last] = exemption.truth
        self._registry = jsonschema_rs.Registry([(_URN, self._root)], draft=jsonschema_rs.Draft202012)
        templates = sorted(
            self._root["paths"], key=lambda template: [part[:1] == "{" for part in template.split("/")]
        )
        self._templates = {template: _pattern(template) for template in templates}
        self._validator = cache(self._make_validator)

    def operation(self, method: str, path: str) -> tuple[str, ...] | None:
        """The keys of the operation that serves a path; literal segments go before variable ones."""
        for template, pattern in self._templates.items():
            if pattern.fullmatch(path) and method.lower() in self._root["paths"][template]:
                return "paths", template, method.lower()
        return None

    def request_faults(self, operation: tuple[str, ...], body: Any) -> list[Fault] | None:
        """What is wrong with the body of a request; None when the operation takes no body."""
        if "requestBody" not in _descend(self._root, operation):
            return None
        return self._faults(self._schema_of((*operation, "requestBody")), body)

    def reply_faults(self, operation: tuple[str, ...], status: int, body: bytes) -> list[Fault]:
        """What is wrong with a reply."""
        place = (*operation, "responses")
        known = _descend(self._root, place)
        name = next((one for one in (str(status), f"{status // 100}XX") if one in known), None)
        if name is None:
            return [Fault("", f"the document has no answer {status} here, only {', '.join(known)}")]
        if "$ref" in known[name]:
            place, name = tuple(known[name]["$ref"].split("/")[1:-1]), known[name]["$ref"].split("/")[-1]
        if "content" not in _descend(self._root, (*place, name)):
            return [Fault("", "an answer without a body has one")] if body else []
        try:
            return self._faults(self._schema_of((*place, name)), json.loads(body))
        except ValueError:
            return [Fault("", "an answer with a body is no JSON")]

    def object_faults(self, schema: str, body: Any) -> list[Fault]:
        """What is wrong with an object of a named schema."""
        return self._faults(("components", "schemas", schema), body)

    def _schema_of(self, place: tuple[str, ...]) -> tuple[str, ...]:
        """The schema for JSON; a form's fields are those of the JSON, which comes in its payload_json."""
        content = _descend(self._root, (*place, "content"))
        return *place, "content", _JSON if _JSON in content else next(iter(content)), "schema"

    def _make_validator(self, place: tuple[str, ...]) -> jsonschema_rs.Validator:
        reference = _pointer(place).replace("{", "%7B").replace("}", "%7D")
        return jsonschema_rs.Draft202012Validator(
            {"$ref": f"{_URN}#{reference}"}, registry=self._registry, validate_formats=True
        )

    def _faults(self, place: tuple[str, ...], body: Any) -> list[Fault]:
        found = [cause for error in self._validator(place).iter_errors(body) for cause in _causes(error)]
        return [Fault(_pointer(cause.instance_path), _shortened(cause.message)) for cause in found]


def find_document(environment: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Path | None:
    """The file that the environment names (none when the name is empty), or the nearest one above the project."""
    if VARIABLE in environment:
        return Path(environment[VARIABLE]) if environment[VARIABLE] else None
    return next((above / USUAL_PLACE for above in project.parents if (above / USUAL_PLACE).is_file()), None)


def chosen(body: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The pointer and value of each thing at a path like `members/*`; nothing where the body ends before."""
    if not path:
        yield "", body
        return
    head, _, rest = path.partition("/")
    if head != "*":
        inner = cast("Mapping[str, Any]", body).get(head) if isinstance(body, dict) else None
        steps = [(head, inner)] if inner is not None else []
    else:
        within = (
            cast("Mapping[str, Any]", body).items()
            if isinstance(body, dict)
            else enumerate(cast("list[Any]", body))
        )
        steps = list(within)
    for key, value in steps:
        for pointer, found in chosen(value, rest):
            yield f"/{key}{pointer}", found


def _causes(error: jsonschema_rs.ValidationError) -> list[jsonschema_rs.ValidationError]:
    """The errors that matter: of a union, those of the branch that was meant, if one was."""
    branches: list[list[jsonschema_rs.ValidationError]] = getattr(error.kind, "context", None) or []
    meant = [branch for branch in branches if not any(_says_other_branch(one, error) for one in branch)]
    causes = [[cause for one in branch for cause in _causes(one)] for branch in meant]
    return min(causes, key=len, default=[error])


def _says_other_branch(error: jsonschema_rs.ValidationError, union: jsonschema_rs.ValidationError) -> bool:
    """The value is not even of the branch's type, in JSON's sense or Discord's, or is another constant."""
    inside = error.instance_path[len(union.instance_path) :]
    return (inside == [] and error.kind.name in ("type", "const")) or (
        inside == ["type"] and error.kind.name == "enum"
    )


def _shortened(message: str) -> str:
    """Without the middle of a long value; what is asked of it stands at the end."""
    return message if len(message) <= 160 else f"{message[:60]} ... {message[-80:]}"


def _descend(root: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        root = root[key]
    return root


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("/".join("[^/]+" if part[:1] == "{" else re.escape(part) for part in template.split("/")))


def _pointer(keys: Iterable[str | int]) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)
