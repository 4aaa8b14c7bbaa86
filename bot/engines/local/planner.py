"""Plans a mashup from two analyses; touches no audio, no clock and no chance beyond the given seed.

    levels -> who carries (bed) and who sings (lead) -> is there a common beat -> one tempo -> one key -> one meter
    -> length, sections and phrases

Every step is a small policy that returns its verdict with the reasons a member can read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.engines.local.arrangement import Clock, arrange, arrange_freely
from bot.engines.local.plan import Analysis, Plan, Reason, Source, other

BEAT_CONFIDENCE = 0.25
KEY_CONFIDENCE = 0.15
FEWEST_BEATS = 8
ALONE = 1.12  # up to this ratio one source moves alone; DJs call 3 % natural and 16 % usable
LARGE = 1.16
UNHEARD_STRETCH, UNHEARD_SHIFT = 0.001, 0.02  # below these nothing is worth a pass of the stretcher
WIDEST_SHIFT = 4.0
FREE_TEMPO = 120.0
WEIGHT_DB = 12.0  # difference of the layers between weight 0 and weight 1

Pair = dict[Source, Analysis]


@dataclass(frozen=True)
class Tempo:
    """`folds` says how many of a source's beats make one shared beat."""

    bpm: float
    rates: dict[Source, float]
    folds: dict[Source, float]
    reasons: tuple[Reason, ...]


def plan(a: Analysis, b: Analysis, seed: int, *, audio_weight: float | None = None, swapped: bool = False) -> Plan:
    """The plan for one track; `swapped` exchanges the roles and keeps tempo, keys and phrases comparable."""
    pair: Pair = {"a": a, "b": b}
    levels, weight_reasons = balance(audio_weight)
    keeper, role_reasons = roles(pair)
    bed = other(keeper) if swapped else keeper
    if swapped:
        role_reasons = (Reason("roles-swapped", {"bed": bed, "lead": other(bed)}),)
    beatless = beats_missing(pair)
    if beatless:
        return _free_plan(pair, bed, levels, (*beatless, *weight_reasons), seed)
    tempo = shared_tempo(pair, keeper)
    shifts, key_reasons = harmonic_shift(pair, keeper)
    beats_per_bar, meter_reasons = meter(pair, bed)
    clock = Clock(tempo.bpm, beats_per_bar, tempo.folds)
    sections, phrase_reasons = arrange(pair, bed, clock, shifts, levels, seed)
    return Plan(
        bed=bed,
        lead=other(bed),
        tempo_bpm=tempo.bpm,
        beats_per_bar=beats_per_bar,
        sections=sections,
        rates=tempo.rates,
        shifts=shifts,
        fade_seconds=min(0.6, 60.0 / tempo.bpm),
        ending_bars=min(4, sections[-1].bars),
        common_beat=True,
        reasons=(*role_reasons, *tempo.reasons, *key_reasons, *meter_reasons, *phrase_reasons, *weight_reasons),
    )


def _free_plan(
    pair: Pair, bed: Source, levels: dict[Source, float], reasons: tuple[Reason, ...], seed: int
) -> Plan:
    """Without a common beat: one source fades over into the other, both as they are."""
    tempo = next((one.tempo_bpm for one in pair.values() if has_beat(one)), FREE_TEMPO)
    sections, phrase_reasons = arrange_freely(pair, bed, 240.0 / tempo, levels, seed)
    still: dict[Source, float] = {"a": 1.0, "b": 1.0}
    return Plan(
        bed=bed,
        lead=other(bed),
        tempo_bpm=tempo,
        beats_per_bar=4,
        sections=sections,
        rates=still,
        shifts={"a": 0.0, "b": 0.0},
        fade_seconds=min(1.0, 240.0 / tempo),
        ending_bars=min(4, sections[-1].bars),
        reasons=(*reasons, *phrase_reasons),
        common_beat=False,
    )


def has_beat(analysis: Analysis) -> bool:
    enough = len(analysis.beats) >= FEWEST_BEATS and len(analysis.downbeats) >= 2
    return enough and analysis.tempo_confidence >= BEAT_CONFIDENCE


def beats_missing(pair: Pair) -> tuple[Reason, ...]:
    """A reason for each source that has no beat to hold on to."""
    return tuple(Reason("no-beat", {"source": name}) for name in pair if not has_beat(pair[name]))


def roles(pair: Pair) -> tuple[Source, tuple[Reason, ...]]:
    """The steadier and more certain beat carries; it also keeps its tempo and key where it can."""
    drifting = tuple(
        Reason("beat-drifts", {"source": name, "milliseconds": round(one.residual_ms)})
        for name, one in pair.items()
        if has_beat(one) and not one.steady
    )
    strength = {name: (has_beat(one), one.steady, round(one.tempo_confidence, 1)) for name, one in pair.items()}
    if strength["a"] == strength["b"]:
        return "a", (Reason("bed-first", {"bed": "a", "lead": "b"}), *drifting)
    bed: Source = "a" if strength["a"] > strength["b"] else "b"
    return bed, (Reason("bed-stronger-beat", {"bed": bed, "lead": other(bed)}), *drifting)


