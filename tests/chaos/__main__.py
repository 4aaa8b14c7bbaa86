"""`python -m tests.chaos`: the long form of every row, or one row with numbers of one's own; a table comes out.

`python -m tests.chaos check FOLDER` decides again over the folder of one bot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from tests.chaos import cells
from tests.chaos.checker import check
from tests.chaos.history import load, read_rows
from tests.chaos.scenes import SCENES, Scene
from tests.chaos.stage import ROOT
from tests.chaos.tally import Tally

HEADER = "| row | run | measured | violations | minutes |\n|---|---|---|---|---|"
_SHOWN = 20
_INVARIANT = re.compile(r"(?:^|: )(I\d+) ")

Row = Callable[[argparse.Namespace, Path], Coroutine[Any, Any, Tally]]


async def kills(options: argparse.Namespace, folder: Path) -> Tally:
    """Random kills, or power cuts."""
    shared = {
        "lost": options.lost_callbacks / 100,
        "jobs_per_life": options.jobs_per_life,
        "broken": options.broken,
    }
    shared |= {"warm": not options.cold}
    shared["cut_power"] = options.row == "power"
    counts = _split(options.kills, options.concurrency)
    return await _side_by_side(options, folder, [{"run": "kills", "kills": count, **shared} for count in counts])


async def failpoints(options: argparse.Namespace, folder: Path) -> Tally:
    """Trace every scene, or one, then strike every point that was reached, or some of them."""
    traces: list[tuple[Scene, Counter[str]]] = []
    for scene in [cells.scene_named(options.scene)] if options.scene else SCENES:
        _say(f"tracing {scene.name}")
        traces.append((scene, await cells.trace(folder / f"trace-{len(traces)}", scene)))
    planned = cells.plan(traces, middle=options.middle, every=options.every)
    if options.only:
        planned = [cell for cell in planned if any(word in cell.point for word in options.only)]
    if not options.all:
        planned = cells.some(planned, options.count, options.seed)
    parts = [[cell.to_list() for cell in planned[n :: options.concurrency]] for n in range(options.concurrency)]
    tally = await _side_by_side(options, folder, [{"run": "cells", "cells": part} for part in parts if part])
    tally.counts["points"] = len({point for _, counts in traces for point in counts})
    if not options.scene:
        tally.violations += [f"no scene reaches {point}" for point in cells.missing(traces)]
    tally.violations += [f"the source does not show {point}, which was reached" for point in cells.unknown(traces)]
    return tally


async def storm(options: argparse.Namespace, folder: Path) -> Tally:
    """Callbacks lost, doubled, late and shuffled."""
    shape = {"lost": options.lost_callbacks / 100, "doubled": options.doubled_callbacks / 100, "late": options.late}
    shape |= {"warm": not options.cold}
    counts = _split(options.jobs, options.concurrency)
    return await _side_by_side(options, folder, [{"run": "storm", "jobs": count, **shape} for count in counts])


async def broken(options: argparse.Namespace, folder: Path) -> Tally:
    """Bots that are broken on purpose: each must be found out, and the bot as it is must stand the same strike."""
    shared = {"kills": options.kills, "jobs_per_life": 4, "cut_power": True}
    orders: list[dict[str, Any]] = [
        *({"run": "cells", "cells": [cell.to_list()], "broken": name} for name, cell in cells.CONTROLS.items()),
        {"run": "kills", "broken": "synchronous-normal", **shared},
    ]
    whole = [cell.to_list() for cell in cells.CONTROLS.values() if not cell.point.startswith("commit tests.")]
    tally = await _side_by_side(options, folder, [{"run": "cells", "cells": whole}])
    for order in orders:
        found = await _side_by_side(options, folder / order["broken"], [order])
        kinds = Counter(match[1] for text in found.violations if (match := _INVARIANT.search(text)))
        tally.notes.append(f"{order['broken']}: {', '.join(f'{count} x {kind}' for kind, count in kinds.items())}")
        tally.counts["broken bots found out"] += bool(kinds)
        tally.violations += [] if kinds else [f"{order['broken']} was not found out"]
    return tally


ROWS: dict[str, Row] = {"kills": kills, "power": kills, "failpoints": failpoints, "storm": storm, "broken": broken}
LONG = (
    ["kills", "--kills", "1000", "--lost-callbacks", "0"],
    ["kills", "--kills", "1000", "--lost-callbacks", "10"],
    ["failpoints", "--all"],
    ["storm", "--jobs", "2000"],
    ["storm", "--jobs", "2000", "--lost-callbacks", "100"],
    ["power", "--kills", "100"],
    ["broken"],
)


def again(folder: Path) -> int:
    """Let the checker decide once more over what a run left behind."""
    found = check(load(folder / "history.jsonl"), read_rows(folder / "bot" / "twodeck.db"))
    for violation in found:
        sys.stdout.write(f"{violation}\n")
    return 1 if found else 0


def main(arguments: Sequence[str]) -> int:
    """0 when no invariant was broken."""
    if arguments[:1] == ["check"]:
        return again(Path(arguments[1]))
    rows = [list(arguments)] if arguments else list(LONG)
    sys.stdout.write(HEADER + "\n")
    bad = 0
    for row in rows:
        options = _parser().parse_args(row)
        folder = Path(tempfile.mkdtemp(prefix=f"twodeck-{options.row}-", dir=options.folder))
        began = time.monotonic()
        tally = asyncio.run(ROWS[options.row](options, folder))
        for line in [*tally.notes, *tally.violations[:_SHOWN]]:
            _say(line)
        sys.stdout.write(_line(row, tally, time.monotonic() - began) + "\n")
        sys.stdout.flush()
        _say(f"history, log and database of each run: {folder}")
        bad += bool(tally.violations)
    return 1 if bad else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    rows = parser.add_subparsers(required=True, dest="row")
    for name, run in ROWS.items():
        row = rows.add_parser(name, help=(run.__doc__ or "").strip())
        row.add_argument(
            "--concurrency", type=int, default=2, help="bots side by side, each with stand-ins of its own"
        )
        row.add_argument("--seed", type=int, default=1)
        row.add_argument("--folder", type=Path, help="where to keep what was written (default: a temporary folder)")
        if run is kills:
            row.add_argument("--kills", type=int, default=100)
            row.add_argument("--jobs-per-life", type=int, default=4)
            row.add_argument("--broken", default="", help="a part of the bot that is broken on purpose")
        if run is failpoints:
            row.add_argument("--all", action="store_true")
            row.add_argument("--count", type=int, default=20, help="without --all: how many cells, by chance")
            row.add_argument("--scene", default="", choices=[scene.name for scene in SCENES], help="only this one")
            row.add_argument("--only", action="append", metavar="TEXT", help="only points with this in their name")
            row.add_argument("--middle", action="store_true", help="strike also halfway through each story")
            row.add_argument("--every", action="store_true", help="strike each time that a point is reached")
        if run is storm:
            row.add_argument("--jobs", type=int, default=200)
            row.add_argument("--doubled-callbacks", type=float, default=30, metavar="PERCENT")
            row.add_argument("--late", type=float, default=3.0, metavar="SECONDS")
        if run is broken:
            row.add_argument("--kills", type=int, default=10, help="power cuts of the bot that does not sync")
        if run not in (failpoints, broken):
            row.add_argument("--cold", action="store_true", help="a new interpreter for every audio child")
            default = 30 if run is storm else 0
            row.add_argument("--lost-callbacks", type=float, default=default, metavar="PERCENT")
    return parser


async def _side_by_side(options: argparse.Namespace, folder: Path, orders: list[dict[str, Any]]) -> Tally:
    chance = random.Random(options.seed)
    tally = Tally()
    for number, order in enumerate(orders):
        order["folder"] = str(folder / f"part-{number}")
        if order["run"] != "cells":
            order["seed"] = chance.getrandbits(32)
    for one in await asyncio.gather(*map(part, orders)):
        tally.add(one)
    return tally


async def part(order: dict[str, Any]) -> Tally:
    """A process of its own, because each has stand-ins that work hard."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.part", json.dumps(order)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    if process.returncode:
        return Tally(violations=[f"{order['folder']}: this part of the run failed; its trace is above"])
    return Tally.from_json(json.loads(out))


def _split(count: int, parts: int) -> list[int]:
    """A number in parts that differ by one at most."""
    return [size for size in ((count + part) // parts for part in range(parts)) if size]


def _line(row: Sequence[str], tally: Tally, seconds: float) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in tally.counts.items() if count)
    met = ", ".join(f"{count} {state}" for state, count in tally.interrupted.most_common() if state != "done")
    measured = counts + (f"; kills met jobs in: {met}" if met else "")
    return f"| {row[0]} | `{' '.join(row)}` | {measured} | {len(tally.violations)} | {seconds / 60:.1f} |"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
