"""Standard MIDI files: where their ticks lie in time, and the same music in finer ticks."""

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
    last = 0
    for track in _tracks(data):
        for tick, microseconds in _events(track):
            last = max(last, tick)
            if microseconds:
                changes[tick] = microseconds
    ticks = np.array(sorted(changes))
    return TempoMap(quarter, ticks, np.array([changes[tick] for tick in ticks.tolist()]), last)


def refine(path: Path, times: int) -> None:
    """Rewrites the file with `times` as many ticks to a quarter: the same music at the same moments.

    fluidsynth plays on by half a tick at every change of tempo; in fine ticks that is nothing.
    """
    data = path.read_bytes()
    head = 8 + int.from_bytes(data[4:8], "big")
    quarter = int.from_bytes(data[12:14], "big") * times
    made = [data[:12], quarter.to_bytes(2, "big"), data[14:head]]
    for track in _tracks(data):
        body = b"".join(_quantity(delta * times) + event for delta, event in _split(track))
        made += [b"MTrk", len(body).to_bytes(4, "big"), body]
    path.write_bytes(b"".join(made))


def _tracks(data: bytes) -> Iterator[bytes]:
    place = 8 + int.from_bytes(data[4:8], "big")
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "big")
        yield data[place + 8 : place + 8 + length]
        place += 8 + length


def _events(track: bytes) -> Iterator[tuple[int, int]]:
    """(tick, microseconds of a quarter or 0) of every event."""
    tick = 0
    for delta, event in _split(track):
        tick += delta
        yield tick, int.from_bytes(event[3:6], "big") if event[:2] == bytes((0xFF, _TEMPO)) else 0


def _split(track: bytes) -> Iterator[tuple[int, bytes]]:
    """Ticks since the event before, and the event's bytes as they stand."""
    place = running = 0
    while place < len(track):
        delta, start = _number(track, place)
        status, place = (track[start], start + 1) if track[start] >= 0x80 else (running, start)
        if status in {0xF0, 0xF7, 0xFF}:
            length, place = _number(track, place + (status == 0xFF))
            place += length
        else:
            running = status
            place += _DATA_BYTES[status & 0xF0]
        yield delta, track[start:place]


def _quantity(value: int) -> bytes:
    """A number of variable length."""
    made = [value & 0x7F]
    while value := value >> 7:
        made.append(value & 0x7F | 0x80)
    return bytes(reversed(made))


def _number(track: bytes, place: int) -> tuple[int, int]:
    """A variable-length quantity and the place behind it."""
    value = 0
    while True:
        byte = track[place]
        value, place = value << 7 | byte & 0x7F, place + 1
        if byte < 0x80:
            return value, place
