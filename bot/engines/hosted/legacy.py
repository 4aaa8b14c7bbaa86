"""The dialect of the older paths, `/api/v1/generate/...`: what is written, and how records are read (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.engines.hosted.profile import SimpleFields
from bot.engines.port import TaskState, TaskStatus
from bot.errors import Code, Refusal
from bot.request import Mode

MASHUP = "/api/v1/generate/mashup"
RECORD = "/api/v1/generate/record-info"
DEFAULT_STYLE = "mashup"
CATALOGUE_MATCH = 413
LYRICS_TAKEN = 400
_WEIGHTS = {"style_weight": "styleWeight", "weirdness": "weirdnessConstraint", "audio_weight": "audioWeight"}
_FAILED = frozenset({"CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED"})


@dataclass(frozen=True)
class Made:
    """One finished track as a record tells of it."""

    url: str
    title: str
    tags: str


def uses(mode: Mode, simple: SimpleFields) -> frozenset[str]:
    """Names of the options that reach the provider."""
    always = {"prompt", "instrumental", "model"}
    texts = {"style", "title"}
    if mode is Mode.CUSTOM:
        return frozenset(always | texts | {"vocal_gender", *_WEIGHTS})
    return frozenset(always | texts if simple is SimpleFields.STYLE_AND_TITLE else always)


def mashup_body(
    request: Mapping[str, Any], simple: SimpleFields, uploads: Sequence[str], callback: str
) -> dict[str, Any]:
    """The JSON of a create, exactly as documented for the mode."""
    custom = request["mode"] == Mode.CUSTOM.value
    body: dict[str, Any] = {
        "uploadUrlList": list(uploads),
        "customMode": custom,
        "instrumental": bool(request["instrumental"]),
        "model": request["model"],
        "callBackUrl": callback,
    }
    if request["prompt"] is not None and not (custom and request["instrumental"]):
        body["prompt"] = request["prompt"]
    if custom or simple is SimpleFields.STYLE_AND_TITLE:
        body |= {"style": request["style"] or DEFAULT_STYLE, "title": request["title"]}
    if custom:
        if request["vocal_gender"] is not None:
            body["vocalGender"] = request["vocal_gender"]
        body |= {wire: request[name] for name, wire in _WEIGHTS.items() if request[name] is not None}
    return body


def task_of(data: Any) -> str | None:
    """The task id of a create's answer."""
    found = data.get("taskId") or data.get("task_id") if isinstance(data, Mapping) else None
    return found if isinstance(found, str) and 0 < len(found) <= 200 else None


def status_of(record: Any) -> TaskStatus:
    """What a record says; anything unheard of means that the task still runs."""
    data = record if isinstance(record, Mapping) else {}
    status = str(data.get("status") or "").upper()
    if status == "SENSITIVE_WORD_ERROR":
        return TaskStatus(TaskState.REFUSED, refusal=Refusal(Code.TEXT_REFUSED))
    if status in _FAILED:
        return TaskStatus(TaskState.REFUSED, refusal=_why(data))
    if status in ("SUCCESS", "CALLBACK_EXCEPTION") and made_of(data):
        return TaskStatus(TaskState.READY, fraction=1.0)
    if status in ("FIRST_SUCCESS", "SUCCESS"):
        return TaskStatus(TaskState.RUNNING, stage="first", fraction=0.7)
    if status == "TEXT_SUCCESS":
        return TaskStatus(TaskState.RUNNING, stage="text", fraction=0.3)
    return TaskStatus(TaskState.RUNNING, stage="working", fraction=0.1)


def made_of(record: Any) -> tuple[Made, ...]:
    """The tracks of a record, if every one has an address to fetch it from."""
    data = record if isinstance(record, Mapping) else {}
    response = _unpacked(data.get("response"))
    tracks = response.get("sunoData") or response.get("data") if isinstance(response, Mapping) else None
    tracks = [track for track in tracks if isinstance(track, Mapping)] if isinstance(tracks, list) else []
    made = [
        Made(_text(track, "audioUrl", "audio_url"), _text(track, "title"), _text(track, "tags")) for track in tracks
    ]
    return tuple(made) if all(track.url for track in made) else ()


def names_uploads(record: Any, uploads: Sequence[str]) -> bool:
    """Whether the record's own request names every one of these addresses."""
    param = _unpacked(record.get("param")) if isinstance(record, Mapping) else None
    named = set(_strings(param))
    return bool(uploads) and all(address in named for address in uploads)


def _why(data: Mapping[str, Any]) -> Refusal:
    code = str(data.get("errorCode") or "")
    if code == str(CATALOGUE_MATCH):
        return Refusal(Code.CATALOGUE_MATCH)
    if code == str(LYRICS_TAKEN):
        return Refusal(Code.TEXT_REFUSED)
    return Refusal(Code.ENGINE_FAILED)


def _text(track: Mapping[str, Any], *names: str) -> str:
    return next((str(track[name]) for name in names if track.get(name)), "")


def _unpacked(value: Any) -> Any:
    """JSON that comes as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any, depth: int = 4) -> Iterator[str]:
    """Every text in a value, not deeper than a request goes."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, list | Mapping):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner, depth - 1)
