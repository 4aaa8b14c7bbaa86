"""`python -m tests.soak --hours 2` (or `--minutes 10`): a line a minute, then the figures.

The exit code is 1 when a target was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import print_table
from tests.soak.run import Plan, run

_WARM_UP = 1 / 6
_MOST_WARM_UP = 1200.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", default="", help="a part of the bot that is broken on purpose, such as leak")
    parser.add_argument("--folder", type=Path, help="where to keep what was written (default: a temporary folder)")
    options = parser.parse_args(arguments)
    seconds = (options.hours * 60 + options.minutes) * 60 or 7200.0
    warm_up = min(_MOST_WARM_UP, seconds * _WARM_UP)
    plan = Plan(seconds, warm_up, min(30.0, seconds / 60), options.broken, options.seed)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a bot that stops breaks off uploads
    folder = Path(tempfile.mkdtemp(prefix="twodeck-soak-", dir=options.folder))
    outcome = asyncio.run(run(folder, plan, _say))
    _say(f"history, log and database: {folder}")
    return 0 if print_table(outcome.figures()) else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
