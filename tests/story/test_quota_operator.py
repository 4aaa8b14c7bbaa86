"""What the operator holds all servers to: a cap on credits, with a word before it is reached, and a deny list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.music import PRICE, Music
from tests.playground import Playground, shown_text
from tests.story.told import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    """A bot whose account may cost two and a half mashups a day; noor is served by nobody."""
    music = Music()
    music.knobs.callbacks = "lost"
    await music.start()
    async with Playground(tmp_path_factory.mktemp("caps")) as playground:
        settings: dict[str, Any] = {
            **music.settings("kie"),
            "TWODECK_DOWNLOAD_HOSTS": f"{playground.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": "127.0.0.1:0",
            "TWODECK_POLL_SECONDS": "0.3",
            "TWODECK_ALERT_CHANNEL": str(playground.world.channel("lounge").id),
            "TWODECK_DENY": str(playground.world.noor.id),
            "KIE_CREDITS_DAY": str(PRICE * 2.5),
            "KIE_CREDITS_MONTH": str(PRICE * 100),
        }
        await playground.start_bot(**settings)
        yield playground
        log = (playground.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]
    await music.close()


async def ask(play: Playground, songs: tuple[Path, Path], member: str, words: str, engine: str = "kie") -> str:
    tracks = {"track_a": songs[0], "track_b": songs[1]}
    act = await play.slash(member, "mashups", "mashup", **tracks, engine=engine, style="dub", prompt="la la")
    return shown_text(await act.says(words))


def alerts(play: Playground) -> list[str]:
    return [text for message in play.messages("lounge") if "credits that" in (text := shown_text(message))]


async def test_whoever_is_denied_is_told_so_and_nothing_is_kept(
    play: Playground, short_songs: tuple[Path, Path]
) -> None:
    await ask(play, short_songs, "noor", "has switched it off here", engine="local")
    assert rows(play, "SELECT 1 FROM jobs") == []
    assert rows(play, "SELECT 1 FROM balance") == []


async def test_the_cap_refuses_and_its_operator_hears_of_it_before(
    play: Playground, short_songs: tuple[Path, Path]
) -> None:
    await ask(play, short_songs, "mika", "On it.")
    assert alerts(play) == []
    await ask(play, short_songs, "mika", "On it.")
    await play.wait_for(lambda: alerts(play), 20)
    told = f"{2 * PRICE} of the {PRICE * 2.5:g} credits that kie may cost in a day are used."
    assert told in alerts(play)[0]
    said = await ask(play, short_songs, "mika", "The budget of the engine “kie” is used up today (80%).")
    assert "There is more <t:" in said
    await ask(play, short_songs, "mika", "On it.", engine="local")
    await ask(play, short_songs, "mika", "The budget of the engine")
    assert len(alerts(play)) == 1
    books = rows(play, "SELECT account, held + used AS taken FROM balance WHERE account LIKE 'credits:%'")
    assert {row["account"]: row["taken"] for row in books} == {
        "credits:kie:day": 2 * PRICE * 1000,
        "credits:kie:month": 2 * PRICE * 1000,
    }
