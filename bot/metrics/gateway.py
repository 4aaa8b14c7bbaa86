"""Whether Discord's gateway hears us: kept by the client, read by whoever asks how the bot is."""

from __future__ import annotations


class Gateway:
    """`connected` from READY or RESUMED until the connection ends."""

    def __init__(self) -> None:
        self.connected = False
