"""One key for two sources: shifts in fractions of a semitone, both tunings folded in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bot.engines.local.plan import Analysis, Reason, Source, other

KEY_CONFIDENCE = 0.15
UNHEARD_SHIFT = 0.02  # semitones; below it nothing is worth a pass of the stretcher
WIDEST_SHIFT, BOLDEST_SHIFT = 4.0, 5.5
BOLD = 0.6  # weirdness from which a far shift is sought instead of a near one


def harmonic_shift(
    pair: dict[Source, Analysis], keeper: Source, weirdness: float
) -> tuple[dict[Source, float], tuple[Reason, ...]]:
    """The smallest shift of the other source into a key that fits the keeper's; a bold wish takes a larger one."""
    mover = other(keeper)
    still: dict[Source, float] = {"a": 0.0, "b": 0.0}
    unknown = tuple(
        Reason("key-unknown", {"source": name}) for name in pair if pair[name].key_confidence < KEY_CONFIDENCE
    )
    if unknown:
        return still, unknown
    fixed, moving = pair[keeper], pair[mover]
    detune = (fixed.tuning_cents - moving.tuning_cents) / 100
    bold = weirdness >= BOLD
    options = [step for step in range(-6, 7) if abs(step + detune) <= (BOLDEST_SHIFT if bold else WIDEST_SHIFT)]
    price = -0.4 if bold else 1.0
    step = min(options, key=lambda step: (_cost(fixed, moving, step, price * abs(step + detune)), abs(step), step))
    total = step + detune
    if abs(total) < UNHEARD_SHIFT:
        return still, (Reason("keys-fit", {"a": pair["a"].key, "b": pair["b"].key}),)
    values = {"source": mover, "semitones": round(total, 2), "key": pair[keeper].key}
    code = "key-tuned" if step == 0 else "key-shifted"
    return {keeper: 0.0, mover: round(total, 4)}, (Reason(code, values),)


def _cost(fixed: Analysis, moving: Analysis, step: int, price: float) -> float:
    return price + 1.2 * camelot_distance(fixed, moving, step)


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
