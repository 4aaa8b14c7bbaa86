"""Channels, threads, permissions, boosts and the bot's membership in the stand-in, with Discord's error codes."""

from __future__ import annotations

import io

import discord
import pytest

from bot.playground.errors import MemberError
from bot.playground.permissions import NOTHING, Permission
from bot.playground.world import Role
from tests.playground import Playground
from tests.wire.standin_bot import SmallBot, channel_of


async def test_a_thread_is_made_and_written_in(play: Playground, bot: SmallBot) -> None:
    lounge = channel_of(play, bot, "lounge")
    thread = await lounge.create_thread(name="Contest 1", type=discord.ChannelType.public_thread)
    message = await thread.send("entry")
    assert play.messages("Contest 1")[0].id == message.id
    assert thread.parent_id == lounge.id
    await play.wait_for(lambda: bot.get_channel(thread.id))
    act = await play.slash("sam", "Contest 1", "settings show")
    await act.says("manages=True")


async def test_a_thread_hangs_on_a_message_once(play: Playground, bot: SmallBot) -> None:
    message = await channel_of(play, bot, "lounge").send("the poll")
    thread = await message.create_thread(name="Talk")
    assert thread.id == message.id
    with pytest.raises(discord.HTTPException) as again:
        await message.create_thread(name="Talk again")
    assert again.value.code == 160004


async def test_threads_have_permissions_of_their_own(play: Playground, bot: SmallBot) -> None:
    lounge = channel_of(play, bot, "lounge")
    thread = await lounge.create_thread(name="Contest", type=discord.ChannelType.public_thread)
    play.knobs.remove_permission("Contest", Permission.SEND_MESSAGES_IN_THREADS)
    with pytest.raises(discord.Forbidden) as refused:
        await thread.send("entry")
    assert refused.value.code == 50013
    await lounge.send("the channel itself is open")
    play.knobs.remove_permission("lounge", Permission.CREATE_PUBLIC_THREADS)
    with pytest.raises(discord.Forbidden):
        await lounge.create_thread(name="No", type=discord.ChannelType.public_thread)


async def test_a_locked_thread_takes_nothing_more(play: Playground, bot: SmallBot) -> None:
    lounge = channel_of(play, bot, "lounge")
    thread = await lounge.create_thread(name="Closed", type=discord.ChannelType.public_thread)
    await thread.edit(archived=True)
    await thread.send("writing opens it again")
    with pytest.raises(discord.Forbidden):
        await thread.edit(locked=True)
    play.world.channel("Closed").locked = True
    with pytest.raises(discord.HTTPException) as refused:
        await thread.send("too late")
    assert refused.value.code == 50083


async def test_a_deleted_channel_takes_its_messages_and_threads_along(play: Playground, bot: SmallBot) -> None:
    lounge = channel_of(play, bot, "lounge")
    message = await lounge.send("soon gone")
    thread = await lounge.create_thread(name="Too", type=discord.ChannelType.public_thread)
    play.knobs.delete_channel("lounge")
    await play.wait_for(lambda: bot.get_channel(lounge.id) is None and bot.get_channel(thread.id) is None)
    for attempt in (
        lounge.send("x"),
        message.edit(content="x"),
        thread.send("x"),
        lounge.fetch_message(message.id),
    ):
        with pytest.raises(discord.NotFound) as gone:
            await attempt
        assert gone.value.code == 10003


async def test_answers_in_a_deleted_channel_are_refused(play: Playground, bot: SmallBot) -> None:
    act = await (await play.slash("sam", "lounge", "settings show")).answered()
    webhook = discord.Webhook.partial(play.world.application_id, act.interaction.token, client=bot)
    play.knobs.delete_channel("lounge")
    with pytest.raises(discord.NotFound) as gone:
        await webhook.send("more")
    assert gone.value.code == 10003
    with pytest.raises(discord.NotFound) as gone:
        await webhook.edit_message(act.original.id if act.original else 0, content="more")
    assert gone.value.code == 10008


