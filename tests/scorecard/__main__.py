"""`python -m tests.scorecard [S4 S6 ...]`: measure every row, or these, in the long form.

Each measures its broken part, too. A table comes out; the exit code is 1 when a promise was not kept, or something
broken was not found out.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.scorecard.commands import ROOT
from tests.scorecard.row import Measured, Row, all_rows

HEADER = "| row | promise | target | measured | kept | broken on purpose | commit | date | minutes |"


def main(names: Sequence[str]) -> int:
    rows = all_rows()
    unknown = set(names) - {row.name for row in rows}
    if unknown:
        sys.stderr.write(f"No such row: {', '.join(sorted(unknown))}\n")
        return 2
    sys.stdout.write(f"{HEADER}\n|{'---|' * HEADER.count(' |')}\n")
    return max([_line(row) for row in rows if not names or row.name in names], default=0)


def _line(row: Row) -> int:
    """Measure one row and print it; 1 when it fails."""
    sys.stderr.write(f"{row.name}: {row.promise}\n")
    begun = time.monotonic()
    measured = row.measure() if row.measure else Measured(f"does not apply: {row.why_not}", kept=True)
    red = row.broken() if row.broken else None
    minutes = (time.monotonic() - begun) / 60
    kept = ("yes" if measured.kept else "**no**") if row.measure else ""
    control = "" if red is None else ("**not found out**" if red.kept else f"found out: {red.text}")
    cells = (row.name, row.promise, row.target, measured.text, kept, control, *_state(), f"{minutes:.1f}")
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()
    return int(not measured.kept or (red is not None and red.kept))


def _state() -> tuple[str, str]:
    """The commit and the day."""
    head = ("git", "rev-parse", "--short", "HEAD")
    commit = subprocess.run(head, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return commit, datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
