"""`/quota`: what members are told, what moderators decide, and that it holds, with a hosted engine."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.database import Database
from bot.guilds.guild import GuildSettings
from bot.guilds.store import keep_settings
from bot.playground.music import Music
from bot.playground.world import Message
from tests.playground import Act, Playground, shown_text
from tests.story.told import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOM = "mashups"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    """A bot with two units a day for each member, on a server that announces changes in #lounge."""
    music = Music()
    music.knobs.callbacks = "lost"
    await music.start()
    async with Playground(tmp_path_factory.mktemp("quota")) as playground:
        await _choose(playground)
        settings: dict[str, Any] = {
            **music.settings("kie"),
            "TWODECK_DOWNLOAD_HOSTS": f"{playground.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": "127.0.0.1:0",
            "TWODECK_POLL_SECONDS": "0.3",
            "TWODECK_QUOTA_MEMBER_DAY": "2",
        }
        await playground.start_bot(**settings)
        yield playground
        log = (playground.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]
    await music.close()


async def _choose(play: Playground) -> None:
    """What the server chose in an earlier life of the bot."""
    assert play.directory is not None
    db = Database(play.directory / "bot" / "twodeck.db")
    await db.open()
    settings = GuildSettings(log_channel=str(play.world.channel("lounge").id))
    await db.work(lambda tx: keep_settings(tx, str(play.world.guild.id), settings, 0))
    await db.close()


@pytest.fixture
def ask(play: Playground, short_songs: tuple[Path, Path]) -> Any:
    """`await ask("mika")` orders a mashup by kie; `done` waits for its end."""

    async def order(member: str, *, done: bool = False, engine: str = "kie") -> Act:
        tracks = {"track_a": short_songs[0], "track_b": short_songs[1]}
        act = await play.slash(member, ROOM, "mashup", **tracks, engine=engine, style="dub", prompt="la la")
        if done:
            job = shown_text(await act.says("On it.")).rsplit("Job `", 1)[1][:12]
            await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE id = ? AND state = 'done'", job), 40)
        return act

    return order


async def told(play: Playground, who: str, command: str, words: str, **options: Any) -> Message:
    people = {name: play.world.person(options[name]) for name in ("member", "by") if name in options}
    answer = await (await play.slash(who, ROOM, f"quota {command}", **{**options, **people})).says(words)
    assert answer.ephemeral
    return answer


async def sure(play: Playground, who: str, command: str, asked: str, words: str, **options: Any) -> Message:
    """Give a command, say Yes."""
    answer = await told(play, who, command, asked, **options)
    return await (await play.click(who, answer, "Yes, do it")).says(words)


def announced(play: Playground, words: str) -> list[str]:
    return [text for message in play.messages("lounge") if words in (text := shown_text(message))]


async def test_a_member_reads_what_is_left_everywhere_it_matters(play: Playground, ask: Any) -> None:
    fresh = shown_text(await told(play, "mika", "status", "You have 2 of 2 left today; the next 2 come <t:"))
    assert "`██████████`" in fresh
    assert "Your last jobs" not in fresh
    first = shown_text(await (await ask("mika", done=True)).says("You have 1 of 2 left today; the next 2 come <t:"))
    job = first.rsplit("Job `", 1)[1][:12]
    await ask("mika", done=True)
    act = await ask("mika")
    await act.says("You have 0 of 2 left today, and this takes 1. Your next 2 come <t:")
    later = shown_text(await told(play, "mika", "status", "You have 0 of 2 left"))
    assert "`░░░░░░░░░░`" in later
    assert f"`{job}` <t:" in later
    assert later.count("1 unit, used") == 2
    assert "Right now" not in later, "the default engine is free"


async def test_local_work_is_free_where_nothing_is_left(play: Playground, ask: Any) -> None:
    act = await ask("mika", engine="local", done=True)
    assert act.original is not None
    assert "left today" not in shown_text(act.original)


