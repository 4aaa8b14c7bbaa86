"""One key for two sources: shifts in fractions of a semitone, both tunings folded in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.engines.local.plan import Analysis, Reason, Source, Value, other
from bot.engines.local.tempos import UNHEARD_STRETCH

KEY_CONFIDENCE = 0.15
UNHEARD_SHIFT = 0.02  # semitones; below it nothing is worth a pass of the stretcher
WIDEST_SHIFT, BOLDEST_SHIFT = 4.0, 5.5
BOTH_IN_TURN = 2.75  # semitones by which both may move to meet for no more than a transition
SECOND_PASS = 4.0  # semitones of shift that are better than to send the second source through the stretcher too
BOLD = 0.6  # weirdness from which a far shift is sought instead of a near one
CLASHING = Reason("keys-kept")


@dataclass(frozen=True)
class _Way:
    """One way to bring two keys together: `step` semitones between them, both tunings aside."""

    shifts: dict[Source, float]
    step: int
    passes: int
    """How many sources need the stretcher."""


def harmonic_shift(
    pair: dict[Source, Analysis],
    keeper: Source,
    rates: Mapping[Source, float],
    weirdness: float,
    *,
    overlay: bool = True,
) -> tuple[dict[Source, float], tuple[Reason, ...]]:
    """The smallest shifts after which the keys fit; a bold wish takes larger ones.

    The other source moves alone where that is near enough, else both move half-way. Where both change their tempo,
    a steady one of them plays as a record does, its pitch going along: then only the other needs the stretcher.
    Without an overlay, where both hardly meet, one moves, or both a little, or none: `CLASHING` then says that they
    must not meet at all.
    """
    unknown = tuple(
        Reason("key-unknown", {"source": name}) for name in pair if pair[name].key_confidence < KEY_CONFIDENCE
    )
    if unknown:
        return {"a": 0.0, "b": 0.0}, unknown
    fixed, moving = pair[keeper], pair[other(keeper)]
    bold = weirdness >= BOLD
    widest, price, nearer = (BOLDEST_SHIFT, -0.4, 1.2) if bold else (WIDEST_SHIFT, 1.0, 2.0)

    def cost(way: _Way) -> float:
        near, far = sorted(abs(shift) for shift in way.shifts.values())
        harm = price * (far + 0.5 * near) + SECOND_PASS * max(0, way.passes - 1)
        return harm + nearer * camelot_distance(fixed, moving, way.step)

    def is_possible(way: _Way) -> bool:
        far = max(map(abs, way.shifts.values()))
        return far <= (widest if overlay or not way.shifts[keeper] else BOTH_IN_TURN)

    possible = [way for way in _ways(pair, keeper, rates) if is_possible(way)]
    best = min(possible, key=lambda way: (cost(way), abs(way.step), way.step))
    if not overlay and camelot_distance(fixed, moving, best.step) > 1:
        return {"a": 0.0, "b": 0.0}, (CLASHING,)
    shifts: dict[Source, float] = {
        name: round(shift, 4) if abs(shift) >= UNHEARD_SHIFT else 0.0 for name, shift in best.shifts.items()
    }
    return shifts, _reasons(pair, keeper, rates, shifts, best.step)


def _ways(pair: dict[Source, Analysis], keeper: Source, rates: Mapping[Source, float]) -> Iterator[_Way]:
    mover = other(keeper)
    tempo_moves: set[Source] = {name for name in pair if abs(rates[name] - 1) >= UNHEARD_STRETCH}
    steady: list[Source] = [name for name in (keeper, mover) if pair[name].steady]
    record = steady[0] if steady and len(tempo_moves) == 2 else None
    for step in range(-6, 7):
        total = step + detune(pair[keeper], pair[mover])
        divided: list[dict[Source, float]] = [{keeper: 0.0, mover: total}, {keeper: -total / 2, mover: total / 2}]
        if record is not None:
            natural = record_shift(rates[record])
            divided.append({record: natural, other(record): natural + (total if record == keeper else -total)})
        for shifts in divided:
            yield _Way(shifts, step, len(stretched(rates, shifts)))


def _reasons(
    pair: dict[Source, Analysis],
    keeper: Source,
    rates: Mapping[Source, float],
    shifts: Mapping[Source, float],
    step: int,
) -> tuple[Reason, ...]:
    moved: list[Source] = [name for name in (keeper, other(keeper)) if shifts[name]]
    if not moved:
        return (Reason("keys-fit", {"a": pair["a"].key, "b": pair["b"].key}),)
    records = [name for name in moved if as_record(rates[name], shifts[name])]
    if records:
        told = [
            Reason("key-as-record" if name in records else "key-follows", _moved(name, shifts))
            for name in sorted(moved, key=lambda name: name not in records)
        ]
        return tuple(told)
    if len(moved) == 2:
        return (Reason("key-shared", {name: round(shifts[name], 2) for name in sorted(moved)}),)
    values = {**_moved(moved[0], shifts), "key": pair[keeper].key}
    return (Reason("key-tuned" if step == 0 else "key-shifted", values),)


def _moved(name: Source, shifts: Mapping[Source, float]) -> dict[str, Value]:
    return {"source": name, "semitones": round(shifts[name], 2)}


def detune(fixed: Analysis, moving: Analysis) -> float:
    """Semitones by which one has to move for A to be the same in both."""
    return (fixed.tuning_cents - moving.tuning_cents) / 100


def record_shift(rate: float) -> float:
    """Semitones by which a record's pitch moves when it turns so much faster."""
    return 12 * math.log2(rate)


def as_record(rate: float, shift: float) -> bool:
    """True where pitch and tempo change together, so that resampling does it, cheaply and cleanly."""
    return abs(record_shift(rate) - shift) < UNHEARD_SHIFT


def stretched(rates: Mapping[Source, float], shifts: Mapping[Source, float]) -> set[Source]:
    """The sources that need the stretcher, be it for their tempo or for their pitch."""
    moved: list[Source] = [
        name for name in rates if abs(rates[name] - 1) >= UNHEARD_STRETCH or abs(shifts[name]) >= UNHEARD_SHIFT
    ]
    return {name for name in moved if not as_record(rates[name], shifts[name])}


def camelot_distance(fixed: Analysis, moving: Analysis, step: int = 0) -> float:
    """Distance of two keys on the Camelot wheel after moving one by `step` semitones; 0.25 for the relative key.

    Beyond direct neighbours the result is 10 times larger: they clash, however small the shift.
    """
    around = (_wheel(fixed.tonic, fixed.mode) - _wheel(moving.tonic + step, moving.mode)) % 12
    hours = min(around, 12 - around)
    distance = hours + (0.0 if fixed.mode == moving.mode else 0.25 if hours == 0 else 1.0)
    return distance if distance <= 1 else 10.0 * distance


def _wheel(tonic: int, mode: str) -> int:
    """Hour on the circle of fifths, shared by relative keys."""
    return (tonic + (3 if mode == "minor" else 0)) * 7 % 12


def rotated(chroma: Sequence[float], semitones: float) -> tuple[float, ...]:
    """(12,) moved up by fractions too: a share between two notes goes to both."""
    low = math.floor(semitones)
    part = semitones - low
    return tuple(
        (1 - part) * chroma[(note - low) % 12] + part * chroma[(note - low - 1) % 12] for note in range(12)
    )


def likeness(one: Sequence[float], two: Sequence[float]) -> float:
    """Cosine of two rows of shares; 0 where one is empty."""
    norm = math.sqrt(sum(x * x for x in one) * sum(y * y for y in two))
    return sum(x * y for x, y in zip(one, two, strict=True)) / norm if norm > 0 else 0.0
