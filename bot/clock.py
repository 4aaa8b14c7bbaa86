"""The only reader of time, chance and ids; everything else is handed what it needs."""

from __future__ import annotations

import secrets
import time

_CROCKFORD = b"0123456789abcdefghjkmnpqrstvwxyz" * 8
"""The letter of each byte: of its last five bits."""


class Clock:
    """Wall time in UTC milliseconds, a monotonic second counter, random ids and jitter."""

    def now(self) -> int:
        """UTC, milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never run backwards; for deadlines inside one process."""
        return time.monotonic()

    def new_id(self) -> str:
        """12 random Crockford base32 characters (60 bits), lower case."""
        return secrets.token_bytes(12).translate(_CROCKFORD).decode()

    def new_secret(self) -> str:
        """32 characters that nobody can guess (192 bits), fit for an address."""
        return secrets.token_urlsafe(24)

    def jitter(self, milliseconds: int) -> int:
        """A little more or less, up to a tenth, so that many waiters do not ask at once."""
        tenth = max(1, milliseconds // 10)
        return milliseconds - tenth + secrets.randbelow(2 * tenth + 1)

    def new_seed(self) -> int:
        """A random seed of 31 bits for one mashup."""
        return secrets.randbelow(1 << 31)
