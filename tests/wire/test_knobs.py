"""The knobs: each does what it says, from Python and from the page, and can be ended where it says so."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import pytest_asyncio

from bot.playground import workers
from bot.playground.knob_table import KNOBS
from tests.playground import Playground
from tests.wire.standin_bot import SmallBot


@pytest_asyncio.fixture
async def page(play: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(play.standin.url) as session:
        yield session


async def turn(page: aiohttp.ClientSession, knob: str, channel: int | None = None, **body: Any) -> dict[str, Any]:
    form = aiohttp.FormData()
    where = {} if channel is None else {"channel": str(channel)}
    form.add_field("request", json.dumps({"user": "mika", **where, **body}), filename="request")
    async with page.post(f"/page/knobs/{knob}", data=form) as answer:
        return await answer.json()


# ---- from Python


async def test_429_is_waited_for(play: Playground, lounge: discord.TextChannel) -> None:
    play.knobs.rate_limit(2, "create", seconds=0.1)
    await lounge.send("at last")
    sent = play.requests("POST", "/messages")
    assert [call.status for call in sent] == [429, 429, 200]
    assert sent[0].answer == {"message": "You are being rate limited.", "retry_after": 0.1, "global": False}


@pytest.mark.parametrize(("applied", "posted"), [(False, 0), (True, 1)])
async def test_5xx_comes_before_or_after_the_deed(
    play: Playground, lounge: discord.TextChannel, applied: bool, posted: int
) -> None:
    play.knobs.server_error(1, "create", status=503, applied=applied)
    with pytest.raises(discord.DiscordServerError):
        await lounge.send("x")
    assert len(play.messages("lounge")) == posted


@pytest.mark.parametrize(("applied", "posted"), [(False, 0), (True, 1)])
async def test_a_connection_breaks_before_or_after_the_deed(
    play: Playground, lounge: discord.TextChannel, applied: bool, posted: int
) -> None:
    play.knobs.reset(1, "create", applied=applied)
    with pytest.raises(aiohttp.ClientError):
        await lounge.send("x", file=discord.File(io.BytesIO(bytes(500_000)), "x.mp3"))
    assert len(play.messages("lounge")) == posted
    await lounge.send("the next one works")


async def test_a_fault_meets_its_own_group_only(play: Playground, lounge: discord.TextChannel) -> None:
    message = await lounge.send("x")
    play.knobs.server_error(1, "edit", status=503)
    await lounge.send("y")
    assert [m async for m in lounge.history()]
    with pytest.raises(discord.DiscordServerError):
        await message.edit(content="z")
    with pytest.raises(KeyError):
        play.knobs.reset(1, "nowhere")


async def test_slow_holds_up_and_can_be_ended(play: Playground, lounge: discord.TextChannel) -> None:
    play.knobs.slow(1.0, "create")
    started = time.monotonic()
    await lounge.send("x")
    assert time.monotonic() - started >= 1.0
    play.knobs.slow(0)
    started = time.monotonic()
    await lounge.send("y")
    assert time.monotonic() - started < 1.0


async def test_a_channel_is_closed_for_everything(play: Playground, lounge: discord.TextChannel) -> None:
    message = await lounge.send("x")
    play.knobs.forbid("lounge", 50013)
    for attempt in (lounge.send("y"), message.edit(content="y"), lounge.fetch_message(message.id)):
        with pytest.raises(discord.Forbidden) as refused:
            await attempt
        assert refused.value.code == 50013
    play.knobs.forbid("lounge", 0)
    await lounge.send("y")


async def test_an_interaction_can_arrive_too_late(play: Playground, bot: SmallBot) -> None:
    play.knobs.late_ack()
    act = await (await play.slash("mika", "lounge", "late")).answered(1)
    assert act.failed
    await play.wait_for(lambda: "code 10062" in bot.seen)
    await (await play.slash("mika", "lounge", "late")).says("too late")


async def test_tokens_expire_all_at_once_or_after_the_next_answer(play: Playground, bot: SmallBot) -> None:
    def webhook(token: str) -> discord.Webhook:
        return discord.Webhook.partial(play.world.application_id, token, client=bot)

    first = await (await play.slash("sam", "lounge", "settings show")).answered()
    await webhook(first.interaction.token).send("still good")
    play.knobs.expire_tokens()
    play.knobs.void_next_tokens()
    second = await (await play.slash("sam", "lounge", "settings show")).answered()
    for act in (first, second):
        with pytest.raises(discord.HTTPException) as over:
            await webhook(act.interaction.token).send("x")
        assert (over.value.status, over.value.code) == (401, 50027)


async def test_links_expire_and_can_be_renewed(
    play: Playground, bot: SmallBot, lounge: discord.TextChannel
) -> None:
    message = await lounge.send(file=discord.File(io.BytesIO(b"x"), "x.mp3"))
    play.knobs.expire_links()
    with pytest.raises(discord.NotFound):
        await message.attachments[0].read()
    assert await (await lounge.fetch_message(message.id)).attachments[0].read() == b"x"


async def test_calm_ends_everything_that_can_be_ended(play: Playground, bot: SmallBot) -> None:
    knobs = play.knobs
    knobs.rate_limit(5)
    knobs.slow(9)
    knobs.forbid("lounge")
    knobs.late_ack()
    knobs.void_next_tokens()
    knobs.claim_size(1 << 30)
    knobs.buckets("off")
    knobs.boost(3)
    knobs.nonce_window(1)
    knobs.close_direct("mika")
    knobs.remove_bot()
    await knobs.calm()
    assert [knob.id for knob in KNOBS.values() if knob.state(knobs)] == []
    await (await play.slash("sam", "lounge", "settings show")).says("manages=True")


# ---- from the page


async def test_the_page_gets_every_knob_with_what_it_asks_for(page: aiohttp.ClientSession) -> None:
    async with page.get("/page/knobs") as answer:
        knobs = {knob["id"]: knob for knob in (await answer.json())["knobs"]}
    assert list(knobs) == list(KNOBS)
    assert {knob["group"] for knob in knobs.values()} == {"Requests", "Connection", "Server", "Time", "Bot"}
    assert [a["name"] for a in knobs["rate-limit"]["arguments"]] == ["count", "where", "seconds"]
    assert not knobs["restart-bot"]["available"]
    assert knobs["restart-bot"]["why"] == "The bot is not a process of its own here."


CHANGES: dict[str, dict[str, Any]] = {
    "rate-limit": {"count": 3},
    "server-error": {"status": "502", "applied": "yes"},
    "reset": {},
    "slow": {"seconds": 2, "where": "history"},
    "forbid": {"code": "50013"},
    "buckets": {"mode": "off"},
    "late-ack": {},
    "expire-tokens": {"which": "next"},
    "claim-size": {"mebibytes": 300},
    "remove-permission": {"permission": "ATTACH_FILES"},
    "slow-mode": {"seconds": 20},
    "upload-limit": {"level": "3"},
    "close-direct": {},
    "remove-bot": {},
    "nonce-window": {"seconds": 5},
}


@pytest.mark.parametrize("knob", CHANGES)
async def test_what_is_turned_shows_and_can_be_ended(
    play: Playground, page: aiohttp.ClientSession, knob: str
) -> None:
    turned = await turn(page, knob, play.world.channel("lounge").id, arguments=CHANGES[knob])
    shown = {one["id"]: one for one in turned["knobs"]}[knob]
    assert (shown["active"], shown["can_end"]) == (True, True)
    assert shown["value"] in turned["said"]
    ended = {one["id"]: one for one in (await turn(page, knob, off=True))["knobs"]}[knob]
    assert (ended["active"], ended["value"]) == (False, "")


async def test_deeds_without_a_way_back(
    play: Playground, bot: SmallBot, lounge: discord.TextChannel, page: aiohttp.ClientSession
) -> None:
    message = await lounge.send("doomed", file=discord.File(io.BytesIO(b"x"), "x.mp3"))
    await turn(page, "expire-links")
    with pytest.raises(discord.NotFound):
        await message.attachments[0].read()
    assert "deleted" in (await turn(page, "delete-message", lounge.id))["said"]
    assert message.id not in play.world.messages
    assert "gone" in (await turn(page, "delete-channel", lounge.id))["said"]
    assert lounge.id not in play.world.guild.channels
    before = play.world.clock.now()
    assert "16 minutes later" in (await turn(page, "clock"))["said"]
    assert play.world.clock.now() - before >= 16 * 60
    for how in ("dropped", "reconnect"):
        resumed = play.standin.gateway.resumed
        await turn(page, "drop-gateway", arguments={"how": how})
        await play.wait_for(lambda resumed=resumed: play.standin.gateway.resumed > resumed)


@pytest.mark.parametrize(
    ("knob", "body", "error", "field"),
    [
        ("nothing", {}, "There is no such knob.", ""),
        ("rate-limit", {"arguments": {"count": 99}}, "How many: type a number from 1 to 50.", "count"),
        ("rate-limit", {"arguments": {"count": "x"}}, "How many: type a number from 1 to 50.", "count"),
        ("slow", {"arguments": {"where": "x"}}, "Which: choose one of the list.", "where"),
        ("delete-channel", {"arguments": {"channel": "5"}}, "That channel is gone.", "channel"),
        ("thread", {"arguments": {"how": "lock"}}, "That is no thread.", "channel"),
        ("delete-message", {}, "The bot has no message in this channel.", "message"),
        ("clock", {"off": True}, "This cannot be taken back.", ""),
        ("restart-bot", {}, "The bot is not a process of its own here.", ""),
    ],
)
async def test_wrong_wishes_get_a_sentence(
    page: aiohttp.ClientSession, knob: str, body: dict[str, Any], error: str, field: str
) -> None:
    assert await turn(page, knob, **body) == {"error": error, "field": field}


async def test_other_sites_cannot_turn_knobs(page: aiohttp.ClientSession) -> None:
    async with page.post("/page/knobs/calm", headers={"Origin": "https://elsewhere.example"}) as answer:
        assert answer.status == 403


async def test_open_pages_hear_of_every_turn(
    play: Playground, bot: SmallBot, lounge: discord.TextChannel, page: aiohttp.ClientSession
) -> None:
    async with page.ws_connect("/page/events?user=mika") as events:
        assert (await events.receive_json(timeout=20))["bot"]["in_guild"] is True
        play.knobs.rate_limit(1, "create", seconds=0.1)
        heard = await events.receive_json(timeout=20)
        assert [k["value"] for k in heard["knobs"] if k["id"] == "rate-limit"] == ["1 more"]
        await lounge.send("x")
        heard = await events.receive_json(timeout=20)
        assert [k["value"] for k in heard["knobs"] if k["id"] == "rate-limit"] == [""]
        assert (await events.receive_json(timeout=20))["type"] == "message"
        play.knobs.boost(2)
        assert {(await events.receive_json(timeout=20))["type"] for _ in range(2)} == {"scene", "knobs"}


# ---- the bot's process


@pytest.mark.skipif(not workers.POSSIBLE, reason="needs /proc")
async def test_a_hold_stops_what_is_below_a_process_and_ends_with_its_time_or_the_process(play: Playground) -> None:
    busy = "import time\\nwhile True: time.sleep(0.01)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{busy}'])"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, start_new_session=True)
    ended: list[bool] = []
    hold = workers.Hold(lambda: ended.append(True))
    try:
        [child] = await play.wait_for(lambda: workers.below(parent.pid))
        await hold.start(parent.pid, 0.4)
        await play.wait_for(lambda: state_of(child) == "T")
        assert state_of(parent.pid) != "T"
        await play.wait_for(lambda: state_of(child) != "T")
        await play.wait_for(lambda: not hold.active)
        await play.wait_for(lambda: ended)
        await hold.start(parent.pid, 60)
        os.killpg(parent.pid, signal.SIGKILL)
        await parent.wait()
        await play.wait_for(lambda: not hold.active)
        await play.wait_for(lambda: len(ended) == 2)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        await parent.wait()
        await hold.end()


def state_of(pid: int) -> str:
    """As /proc tells it: T is stopped, Z is dead; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


STARTER = """
import os, subprocess, sys
own = str(os.getpid()) if len(sys.argv) > 2 else ""
child = subprocess.Popen([sys.executable, "-m", *(one or own for one in sys.argv[1:])])
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends a child with its parent")
@pytest.mark.parametrize(("way", "survives"), [(["bot.playground.keeper", ""], False), ([], True)])
def test_a_kept_process_dies_with_its_starter_however_that_ends(
    tmp_path: Path, way: list[str], survives: bool
) -> None:
    there = tmp_path / "there"
    (tmp_path / "sleeper.py").write_text(
        f"import pathlib, time; pathlib.Path({str(there)!r}).touch(); time.sleep(30)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    command = [sys.executable, "-c", STARTER, *way, "sleeper"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        assert within(10, there.exists)
        starter.kill()
    try:
        assert within(0.5 if survives else 10, lambda: state_of(child) in ("", "Z")) is not survives
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def within(seconds: float, predicate: Callable[[], bool]) -> bool:
    ends = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True
