"""The bot comes to a server that it does not know, and speaks its members' languages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.playground.permissions import Permission
from bot.playground.world import Channel, Message
from tests.playground import Playground, shown_text
from tests.story.page_visit import Visit
from tests.story.told import log_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
HELLO = "Twodeck is here"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    """A bot that is ready before anybody has added it, and may not write in the first channel."""
    async with Playground(tmp_path_factory.mktemp("playground")) as playing:
        playing.world.guild.has_bot = False
        await playing.start_bot()
        await playing.wait_for(lambda: "ready as" in log_of(playing), 20)  # a server of before is not new
        playing.knobs.remove_permission(rooms(playing)[0], Permission.SEND_MESSAGES)
        yield playing


@pytest.fixture
def german(play: Playground) -> Iterator[None]:
    play.world.mika.locale = "de"
    yield
    play.world.mika.locale = "en-US"


def rooms(play: Playground) -> list[Channel]:
    return sorted(play.world.guild.channels.values(), key=lambda channel: channel.position)


def hellos(play: Playground) -> list[Message]:
    return [message for message in play.world.messages.values() if HELLO in shown_text(message)]


async def test_a_new_server_is_welcomed_once_where_the_bot_may_write(play: Playground) -> None:
    play.knobs.invite_bot()
    found = await play.wait_for(lambda: hellos(play), 20)
    assert found[0].channel_id == rooms(play)[1].id
    assert not found[0].mention_ids
    assert "must own it or be allowed" in shown_text(found[0])
    await play.restart_bot()
    play.knobs.remove_bot()
    play.knobs.invite_bot()
    act = await play.slash("sam", rooms(play)[1].name, "settings")
    settings = await act.says("Settings of this server")
    assert HELLO not in shown_text(settings)
    assert len(hellos(play)) == 1


@pytest.mark.usefixtures("german")
async def test_help_speaks_the_language_and_knows_the_rights_of_who_asks(play: Playground) -> None:
    room = rooms(play)[1].name
    told = shown_text(await (await play.slash("mika", room, "help")).says("Was du hier tun kannst"))
    assert "/aufträge" in told
    assert "steht dir nichts im Weg" in told
    assert "/einstellungen" not in told
    assert "/cover" in told, "and why it does not work here"
    assert "alle bereit" in told
    moderators = shown_text(await (await play.slash("sam", room, "help")).says("What you can do here"))
    assert "/settings" in moderators
    assert "`unblock`" in moderators
    about = shown_text(await (await play.slash("mika", room, "about")).says("Twodeck"))
    assert "MIT" in about
    assert "Muttersprachlern gelesen: Español, Français" in about


@pytest.mark.page
async def test_the_page_shows_commands_in_the_language_that_is_chosen(play: Playground, visit: Visit) -> None:
    page = await visit(play.standin.url, place=f"#mika/{rooms(play)[1].name}")
    await page.locator("#language").select_option("de")
    await expect(page.locator("#command option", has_text="/aufträge liste")).to_have_count(1)
    await page.locator("#command").select_option("help")
    await page.get_by_role("button", name="Run /hilfe").click()
    await expect(page.locator(".message").last).to_contain_text("Was du hier tun kannst")
    await page.locator("#language").select_option("en-US")
    await expect(page.locator("#run")).to_have_text("Run /help")


async def test_help_says_why_nothing_goes_in_a_channel(play: Playground) -> None:
    told = await (await play.slash("mika", rooms(play)[0].name, "help")).says("What you can do here")
    assert "Missing for me: Send Messages" in shown_text(told)
