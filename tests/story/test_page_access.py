"""The page for everyone: what is announced, contrast, names of controls, in light and dark at both widths."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.playground import Playground
from tests.story.page_checks import faint_texts, fits, nameless_controls
from tests.story.page_visit import WIDTHS, Scheme, Visit, both_widths, message, turn

pytestmark = [pytest.mark.page, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


async def test_a_new_message_is_announced_and_an_edit_is_not(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url, place="#mika/read-only")
    act = await small.slash("noor", "read-only", "choose")
    posted = await act.says("Choose.")
    await expect(page.locator("#announcer")).to_have_text("Twodeck: Choose.")
    posted.content = "Choose now."
    small.world.tell("message", posted)
    await expect(message(page, "Choose now.")).to_be_visible()
    await asyncio.sleep(0.4)
    await expect(page.locator("#announcer")).to_have_text("Twodeck: Choose.")


@both_widths
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_can_be_read_and_has_a_name(
    small: Playground, visit: Visit, width: int, scheme: Scheme
) -> None:
    await (await small.slash("mika", "mashups", "choose")).says("Choose.")
    await (await small.slash("mika", "mashups", "mix", track_a=("a.mp3", b"a"), track_b=("b.mp3", b"b"))).says(
        "done"
    )
    page = await visit(small.standin.url, width, scheme=scheme)
    await page.get_by_role("button", name="Run /mix").click()
    await expect(page.get_by_role("alert")).to_have_count(1)
    await check(page)
    await turn(page, "Answer 429")
    await check(page)
    await page.get_by_role("button", name="End: Answer 429").click()
    if width == WIDTHS[1]:
        await page.get_by_role("button", name="Faults and time").click()
    await page.get_by_role("button", name="One style").last.click()
    await check(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Again").last.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await check(page)


async def check(page: Page) -> None:
    assert await faint_texts(page) == []
    assert await nameless_controls(page) == []
    assert await fits(page)


async def test_the_checks_notice_what_is_faint_or_nameless(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url)
    await page.evaluate("document.querySelector('#channel-name').style.color = '#bbb'")
    await page.evaluate("document.querySelector('#run').textContent = ''")
    assert len(await faint_texts(page)) == 1
    assert len(await nameless_controls(page)) == 1
