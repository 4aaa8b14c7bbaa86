"""The log: a line for each event whatever is written into it, nothing secret, and what it is about."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import logs

ROOT = Path(__file__).parents[2]
FORGED = '\n{"level":"CRITICAL"}\r\n2026-01-01 CRITICAL forged'
SIGNS = (
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\x00",
    "\x1b[2J",
    "\x7f",
    "\u202e",
)
SECRETS = ("canary-token-0c3fd2", "canary/key+2f6b1c==", "")
LINKS = (
    "https://cdn.example/attachments/1/2/canary.mp3?ex=canary",
    "https://user:canary@cdn.example/x",
    "wss://gateway.example/?v=10&canary=1",
    "HTTPS://CDN.EXAMPLE/canary",
    "/callbacks/kie/0123456789ab/canary",
    "/api/v10/webhooks/754679445192704000/canary/messages/@original",
    "/interactions/1/canary/callback",
    "Authorization: Bearer canary-of-nobody",
    "Authorization: Bot canary.of.nobody",
)


class Page:
    """A logger of its own, and what came out of it."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._text = io.StringIO()
        handler = logging.StreamHandler(self._text)
        handler.setFormatter(formatter)
        self.log = logging.Logger("bot.page", logging.DEBUG)
        self.log.addHandler(handler)

    @property
    def lines(self) -> list[str]:
        """As whoever reads them splits them, however they do it."""
        return self._text.getvalue().rstrip("\n").splitlines()


@pytest.fixture(params=[logs.JsonLines, logs.Console])
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param(SECRETS))


def hostile(page: Page, words: str) -> int:
    """Write it into every field that there is; how many events that were."""
    page.log.info(words)
    page.log.info("%s of %r", words, words)
    try:
        raise ValueError(words)
    except ValueError:
        page.log.exception("it failed: %s", words)
    page.log.warning("here", stack_info=True)
    return 4


@pytest.fixture(autouse=True)
def _unbound() -> Iterator[None]:
    before = logs._about.set({})
    yield
    logs._about.reset(before)


@pytest.mark.parametrize("words", [FORGED, *SIGNS])
def test_there_are_as_many_lines_as_events(page: Page, words: str) -> None:
    logs.bind(job=f"a{words}b")
    assert len(page.lines) == 0
    count = hostile(page, f"before{words}after")
    assert len(page.lines) == count
    assert all(line.isprintable() for line in page.lines)


def test_an_ordinary_format_is_forged() -> None:
    """What the count has to find out."""
    page = Page(logging.Formatter("%(levelname)s %(message)s"))
    assert len(page.lines) < hostile(page, FORGED) < len(page.lines)


@pytest.mark.parametrize("words", [*filter(None, SECRETS), *LINKS])
def test_neither_secrets_nor_whole_links_are_written(page: Page, words: str) -> None:
    hostile(page, f"asked for {words} in vain")
    assert "canary" not in "".join(page.lines)
    assert "in vain" in page.lines[0]


def test_hosts_and_our_own_paths_stay(page: Page) -> None:
    page.log.info("from https://cdn.example/a/b and http://127.0.0.1:9 to data/files/ab, docs/engines.md")
    assert "from https://cdn.example/" in page.lines[0]
    assert "and http://127.0.0.1:9 to data/files/ab, docs/engines.md" in page.lines[0]


def test_json_has_everything_in_its_place() -> None:
    page = Page(logs.JsonLines())
    logs.bind(job="0123456789ab", guild="1")
    logs.bind(engine="kie")
    page.log.error("job %s: %s", "x", "größer", exc_info=ValueError("why"))
    told = json.loads(page.lines[0])
    assert told.pop("at").endswith("+00:00")
    assert told.pop("trace") == "ValueError: why"
    assert told == {
        "level": "ERROR",
        "logger": "bot.page",
        "event": "job x: größer",
        "job": "0123456789ab",
        "guild": "1",
        "engine": "kie",
    }


def test_the_console_says_the_same_for_people() -> None:
    page = Page(logs.Console())
    logs.bind(job="0123456789ab", engine="kie")
    page.log.warning("größer\tals")
    assert page.lines[0].endswith(r" WARNING bot.page: größer\tals [job=0123456789ab engine=kie]")


async def test_what_is_bound_goes_with_its_task_and_no_further() -> None:
    page = Page(logs.JsonLines())

    async def step(job: str) -> None:
        logs.bind(job=job)
        await asyncio.sleep(0)
        await asyncio.create_task(child())

    async def child() -> None:
        page.log.info("at work")

    await asyncio.gather(*(asyncio.create_task(step(name)) for name in "ab"))
    page.log.info("beside it")
    assert [json.loads(line).get("job") for line in page.lines] == ["a", "b", None]


@pytest.mark.parametrize("format", logs.FORMATS)
def test_a_program_that_dies_says_so_in_one_line(format: str) -> None:
    program = f"""
import warnings
from bot import logs
logs.begin("INFO", {format!r}, ["canary-token"])
warnings.warn("two\\nlines")
raise RuntimeError("two\\nlines and canary-token")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert "RuntimeError" in lines[1]
    assert "canary" not in done.stderr
