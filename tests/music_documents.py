"""The music providers' OpenAPI documents: found, read once, and asked what is wrong with a request or a reply."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import yaml

VARIABLE = "MUSIC_OPENAPI"
USUAL_PLACE = Path("shared", "reference", "openapi")
PROJECT = Path(__file__).parents[1]
CONTRADICTED = frozenset({"createTime", "type"})
"""Properties of a record whose own examples are not what their schema says: a time without zone, GENERATE."""


def find_folder(environment: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Path | None:
    """The folder that the environment names (none when the name is empty), or the nearest one above the project."""
    if VARIABLE in environment:
        return Path(environment[VARIABLE]) if environment[VARIABLE] else None
    return next((above / USUAL_PLACE for above in project.parents if (above / USUAL_PLACE).is_dir()), None)


FOLDER = find_folder()


def summary() -> str:
    """One line for the end of a run."""
    if FOLDER is None:
        return f"Music providers' OpenAPI check: skipped, {VARIABLE} names no folder"
    return f"Music providers' OpenAPI check: {len(list(FOLDER.glob('*.yaml')))} documents"


class Document:
    """One document, which describes one path. Properties that it does not name are faults."""

    def __init__(self, file: Path) -> None:
        root = yaml.safe_load(file.read_text("utf-8"))
        ((self.path, methods),) = root["paths"].items()
        ((self.method, self._operation),) = methods.items()
        self._components = root.get("components", {})

    def request_faults(self, body: Any) -> list[str]:
        """What is wrong with the JSON of a request."""
        schema = self._operation["requestBody"]["content"]["application/json"]["schema"]
        return self._faults(_closed(schema), body)

    def reply_faults(self, body: Any) -> list[str]:
        """What is wrong with the JSON of a good answer; a null counts as absent."""
        schema = self._operation["responses"]["200"]["content"]["application/json"]["schema"]
        return self._faults(_without_contradictions(schema), _without_nulls(body))

    def codes(self) -> set[int]:
        """Every code that its answers may carry in the body, but for 200."""
        schema = self._operation["responses"]["200"]["content"]["application/json"]["schema"]
        parts = [schema, *schema.get("allOf", [])]
        found = [
            part["properties"]["code"].get("enum", []) for part in parts if "code" in part.get("properties", {})
        ]
        return {code for codes in found for code in codes} - {200}

    def models(self) -> set[str]:
        """Every model that may be asked for."""
        schema = self._operation["requestBody"]["content"]["application/json"]["schema"]
        inner = schema["properties"].get("input", schema)
        return set(inner["properties"]["model"]["enum"])

    def _faults(self, schema: Any, body: Any) -> list[str]:
        whole = {**schema, "components": self._components}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return [f"{'/'.join(map(str, e.instance_path))}: {e.message[:160]}" for e in validator.iter_errors(body)]


@cache
def document(name: str) -> Document:
    """The document in a file of the folder, named without `.yaml`."""
    assert FOLDER is not None
    return Document(FOLDER / f"{name}.yaml")


def _closed(schema: Any) -> Any:
    """The same schema, taking nothing that it does not name."""
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in cast("dict[str, Any]", schema).items()}
    if isinstance(closed.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed


def _without_contradictions(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_contradictions(inner) for inner in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    left = {key: _without_contradictions(value) for key, value in cast("dict[str, Any]", schema).items()}
    if isinstance(left.get("properties"), dict):
        left["properties"] = {k: v for k, v in left["properties"].items() if k not in CONTRADICTED}
    return left


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: _without_nulls(inner) for key, inner in fields.items() if inner is not None}
    return [_without_nulls(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value
