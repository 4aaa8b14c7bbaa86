"""kie.ai's signature of a callback: it names a task and a moment, never the body, so it proves only that."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict

TOLERANCE_SECONDS = 300
_REMEMBERED = 10_000


def sign(key: str, task: str, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over `task.timestamp`."""
    digest = hmac.new(key.encode(), f"{task}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def verify(key: str, task: str, timestamp: str, signature: str, now: float) -> bool:
    """Whether the signature is right and fresh; `now` in seconds since 1970."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    right = hmac.compare_digest(sign(key, task, timestamp).encode(), signature.encode("utf-8", "replace"))
    return right and abs(now - int(timestamp)) <= TOLERANCE_SECONDS


class Replays:
    """Remembers what was seen for as long as a signature stays fresh."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def seen(self, signature: str, stage: str) -> bool:
        return (signature, stage) in self._seen

    def remember(self, signature: str, stage: str, now: float) -> None:
        """Keep it for twice the tolerance: a clock that runs ahead may sign for later."""
        self._seen[(signature, stage)] = now
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if len(self._seen) <= _REMEMBERED and now - oldest <= 2 * TOLERANCE_SECONDS:
                return
            self._seen.popitem(last=False)
