"""A bot with too much under way says so at once, and does nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.playground import Playground
from tests.story.told import rows

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
BUSY = "I have too much to do"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    """A bot with four places, two of them for one server."""
    async with Playground(tmp_path_factory.mktemp("narrow")) as play:
        await play.start_bot(TWODECK_INTAKE="4")
        yield play


async def test_busy_comes_first_and_changes_nothing(narrow: Playground, short_songs: tuple[Path, Path]) -> None:
    play, (first, second) = narrow, short_songs
    settings = await (await play.slash("sam", "lounge", "settings")).says("Settings of this server")
    loaded = await play.context("mika", "lounge", "Use in a mashup", play.say("noor", "lounge", "", first))
    card = await loaded.says("Your decks")
    form = await (await play.slash("mika", "lounge", "mash")).answered()

    play.knobs.slow(600, "token")  # whoever is let in stays for as long
    for _ in range(2):
        await (await play.slash("mika", "lounge", "jobs list")).answered(10)
    before = len(play.requests("POST", "/callback"))
    song = {"track_a": first, "track_b": second}
    turned_away = [
        await play.slash("noor", "lounge", "mashup", **song),
        await play.slash("noor", "lounge", "quota status"),
        await play.click("mika", card, "deck:clear"),
        await play.choose("sam", settings, "settings:page", "limits"),
        await play.submit("mika", form, {"Two tracks": [first, second]}),
    ]
    for act in turned_away:
        assert BUSY in (await act.says(BUSY)).content
    assert await play.autocomplete("noor", "lounge", "mashup", "engine", engine="") == []
    assert len(play.requests("POST", "/callback")) == before + len(turned_away) + 1
    assert rows(play, "SELECT 1 FROM jobs") == []
    assert "interactions turned away" in (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
