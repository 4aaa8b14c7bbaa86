"""The main job at the page: by keyboard alone, with faults in between, and as `twodeck playground` starts it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.browser import MIX_MILLISECONDS, playground
from tests.playground import Playground
from tests.story.page_checks import fits, loudest, tab_to
from tests.story.page_visit import WIDTHS, Visit, both_widths, message, run, turn, use

pytestmark = [pytest.mark.page, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
DEMO = ("Night Drive.mp3", "Paper Lanterns.mp3")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(play: Playground, short_songs: tuple[Path, Path]) -> str:
    """The page as `twodeck playground` has it, but with shorter demo tracks."""
    assert play.directory is not None
    folder = play.directory / "demo"
    folder.mkdir()
    for song, name in zip(short_songs, DEMO, strict=True):
        shutil.copyfile(song, folder / name)
    play.keep_bot()
    return play.standin.url


async def test_twodeck_playground_gives_a_page_two_demo_tracks_and_two_mashups_to_hear(
    tmp_path: Path, visit: Visit
) -> None:
    async with playground(tmp_path) as printed:
        page = await visit(printed)
        await page.get_by_role("button", name="Use the two demo tracks").click()
        await expect(page.locator(".chosen")).to_contain_text(list(DEMO))
        await run(page)
        await expect(message(page, "On it.")).to_contain_text("Only you see this")
        await expect(page.locator("audio")).to_have_count(2, timeout=MIX_MILLISECONDS)
        result = message(page, "Mika your mashup is ready: 2 takes, with the roles swapped.")
        for player in await result.locator("audio").all():
            await player.evaluate("player => player.play()")
            assert await player.evaluate("player => player.duration") > 30
            assert await loudest(player) >= 0.01
        await page.get_by_role("radio", name="Noor").check()  # Mika's next job has to wait for a moment
        await expect(page.locator(".embed").filter(has_text="Done: the result is below.")).to_be_visible()
        await page.get_by_role("button", name="Use the two demo tracks").click()
        await page.get_by_text("More options").click()
        await page.get_by_role("combobox", name="engine").fill("apibox")
        await page.get_by_role("textbox", name="prompt").fill("rain on two rooftops")
        await run(page)
        await expect(page.locator("audio")).to_have_count(4, timeout=MIX_MILLISECONDS)
        await expect(message(page, "Noor your music is ready: 2 takes.")).to_contain_text("(simulated)")
        await page.close()
    log = (tmp_path / "playground" / "bot.log").read_text("utf-8")
    assert "Traceback" not in log, log[-4000:]


@both_widths
async def test_the_keyboard_alone_runs_a_mashup_and_plays_it(address: str, visit: Visit, width: int) -> None:
    page = await visit(address, width)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the commands")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Command", exact=True)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Use the two demo tracks")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".chosen")).to_contain_text(["Night Drive.mp3", "Paper Lanterns.mp3"])
    before = await page.locator("audio").count()
    await tab_to(page, page.get_by_role("button", name="Run /mashup"))
    await page.keyboard.press("Enter")
    await expect(message(page, "On it.")).to_contain_text("Only you see this")
    assert await fits(page)

    await expect(page.locator("audio")).to_have_count(before + 2, timeout=MIX_MILLISECONDS)
    await go_to_the_newest_message(page, width)
    player = page.locator("audio").nth(before)
    await tab_to(page, player)
    await page.keyboard.press("Space")

    await expect(player).to_have_js_property("paused", value=False)
    assert await player.evaluate("player => player.duration") > 10
    assert await loudest(player) >= 0.01
    assert await fits(page)


async def go_to_the_newest_message(page: Page, width: int) -> None:
    """A narrow page has moved there by itself; a wide one keeps the focus at the form and offers a button."""
    if width == WIDTHS[0]:
        await expect(page.get_by_role("button", name="Run /mashup")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="See the newest message")).to_be_focused()
        await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    await expect(page.locator(".message").last).to_be_focused()


async def test_a_bot_that_is_killed_at_work_comes_back_with_one_result(address: str, visit: Visit) -> None:
    page = await visit(address, place="#noor/lounge")
    come = asyncio.Event()

    async def late(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route("**/page/demo/*", late)
    await page.get_by_role("button", name="Use the two demo tracks").click()
    await turn(page, "Hold up the engine")
    await run(page)
    await expect(page.locator("#status")).to_have_text("Sending …")
    come.set()  # what is on its way is waited for
    await expect(message(page, "On it.")).to_be_visible()
    await expect(page.locator(".message .embed").last).to_be_visible()

    await use(page, "Kill the bot")
    await expect(page.locator("#bot")).to_contain_text("The bot stopped")
    await expect(page.locator("#bot")).to_have_text("Bot online", timeout=30_000)
    await expect(page.get_by_role("group", name="In force now")).to_contain_text("Nothing is in force")
    await expect(page.locator("audio")).to_have_count(2, timeout=MIX_MILLISECONDS)
    await page.reload()
    await expect(page.locator("audio")).to_have_count(2)


async def test_an_answer_that_comes_too_late_is_missed_and_calm_brings_the_next_one(
    address: str, visit: Visit
) -> None:
    page = await visit(address, place="#sam/mashups")
    await page.get_by_role("button", name="Use the two demo tracks").click()
    await turn(page, "Late answer", count=2)
    await run(page)
    await expect(page.locator(".notice").last).to_have_text(
        "/mashup: the bot did not respond in time. Try again, or look at the bot's log."
    )
    await expect(page.get_by_role("button", name="Faults and time 1 in force")).to_be_visible()
    await use(page, "Everything back to normal")
    await expect(page.get_by_role("group", name="In force now")).to_contain_text("Nothing is in force")
    await run(page)
    await expect(message(page, "On it.")).to_contain_text("Only you see this")
