"""More ways in, with the real bot: the menu of a message and the decks, the form, and what is here already."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground import payloads
from bot.playground.errors import MemberError
from bot.playground.permissions import Permission
from bot.playground.world import Channel, Message, Overwrite
from tests.audio.synth import Song, stereo, write
from tests.playground import Act, Playground, find_control, shown_text, with_kie
from tests.story.told import log_of, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
MENU = "Use in a mashup"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with with_kie(tmp_path_factory.mktemp("ways")) as playing:
        yield playing
        log = log_of(playing)
        assert "Traceback" not in log, log[-4000:]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice message, as phones send them: Opus in Ogg."""
    path = tmp_path_factory.mktemp("voice") / "voice-message.ogg"
    write(path, stereo(Song(tempo=112, seconds=9, tonic=0))[:, :1], 48_000, "OPUS")
    return path


@pytest_asyncio.fixture(loop_scope="module")
async def room(play: Playground) -> Channel:
    """A channel of one's own, of which the bot was told."""
    return opened(play, Channel(play.world.new_id(), f"way-{len(play.world.guild.channels)}", "", 9))


def opened(play: Playground, channel: Channel) -> Channel:
    play.world.guild.channels[channel.id] = channel
    play.standin.gateway.dispatch("CHANNEL_CREATE", payloads.channel(play.world, channel))
    return channel


async def result(play: Playground, room: Channel) -> Message:
    """The newest message of the bot with audio."""
    bot = play.world.bot.id

    def posted() -> list[Message]:
        return [m for m in play.messages(room.name) if m.attachments and m.author_id == bot]

    return (await play.wait_for(posted, 60))[-1]


def job_of(play: Playground, room: Channel) -> Any:
    return rows(play, "SELECT * FROM jobs WHERE channel = ? ORDER BY created_at DESC", str(room.id))[0]


def sources(play: Playground, room: Channel) -> list[tuple[str, str]]:
    job = job_of(play, room)["id"]
    return [(r["name"], r["url"]) for r in rows(play, "SELECT * FROM sources WHERE job = ? ORDER BY side", job)]


async def used(play: Playground, room: Channel, message: Message, member: str = "mika") -> Act:
    return await play.context(member, room.name, MENU, message)


async def test_from_messages_over_the_decks_to_a_mashup_also_after_a_restart(
    play: Playground, room: Channel, short_songs: tuple[Path, Path], voice: Path
) -> None:
    first = play.say("noor", room.name, "listen", short_songs[0])
    card = await (await used(play, room, first)).says("It is on your decks.", 30)
    assert card.ephemeral
    assert "**one.mp3**\n0:09" in shown_text(card)
    assert f"/{room.id}/{first.id}" in shown_text(card)
    assert "*Start* needs a track on both decks. Empty: B." in shown_text(card)
    assert find_control(card, "Start")["disabled"]
    spoken = play.say("sam", room.name, "", voice)
    card = await (await used(play, room, spoken)).says("Both decks are full.", 30)
    assert not find_control(card, "Start").get("disabled")

    await play.restart_bot()
    card = await (await play.slash("mika", room.name, "decks")).says("Both decks are full.")
    swapped = await (await play.click("mika", card, "Swap")).says("Both decks are full.")
    await play.wait_for(lambda: shown_text(swapped).index("voice-message") < shown_text(swapped).index("one.mp3"))
    promised = await (await play.click("mika", swapped, "Start")).says("On it.")
    assert not promised.embeds
    assert not promised.components
    posted = await result(play, room)
    assert sources(play, room) == [("voice-message.ogg", ""), ("one.mp3", "")]
    empty = await (await play.slash("mika", room.name, "decks")).says("Empty: A and B.")
    assert find_control(empty, "Clear")["disabled"]

    downloads = len(rows(play, "SELECT 1 FROM files"))
    card = await (await used(play, room, posted, "noor")).says("It is on your decks.")
    assert "(1).mp3" in shown_text(card)
    assert len(rows(play, "SELECT 1 FROM files")) == downloads
    await (await play.click("noor", card, "Clear")).says("Empty: A and B.")


async def test_a_message_with_two_fills_both_and_a_third_takes_the_place_of_b(
    play: Playground, room: Channel, short_songs: tuple[Path, Path]
) -> None:
    both = play.say("noor", room.name, "two", short_songs[1], ("notes.txt", b"no audio"), short_songs[0])
    card = await (await used(play, room, both, "sam")).says("Both decks are full.", 30)
    assert "two.mp3" in shown_text(card).partition("Deck B")[0]
    third = play.say("noor", room.name, "third", short_songs[1])
    card = await (await used(play, room, third, "sam")).says("“one.mp3” made room on deck B", 30)
    assert shown_text(card).count("**two.mp3**") == 2


@pytest.mark.parametrize("name", ["no file", "text", "words called mp3", "a message of the bot"])
async def test_what_has_no_audio_is_refused_and_leaves_the_decks_alone(
    play: Playground, room: Channel, name: str
) -> None:
    files = {"text": [("notes.txt", b"hello")], "words called mp3": [("words.mp3", b"not audio at all" * 100)]}
    message = play.say("noor", room.name, "hello", *files.get(name, []))
    if name == "a message of the bot":
        message.author_id = play.world.bot.id
        message.attachments = play.say("noor", room.name, "", ("entry-1.mp3", b"masked")).attachments
    act = await used(play, room, message, "noor")
    await act.says("is not audio" if name == "words called mp3" else "That message has no audio", 20)
    assert rows(play, "SELECT 1 FROM decks WHERE member = ?", str(play.world.person("noor").id)) == []