def shared_tempo(pair: Pair, keeper: Source) -> Tempo:
    """Folds the other source by 2 or 1/2 towards the keeper, then moves it alone, or both where the way is long."""
    mover = other(keeper)
    own, moving = pair[keeper].tempo_bpm, pair[mover].tempo_bpm
    fold = min((1.0, 2.0, 0.5), key=lambda factor: abs(math.log(own * factor / moving)))
    ratio = own * fold / moving
    reasons: list[Reason] = []
    if fold != 1.0:
        code = "tempo-double" if fold == 2.0 else "tempo-half"
        reasons.append(Reason(code, {"source": mover, "bpm": round(moving, 1)}))
    folds: dict[Source, float] = {keeper: 1.0, mover: fold}
    if max(ratio, 1 / ratio) <= ALONE:
        bpm = own
        rates: dict[Source, float] = {keeper: 1.0, mover: ratio}
        if abs(ratio - 1) < UNHEARD_STRETCH:
            rates[mover] = 1.0
            reasons.append(Reason("tempo-same", {"bpm": round(bpm, 1)}))
        else:
            reasons.append(
                Reason("tempo-follows", {"source": mover, "bpm": round(bpm, 1), "percent": _percent(ratio)})
            )
        return Tempo(bpm, rates, folds, tuple(reasons))
    half = math.sqrt(ratio)
    bpm = own / half
    reasons.append(Reason("tempo-between", {"bpm": round(bpm, 1), "percent": _percent(max(half, 1 / half))}))
    if max(half, 1 / half) > LARGE:
        reasons.append(Reason("stretch-large", {"percent": _percent(max(half, 1 / half))}))
    return Tempo(bpm, {keeper: 1 / half, mover: half}, folds, tuple(reasons))


def _percent(ratio: float) -> float:
    return round((ratio - 1) * 100, 1)


def harmonic_shift(pair: Pair, keeper: Source) -> tuple[dict[Source, float], tuple[Reason, ...]]:
    """The smallest shift of the other source into a key that fits the keeper's, tuning folded in."""
    mover = other(keeper)
    still: dict[Source, float] = {"a": 0.0, "b": 0.0}
    unknown = tuple(
        Reason("key-unknown", {"source": name}) for name in pair if pair[name].key_confidence < KEY_CONFIDENCE
    )
    if unknown:
        return still, unknown
    fixed, moving = pair[keeper], pair[mover]
    detune = (fixed.tuning_cents - moving.tuning_cents) / 100
    options = [step for step in range(-4, 5) if abs(step + detune) <= WIDEST_SHIFT]
    step = min(options, key=lambda shift: (_shift_cost(fixed, moving, shift, shift + detune), abs(shift), shift))
    total = step + detune
    if abs(total) < UNHEARD_SHIFT:
        return still, (Reason("keys-fit", {"a": pair["a"].key, "b": pair["b"].key}),)
    values = {"source": mover, "semitones": round(total, 2), "key": pair[keeper].key}
    return {keeper: 0.0, mover: round(total, 4)}, (Reason("key-tuned" if step == 0 else "key-shifted", values),)


def _shift_cost(fixed: Analysis, moving: Analysis, step: int, total: float) -> float:
    return abs(total) + 1.2 * camelot_distance(fixed, moving, step)


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


def meter(pair: Pair, bed: Source) -> tuple[int, tuple[Reason, ...]]:
    """The bed's bars rule; a lead in another meter follows beat by beat."""
    beats = pair[bed].beats_per_bar
    lead = pair[other(bed)].beats_per_bar
    reasons = () if lead == beats else (Reason("meters-differ", {"bed": beats, "lead": lead}),)
    return beats, reasons


def balance(audio_weight: float | None) -> tuple[dict[Source, float], tuple[Reason, ...]]:
    """Level of each layer where both play, in dB of a full mix; their powers add up to it at every weight."""
    weight = 0.5 if audio_weight is None else min(1.0, max(0.0, audio_weight))
    lean = WEIGHT_DB * (weight - 0.5)
    together = 10 * math.log10(10 ** (lean / 20) + 10 ** (-lean / 20))
    levels: dict[Source, float] = {"a": lean / 2 - together, "b": -lean / 2 - together}
    if abs(lean) < 0.5:
        return levels, ()
    louder = "a" if lean > 0 else "b"
    return levels, (Reason("weight-leans", {"source": louder, "decibels": round(abs(lean), 1)}),)
