"""Orders to a running bot: only through its socket, which nobody else may open, and none of them breaks it."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.control import SOCKET, Control, NoBotError, ask
from tests.wire.test_operator_tools import tool


async def echo(order: Mapping[str, Any]) -> dict[str, Any]:
    if "break" in order:
        raise RuntimeError("on purpose")
    return {"ok": True, "order": dict(order)}


@pytest_asyncio.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    (tmp_path / SOCKET).write_text("left by a dead bot")
    control = Control(tmp_path, {"echo": echo})
    await control.start()
    yield tmp_path
    await control.stop()
    assert not (tmp_path / SOCKET).exists()


async def order(folder: Path, **values: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ask, folder, values)


async def test_an_order_is_carried_out_and_only_the_owner_may_give_one(folder: Path) -> None:
    assert await order(folder, do="echo", text="ä") == {"ok": True, "order": {"do": "echo", "text": "ä"}}
    assert stat.S_IMODE((folder / SOCKET).stat().st_mode) == 0o600


async def test_what_cannot_be_done_is_said_and_harms_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert "does not know that order" in (await order(folder, do="dance"))["why"]
    with caplog.at_level("CRITICAL"):
        assert "its log says why" in (await order(folder, **{"do": "echo", "break": 1}))["why"]
    assert (await order(folder, do="echo"))["ok"]


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b"{\n", b"\xff\xfe\n", b"x" * 200_000, b"[" * 60_000 + b"\n", b""]
)
async def test_junk_gets_no_further_than_its_connection(folder: Path, line: bytes) -> None:
    def send() -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(folder / SOCKET))
            try:
                connection.sendall(line)
                connection.shutdown(socket.SHUT_WR)
                return connection.recv(1000)
            except OSError:
                return b""

    answer = await asyncio.to_thread(send)
    assert not answer or json.loads(answer)["ok"] is False
    assert (await order(folder, do="echo"))["ok"]


async def test_without_a_bot_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoBotError):
        ask(tmp_path, {"do": "echo"})
    done = await tool(tmp_path / "data", "engine", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("twodeck: No bot that runs with")
    assert (await tool(tmp_path / "data", "engine", "off")).returncode == 2
