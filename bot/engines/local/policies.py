"""Small judges of a pair under one tempo and one shift; each gives points from 0 to 1 and a reason.

A verdict below its policy's limit forbids an overlay: the layout then falls back to something that cannot clash.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.engines.local.keys import KEY_CONFIDENCE, camelot_distance, detune, likeness, rotated
from bot.engines.local.plan import Analysis, Reason, Source, Verdict, other
from bot.engines.local.tempos import USABLE, Tempo

Pair = dict[Source, Analysis]

# Points below which an overlay is not tried, and the reason then given.
LIMITS = {"harmony": (0.25, Reason("clash-harmony")), "beat": (0.2, Reason("clash-beat"))}
FAR_SHIFT = 8.0  # semitones at which nothing of a voice is left


def verdicts(pair: Pair, keeper: Source, tempo: Tempo, shifts: dict[Source, float]) -> tuple[Verdict, ...]:
    return (
        beat(pair),
        stretch(tempo),
        meter(pair),
        key(pair, keeper, shifts),
        harmony(pair, shifts),
        rhythm(pair, tempo),
        spectrum(pair),
    )


def clash(found: Sequence[Verdict]) -> Reason | None:
    """Why an overlay is not tried, if it is not."""
    for verdict in sorted(found, key=lambda verdict: verdict.points):
        if verdict.policy in LIMITS and verdict.points < LIMITS[verdict.policy][0]:
            return LIMITS[verdict.policy][1]
    return None


def beat(pair: Pair) -> Verdict:
    """How sure it is that both beats, and their bars, meet."""
    beats = pair["a"].beat_confidence * pair["b"].beat_confidence
    bars = pair["a"].downbeat_confidence * pair["b"].downbeat_confidence
    drift = max((one.residual_ms for one in pair.values() if not one.steady), default=0.0)
    points = (0.7 * beats + 0.3 * bars) * (1.0 if drift == 0 else 0.85)
    return Verdict(
        "beat", points, Reason("verdict-beat", {"percent": round(100 * beats), "bars": round(100 * bars)})
    )


def stretch(tempo: Tempo) -> Verdict:
    """Up to 3 % nobody hears, at 16 % anybody does."""
    change = tempo.largest - 1
    points = min(1.0, max(0.0, 1 - 0.8 * (change - 0.03) / (USABLE - 1.03)))
    return Verdict("tempo", points, Reason("verdict-tempo", {"percent": round(100 * change, 1)}))


def meter(pair: Pair) -> Verdict:
    one, two = pair["a"].beats_per_bar, pair["b"].beats_per_bar
    return Verdict("meter", 1.0 if one == two else 0.4, Reason("verdict-meter", {"a": one, "b": two}))


def key(pair: Pair, keeper: Source, shifts: dict[Source, float]) -> Verdict:
    """Neighbours on the Camelot wheel fit; every semitone of shift takes a little."""
    mover = other(keeper)
    shift = max(shifts.values(), key=abs)
    if min(one.key_confidence for one in pair.values()) < KEY_CONFIDENCE:
        return Verdict("key", 0.5, Reason("verdict-key-unknown"))
    step = round(shifts[mover] - shifts[keeper] - detune(pair[keeper], pair[mover]))
    distance = camelot_distance(pair[keeper], pair[mover], step)
    points = (1 - 0.3 * min(1.0, distance)) * (1 - abs(shift) / FAR_SHIFT) if distance <= 1 else 0.3
    return Verdict(
        "key", points, Reason("verdict-key", {"semitones": round(shift, 2), "steps": round(distance, 2)})
    )


def harmony(pair: Pair, shifts: dict[Source, float]) -> Verdict:
    """Likeness of the notes that both play, after the shift."""
    rows = [rotated(_mean(pair[name].chroma, 12), shifts[name]) for name in pair]
    if not all(any(row) for row in rows):
        return Verdict("harmony", 0.6, Reason("verdict-no-notes"))
    points = likeness(*rows)
    return Verdict("harmony", points, Reason("verdict-harmony", {"percent": round(100 * points)}))


def rhythm(pair: Pair, tempo: Tempo) -> Verdict:
    """Likeness of where in the beat the accents fall; sources that are folded apart are compared as they stand."""
    rows = [_mean(pair[name].accents, 8) for name in pair]
    if not all(any(row) for row in rows):
        return Verdict("rhythm", 0.5, Reason("verdict-no-accents"))
    points = likeness(*rows) * (1.0 if set(tempo.folds.values()) == {1.0} else 0.8)
    return Verdict("rhythm", points, Reason("verdict-rhythm", {"percent": round(100 * points)}))


def spectrum(pair: Pair) -> Verdict:
    """How evenly the two together fill low, middle and high; the bass counts once, for only one keeps it."""
    rows = [_mean(pair[name].balance, 3) for name in pair]
    if not all(any(row) for row in rows):
        return Verdict("spectrum", 0.5, Reason("verdict-no-colour"))
    points = evenness(*rows)
    return Verdict("spectrum", points, Reason("verdict-spectrum", {"percent": round(100 * points)}))


def evenness(one: Sequence[float], two: Sequence[float]) -> float:
    """1 where low, middle and high of two sounds together are alike, 0 where all is in one of them."""
    together = (max(one[0], two[0]), (one[1] + two[1]) / 2, (one[2] + two[2]) / 2)
    total = sum(together)
    return 1 - 1.5 * (max(together) / total - 1 / 3) if total > 0 else 0.0


def _mean(rows: Sequence[Sequence[float]], width: int) -> tuple[float, ...]:
    return tuple(sum(row[place] for row in rows) / max(1, len(rows)) for place in range(width))
