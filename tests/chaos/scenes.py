"""What is played around a struck failpoint: the shortest stories that together reach every one of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot import control
from bot.playground.errors import MemberError
from bot.playground.world import Message
from tests.chaos.contest_scene import contests
from tests.chaos.history import query
from tests.chaos.stage import Stage

_STEP_SECONDS = 20.0
_SWEEP_SECONDS = 1.5
"""For what upkeep does after its backup."""
_MENU = "Use in a mashup"


@dataclass(frozen=True)
class Scene:
    """`before` is played by an unarmed bot, which then dies; `act` by one that was started with `arguments`."""

    name: str
    act: Callable[[Stage], Awaitable[None]]
    before: Callable[[Stage], Awaitable[None]] | None = None
    arguments: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


async def hosted(stage: Stage) -> None:
    """One mashup by a hosted engine."""
    await stage.ask("kie")


async def local(stage: Stage) -> None:
    """One mashup by the embedded engine."""
    await stage.ask("local")


async def vocals(stage: Stage) -> None:
    """Another operation, with its words in a file."""
    await stage.ask("kie", vocals=True)


async def lost_answer(stage: Stage) -> None:
    """The create is taken and its answer lost; only a callback can tell of it."""
    stage.band.knobs.create = "reset"
    await stage.ask("sunoapi")


async def private(stage: Stage) -> None:
    """A mashup for the asker's eyes only, in the answer."""
    await stage.ask("kie", private=True)


async def direct(stage: Stage) -> None:
    """A private mashup whose answer is gone: it comes by direct message, for who wants that."""
    await _command(stage, "jobs dm", results="on")
    stage.band.knobs.stage_seconds = 0.5
    await stage.ask("kie", private=True, member="mika", answered=True)
    await stage.wait_for(lambda: stage.band.creates, _STEP_SECONDS)
    stage.play.knobs.expire_tokens()


async def commands(stage: Stage) -> None:
    """What a member and a moderator may do with a finished job, and with one that runs."""
    for option in ("engine", "model"):
        await _suggest(stage, "mashup", option)
    await stage.ask("kie", member="mika", answered=True)
    await stage.wait_for(lambda: stage.states().get("done"), _STEP_SECONDS)
    done = next((event["job"] for event in stage.history.events if event["kind"] == "accepted"), "0" * 12)
    await _command(stage, "jobs list")
    await _command(stage, "jobs get", job=done)
    await _suggest(stage, "jobs delete")
    await _command(stage, "jobs delete", user="sam", job=done, reason="not for here")
    await stage.ask("local", member="mika", answered=True)
    running = [event["job"] for event in stage.history.events if event["kind"] == "accepted"][-1:]
    await _suggest(stage, "jobs cancel")
    await _command(stage, "jobs cancel", job=running[0] if running else done)


async def personas(stage: Stage) -> None:
    """A persona of a finished track, and its use; the list of one's own."""
    await stage.ask("sunoapi", member="mika", answered=True)
    await stage.wait_for(lambda: stage.states().get("done"), _STEP_SECONDS)
    done = next((event["job"] for event in stage.history.events if event["kind"] == "accepted"), "0" * 12)
    await _suggest(stage, "persona create", user="mika")
    for _ in range(2):
        await _command(stage, "persona create", job=done, name="rainy", description="soft")
    await _command(stage, "persona list")
    await stage.wait_for(
        lambda: query(stage.database, "SELECT 1 FROM personas WHERE persona IS NOT NULL"), _STEP_SECONDS
    )
    await stage.ask("sunoapi", member="mika", answered=True, persona="rainy")


async def again(stage: Stage) -> None:
    """A failed mashup, and the button that asks for it once more."""
    stage.band.knobs.ends, stage.band.knobs.error_code = "GENERATE_AUDIO_FAILED", 500
    await stage.ask("kie", member="mika", answered=True)
    await stage.wait_for(lambda: stage.states().get("failed"), _STEP_SECONDS)
    stage.band.knobs.ends = "SUCCESS"
    await stage.press("mika", "Again")


