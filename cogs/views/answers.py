"""Answering an interaction: a promise within three seconds, then the answer, for the asker only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord

from bot.errors import Refused
from bot.failpoints import around
from bot.guilds.moderation import Actor
from cogs.people import actor_of
from cogs.views.refusals import sentence

Answer = Callable[[Actor, str], Awaitable[Mapping[str, Any]]]
"""What a command makes of who asks, and of their language: the values of a reply."""


async def defer(interaction: discord.Interaction[Any]) -> None:
    """Tell Discord that an answer follows."""
    with around("discord defer"):
        await interaction.response.defer(ephemeral=True, thinking=True)


async def take(interaction: discord.Interaction[Any]) -> None:
    """Tell Discord that the message whose control was used will change."""
    with around("discord take"):
        await interaction.response.defer()


async def put_away(interaction: discord.Interaction[Any], content: str) -> None:
    """Let words take the place of a card and its controls at once, so that none is used twice."""
    with around("discord put away"):
        await interaction.response.edit_message(content=content, embed=None, view=None)


async def reply(interaction: discord.Interaction[Any], content: str | None = None, **values: Any) -> None:
    """Put the answer in the place of what was promised."""
    with around("discord answer"):
        await interaction.edit_original_response(content=content, **values)


async def answered(interaction: discord.Interaction[Any], answer: Answer) -> None:
    """Defer, then say what `answer` makes of it, or why not."""
    await defer(interaction)
    await reply(interaction, **await outcome(interaction, answer))


async def outcome(interaction: discord.Interaction[Any], answer: Answer) -> Mapping[str, Any]:
    """What `answer` makes of it, or why not, as the values of a reply."""
    locale = str(interaction.locale)
    try:
        return await answer(actor_of(interaction), locale)
    except Refused as refused:
        return {"content": sentence(refused.refusal, locale)}
