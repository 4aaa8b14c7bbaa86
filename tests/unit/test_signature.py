"""A signature of a callback is good for its task and its moment, and each for so long as it could come again."""

from __future__ import annotations

import pytest

from bot.web import signature
from bot.web.signature import Replays, sign, verify

NOW = 1_760_000_000


def good(at: str, now: float = NOW) -> bool:
    return verify("key", "task", at, sign("key", "task", at), now)


def test_a_known_signature() -> None:
    assert sign("key", "task", "1760000000") == "x48kErtZpo9hM7SPzvO3KHeY70mFbOF7CG66s2EzKAA="


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_it_is_good_for_five_minutes_before_and_after(seconds: int) -> None:
    assert good(str(NOW + seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400, -86_400])
def test_it_is_good_no_longer(seconds: int) -> None:
    assert not good(str(NOW + seconds))


@pytest.mark.parametrize(
    "at", ["", "²", "-1", "1.0", " 1760000000", "1760000000\n", "٣", "1e9", "0001760000000", "9" * 5000]
)
def test_a_moment_is_at_most_twelve_digits(at: str) -> None:
    assert not good(at)


def test_twelve_digits_are_a_moment() -> None:
    assert good("001760000000")


@pytest.mark.parametrize(
    ("key", "task", "made"),
    [
        ("other", "task", sign("key", "task", str(NOW))),
        ("key", "other", sign("key", "task", str(NOW))),
        ("key", "task", ""),
        ("key", "task", sign("key", "task", str(NOW)).lower()),
        ("key", "task", "é"),
    ],
)
def test_another_key_task_or_signature_is_refused(key: str, task: str, made: str) -> None:
    assert not verify(key, task, str(NOW), made, NOW)


def test_what_was_seen_is_remembered_for_its_stage() -> None:
    replays = Replays()
    replays.remember("a", "text", NOW)
    assert replays.seen("a", "text")
    assert not replays.seen("a", "complete")
    assert not replays.seen("b", "text")


def test_it_is_forgotten_when_it_could_not_come_again() -> None:
    replays = Replays()
    replays.remember("old", "text", NOW)
    replays.remember("edge", "text", NOW + 1)
    replays.remember("new", "text", NOW + 601)
    assert not replays.seen("old", "text")
    assert replays.seen("edge", "text")
    replays.remember("newer", "text", NOW + 602)
    assert not replays.seen("edge", "text")
    assert replays.seen("new", "text")


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    replays, room = Replays(), signature._REMEMBERED
    for number in range(room):
        replays.remember(str(number), "text", NOW)
    assert replays.seen("0", "text")
    replays.remember("one more", "text", NOW)
    assert not replays.seen("0", "text")
    assert replays.seen("1", "text")
    assert replays.seen("one more", "text")
    assert room == 10_000
