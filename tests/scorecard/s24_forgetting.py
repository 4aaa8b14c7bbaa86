"""S24: a member is forgotten in every state of a job and during live ones, and a server goes as a whole.

Every column of every table has its line on the page about privacy; traces are looked for in all of them.
"""

from __future__ import annotations

from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row

_SHORT = "tests/unit/test_forgetting.py"
_PAGE = "tests/unit/test_privacy_page.py"


def measure() -> Measured:
    others = ("tests/unit/test_contest_privacy.py", "tests/unit/test_retention.py", "tests/story/test_privacy.py")
    return tests_pass(_SHORT, _PAGE, *others)


def broken() -> Measured:
    """A column without its line, and an account that is renamed too early."""
    found = tests_pass(_SHORT, _PAGE, "-k", "renaming_a_running_window or without_a_line")
    return Measured(found.text, not found.kept)


ROW = Row(
    24,
    "forgets whom it is asked to forget",
    "member and server, in every state of a job: no row or file left; every column in the plan",
    _SHORT,
    measure,
    broken,
)
