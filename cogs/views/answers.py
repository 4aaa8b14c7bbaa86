"""Answering an interaction: a promise within three seconds, then the answer, for the asker only."""

from __future__ import annotations

from typing import Any

import discord

from bot.failpoints import around


async def defer(interaction: discord.Interaction[Any]) -> None:
    """Tell Discord that an answer follows."""
    with around("discord defer"):
        await interaction.response.defer(ephemeral=True, thinking=True)


async def take(interaction: discord.Interaction[Any]) -> None:
    """Tell Discord that the message whose control was used will change."""
    with around("discord take"):
        await interaction.response.defer()


async def reply(interaction: discord.Interaction[Any], content: str | None = None, **values: Any) -> None:
    """Put the answer in the place of what was promised."""
    with around("discord answer"):
        await interaction.edit_original_response(content=content, **values)
