"""What is not documented does not exist: settings, commands, error codes, tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from discord.ext import commands

from bot.__main__ import _parser
from bot.database.connection import released
from bot.engines.hosted import profile
from bot.errors import Code
from bot.request import EngineName
from bot.settings import GROUPS
from cogs.compat import Compat
from cogs.contest import Contest
from cogs.decks import Decks
from cogs.engines import Engines
from cogs.help import Help
from cogs.jobs import Jobs
from cogs.mashup import Mashup
from cogs.operations import Operations
from cogs.persona import Persona
from cogs.privacy import Privacy
from cogs.quota import Quota
from cogs.settings import Settings

COGS = (Mashup, Compat, Decks, Operations, Jobs, Persona, Engines, Quota, Settings, Privacy, Contest, Help)
ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
HOW = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
SETTINGS = [str(field.alias) for group in GROUPS for field in group.model_fields.values()]
TABLES = [t for _, script in released() for t in re.findall(r"CREATE TABLE (\w+)", script)]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name: str) -> None:
    assert f"`{name}`" in OPERATING


@pytest.mark.parametrize("code", Code)
def test_error_codes(code: Code) -> None:
    assert f"`{code}`" in OPERATING


@pytest.mark.parametrize("table", TABLES)
def test_tables(table: str) -> None:
    assert f"`{table}`" in HOW


def test_terminal_commands() -> None:
    choices = next(a.choices for a in _parser()._actions if a.choices)
    assert {name for name in choices if f"`twodeck {name}" not in OPERATING} == set()


def test_slash_commands() -> None:
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    names = [
        f"{cog.__cog_group_name__} {command.name}" if issubclass(cog, commands.GroupCog) else command.name
        for cog in COGS
        for command in cog.__cog_app_commands__
    ]
    assert "jobs cancel" in names
    assert [name for name in names if f"`/{name}" not in pages] == []


def test_codes_of_hosted_engines() -> None:
    """The tables of docs/engines.md say what the profiles say."""
    page = (ROOT / "docs" / "engines.md").read_text("utf-8")
    engines = (EngineName.KIE, EngineName.SUNOAPI, EngineName.APIBOX)
    spoken = [speech for name in engines for speech in profile.load(name).provider.dialects.values()]
    for found in ([speech.create_codes for speech in spoken], [speech.task_codes for speech in spoken]):
        for code in sorted({code for codes in found for code in codes}):
            row = " | ".join(f"`{codes[code]}`" if code in codes else "–" for codes in found)
            assert f"| {code} | {row} |" in page


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split(r"[<>=]", line)[0] for line in project["dependencies"]]
    reasons = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in reasons] == []
