"""The stand-in's REST rules and gateway: permissions, limits, nonces, history, tokens, lost connections."""

from __future__ import annotations

import io

import discord
import pytest
from discord.http import Route

from bot.playground.world import MEBIBYTE
from tests.playground import Playground
from tests.wire.standin_bot import SmallBot, channel_of

TRACK = ("a.mp3", b"audio")


async def test_login_needs_the_token(play: Playground) -> None:
    client = SmallBot()
    with pytest.raises(discord.LoginFailure):
        await client.login("wrong")
    await client.close()
    assert play.history[0].status == 401


async def test_commands_keep_their_ids_when_they_are_synced_again(play: Playground, bot: SmallBot) -> None:
    first = {command.name: command.id for command in await bot.tree.fetch_commands()}
    await bot.tree.sync()
    assert {command.name: command.id for command in await bot.tree.fetch_commands()} == first
    assert set(first) == {"mix", "late", "kinds", "settings"}


async def test_the_bot_knows_its_place(play: Playground, bot: SmallBot) -> None:
    club = bot.guilds[0]
    assert club.name == "Remix Club"
    assert club.me.id == play.world.bot.id
    mashups, silent = channel_of(play, bot, "mashups"), channel_of(play, bot, "read-only")
    assert mashups.permissions_for(club.me).send_messages
    assert not silent.permissions_for(club.me).send_messages
    assert (await bot.fetch_guild(club.id)).owner_id == play.world.owner.id
    assert (await club.fetch_member(play.world.noor.id)).display_name == "Noor"


async def test_posting_where_the_bot_may_not_is_refused(play: Playground, bot: SmallBot) -> None:
    with pytest.raises(discord.Forbidden) as refused:
        await channel_of(play, bot, "read-only").send("hello")
    assert refused.value.code == 50013
    with pytest.raises(discord.NotFound) as gone:
        await bot.fetch_channel(1)
    assert gone.value.code == 10003


async def test_history_comes_newest_first_in_pages(play: Playground, bot: SmallBot) -> None:
    channel = channel_of(play, bot, "lounge")
    sent = [await channel.send(f"number {n}") for n in range(6)]
    assert [m.content async for m in channel.history(limit=2)] == ["number 5", "number 4"]
    assert [m.content async for m in channel.history(before=sent[2])] == ["number 1", "number 0"]
    assert [m.content async for m in channel.history(after=sent[4])] == ["number 5"]
    around = [m.content async for m in channel.history(limit=3, around=sent[3])]
    assert sorted(around) == ["number 2", "number 3", "number 4"]


async def test_history_is_empty_without_its_permission(play: Playground, bot: SmallBot) -> None:
    channel = channel_of(play, bot, "no-history")
    message = await channel.send("posted and forgotten")
    assert [m async for m in channel.history()] == []
    with pytest.raises(discord.Forbidden):
        await channel.fetch_message(message.id)


async def test_a_repeated_nonce_returns_the_first_message_for_two_minutes(play: Playground, bot: SmallBot) -> None:
    channel = channel_of(play, bot, "lounge")
    first = await channel.send("once", nonce="job-1")
    assert (await channel.send("twice", nonce="job-1")).id == first.id
    play.world.clock.advance(121)
    assert (await channel.send("later", nonce="job-1")).id != first.id


async def test_editing_keeps_only_the_files_that_are_listed(play: Playground, bot: SmallBot) -> None:
    channel = channel_of(play, bot, "lounge")
    files = [discord.File(io.BytesIO(b"1"), "one.mp3"), discord.File(io.BytesIO(b"2"), "two.mp3")]
    message = await channel.send("files", files=files)
    message = await message.edit(content="still two")
    assert [a.filename for a in message.attachments] == ["one.mp3", "two.mp3"]
    added = discord.File(io.BytesIO(b"3"), "three.mp3")
    message = await message.edit(attachments=[message.attachments[1], added])
    assert [a.filename for a in message.attachments] == ["two.mp3", "three.mp3"]
    assert await message.attachments[1].read() == b"3"
    await message.delete()
    with pytest.raises(discord.NotFound) as gone:
        await channel.fetch_message(message.id)
    assert gone.value.code == 10008


async def test_an_edit_that_is_repeated_shows_its_picture_once(play: Playground, bot: SmallBot) -> None:
    """As the library does it where an edit was applied and its answer lost."""
    channel = channel_of(play, bot, "lounge")
    message = await channel.send("a picture follows")
    embed = discord.Embed(title="Picture").set_image(url="attachment://wave.png")
    for _ in range(2):
        message = await message.edit(embed=embed, attachments=[discord.File(io.BytesIO(b"png"), "wave.png")])
    shown = play.world.messages[message.id]
    assert ([one.filename for one in shown.embedded], shown.attachments) == (["wave.png"], [])
    message = await message.edit(embeds=message.embeds)
    assert len(play.world.messages[message.id].embedded) == 1
    await message.edit(embeds=[])
    assert play.world.messages[message.id].embedded == []


