"""What a provider takes and answers, as data: one TOML file each, checked when the bot starts."""

from __future__ import annotations

import importlib.resources
import tomllib
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.request import EngineName, Limits, Mode


class Outcome(StrEnum):
    """What a refused create means for the job."""

    REFUSE = "refuse"  # the request will never be taken
    LATER = "later"  # not now; nothing was created
    PAUSE_ENGINE = "pause_engine"  # nothing of this account is taken for a while
    OPERATOR = "operator"  # only the operator can mend it
    UNKNOWN = "unknown"  # it may have been created


class SimpleFields(StrEnum):
    """What a create in simple mode carries besides the prompt."""

    PROMPT_ONLY = "prompt_only"  # neither style nor title
    STYLE_AND_TITLE = "style_and_title"  # both, always: the schema requires them


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Model(_Part):
    """One model: whether the provider still recommends it, and its longest texts."""

    status: Literal["current", "deprecated"]
    custom: Limits
    simple: Limits


class Profile(_Part):
    """One provider. `create_codes` maps the body's `code` of a refused create; every other code is `unknown`."""

    name: EngineName
    dialect: Literal["legacy"]
    base_url: str = Field(pattern=r"^https://")
    upload_url: str | None = Field(pattern=r"^https://", default=None)
    result_hosts: tuple[str, ...] = Field(min_length=1)
    signature: Literal["none", "kie"]
    simple_fields: SimpleFields
    default_model: str
    tracks: int = Field(ge=1, le=4)
    retention_days: int = Field(ge=1)
    creates_per_10_seconds: int = Field(ge=1)
    polls_per_second: float = Field(gt=0)
    create_codes: dict[int, Outcome]
    models: dict[str, Model]

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        if self.default_model not in self.models:
            raise ValueError(f"the default model {self.default_model} is not among the models")
        return self

    def limits(self, mode: Mode, model: str | None) -> Limits:
        """Longest texts for a mode and model; those of the default model for a name nobody knows."""
        chosen = self.models.get(model or "") or self.models[self.default_model]
        return chosen.custom if mode is Mode.CUSTOM else chosen.simple

    def outcome(self, code: int) -> Outcome:
        """What a create's code means."""
        return self.create_codes.get(code, Outcome.UNKNOWN)


def load(name: EngineName) -> Profile:
    """The profile that comes with the bot. Raises pydantic's `ValidationError` for a file that breaks the rules."""
    file = importlib.resources.files("bot.engines.hosted") / "profiles" / f"{name.value}.toml"
    return Profile.model_validate(tomllib.loads(file.read_text("utf-8")))
