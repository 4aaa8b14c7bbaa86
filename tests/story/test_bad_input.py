"""Bad input gets a sentence and costs nothing; nothing crashes, hangs or shows a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from bot.playground.world import Message
from tests.playground import Playground, shown_text

pytestmark = pytest.mark.asyncio(loop_scope="module")


def wave(path: Path, samples: np.ndarray, rate: int = 44100) -> Path:
    sf.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory, picture: bytes) -> dict[str, Path]:
    """Every kind of unusable file, by a word of the sentence that must answer it."""
    folder = tmp_path_factory.mktemp("bad")
    texts = {"letter.mp3": b"Dear bot, this is not a song. " * 200, "photo.mp3": picture}
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    noise = np.random.default_rng(1).standard_normal(44100 * 8).astype("float32") * 0.1
    whole = wave(folder / "whole.flac", noise).read_bytes()
    (folder / "cut.flac").write_bytes(whole[:300])
    hours = np.zeros(8000 * 3600 * 3, "int16")
    hours[:8000:400] = 9000
    return {
        "“letter.mp3” is not audio": folder / "letter.mp3",
        "“photo.mp3” is not audio": folder / "photo.mp3",
        "“cut.flac” is damaged": folder / "cut.flac",
        "“nothing.wav” is silent": wave(folder / "nothing.wav", np.zeros(44100 * 8)),
        "“blink.wav” is 1 s long": wave(folder / "blink.wav", noise[:44100]),
        "“opera.flac” is longer than 600 s": wave(folder / "opera.flac", hours, 8000),
    }


async def notice(play: Playground, sentence: str) -> Message:
    found = lambda: next((m for m in play.messages("mashups") if m.content and sentence in plain(m)), None)  # noqa: E731
    return await play.wait_for(found, 60)


def plain(message: Message) -> str:
    return shown_text(message).replace("\\", "")


async def test_unusable_files_are_named_and_nothing_is_charged(
    play: Playground, songs: tuple[Path, Path], bad_files: dict[str, Path]
) -> None:
    for path in bad_files.values():
        act = await play.slash("mika", "mashups", "mashup", track_a=songs[0], track_b=path)
        await act.says("On it.")
    for sentence in bad_files:
        answer = await notice(play, sentence)
        assert "Nothing was charged." in shown_text(answer)
    everything = "\n".join(shown_text(m) for m in play.messages("mashups"))
    assert "Traceback" not in everything
    assert play.directory is not None
    assert list((play.directory / "bot" / "files" / "incoming").iterdir()) == []


async def test_an_empty_file_is_refused_at_once(play: Playground, songs: tuple[Path, Path]) -> None:
    act = await play.slash("mika", "mashups", "mashup", track_a=("hole.mp3", b""), track_b=songs[0])
    assert (await act.says("“hole.mp3” is empty")).ephemeral


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"title": "x" * 500}, "`title` is 500 characters long; at most 100 fit"),
        ({"engine": "napster"}, "`engine` cannot be “napster”. Choose one of: local, kie, sunoapi, apibox."),
        ({"engine": "kie"}, "The engine “kie” is not set up on this bot. Ready here: local."),
        ({"audio_weight": 0.123}, "`audio_weight` is 0.123; it goes from 0 to 1 in steps of 0.01."),
    ],
)
async def test_wrong_options_are_refused_before_anything_happens(
    play: Playground, songs: tuple[Path, Path], options: dict[str, object], sentence: str
) -> None:
    before = len(play.messages("mashups"))
    act = await play.slash("mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], **options)
    assert (await act.says(sentence)).ephemeral
    assert len(play.messages("mashups")) == before


@pytest.mark.parametrize(
    ("channel", "permission"), [("read-only", "Send Messages"), ("no-history", "Read Message History")]
)
async def test_a_channel_where_the_bot_may_not_work_is_named_at_acceptance(
    play: Playground, songs: tuple[Path, Path], channel: str, permission: str
) -> None:
    act = await play.slash("mika", channel, "mashup", track_a=songs[0], track_b=songs[1])
    answer = await act.says("I cannot post a result in this channel.")
    assert permission in shown_text(answer)
    assert play.messages(channel) == []
