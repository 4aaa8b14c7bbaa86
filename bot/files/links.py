"""Addresses of our own files that others may fetch for a while: signed, so that nothing has to be kept of them."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from pydantic import SecretStr

TTL_MS = 60 * 60_000
PATH = "sources"
_NAME = re.compile(r"^([0-9a-f]{64})-(\d{13})-[0-9a-z]{24}$", re.ASCII)


class Links:
    """Makes addresses below `public_url` and knows them again, also after a restart with the same `secret`."""

    def __init__(
        self, public_url: str, secret: SecretStr, *, now: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        """`now` is in UTC milliseconds; `new_id` keeps two addresses of one file apart."""
        self._base = f"{public_url.rstrip('/')}/{PATH}"
        self._key = hmac.new(secret.get_secret_value().encode(), b"twodeck sources", hashlib.sha256).digest()
        self._now = now
        self._new_id = new_id

    def offer(self, digest: str) -> str:
        """An address for the file with this sha256, good for an hour."""
        name = f"{digest}-{self._now() + TTL_MS}-{self._new_id()}{self._new_id()}"
        return f"{self._base}/{name}/{self._signature(name)}"

    def digest_of(self, name: str, signature: str) -> str | None:
        """Which file the two last parts of an address stand for; None for a forged or expired one."""
        right = hmac.compare_digest(self._signature(name).encode(), signature.encode("utf-8", "replace"))
        found = _NAME.match(name)
        if not right or found is None or int(found[2]) <= self._now():
            return None
        return found[1]

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
