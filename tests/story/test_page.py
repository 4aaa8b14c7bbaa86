"""The page as people use it: by keyboard, by mouse, on a phone, with faults, in light and dark."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Locator, Page, Route, expect

from tests.browser import MIX_MILLISECONDS, NoBrowserError, chromium, playground
from tests.playground import Playground
from tests.story.page_bot import PageBot
from tests.story.page_checks import drop, faint_texts, fits, loudest, nameless_controls, tab_to

pytestmark = [pytest.mark.page, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
WIDTHS = [1280, 390]
Scheme = Literal["light", "dark"]
both_widths = pytest.mark.parametrize("width", WIDTHS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    try:
        async with chromium() as started:
            yield started
    except NoBrowserError as missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(missing))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with playground(tmp_path_factory.mktemp("playground")) as printed:
        yield printed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small() -> AsyncIterator[Playground]:
    """A bot in this process that has what `/mashup` alone does not: selects, a form, context menus."""
    async with Playground() as playing:
        await playing.connect(PageBot())
        yield playing


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


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    visiting = Visit(browser)
    yield visiting
    for context in browser.contexts:
        await context.close()
    assert visiting.complaints == []


def message(page: Page, text: str) -> Locator:
    """The newest message that shows `text`."""
    return page.locator(".message").filter(has_text=text).last


# ---- the main job


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
    await page.get_by_role("button", name="Use the two demo tracks").click()
    await turn(page, "Hold up the engine")
    await page.get_by_role("button", name="Run a command").click()
    await page.get_by_role("button", name="Run /mashup").click()
    await expect(message(page, "On it.")).to_be_visible()
    await expect(page.locator(".message .embed").last).to_be_visible()

    await page.get_by_role("button", name="Faults and time").click()
    await page.get_by_role("button", name="Kill the bot").click()
    await expect(page.locator("#bot")).to_contain_text("The bot stopped")
    await expect(page.locator("#bot")).to_have_text("Bot online", timeout=30_000)
    await expect(page.locator("audio")).to_have_count(2, timeout=MIX_MILLISECONDS)
    await page.reload()
    await expect(page.locator("audio")).to_have_count(2)


async def turn(page: Page, knob: str) -> None:
    """Use a knob with what its fields say; it is then shown as in force."""
    await page.get_by_role("button", name="Faults and time").click()
    await page.locator("summary", has_text=knob).click()
    await page.get_by_role("button", name=knob, exact=True).click()
    await expect(page.get_by_role("button", name=f"End: {knob}")).to_be_visible()


# ---- the form


async def test_files_can_be_dropped_and_the_field_says_what_does_not_fit(address: str, visit: Visit) -> None:
    page = await visit(address)
    track_a, track_b = page.locator("[data-field=track_a]"), page.locator("[data-field=track_b]")
    await drop(page, track_a.locator(".drop"), ("one.mp3", 300_000))
    await expect(track_a.locator(".chosen")).to_have_text("one.mp3 (0.3 MB)")

    await page.get_by_role("button", name="Run /mashup").click()
    await expect(track_b.get_by_role("alert")).to_contain_text("choose a file first")
    await expect(page.locator("[aria-invalid=true]")).to_be_focused()

    await drop(page, track_b.locator(".drop"), ("one.mp3", 300_000))
    await expect(track_b).to_contain_text("the same file twice. That is allowed.")
    await expect(page.get_by_role("alert")).to_have_count(0)

    await drop(page, track_a.locator(".drop"), ("1.mp3", 9), ("2.mp3", 9), ("3.mp3", 9))
    await expect(track_a.get_by_role("alert")).to_contain_text("takes 2 files, and you dropped 3")
    await expect(track_a.locator(".chosen")).to_contain_text("one.mp3")

    await drop(page, track_a.locator(".drop"), ("huge.wav", 11 * 1024 * 1024))
    await expect(track_a.get_by_role("alert")).to_contain_text("“huge.wav” has 11.0 MB; Mika may upload 10.0 MB.")
    await expect(track_a.locator(".chosen")).to_contain_text("one.mp3")

    await drop(page, page.locator("#scroller"), ("left.mp3", 5), ("right.mp3", 6))
    await expect(page.locator(".chosen")).to_contain_text(["left.mp3", "right.mp3"])
    await page.get_by_role("button", name="Remove the file of track_b").click()
    await expect(track_b.locator(".chosen")).to_contain_text("No file yet")


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
    await expect(form.get_by_role("alert")).to_have_text("Extra track: add 1 or more.")
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


async def test_an_answer_for_one_person_is_seen_by_that_person_only(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url, place="#sam/lounge")
    await page.get_by_label("Command", exact=True).select_option("settings show")
    await page.get_by_role("button", name="Run /settings show").click()
    await expect(message(page, "manages=True")).to_contain_text("Only you see this")
    await page.get_by_role("radio", name="Mika").check()
    await expect(page.get_by_label("Command", exact=True)).to_have_value("mix")
    await expect(page.get_by_text("manages=True")).to_have_count(0)
    await expect(page.locator("#command option[value='settings show']")).to_have_count(0)


# ---- places and history


async def test_people_and_places_and_history_are_kept_over_a_reload(small: Playground, visit: Visit) -> None:
    act = await small.slash("noor", "no-history", "choose")
    await act.says("Choose.")
    page = await visit(small.standin.url)
    await page.get_by_role("radio", name="Noor").check()
    await page.get_by_role("button", name="#no-history").click()
    await expect(page.get_by_role("heading", name="#no-history")).to_be_visible()
    await expect(message(page, "Choose.")).to_contain_text("Noor ran /choose")
    before = await page.locator("#messages").inner_text()
    await page.reload()
    await expect(page.get_by_role("heading", name="#no-history")).to_be_visible()
    await expect(page.get_by_role("radio", name="Noor")).to_be_checked()
    await expect(message(page, "Choose.")).to_be_visible()
    assert await page.locator("#messages").inner_text() == before


async def test_another_channel_is_marked_when_something_is_said_there(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url)
    await (await small.slash("noor", "lounge", "choose")).says("Choose.")
    marked = page.get_by_role("button", name="#lounge (new messages)")
    await marked.click()
    await expect(message(page, "Choose.")).to_be_visible()
    await expect(marked).to_have_count(0)


async def test_threads_stand_under_their_channel(small: Playground, visit: Visit) -> None:
    parent = small.world.channel("mashups")
    page = await visit(small.standin.url)
    thread = small.standin.knobs.places.create_thread(parent, {"name": "Week 1"}, small.world.bot.id)
    await page.get_by_role("button", name="Thread #Week 1").click()
    await expect(page.get_by_role("heading", name="#Week 1")).to_be_visible()
    small.standin.knobs.delete_channel(thread)
    await expect(page.get_by_role("heading", name="#mashups")).to_be_visible()
    await expect(page.locator("#status")).to_have_text("#Week 1 was deleted.")


# ---- for everyone


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


async def test_what_is_said_while_the_history_is_on_its_way_is_shown(small: Playground, visit: Visit) -> None:
    await (await small.slash("noor", "no-history", "choose")).says("Choose.")
    page = await visit(small.standin.url, place="#mika/mashups")
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        arrived.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    await page.route("**/page/messages*", hold)
    await page.get_by_role("button", name="#no-history").click()
    await arrived.wait()
    act = await small.slash("noor", "no-history", "kinds", **kinds_of(small))
    await act.says("early")
    go_on.set()
    await expect(message(page, "Choose.")).to_be_visible()
    await expect(message(page, "early 3 0.5")).to_be_visible()
    await page.unroute_all()


def kinds_of(small: Playground) -> dict[str, object]:
    world = small.world
    here, who = world.channel("lounge"), world.sam
    return {
        "text": "early",
        "whole": 3,
        "number": 0.5,
        "flag": True,
        "who": who,
        "where": here,
        "role": world.guild.id,
    }
