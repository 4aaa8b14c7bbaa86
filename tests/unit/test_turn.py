"""Whose turn it is: round robin between guilds, oldest first within one."""

from bot.engines.registry import turn

QUEUE = [("a1", "A"), ("a2", "A"), ("b1", "B"), ("a3", "A"), ("c1", "C")]


def test_guilds_take_turns() -> None:
    assert turn(QUEUE, 99, None) == ["a1", "b1", "c1", "a2", "a3"]


def test_the_guild_after_the_last_one_served_is_next() -> None:
    assert turn(QUEUE, 2, "A") == ["b1", "c1"]
    assert turn(QUEUE, 2, "C") == ["a1", "b1"]


def test_nothing_free_or_nothing_waiting() -> None:
    assert turn(QUEUE, 0, None) == []
    assert turn([], 5, "A") == []
