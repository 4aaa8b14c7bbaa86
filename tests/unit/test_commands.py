"""What Discord is told of the commands: every word in every language, and within Discord's limits."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.app_commands import TranslationContextTypes

from bot.client import COGS, Services, TwodeckBot
from bot.settings import DiscordSettings
from bot.texts import DEFAULT, LOCALES, best, say
from cogs.translator import CommandTranslator, name_id
from tests.catalogues import ids

NAME = re.compile(r"^[-_'\w]{1,32}$")
"""Discord's rule; besides, a name is lower case where its script has cases."""
LONGEST_TEXT, LONGEST_COMMAND = 100, 8000
TRANSLATED = [str(locale) for locale in discord.Locale if best(str(locale)) != DEFAULT]
Payload = dict[str, Any]


class NoParts:
    """There is nothing behind a bot of which only the commands are looked at."""

    async def open(self) -> Services:
        raise NotImplementedError

    def start(self) -> None: ...

    async def close(self) -> None: ...


@functools.cache
def bot() -> TwodeckBot:
    made = TwodeckBot(DiscordSettings.model_validate({"DISCORD_TOKEN": "x"}), NoParts())

    async def load() -> None:
        for cog in set(COGS) - {"cogs.delivery"}:
            await made.load_extension(cog)

    asyncio.run(load())
    return made


@functools.cache
def payloads() -> list[Payload]:
    return asyncio.run(bot().commands_as_synced())


def walk(commands: Any) -> Iterator[app_commands.Command[Any, ..., Any] | app_commands.Group]:
    for command in commands:
        yield command
        yield from walk(command.commands if isinstance(command, app_commands.Group) else [])


def paths() -> list[str]:
    """The whole path of every command and group."""
    return [
        command.qualified_name for command in walk(bot().tree.get_commands(type=discord.AppCommandType.chat_input))
    ]


def told(payload: Payload) -> Iterator[Payload]:
    """Whatever has words of its own: the command, its subcommands, options and choices."""
    yield payload
    for part in (*payload.get("options", ()), *payload.get("choices", ())):
        yield from told(part)


def wordings(part: Payload, what: str) -> dict[str, str]:
    """The words of one thing by language, the default's among them."""
    return {DEFAULT: str(part.get(what, "")), **(part.get(f"{what}_localizations") or {})}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_command_has_a_name_and_nothing_else_has(locale: str) -> None:
    assert {one for one in ids(locale) if one.startswith("name-")} == {name_id(path) for path in paths()}


@pytest.mark.parametrize("locale", LOCALES)
def test_names_are_as_discord_takes_them(locale: str) -> None:
    names = {path: say(locale, name_id(path)) for path in paths()}
    assert {n for n in names.values() if not NAME.fullmatch(n) or n != n.lower()} == set()
    whole = [(path.rpartition(" ")[0], name) for path, name in names.items()]
    assert sorted({one for one in whole if whole.count(one) > 1}) == [], "siblings have one name"
    if locale == DEFAULT:
        assert names == {path: path.rpartition(" ")[2] for path in paths()}


def test_every_word_is_told_in_every_language() -> None:
    """Names of options stay as they are: refusals name them."""
    untold = [
        (payload["name"], part["name"], what, locale)
        for payload in payloads()
        for part in told(payload)
        for what in ("name", "description")
        if part.get(what)
        and (what == "description" or (part.get("type") in (None, 1, 2, 3) and "required" not in part))
        for locale in TRANSLATED
        if isinstance(part.get("value", "words"), str) and locale not in wordings(part, what)
    ]
    assert untold == []


def test_every_word_has_room() -> None:
    too_long = [
        (payload["name"], words)
        for payload in payloads()
        for part in told(payload)
        for what in ("name", "description")
        for words in wordings(part, what).values()
        if len(words) > LONGEST_TEXT
    ]
    assert too_long == []


def test_a_command_has_room_in_its_longest_language() -> None:
    """Discord counts names, descriptions and values of the whole command, of each the longest wording."""
    totals = {payload["name"]: sum(map(size, told(payload))) for payload in payloads()}
    assert {name: total for name, total in totals.items() if total > LONGEST_COMMAND} == {}
    assert max(totals.values()) > 1000, "it counts"


def size(part: Payload) -> int:
    longest = (max(map(len, wordings(part, what).values())) for what in ("name", "description"))
    return sum(longest) + len(str(part.get("value", "")))


class Shouted(CommandTranslator):
    """Other words in one language."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: TranslationContextTypes
    ) -> str | None:
        told = await super().translate(string, locale, context)
        return "other" if locale is discord.Locale.german else told


def test_other_words_make_another_sync() -> None:
    """What is compared with the last sync holds the translations."""

    async def shouted() -> list[Payload]:
        await bot().tree.set_translator(Shouted())
        try:
            return await bot().commands_as_synced()
        finally:
            await bot().tree.set_translator(CommandTranslator())

    after = asyncio.run(shouted())
    assert after != payloads()
    assert asyncio.run(bot().commands_as_synced()) == payloads()
