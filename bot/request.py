"""What a member may ask, and the limits it is checked against: pure values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.errors import Code, Refused


class EngineName(StrEnum):
    """Every engine a member may name; the registry knows which are set up here."""

    LOCAL = "local"
    KIE = "kie"
    SUNOAPI = "sunoapi"
    APIBOX = "apibox"


class Operation(StrEnum):
    """What can be made of audio."""

    MASHUP = "mashup"  # one piece of two
    COVER = "cover"  # the same piece in another style
    INSTRUMENTAL = "instrumental"  # an accompaniment for a voice
    VOCALS = "vocals"  # a voice for an accompaniment


_VOICE_AND_WEIGHTS = ("model", "vocal_gender", "style_weight", "weirdness", "audio_weight")
OPTIONS: Mapping[Operation, tuple[str, ...]] = {
    Operation.MASHUP: ("prompt", "style", "title", "instrumental", *_VOICE_AND_WEIGHTS, "persona"),
    Operation.COVER: ("prompt", "style", "title", "negative_tags", "instrumental", *_VOICE_AND_WEIGHTS, "persona"),
    Operation.INSTRUMENTAL: ("title", "tags", "negative_tags", *_VOICE_AND_WEIGHTS),
    Operation.VOCALS: ("prompt", "title", "style", "negative_tags", *_VOICE_AND_WEIGHTS),
}
MODED = frozenset({Operation.MASHUP, Operation.COVER})
"""Operations with a simple and a custom mode; the others are always custom."""


class Mode(StrEnum):
    """How the prompt is read: an idea (simple), or with a style and title of one's own (custom)."""

    AUTO = "auto"
    SIMPLE = "simple"
    CUSTOM = "custom"


class Gender(StrEnum):
    """The voice a hosted engine is asked to prefer."""

    MALE = "m"
    FEMALE = "f"


class Limits(BaseModel):
    """Longest texts, in characters, for one engine, operation, mode and model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: int
    style: int
    title: int
    tags: int = 1000
    negative_tags: int = 1000


class Request(BaseModel):
    """What every operation may be asked with. `unused` names options that were given and the engine ignores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineName = EngineName.LOCAL
    mode: Mode = Mode.CUSTOM
    title: str | None = None
    model: str | None = None
    vocal_gender: Gender | None = None
    style_weight: float | None = Field(None, ge=0, le=1)
    weirdness: float | None = Field(None, ge=0, le=1)
    audio_weight: float | None = Field(None, ge=0, le=1)
    unused: tuple[str, ...] = ()


class Mashup(Request):
    """One mashup as asked. `title` is filled from the file names where the member gave none."""

    mode: Mode = Mode.SIMPLE
    prompt: str | None = None
    style: str | None = None
    instrumental: bool = False
    persona: str | None = None
    """The engine's id of one."""

    @property
    def prompt_is_lyrics(self) -> bool:
        """Whether the prompt would be sung word for word."""
        return self.mode is Mode.CUSTOM and not self.instrumental


class Cover(Mashup):
    """A piece in another style."""

    negative_tags: str | None = None


class Instrumental(Request):
    """An accompaniment for the voice of a track."""

    tags: str
    negative_tags: str


class Vocals(Request):
    """A voice for the accompaniment of a track; the prompt is what is sung."""

    prompt: str
    style: str
    negative_tags: str


VALUES: Mapping[Operation, type[Request]] = {
    Operation.MASHUP: Mashup,
    Operation.COVER: Cover,
    Operation.INSTRUMENTAL: Instrumental,
    Operation.VOCALS: Vocals,
}


def engine_named(value: str | None, default: EngineName) -> EngineName:
    """The engine a member typed or chose. Raises `Refused` for a name nobody knows."""
    text = (value or "").strip().lower()
    if not text:
        return default
    if text not in tuple(EngineName):
        raise Refused(Code.UNKNOWN_CHOICE, field="engine", value=text, choices=", ".join(EngineName))
    return EngineName(text)


