"""S23: every command by every kind of person and in direct messages, and every kind of control.

Controls with ids that are forged, old, or of another server, and the forms of the settings, too.
"""

from __future__ import annotations

from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row

_SHORT = "tests/wire/test_rights.py"


def measure() -> Measured:
    return tests_pass(_SHORT, "tests/story/test_server_settings.py")


def broken() -> Measured:
    """A command without its check: the matrix sees that it is open to all."""
    found = tests_pass(_SHORT, "-k", "without_its_check")
    return Measured(found.text, not found.kept)


ROW = Row(
    23,
    "only the right people may",
    "every command and control by member, owner, moderator, operator, in direct messages: 0 allowed that may not",
    _SHORT,
    measure,
    broken,
)
