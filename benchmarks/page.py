"""How soon a page with 200 messages draws a new one, while five cards on it show progress."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from playwright.async_api import Page

from tests.browser import NoBrowserError, chromium
from tests.playground import Playground

MESSAGES = 200
CARDS = 5
EDITS_PER_SECOND = 10
NEW_MESSAGES = 60
_NO_FILES = 0

# Two moments for each new message: when its event came in, and the task after the frame that shows it.
_WATCH = """
() => {
  const now = () => performance.timeOrigin + performance.now();
  const Plain = window.WebSocket;
  window.arrived = {};
  window.painted = {};
  window.WebSocket = class extends Plain {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", frame => {
        const event = JSON.parse(frame.data);
        if (event.type === "message") window.arrived[event.message.id] ??= now();
      });
    }
  };
  const note = node => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.painted[node.id.slice(2)] ??= now();
    channel.port2.postMessage(0);
  });
  addEventListener("DOMContentLoaded", () => new MutationObserver(changes => {
    for (const change of changes) for (const node of change.addedNodes) if (node.id?.startsWith("m-")) note(node);
  }).observe(document.getElementById("messages"), { childList: true }));
}
"""


def main() -> None:
    try:
        asyncio.run(_measure())
    except NoBrowserError as missing:
        print(missing)


async def _measure() -> None:
    async with Playground() as play, chromium() as browser:
        for number in range(MESSAGES):
            _post(play, number)
        for width in (1280, 390):
            page = await browser.new_page(viewport={"width": width, "height": 844})
            await page.add_init_script(f"({_WATCH})()")
            started = time.perf_counter()
            await page.goto(play.standin.url)
            await page.locator(".message").nth(MESSAGES - 1).wait_for()
            history = time.perf_counter() - started
            posted = await _rush(play)
            await asyncio.sleep(0.5)
            await _report(page, width, history, posted)
            await page.close()


async def _rush(play: Playground) -> dict[str, float]:
    """Post new messages beside the edits of the cards; when each was posted, by id."""
    cards = [_post(play, number) for number in range(CARDS)]
    editing = asyncio.create_task(_edit(play, cards))
    posted: dict[str, float] = {}
    for number in range(NEW_MESSAGES):
        moment = time.time()
        posted[str(_post(play, number))] = moment * 1000
        await asyncio.sleep(0.1)
    editing.cancel()
    await asyncio.gather(editing, return_exceptions=True)
    return posted


async def _edit(play: Playground, cards: list[int]) -> None:
    step = 0
    while True:
        step += 1
        for card in cards:
            message = play.world.messages[card]
            play.standin.posting.edit(message, {"embeds": [_embed(card, step)]}, limit=_NO_FILES)
        await asyncio.sleep(1 / EDITS_PER_SECOND)


def _post(play: Playground, number: int) -> int:
    body = {"content": f"Message **{number}** for <@{play.world.mika.id}>", "embeds": [_embed(number, 0)]}
    return play.standin.posting.post(play.world.channel("mashups").id, body, limit=_NO_FILES).id


def _embed(number: int, step: int) -> dict[str, Any]:
    fields = [
        {"name": f"Deck {deck}", "value": f"Track {number} at {120 + number % 7} BPM, A minor", "inline": True}
        for deck in "AB"
    ]
    done = step % 20
    return {
        "title": f"Night Drive × Paper Lanterns {number}",
        "description": f"Mixing\n`{'█' * done}{'░' * (20 - done)}` {done * 5} %",
        "color": 0x2F6EB5,
        "fields": fields,
        "footer": {"text": f"Job {number}"},
    }


async def _report(page: Page, width: int, history: float, posted: dict[str, float]) -> None:
    arrived, painted = await page.evaluate("() => [window.arrived, window.painted]")
    assert set(posted) <= set(painted), "every message must have been drawn"
    drawn = sorted(painted[one] - arrived[one] for one in posted)
    whole = sorted(painted[one] - posted[one] for one in posted)
    print(f"{width} pixels: {MESSAGES} messages are there {history * 1000:.0f} ms after the address is opened")
    print(f"  new message, event to drawn: {_spread(drawn)}")
    print(f"  new message, posted to drawn: {_spread(whole)}")


def _spread(times: list[float]) -> str:
    return f"median {statistics.median(times):.0f} ms, longest {times[-1]:.0f} ms of {len(times)}"
