"""A worker's child that is broken on purpose: nothing limits it, nothing holds it in."""

from __future__ import annotations

from bot.worker import child


def _nothing(*_: object) -> None:
    pass


if __name__ == "__main__":
    child._cap = child._lock_in = _nothing
    child.main()
