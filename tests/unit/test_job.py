"""The life of a job is one table."""

import itertools

import pytest

from bot.jobs.job import ARROWS, DEADLINES, ENDED, IllegalMove, State, check_arrow
from bot.jobs.steps import Steps

PUBLISHED = {
    ("accepted", "staged"), ("accepted", "notifying"),
    ("staged", "submitting"), ("staged", "notifying"),
    ("submitting", "submitted"), ("submitting", "staged"), ("submitting", "notifying"),
    ("submitted", "ready"), ("submitted", "staged"), ("submitted", "notifying"),
    ("ready", "downloaded"), ("ready", "notifying"),
    ("downloaded", "posting"),
    ("posting", "done"),
    ("notifying", "failed"), ("notifying", "cancelled"), ("notifying", "unknown"),
    ("unknown", "submitted"),
}  # fmt: skip


@pytest.mark.parametrize(("origin", "target"), list(itertools.product(State, State)))
def test_every_pair_of_states_is_allowed_or_refused_as_published(origin: State, target: State) -> None:
    if (origin.value, target.value) in PUBLISHED:
        check_arrow(origin, target)
    else:
        with pytest.raises(IllegalMove):
            check_arrow(origin, target)


def test_every_state_is_in_the_table_and_every_open_one_has_a_deadline() -> None:
    assert set(ARROWS) == set(State)
    assert set(DEADLINES) == set(State) - ENDED


def test_every_open_state_has_a_handler() -> None:
    steps = Steps(*[None] * 8)  # pyright: ignore[reportArgumentType] - only the table of handlers is read
    assert set(steps.handlers) == set(State) - ENDED | {State.UNKNOWN}  # a late proof wakes it
