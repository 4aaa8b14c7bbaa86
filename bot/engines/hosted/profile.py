"""A provider as data: one TOML file each, laid under the operator's own file, checked when the bot starts."""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from bot.engines.hosted.records import entries
from bot.engines.hosted.rules import DialectName, Ending, Outcome, Part, Rules, Spoken
from bot.engines.port import Capabilities
from bot.request import EngineName, Mode, Operation

_OVERLAID = frozenset({"price", "default_model", "unverified", "models"})
"""What an operator may lay over an operation; `models` and `durations` over a dialect."""


class ProfileError(Exception):
    """A profile that breaks the rules, as one sentence that names file and place."""


class Provider(Part):
    """Everything that is known of one provider."""

    name: EngineName
    default_dialect: DialectName
    base_url: str = Field(pattern=r"^https://")
    upload_url: str | None = Field(pattern=r"^https://", default=None)
    credit_path: str = Field(pattern=r"^/")
    result_hosts: tuple[str, ...] = Field(min_length=1)
    signature: Literal["none", "kie"]
    tracks: int = Field(ge=1, le=4)
    retention_days: int = Field(ge=1)
    creates_per_10_seconds: int = Field(ge=1)
    polls_per_second: float = Field(gt=0)
    dialects: dict[DialectName, Spoken]

    @model_validator(mode="after")
    def _consistent(self) -> Provider:
        if self.default_dialect not in self.dialects:
            raise ValueError(f"the default dialect {self.default_dialect} is not described")
        modeless = self.dialects.get(DialectName.MODELESS)
        if modeless and any("custom_mode" in r.fields(Mode.CUSTOM) for r in modeless.operations.values()):
            raise ValueError("modeless has no custom_mode")
        return self


@dataclass(frozen=True)
class Profile:
    """One provider in the dialect that is spoken with it."""

    provider: Provider
    dialect: DialectName

    @property
    def name(self) -> EngineName:
        return self.provider.name

    @property
    def spoken(self) -> Spoken:
        return self.provider.dialects[self.dialect]

    def rules(self, operation: Operation) -> Rules | None:
        return self.spoken.operations.get(operation)

    def capabilities(self, operation: Operation, mode: Mode, model: str | None = None) -> Capabilities | None:
        """What may be asked; None for what the provider does not do in this dialect."""
        rules = self.rules(operation)
        return rules.capabilities(operation, mode, model) if rules else None

    def outcome(self, code: int) -> Outcome:
        """What a create's code means."""
        return self.spoken.create_codes.get(code, Outcome.UNKNOWN)

    def ending(self, code: int) -> Ending:
        """What a failed task's code means."""
        return self.spoken.task_codes.get(code, Ending.FAILED)


def load(name: EngineName, dialect: str = "", overlays: Path | None = None) -> Profile:
    """The profile that comes with the bot, with `overlays`/NAME.toml laid over it. Raises `ProfileError`."""
    file = importlib.resources.files("bot.engines.hosted") / "profiles" / f"{name.value}.toml"
    data, where = tomllib.loads(file.read_text("utf-8")), file.name
    own = overlays / file.name if overlays else None
    if own is not None and own.is_file():
        data, where = _laid_over(data, own), str(own)
    provider = checked(data, where)
    if not dialect:
        return Profile(provider, provider.default_dialect)
    if dialect not in provider.dialects:
        known = ", ".join(provider.dialects)
        raise ProfileError(f"{name.upper()}_DIALECT is wrong: {name} speaks {known}, not {dialect}.")
    return Profile(provider, DialectName(dialect))


def checked(data: Mapping[str, Any], where: str) -> Provider:
    """What a file says, if it keeps the rules. Raises `ProfileError`, which names `where`."""
    try:
        return Provider.model_validate(data)
    except ValidationError as error:
        raise ProfileError(f"{where} is wrong: {_sentence(error)}.") from None


def _laid_over(data: dict[str, Any], own: Path) -> dict[str, Any]:
    """The operator's prices, models and limits over ours. Raises `ProfileError`."""
    try:
        overlay = tomllib.loads(own.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{own} cannot be read: {error}.") from None
    if strange := _not_overlaid(overlay):
        raise ProfileError(f"{own} may not set {strange}: only prices, models and limits can be laid over.")
    return _merged(data, overlay)


def _not_overlaid(overlay: Mapping[str, Any]) -> str | None:
    """The first place that is ours to say."""
    for top, dialects in overlay.items():
        if top != "dialects" or not isinstance(dialects, Mapping):
            return top
        for dialect, spoken in entries(dialects).items():
            for table, inner in entries(spoken).items():
                place = f"{dialect}.{table}"
                if table not in ("operations", "models", "durations") or not isinstance(inner, Mapping):
                    return place
                for operation, rules in entries(inner).items() if table == "operations" else ():
                    for key in entries(rules):
                        if key not in _OVERLAID:
                            return f"{place}.{operation}.{key}"
    return None


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(entries(below), entries(value)) if both else value
    return merged


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
