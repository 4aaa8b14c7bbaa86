"""Secrets that are planted to see whether anybody tells them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

CANARIES = {
    "api key": "canary-api-key-2f6b1c",
    "callback secret": "canary-callback-secret-91d0ce",
    "webhook key": "canary-webhook-key-b7714e",
    "former webhook key": "canary-former-webhook-key-55aa01",
    "bot token": "canary-bot-token-0c3fd2",
}
_FORMAT = logging.Formatter("%(name)s %(message)s")


def told(records: Iterable[logging.LogRecord]) -> list[str]:
    """Which of them stand in a log, with its arguments and traces."""
    return sorted({name for record in records for name in found_in(f"{_FORMAT.format(record)} {record.args!r}")})


def found_in(text: str) -> list[str]:
    return [name for name, canary in CANARIES.items() if canary in text]
