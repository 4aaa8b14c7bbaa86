"""Direct messages in the stand-in: opened by the bot, written in by both sides, closed by a member, private."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
import pytest_asyncio
from discord.http import Route

from bot.playground.errors import MemberError
from bot.playground.limits import DISCORD
from tests.playground import Playground
from tests.wire.standin_bot import AgainButton, SmallBot, channel_of


@pytest_asyncio.fixture
async def direct(play: Playground, bot: SmallBot) -> discord.DMChannel:
    return await bot.create_dm(discord.Object(play.world.mika.id))


@pytest_asyncio.fixture
async def page(play: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(play.standin.url) as session:
        yield session


async def ask(page: aiohttp.ClientSession, path: str, user: str, channel: int | None = None) -> Any:
    where = {} if channel is None else {"channel": str(channel)}
    async with page.get(f"/page/{path}", params={"user": user, **where}) as answer:
        return await answer.json()


async def act(page: aiohttp.ClientSession, path: str, **body: Any) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("request", json.dumps(body), filename="request")
    async with page.post(f"/page/{path}", data=form) as answer:
        return await answer.json()


def track(data: bytes = b"audio") -> discord.File:
    return discord.File(io.BytesIO(data), "mashup.mp3")


# ---- the bot's side


async def test_direct_messages_are_opened_once_for_each_member(play: Playground, bot: SmallBot) -> None:
    assert play.messages("@mika") == []
    opened = [await bot.http.start_private_message(user.id) for user in (play.world.mika, play.world.noor)]
    again = await bot.http.start_private_message(play.world.mika.id)
    assert again["id"] == opened[0]["id"] != opened[1]["id"]
    assert [one["recipients"][0]["username"] for one in opened] == ["mika", "noor"]
    fetched = await bot.fetch_channel(int(again["id"]))
    assert isinstance(fetched, discord.DMChannel)
    assert fetched.recipient == await bot.fetch_user(play.world.mika.id)


async def test_nobody_else_can_be_written_to(play: Playground, bot: SmallBot) -> None:
    for recipient, status, code in ((play.world.bot.id, 400, 50007), (1, 400, 50033)):
        with pytest.raises(discord.HTTPException) as refused:
            await bot.create_dm(discord.Object(recipient))
        assert (refused.value.status, refused.value.code) == (status, code)
    with pytest.raises(discord.HTTPException) as nobody:
        await bot.http.request(Route("POST", "/users/@me/channels"), json={})
    assert nobody.value.code == 50035
    with pytest.raises(discord.NotFound) as unopened:
        await bot.http.send_typing(play.world.mika.id + 1)
    assert unopened.value.code == 10003
    assert play.world.directs == {}


async def test_a_repeated_nonce_gives_the_first_direct_message_with_its_file(
    play: Playground, bot: SmallBot, direct: discord.DMChannel
) -> None:
    card = discord.Embed(title="Night Drive x Paper Lanterns")
    first = await direct.send("Your mashup", embed=card, file=track(), nonce="job-1")
    again = await direct.send("Your mashup", file=track(b"other"), nonce="job-1")
    elsewhere = await channel_of(play, bot, "lounge").send("Your mashup", nonce="job-1")
    assert again.id == first.id != elsewhere.id
    [kept] = play.messages("@mika")
    assert (kept.content, kept.embeds[0]["title"]) == ("Your mashup", card.title)
    assert play.read(kept.attachments[0]) == b"audio"


async def test_the_bot_edits_deletes_and_finds_its_direct_messages(
    play: Playground, bot: SmallBot, direct: discord.DMChannel
) -> None:
    sent = [await direct.send(f"number {n}", file=track()) for n in range(3)]
    edited = await sent[1].edit(content="better", attachments=[])
    assert (edited.content, edited.attachments) == ("better", [])
    answered = {"message_id": str(sent[1].id), "channel_id": str(direct.id)}
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=direct.id)
    reply = await bot.http.request(route, json={"content": "see above", "message_reference": answered})
    assert reply["message_reference"] == {"type": 0, **answered}
    await sent[0].delete()
    with pytest.raises(discord.NotFound) as gone:
        await direct.fetch_message(sent[0].id)
    assert gone.value.code == 10008
    play.say("mika", "@mika", "thank you", ("own.mp3", b"own"))
    found = [m async for m in direct.history()]
    assert [m.content for m in found] == ["thank you", "see above", "number 2", "better"]
    assert [m.content async for m in direct.history(before=sent[2])] == ["better"]
    assert await found[0].attachments[0].read() == b"own"
    with pytest.raises(discord.Forbidden) as theirs:
        await found[0].delete()
    assert theirs.value.code == 50003


async def test_files_sent_directly_have_links_that_run_out(play: Playground, direct: discord.DMChannel) -> None:
    message = await direct.send(file=track())
    assert f"/attachments/{direct.id}/" in message.attachments[0].url
    play.world.clock.advance(24 * 3600 + 1)
    with pytest.raises(discord.NotFound):
        await message.attachments[0].read()
    assert await (await direct.fetch_message(message.id)).attachments[0].read() == b"audio"


async def test_a_boost_of_the_server_does_nothing_for_direct_messages(
    play: Playground, direct: discord.DMChannel
) -> None:
    play.knobs.boost(2)
    message = await direct.send(file=track(bytes(10 << 20)))
    too_large = bytes((10 << 20) + 1)
    for attempt in (direct.send(file=track(too_large)), message.edit(attachments=[track(too_large)])):
        with pytest.raises(discord.HTTPException) as refused:
            await attempt
        assert (refused.value.status, refused.value.code) == (413, 40005)
    with pytest.raises(MemberError, match="larger than the 10 MiB Mika may upload"):
        play.say("mika", "@mika", "", ("own.mp3", too_large))


async def test_direct_messages_have_a_bucket_of_their_own(play: Playground, direct: discord.DMChannel) -> None:
    play.knobs.buckets(DISCORD)
    for number in range(5):
        await direct.send(str(number))
    await asyncio.gather(direct.send("5"), play.wait_for(lambda: len(play.messages("@mika")) == 6))
    posts = play.requests("POST", f"/channels/{direct.id}/messages")
    assert {call.status for call in posts} == {200}
    assert posts[5].at - posts[0].at >= 4.5


# ---- what the bot hears


@pytest.mark.parametrize(
    ("intents", "heard"),
    [
        (discord.Intents(guilds=True), []),
        (discord.Intents(guilds=True, guild_messages=True), ["message "]),
        (discord.Intents(guilds=True, dm_messages=True), ["message from the bot", "message for your eyes"]),
    ],
)
async def test_direct_messages_are_heard_with_their_own_intent_and_their_words(
    play: Playground, intents: discord.Intents, heard: list[str]
) -> None:
    client = SmallBot(intents)
    await play.connect(client)
    direct = await client.create_dm(discord.Object(play.world.mika.id))
    await direct.send("from the bot")
    play.say("mika", "@mika", "for your eyes")
    play.say("mika", "lounge", "for everybody")
    await (await play.slash("sam", "lounge", "settings show")).says("manages")
    assert [line for line in client.seen if line != "message manages=True"] == heard


async def test_events_of_direct_messages_name_no_guild(play: Playground, bot: SmallBot) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    play.standin.gateway.watchers.append(lambda event, data: events.append((event, data)))
    direct = await bot.create_dm(discord.Object(play.world.mika.id))
    message = await direct.send("one")
    await message.edit(content="two")
    await message.delete()
    assert [event for event, _ in events] == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]
    assert all("guild_id" not in data and data["channel_id"] == str(direct.id) for _, data in events)


# ---- closed doors


async def test_closed_direct_messages_refuse_what_the_bot_sends(
    play: Playground, bot: SmallBot, direct: discord.DMChannel
) -> None:
    before = await direct.send("before", nonce="job-1")
    play.knobs.close_direct("mika")
    with pytest.raises(discord.Forbidden) as refused:
        await direct.send("after", file=track())
    assert (refused.value.code, refused.value.text) == (50007, "Cannot send messages to this user")
    assert (await bot.http.start_private_message(play.world.mika.id))["id"] == str(direct.id)
    assert [m.content async for m in direct.history()] == ["before"]
    assert (await before.edit(content="still mine")).content == "still mine"
    await (await bot.create_dm(discord.Object(play.world.noor.id))).send("Noor has not closed hers")
    play.knobs.open_directs()
    await direct.send("after")
    assert [m.content for m in play.messages("@mika")] == ["still mine", "after"]


async def test_without_a_common_server_nobody_is_reached(play: Playground, direct: discord.DMChannel) -> None:
    play.knobs.remove_bot()
    with pytest.raises(discord.Forbidden) as refused:
        await direct.send("hello?")
    assert refused.value.code == 50278
    play.knobs.invite_bot()
    await direct.send("back")


async def test_the_knob_closes_for_who_turns_it_or_for_who_is_named(
    play: Playground, direct: discord.DMChannel, page: aiohttp.ClientSession
) -> None:
    world = play.world
    turned = await act(page, "knobs/close-direct", user="mika", channel=str(direct.id))
    assert turned["said"] == "Close a member's direct messages: Mika."
    await act(page, "knobs/close-direct", user="mika", arguments={"member": str(world.noor.id)})
    assert play.knobs.closed_directs() == ["Mika", "Noor"]
    for nobody in (str(world.bot.id), "5", "x"):
        refused = await act(page, "knobs/close-direct", user="mika", arguments={"member": nobody})
        assert refused == {"error": "That member is gone.", "field": "member"}
    await act(page, "knobs/close-direct", user="sam", off=True)
    assert play.knobs.closed_directs() == []


async def test_knobs_of_a_channel_ask_for_one_of_the_server(
    play: Playground, direct: discord.DMChannel, page: aiohttp.ClientSession
) -> None:
    here = {"user": "mika", "channel": str(direct.id)}
    refused = await act(page, "knobs/delete-channel", **here)
    assert refused == {"error": "Choose a channel of the server.", "field": "channel"}
    await act(page, "knobs/forbid", **here, arguments={"channel": str(play.world.channel("lounge").id)})
    assert play.knobs.faults.closed_channels
    assert "error" not in await act(page, "knobs/forbid", **here, off=True)
    assert not play.knobs.faults.closed_channels


# ---- the page


async def test_the_page_shows_direct_messages_to_one_person_only(
    play: Playground, bot: SmallBot, page: aiohttp.ClientSession
) -> None:
    assert (await ask(page, "scene", "mika"))["direct"]["newest"] is None, "whoever opens the page may write there"
    async with page.ws_connect("/page/events?user=mika") as mika, page.ws_connect("/page/events?user=noor") as noor:
        for events in (mika, noor):
            assert (await events.receive_json(timeout=20))["type"] == "bot"
        direct = await bot.create_dm(discord.Object(play.world.mika.id))
        message = await direct.send("for Mika", file=track())
        await channel_of(play, bot, "lounge").send("for everybody")
        heard = [(await mika.receive_json(timeout=20))["message"] for _ in range(2)]
        assert [one["content"] for one in heard] == ["for Mika", "for everybody"]
        assert (await noor.receive_json(timeout=20))["message"]["content"] == "for everybody"
        await message.delete()
        await channel_of(play, bot, "lounge").send("the end")
        assert (await mika.receive_json(timeout=20))["type"] == "gone"
        assert (await noor.receive_json(timeout=20))["message"]["content"] == "the end"

    scene = await ask(page, "scene", "mika", direct.id)
    assert (scene["direct"]["name"], scene["direct"]["id"]) == ("Direct messages", str(direct.id))
    assert str(direct.id) not in [one["id"] for one in scene["channels"]]
    assert scene["commands"] == []
    assert (await ask(page, "scene", "noor"))["direct"]["id"] != str(direct.id)


async def test_the_page_plays_and_writes_direct_messages(
    play: Playground, direct: discord.DMChannel, page: aiohttp.ClientSession
) -> None:
    sent = await direct.send("listen", file=track())
    doomed = await direct.send("deleted before it was seen")
    await doomed.delete()
    assert (await ask(page, "scene", "mika"))["direct"]["newest"] == str(sent.id)
    [shown] = await ask(page, "messages", "mika", direct.id)
    async with page.get(shown["attachments"][0]["url"]) as audio:
        assert (audio.content_type, await audio.read()) == ("audio/mpeg", b"audio")
    written = await act(page, "say", user="mika", channel=str(direct.id), text="lovely")
    assert str(play.messages("@mika")[-1].id) == written["message"]
    assert await ask(page, "messages", "noor", direct.id) == []
    refused = await act(page, "say", user="noor", channel=str(direct.id), text="let me in")
    assert refused["error"] == "Noor may not write here."
    assert len(play.messages("@mika")) == 2


async def test_controls_in_direct_messages_are_for_their_reader(
    play: Playground, direct: discord.DMChannel, page: aiohttp.ClientSession
) -> None:
    message = await direct.send("again?", view=discord.ui.View(timeout=None).add_item(AgainButton("j1")))
    pressed = {"message": str(message.id), "custom_id": "again:j1"}
    mine = await act(page, "component", user="mika", **pressed)
    assert "error" not in mine
    pressing = next(i for i in play.world.interactions.values() if str(i.id) == mine["interaction"])
    await asyncio.wait_for(pressing.settled.wait(), 10)
    assert not pressing.failed
    assert (await act(page, "component", user="noor", **pressed))["error"] == "That control is gone."