def mode_of(operation: Operation, given: Mapping[str, Any]) -> Mode:
    """Simple or custom: as asked, or custom where a style or title was given. Raises `Refused`."""
    if operation not in MODED:
        return Mode.CUSTOM
    text = str(given.get("mode") or Mode.AUTO).lower()
    if text not in tuple(Mode):
        raise Refused(Code.UNKNOWN_CHOICE, field="mode", value=text, choices=", ".join(Mode))
    if text == Mode.AUTO:
        return Mode.CUSTOM if _clean(given.get("style")) or _clean(given.get("title")) else Mode.SIMPLE
    return Mode(text)


def model_named(value: Any, models: tuple[str, ...], default: str | None) -> str | None:
    """The model that was meant; what was typed where there is nothing to choose. Raises `Refused`."""
    text = _clean(value)
    if text is None or not models:
        return text or default
    found = next((model for model in models if model.lower() == str(text).lower()), None)
    if found is None:
        raise Refused(Code.UNKNOWN_CHOICE, field="model", value=text, choices=", ".join(models))
    return found


def read_request(
    operation: Operation,
    given: Mapping[str, Any],
    *,
    engine: EngineName,
    limits: Limits,
    uses: frozenset[str],
    names: Sequence[str],
    needs: frozenset[str] = frozenset(),
) -> Request:
    """Check every option and settle mode and title; the one validator of a request.

    `given` maps option names to what was typed, absent ones missing or None. `uses` names the options the engine
    acts on; others that were given end in `unused`, so that the card can say so. `needs` names texts that must be
    there; a prompt that would be lyrics is not needed where nothing is sung. `names` are those of the files. Raises
    `Refused`.
    """
    values = {name: _clean(given.get(name)) for name in OPTIONS[operation]}
    values = {name: value for name, value in values.items() if value is not None}
    mode = mode_of(operation, given)
    _check_there(mode, values, needs)
    for name in Limits.model_fields:
        _check_length(name, values.get(name), getattr(limits, name), values.get("model"))
    for name in ("style_weight", "weirdness", "audio_weight"):
        if name in values:
            values[name] = _check_weight(name, values[name])
    if "vocal_gender" in values and values["vocal_gender"] not in tuple(Gender):
        raise Refused(Code.UNKNOWN_CHOICE, field="vocal_gender", value=values["vocal_gender"], choices="m, f")
    unused = tuple(name for name in values if name not in uses and values[name] is not False)
    if "title" not in values:
        values["title"] = title_of(names, limits.title)
    return VALUES[operation](engine=engine, mode=mode, unused=unused, **values)


def title_of(names: Sequence[str], longest: int) -> str:
    """A title made of the file names: `Night Drive × Paper Lanterns`."""
    room = longest if len(names) == 1 else (longest - 3) // 2
    return " × ".join(_stem(name)[:room].strip() or "?" for name in names)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    return value


def _check_there(mode: Mode, values: Mapping[str, Any], needs: frozenset[str]) -> None:
    for name in sorted(needs - set(values)):
        if not (name == "prompt" and mode is Mode.CUSTOM and values.get("instrumental")):
            raise Refused(Code.FIELD_MISSING, field=name, mode=mode.value)


def _check_length(field: str, value: str | None, limit: int, model: str | None) -> None:
    if value is not None and len(value) > limit:
        raise Refused(Code.FIELD_TOO_LONG, field=field, limit=limit, actual=len(value), model=model or "-")


def _check_weight(field: str, value: float) -> float:
    hundredths = round(float(value) * 100, 6)
    if not 0 <= hundredths <= 100 or hundredths != int(hundredths):
        raise Refused(Code.WEIGHT_OUT_OF_RANGE, field=field, value=value)
    return int(hundredths) / 100


def _stem(name: str) -> str:
    stem = name.rsplit(".", 1)[0] if "." in name else name
    return " ".join(stem.replace("_", " ").split())
