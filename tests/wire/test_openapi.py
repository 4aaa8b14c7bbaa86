"""The check against Discord's OpenAPI document finds what is wrong, and a test during which it finds it fails."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest import mock

import discord
import pytest
import pytest_asyncio
from discord.http import Route

from bot.playground import payloads
from bot.playground.world import Json
from tests import referee
from tests.openapi import PROJECT, USUAL_PLACE, VARIABLE, Document, find_document
from tests.playground import Playground
from tests.referee import Referee
from tests.wire.standin_bot import SmallBot

DOCUMENT = find_document()
needs_document = pytest.mark.skipif(
    DOCUMENT is None, reason=f"no OpenAPI document of Discord here: name one in {VARIABLE}"
)
CHOICES: list[Json] = [{"name": f"number {n}", "value": f"{n}"} for n in range(27)]
BUTTON = {"type": 2, "style": 1, "label": "x" * 81, "custom_id": "a"}
REQUESTS: list[tuple[str, str, Any, str]] = [
    ("POST", "/interactions/1/token/callback", {"type": 8, "data": {"choices": CHOICES}}, "/data/choices: "),
    ("POST", "/interactions/1/token/callback", {"type": 99}, "/: "),
    ("POST", "/channels/{lounge}/messages", {"embeds": [{"title": "t" * 300}]}, "/embeds/0/title: "),
    ("POST", "/webhooks/{app}/token", {"embeds": [{"title": "t" * 300}]}, "/embeds/0/title: "),
    (
        "PATCH",
        "/webhooks/{app}/token/messages/@original",
        {"components": [{"type": 1, "components": [BUTTON]}]},
        "/components/0/components/0/label: ",
    ),
    ("PUT", "/applications/{app}/commands", [{"name": "n" * 33, "description": "d"}], "/0/name: "),
    ("GET", "/guilds/1/widgets", {}, "/: the document has no such route"),
]


@pytest_asyncio.fixture
async def play(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Playground]:
    """A playground with a referee of its own, who tells the test instead of failing it."""
    assert DOCUMENT is not None
    monkeypatch.setattr(referee, "on_duty", Referee(Document(DOCUMENT)))
    async with Playground() as playground:
        await playground.connect(SmallBot())
        assert found() == []
        yield playground


def found() -> list[str]:
    assert referee.on_duty is not None
    return [str(violation) for violation in referee.on_duty.take()]


async def send(play: Playground, method: str, path: str, body: Any) -> Any:
    """A request as discord.py makes it, with any body."""
    client, _ = play._clients[0]
    path = path.format(lounge=play.world.channel("lounge").id, app=play.world.application_id)
    return await client.http.request(Route(method, path), json=body)


@needs_document
@pytest.mark.parametrize(("method", "path", "body", "told"), REQUESTS)
async def test_a_wrong_request_is_found(play: Playground, method: str, path: str, body: Any, told: str) -> None:
    with pytest.raises(discord.HTTPException):
        await send(play, method, path, body)
    assert [told in one for one in found()] == [True]


@needs_document
async def test_a_wrong_form_with_a_file_is_found(play: Playground) -> None:
    client, _ = play._clients[0]
    channel = client.get_partial_messageable(play.world.channel("lounge").id)
    with pytest.raises(discord.HTTPException):
        await channel.send(file=discord.File(__file__), embed=discord.Embed(title="t" * 300))
    [one] = found()
    assert "/embeds/0/title: " in one
    assert one.endswith("is longer than 256 characters")


@needs_document
async def test_a_reply_that_lacks_a_key_is_found(play: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = payloads.application(play.world)
    lacking: Json = whole | {"verify_key": 5, "team": []}
    monkeypatch.setattr(payloads, "application", mock.Mock(return_value=lacking))
    await send(play, "GET", "/applications/@me", {})
    assert sorted(one.partition("@me ")[2].partition(":")[0] for one in found()) == ["/team", "/verify_key"]

    monkeypatch.setattr(payloads, "application", mock.Mock(return_value={"id": whole["id"]}))
    await send(play, "GET", "/applications/@me", {})
    assert 'reply 200 to GET /applications/@me /: "name" is a required property' in found()


@needs_document
async def test_a_wrong_event_is_found(play: Playground) -> None:
    user = payloads.user(play.world.mika)
    body = {"data": {"resolved": {"users": {"1": user, "2": user | {"avatar": 3}}}}}
    play.standin.gateway._sessions.clear()
    play.standin.gateway.dispatch("INTERACTION_CREATE", body)
    [one] = found()
    assert one.startswith("event INTERACTION_CREATE /data/resolved/users/2/avatar: ")


@needs_document
@pytest.mark.parametrize("scope", ["function", "module"])
@pytest.mark.parametrize("checked", [True, False])
async def test_a_test_that_says_something_wrong_fails(tmp_path: Path, scope: str, checked: bool) -> None:
    story = tmp_path / "test_wrong.py"
    story.write_text(WRONG_STORY.replace("SCOPE", scope))
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"),
        *("-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(PROJECT), str(story)),
        cwd=PROJECT,
        env={**os.environ, VARIABLE: str(DOCUMENT) if checked else ""},
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await child.communicate())[0].decode()
    if checked:
        assert "1 failed, 1 passed" in output
        assert "/embeds/0/title: " in output
        assert "OpenAPI check: ran over " in output
    else:
        assert "2 passed" in output
        assert "OpenAPI check: did not run" in output


WRONG_STORY = """
import discord, pytest, pytest_asyncio
from tests.playground import Playground
from tests.wire.standin_bot import SmallBot

@pytest_asyncio.fixture(scope="SCOPE", loop_scope="SCOPE")
async def play():
    async with Playground() as playground:
        await playground.connect(SmallBot())
        yield playground

@pytest.mark.asyncio(loop_scope="SCOPE")
async def test_wrong(play):
    channel = play._clients[0][0].get_partial_messageable(play.world.channel("lounge").id)
    with pytest.raises(discord.HTTPException):
        await channel.send(embed=discord.Embed(title="t" * 300))

@pytest.mark.asyncio(loop_scope="SCOPE")
async def test_right(play):
    channel = play._clients[0][0].get_partial_messageable(play.world.channel("lounge").id)
    await channel.send("hello")
"""


@needs_document
def test_a_template_with_literal_segments_goes_before_one_with_variables() -> None:
    assert DOCUMENT is not None
    document = Document(DOCUMENT)
    original = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    assert document.operation("GET", "/users/@me") == ("paths", "/users/@me", "get")
    assert document.operation("GET", "/users/1") == ("paths", "/users/{user_id}", "get")
    assert document.operation("PATCH", "/webhooks/1/t/messages/@original") == ("paths", original, "patch")
    assert document.operation("POST", "/users/@me") is None


def test_the_document_is_named_or_the_nearest_above_the_project(tmp_path: Path) -> None:
    project = tmp_path / "a" / "b" / "project"
    near, far = tmp_path / "a" / USUAL_PLACE, tmp_path / USUAL_PLACE
    for place in (near, far, project / USUAL_PLACE):
        place.parent.mkdir(parents=True)
        place.touch()
    assert find_document({}, project) == near
    near.unlink()
    assert find_document({}, project) == far
    assert find_document({VARIABLE: "/named"}, project) == Path("/named")
    assert find_document({VARIABLE: ""}, project) is None
