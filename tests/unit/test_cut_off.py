"""A request to Discord that is cut off, or comes when the bot goes down, is no fault of the program in the log."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot.client import TwodeckBot
from bot.database import DatabaseClosedError
from bot.posts.port import Postponed
from cogs.delivery import _closed

CUTS = (aiohttp.ServerDisconnectedError(), TimeoutError("slow"))


@pytest.mark.parametrize("error", CUTS)
def test_a_post_that_was_cut_off_waits(error: Exception) -> None:
    assert isinstance(_closed(error), Postponed)
    assert isinstance(_closed(fault := KeyError("x")), KeyError)
    assert fault is _closed(fault)


@pytest.mark.parametrize("error", [*CUTS, DatabaseClosedError("closed")])
async def test_an_event_that_met_it_leaves_a_line_and_no_trace(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise error
    except Exception:  # noqa: BLE001 - as discord.py does it
        await TwodeckBot.on_error(cast(Any, SimpleNamespace()), "on_guild_available")
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


LATE = discord.HTTPException(cast(Any, SimpleNamespace(status=400, reason="Bad Request")), {"code": 40060})
WRONG = discord.HTTPException(cast(Any, SimpleNamespace(status=400, reason="Bad Request")), {"code": 50035})


@pytest.mark.parametrize(
    ("error", "level"), [(CUTS[0], "WARNING"), (LATE, "WARNING"), (WRONG, "ERROR"), (KeyError("x"), "ERROR")]
)
def test_suggestions_that_were_cut_off_leave_no_trace_and_faults_do(
    error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise error
    except Exception:
        logging.getLogger("discord.app_commands.tree").exception("Ignoring 100 %% of %r", "mashup")
    assert caplog.records[0].levelname == level
    assert ("Traceback" in caplog.text) is (level == "ERROR")
    assert "Ignoring 100 % of 'mashup'" in caplog.text
