"""Reads every group of settings for itself, so that one mistake does not hide the others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from bot.doctor.finding import Finding, error, ok, warning
from bot.request import EngineName
from bot.settings import (
    GROUPS,
    ApiboxSettings,
    HostedSettings,
    KieSettings,
    LocalSettings,
    SettingsError,
    SunoapiSettings,
    read,
)

CHECK = "settings"
ACCOUNTS: Mapping[EngineName, type[HostedSettings]] = {
    EngineName.KIE: KieSettings,
    EngineName.SUNOAPI: SunoapiSettings,
    EngineName.APIBOX: ApiboxSettings,
}
Group = TypeVar("Group", bound=BaseSettings)
_KNOWN = frozenset(str(field.alias) for group in GROUPS for field in group.model_fields.values())
_OURS = ("TWODECK_", "DISCORD_", "LOCAL_", "KIE_", "SUNOAPI_", "APIBOX_")
_SET_IT = "Set it in the environment or the env file as docs/operating.md describes it."
_NAME = re.compile(r"^\s*(?:export\s+)?([A-Za-z0-9_]+)\s*=", re.MULTILINE)


class Given:
    """The groups that could be read."""

    def __init__(self, groups: Mapping[type[BaseSettings], BaseSettings]) -> None:
        self._groups = groups

    def get(self, group: type[Group]) -> Group | None:
        """None where something in it is wrong."""
        found = self._groups.get(group)
        return found if isinstance(found, group) else None

    @property
    def accounts(self) -> dict[EngineName, HostedSettings]:
        """Accounts at music providers, with or without a key."""
        found = {name: self.get(group) for name, group in ACCOUNTS.items()}
        return {name: account for name, account in found.items() if account is not None}

    @property
    def keyed(self) -> dict[EngineName, HostedSettings]:
        """Those whose key is set."""
        return {name: account for name, account in self.accounts.items() if account.api_key.get_secret_value()}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Whatever must not be printed, the longest first."""
        values = (value for group in self._groups.values() for _, value in group)
        found = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
        return tuple(sorted(found - {""}, key=len, reverse=True))


def examine(env_file: Path | None) -> tuple[Given, list[Finding]]:
    """What is set, and a line for each mistake; one line says that there is none."""
    groups: dict[type[BaseSettings], BaseSettings] = {}
    findings: list[Finding] = []
    for group in GROUPS:
        try:
            groups[group] = read(group, env_file)
        except SettingsError as problem:
            findings.append(error(CHECK, str(problem), _SET_IT))
    given = Given(groups)
    findings += [*_no_engine(given), *_strange(os.environ, env_file), *_readable(given, env_file)]
    where = str(env_file) if env_file else "the environment"
    return given, findings or [ok(CHECK, f"Everything set in {where} is well formed.")]


def _no_engine(given: Given) -> Iterator[Finding]:
    local = given.get(LocalSettings)
    if local is not None and not local.enabled and len(given.accounts) == len(ACCOUNTS) and not given.keyed:
        seen = "No engine is set up: LOCAL_ENABLED is false, and no hosted engine has a key."
        yield error(CHECK, seen, "Take LOCAL_ENABLED out, or set the key of a hosted engine.")


def _strange(environment: Mapping[str, Any], env_file: Path | None) -> Iterator[Finding]:
    """Names that look like ours: a setting with a slip in its name has no effect, and nobody says so."""
    written = _NAME.findall(env_file.read_text("utf-8", "replace")) if env_file else []
    found = {*_unknown(written, _OURS), *_unknown(environment, _OURS[:1])}
    for name in sorted(found):
        fix = "Correct the name as docs/operating.md has it, or take it out."
        yield warning(CHECK, f"{name} is no setting of this version and has no effect.", fix)


def _unknown(names: Iterable[str], prefixes: tuple[str, ...]) -> list[str]:
    return [name for name in names if name.upper().startswith(prefixes) and name.upper() not in _KNOWN]


def _readable(given: Given, env_file: Path | None) -> Iterator[Finding]:
    if env_file and given.secrets and env_file.stat().st_mode & 0o004:
        yield warning(
            CHECK,
            f"Every user of this machine can read {env_file}, which holds secrets.",
            f"Give it to the bot's user alone: chmod 600 {env_file}.",
        )