async def decks(stage: Stage) -> None:
    """Two files of a message on the decks, and all that can be done with them; the form; a result used again."""
    room, tag = stage.rooms[0].name, "k1"
    files = [(f"{tag}{side}.mp3", sound) for side, sound in stage.songs.items()]
    message = stage.play.say("noor", room, "listen", *files)
    for button in ("Swap", "Clear"):
        with contextlib.suppress(MemberError, TimeoutError, AssertionError):
            card = await (await stage.play.context("mika", room, _MENU, message)).says("Both decks are full.")
            await (await stage.play.click("mika", card, button)).answered()
    await _used(stage, message, "Both decks are full.")
    await _suggest(stage, "mashup", "from_a", user="mika")
    await _command(stage, "mashup", from_a="deck/a", from_b="nothing")
    await _command(stage, "decks")
    await stage.press("mika", "Start", tag=tag, engine="local")
    await stage.wait_for(lambda: stage.states().get("done"), _STEP_SECONDS)
    for posted in [one for one in stage.play.messages(room) if one.attachments and one is not message]:
        await _used(stage, posted, "It is on your decks.")
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        await (await stage.play.slash("mika", room, "mash")).answered()


async def results(stage: Stage) -> None:
    """The buttons below a private result, on its server and in direct messages."""
    room, play = stage.rooms[0].name, stage.play
    await stage.ask("local", private=True, member="mika", answered=True)
    await stage.wait_for(lambda: stage.states().get("done"), _STEP_SECONDS)
    done = next((event["job"] for event in stage.history.events if event["kind"] == "accepted"), "0" * 12)
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        shown = await (await play.slash("mika", room, "jobs get", job=done)).says("Here it is again")
        await (await play.click("mika", shown, "Details")).says("How it was made")
        await stage.made_again(play.click("mika", shown, "Swap roles"), "local", private=True)
        form = await play.click("mika", shown, "Change")
        await stage.made_again(play.submit("mika", form, {"Title": "Other"}), "local", private=True)
        await (await play.click("mika", shown, "Share to channel")).says("Shared")
        direct = await (await play.slash("mika", "@mika", "jobs get", job=done)).says("Here it is again")
        await stage.made_again(play.click("mika", direct, "Again"), "local", private=True)
        sure = await (await play.click("mika", shown, "Delete")).says("for good")
        await (await play.click("mika", sure, "Yes, delete it")).says("Deleted")


async def choosing(stage: Stage) -> None:
    """A moderator changes settings, the bot leaves and comes back, a member asks to be forgotten."""
    room = stage.rooms[0].name
    await _command(stage, "privacy show")
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        card = await (await stage.play.slash("sam", room, "settings")).says("Settings of this server")
        await (await stage.play.choose("sam", card, "settings:page", "zone")).says("Type a time zone")
        form = await stage.play.click("sam", card, "Type a time zone")
        await (await stage.play.submit("sam", form, {"Time zone": "Asia/Tokyo"})).says("Saved.")
    stage.play.knobs.places.remove_bot()
    stage.play.knobs.places.invite_bot()
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        question = await (await stage.play.slash("noor", room, "privacy forget")).says("cannot be undone")
        await (await stage.play.click("noor", question, "Forget me")).says("You are forgotten.")
    await stage.ask("kie")


async def allowances(stage: Stage) -> None:
    """Moderators decide what members may use; a cap on credits is watched."""
    noor = stage.play.world.person("noor")
    await stage.ask("kie")
    await _command(stage, "quota status")
    for command, options in (
        ("explain", {"member": noor}),
        ("set member", {"member": noor, "rule": "add", "units": 3}),
        ("grant", {"member": noor, "units": 1, "reason": "because"}),
        ("unblock", {"member": noor}),
        ("log", {}),
        ("show", {}),
        ("export", {}),
    ):
        await _command(stage, f"quota {command}", user="sam", **options)
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        wish = {"member": noor, "reason": "because"}
        question = await (await stage.play.slash("sam", stage.rooms[0].name, "quota block", **wish)).says("?")
        await (await stage.play.click("sam", question, "Yes, do it")).answered()


async def lent(stage: Stage) -> None:
    """A provider without an upload host fetches the sources from us."""
    stage.band.knobs.fetches = True
    await stage.ask("apibox")


async def compared(stage: Stage) -> None:
    """How well two files go together, and the sources of a job that is under way."""
    sources: dict[str, Any] = {f"track_{side}": (f"{side}.mp3", song) for side, song in stage.songs.items()}
    await _command(stage, "compat", **sources)
    stage.band.knobs.stage_seconds = 1.0
    await stage.ask("kie", member="mika", answered=True)
    card = await stage.wait_for(lambda: stage.offered("mika", "Do they fit?"), _STEP_SECONDS)
    if card is not None:
        with contextlib.suppress(MemberError):
            await (await stage.play.click("mika", card, "Do they fit?")).answered()


