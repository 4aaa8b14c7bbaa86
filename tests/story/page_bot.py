"""The small bot of the wire tests with what else a page must show: selects and context menus."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands, ui

from tests.wire.standin_bot import SmallBot

STYLES = [
    discord.SelectOption(label=label, description=f"{label} drums") for label in ("House", "Techno", "Garage")
]


class PageBot(SmallBot):
    def __init__(self) -> None:
        super().__init__()
        self.tree.command(name="choose", description="Offers two selects")(choose)
        self.tree.add_command(app_commands.ContextMenu(name="Mash this", callback=mash_this))
        self.tree.add_command(app_commands.ContextMenu(name="Say hello", callback=say_hello))


class Selects(ui.View):
    @ui.select(placeholder="One style", options=STYLES)
    async def one(self, interaction: discord.Interaction, chosen: ui.Select[Any]) -> None:
        await interaction.response.send_message(f"one: {chosen.values[0]}")

    @ui.select(placeholder="Several styles", options=STYLES, max_values=3)
    async def several(self, interaction: discord.Interaction, chosen: ui.Select[Any]) -> None:
        await interaction.response.send_message(f"several: {', '.join(chosen.values)}")


async def choose(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("Choose.", view=Selects(timeout=None))


async def mash_this(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"mashing “{message.content}”", ephemeral=True)


async def say_hello(interaction: discord.Interaction, member: discord.Member) -> None:
    await interaction.response.send_message(f"Hello {member.display_name}!")
