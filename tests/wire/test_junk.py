"""The short form of scorecard row S7: whatever is sent, there is no answer of 5xx and no fault."""

from __future__ import annotations

from tests.junk import Brittle, throw


def test_junk_is_no_fault() -> None:
    outcome = throw(400)
    assert outcome.faults == []
    assert outcome.answers_of_5xx == 0
    assert {200, 400, 401, 404, 405, 415} <= set(outcome.statuses)


def test_a_parser_that_raises_is_found_out() -> None:
    outcome = throw(100, Brittle)
    assert outcome.answers_of_5xx > 0
    assert outcome.faults
