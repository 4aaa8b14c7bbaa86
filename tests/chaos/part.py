"""One of the processes that share a row: what to do comes as JSON, what came of it goes out as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.chaos import cells, kills, storm

RUNS: Mapping[str, Callable[..., Any]] = {"kills": kills.run, "cells": cells.run, "storm": storm.run}


def main(text: str) -> int:
    """`{"run": NAME, "folder": PATH, ...}`, the rest as keyword arguments."""
    order = json.loads(text)
    run, folder = RUNS[order.pop("run")], Path(order.pop("folder"))
    began = time.monotonic()
    logging.getLogger("aiohttp.server").setLevel(
        logging.CRITICAL
    )  # a killed bot breaks off in the middle of uploads

    def say(words: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - began:6.0f} s] {folder.name}: {words}\n")
        sys.stderr.flush()

    tally = asyncio.run(run(folder, say, **order))
    sys.stdout.write(json.dumps(tally.to_json()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
