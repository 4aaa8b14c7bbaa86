"""What people fill in at the page: suggestions, forms, selects, menus, their own messages, the fields of a knob."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import FilePayload, expect

from tests.playground import Playground
from tests.story.page_checks import drop, fits, tab_to
from tests.story.page_visit import Visit, both_widths, message

pytestmark = [pytest.mark.page, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


async def test_suggestions_are_chosen_with_the_arrow_keys(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url)
    await page.get_by_text("More options").click()
    box = page.get_by_role("combobox", name="style")
    await box.press_sequentially("h")
    await expect(page.get_by_role("option", name="hip hop")).to_be_visible()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        await page.keyboard.press(key)
    await expect(box).to_have_value("hip hop")
    await expect(page.get_by_role("listbox", name="Suggestions")).to_be_hidden()
    await box.fill("")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(3)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("option", name="house")).to_be_hidden()


async def test_a_button_stays_under_the_pointer_while_suggestions_close(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url)
    await page.get_by_text("More options").click()
    await page.get_by_role("combobox", name="style").press_sequentially("h")
    await expect(page.get_by_role("option", name="hip hop")).to_be_visible()
    button = page.locator("#run")
    await button.scroll_into_view_if_needed()
    before = await button.bounding_box()
    assert before is not None
    await page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    await page.mouse.down()
    assert await button.bounding_box() == before
    await page.mouse.up()
    await expect(page.get_by_role("listbox", name="Suggestions")).to_be_hidden()


# ---- what a bot can put into a message


@both_widths
async def test_a_form_opens_takes_the_focus_and_gives_it_back(small: Playground, visit: Visit, width: int) -> None:
    await (await small.slash("mika", "mashups", "mix", track_a=("a.mp3", b"a"), track_b=("b.mp3", b"b"))).says(
        "done"
    )
    page = await visit(small.standin.url, width)
    again = page.get_by_role("button", name="Again").last
    await again.focus()
    await page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="Change the mix")
    await expect(form.get_by_role("textbox", name="Note")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    await expect(again).to_be_focused()

    await page.keyboard.press("Enter")
    await expect(form.get_by_role("textbox", name="Note")).to_be_focused()
    await page.keyboard.type("more bass")
    await page.keyboard.press("Enter")
    await expect(form.get_by_role("alert")).to_have_text("Extra track: add exactly 1.")
    await drop(page, form.locator(".drop"), ("x.wav", 4), ("y.wav", 4))
    await expect(form.get_by_role("alert")).to_have_text(re.compile("one file fits here, and you gave 2"))
    await drop(page, form.locator(".drop"), ("x.wav", 4))
    assert await fits(page)
    await form.get_by_role("button", name="Send").click()
    await expect(message(page, "j1: more bass, x.wav of 4 bytes")).to_contain_text("Only you see this")


async def test_selects_send_what_was_picked_and_not_what_was_passed_over(small: Playground, visit: Visit) -> None:
    await (await small.slash("mika", "mashups", "choose")).says("Choose.")
    page = await visit(small.standin.url)
    one = page.get_by_role("button", name="One style").last
    await one.focus()
    for key in ("Enter", "ArrowDown", "ArrowDown", "Enter"):
        await page.keyboard.press(key)
    await expect(message(page, "one:")).to_contain_text("one: Garage")
    await expect(page.get_by_role("menu")).to_be_hidden()

    several = page.get_by_role("group", name="Several styles").last
    await several.get_by_role("checkbox", name="House").check()
    await several.get_by_role("checkbox", name="Garage").check()
    await several.get_by_role("button", name="Choose").click()
    await expect(message(page, "several:")).to_contain_text("several: House, Garage")


@both_widths
async def test_commands_of_the_context_menu(small: Playground, visit: Visit, width: int) -> None:
    await (await small.slash("mika", "mashups", "choose")).says("Choose.")
    page = await visit(small.standin.url, width)
    target = message(page, "Choose.")
    await target.focus()
    await tab_to(page, target.get_by_role("button", name="Apps for this message"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Mash this")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(target.get_by_role("button", name="Apps for this message")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(message(page, "mashing “Choose.”")).to_contain_text("Only you see this")

    await target.click(button="right", position={"x": 60, "y": 15})
    await page.get_by_role("group", name="Mika").get_by_role("menuitem", name="Say hello").click()
    await expect(message(page, "Hello Mika!")).to_be_visible()
    assert await fits(page)


# ---- beside the commands


async def test_members_write_and_post_files(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url, place="#noor/lounge")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("alert")).to_have_text("Write something, or add a file.")
    many = [FilePayload(name=f"{n}.mp3", mimeType="audio/mpeg", buffer=b"x") for n in range(11)]
    await page.get_by_label("Files for the message").set_input_files(many)
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("alert")).to_have_text("10 files fit in a message, and you chose 11.")
    await page.get_by_label("Files for the message").set_input_files(many[:1])
    await page.get_by_role("textbox", name="Message #lounge").fill("Listen to this")
    await page.keyboard.press("Enter")
    await expect(message(page, "Listen to this")).to_contain_text("0.mp3")
    await expect(page.get_by_role("textbox", name="Message #lounge")).to_be_empty()


async def test_a_knob_says_what_is_wrong_at_its_field_and_what_is_in_force(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url)
    await page.get_by_role("button", name="Faults and time").click()
    await page.locator("summary", has_text="Answer 429").click()
    form = page.get_by_role("form", name="Answer 429")
    await form.get_by_label("How many").fill("900")
    await page.keyboard.press("Enter")
    await expect(form.get_by_role("alert")).to_contain_text("How many: type a number from")
    await expect(form.get_by_label("How many")).to_be_focused()
    await form.get_by_label("How many").fill("2")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="In force now")).to_contain_text("Answer 429: 2 more")
    await expect(page.get_by_role("button", name="Faults and time 1 in force")).to_be_visible()
    await page.get_by_role("button", name="End: Answer 429").click()
    await expect(page.get_by_role("group", name="In force now")).to_contain_text("Nothing is in force")
    await expect(page.get_by_role("button", name="Faults and time")).to_be_focused()
    await expect(page.get_by_role("button", name="Kill the bot")).to_be_disabled()
