"""A contest at the page by three people: Sam sets it up, Mika and Noor enter and vote, everybody sees who won."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import MIX_MILLISECONDS
from tests.playground import Playground
from tests.story.page_checks import faint_texts, fits, nameless_controls
from tests.story.page_visit import WIDTHS, Visit, choose, field, message

pytestmark = [pytest.mark.page, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]
TITLE = "Winter Remix"


async def picture(page: Page, name: str, shown: Locator) -> None:
    """For whoever wants to look, at both widths: the environment variable PICTURES names a folder."""
    folder = os.environ.get("PICTURES")
    if not folder:
        return
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 844})
        if width == WIDTHS[1]:
            await fold(page, "true")
        await shown.scroll_into_view_if_needed()
        await page.wait_for_timeout(200)
        await page.screenshot(path=Path(folder) / f"contest-{name}-{width}.png")
    await page.set_viewport_size({"width": WIDTHS[0], "height": 844})
    await fold(page, "false")


async def fold(page: Page, expanded: str) -> None:
    """Turn the panel with the commands if it is like that, also behind a form."""
    await page.evaluate("how => document.querySelector(`#command-tab[aria-expanded=${how}]`)?.click()", expanded)


async def become(page: Page, address: str, name: str) -> None:
    """Go on as somebody else, with a page that is fresh, so that nothing is drawn again below the next step."""
    await page.goto("about:blank")
    await page.goto(f"{address}#{name.lower()}/lounge")
    await expect(page.get_by_role("radio", name=name)).to_be_checked()
    await expect(page.locator("#channel-name")).to_have_text("#lounge")


async def run(page: Page, command: str, **values: str) -> None:
    """Fill in a command's form and send it."""
    await page.get_by_label("Command", exact=True).select_option(command)
    more = page.locator("#options details.more")
    if await more.count():
        await more.evaluate("node => node.open = true")
    for name, value in values.items():
        control = field(page, name).locator("input, select, textarea").first
        is_select = await control.evaluate("node => node.tagName === 'SELECT'")
        await (control.select_option(label=value) if is_select else control.fill(value))
    await page.locator("#run").click()


async def checked(page: Page) -> None:
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 844})
        assert await fits(page)
        assert await nameless_controls(page) == []
        assert await faint_texts(page) == []
    await page.set_viewport_size({"width": WIDTHS[0], "height": 844})


async def vote(page: Page, *entries: str) -> None:
    """Open the ballot from the announcement and choose."""
    await message(page, f"Voting has begun: {TITLE}").get_by_role("button", name="Vote").click()
    ballot = message(page, f"Your ballot: {TITLE}")
    await expect(ballot).to_contain_text("Only you see this")
    choice = ballot.get_by_role("group", name="Your choice")
    for entry in entries:
        await choice.get_by_role("checkbox", name=entry).check()
    await choice.get_by_role("button", name="Choose").click()
    await expect(ballot).to_contain_text("Counted.")


async def test_three_people_play_a_contest_from_its_creation_to_its_winners(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path]
) -> None:
    page = await visit(play.standin.url, place="#sam/lounge")
    await page.get_by_label("Command", exact=True).select_option("contest create")
    await page.locator("#options details.more").evaluate("node => node.open = true")
    await choose(page, track_a=short_songs[0], track_b=short_songs[1])
    await run(
        page,
        "contest create",
        title=TITLE,
        theme="Snow on the tape deck: make it warm.",
        deadline="3d",
        voting_ends="7d",
        prize="A week as DJ of the lounge",
    )
    asked = message(page, "Nothing is saved yet.")
    await expect(asked).to_contain_text("in 3 days")
    await picture(page, "confirm", asked)
    await checked(page)
    await asked.get_by_role("button", name="Save").click()
    await expect(message(page, "Saved:")).to_contain_text(TITLE)
    await run(page, "contest open", contest=TITLE)
    opened = message(page, f"Contest: {TITLE}")
    await expect(opened).to_contain_text("A week as DJ of the lounge")
    await picture(page, "opened", opened)

    for name in ("Mika", "Noor"):
        await become(page, play.standin.url, name)
        await run(page, "contest mashup", contest=TITLE)
        result = message(page, f"{name} your mashup is ready")
        await expect(result.locator("audio")).to_have_count(2, timeout=MIX_MILLISECONDS)
        await expect(result).to_contain_text("Only you see this")
    await run(page, "contest info", contest=TITLE)
    await expect(message(page, "Your entries")).to_contain_text("2 entries so far")
    await picture(page, "info", message(page, "Your entries"))

    await become(page, play.standin.url, "Sam")
    await run(page, "contest close", contest=TITLE)
    voting = message(page, f"Voting has begun: {TITLE}")
    await expect(voting).to_contain_text("2 entries are posted")
    entries = page.locator(".message").filter(has_text="Entry").filter(has=page.locator("audio"))
    await expect(entries).to_have_count(2, timeout=MIX_MILLISECONDS)
    for entry in await entries.all():
        await expect(entry).not_to_contain_text("Mika")
        await expect(entry).not_to_contain_text("Noor")
    await picture(page, "entries", entries.last)
    await vote(page, "Entry 1")
    await message(page, f"Your ballot: {TITLE}").get_by_role("link", name="Entry 2").click()
    await expect(entries.filter(has_text="Entry 2 ·")).to_be_focused()
    await picture(page, "ballot", message(page, f"Your ballot: {TITLE}"))
    await checked(page)
    for name in ("Noor", "Mika"):
        await become(page, play.standin.url, name)
        await message(page, f"Voting has begun: {TITLE}").get_by_role("button", name="Vote").click()
        await message(page, f"Your ballot: {TITLE}").get_by_role("button", name="Your choice").click()
        await page.get_by_role("menuitemradio", name="Entry").click()  # the one of the other
        await expect(message(page, f"Your ballot: {TITLE}")).to_contain_text("Counted.")
    await entries.first.get_by_role("button", name="Report").click()
    form = page.get_by_role("dialog", name="Report this entry")
    await form.get_by_role("textbox", name="What is wrong with it?").fill("The bass is not yours")
    await picture(page, "report", form)
    await form.get_by_role("button", name="Send").click()
    await expect(message(page, "The moderators are told of it.")).to_be_visible()

    await become(page, play.standin.url, "Sam")
    await run(page, "contest close", contest=TITLE)
    results = message(page, f"Results: {TITLE}")
    await expect(results).to_contain_text("Entry 1")
    await expect(results).to_contain_text("2 points · winner")
    await expect(results).to_contain_text("3 ballots cast")
    await expect(results.locator("audio")).to_have_count(1)
    await results.locator("audio").scroll_into_view_if_needed()  # pictures are loaded where they are seen
    await expect(results.locator("img.picture")).to_be_visible()
    await picture(page, "results", results)
    await checked(page)
