"""The worker pool against real children: what comes back, what is stopped, and that nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.errors import Code, Refused
from bot.worker import pool as workers
from bot.worker.pool import Limits, Pool
from tests.wire import worker_targets

TARGETS = "tests.wire.worker_targets"
ROOT = Path(__file__).parents[2]
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=10, file_bytes=1 << 20, open_files=32, wall_seconds=20.0)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="a Linux facility")


class Run(Protocol):
    """Runs a target in a child whose directory is the test's."""

    async def __call__(
        self,
        name: str,
        *,
        limits: Limits = LIMITS,
        progress: Callable[[str, float], None] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]: ...


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(2, allowed=(TARGETS,))
    yield pool
    await pool.close()


@pytest.fixture
def run(pool: Pool, tmp_path: Path) -> Run:
    async def run(
        name: str,
        *,
        limits: Limits = LIMITS,
        progress: Callable[[str, float], None] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        return await pool.run(
            f"{TARGETS}:{name}",
            arguments,
            directory=tmp_path,
            limits=limits,
            programs=worker_targets.PROGRAMS.get(name, ()),
            progress=progress,
        )

    return run


async def refusal(running: Any) -> tuple[Code, dict[str, Any]]:
    with pytest.raises(Refused) as caught:
        await running
    return caught.value.refusal.code, dict(caught.value.refusal.values)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int, seconds: float = 3.0) -> bool:
    for _ in range(int(seconds / 0.02)):
        if not alive(pid):
            return True
        await asyncio.sleep(0.02)
    return False


