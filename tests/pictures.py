"""`make pictures`: the pictures of docs/getting-started.md, taken in a real browser of a real mashup."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser import MIX_MILLISECONDS, chromium, playground

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LARGEST_BYTES = 250_000


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Frequent edits of the card, so that there is one to be seen half way.
        async with playground(Path(folder), TWODECK_EDIT_SECONDS="1") as address, chromium() as browser:
            page = await _visit(browser, address, 1280, 800)
            await _form(page)
            await _working(page)
            await _result(page)
            await _knobs(page)
            await _phone(await _visit(browser, address, 390, 844))


async def _visit(browser: Browser, address: str, width: int, height: int) -> Page:
    page = await browser.new_page(viewport={"width": width, "height": height})
    await page.goto(address)
    await expect(page.locator("#bot")).to_have_text("Bot online")
    return page


async def _form(page: Page) -> None:
    await page.get_by_role("button", name="Use the two demo tracks").click()
    await expect(page.locator(".drop.full")).to_have_count(2)
    await _take(page, "playground-form")


async def _working(page: Page) -> None:
    await page.get_by_role("button", name="Run /mashup").click()
    await expect(page.locator(".message .embed").last).to_contain_text(re.compile(r"[3-9]\d%"), timeout=30_000)
    await _take(page, "playground-working")


async def _result(page: Page) -> None:
    await expect(page.locator("audio")).to_have_count(2, timeout=MIX_MILLISECONDS)
    await expect(page.get_by_text("Done: the result is below.")).to_be_visible(timeout=MIX_MILLISECONDS)
    await page.set_viewport_size({"width": 1280, "height": 1180})
    await _take(page, "playground")


async def _knobs(page: Page) -> None:
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.get_by_role("button", name="Faults and time").click()
    await page.locator("summary", has_text="Answer 429").click()
    await page.get_by_role("button", name="Answer 429", exact=True).click()
    await expect(page.locator("#knobs-said")).not_to_be_empty()
    await _take(page, "playground-knobs")
    await page.get_by_role("button", name="End: Answer 429").click()


async def _phone(page: Page) -> None:
    await page.get_by_role("button", name="Run a command").click()
    await expect(page.locator("audio")).to_have_count(2)
    await _take(page, "playground-phone")


async def _take(page: Page, name: str) -> None:
    await page.wait_for_load_state("networkidle")
    file = PICTURES / f"{name}.png"
    await page.screenshot(path=file)
    size = file.stat().st_size
    assert size < LARGEST_BYTES, f"{name}.png has {size} bytes"


if __name__ == "__main__":
    asyncio.run(main())