async def test_the_form_takes_two_files_and_long_lyrics_also_after_a_restart(
    play: Playground, room: Channel, short_songs: tuple[Path, Path]
) -> None:
    act = await (await play.slash("mika", room.name, "mash")).answered()
    assert act.modal is not None
    assert [item["component"]["type"] for item in act.modal["components"]] == [19, 3, 4, 4, 4]
    assert {o["value"] for o in act.modal["components"][1]["component"]["options"]} == {"local", "kie"}
    for files in (short_songs[:1], [*short_songs, short_songs[0]]):
        with pytest.raises(MemberError, match="Two tracks: add exactly 2"):
            await play.submit("mika", act, {"Two tracks": list(files)})
    await play.restart_bot()
    lyrics = "la la\n" * 666 + "loop"
    sent = await play.submit(
        "mika", act, {"Two tracks": list(short_songs), "Title": "By Hand", "Idea or lyrics": lyrics}
    )
    await sent.says("On it.")
    assert "By Hand" in shown_text(await result(play, room))
    assert [name for name, _ in sources(play, room)] == ["one.mp3", "two.mp3"]
    assert "loop" in job_of(play, room)["request"]


async def test_what_is_here_already_is_suggested_and_taken(
    play: Playground, room: Channel, short_songs: tuple[Path, Path]
) -> None:
    songs = {"track_a": short_songs[0], "track_b": short_songs[1]}
    await (await play.slash("mika", room.name, "mashup", **songs, title="Base")).says("On it.")
    posted = await result(play, room)
    await play.wait_for(lambda: job_of(play, room)["state"] == "done")
    base = job_of(play, room)["id"]
    offered = await play.autocomplete("noor", room.name, "mashup", "from_a", from_a="base")
    assert [one["value"] for one in offered] == [f"{base}/1", f"{base}/2"]
    assert re.fullmatch(r"Base \(1\)\.mp3 · 0:\d\d · result", offered[0]["name"])
    own = await play.autocomplete("mika", room.name, "mashup", "from_b", from_b="one.mp3")
    assert any(one["name"] == "one.mp3 · 0:09 · your track" for one in own)
    link = f"https://discord.com/channels/{play.world.guild.id}/{room.id}/{posted.id}"
    act = await play.slash("noor", room.name, "mashup", from_a=f"{base}/2", from_b=link)
    await act.says("On it.")
    await play.wait_for(lambda: job_of(play, room)["state"] == "done", 60)
    assert sources(play, room) == [("Base (2).mp3", ""), ("Base (1).mp3", "")]
    act = await play.slash("mika", room.name, "cover", engine="kie", prompt="rain", **{"from": f"{base}/a"})
    await act.says("On it.")
    await play.wait_for(lambda: job_of(play, room)["state"] == "done", 60)
    assert sources(play, room) == [("one.mp3", "")]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        (
            "mashup",
            {"from_b": "x"},
            "no source for `track_a`: attach a file there, or choose something with `from_a`",
        ),
        ("mashup", {"track_a": ("a.mp3", b"a"), "from_a": "x", "from_b": "x"}, "two sources for `track_a`"),
        ("mashup", {"track_a": ("a.mp3", b"a")}, "no source for `track_b`"),
        ("mashup", {"from_a": "000000000000", "from_b": "x"}, "“000000000000” is nothing that you could use here"),
        ("cover", {}, "no source for `track`: attach a file there, or choose something with `from`"),
    ],
)
async def test_each_side_has_exactly_one_source(
    play: Playground, room: Channel, command: str, options: dict[str, Any], words: str
) -> None:
    await (await play.slash("mika", room.name, command, **options)).says(words)


async def test_private_results_and_unread_channels_are_not_there(
    play: Playground, room: Channel, short_songs: tuple[Path, Path]
) -> None:
    songs = {"track_a": short_songs[0], "track_b": short_songs[1]}
    noor = play.world.person("noor").id
    closed = Overwrite(noor, is_member=True, deny=Permission.VIEW_CHANNEL)
    staff = opened(play, Channel(play.world.new_id(), "staff", "", 9, [closed]))
    act = await play.slash("mika", room.name, "mashup", **songs, private=True, title="Whisper")
    await play.wait_for(lambda: act.original is not None and bool(act.original.attachments), 60)
    await play.wait_for(lambda: job_of(play, room)["state"] == "done")
    secret = job_of(play, room)["id"]
    await (await play.slash("mika", "staff", "mashup", **songs, title="Whisper")).says("On it.")
    await play.wait_for(lambda: job_of(play, staff)["state"] == "done", 60)
    for hidden in (secret, job_of(play, staff)["id"]):
        act = await play.slash("noor", room.name, "mashup", from_a=hidden, from_b=hidden)
        await act.says(f"“{hidden}” is nothing that you could use here")
    assert await play.autocomplete("noor", room.name, "mashup", "from_a", from_a="Whisper") == []
    assert len(await play.autocomplete("mika", room.name, "mashup", "from_a", from_a="Whisper")) == 4
