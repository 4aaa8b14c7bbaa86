"""Files that claim or hold hours are refused at once; the row S11 of the scorecard sends larger ones."""

from __future__ import annotations

from itertools import islice

from tests.bombs import bombs, flac
from tests.defusing import defuse


def test_small_bombs_cost_little() -> None:
    costs = defuse([made for made in islice(bombs(), 24) if len(made[1]) < 1 << 20], each=24)
    assert len(costs) > 12
    assert [cost for cost in costs if not cost.kept] == []


def test_without_a_longest_duration_they_get_through() -> None:
    long = [("20 minutes", flac(1200))]
    assert [cost.end for cost in defuse(long)] == ["audio-too-long"]
    assert [cost.through for cost in defuse(long, longest=1e9)] == [True]
