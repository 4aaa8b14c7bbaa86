"""A contest around a struck failpoint: everything that organisers, entrants, voters and moderators may do."""

from __future__ import annotations

import contextlib
from typing import Any

from bot.playground.errors import MemberError
from bot.playground.world import Message
from tests.chaos.history import Row, query
from tests.chaos.stage import Stage
from tests.playground import Act, find_control, shown_text

TITLE, SHORT = "Night Drive", "Called Off"
_SECONDS, _PATIENCE = 20.0, 8.0
_WHEN = {"theme": "anything", "deadline": "3d", "voting_ends": "5d"}


async def contests(stage: Stage) -> None:
    """One contest of a pair from its draft to its result, and another one that is called off."""
    await _prepared(stage)
    await _entered(stage)
    await _voted(stage)
    await _judged(stage)


async def _prepared(stage: Stage) -> None:
    pair = {f"track_{side}": (f"c{side}.mp3", sound) for side, sound in stage.songs.items()}
    await _saved(stage, "create", title=TITLE, **_WHEN, **pair, winners=1)
    await _saved(stage, "create", title=SHORT, **_WHEN)
    await _does(stage, "sam", "open", contest=SHORT)
    await stage.ask("kie", private=True, member="mika", answered=True)
    await stage.wait_for(lambda: stage.states().get("done"), _SECONDS)
    await _pressed(stage, "mika", "Enter a contest")
    await _saved(stage, "cancel", contest=SHORT, reason="no studio")
    await _saved(stage, "edit", contest=TITLE, prize="a cup")
    await _does(stage, "sam", "open", contest=TITLE)
    for halt in ("on", "off"):
        await _does(stage, "sam", "pause", contest=TITLE, halt=halt)


async def _entered(stage: Stage) -> None:
    for member in ("mika", "noor"):
        words = {"title": "ca × cb", "style": "dub", "prompt": "rain on two rooftops"}
        await _does(stage, member, "mashup", contest=TITLE, engine="kie", **words)
    await stage.wait_for(lambda: len(_rows(stage, "SELECT 1 FROM entries WHERE audio IS NOT NULL")) == 2, _SECONDS)
    with contextlib.suppress(MemberError):
        await stage.play.autocomplete("mika", _room(stage), "contest enter", "job", contest=TITLE, job="")
    mika = str(stage.play.world.person("mika").id)
    for entry in _rows(stage, "SELECT id, job FROM entries WHERE member = ? AND state = 'entered'", mika):
        await _does(stage, "mika", "withdraw", contest=TITLE, entry=entry["id"])
        await _does(stage, "mika", "enter", contest=TITLE, job=entry["job"])
    for entry in _rows(stage, "SELECT id, job FROM entries WHERE member = ? AND state = 'entered'", mika):
        await _does(stage, "mika", "replace", contest=TITLE, entry=entry["id"], job=entry["job"], take=2)


async def _voted(stage: Stage) -> None:
    for command in ("list", "info"):
        await _does(stage, "mika", command, **({"contest": TITLE} if command == "info" else {}))
    await _does(stage, "sam", "close", contest=TITLE)
    shown = "SELECT 1 FROM posts WHERE purpose = 'entry' AND state = 'sent'"
    await stage.wait_for(lambda: len(_rows(stage, shown)) == 2, _SECONDS)
    for member in ("mika", "noor"):
        ballot = await _does(stage, member, "vote", contest=TITLE)
        with contextlib.suppress(MemberError, TimeoutError, AssertionError):
            if ballot is not None:
                choice = find_control(ballot, "Your choice")["options"][0]["value"]
                await (await stage.play.choose(member, ballot, "Your choice", choice)).says("Counted.", _PATIENCE)


async def _judged(stage: Stage) -> None:
    form = await _pressed(stage, "mika", "Report")
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        if form is not None:
            await (await stage.play.submit("mika", form, {"What is wrong with it?": "too loud"})).answered()
    await _does(stage, "sam", "unmask", contest=TITLE, entry="1", reason="because")
    await _does(stage, "sam", "export", contest=TITLE)
    await _does(stage, "sam", "close", contest=TITLE)
    await _does(stage, "sam", "tie", contest=TITLE, order="2 1", reason="the ending")
    await _does(stage, "sam", "disqualify", contest=TITLE, entry="2", reason="not own work")
    await _does(stage, "noor", "results", contest=TITLE)


async def _does(stage: Stage, who: str, command: str, **options: Any) -> Message | None:
    """Give a command, to a bot that was started again if it died; the answer, if there is one."""
    if not stage.bot.running:
        await stage.start()
    with contextlib.suppress(MemberError):
        act = await stage.play.slash(who, _room(stage), f"contest {command}", **options)
        return await stage.wait_for(lambda: _answer(act), _PATIENCE)
    return None


def _answer(act: Act) -> Message | None:
    return act.original if act.original is not None and shown_text(act.original).strip() else None


async def _saved(stage: Stage, command: str, **options: Any) -> None:
    """Give a command that asks first, and say yes."""
    question = await _does(stage, "sam", command, **options)
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        if question is not None:
            label = "Call it off" if command == "cancel" else "Save"
            act = await stage.play.click("sam", question, label)
            await stage.wait_for(lambda: _answer(act), _PATIENCE)


async def _pressed(stage: Stage, who: str, label: str) -> Any:
    """Press the newest such button that somebody sees."""
    messages = [one for room in stage.rooms for one in stage.play.messages(room.name, who)]
    seen = [one for one in messages if label in shown_text(one)]
    with contextlib.suppress(MemberError, TimeoutError, AssertionError):
        if seen:
            act = await stage.play.click(who, seen[-1], label)
            await act.answered()
            return act
    return None


def _rows(stage: Stage, sql: str, *values: Any) -> list[Row]:
    return list(query(stage.database, sql, *values))


def _room(stage: Stage) -> str:
    return stage.rooms[0].name
