"""The main job: two files go in, two mashups come back, and the requester is told."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf

from bot.playground.world import Message
from tests.playground import Playground, shown_text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def result(play: Playground, member: str, before: int = 0, channel: str = "mashups") -> Message:
    """Wait for the next message with two tracks."""
    mention = f"<@{play.world.person(member).id}>"

    def found() -> Message | None:
        messages = play.messages(channel)[before:]
        return next((m for m in messages if len(m.attachments) == 2 and m.content.startswith(mention)), None)

    return await play.wait_for(found, 60)


def rows(play: Playground, sql: str) -> list[sqlite3.Row]:
    """Read the bot's database beside the running bot."""
    assert play.directory is not None
    connection = sqlite3.connect(f"file:{play.directory / 'bot' / 'twodeck.db'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def play_url(embed: dict[str, Any]) -> bool:
    """Whether an embed shows a waveform picture from the stand-in's own file server."""
    return "/wave-" in embed["image"]["url"]


async def test_two_files_become_two_mashups(play: Playground, songs: tuple[Path, Path]) -> None:
    act = await play.slash(
        "mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], style="dub", prompt="rain @everyone"
    )
    accepted = await act.says("On it.")
    assert accepted.ephemeral
    posted = await result(play, "mika")
    card = play.messages("mashups")[0]
    await play.wait_for(lambda: "Done" in shown_text(card), 10)
    assert len(play.requests("PATCH", f"/messages/{card.id}")) >= 2, "the card showed no progress"

    assert card.nonce != posted.nonce
    text = shown_text(posted)
    assert "first song × second song" in text
    assert "BPM" in text
    assert "B is the bed, A leads" in text
    assert "`style`" in text
    assert [a.filename.rsplit(".")[-1] for a in posted.attachments] == ["mp3", "mp3"]
    for attachment in posted.attachments:
        samples, rate = sf.read(io.BytesIO(play.read(attachment)))
        assert rate == 44100
        assert abs(samples).max() > 0.2
    assert [play_url(e) for e in posted.embeds] == [True, True]
    bodies = [str(c.body) for c in play.requests("POST", "/messages")]
    assert all("'parse': []" in body for body in bodies)


async def test_the_job_walked_its_states_and_kept_its_files(play: Playground) -> None:
    job = rows(play, "SELECT * FROM jobs ORDER BY created_at LIMIT 1")[0]
    assert (job["state"], job["how"], job["owner"], job["attempts"]) == ("done", "channel", None, 1)
    assert {row["purpose"]: row["state"] for row in rows(play, "SELECT * FROM posts")} == {
        "card": "sent",
        "result": "sent",
    }
    assert len(rows(play, "SELECT * FROM file_refs")) == 6
    assert len(json.loads(job["report"])["tracks"]) == 2
    assert play.directory is not None
    assert list((play.directory / "bot" / "jobs").iterdir()) == []
    assert list((play.directory / "bot" / "files" / "incoming").iterdir()) == []


async def test_the_title_is_used_and_the_same_file_twice_is_said(
    play: Playground, songs: tuple[Path, Path]
) -> None:
    before = len(play.messages("lounge"))
    await play.slash("noor", "lounge", "mashup", track_a=songs[0], track_b=songs[0], title="Twice *Me*")
    posted = await result(play, "noor", before, "lounge")
    assert "Twice \\*Me\\*" in shown_text(posted)
    card = play.messages("lounge")[before]
    await play.wait_for(lambda: "same file" in shown_text(card), 10)
    assert b"Twice *Me*" in play.read(posted.attachments[0])[:400]


async def test_engine_and_model_suggest_what_is_there(play: Playground) -> None:
    offers = await play.autocomplete("mika", "mashups", "mashup", "engine", engine="lo")
    assert [offer["value"] for offer in offers] == ["local"]
    assert await play.autocomplete("mika", "mashups", "mashup", "model", engine="local", model="") == []


async def test_a_killed_bot_delivers_exactly_one_result(play: Playground, songs: tuple[Path, Path]) -> None:
    before = len(play.messages("mashups"))
    await play.slash("noor", "mashups", "mashup", track_a=songs[1], track_b=songs[0])
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE state = 'submitted'"), 20)
    assert play.bot is not None
    await play.bot.kill()
    await play.start_bot()
    await result(play, "noor", before)
    await play.wait_for(lambda: not rows(play, "SELECT 1 FROM jobs WHERE state != 'done'"), 10)
    assert len([m for m in play.messages("mashups")[before:] if m.attachments]) == 1
    assert rows(play, "SELECT max(attempts) AS most FROM jobs")[0]["most"] == 2


async def test_an_unchanged_bot_does_not_sync_again(play: Playground) -> None:
    assert len(play.requests("PUT", "/commands")) == 1
