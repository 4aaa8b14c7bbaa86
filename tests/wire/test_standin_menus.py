"""Menus, selects and ephemeral messages in the stand-in, as an unmodified discord.py client meets them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
import pytest_asyncio
from discord import app_commands, ui
from discord.http import Route

from bot.playground.errors import MemberError
from bot.playground.files import Upload
from tests.playground import Playground, shown_text
from tests.wire.standin_bot import SmallBot

TRACK = ("song.mp3", b"a" * 500)


class MenuBot(SmallBot):
    def __init__(self) -> None:
        super().__init__()
        self.tree.add_command(app_commands.ContextMenu(name="Mash this", callback=mash))
        self.tree.add_command(app_commands.ContextMenu(name="Who is it", callback=who))
        self.tree.command(name="pick", description="A select of each kind")(pick)


async def mash(interaction: discord.Interaction, message: discord.Message) -> None:
    names = ", ".join(f"{one.filename} of {one.size}" for one in message.attachments)
    await interaction.response.send_message(f"{message.author.display_name} wrote {message.content}: {names}")


async def who(interaction: discord.Interaction, member: discord.Member) -> None:
    await interaction.response.send_message(f"It is {member.display_name}.", ephemeral=True)


class Pick(ui.View):
    @ui.select(
        placeholder="Style", min_values=1, max_values=2, options=[discord.SelectOption(label=x) for x in "abc"]
    )
    async def style(self, interaction: discord.Interaction, select: ui.Select[Any]) -> None:
        await interaction.response.edit_message(content=f"styles {select.values}")

    @ui.select(cls=ui.UserSelect, placeholder="Person")
    async def person(self, interaction: discord.Interaction, select: ui.UserSelect[Any]) -> None:
        await interaction.response.edit_message(content=f"person {select.values[0].display_name}")

    @ui.select(cls=ui.ChannelSelect, placeholder="Place")
    async def place(self, interaction: discord.Interaction, select: ui.ChannelSelect[Any]) -> None:
        await interaction.response.send_message(f"place #{select.values[0].name}", ephemeral=True)


async def pick(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("Choose", view=Pick(timeout=None))


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        await playground.connect(MenuBot())
        yield playground


async def test_a_message_menu_shows_the_bot_a_message_it_could_not_read_otherwise(play: Playground) -> None:
    written = play.say("noor", "mashups", "my demo", TRACK)
    act = await play.context("mika", "mashups", "Mash this", written)
    await act.says("Noor wrote my demo: song.mp3 of 500")
    route = Route("GET", "/channels/{c}/messages/{m}", c=written.channel_id, m=written.id)
    client = play.connected_client
    seen = await client.http.request(route)
    assert (seen["content"], seen["attachments"]) == ("", [])


async def test_a_person_menu_names_the_person(play: Playground) -> None:
    act = await play.context("mika", "mashups", "Who is it", "sam")
    assert (await act.says("It is Sam.")).ephemeral


async def test_menus_refuse_what_the_client_would_not_offer(play: Playground) -> None:
    with pytest.raises(MemberError, match="no “Mash this” in this menu"):
        await play.context("mika", "mashups", "Mash this", "sam")
    hidden = await (await play.context("mika", "mashups", "Who is it", "sam")).says("Sam")
    with pytest.raises(MemberError, match="no menu on this message"):
        await play.context("mika", "mashups", "Mash this", hidden)


async def test_selects_carry_values_people_and_places(play: Playground) -> None:
    asked = await (await play.slash("mika", "mashups", "pick")).says("Choose")
    await (await play.choose("mika", asked, "Style", "a", "c")).says("styles ['a', 'c']")
    await (await play.choose("noor", asked, "Person", str(play.world.sam.id))).says("person Sam")
    lounge = str(play.world.channel("lounge").id)
    await (await play.choose("noor", asked, "Place", lounge)).says("place #lounge")


@pytest.mark.parametrize(
    ("control", "values", "sentence"),
    [
        ("Style", ["a", "b", "c"], "Choose 1 to 2"),
        ("Style", ["z"], "Choose listed"),
        ("Person", ["5"], "nobody here"),
    ],
)
async def test_selects_take_only_what_they_offer(
    play: Playground, control: str, values: list[str], sentence: str
) -> None:
    asked = await (await play.slash("mika", "mashups", "pick")).says("Choose")
    with pytest.raises(MemberError, match=sentence):
        await play.choose("mika", asked, control, *values)


async def test_ephemeral_messages_do_not_exist_for_the_bots_own_token(play: Playground) -> None:
    hidden = await (await play.context("mika", "mashups", "Who is it", "sam")).says("Sam")
    client = play.connected_client
    for method in ("GET", "PATCH", "DELETE"):
        route = Route(method, "/channels/{c}/messages/{m}", c=hidden.channel_id, m=hidden.id)
        body = {"content": "x"} if method == "PATCH" else None
        with pytest.raises(discord.NotFound) as gone:
            await client.http.request(route, json=body)
        assert gone.value.code == 10008
    assert hidden.interaction is not None
    webhook = discord.Webhook.partial(play.world.application_id, hidden.interaction.token, client=client)
    edited = await webhook.edit_message(hidden.id, content="changed")
    assert edited.flags.ephemeral
    assert play.messages("mashups") == []
    with pytest.raises(MemberError, match="control is gone"):
        await play.standin.members.component(play.world.noor, hidden, "again:1")


async def test_followups_and_tokens_that_nobody_knows_are_refused(play: Playground) -> None:
    act = await (await play.slash("mika", "mashups", "pick")).answered()
    client = play.connected_client
    application, token = play.world.application_id, act.interaction.token
    for owner, key, message, status, code in (
        (application, token, "123", 404, 10008),
        (application, "nonsense", "@original", 401, 50027),
        (12345, token, "@original", 404, 10015),
    ):
        route = Route("PATCH", "/webhooks/{o}/{t}/messages/{m}", o=owner, t=key, m=message)
        with pytest.raises(discord.HTTPException) as refused:
            await client.http.request(route, json={"content": "x"})
        assert (refused.value.status, refused.value.code) == (status, code)


async def test_a_person_may_write_what_the_client_lets_through(play: Playground) -> None:
    with pytest.raises(MemberError, match="Write something"):
        play.say("mika", "lounge")
    with pytest.raises(MemberError, match="10 files"):
        play.say("mika", "lounge", "eleven", *[TRACK] * 11)
    with pytest.raises(MemberError, match="larger than the 10 MiB"):
        play.say("mika", "lounge", "", Upload("files", "big.wav", b"", claimed=5 << 30))
    assert shown_text(play.say("mika", "lounge", "hello")) == "hello"


async def test_the_operator_owns_the_application(play: Playground) -> None:
    client = play.connected_client
    assert (await client.application_info()).owner.id == play.world.person("robin").id
    assert play.world.parts == {"mika": "member", "noor": "member", "sam": "moderator", "robin": "operator"}


async def test_the_page_offers_menus_threads_and_the_operator(play: Playground) -> None:
    async def post(path: str, **body: object) -> dict[str, Any]:
        form = aiohttp.FormData()
        form.add_field("request", json.dumps({"user": "mika", **body}), filename="request")
        async with session.post(path, data=form) as answer:
            return await answer.json()

    world = play.world
    lounge = play.connected_client.get_channel(world.channel("lounge").id)
    assert isinstance(lounge, discord.TextChannel)
    await (await lounge.send("topic")).create_thread(name="Talk")
    async with aiohttp.ClientSession(play.standin.url) as session:
        async with session.get("/page/scene?user=robin") as answer:
            scene = await answer.json()
        said = await post("/page/say", text="hello", channel=str(world.channel("mashups").id))
        menu = await post("/page/context", command="Mash this", type=3, target=said["message"])
        assert menu["name"] == "Mash this"
        assert await post("/page/context", command="Mash this", type=3, target="1") == {
            "error": "That is gone.",
            "field": "",
        }
        assert (await post("/page/context", command="Who is it", type=2, target=str(world.sam.id)))["kind"] == 2
    assert scene["parts"]["robin"] == "operator"
    assert {(command["type"], command["name"]) for command in scene["commands"]} >= {
        (3, "Mash this"),
        (2, "Who is it"),
    }
    names = [channel["name"] for channel in scene["channels"]]
    assert names.index("Talk") == names.index("lounge") + 1
    await play.wait_for(lambda: any("Mika wrote hello" in shown_text(m) for m in play.messages("mashups")))
