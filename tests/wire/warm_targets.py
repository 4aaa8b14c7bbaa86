"""What a process out of the nursery is told to be in `test_warm.py`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Say what is there to be seen, and end as the first argument wants it."""
    own = {name: value for name, value in os.environ.items() if name.startswith(("TWODECK_", "DISCORD_"))}
    files = sorted(int(path.name) for path in Path("/proc/self/fd").iterdir())[
        :-1
    ]  # the last one is the look itself
    seen = {"arguments": sys.argv[1:], "environment": own, "directory": str(Path.cwd()), "files": files}
    sys.stderr.write("an error\n")
    sys.stdout.write(json.dumps(seen) + "\n")
    if arguments[0] == "wait":
        signal.pause()
    if arguments[0] == "raise":
        raise RuntimeError("on purpose")
    return int(arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