async def crowded(stage: Stage) -> None:
    """No room is left for another job; what is there can be seen, and upkeep looks what could go."""
    await _command(stage, "jobs list")
    await stage.wait_for(lambda: list((stage.folder / "bot" / "backups").glob("*.db")), _STEP_SECONDS)
    await asyncio.sleep(_SWEEP_SECONDS)


async def operator(stage: Stage) -> None:
    """An engine is switched off and on, and the bot is asked how it is."""
    for order in ("engine-off", "engine-on"):
        with contextlib.suppress(control.NoBotError, OSError, ValueError):
            await asyncio.to_thread(
                control.ask, stage.folder / "bot", {"do": order, "engine": "apibox", "why": "x"}
            )
    public, own = stage.settings["TWODECK_PUBLIC_URL"], f"http://{stage.settings['TWODECK_METRICS_LISTEN']}"
    async with aiohttp.ClientSession(trust_env=False) as session:
        for address in (f"{public}/healthz", f"{own}/readyz"):
            with contextlib.suppress(aiohttp.ClientError):
                await session.get(address)
    await stage.ask("kie")


async def half_done(stage: Stage) -> None:
    """Jobs in several states, and a crash."""
    stage.band.knobs.stage_seconds = 0.3
    await stage.ask("kie", answered=True)
    await stage.wait_for(lambda: stage.states().get("done"), _STEP_SECONDS)
    for engine in ("kie", "sunoapi"):
        await stage.ask(engine, answered=True)
    await stage.wait_for(lambda: stage.states().get("submitted"), _STEP_SECONDS)


async def nothing(stage: Stage) -> None:
    """What the bot has to do is there already."""


_RESENT = ("--strike", "discord send:after:1:raise")
_FAULTY = ("--strike", "commit bot.jobs.steps.Steps.staged:before:1:raise")

SCENES = (
    Scene("hosted", hosted),
    Scene("a job found half done", nothing, before=half_done),
    Scene("after a restore", nothing, before=half_done, arguments=("--after-restore",)),
    Scene("private", private),
    Scene("vocals", vocals),
    Scene("lost answer", lost_answer),
    Scene("resent", hosted, arguments=_RESENT),
    Scene("operator", operator),
    Scene("alert by webhook", hosted, arguments=_FAULTY, settings={"TWODECK_ALERT_WEBHOOK": "ALERTS"}),
    Scene("alert in a channel", hosted, arguments=_FAULTY, settings={"TWODECK_ALERT_CHANNEL": "ROOM"}),
    Scene("direct", direct),
    Scene("local", local),
    Scene("commands", commands),
    Scene("again", again),
    Scene("results", results),
    Scene("personas", personas),
    Scene("decks", decks),
    Scene("choosing", choosing),
    Scene("allowances", allowances, settings={"KIE_CREDITS_DAY": "100000"}),
    Scene("lent", lent, settings={"APIBOX_UPLOAD_URL": ""}),
    Scene("contests", contests),
    Scene("compared", compared),
    Scene("crowded", crowded, settings={"TWODECK_FILES_MB": "1", "TWODECK_FREE_MB": str(1 << 30)}),
    Scene("logins counted", hosted, settings={"TWODECK_LOGINS_DAY": "100"}),
    Scene("clock put back", hosted, arguments=("--clock-back", "60")),
)
"""The cheapest first: a point is struck in the first scene that reaches it."""


async def _command(stage: Stage, command: str, *, user: str = "mika", **options: Any) -> None:
    with contextlib.suppress(MemberError):
        act = await stage.play.slash(user, stage.rooms[0].name, command, **options)
        await act.answered()


async def _used(stage: Stage, message: Message, words: str) -> None:
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        await (await stage.play.context("mika", stage.rooms[0].name, _MENU, message)).says(words)


async def _suggest(stage: Stage, command: str, option: str = "job", *, user: str = "sam") -> None:
    with contextlib.suppress(MemberError):
        await stage.play.autocomplete(user, stage.rooms[0].name, command, option, **{option: ""})
