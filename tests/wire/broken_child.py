"""A worker's child whose file rules come to nothing: the kernel turns them down."""

from __future__ import annotations

from bot.cage import files
from bot.worker import child

if __name__ == "__main__":
    files._RESTRICT_SELF = -1
    child.main()
