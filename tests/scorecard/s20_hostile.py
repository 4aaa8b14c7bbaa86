"""S20: every builder of messages with all of the 5,000 hostile texts, and what a real result sends to Discord.

That nothing pings is also a setting of every request: `tests/wire/test_mentions.py` reads it off the wire.
"""

from __future__ import annotations

from unittest import mock

from benchmarks.hostile import faults_of
from cogs.views import refusals
from tests.scorecard.commands import table_of, tests_pass
from tests.scorecard.row import Measured, Row
from tests.unit.test_hostile_words import BUILDERS


def measure() -> Measured:
    words, wire = table_of("benchmarks", "hostile"), tests_pass("tests/wire/test_mentions.py")
    return Measured(f"{words.text}; on the wire: {wire.text}", words.kept and wire.kept)


def _as_it_is(text: str, **_: bool) -> str:
    return text


def broken() -> Measured:
    """What members write is not escaped."""
    with mock.patch.object(refusals, "_harmless", _as_it_is):
        found = sum(len(faults_of(name, build)) for name, build in BUILDERS.items())
    return Measured(f"{found} texts did something", found == 0)


ROW = Row(
    20,
    "cannot be made to ping, phish or spoof",
    "5,000 titles, names and prompts through every builder: 0 pings, 0 live links or invites, 0 broken layouts",
    "tests/unit/test_hostile_words.py",
    measure,
    broken,
)
