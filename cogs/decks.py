"""The message menu "Use in a mashup", `/decks` and `/mash`: more ways to hand two tracks over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Code, Refused
from bot.failpoints import around
from bot.jobs.service import Offer
from bot.request import Operation
from cogs.asking import ask, text
from cogs.people import actor_of, place_of
from cogs.sources import Given, listener_of, offer_of
from cogs.views.answers import defer, reply
from cogs.views.controls import admitted
from cogs.views.decks import FORM, DeckButton, mash_form, read_form, show, what_changed
from cogs.views.refusals import sentence

_AUDIO = (".mp3", ".wav", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac")


class Decks(commands.Cog):
    """Every answer is for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot
        self._menu = app_commands.ContextMenu(name=text("menu-use"), callback=self.use)
        self._menu.guild_only = True
        self._menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)

    async def cog_load(self) -> None:
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def use(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Put the audio of a message on the decks."""
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            place = await place_of(interaction, private=True, posting=False)
            offers = await self._audio_of(interaction, message)
            change = await self._bot.services.decks.load(place, str(message.id), offers)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        await show(interaction, place.guild, change.decks, what_changed(change, locale))

    @app_commands.command(name="decks", description=text("command-decks"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def decks(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        try:
            actor = actor_of(interaction)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, str(interaction.locale)))
            return
        held = await self._bot.services.decks.held(actor.guild, actor.member)
        await show(interaction, actor.guild, held, "")

    @app_commands.command(name="mash", description=text("command-mash"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def mash(self, interaction: discord.Interaction) -> None:
        locale = str(interaction.locale)
        try:
            engines = await self._bot.services.jobs.allowed(Operation.MASHUP, actor_of(interaction).guild)
            if not engines:
                raise Refused(Code.OPERATION_NOT_OFFERED, operation=Operation.MASHUP.value)
        except Refused as refused:
            with around("discord answer"):
                await interaction.response.send_message(sentence(refused.refusal, locale), ephemeral=True)
            return
        with around("discord form"):
            await interaction.response.send_modal(mash_form(engines, locale))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A form that was sent: known by its name and not by our memory, so that it outlives a restart."""
        data: Mapping[str, Any] = interaction.data or {}
        if interaction.type is not discord.InteractionType.modal_submit or data.get("custom_id") != FORM:
            return
        if not await admitted(interaction):
            return
        files, options = read_form(data)
        first, second = (*files, None, None)[:2]
        sides = (Given("track_a", "from_a", first, None), Given("track_b", "from_b", second, None))
        await ask(self._bot, interaction, Operation.MASHUP, sides, options, private=None)

    async def _audio_of(self, interaction: discord.Interaction, message: discord.Message) -> tuple[Offer, ...]:
        """The audio of a message; of one of ours the result that it brought, from our store. Raises `Refused`."""
        ours = self._bot.user is not None and message.author.id == self._bot.user.id
        if ours:
            return (await self._bot.services.reach.of_message(listener_of(interaction), str(message.id)),)
        return tuple(offer_of(file) for file in message.attachments if _is_audio(file))


def _is_audio(file: discord.Attachment) -> bool:
    """By what it calls itself; what it is, is found out when it is fetched."""
    return (file.content_type or "").startswith("audio/") or file.filename.lower().endswith(_AUDIO)


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Decks(bot))
    bot.add_dynamic_items(DeckButton)