def no_children() -> bool:
    """Neither a running child nor a zombie belongs to this process."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


async def test_arguments_go_in_and_the_result_comes_out_of_an_empty_process(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    result = await run("describe", text="×", number=1.5)
    assert result["arguments"] == {"text": "×", "number": 1.5}
    assert Path(result["directory"]) == tmp_path
    own = {"PYTHONPATH", "TMPDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    assert set(result["environment"]) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == own
    assert result["environment"]["PYTHONPATH"] == str(ROOT)
    assert result["niceness"] >= 10
    assert result["modules"] == []
    assert len(result["descriptors"]) <= 6  # three streams, two private ones, the listing itself
    assert no_children()


async def test_progress_arrives_in_order_and_thinned_out(run: Run) -> None:
    heard: list[tuple[str, float]] = []
    await run("report", progress=lambda stage, fraction: heard.append((stage, fraction)))
    assert heard[0] == ("early", 0.0)
    assert heard[-1] == ("late", 1.0)
    assert len(heard) < 20


async def test_a_failing_progress_callback_does_not_fail_the_run(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(stage: str, fraction: float) -> None:
        raise RuntimeError("broken card")

    assert await run("report", progress=broken) == {}
    assert "broken card" in caplog.text


async def test_what_a_target_prints_cannot_pass_for_its_result(run: Run) -> None:
    assert await run("chatter") == {"forged": False}


async def test_a_refusal_keeps_its_code_and_values(run: Run) -> None:
    assert await refusal(run("refuse")) == (Code.AUDIO_TOO_SHORT, {"seconds": 1.5, "minimum": 10})


async def test_a_fault_is_logged_and_not_shown(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    assert await refusal(run("fail")) == (Code.WORKER_DIED, {})
    assert "a very private detail" in caplog.text
    assert len(caplog.text) < 20_000


async def test_a_result_may_be_large_but_not_endless(run: Run) -> None:
    assert len((await run("big", size=7 << 20))["text"]) == 7 << 20
    assert await refusal(run("big", size=9 << 20)) == (Code.WORKER_DIED, {})


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("subprocess:run", "is not on the list"),
        (f"{TARGETS}x:sleep", "is not on the list"),
        (f"{TARGETS}:Refused", "is not a public function of its module"),
        (f"{TARGETS}:_hidden", "is not a public function of its module"),
    ],
)
async def test_only_listed_targets_run(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture, target: str, reason: str
) -> None:
    running = pool.run(target, {}, directory=tmp_path, limits=LIMITS)
    assert await refusal(running) == (Code.WORKER_DIED, {})
    assert reason in caplog.text


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="the fence is not made for it",
)
async def test_a_child_and_its_children_reach_no_network(run: Run) -> None:
    heard = 0

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        families = dict.fromkeys(("AF_INET", "AF_INET6", "AF_UNIX"), "PermissionError")
        assert await run("reach", port=port) == {**families, "grandchild": "denied"}
        assert heard == 0
        unfenced = worker_targets.reach({"port": port}, lambda stage, part: None)
    assert unfenced["AF_INET"] == "open"  # the same tries do reach it from here


async def test_a_slow_run_does_not_hold_up_the_others(run: Run) -> None:
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    slow = asyncio.create_task(run("sleep", progress=lambda stage, _: started.set_result(stage), seconds=15))
    await started
    for _ in range(3):
        await run("describe")
    assert not slow.done()
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


@linux_only
async def test_memory_is_limited(run: Run) -> None:
    assert await run("allocate", size=100 << 20) == {"size": 100 << 20}
    assert await refusal(run("allocate", size=2 << 30)) == (Code.WORKER_LIMIT, {"limit": "memory"})


async def test_processor_time_is_limited(run: Run) -> None:
    limits = replace(LIMITS, cpu_seconds=1)
    assert await run("spin", limits=limits, seconds=0.1) == {}
    assert await refusal(run("spin", limits=limits, seconds=8)) == (Code.WORKER_LIMIT, {"limit": "cpu"})


async def test_file_size_is_limited(run: Run, tmp_path: Path) -> None:
    assert await run("write", size=1 << 20) == {"size": 1 << 20}
    assert await refusal(run("write", size=2 << 20)) == (Code.WORKER_LIMIT, {"limit": "file-size"})
    assert (tmp_path / "big").stat().st_size <= 1 << 20


async def test_open_files_are_limited(run: Run) -> None:
    assert await run("open_many", count=10) == {"count": 10}
    assert await refusal(run("open_many", count=100)) == (Code.WORKER_LIMIT, {"limit": "open-files"})


@pytest.mark.parametrize(
    ("name", "code"),
    [("SIGKILL", Code.WORKER_LIMIT), ("SIGSEGV", Code.WORKER_DIED), ("SIGABRT", Code.WORKER_DIED)],
)
async def test_death_by_signal_is_told_apart(run: Run, name: str, code: Code) -> None:
    assert (await refusal(run("crash", signal=name)))[0] == code


async def test_a_run_has_a_deadline_and_its_helpers_die_with_it(run: Run) -> None:
    pids: list[int] = []
    limits = replace(LIMITS, wall_seconds=0.8)
    running = run(
        "sleep", limits=limits, progress=lambda stage, _: pids.extend(map(int, stage.split())), seconds=15
    )
    start = time.monotonic()
    assert await refusal(running) == (Code.TOOK_TOO_LONG, {"seconds": 0.8})
    assert time.monotonic() - start < 10
    assert len(pids) == 2
    assert [await gone(pid) for pid in pids] == [True, True]
    assert no_children()


async def test_cancelling_kills_and_reaps_before_the_caller_goes_on(run: Run) -> None:
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run("sleep", progress=lambda stage, _: started.set_result(stage), seconds=15))
    child, helper = map(int, (await started).split())
    assert alive(child)
    assert alive(helper)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # an impatient caller changes nothing
    with pytest.raises(asyncio.CancelledError):
        await task
    assert no_children()
    assert not alive(child)
    assert await gone(helper)


async def test_cancelling_ends_a_busy_child_within_a_second(run: Run) -> None:
    """The best of three: it is the bot that must not wait, whatever the machine does."""
    took: list[float] = []
    for _ in range(3):
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            run("spin", progress=lambda stage, _, known=started: known.set_result(stage), seconds=15)
        )
        await started
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took.append(time.monotonic() - begun)
        assert no_children()
    assert min(took) < 1.0


async def test_cancelling_at_any_moment_leaves_nothing(run: Run) -> None:
    for pause in (0, 0.001, 0.01, 0.05):
        task = asyncio.create_task(run("sleep", seconds=15))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert no_children()


async def test_leftovers_of_a_target_do_not_delay_its_result(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may leave its group where nothing holds it in."""
    monkeypatch.setattr(workers, "CHILD", "tests.wire.bare_child")
    start = time.monotonic()
    helper = (await run("linger"))["helper"]
    assert time.monotonic() - start < 15
    with contextlib.suppress(ProcessLookupError):
        os.kill(helper, signal.SIGKILL)


