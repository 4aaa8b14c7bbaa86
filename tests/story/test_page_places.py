"""Where things stand at the page: people, channels, threads, histories, and who sees what."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.playground import Playground
from tests.story.page_visit import Visit, both_widths, message

pytestmark = [pytest.mark.page, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


async def test_an_answer_for_one_person_is_seen_by_that_person_only(small: Playground, visit: Visit) -> None:
    page = await visit(small.standin.url, place="#sam/lounge")
    await page.get_by_label("Command", exact=True).select_option("settings show")
    await page.get_by_role("button", name="Run /settings show").click()
    await expect(message(page, "manages=True")).to_contain_text("Only you see this")
    await expect(page.locator("#announcer")).to_contain_text("manages=True")
    await page.get_by_role("radio", name="Mika").check()
    await expect(page.get_by_label("Command", exact=True)).to_have_value("mix")
    await expect(page.get_by_text("manages=True")).to_have_count(0)
    await expect(page.locator("#command option[value='settings show']")).to_have_count(0)


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


@both_widths
async def test_no_message_moves_when_the_way_to_the_newest_comes_and_goes(
    small: Playground, visit: Visit, width: int
) -> None:
    for _ in range(12):
        small.say("mika", "lounge", "one more")
    page = await visit(small.standin.url, width, place="#mika/lounge")
    scroller, button = page.locator("#scroller"), page.get_by_role("button", name="Newest message")
    await expect(page.locator(".message").last).to_be_in_viewport()
    before = await scroller.bounding_box()
    await scroller.evaluate("box => box.scrollTop = 0")
    await expect(button).to_be_visible()
    assert await scroller.bounding_box() == before
    await button.click()
    await expect(button).to_be_hidden()
    await expect(page.locator(".message").last).to_be_in_viewport()


async def test_threads_stand_under_their_channel(small: Playground, visit: Visit) -> None:
    parent = small.world.channel("mashups")
    page = await visit(small.standin.url)
    thread = small.standin.knobs.places.create_thread(parent, {"name": "Week 1"}, small.world.bot.id)
    await page.get_by_role("button", name="Thread #Week 1").click()
    await expect(page.get_by_role("heading", name="#Week 1")).to_be_visible()
    small.standin.knobs.delete_channel(thread)
    await expect(page.get_by_role("heading", name="#mashups")).to_be_visible()
    await expect(page.locator("#status")).to_have_text("#Week 1 was deleted.")


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
