"""The menu of a message, the decks and the form of two files, at the page with the real bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.playground import Playground
from tests.story.page_checks import fits, nameless_controls
from tests.story.page_visit import Visit, both_widths, message, run

pytestmark = [pytest.mark.page, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
ROOMS = {1280: "mashups", 390: "lounge"}
"""So that no result of another test moves the messages while one is pressed."""


@both_widths
async def test_two_messages_go_on_the_decks_and_start(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path], width: int
) -> None:
    for song, words in zip(short_songs, ("mine", "hers"), strict=True):
        play.say("noor", ROOMS[width], f"{words} at {width}", song)
    page = await visit(play.standin.url, width, place=f"#mika/{ROOMS[width]}")
    for words, told in (("mine", "Empty: B."), ("hers", "Both decks are full.")):
        await message(page, f"{words} at {width}").click(button="right", position={"x": 60, "y": 15})
        await page.get_by_role("menuitem", name="Use in a mashup").click()
        await expect(message(page, "Your decks")).to_contain_text(told)
        start = message(page, "Your decks").get_by_role("button", name="Start")
        await (expect(start).to_be_disabled() if words == "mine" else expect(start).to_be_enabled())
    assert await fits(page)
    await message(page, "Your decks").get_by_role("button", name="Swap").click()
    await expect(message(page, "Your decks").locator("dd").first).to_contain_text("two.mp3")
    await message(page, "Your decks").get_by_role("button", name="Start").click()
    await expect(message(page, "On it.")).to_contain_text("Only you see this")


@both_widths
async def test_the_form_takes_exactly_two_files(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path], width: int
) -> None:
    page = await visit(play.standin.url, width)
    if not await page.get_by_label("Command", exact=True).is_visible():
        await page.get_by_role("button", name="Run a command").click()
    await page.get_by_label("Command", exact=True).select_option("mash")
    await page.locator("#run").click()
    form = page.get_by_role("dialog", name="A mashup of two tracks")
    await form.locator("input[type=file]").set_input_files(short_songs[0])
    await expect(form.get_by_role("combobox", name="Engine")).to_have_value("local")
    await form.get_by_role("textbox", name="Idea or lyrics").fill("la\nla")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("alert")).to_have_text("Two tracks: add exactly 2.")
    await form.locator("input[type=file]").set_input_files(list(short_songs))
    assert await fits(page)
    assert await nameless_controls(page) == []
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_be_hidden()
    await expect(message(page, "On it.")).to_contain_text("Only you see this")


async def test_what_is_here_already_is_chosen_in_the_place_of_a_file(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path]
) -> None:
    songs = {"track_a": short_songs[0], "track_b": short_songs[1]}
    await (await play.slash("sam", "mashups", "mashup", **songs)).says("On it.")
    page = await visit(play.standin.url, place="#sam/mashups")
    await page.locator("#options details.more summary").click()
    for name in ("from_a", "from_b"):
        await page.get_by_role("combobox", name=name).press_sequentially("two")
        await page.get_by_role("option", name="two.mp3 · 0:09 · your track").click()
    await run(page)
    await expect(message(page, "On it.")).to_contain_text("Only you see this")


async def test_direct_messages_are_there_from_the_start_with_the_commands_that_need_no_server(
    play: Playground, visit: Visit
) -> None:
    page = await visit(play.standin.url, place="#noor/@me")
    offered = await page.locator("#command option").evaluate_all("all => all.map(one => one.value.split(' ')[0])")
    assert set(offered) == {"jobs", "privacy", "help", "about"}
    for command, words in (
        ("jobs list", "Your mashups"),
        ("privacy show", "What I keep"),
        ("help", "need a server"),
        ("about", "MIT"),
    ):
        await page.get_by_label("Command", exact=True).select_option(command)
        await page.locator("#run").click()
        await expect(message(page, words)).to_be_visible()
