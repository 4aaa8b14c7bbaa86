"""S7: junk to the public port.

A seeded generator makes requests of which a part is odd (method, path, headers, encodings, JSON that is deep,
long, of wrong types or double, bodies cut off anywhere, plain bytes), signed as they should be; they go by raw
sockets to a listener with a real database. Counted are answers of 5xx, errors in any log, and exceptions that
reach the loop. The broken listener has a parser that raises.
"""

from __future__ import annotations

from tests.junk import Brittle, Outcome, throw
from tests.scorecard.row import Measured, Row


def _measured(outcome: Outcome) -> Measured:
    told = ", ".join(f"{count:,} x {status or 'none'}" for status, count in sorted(outcome.statuses.items()))
    text = f"{outcome.answers_of_5xx} answers of 5xx, {len(outcome.faults)} faults; answers: {told}"
    return Measured(text, not outcome.answers_of_5xx and not outcome.faults)


def measure() -> Measured:
    return _measured(throw(20_000))


def broken() -> Measured:
    return _measured(throw(300, Brittle))


ROW = Row(
    7,
    "junk is no fault",
    "20,000 requests made by chance: 0 x 5xx, 0 uncaught",
    "tests/wire/test_junk.py",
    measure,
    broken,
)
