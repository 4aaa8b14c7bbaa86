"""Reads what all providers tell of a task, in every shape that was seen (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True)
class Made:
    """One finished track as a record tells of it."""

    url: str
    title: str
    tags: str
    audio_id: str = ""


def entries(data: Any) -> Mapping[str, Any]:
    """Of a JSON object; anything else has none."""
    return cast("Mapping[str, Any]", data) if isinstance(data, Mapping) else {}


def task_of(data: Any) -> str | None:
    """The task id of a create's answer."""
    found = entries(data).get("taskId") or entries(data).get("task_id")
    return found if isinstance(found, str) and 0 < len(found) <= 200 and found.isascii() else None


def persona_of(data: Any) -> str | None:
    """The id of a persona that was made; one that fits into a choice."""
    found = entries(data).get("personaId") or entries(data).get("persona_id")
    return found if isinstance(found, str) and 0 < len(found) <= 100 else None


def made_of(record: Any, *, streams: bool = False) -> tuple[Made, ...]:
    """The tracks of a record, if every one has an address to fetch it from.

    `streams`: where there is no file, a link to listen to will do. Those die within hours.
    """
    names = ("audioUrl", "audio_url", *(("streamAudioUrl", "stream_audio_url") if streams else ()))
    data = entries(record)
    for place in ("resultJson", "response"):
        tracks = _tracks(unpacked(data.get(place)))
        made = [Made(_text(t, *names), _text(t, "title"), _text(t, "tags"), _text(t, "id")) for t in tracks]
        if made and all(track.url for track in made):
            return tuple(made)
    return ()


def names_uploads(record: Any, uploads: Sequence[str]) -> bool:
    """Whether the record's own request names every one of these addresses."""
    named = set(_strings(unpacked(entries(record).get("param"))))
    return bool(uploads) and all(address in named for address in uploads)


def unpacked(value: Any) -> Any:
    """JSON that comes as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _tracks(found: Any) -> list[Mapping[str, Any]]:
    """Songs under any of the names they were seen under; a bare list of addresses has no titles."""
    places = entries(found)
    songs = next((places[name] for name in ("sunoData", "data", "resultUrls") if places.get(name)), None)
    if isinstance(songs, Mapping):
        return _tracks(songs)
    given = cast("list[Any]", songs) if isinstance(songs, list) else []
    named = [{"audioUrl": song} if isinstance(song, str) else song for song in given]
    return [entries(song) for song in named if isinstance(song, Mapping)]


def _text(track: Mapping[str, Any], *names: str) -> str:
    """The first that is there. Half a character, which JSON can hold and nothing else, is replaced."""
    found = next((str(track[name]) for name in names if track.get(name)), "")
    return found.encode("utf-8", "replace").decode()


def _strings(value: Any, depth: int = 5) -> Iterator[str]:
    """Every text in a value, not deeper than a request goes; an `input` may itself be JSON in a text."""
    if isinstance(value, str):
        yield value
        value = unpacked(value) if value[:1] in ("{", "[") else None
    if depth and isinstance(value, list | Mapping):
        within = entries(value).values() if isinstance(value, Mapping) else cast("list[Any]", value)
        for inner in within:
            yield from _strings(inner, depth - 1)
