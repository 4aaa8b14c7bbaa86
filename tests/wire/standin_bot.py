"""A small ordinary discord.py bot that uses every feature the stand-in has to offer."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import discord
from discord import app_commands, ui

from tests.playground import Playground


class AgainButton(ui.DynamicItem[ui.Button[Any]], template=r"again:(?P<job>\w+)"):
    """Its state is in its custom_id, so it needs no memory."""

    def __init__(self, job: str) -> None:
        super().__init__(ui.Button(label="Again", custom_id=f"again:{job}"))
        self.job = job

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> AgainButton:
        return cls(match["job"])

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(TweakModal(self.job))


class TweakModal(ui.Modal, title="Change the mix"):
    note: ui.Label[Any] = ui.Label(text="Note", component=ui.TextInput(max_length=50))
    extra: ui.Label[Any] = ui.Label(text="Extra track", component=ui.FileUpload(min_values=1, max_values=1))

    def __init__(self, job: str) -> None:
        super().__init__(custom_id=f"tweak:{job}")
        self.job = job

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.note.component, ui.TextInput)
        assert isinstance(self.extra.component, ui.FileUpload)
        sent = self.extra.component.values[0]
        size = len(await sent.read())
        text = f"{self.job}: {self.note.component.value}, {sent.filename} of {size} bytes"
        await interaction.response.send_message(text, ephemeral=True)


class SmallBot(discord.Client):
    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(intents=intents or discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)
        self.seen: list[str] = []
        add_commands(self.tree)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(AgainButton)
        await self.tree.sync()

    async def on_resumed(self) -> None:
        self.seen.append("resumed")

    async def on_message(self, message: discord.Message) -> None:
        self.seen.append(f"message {message.content}")


def add_commands(tree: app_commands.CommandTree) -> None:
    tree.command(name="mix", description="Two tracks in, one out")(mix)
    tree.command(name="late", description="Answers when it is too late")(late)
    tree.command(name="kinds", description="One option of each kind")(kinds)
    group = app_commands.Group(name="settings", description="Server settings", guild_only=True)
    group.default_permissions = discord.Permissions(manage_guild=True)
    group.command(name="show", description="Show them")(show)
    tree.add_command(group)


async def mix(
    interaction: discord.Interaction,
    track_a: discord.Attachment,
    track_b: discord.Attachment,
    style: str = "plain",
) -> None:
    await interaction.response.defer(ephemeral=True)
    data = await track_a.read() + await track_b.read()
    await interaction.edit_original_response(content="half way")
    assert isinstance(interaction.channel, discord.TextChannel)
    card = discord.Embed(title="Mix", description=style).set_image(url="attachment://wave.png")
    view = ui.View(timeout=None).add_item(AgainButton("j1"))
    files = [discord.File(io.BytesIO(data), "mix.mp3"), discord.File(io.BytesIO(b"png"), "wave.png")]
    await interaction.channel.send(interaction.user.mention, embed=card, files=files, view=view)
    await interaction.edit_original_response(content="done")
    await interaction.followup.send("and one more thing", ephemeral=True)


async def suggest(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    styles = ("house", "hip hop", "ambient")
    return [app_commands.Choice(name=s, value=s) for s in styles if s.startswith(typed)]


app_commands.autocomplete(style=suggest)(mix)


async def late(interaction: discord.Interaction) -> None:
    client = interaction.client
    assert isinstance(client, SmallBot)
    await asyncio.sleep(0.1)
    try:
        await interaction.response.send_message("too late")
    except discord.NotFound as error:
        client.seen.append(f"code {error.code}")


async def kinds(
    interaction: discord.Interaction,
    text: app_commands.Range[str, 2, 5],
    whole: app_commands.Range[int, 1, 9],
    number: float,
    flag: bool,
    who: discord.Member,
    where: discord.TextChannel,
    role: discord.Role,
) -> None:
    told = f"{text} {whole} {number} {flag} {who.display_name} #{where.name} {role.name}"
    await interaction.response.send_message(told)


async def show(interaction: discord.Interaction) -> None:
    assert isinstance(interaction.user, discord.Member)
    manages = interaction.user.guild_permissions.manage_guild or interaction.permissions.manage_guild
    await interaction.response.send_message(f"manages={manages}", ephemeral=True)


def channel_of(play: Playground, bot: discord.Client, name: str) -> discord.TextChannel:
    channel = bot.get_channel(play.world.channel(name).id)
    assert isinstance(channel, discord.TextChannel)
    return channel
