"""S13: quotas and money are exact.

100,000 reservations by 1,000 coroutines of one process, a tenth of them cancelled anywhere: the limit is looked
at over every prefix of the ledger, the counters against its sums. Then the bot's real parts, with a cap of 20
orders on an engine: a provider that takes the double, and one whose engine is switched off while the sources of
ten jobs are being uploaded. Random walks over everything that touches units are
`tests/unit/test_quota_walks.py`. Broken on purpose: a ledger that looks first and takes later, a bot that
trusts its list of prices, a switch that only new jobs see.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bot.engines.spending import Spending
from tests.purse import PRICE, Trusting, pull_the_plug, spend
from tests.scorecard.commands import table_of, tests_pass
from tests.scorecard.row import Measured, Row

ORDERS, JOBS, UPLOADING = 20, 40, 10
CAP = ORDERS * PRICE


def measure() -> Measured:
    storm = table_of("benchmarks", "reservations")
    walks = tests_pass("tests/unit/test_quota_walks.py")
    lost, late = _spend(Spending)
    text = f"{storm.text}; walks: {walks.text}; charged {lost} of a cap of {CAP}; {late} orders after the switch"
    return Measured(text, storm.kept and walks.kept and 0 < lost <= CAP and late == 0)


def broken() -> Measured:
    lost, late = _spend(Trusting)
    return Measured(f"charged {lost} of a cap of {CAP}; {late} orders after the switch", lost <= CAP or late == 0)


def _spend(spending: type[Spending]) -> tuple[int, int]:
    """Credits that a provider took which takes the double, and orders that came after the switch."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        lost = asyncio.run(spend(Path(one), JOBS, CAP, times=2, spending=spending)).lost
        return lost, asyncio.run(pull_the_plug(Path(other), UPLOADING, spending))


ROW = Row(
    13,
    "quotas and money are exact",
    "100,000 reservations: 0 over a limit, ledger = counters; a double-charging provider takes at most the cap; the"
    " kill switch acts within 5 s",
    "tests/unit/test_spending.py",
    measure,
    broken,
)
