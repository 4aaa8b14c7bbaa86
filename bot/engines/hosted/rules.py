"""The closed words of a profile, and what one operation takes in one dialect (pure values)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import ceil
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.engines.port import Capabilities
from bot.request import MODED, OPTIONS, Limits, Mode, Operation

SIMPLE_NEEDS = frozenset({"prompt"})
_MEANING = frozenset({"instrumental", "persona"})
"""Options that may not be dropped: without them something else would be made."""

OptionName = Literal[
    "prompt", "style", "title", "tags", "negative_tags", "instrumental",
    "vocal_gender", "style_weight", "weirdness", "audio_weight", "persona", "custom_mode", "duration",
]  # fmt: skip
_OURS = frozenset({"custom_mode", "duration"})
"""Fields that we fill, no member does."""


class DialectName(StrEnum):
    """How requests and records are written."""

    LEGACY = "legacy"  # a path for each operation, with a simple and a custom mode
    MODELESS = "modeless"  # the same paths since autumn 2026: custom only, no word of modes
    UNIFIED = "unified"  # one path for everything, snake_case


class Outcome(StrEnum):
    """What a refused create means for the job."""

    REFUSE = "refuse"  # the request will never be taken
    LATER = "later"  # not now; nothing was created
    PAUSE_ENGINE = "pause_engine"  # nothing of this account is taken for a while
    OPERATOR = "operator"  # only the operator can mend it
    UNKNOWN = "unknown"  # it may have been created
    CREDITS_OR_RATE = "credits_or_rate"  # documents differ: the message decides, else the balance


class Ending(StrEnum):
    """What the code of a failed task means."""

    FAILED = "failed"
    TEXT_REFUSED = "text_refused"
    CATALOGUE_MATCH = "catalogue_match"


class Part(BaseModel):
    """A table of a profile: nothing is taken that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Longest(Part):
    """What one model takes at most in one operation, in characters; `idea` is the prompt of simple mode."""

    prompt: int | None = Field(None, ge=1)
    idea: int | None = Field(None, ge=1)
    style: int | None = Field(None, ge=1)
    title: int = Field(ge=1)
    tags: int | None = Field(None, ge=1)
    negative_tags: int | None = Field(None, ge=1)
    source_seconds: int | None = Field(None, ge=1)


class Rules(Part):
    """One operation in one dialect. `name` is its path, or its model in the unified API; `price` is in credits.

    `custom` and `simple` are the fields of the two modes; without the field `custom_mode` there is no simple mode.
    `unverified` are fields of both that nobody saw work.
    """

    name: str = Field(min_length=1)
    price: float = Field(gt=0)
    default_model: str
    default_style: str | None = None
    prompt_always: bool = False
    custom: tuple[OptionName, ...]
    simple: tuple[OptionName, ...] = ()
    unverified: tuple[Literal["custom_mode", "instrumental"], ...] = ()
    needs: frozenset[OptionName] = frozenset()
    models: dict[str, Longest] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Rules:
        if self.default_model not in self.models:
            raise ValueError(f"the default model {self.default_model} is not among the models")
        if missing := self.needs - set(self.custom):
            raise ValueError(f"needed and not taken: {', '.join(sorted(missing))}")
        return self

    def fields(self, mode: Mode) -> tuple[OptionName, ...]:
        """What is sent in a mode; nothing for a mode that does not exist."""
        if mode is Mode.CUSTOM:
            return (*self.custom, *self.unverified)
        return (*self.simple, *self.unverified) if "custom_mode" in self.fields(Mode.CUSTOM) else ()

    def longest(self, model: str | None) -> Longest:
        """For a name nobody knows those of the default model."""
        return self.models.get(model or "") or self.models[self.default_model]

    def limits(self, mode: Mode, model: str | None) -> Limits:
        """Longest texts; 0 for a text that the operation does not have."""
        longest = self.longest(model)
        prompt = longest.idea if mode is Mode.SIMPLE else longest.prompt
        return Limits(
            prompt=prompt or 0,
            style=longest.style or 0,
            title=longest.title,
            tags=longest.tags or 0,
            negative_tags=longest.negative_tags or 0,
        )

    def capabilities(self, operation: Operation, mode: Mode, model: str | None) -> Capabilities | None:
        """What may be asked in a mode; None when there is no such mode."""
        fields = frozenset(self.fields(mode))
        if not fields:
            return None
        return Capabilities(
            models=tuple(self.models),
            default_model=self.default_model,
            limits=self.limits(mode, model),
            uses=fields - _OURS | {"model"},
            needs=frozenset(self.needs) if mode is Mode.CUSTOM else SIMPLE_NEEDS,
            lacks=(_MEANING & set(OPTIONS[operation])) - fields,
            source_seconds=self.longest(model).source_seconds,
            credits=self.price,
        )


class Durations(Part):
    """Models that are told how long to play, and between which bounds (seconds)."""

    models: frozenset[str]
    shortest: int = Field(ge=10)
    longest: int = Field(le=360)
    beside_lyrics: int = Field(ge=0)

    def asked(self, model: str, lengths: Sequence[float], lyrics: str) -> int | None:
        """As long as the longer source, or a second for each word and something beside; None: not told."""
        if model not in self.models:
            return None
        source = ceil(max(lengths, default=self.longest))
        sung = len(lyrics.split()) + self.beside_lyrics if lyrics else 0
        return min(max(source, sung, self.shortest), self.longest)


class Personas(Part):
    """How a persona is made: `name` is its path, `of` whose tracks it can be made of; `model` goes with its use."""

    name: str = Field(pattern=r"^/")
    of: tuple[Operation, ...] = Field(min_length=1)
    model: Literal["style_persona"] | None = None


class Spoken(Part):
    """One dialect of one provider. A code that is not listed is `unknown` for a create, `failed` for a task."""

    create_codes: dict[int, Outcome]
    task_codes: dict[int, Ending]
    models: dict[str, Literal["current", "deprecated"]]
    durations: Durations | None = None
    personas: Personas | None = None
    operations: dict[Operation, Rules]

    @model_validator(mode="after")
    def _consistent(self) -> Spoken:
        for operation, rules in self.operations.items():
            self._check(operation, rules)
        return self

    def duration(self, operation: Operation, request: Mapping[str, Any], lengths: Sequence[float]) -> int | None:
        """Seconds to ask for; None where that cannot be said."""
        if self.durations is None or "duration" not in self.operations[operation].custom:
            return None
        lyrics = "" if request.get("instrumental") else str(request.get("prompt") or "")
        return self.durations.asked(str(request["model"]), lengths, lyrics)

    def _check(self, operation: Operation, rules: Rules) -> None:
        taken = {*rules.custom, *rules.simple, *rules.unverified}
        if strange := taken - set(OPTIONS[operation]) - _OURS:
            raise ValueError(f"{operation} has no {', '.join(sorted(strange))}")
        if "persona" in taken and self.personas is None:
            raise ValueError(f"{operation} takes a persona, and nothing says how one is made")
        if operation not in MODED and "custom_mode" in taken:
            raise ValueError(f"{operation} has one mode only")
        if unlisted := set(rules.models) - set(self.models):
            raise ValueError(f"{operation} has models without a status: {', '.join(sorted(unlisted))}")
        texts = taken & set(Longest.model_fields) | set[str](["idea"] if rules.fields(Mode.SIMPLE) else ())
        for model, longest in rules.models.items():
            if open_ended := [name for name in sorted(texts) if getattr(longest, name) is None]:
                raise ValueError(f"{operation} with {model} has no limit for {', '.join(open_ended)}")
