"""The words of commands in every language, as Discord is told of them when commands are synced."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import TranslationContextTypes, locale_str

from bot.client import TwodeckBot
from bot.texts import DEFAULT, best, say


class CommandTranslator(app_commands.Translator):
    """Answers discord.py's questions from the catalogues."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: TranslationContextTypes
    ) -> str | None:
        """None where the default language stands. What names no message is the name of a command."""
        language = best(str(locale))
        if language == DEFAULT:
            return None
        message = string.extras.get("message")
        named: object = context.data
        if message is None and isinstance(named, app_commands.Command | app_commands.Group):
            message = name_id(named.qualified_name)
        return None if message is None else say(language, message)


def name_id(path: str) -> str:
    """The id of a command's name, by its whole path such as `contest create`."""
    return f"name-{path.replace(' ', '-')}"


async def setup(bot: TwodeckBot) -> None:
    await bot.tree.set_translator(CommandTranslator())