async def test_units_are_granted_once_and_announced(play: Playground, ask: Any) -> None:
    mika = play.world.person("mika")
    words = f"<@{mika.id}> has 1 more to use, once. That ends: <t:"
    await told(play, "sam", "grant", words, member="mika", units=1, reason="won the contest", hours=2)
    await told(play, "mika", "status", "You have 1 left today, 1 of them granted on top of your 2")
    await ask("mika", done=True)
    await (await ask("mika")).says("You have 0 of 2 left")
    sam = play.world.person("sam")
    line = f"<@{sam.id}> gave <@{mika.id}> 1 on top, once; that ends: <t:"
    await play.wait_for(lambda: announced(play, line), 20)
    assert len(announced(play, "won the contest")) == 1


async def test_rules_for_roles_and_members_hold_at_once(play: Playground, ask: Any) -> None:
    everyone = str(play.world.guild.id)
    await told(play, "sam", "set role", "It holds from now on", role=everyone, rule="raise", units=4)
    await told(play, "mika", "status", "You have 2 of 4 left")
    await told(play, "sam", "set role", "It holds from now on", role=everyone, rule="add", units=1)
    await told(play, "mika", "status", "You have 1 of 3 left")
    await told(play, "sam", "set member", "It holds from now on", member="mika", rule="limit", units=1)
    await told(play, "mika", "status", "You have 0 of 1 left")
    await told(play, "sam", "set member", "It holds from now on", member="mika", rule="exempt")
    await told(play, "mika", "status", "You have no limit of your own here; 2 used so far.")
    await told(play, "sam", "set member", "It holds from now on", member="mika", rule="none")
    await told(play, "sam", "set role", "It holds from now on", role=everyone, rule="none")
    await told(play, "mika", "status", "You have 0 of 2 left")


async def test_a_reset_is_asked_about_and_done_once(play: Playground) -> None:
    mika = play.world.person("mika")
    question = await told(play, "sam", "reset", f"Forget what <@{mika.id}> used in this window?", member="mika")
    await told(play, "mika", "status", "You have 0 of 2 left")
    await (await play.click("sam", question, "Yes, do it")).says(f"Forgotten: 2 used by <@{mika.id}>.")
    await (await play.click("sam", question, "Yes, do it")).says("That question is over")
    await told(play, "mika", "status", "You have 2 of 2 left")


async def test_limits_of_the_server_hold_in_a_longer_window(play: Playground) -> None:
    week = {"window": "week", "member_units": 9, "server_units": 1}
    await told(play, "sam", "set guild", "in a week 9 units for each member and 1 for the server", **week)
    said = shown_text(await told(play, "noor", "status", "You have 9 of 9 left this week"))
    assert "of 1 left this week" in said
    await told(
        play, "sam", "set guild", "What holds now", window="day", member_units=2, server_units=50, cooldown=0
    )
    await told(play, "noor", "status", "You have 2 of 2 left today")
    await play.wait_for(lambda: announced(play, "changed `period` from `day` to `week`"), 20)


async def test_a_block_names_its_reason_and_its_end(play: Playground, ask: Any) -> None:
    noor = play.world.person("noor")
    asked, done = f"Block <@{noor.id}> from using this bot here?", f"<@{noor.id}> is blocked. That ends: <t:"
    await sure(play, "sam", "block", asked, done, member="noor", reason="too *loud*", hours=1)
    refused = shown_text(await (await ask("noor")).says("blocked you from using this bot; that ends <t:"))
    assert "too \\*loud\\*" in refused
    await told(play, "sam", "unblock", "may use this bot here again", member="noor")
    await told(play, "sam", "unblock", "was not blocked", member="noor")
    await told(play, "noor", "status", "You have 2 of 2 left")


