"""What a worker's child cannot do, whoever took it over; and that one without limits can."""

from __future__ import annotations

import platform
import sys
import tempfile
from pathlib import Path

import pytest

from bot.cage import calls, files
from bot.worker import pool as workers
from bot.worker.pool import Pool
from bot.worker.protections import Protection, protections
from tests import cage
from tests.wire import worker_targets
from tests.wire.test_worker import LIMITS, TARGETS

held_in = pytest.mark.skipif(
    not (calls.available() and files.version()), reason="this system offers less than what is measured here"
)


@held_in
async def test_no_way_leads_out() -> None:
    assert cage.OPEN not in (await cage.ways_out()).values()


@held_in
async def test_a_child_without_limits_is_found_out() -> None:
    ways = ("reading the database", "a link to the database", "a connection", "many processes", "a file of 1 GB")
    assert set((await cage.ways_out(ways, child=cage.BARE)).values()) == {cage.OPEN}


@held_in
async def test_a_program_that_may_be_started_gets_no_further(tmp_path: Path) -> None:
    """The scripts work outside; inside, a shell may run what is built into it."""
    secret = tmp_path / "secret"
    secret.write_text("rows")
    own, fork, program = "echo word > mine", "(echo word) ; echo word", "exec /bin/true"
    read, signal = f"read word < {secret}", "kill -0 $PPID"
    scripts = (own, fork, program, read, signal)
    folder = tmp_path / "folder"
    folder.mkdir()
    pool = Pool(1, allowed=(TARGETS,))
    try:
        told = await pool.run(
            f"{TARGETS}:shell",
            {"scripts": scripts},
            directory=folder,
            limits=LIMITS,
            programs=worker_targets.PROGRAMS["shell"],
        )
    finally:
        await pool.close()
    assert {script for script, status in told.items() if status == 0} == {own}
    assert (folder / "mine").read_text() == "word\n"


@held_in
async def test_a_child_without_a_folder_writes_nowhere(tmp_path: Path) -> None:
    places = (Path("mine"), tmp_path / "mine", Path(tempfile.gettempdir()) / "mine")
    scripts = [":", *(f"echo word > {place}" for place in places)]
    pool = Pool(1, allowed=(TARGETS,))
    programs = worker_targets.PROGRAMS["shell"]
    try:
        told = await pool.run(f"{TARGETS}:shell", {"scripts": scripts}, limits=LIMITS, programs=programs)
    finally:
        await pool.close()
    assert [script for script, status in told.items() if status == 0] == [":"]


@held_in
async def test_where_a_protection_fails_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that cannot be confined, for want of the folder that it is to write in."""
    pool = Pool(1, allowed=(TARGETS,))
    monkeypatch.setattr(workers, "CHILD", "tests.wire.broken_child")
    try:
        with pytest.raises(workers.Refused, match="worker-died"):
            await pool.run(f"{TARGETS}:describe", {}, directory=tmp_path, limits=LIMITS)
    finally:
        await pool.close()


def test_what_holds_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["limits", "system-calls", "files"]
    here = protections()
    assert [one.name for one in here] == names
    if sys.platform == "linux":
        assert here[0].holds
        assert here[1].holds or platform.machine() not in {"x86_64", "aarch64"}
    monkeypatch.setattr(sys, "platform", "darwin")
    elsewhere = protections()
    assert [one.name for one in elsewhere] == names
    assert not any(one.holds for one in elsewhere)
    assert all(one.lacking for one in elsewhere)
    assert all(one == Protection(one.name, holds=True, by=one.by) and one.by for one in here if one.holds)
