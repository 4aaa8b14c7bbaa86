"""The life of a job is one table."""

import itertools
from dataclasses import replace

import pytest

from bot.guilds.former import former
from bot.jobs.job import ARROWS, DEADLINES, ENDED, Ask, IllegalMove, Job, Source, State, check_arrow
from bot.jobs.steps import Steps

FORMER = former("x")
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


def test_no_job_waits_longer_than_this_in_a_state() -> None:
    minutes = {state.value: deadline / 60_000 for state, deadline in DEADLINES.items()}
    assert minutes == {
        "accepted": 30, "staged": 6 * 60, "submitting": 20, "submitted": 60, "ready": 30, "downloaded": 30,
        "posting": 24 * 60, "notifying": 24 * 60,
    }  # fmt: skip


def test_every_open_state_has_a_handler() -> None:
    steps = Steps(*[None] * 8)  # pyright: ignore[reportArgumentType] - only the table of handlers is read
    assert set(steps.handlers) == set(State) - ENDED | {State.UNKNOWN}  # a late proof wakes it


def job(
    state: State, *, engine: str = "local", operation: str = "mashup", member: str = "1", second: bool = True
) -> Job:
    """One of two sources, of which the second may not be here yet."""
    sources = (
        Source("a", "", "a.mp3", 1, "a" * 64, 1.0),
        Source("b", "", "b.mp3", 1, "b" * 64 if second else None),
    )
    ask = Ask("i", "g", "c", member, "en", engine, operation, {}, 1, 1, sources)
    return Job("j", ask, state, 1, None, 0, 0, None, None, None, None, None, (), 0, 0)


def test_a_job_is_public_where_nothing_is_said_and_never_tells_its_token() -> None:
    asked = job(State.ACCEPTED).ask
    assert not asked.private
    assert "secret-token" not in repr(replace(asked, token="secret-token"))


@pytest.mark.parametrize(
    ("engine", "stoppable"),
    [("local", {"accepted", "staged", "submitting", "submitted"}), ("kie", {"accepted", "staged"})],
)
def test_a_job_can_be_stopped_until_it_is_paid_for_or_made(engine: str, stoppable: set[str]) -> None:
    assert {state.value for state in State if job(state, engine=engine).stoppable} == stoppable
    assert not any(job(state, engine=engine, member=FORMER).stoppable for state in State)


def test_sources_are_compared_where_the_engine_tells_nothing_of_them() -> None:
    compared = {state.value for state in State if job(state, engine="kie").comparable}
    assert compared == {state.value for state in State} - {"done", "failed", "cancelled", "unknown"}
    for state in State:
        assert not job(state, engine="local").comparable
        assert not job(state, engine="kie", operation="cover").comparable
        assert not job(state, engine="kie", second=False).comparable
        assert not job(state, engine="kie", member=FORMER).comparable
