"""`/settings`: one card with everything that a server chose, and the controls that change it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Code, Refusal, Refused
from bot.guilds.guild import GuildSettings
from bot.guilds.moderation import Actor, must_moderate
from bot.texts import say
from cogs.asking import text
from cogs.people import actor_of, bot_of
from cogs.views.answers import defer, open_form, refuse, reply, take
from cogs.views.controls import Admitted, Typed, hear
from cogs.views.refusals import sentence
from cogs.views.settings import (
    DEFAULT,
    FIELDS,
    FORMS,
    LISTS,
    PAGES,
    SENT,
    Offers,
    settings_card,
    settings_controls,
    settings_form,
)
from cogs.views.welcome import welcome_card


class Settings(commands.Cog):
    """The command; every answer is for the moderator's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="settings", description=text("command-settings"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def settings(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            _, settings = await _moderator(self._bot, interaction)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        await _show(self._bot, interaction, PAGES[0], settings, say(locale, "settings-hint"), welcomes=True)


async def _sent(interaction: discord.Interaction[Any], page: str, typed: Typed) -> None:
    """A form of the card came in."""
    await take(interaction)
    changes: dict[str, Any] = {**typed}
    if page == "zone":
        changes["zone"] = changes.get("zone") or GuildSettings().zone
    known = page in FORMS and set(changes) == set(FORMS[page])
    await _change(bot_of(interaction), interaction, page if known else "", changes)


class Control(
    Admitted,
    discord.ui.DynamicItem[discord.ui.Item[Any]],
    template=r"settings:(?P<act>page|set|form|clear)(:(?P<name>[a-z_]{1,40}))?",
):
    """Any control of the card. Its name says what it changes; who may, is looked up when it is used."""

    def __init__(self, item: discord.ui.Item[Any], act: str, name: str) -> None:
        super().__init__(item)
        self.act = act
        self.name = name

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Control:
        return cls(item, match["act"], match["name"] or "")

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        bot = bot_of(interaction)
        data: Mapping[str, Any] = interaction.data or {}
        picked: list[Any] = data.get("values") or []
        values = [str(value) for value in picked]
        match self.act:
            case "page":
                await take(interaction)
                await _turn(bot, interaction, values[0] if values else "")
            case "form":
                await _open(bot, interaction, self.name)
            case _:
                await take(interaction)
                chosen = values if self.act == "set" else []
                known = self.name if self.name in FIELDS else ""
                page = "limits" if known == "period" else known
                await _change(bot, interaction, page, {self.name: _meant(self.name, chosen)})


async def _turn(bot: TwodeckBot, interaction: discord.Interaction[Any], page: str) -> None:
    """Open another page of the card."""
    try:
        _, settings = await _moderator(bot, interaction)
        _must_know(page)
    except Refused as refused:
        await reply(interaction, sentence(refused.refusal, str(interaction.locale)))
        return
    await _show(bot, interaction, page, settings, say(str(interaction.locale), "settings-hint"))


async def _open(bot: TwodeckBot, interaction: discord.Interaction[Any], page: str) -> None:
    """Open the form of a page; that has to be the first answer."""
    locale = str(interaction.locale)
    try:
        _, settings = await _moderator(bot, interaction)
        _must_know(page, among=tuple(FORMS))
    except Refused as refused:
        await refuse(interaction, refused.refusal)
        return
    await open_form(interaction, settings_form(page, settings, locale))


async def _change(
    bot: TwodeckBot, interaction: discord.Interaction[Any], page: str, changes: Mapping[str, Any]
) -> None:
    """Change what was chosen, and show the card as it is then, with why not where it was refused."""
    locale = str(interaction.locale)
    try:
        actor, settings = await _moderator(bot, interaction)
        _must_know(page)
    except Refused as refused:
        await reply(interaction, sentence(refused.refusal, locale))
        return
    try:
        _must_offer(bot, settings, changes)
        settings = await bot.services.guilds.change(actor, **changes)
        words = say(locale, "settings-saved")
    except Refused as refused:
        words = sentence(_labelled(refused.refusal, locale), locale)
    await _show(bot, interaction, page, settings, words)


async def _show(
    bot: TwodeckBot,
    interaction: discord.Interaction[Any],
    page: str,
    settings: GuildSettings,
    words: str,
    *,
    welcomes: bool = False,
) -> None:
    """The card and its controls; the first time on a server, with what a new one should know."""
    locale = str(interaction.locale)
    embeds = [settings_card(settings, locale)]
    if welcomes and await bot.services.guilds.welcome_due(actor_of(interaction)):
        embeds.append(welcome_card(locale))
    await reply(interaction, words, embeds=embeds, view=settings_controls(page, settings, _offers(bot), locale))


async def _moderator(bot: TwodeckBot, interaction: discord.Interaction[Any]) -> tuple[Actor, GuildSettings]:
    """Who acts, if they moderate right now, and what holds. Raises `Refused`."""
    actor = actor_of(interaction)
    settings = await bot.services.guilds.settings(actor.guild)
    must_moderate(settings, actor)
    return actor, settings


def _must_know(page: str, among: tuple[str, ...] = PAGES) -> None:
    """Raises `Refused` for a control that no card has, or has any more."""
    if page not in among:
        raise Refused(Code.CONTROL_GONE)


def _must_offer(bot: TwodeckBot, settings: GuildSettings, changes: Mapping[str, Any]) -> None:
    """Raises `Refused` for an engine or a model that this bot has not."""
    offers = _offers(bot)
    known = {
        "engines": {*offers.engines, *settings.engines},
        "models": {*offers.models, *settings.models},
        "default_engine": {*offers.engines, None},
    }
    for field, there in known.items():
        if field not in changes:
            continue
        given = changes[field] if field in LISTS else (changes[field],)
        for value in given:
            if value not in there:
                choices = ", ".join(sorted(one for one in there if one)) or "-"
                raise Refused(Code.UNKNOWN_CHOICE, field=field, value=str(value)[:60], choices=choices)


def _offers(bot: TwodeckBot) -> Offers:
    jobs = bot.services.jobs
    return Offers(tuple(jobs.choice.engines), jobs.choice.every_model())


def _meant(field: str, values: list[str]) -> Any:
    """The value of a field that was chosen by these words."""
    if field in LISTS:
        return frozenset(values)
    first = values[0] if values else None
    if field == "private":
        return first == "true"
    return None if first == DEFAULT else first


def _labelled(refusal: Refusal, locale: str) -> Refusal:
    """A refusal that names a field as the card does."""
    field = refusal.values.get("field")
    if field is None:
        return refusal
    return Refusal(refusal.code, {**refusal.values, "field": say(locale, f"setting-{field}")})


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Settings(bot))
    bot.add_dynamic_items(Control)
    hear(bot, SENT, _sent)
