"""The round trip of `twodeck doctor`: through a proxy to the listener and back, and every way in which it fails."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.clock import Clock
from bot.control import Control
from bot.database import Database
from bot.doctor import address, configuration
from bot.doctor.finding import Finding, Level
from bot.web.callbacks import Callbacks
from bot.web.listener import Listener
from bot.web.probes import Probes
from tests.wire.reverse_proxy import PREFIX, Proxy
from tests.wire.test_callbacks import KEY, write_job
from tests.wire.test_probes import rows


async def look(folder: Path, proxy: Proxy, **settings: str) -> Finding:
    told = {
        "KIE_API_KEY": "key",
        "KIE_WEBHOOK_KEY": KEY,
        "TWODECK_LISTEN": proxy.target.removeprefix("http://"),
        "TWODECK_PUBLIC_URL": f"http://user:pass-word@127.0.0.1:{proxy.port}{PREFIX}",
        **settings,
    }
    env_file = folder / "settings"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    found = await address.examine(configuration.examine(env_file)[0], folder, Clock())
    assert "pass-word" not in found.seen + found.fix
    return found


async def test_without_a_bot_the_listener_is_opened_for_a_moment(proxy: Proxy, tmp_path: Path) -> None:
    found = await look(tmp_path, proxy)
    assert found.level is Level.OK, found
    assert "(signed) came through" in found.seen
    unsigned = await look(tmp_path, proxy, KIE_WEBHOOK_KEY="")
    assert (unsigned.level, "(not signed, as KIE_WEBHOOK_KEY is not set)" in unsigned.seen) == (Level.OK, True)
    with socket.socket() as again:  # nothing listens any more
        again.bind(("127.0.0.1", int(proxy.target.rpartition(":")[2])))


@pytest.mark.parametrize(
    ("does", "seen", "fix"),
    [
        ("redirect", "answers with a redirect (308)", "to which it redirects"),
        ("elsewhere", "did not come to TWODECK_LISTEN", "the name leads to this machine"),
        ("login", "answers a callback with 403", "asks for a login"),
        ("keep-prefix", "or with another path (404", "the path prefix"),
        ("unsigned", "refuses our signature", "the same KIE_WEBHOOK_KEY"),
        ("says-yes", "wrong signature was taken", "answers nothing itself"),
    ],
)
async def test_a_public_address_that_leads_elsewhere(
    does: str, seen: str, fix: str, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.does = does
    found = await look(tmp_path, proxy)
    assert (found.level, seen in found.seen, fix in found.fix) == (Level.ERROR, True, True), found


async def test_ways_that_end_before_the_listener(proxy: Proxy, tmp_path: Path, unused_tcp_port: int) -> None:
    cases: list[tuple[dict[str, str], str, str]] = [
        (
            {"TWODECK_LISTEN": f"127.0.0.1:{unused_tcp_port}"},
            "does not reach TWODECK_LISTEN (502)",
            "the same port",
        ),
        ({"TWODECK_PUBLIC_URL": f"http://127.0.0.1:{unused_tcp_port}"}, "gives no answer", "firewall"),
        ({"TWODECK_PUBLIC_URL": f"https://127.0.0.1:{proxy.port}"}, "no certificate", "valid certificate"),
        ({"TWODECK_LISTEN": f"127.0.0.1:{proxy.port}"}, "cannot be used", "End the program"),
    ]
    proxy.target = "http://127.0.0.1:9"
    for settings, seen, fix in cases:
        found = await look(tmp_path, proxy, **settings)
        assert (found.level, seen in found.seen, fix in found.fix) == (Level.ERROR, True, True), found


async def test_nobody_has_to_reach_a_bot_that_polls(proxy: Proxy, tmp_path: Path) -> None:
    for settings in ({"KIE_API_KEY": ""}, {"TWODECK_PUBLIC_URL": ""}):
        found = await look(tmp_path, proxy, **settings)
        assert (found.level, "nobody has to reach" in found.seen.lower()) == (Level.OK, True)
    wrong = await look(tmp_path, proxy, TWODECK_PUBLIC_URL="ftp://x")
    assert wrong.level is Level.WARNING


async def _engines(_: object) -> dict[str, Any]:
    return {"ok": True, "engines": []}


@pytest_asyncio.fixture
async def running(db: Database, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Probes]:
    """The parts of a running bot that a probe meets, with a job that waits."""
    await write_job(db)
    probes = Probes(Clock())
    callbacks = Callbacks(db, Clock(), [SecretStr(KEY)], probes)
    listener, control = Listener(callbacks), Control(tmp_path, {**probes.handlers, "engines": _engines})
    await listener.start("127.0.0.1", 0)
    await control.start()
    proxy.target = f"http://127.0.0.1:{listener.port}"
    yield probes
    await control.stop()
    await listener.stop()


async def test_a_running_bot_is_asked_and_no_job_is_touched(
    running: Probes, db: Database, proxy: Proxy, tmp_path: Path
) -> None:
    before = await rows(db)
    found = await look(tmp_path, proxy, TWODECK_LISTEN="127.0.0.1:9")
    assert (found.level, "to the running bot" in found.seen) == (Level.OK, True), found
    assert await rows(db) == before
    old_key = await look(tmp_path, proxy, KIE_WEBHOOK_KEY="changed-since-the-start")
    assert "refuses our signature" in old_key.seen


async def test_a_bot_without_the_order_has_to_be_restarted(proxy: Proxy, tmp_path: Path) -> None:
    control = Control(tmp_path, {"engines": _engines})
    await control.start()
    try:
        found = await look(tmp_path, proxy)
    finally:
        await control.stop()
    assert (found.level, found.fix) == (Level.ERROR, "Restart the bot.")