async def test_files_over_the_guilds_limit_are_refused(play: Playground, bot: SmallBot) -> None:
    play.world.guild.upload_limit = MEBIBYTE
    channel = channel_of(play, bot, "lounge")
    await channel.send(file=discord.File(io.BytesIO(bytes(MEBIBYTE)), "fits.mp3"))
    with pytest.raises(discord.HTTPException) as refused:
        await channel.send(file=discord.File(io.BytesIO(bytes(MEBIBYTE + 1)), "too-big.mp3"))
    assert (refused.value.status, refused.value.code) == (413, 40005)


@pytest.mark.refused_on_purpose
@pytest.mark.parametrize(
    ("content", "embed", "path"),
    [
        ("x" * 2001, None, "content"),
        ("", discord.Embed(title="t" * 257), "embeds.0.title"),
        ("", discord.Embed(description="d" * 4097), "embeds.0.description"),
        ("", discord.Embed().add_field(name="n", value="v" * 1025), "embeds.0.fields.0.value"),
        ("", discord.Embed(description="d" * 4096).set_footer(text="f" * 2000), "embeds"),
    ],
)
async def test_bodies_over_a_limit_are_refused_by_name(
    play: Playground, bot: SmallBot, content: str, embed: discord.Embed | None, path: str
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await channel_of(play, bot, "lounge").send(content, embed=embed or discord.utils.MISSING)
    assert refused.value.code == 50035
    assert f"In {path}:" in str(refused.value)


async def test_an_interaction_is_answered_once_and_its_token_lives_for_fifteen_minutes(
    play: Playground, bot: SmallBot
) -> None:
    act = await play.slash("sam", "lounge", "settings show")
    await act.answered()
    token, number = act.interaction.token, act.interaction.id
    route = Route("POST", "/interactions/{number}/{token}/callback", number=number, token=token)
    with pytest.raises(discord.HTTPException) as again:
        await bot.http.request(route, json={"type": 5})
    assert again.value.code == 40060
    webhook = discord.Webhook.partial(play.world.application_id, token, client=bot)
    await webhook.edit_message(act.interaction.original.id if act.interaction.original else 0, content="new")
    play.world.clock.advance(15 * 60 + 1)
    with pytest.raises(discord.HTTPException) as expired:
        await webhook.send("too late")
    assert (expired.value.status, expired.value.code) == (401, 50027)


async def test_attachment_addresses_can_be_renewed(play: Playground, bot: SmallBot) -> None:
    message = await channel_of(play, bot, "lounge").send(file=discord.File(io.BytesIO(b"x"), "x.mp3"))
    old = message.attachments[0].url
    play.world.clock.advance(25 * 3600)
    route = Route("POST", "/attachments/refresh-urls")
    answer = await bot.http.request(route, json={"attachment_urls": [old]})
    assert await bot.http.get_from_cdn(answer["refreshed_urls"][0]["refreshed"]) == b"x"


@pytest.mark.refused_on_purpose
async def test_an_unknown_route_is_refused_and_remembered(play: Playground, bot: SmallBot) -> None:
    with pytest.raises(discord.NotFound):
        await bot.http.request(Route("GET", "/guilds/1/widgets"))
    assert play.history[-1].status == 404


async def test_a_dropped_gateway_is_resumed_and_missed_events_arrive(play: Playground, bot: SmallBot) -> None:
    identified = play.standin.gateway.identified
    await play.standin.gateway.drop()
    await play.wait_for(lambda: play.standin.gateway.resumed == 1 and "resumed" in bot.seen)
    assert play.standin.gateway.identified == identified
    await (await play.slash("sam", "lounge", "settings show")).says("manages=True")


async def test_asked_to_reconnect_the_bot_resumes(play: Playground, bot: SmallBot) -> None:
    await play.standin.gateway.ask_to_reconnect()
    await play.wait_for(lambda: play.standin.gateway.resumed == 1)


async def test_message_events_are_for_bots_that_asked_for_them(play: Playground) -> None:
    bot = SmallBot(discord.Intents(guilds=True, guild_messages=True))
    await play.connect(bot)
    await channel_of(play, bot, "lounge").send("heard")
    await play.wait_for(lambda: "message heard" in bot.seen)


async def test_permissions_of_the_place_come_with_each_interaction(play: Playground, bot: SmallBot) -> None:
    await (await play.slash("sam", "read-only", "settings show")).says("manages=True")
    seen = play.standin.members
    assert [c["name"] for c in seen.commands_for(play.world.mika, play.world.channel("lounge").id)] == [
        "mix",
        "late",
        "kinds",
    ]
