"""`/settings` at the page: its selects and its form, on a wide and on a narrow screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.playground import Playground
from tests.story.page_checks import faint_texts, fits, nameless_controls
from tests.story.page_visit import Visit, both_widths, message

pytestmark = [pytest.mark.page, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


async def picture(page: Page, name: str) -> None:
    """For whoever wants to look: a folder in the environment variable PICTURES takes what is seen."""
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@both_widths
async def test_the_time_zone_is_changed_in_the_form_and_seen_on_the_card(
    play: Playground, visit: Visit, width: int
) -> None:
    zone = "Asia/Tokyo" if width < 800 else "Europe/Berlin"
    await (await play.slash("sam", "lounge", "settings")).says("Settings of this server")
    page = await visit(play.standin.url, width, place="#sam/lounge")
    card = message(page, "Settings of this server")
    await card.get_by_role("button", name="What to change").click()
    await page.get_by_role("menuitemradio", name="Time zone").click()
    await card.get_by_role("button", name="Type a time zone").click()
    form = page.get_by_role("dialog", name="Time zone")
    box = form.get_by_role("textbox", name="Time zone")
    await expect(box).to_be_focused()
    await box.fill("Berlin/Europe")
    await picture(page, f"settings-form-{width}")
    await form.get_by_role("button", name="Send").click()
    await expect(card).to_contain_text("There is no time zone “Berlin/Europe”.")
    await card.get_by_role("button", name="Type a time zone").click()
    await box.fill(zone.lower())
    await page.keyboard.press("Enter")
    await expect(card).to_contain_text("Saved.")
    await expect(card).to_contain_text(zone)
    assert await fits(page)
    await card.get_by_role("button", name="What to change").click()
    await page.get_by_role("menuitemradio", name="Limits").click()
    await card.get_by_role("button", name="Change the numbers").click()
    limits = page.get_by_role("dialog", name="Limits")
    await expect(limits.get_by_role("textbox")).to_have_count(5)
    assert await fits(page)
    await page.keyboard.press("Escape")
    assert await nameless_controls(page) == []
    assert await faint_texts(page) == []
    await picture(page, f"settings-card-{width}")


async def test_channels_that_are_chosen_are_marked(play: Playground, visit: Visit) -> None:
    await (await play.slash("sam", "lounge", "settings")).says("Settings of this server")
    page = await visit(play.standin.url, place="#sam/lounge")
    card = message(page, "Settings of this server")
    group = card.get_by_role("group", name="Channels")
    await group.get_by_role("checkbox", name="#lounge").check()
    await group.get_by_role("checkbox", name="#mashups").check()
    await group.get_by_role("button", name="Choose").click()
    await expect(card).to_contain_text("Saved.")
    await expect(group.get_by_role("checkbox", name="#lounge")).to_be_checked()
    await expect(group.get_by_role("checkbox", name="#read-only")).not_to_be_checked()
    await picture(page, "settings-channels")
    await card.get_by_role("button", name="Everywhere").click()
    await expect(group.get_by_role("checkbox", name="#lounge")).not_to_be_checked()
