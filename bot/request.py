"""What a member may ask, and the limits it is checked against: pure values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.errors import Code, Refused

OPTIONS = (
    "prompt",
    "style",
    "title",
    "instrumental",
    "model",
    "vocal_gender",
    "style_weight",
    "weirdness",
    "audio_weight",
)


class EngineName(StrEnum):
    """Every engine a member may name; the registry knows which are set up here."""

    LOCAL = "local"
    KIE = "kie"
    SUNOAPI = "sunoapi"
    APIBOX = "apibox"


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

    model_config = ConfigDict(frozen=True)

    prompt: int
    style: int
    title: int


class Mashup(BaseModel):
    """One mashup as asked. `title` is filled from the file names where the mode needs one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineName = EngineName.LOCAL
    mode: Mode = Mode.SIMPLE
    prompt: str | None = None
    style: str | None = None
    title: str | None = None
    instrumental: bool = False
    model: str | None = None
    vocal_gender: Gender | None = None
    style_weight: float | None = Field(None, ge=0, le=1)
    weirdness: float | None = Field(None, ge=0, le=1)
    audio_weight: float | None = Field(None, ge=0, le=1)
    unused: tuple[str, ...] = ()

    @property
    def prompt_is_lyrics(self) -> bool:
        """Whether the prompt would be sung word for word."""
        return self.mode is Mode.CUSTOM and not self.instrumental


def engine_named(value: str | None, default: EngineName) -> EngineName:
    """The engine a member typed or chose. Raises `Refused` for a name nobody knows."""
    text = (value or "").strip().lower()
    if not text:
        return default
    if text not in tuple(EngineName):
        raise Refused(Code.UNKNOWN_CHOICE, field="engine", value=text, choices=", ".join(EngineName))
    return EngineName(text)


def mode_of(given: Mapping[str, Any]) -> Mode:
    """Simple or custom: as asked, or custom where a style or title was given. Raises `Refused`."""
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


def read_mashup(
    given: Mapping[str, Any],
    *,
    engine: EngineName,
    limits: Limits,
    uses: frozenset[str],
    names: tuple[str, str],
    needs: frozenset[str] = frozenset(),
) -> Mashup:
    """Check every option and settle mode and title; the one validator of a mashup.

    `given` maps option names to what was typed, absent ones missing or None. `uses` names the options the engine
    acts on; others that were given end in `unused`, so that the card can say so. `needs` names texts that must be
    there; a prompt that would be lyrics is not needed where nothing is sung. Raises `Refused`.
    """
    values = {name: _clean(given.get(name)) for name in OPTIONS}
    values = {name: value for name, value in values.items() if value is not None}
    mode = mode_of(given)
    _check_there(mode, values, needs)
    for name in ("prompt", "style", "title"):
        _check_length(name, values.get(name), getattr(limits, name), values.get("model"))
    for name in ("style_weight", "weirdness", "audio_weight"):
        if name in values:
            values[name] = _check_weight(name, values[name])
    if "vocal_gender" in values and values["vocal_gender"] not in tuple(Gender):
        raise Refused(Code.UNKNOWN_CHOICE, field="vocal_gender", value=values["vocal_gender"], choices="m, f")
    unused = tuple(name for name in OPTIONS if name in values and name not in uses and values[name] is not False)
    if "title" not in values:
        values["title"] = title_of(names, limits.title)
    return Mashup(engine=engine, mode=mode, unused=unused, **values)


def title_of(names: tuple[str, str], longest: int) -> str:
    """A title made of two file names: `Night Drive x Paper Lanterns`."""
    room = (longest - 3) // 2
    first, second = (_stem(name)[:room].strip() or "?" for name in names)
    return f"{first} × {second}"


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