async def test_a_taken_permission_is_told_and_enforced(play: Playground, bot: SmallBot) -> None:
    lounge = channel_of(play, bot, "lounge")
    play.knobs.remove_permission("lounge", Permission.ATTACH_FILES)
    await play.wait_for(lambda: not lounge.permissions_for(lounge.guild.me).attach_files)
    with pytest.raises(discord.Forbidden) as refused:
        await lounge.send(file=discord.File(io.BytesIO(b"x"), "x.mp3"))
    assert refused.value.code == 50013
    await lounge.send("words still go")
    play.knobs.remove_permission("lounge", Permission.VIEW_CHANNEL)
    with pytest.raises(discord.Forbidden) as hidden:
        await lounge.send("words")
    assert hidden.value.code == 50001
    play.knobs.restore_permissions()
    await lounge.send(file=discord.File(io.BytesIO(b"x"), "x.mp3"))


async def test_a_nonce_of_a_deleted_message_is_answered_404(play: Playground, bot: SmallBot) -> None:
    lounge = channel_of(play, bot, "lounge")
    first = await lounge.send("once", nonce="job-1")
    play.knobs.delete_message(play.world.messages[first.id])
    with pytest.raises(discord.NotFound) as gone:
        await lounge.send("twice", nonce="job-1")
    assert gone.value.code == 10008
    play.knobs.nonce_window(0)
    play.world.clock.advance(0.01)
    assert (await lounge.send("twice", nonce="job-1")).id != first.id


async def test_a_boost_raises_the_upload_limit(play: Playground, bot: SmallBot) -> None:
    club = bot.guilds[0]
    assert club.filesize_limit == 10 << 20
    big = bytes((10 << 20) + 1)
    with pytest.raises(discord.HTTPException) as refused:
        await channel_of(play, bot, "lounge").send(file=discord.File(io.BytesIO(big), "x.mp3"))
    assert refused.value.code == 40005
    play.knobs.boost(2)
    await play.wait_for(lambda: club.filesize_limit == 50 << 20)
    await channel_of(play, bot, "lounge").send(file=discord.File(io.BytesIO(big), "x.mp3"))


async def test_a_removed_bot_is_told_and_finds_every_door_closed(play: Playground, bot: SmallBot) -> None:
    act = await (await play.slash("sam", "lounge", "settings show")).answered()
    lounge = channel_of(play, bot, "lounge")
    play.knobs.remove_bot()
    await play.wait_for(lambda: not bot.guilds)
    with pytest.raises(discord.Forbidden) as refused:
        await lounge.send("hello?")
    assert refused.value.code == 50001
    with pytest.raises(discord.NotFound) as gone:
        await bot.fetch_guild(play.world.guild.id)
    assert gone.value.code == 10004
    with pytest.raises(discord.NotFound) as unknown:
        await discord.Webhook.partial(play.world.application_id, act.interaction.token, client=bot).send("x")
    assert unknown.value.code == 10015
    assert [g async for g in bot.fetch_guilds()] == []
    with pytest.raises(MemberError, match="Sam may not use"):
        await play.slash("sam", "lounge", "settings show")
    play.knobs.invite_bot()
    await play.wait_for(lambda: bot.guilds)
    await lounge.send("back")


async def test_a_role_is_mentioned_where_the_bot_wants_it_and_the_server_lets_it(
    play: Playground, bot: SmallBot
) -> None:
    world, lounge = play.world, channel_of(play, bot, "lounge")
    open_role, closed = Role(world.new_id(), "Voters", NOTHING, 1, mentionable=True), world.new_id()
    world.guild.roles |= {open_role.id: open_role, closed: Role(closed, "Quiet", NOTHING, 1)}
    both = [discord.Object(open_role.id), discord.Object(closed)]
    said = f"<@&{open_role.id}> <@&{closed}>"
    sent = await lounge.send(said, allowed_mentions=discord.AllowedMentions(roles=both))
    assert sent.raw_role_mentions == [open_role.id, closed]
    assert world.messages[sent.id].mention_role_ids == [open_role.id]
    silent = await lounge.send(said, allowed_mentions=discord.AllowedMentions.none())
    assert world.messages[silent.id].mention_role_ids == []
