"""`/privacy`: what is kept is told, and forgotten at one's wish, on the server and in direct messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.playground.errors import MemberError
from bot.playground.world import Channel
from tests.playground import Playground, shown_text
from tests.story.told import Told, log_of, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_everybody_may_know_what_is_kept_and_for_how_long(play: Playground) -> None:
    act = await play.slash("noor", "mashups", "privacy show")
    said = await act.says("What I keep of you")
    assert said.ephemeral
    words = shown_text(said)
    assert "0 now." in words
    assert "goes 90 days after it ended" in words
    assert "after 30 days, my copies of your files after 7 days" in words
    assert "PRIVACY.md" in words


async def test_it_works_in_direct_messages_where_nothing_else_does(play: Playground) -> None:
    said = await (await play.slash("noor", "@noor", "privacy show")).says("What I keep of you")
    assert said.ephemeral
    with pytest.raises(MemberError, match="may not use"):
        await play.slash("noor", "@noor", "quota status")


async def test_nothing_is_forgotten_without_a_yes(play: Playground, ask: Any, room: Channel) -> None:
    told: Told = await ask("noor")
    await told.reaches("done")
    act = await play.slash("noor", room.name, "privacy forget")
    question = await act.says("cannot be undone")
    assert question.ephemeral
    await (await play.click("noor", question, "Keep everything")).says("Nothing was changed.")
    assert act.original is not None
    assert not act.original.components
    assert told.job()["member"] == str(play.world.person("noor").id)


async def test_a_member_is_forgotten_and_others_are_not(play: Playground, ask: Any, room: Channel) -> None:
    mika = str(play.world.person("mika").id)
    await (await play.slash("mika", room.name, "jobs dm", results="on")).says("by direct message")
    told: Told = await ask("mika", title="Night Drive")
    await told.reaches("done")
    await play.wait_for(lambda: len(play.messages(room.name)) == 2)
    job = told.job()["id"]
    hashes = [row["hash"] for row in rows(play, "SELECT hash FROM file_refs WHERE owner = ?", f"job:{job}")]
    assert hashes
    words = shown_text(await (await play.slash("mika", room.name, "privacy show")).says("What I keep"))
    assert "1 now." in words
    assert "by direct message" in words

    question = await (await play.slash("mika", "@mika", "privacy forget")).says("cannot be undone")
    said = await (await play.click("mika", question, "Forget me")).says("You are forgotten.")
    assert "under your name until <t:" in shown_text(said)
    await play.wait_for(lambda: play.messages(room.name) == [], 20)
    await play.wait_for(lambda: not rows(play, "SELECT 1 FROM posts WHERE subject = ?", f"job:{job}"), 20)
    left = told.job()
    assert left["member"].startswith("former-")
    assert json.loads(left["request"])["title"] == ""
    assert [
        r["account"] for r in rows(play, "SELECT account FROM ledger WHERE job = ?", job) if mika in r["account"]
    ]
    assert rows(play, "SELECT 1 FROM members") == []
    assert rows(play, "SELECT 1 FROM tracks WHERE job = ?", job) == []
    assert not rows(play, "SELECT 1 FROM file_refs WHERE owner = ? AND expires_at > 9e12", f"job:{job}")

    seen = shown_text(await (await play.slash("sam", room.name, "jobs list", everyone=True)).says("on this server"))
    assert "a former member" in seen
    assert "Night Drive" not in seen
    assert "Noor" in seen or str(play.world.person("noor").id) in seen
    await (await play.slash("mika", room.name, "jobs get", job=job)).says("is not yours")
    await (await play.slash("sam", room.name, "jobs get", job=job)).says("no longer kept")


async def test_what_is_under_way_is_called_off_and_the_jobs_of_others_go_on(
    play: Playground, ask: Any, room: Channel, short_songs: tuple[Path, Path]
) -> None:
    mine: Told = await ask("mika", title="Night Drive")
    await mine.act.says("On it.")
    theirs = await play.slash("noor", "lounge", "mashup", track_a=short_songs[0], track_b=short_songs[1])
    await theirs.says("On it.")
    question = await (await play.slash("mika", room.name, "privacy forget")).says("cannot be undone")
    await (await play.click("mika", question, "Forget me")).says("You are forgotten.")
    await mine.reaches("cancelled", "done")
    await play.wait_for(lambda: play.messages(room.name) == [], 20)
    await play.wait_for(lambda: [m for m in play.messages("lounge") if m.attachments], 90)
    assert play.messages(room.name) == []
    assert "Night Drive" not in log_of(play)


async def test_leaving_and_coming_back_is_noted(play: Playground) -> None:
    guild = str(play.world.guild.id)
    play.knobs.places.remove_bot()
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM departures WHERE guild = ?", guild), 10)
    play.knobs.places.invite_bot()
    await play.wait_for(lambda: not rows(play, "SELECT 1 FROM departures"), 10)
