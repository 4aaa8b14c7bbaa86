"""A private mashup: card and result in the answer that only its member sees, and what follows when that is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.playground import Playground, shown_text
from tests.story.test_mashup import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ended(play: Playground, job: str) -> str | None:
    await play.wait_for(lambda: rows(play, f"SELECT 1 FROM jobs WHERE id = '{job}' AND state = 'done'"), 60)
    return rows(play, f"SELECT how FROM jobs WHERE id = '{job}'")[0]["how"]


def job_of(text: str) -> str:
    return text.rsplit("Job `", 1)[1][:12]


async def test_card_and_result_are_in_the_answer_and_nothing_in_the_channel(
    play: Playground, songs: tuple[Path, Path]
) -> None:
    act = await play.slash(
        "mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], private=True, title="Between us"
    )
    job = job_of(shown_text(await act.says("for your eyes only")))
    assert await ended(play, job) == "answer"
    await asyncio.sleep(2.5)  # a card that is drawn every second would have taken the place of the result
    answer = act.original
    assert answer is not None
    assert answer.ephemeral
    assert len(answer.attachments) == 2
    assert "Between us" in shown_text(answer)
    assert "Cancel" not in shown_text(answer), "its job is done"
    edits = play.requests("PATCH", "/messages/@original")
    assert any(b"Cancel" in str(call.body).encode() for call in edits), "the card had its button"
    assert play.messages("mashups") == []
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM posts WHERE purpose = 'answer' AND state = 'sent'"), 5)


async def test_a_fault_of_a_private_job_is_told_in_the_answer(play: Playground, songs: tuple[Path, Path]) -> None:
    act = await play.slash(
        "mika", "mashups", "mashup", track_a=songs[0], track_b=("secret name.mp3", b"no song" * 99), private=True
    )
    answer = await act.says("did not work out", 30)
    assert answer.ephemeral
    assert "is not audio" in shown_text(answer)
    assert play.messages("mashups") == []


async def test_others_learn_nothing_of_it(play: Playground, songs: tuple[Path, Path]) -> None:
    job = rows(play, "SELECT id FROM jobs WHERE state = 'done' LIMIT 1")[0]["id"]
    await (await play.slash("noor", "mashups", "jobs get", job=job)).says("is not yours")
    await (await play.slash("sam", "mashups", "jobs get", job=job)).says("is not yours")
    seen = shown_text(await (await play.slash("sam", "mashups", "jobs list", everyone=True)).says("on this server"))
    assert "(a private mashup)" in seen
    assert "Between us" not in seen
    assert "secret" not in seen
    own = shown_text(await (await play.slash("mika", "mashups", "jobs list")).says("Your mashups"))
    assert "Between us" in own
    assert "“secret_name.mp3” is not audio" in own.replace("\\", "")


async def test_without_the_answer_a_word_in_the_channel_says_nothing_of_it(
    play: Playground, songs: tuple[Path, Path]
) -> None:
    mika = play.world.person("mika")
    mika.locale = "de"  # others read the word too, so it is in the server's language
    act = await play.slash(
        "mika", "lounge", "mashup", track_a=songs[1], track_b=songs[0], private=True, title="Our secret"
    )
    job = shown_text(await act.says("Auftrag `")).rsplit("Auftrag `", 1)[1][:12]
    mika.locale = "en-US"
    play.knobs.expire_tokens()
    assert await ended(play, job) == "kept"
    (word,) = play.messages("lounge")
    assert word.content.startswith(f"<@{mika.id}> what you asked for is ready.")
    assert "Our secret" not in shown_text(word)
    assert not word.attachments
    again = await (await play.slash("mika", "lounge", "jobs get", job=job)).says("Here it is again.")
    assert again.ephemeral
    assert len(again.attachments) == 2


async def test_with_direct_messages_on_it_comes_there(play: Playground, songs: tuple[Path, Path]) -> None:
    await (await play.slash("mika", "lounge", "jobs dm", results="on")).says("now come by direct message")
    before = len(play.messages("lounge"))
    act = await play.slash("mika", "lounge", "mashup", track_a=songs[1], track_b=songs[0], private=True)
    job = job_of(shown_text(await act.says("for your eyes only")))
    play.knobs.expire_tokens()
    assert await ended(play, job) == "direct"
    (direct,) = play.messages("@mika")
    assert len(direct.attachments) == 2
    assert len(play.messages("lounge")) == before


async def test_closed_direct_messages_leave_the_word_in_the_channel(
    play: Playground, songs: tuple[Path, Path]
) -> None:
    before = len(play.messages("lounge"))
    act = await play.slash("mika", "lounge", "mashup", track_a=songs[1], track_b=songs[0], private=True)
    job = job_of(shown_text(await act.says("for your eyes only")))
    play.knobs.expire_tokens()
    play.knobs.close_direct(play.world.person("mika"))
    assert await ended(play, job) == "kept"
    assert len(play.messages("lounge")) == before + 1
    await (await play.slash("mika", "lounge", "jobs dm", results="off")).says("No direct messages")


async def test_a_moderator_deletes_a_result_with_a_reason(play: Playground, songs: tuple[Path, Path]) -> None:
    before = len(play.messages("mashups"))
    await (await play.slash("noor", "mashups", "mashup", track_a=songs[0], track_b=songs[1])).says("On it.")
    await play.wait_for(lambda: any(len(m.attachments) == 2 for m in play.messages("mashups")[before:]), 60)
    job = rows(play, "SELECT id FROM jobs ORDER BY created_at DESC LIMIT 1")[0]["id"]
    await ended(play, job)
    why = "That is *our* anthem"
    await (await play.slash("mika", "mashups", "jobs delete", job=job, reason=why)).says("is not yours")
    offers = await play.autocomplete("sam", "mashups", "jobs delete", "job", job="")
    assert job in [offer["value"] for offer in offers]
    await (await play.slash("sam", "mashups", "jobs delete", job=job, reason=why)).says("Deleted")
    await play.wait_for(lambda: not any(len(m.attachments) == 2 for m in play.messages("mashups")[before:]), 10)
    refused = await (await play.slash("noor", "mashups", "jobs get", job=job)).says("A moderator deleted")
    assert "our" in shown_text(refused)
    listed = await (await play.slash("noor", "mashups", "jobs list")).says("Your mashups")
    assert "deleted by a moderator" in shown_text(listed)
    sam = play.world.person("sam")
    written = rows(play, "SELECT * FROM audit")
    assert [(row["actor"], row["subject"], row["reason"]) for row in written] == [(str(sam.id), f"job:{job}", why)]
    kept = rows(play, f"SELECT max(expires_at) AS at FROM file_refs WHERE owner = 'job:{job}'")[0]["at"]
    assert kept <= rows(play, "SELECT max(at) AS at FROM audit")[0]["at"]