async def test_a_pause_stops_the_server_until_it_is_resumed(play: Playground, ask: Any) -> None:
    await sure(play, "sam", "pause", "Pause this bot on the whole server?", "Paused.")
    await (await ask("noor")).says("have paused the bot")
    assert "Right now: The moderators" in shown_text(await told(play, "noor", "status", "Your quota"))
    await play.restart_bot()
    await (await ask("noor")).says("have paused the bot")
    await told(play, "sam", "resume", "are taken again")
    await ask("noor", done=True)


async def test_the_whole_gate_is_explained_without_spending(play: Playground) -> None:
    before = rows(play, "SELECT count(*) AS n FROM ledger")[0]["n"]
    text = shown_text(await told(play, "sam", "explain", "could ask here now", member="noor", engine="kie"))
    assert text.count("\n✓") == 13
    assert "1 of 2 units left today; this takes 1." in text
    assert "0 of 5,000 of theirs on the way." in text
    await told(play, "sam", "set guild", "What holds now", member_running=1, cooldown=3600)
    text = shown_text(await told(play, "sam", "explain", "would be refused", member="noor", engine="kie"))
    assert "✗ 3,600 seconds have to pass" in text
    assert rows(play, "SELECT count(*) AS n FROM ledger")[0]["n"] == before
    await told(play, "sam", "set guild", "What holds now", cooldown=0)


async def test_use_is_shown_with_a_chart(play: Playground) -> None:
    from PIL import Image

    answer = await told(play, "sam", "show", "4 units by 5 jobs in 14 days.")
    mika, noor = play.world.person("mika"), play.world.person("noor")
    assert f"1. <@{mika.id}>: 3" in shown_text(answer)
    assert f"2. <@{noor.id}>: 1" in shown_text(answer)
    (chart,) = [*answer.attachments, *answer.embedded]
    with Image.open(io.BytesIO(play.read(chart))) as picture:
        assert picture.format == "PNG"
        assert picture.size == (1200, 560)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or []}
        assert (47, 128, 214) in colours


async def test_the_exported_ledger_adds_up(play: Playground) -> None:
    answer = await told(play, "sam", "export", "The ledger of the last 31 days")
    (file,) = answer.attachments
    found = list(csv.DictReader(io.StringIO(play.read(file).decode("utf-8-sig"))))
    guild = str(play.world.guild.id)
    used = sum(int(row["units"]) for row in found if (row["account"], row["kind"]) == ("guild", "settle"))
    (balance,) = rows(play, "SELECT sum(used) AS used FROM balance WHERE account = ?", f"guild:{guild}")
    assert used == balance["used"] == 4
    mika = str(play.world.person("mika").id)
    assert {row["account"] for row in found if row["subject"] == mika} == {"member", "grant"}
    assert [row["units"] for row in found if row["kind"] == "reset"] == ["2"]


async def test_the_log_has_every_change_and_can_be_narrowed(play: Playground) -> None:
    first = shown_text(await told(play, "sam", "log", "What moderators changed"))
    assert "older ones: page 2" in first
    oldest = shown_text(await told(play, "sam", "log", "What moderators changed", page=3))
    assert "1 on top, once" in oldest
    assert "older ones" not in oldest
    noor = shown_text(await told(play, "sam", "log", "What moderators changed", member="noor"))
    assert "too \\*loud\\*" in noor
    assert "unblocked" in noor
    assert "on top" not in noor
    nobody = await told(play, "sam", "log", "Nothing yet.", by="mika")
    assert "changed from" not in shown_text(nobody)


async def test_each_announcement_appeared_once(play: Playground) -> None:
    waiting = "SELECT 1 FROM posts WHERE purpose = 'log' AND state != 'sent'"
    await play.wait_for(lambda: not rows(play, waiting), 20)
    posted = rows(play, "SELECT id FROM posts WHERE purpose = 'log'")
    texts = [shown_text(message) for message in play.messages("lounge")]
    assert len(posted) == len(texts)
    assert all(sum(row["id"] in text for text in texts) == 1 for row in posted)