async def test_closing_ends_running_and_waiting_calls(tmp_path: Path) -> None:
    pool = Pool(1, allowed=(TARGETS,))
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    calls = [
        asyncio.create_task(
            pool.run(
                f"{TARGETS}:sleep",
                {"seconds": 15},
                directory=tmp_path,
                limits=LIMITS,
                programs=worker_targets.PROGRAMS["sleep"],
                progress=lambda stage, _: started.set_result(stage),
            )
        )
        for _ in range(2)
    ]
    pids = [int(pid) for pid in (await started).split()]
    await pool.close()
    assert not alive(pids[0])
    assert [await refusal(call) for call in calls] == [(Code.STOPPING, {})] * 2
    assert await refusal(pool.run("x:y", {}, directory=tmp_path, limits=LIMITS)) == (Code.STOPPING, {})
    assert no_children()


async def test_no_more_children_than_workers(run: Run) -> None:
    spans = await asyncio.gather(*(run("overlap") for _ in range(5)))
    edges = sorted([(s["start"], 1) for s in spans] + [(s["end"], -1) for s in spans])
    running = [sum(step for _, step in edges[: n + 1]) for n in range(len(edges))]
    assert max(running) == 2


async def test_the_loop_keeps_turning_while_a_child_works(run: Run) -> None:
    longest, last, done = 0.0, time.monotonic(), False

    async def tick() -> None:
        nonlocal longest, last
        while not done:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            longest, last = max(longest, now - last), now

    ticking = asyncio.create_task(tick())
    await run("spin", seconds=1.5)
    done = True
    await ticking
    assert longest < 1


BOT = """
import asyncio, json, pathlib, sys
from bot.worker.pool import Limits, Pool
from tests.wire import worker_targets
ask = json.loads(sys.argv[1])
async def main():
    await Pool(1, allowed=(ask["module"],)).run(
        ask["module"] + ":cling", ask["arguments"], directory=pathlib.Path(ask["directory"]),
        limits=Limits(1 << 30, 10, 1 << 20, 32, 20.0), progress=lambda stage, _: print(stage, flush=True))
asyncio.run(main())
"""


@linux_only
@pytest.mark.parametrize(
    ("kernel", "watcher", "survives"),
    [(True, True, False), (True, False, False), (False, True, False), (False, False, True)],
    ids=["both", "kernel only", "watcher only", "neither: the control"],
)
async def test_children_die_with_a_killed_bot(tmp_path: Path, kernel: bool, watcher: bool, survives: bool) -> None:
    ask = {
        "module": TARGETS,
        "directory": str(tmp_path),
        "arguments": {"kernel": kernel, "watcher": watcher, "seconds": 15},
    }
    command = [sys.executable, "-c", BOT, json.dumps(ask)]
    bot = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    assert bot.stdout is not None
    pid = int(await bot.stdout.readline())
    await asyncio.sleep(0.1)  # let it settle where the target wants it
    assert alive(pid)
    bot.kill()
    await bot.communicate()
    try:
        assert await gone(pid, seconds=0.5 if survives else 3.0) is not survives
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
