"""`make pictures`: the pictures of the documents, taken in a real browser of real mashups and a real contest."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

from tests.audio.synth import Song, stereo, write_mp3
from tests.browser import MIX_MILLISECONDS, chromium, playground
from tests.story.page_visit import choose, message
from tests.story.test_page_contest import become, run

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
            songs = _songs(Path(folder))
            await _decks(page, songs)
            room = await _visit(browser, address, 1280, 1600)
            await _contest(room, address, songs)
            await _moderating(room, address)


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


async def _decks(page: Page, songs: tuple[Path, Path]) -> None:
    await page.set_viewport_size({"width": 1280, "height": 1600})
    for song, told in zip(songs, ("Empty: B.", "Both decks are full."), strict=True):
        await page.locator("#say-files").set_input_files(song)
        await page.get_by_role("button", name="Send").click()
        sent = message(page, song.name.replace(" ", "_"))
        await sent.get_by_role("button", name="Apps for this message").click()
        await page.get_by_role("menuitem", name="Use in a mashup").click()
        await expect(message(page, "Your decks")).to_contain_text(told)
    await _take(message(page, "Your decks"), "decks")


async def _phone(page: Page) -> None:
    await page.get_by_role("button", name="Run a command").click()
    await expect(page.locator("audio")).to_have_count(2)
    await _take(page, "playground-phone")
    await page.get_by_role("button", name="Run a command").click()
    await page.get_by_label("Language").select_option("de")
    await page.get_by_label("Command", exact=True).select_option("quota status")
    await page.locator("#run").click()
    await expect(message(page, "Dein Kontingent")).to_be_visible()
    await _take(message(page, "Dein Kontingent"), "german-phone")
    await page.get_by_label("Language").select_option("en-US")


def _songs(folder: Path) -> tuple[Path, Path]:
    """Two short ones, so that a contest of them is quick."""
    first = write_mp3(folder / "city lights.mp3", stereo(Song(tempo=120, seconds=20, tonic=9, minor=True)))
    return first, write_mp3(folder / "first snow.mp3", stereo(Song(tempo=112, seconds=20, tonic=0)))


async def _contest(page: Page, address: str, songs: tuple[Path, Path]) -> None:
    """From its opening to its winner; Sam asks, Mika and Noor enter."""
    await become(page, address, "Sam")
    await page.get_by_label("Command", exact=True).select_option("contest create")
    await page.locator("#options details.more").evaluate("node => node.open = true")
    await choose(page, track_a=songs[0], track_b=songs[1])
    words = {"title": "Winter Remix", "theme": "Snow on the tape deck: make it warm.", "prize": "A week as DJ"}
    await run(page, "contest create", **words, deadline="3d", voting_ends="7d")
    await message(page, "Nothing is saved yet.").get_by_role("button", name="Save").click()
    await expect(message(page, "Saved:")).to_be_visible()
    await run(page, "contest open", contest="Winter Remix")
    await _take(message(page, "Contest: Winter Remix"), "contest-opened")
    for name in ("Mika", "Noor"):
        await become(page, address, name)
        await run(page, "contest mashup", contest="Winter Remix")
        done = message(page, f"{name} your mashup is ready").locator("audio")
        await expect(done).to_have_count(2, timeout=MIX_MILLISECONDS)
    await become(page, address, "Sam")
    await run(page, "contest close", contest="Winter Remix")
    entries = page.locator(".message").filter(has_text="Entry").filter(has=page.locator("audio"))
    await expect(entries).to_have_count(2, timeout=MIX_MILLISECONDS)
    await message(page, "Voting has begun").get_by_role("button", name="Vote").click()
    ballot = message(page, "Your ballot: Winter Remix")
    await ballot.get_by_role("checkbox", name="Entry 1").check()
    await ballot.get_by_role("button", name="Choose").click()
    await expect(ballot).to_contain_text("Counted.")
    await _take(ballot, "contest-ballot")
    await run(page, "contest close", contest="Winter Remix")
    results = message(page, "Results: Winter Remix")
    await expect(results.locator("audio")).to_have_count(1, timeout=MIX_MILLISECONDS)
    await results.locator("img.picture").scroll_into_view_if_needed()
    await _take(results, "contest-results")


async def _moderating(page: Page, address: str) -> None:
    await become(page, address, "Sam")
    for _ in range(2):  # the first card of moderators comes with the first answer only
        await run(page, "settings")
        await expect(message(page, "/settings")).to_contain_text("Settings of this server")
        await expect(page.locator("#status")).to_be_empty()
    await _take(message(page, "Settings of this server"), "settings")
    await run(page, "quota status")
    await expect(message(page, "/quota status")).to_contain_text("Your quota")
    await _take(message(page, "/quota status"), "quota")


async def _take(shown: Page | Locator, name: str) -> None:
    """The whole page, or one message of it."""
    page = shown.page if isinstance(shown, Locator) else shown
    await page.wait_for_load_state("networkidle")
    file = PICTURES / f"{name}.png"
    await shown.screenshot(path=file)
    size = file.stat().st_size
    assert size < LARGEST_BYTES, f"{name}.png has {size} bytes"


if __name__ == "__main__":
    asyncio.run(main())
