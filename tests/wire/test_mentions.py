"""Every message that the bot sends says which mentions may ping: those that it means, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bot import app
from bot.playground.intake import Call
from bot.playground.world import Json
from tests.playground import Playground
from tests.wire.test_bot import aim

_SAYS = ("content", "embeds", "components")


def said(calls: list[Call]) -> Iterator[Json]:
    """What stands in each message that was sent or edited."""
    for call in calls:
        sent = cast("Json", call.body) if isinstance(call.body, dict) else {}
        body: Json = sent.get("data", sent)
        if call.method in ("POST", "PATCH") and any(body.get(name) for name in _SAYS):
            yield body


def pinging(calls: list[Call]) -> list[Json]:
    """Messages in which whatever is written may ping."""
    return [body for body in said(calls) if (body.get("allowed_mentions") or Json()).get("parse") != []]


async def test_no_answer_lets_what_is_written_ping(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with Playground() as play:
        await play.connect(app.create_bot(aim(monkeypatch, play, tmp_path)))
        for command in ("jobs list", "quota status", "privacy forget", "help"):
            act = await play.slash("mika", "lounge", command)
            await play.wait_for(lambda act=act: act.original and (act.original.embeds or act.original.content))
        refused = await play.slash("mika", "lounge", "jobs get", job="@everyone")
        await refused.says("There is no job")
        assert len(list(said(play.history))) >= 5
        assert pinging(play.history) == []


def test_a_message_that_leaves_it_to_discord_is_found() -> None:
    """Broken on purpose."""
    body = {"content": "@everyone"}
    assert pinging([Call("POST", "/channels/1/messages", {}, 0, body)]) == [body]
    assert pinging([Call("POST", "/interactions/1/t/callback", {}, 0, {"type": 4, "data": body})]) == [body]
    assert pinging([Call("POST", "/channels/1/messages", {}, 0, body | {"allowed_mentions": {"parse": []}})]) == []
