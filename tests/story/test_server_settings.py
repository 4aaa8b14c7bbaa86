"""`/settings`: one card, changed by selects and forms, by moderators only, and what is chosen holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.errors import MemberError
from bot.playground.world import Message
from tests.playground import Playground, shown_text, with_kie
from tests.story.told import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with with_kie(tmp_path_factory.mktemp("settings")) as play:
        yield play
        log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]


@pytest.fixture
def play(club: Playground) -> Playground:
    return club


async def card(play: Playground, user: str = "sam") -> Message:
    return await (await play.slash(user, "lounge", "settings")).says("Settings of this server")


async def turn(play: Playground, page: str, user: str = "sam") -> Message:
    """The card with a page open."""
    act = await play.choose(user, await card(play, user), "settings:page", page)
    await play.wait_for(lambda: act.original and f":{page}" in json.dumps(act.original.components), 10)
    assert act.original is not None
    return act.original


async def put(play: Playground, page: str, *values: str) -> Message:
    """Choose values of a page's select, and wait until they are saved."""
    act = await play.choose("sam", await turn(play, page), f"settings:set:{page}", *values)
    return await act.says("Saved.")


def chosen(play: Playground) -> dict[str, Any]:
    found = rows(play, "SELECT settings FROM guilds")
    return json.loads(found[0]["settings"]) if found else {}


async def test_one_card_shows_everything(play: Playground) -> None:
    shown = await card(play)
    assert shown.ephemeral
    words = shown_text(shown)
    for line in (
        "Channels: everywhere",
        "Roles that may ask: everybody",
        "Moderator role: nobody but Manage Server",
        "Engines: all",
        "Models: all",
        "Engine when none is named: the bot's first",
        "Results: in the channel",
        "Log channel: none",
        "Language of public messages: the server's, as Discord says",
        "Time zone: `UTC`",
        "Units are for: a day",
        "Units of a member: the default",
    ):
        assert line in words
    assert len(shown.components) <= 5


async def test_a_time_zone_is_typed_and_a_wrong_one_gets_a_suggestion(play: Playground) -> None:
    act = await play.click("sam", await turn(play, "zone"), "Type a time zone")
    wrong = await play.submit("sam", act, {"Time zone": "Berlin"})
    said = await wrong.says("Did you mean `Europe/Berlin`?")
    assert "Time zone: `UTC`" in shown_text(said)
    again = await play.click("sam", said, "Type a time zone")
    assert "Time zone: `Europe/Berlin`" in shown_text(
        await (await play.submit("sam", again, {"Time zone": "europe/berlin"})).says("Saved.")
    )
    note = rows(play, "SELECT actor, subject, reason FROM audit ORDER BY at DESC LIMIT 1")[0]
    assert (note["actor"], note["subject"]) == (str(play.world.person("sam").id), "setting:zone")
    assert json.loads(note["reason"]) == {"old": "UTC", "new": "Europe/Berlin"}
    emptied = await play.click("sam", await turn(play, "zone"), "Type a time zone")
    await (await play.submit("sam", emptied, {"Time zone": ""})).says("Saved.")
    assert chosen(play)["zone"] == "UTC"


async def test_limits_have_a_window_and_a_form(play: Playground) -> None:
    act = await play.click("sam", await turn(play, "limits"), "Change the numbers")
    many = {"Units of a member": "a lot", "Units of the server": "9"}
    said = await (await play.submit("sam", act, many)).says("give a whole number from 0 to 10,000")
    assert "“a lot”" in shown_text(said)
    assert "Units of the server: the default" in shown_text(said)
    again = await play.click("sam", said, "Change the numbers")
    fields = {"Units of a member": "3", "Units of the server": "", "Seconds between two jobs of a member": "0"}
    words = shown_text(await (await play.submit("sam", again, fields)).says("Saved."))
    assert "Units of a member: `3`" in words
    week = await play.choose("sam", await turn(play, "limits"), "settings:set:period", "week")
    assert "Units are for: a week, from Monday" in shown_text(await week.says("Saved."))
    last = await play.click("sam", await turn(play, "limits"), "Change the numbers")
    await (
        await play.submit("sam", last, {"Units of a member": "", "Seconds between two jobs of a member": "0"})
    ).says("Saved.")
    assert chosen(play)["member_units"] is None


async def test_channels_and_roles_are_chosen_and_cleared(play: Playground) -> None:
    lounge, mashups = (str(play.world.channel(name).id) for name in ("lounge", "mashups"))
    words = shown_text(await put(play, "channels", lounge, mashups))
    assert f"<#{lounge}>" in words
    assert sorted(chosen(play)["channels"]) == sorted([lounge, mashups])
    opened = await turn(play, "channels")
    defaults = next(item for row in opened.components for item in row["components"] if item["type"] == 8)
    assert {one["id"] for one in defaults["default_values"]} == {lounge, mashups}
    assert "Channels: everywhere" in shown_text(
        await (await play.click("sam", opened, "Everywhere")).says("Saved.")
    )


