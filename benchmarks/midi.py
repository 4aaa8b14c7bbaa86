"""The tempo map of a standard MIDI file: where its ticks lie in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TEMPO, _MICROSECONDS = 0x51, 500_000  # meta event, and what holds before the first one
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


@dataclass(frozen=True)
class TempoMap:
    """Changes of tempo at `ticks`; `last_tick` is where the longest track ends."""

    ticks_per_quarter: int
    ticks: NDArray[np.int64]
    microseconds: NDArray[np.int64]
    last_tick: int

    def seconds(self, ticks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times of any ticks."""
        per_tick = self.microseconds / 1e6 / self.ticks_per_quarter
        starts = np.concatenate([[0.0], np.cumsum(np.diff(self.ticks) * per_tick[:-1])])
        at = np.searchsorted(self.ticks, ticks, side="right") - 1
        return starts[at] + (ticks - self.ticks[at]) * per_tick[at]


def tempo_map(path: Path) -> TempoMap:
    """Reads a file of format 0 or 1 that counts in ticks of a quarter."""
    data = path.read_bytes()
    if data[:4] != b"MThd":
        raise ValueError(f"{path} is no MIDI file")
    quarter = int.from_bytes(data[12:14], "big")
    changes: dict[int, int] = {0: _MICROSECONDS}
    place, last = 8 + int.from_bytes(data[4:8], "big"), 0
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "big")
        for tick, microseconds in _events(data[place + 8 : place + 8 + length]):
            last = max(last, tick)
            if microseconds:
                changes[tick] = microseconds
        place += 8 + length
    ticks = np.array(sorted(changes))
    return TempoMap(quarter, ticks, np.array([changes[tick] for tick in ticks.tolist()]), last)


def _events(track: bytes) -> Iterator[tuple[int, int]]:
    """(tick, microseconds of a quarter or 0) of every event."""
    place = tick = running = 0
    while place < len(track):
        delta, place = _number(track, place)
        tick += delta
        if track[place] >= 0x80:
            status, place = track[place], place + 1
        else:
            status = running
        if status == 0xFF:
            kind = track[place]
            length, place = _number(track, place + 1)
            yield tick, int.from_bytes(track[place : place + 3], "big") if kind == _TEMPO else 0
            place += length
        elif status in {0xF0, 0xF7}:
            length, place = _number(track, place)
            place += length
        else:
            running = status
            place += _DATA_BYTES[status & 0xF0]
            yield tick, 0


def _number(track: bytes, place: int) -> tuple[int, int]:
    """A variable-length quantity and the place behind it."""
    value = 0
    while True:
        byte = track[place]
        value, place = value << 7 | byte & 0x7F, place + 1
        if byte < 0x80:
            return value, place
