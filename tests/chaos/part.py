"""One of the processes that share a row: what to do comes as JSON, what came of it goes out as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tests.chaos import cells, kills, storm
from tests.chaos.tally import Tally

RUNS: Mapping[str, Callable[..., Awaitable[Tally]]] = {"kills": kills.run, "cells": cells.run, "storm": storm.run}


async def carry_out(run: str, folder: str, **order: Any) -> Tally:
    """One of `RUNS`, in a folder of its own; the rest is what it is told."""
    began, place = time.monotonic(), Path(folder)

    def say(words: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - began:6.0f} s] {place.name}: {words}\n")
        sys.stderr.flush()

    return await RUNS[run](place, say, **order)


def main(text: str) -> int:
    """`{"run": NAME, "folder": PATH, ...}`, as `carry_out` takes it."""
    # a killed bot breaks off in the middle of uploads
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    tally = asyncio.run(carry_out(**json.loads(text)))
    sys.stdout.write(json.dumps(tally.to_json()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