async def test_the_log_channel_is_told_once_of_each_change(play: Playground) -> None:
    lounge = str(play.world.channel("lounge").id)
    await put(play, "log_channel", lounge)

    def announced() -> list[Message]:
        return [m for m in play.messages("lounge") if "What moderators changed" in shown_text(m)]

    await play.wait_for(announced, 10)
    await (await play.click("sam", await turn(play, "log_channel"), "No log channel")).says("Saved.")
    told = announced()
    assert len(told) == 1
    assert f"<@{play.world.person('sam').id}>" in shown_text(told[0])


async def test_default_engine_and_visibility_hold_when_nothing_is_said(
    play: Playground, short_songs: tuple[Path, Path]
) -> None:
    await put(play, "default_engine", "kie")
    await put(play, "private", "true")
    files = {"track_a": short_songs[0], "track_b": short_songs[1]}
    await (await play.slash("mika", "mashups", "mashup", **files, prompt="slow")).says("for your eyes only")
    job = rows(play, "SELECT engine, private, locale FROM jobs ORDER BY created_at DESC LIMIT 1")[0]
    assert (job["engine"], job["private"]) == ("kie", 1)
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE state = 'done'"), 60)
    act = await play.slash("mika", "mashups", "mashup", **files, engine="local", private=False)
    await act.says("The card in this channel")
    job = rows(play, "SELECT engine, private FROM jobs ORDER BY created_at DESC LIMIT 1")[0]
    assert (job["engine"], job["private"]) == ("local", 0)
    await put(play, "default_engine", "default")
    await put(play, "private", "false")
    await put(play, "locale", "en")
    assert chosen(play)["locale"] == "en"


async def test_only_what_is_allowed_is_suggested(play: Playground) -> None:
    async def suggested(option: str, **typed: str) -> list[str]:
        found = await play.autocomplete("mika", "mashups", "mashup", option, **{option: "", **typed})
        return [one["value"] for one in found]

    everything = await suggested("model", engine="kie")
    assert set(await suggested("engine")) == {"local", "kie"}
    await put(play, "engines", "kie")
    await put(play, "models", everything[-1])
    assert await suggested("engine") == ["kie"]
    assert await suggested("model") == everything[-1:], "of the engine that is taken when none is named"
    await play.click("sam", await turn(play, "engines"), "All engines")
    await play.click("sam", await turn(play, "models"), "All models")
    await play.wait_for(lambda: not chosen(play)["engines"] and not chosen(play)["models"])


async def test_only_moderators_and_only_while_they_are(play: Playground) -> None:
    await (await play.slash("mika", "lounge", "settings")).says("Only moderators")
    role = next(role for role in play.world.guild.roles.values() if role.name == "Twodeck")
    await put(play, "moderator_role", str(role.id))
    play.world.guild.members[play.world.person("mika").id].role_ids.append(role.id)
    mine = await turn(play, "private", "mika")
    zone = await play.click("mika", await turn(play, "zone", "mika"), "Type a time zone")
    await zone.answered()
    play.world.guild.members[play.world.person("mika").id].role_ids.remove(role.id)
    before = chosen(play)
    refused = [
        await play.choose("mika", mine, "settings:page", "roles"),
        await play.choose("mika", mine, "settings:set:private", "true"),
        await play.submit("mika", zone, {"Time zone": "Europe/Berlin"}),
    ]
    for act in refused:
        await act.says("Only moderators")
    assert chosen(play) == before
    await (await play.click("sam", await turn(play, "moderator_role"), "No role")).says("Saved.")


@pytest.mark.parametrize(
    "custom_id",
    ["settings:set:paused", "settings:set:member_units", "settings:clear:nothing", "settings:form:roles"],
)
async def test_forged_controls_are_refused_with_a_sentence(play: Playground, custom_id: str) -> None:
    shown = await card(play)
    before = chosen(play)
    shown.components[0]["components"] = [
        {"type": 2, "style": 1, "label": "forged", "custom_id": custom_id, "id": 7}
    ]
    await (await play.click("sam", shown, "forged")).says("from an old card")
    assert chosen(play) == before


@pytest.mark.parametrize(("field", "value"), [("engines", "apibox"), ("models", "V99"), ("private", "maybe")])
async def test_forged_values_change_nothing_that_is_not_there(play: Playground, field: str, value: str) -> None:
    opened = await turn(play, field)
    select = next(
        item
        for row in opened.components
        for item in row["components"]
        if item["custom_id"] == f"settings:set:{field}"
    )
    select["options"].append({"label": "forged", "value": value})
    act = await play.choose("sam", opened, f"settings:set:{field}", value)
    await act.says("Choose one of" if field != "private" else "Saved.")
    assert value not in str(chosen(play))


async def test_it_survives_a_restart_with_a_form_open(play: Playground) -> None:
    act = await play.click("sam", await turn(play, "zone"), "Type a time zone")
    await act.answered()
    await play.restart_bot()
    await (await play.submit("sam", act, {"Time zone": "Asia/Tokyo"})).says("Saved.")
    assert chosen(play)["zone"] == "Asia/Tokyo"


async def test_in_direct_messages_there_is_no_such_command(play: Playground) -> None:
    with pytest.raises(MemberError, match="may not use"):
        await play.slash("sam", "@sam", "settings")
