"""People at the page: they open it, find a message, run a command, use a knob."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

WIDTHS = [1280, 390]
both_widths = pytest.mark.parametrize("width", WIDTHS)
Scheme = Literal["light", "dark"]


class Visit:
    """Opens pages; anything the browser complains about fails the test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []

    async def __call__(self, address: str, width: int = 1280, *, scheme: Scheme = "light", place: str = "") -> Page:
        page = await self._browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(f"{address.rstrip('/')}/{place}")
        await expect(page.locator("#bot")).to_have_text("Bot online")
        await expect(page.locator("#channel-name")).not_to_be_empty()
        return page


def message(page: Page, text: str) -> Locator:
    """The newest message that shows `text`."""
    return page.locator(".message").filter(has_text=text).last


def field(page: Page, name: str) -> Locator:
    """An option of the command that is chosen."""
    return page.locator(f"#options [data-field={name}]")


async def choose(page: Page, **files: FilePayload | Path) -> None:
    """Give files to a command, by the name of their option."""
    for name, file in files.items():
        await field(page, name).locator("input[type=file]").set_input_files(file)


async def run(page: Page) -> None:
    """Run the command that is chosen, on a wide page."""
    await page.get_by_role("button", name="Run a command").click()
    await page.locator("#run").click()


async def use(page: Page, knob: str) -> None:
    """Press a knob that asks for nothing; it then says what it did."""
    await page.get_by_role("button", name="Faults and time").click()
    await page.get_by_role("button", name=knob, exact=True).click()
    await expect(page.locator("#knobs-said")).not_to_be_empty()


async def turn(page: Page, knob: str, **values: float | str) -> None:
    """Use a knob with what its fields say, or with `values` by their names; it is then shown as in force."""
    await page.get_by_role("button", name="Faults and time").click()
    await page.locator("summary", has_text=knob).click()
    form = page.get_by_role("form", name=knob, exact=True)
    for name, value in values.items():
        control = form.locator(f"[data-field={name}]")
        if isinstance(value, str):
            await control.locator("select").select_option(value)
        else:
            await control.locator("input").fill(str(value))
    await form.get_by_role("button", name=knob, exact=True).click()
    await expect(page.get_by_role("button", name=f"End: {knob}")).to_be_visible()


async def end(page: Page, knob: str) -> None:
    """End what a knob has put in force."""
    await page.get_by_role("button", name="Faults and time").click()
    await page.get_by_role("button", name=f"End: {knob}").click()
    await expect(page.get_by_role("button", name=f"End: {knob}")).to_have_count(0)
