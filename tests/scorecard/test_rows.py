"""The list of rows is whole: each has its number, its short form and something broken that it finds out."""

from __future__ import annotations

import pytest

from tests.scorecard.commands import ROOT
from tests.scorecard.row import Row, all_rows


@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.name)
def test_a_row_can_be_measured_and_go_red_or_says_why_not(row: Row) -> None:
    assert row.promise
    assert row.target
    if row.measure is None:
        assert row.why_not
        return
    assert row.broken is not None
    assert (ROOT / row.short).is_file(), row.short


def test_no_number_comes_twice() -> None:
    numbers = [row.number for row in all_rows()]
    assert numbers == sorted(set(numbers))
