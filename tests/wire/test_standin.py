"""The stand-in as an unmodified discord.py client meets it: commands, answers, buttons, forms, files."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bot.playground.errors import MemberError
from bot.playground.world import EPHEMERAL
from tests.playground import Playground, shown_text
from tests.wire.standin_bot import SmallBot

TRACK_A = ("Night Drive.mp3", b"a" * 3000)
TRACK_B = ("Paper Lanterns.mp3", b"b" * 2000)


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        await playground.connect(SmallBot())
        yield playground


async def test_a_command_with_two_files_ends_in_a_message_with_a_file_and_a_button(play: Playground) -> None:
    act = await play.slash("mika", "mashups", "mix", track_a=TRACK_A, track_b=TRACK_B, style="house")

    answer = await act.says("done")
    assert act.acknowledged_after is not None
    assert act.acknowledged_after < 1
    assert answer.flags == EPHEMERAL
    [result] = play.messages("mashups")
    assert result.content == f"<@{play.world.mika.id}>"
    assert result.mention_ids == [play.world.mika.id]
    assert [a.filename for a in result.attachments] == ["mix.mp3"]
    assert play.read(result.attachments[0]) == TRACK_A[1] + TRACK_B[1]
    assert "/wave.png?ex=" in result.embeds[0]["image"]["url"]
    assert "Again" in shown_text(result)


async def test_ephemeral_answers_are_seen_by_one_person_only(play: Playground) -> None:
    act = await play.slash("mika", "mashups", "mix", track_a=TRACK_A, track_b=TRACK_B)
    await act.says("one more thing")

    assert len(play.messages("mashups", as_user="mika")) == 3
    assert len(play.messages("mashups", as_user="noor")) == 1


async def test_a_button_that_remembers_nothing_opens_a_form_that_takes_a_file(play: Playground) -> None:
    await (await play.slash("mika", "mashups", "mix", track_a=TRACK_A, track_b=TRACK_B)).says("done")
    [result] = play.messages("mashups")

    pressed = await play.click("noor", result, "Again")
    sent = await play.submit("noor", pressed, {"Note": "more bass", "Extra track": [("x.wav", b"1234")]})

    answer = await sent.says("j1: more bass, x.wav of 4 bytes")
    assert answer.visible_to == play.world.noor.id


async def test_a_form_refuses_what_the_client_would_refuse(play: Playground) -> None:
    await (await play.slash("mika", "mashups", "mix", track_a=TRACK_A, track_b=TRACK_B)).says("done")
    pressed = await play.click("mika", play.messages("mashups")[0], "again:j1")
    with pytest.raises(MemberError, match="Extra track: add exactly 1"):
        await play.submit("mika", pressed, {"Note": "no file"})
    with pytest.raises(MemberError, match="Note: 0 to 50"):
        await play.submit("mika", pressed, {"Note": "x" * 51, "Extra track": [TRACK_A]})


async def test_every_kind_of_option_arrives_as_what_it_is(play: Playground) -> None:
    world = play.world
    act = await play.slash(
        "mika",
        "lounge",
        "kinds",
        text="abc",
        whole=3,
        number=0.5,
        flag=True,
        who=world.noor,
        where=world.channel("mashups"),
        role=list(world.guild.roles.values())[2],
    )
    await act.says("abc 3 0.5 True Noor #mashups Moderators")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": "a"}, "text: 2 to 5 characters"),
        ({"whole": 10}, "whole: at least 1 and at most 9"),
        ({"whole": "x"}, "whole: type a whole number"),
        ({"who": 5}, "who: nobody here"),
        ({"number": None}, "number is required"),
    ],
)
async def test_options_are_checked_before_the_bot_sees_them(
    play: Playground, wrong: dict[str, object], sentence: str
) -> None:
    world = play.world
    right = {"text": "abc", "whole": 3, "number": 0.5, "flag": True, "who": world.sam, "role": world.guild.id}
    asked = {**right, "where": world.channel("lounge"), **wrong}
    with pytest.raises(MemberError, match=sentence):
        await play.slash("mika", "lounge", "kinds", **asked)


async def test_suggestions_come_while_typing_and_any_text_is_taken(play: Playground) -> None:
    found = await play.autocomplete("mika", "mashups", "mix", "style", style="h")
    assert [choice["value"] for choice in found] == ["house", "hip hop"]
    act = await play.slash("mika", "mashups", "mix", track_a=TRACK_A, track_b=TRACK_B, style="own words")
    await act.says("done")
    assert "own words" in shown_text(play.messages("mashups")[0])


async def test_moderator_commands_are_offered_to_moderators(play: Playground) -> None:
    with pytest.raises(MemberError, match="Mika may not use /settings"):
        await play.slash("mika", "lounge", "settings show")
    await (await play.slash("sam", "lounge", "settings show")).says("manages=True")


async def test_an_answer_after_three_seconds_is_refused(play: Playground) -> None:
    act = await play.slash("mika", "mashups", "late")
    play.world.clock.advance(3.1)
    await act.answered()
    assert act.failed
    await play.wait_for(lambda: play.requests("POST", "/callback"))
    await play.wait_for(lambda: play.requests("POST", "/callback")[0].status == 404)
    assert play.requests("POST", "/callback")[0].answer["code"] == 10062


async def test_a_file_over_the_members_limit_never_leaves_the_client(play: Playground) -> None:
    big = ("big.wav", bytes(10 * 1024 * 1024 + 1))
    with pytest.raises(MemberError, match="larger than the 10 MiB Mika may upload"):
        await play.slash("mika", "mashups", "mix", track_a=big, track_b=TRACK_B)


async def test_files_have_signed_addresses_with_ranges_that_run_out(play: Playground) -> None:
    await (await play.slash("mika", "mashups", "mix", track_a=TRACK_A, track_b=TRACK_B)).says("done")
    address = play.standin.files.link(play.messages("mashups")[0].attachments[0])
    async with aiohttp.ClientSession() as session:
        async with session.get(address, headers={"Range": "bytes=2999-3000"}) as part:
            assert (part.status, await part.read()) == (206, b"ab")
            assert part.headers["Content-Type"] == "audio/mpeg"
        async with session.get(address.replace("hm=", "hm=0")) as forged:
            assert forged.status == 404
        play.world.clock.advance(24 * 3600 + 1)
        async with session.get(address) as expired:
            assert expired.status == 404


async def test_other_sites_cannot_reach_in(play: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        for headers in ({"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}):
            async with session.get(f"{play.standin.url}/page/scene", headers=headers) as answer:
                assert answer.status == 403
