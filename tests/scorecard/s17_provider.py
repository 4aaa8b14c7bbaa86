"""S17: whatever a provider does, each job ends as it should.

The tables of faults and phases: what the engine makes of each (`tests/wire/test_hosted_faults.py`,
`test_hosted_codes.py`), what may come to a callback's address (`test_callback_faults.py`), and what the real
bot makes of it: state, message and units (`tests/story/test_hosted_trouble.py`, `test_credits.py`;
`tests/unit/test_fault_ends.py` for every end). Broken on purpose: a client that tells secrets, one whose faults
have no type, downloads without a list of hosts, and a fault that keeps its units.
"""

from __future__ import annotations

from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row

WIRE = ("tests/wire/test_hosted_faults.py", "tests/wire/test_hosted_codes.py", "tests/wire/test_callback_faults.py")
STORIES = ("tests/story/test_hosted_trouble.py", "tests/story/test_credits.py", "tests/unit/test_fault_ends.py")


def measure() -> Measured:
    cells, stories = tests_pass(*WIRE), tests_pass(*STORIES)
    return Measured(f"cells: {cells.text}; real bot: {stories.text}", cells.kept and stories.kept)


def broken() -> Measured:
    found = tests_pass(WIRE[0], STORIES[2], "-k", "turns_red")
    return Measured(found.text, not found.kept)


ROW = Row(
    17,
    "a provider's faults are handled",
    "every fault in every phase: state, message and units as the table says",
    "tests/unit/test_fault_ends.py",
    measure,
    broken,
)
