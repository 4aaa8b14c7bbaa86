"""Plans a mashup from two analyses; touches no audio, no clock and no chance beyond the given seed.

    levels -> who carries (bed) and who sings (lead) -> is there a common beat -> one tempo -> one key -> one meter
    -> verdicts -> layout -> length, sections and phrases

Every step is a small policy that returns its verdict with the reasons a member can read. The ladder of layouts ends
where nothing can clash: layered, call and answer or intro and outro; alternating; a transition; a crossfade.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.engines.local import policies
from bot.engines.local.arrangement import Clock, arrange, arrange_freely
from bot.engines.local.keys import CLASHING, harmonic_shift, stretched
from bot.engines.local.plan import PLAIN, Analysis, Plan, Reason, Source, Verdict, Wishes, other
from bot.engines.local.shapes import TOLD, layout_for
from bot.engines.local.tempos import USABLE, shared_tempo

BEAT_CONFIDENCE = 0.25
FEWEST_BEATS = 8
FREE_TEMPO = 120.0
WEIGHT_DB = 12.0  # difference of the layers between weight 0 and weight 1
TOGETHER_BARS = 2  # in which one source passes over to the other where they share no beat
DUCK_DB = 4.0  # by which the bed steps back where its style counts for nothing
STILL: Mapping[Source, float] = {"a": 1.0, "b": 1.0}

Pair = dict[Source, Analysis]


def plan(a: Analysis, b: Analysis, seed: int, wishes: Wishes = PLAIN, *, after: Plan | None = None) -> Plan:
    """The plan for one track; one `after` another exchanges its roles and layout, and keeps tempo and keys."""
    swapped = after is not None
    pair: Pair = {"a": a, "b": b}
    levels, weight_reasons = balance(wishes.audio_weight)
    keeper, role_reasons = roles(pair)
    bed = other(keeper) if swapped else keeper
    if swapped:
        role_reasons = (Reason("roles-swapped", {"bed": bed, "lead": other(bed)}),)
    asked = (*weight_reasons, *_asked(wishes))
    beatless = beats_missing(pair)
    if beatless:
        shifts, key_reasons = harmonic_shift(pair, keeper, STILL, wishes.weirdness, overlay=False)
        return _free_plan(pair, bed, levels, shifts, (*beatless, *key_reasons, *asked), seed, ())
    tempo = shared_tempo(pair, keeper, wishes.style_weight)
    apart = tempo.largest > USABLE
    rates = STILL if apart else tempo.rates
    shifts, key_reasons = harmonic_shift(pair, keeper, rates, wishes.weirdness, overlay=not apart)
    found = policies.verdicts(pair, keeper, tempo, shifts)
    if apart:
        percent = Reason("tempos-apart", {"percent": round(100 * (tempo.largest - 1), 1)})
        return _free_plan(pair, bed, levels, shifts, (*role_reasons, percent, *key_reasons, *asked), seed, found)
    clash = policies.clash(found)
    layout = layout_for(seed, wishes, swapped=swapped) if clash is None else "alternating"
    beats_per_bar, meter_reasons = meter(pair, bed)
    clock = Clock(tempo.bpm, beats_per_bar, tempo.folds)
    ready = after if len(stretched(rates, shifts)) == len(pair) else None
    sections, phrase_reasons = arrange(pair, bed, clock, shifts, levels, seed, layout, wishes, ready)
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
        layout=layout,
        verdicts=found,
        duck_db=DUCK_DB * (1 - wishes.style_weight),
        reasons=(
            *role_reasons,
            *tempo.reasons,
            *key_reasons,
            *meter_reasons,
            clash or TOLD[layout],
            *phrase_reasons,
            *asked,
        ),
    )


def _asked(wishes: Wishes) -> tuple[Reason, ...]:
    """What only acts because somebody asked for it."""
    return (Reason("centre-reduced"),) if wishes.instrumental else ()


def _free_plan(
    pair: Pair,
    bed: Source,
    levels: dict[Source, float],
    shifts: dict[Source, float],
    reasons: tuple[Reason, ...],
    seed: int,
    found: tuple[Verdict, ...],
) -> Plan:
    """One source fades over into the other, both at their own tempo: on downbeats where both have them."""
    tempo = next((one.tempo_bpm for one in (pair[bed], pair[other(bed)]) if has_beat(one)), FREE_TEMPO)
    both = all(has_beat(one) for one in pair.values())
    bars = 0 if CLASHING in reasons else TOGETHER_BARS
    sections, phrase_reasons = arrange_freely(pair, bed, 240.0 / tempo, bars, levels, seed, on_downbeats=both)
    return Plan(
        bed=bed,
        lead=other(bed),
        tempo_bpm=tempo,
        beats_per_bar=4,
        sections=sections,
        rates=STILL,
        shifts=shifts,
        fade_seconds=min(1.0, 240.0 / tempo),
        ending_bars=min(4, sections[-1].bars),
        common_beat=False,
        layout="transition" if both else "crossfade",
        verdicts=found,
        duck_db=0.0,
        reasons=(*reasons, *phrase_reasons),
    )


def has_beat(analysis: Analysis) -> bool:
    enough = len(analysis.beats) >= FEWEST_BEATS and len(analysis.downbeats) >= 2
    return enough and analysis.beat_confidence >= BEAT_CONFIDENCE


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
    strength = {name: (has_beat(one), one.steady, round(one.beat_confidence, 1)) for name, one in pair.items()}
    if strength["a"] == strength["b"]:
        return "a", (Reason("bed-first", {"bed": "a", "lead": "b"}), *drifting)
    bed: Source = "a" if strength["a"] > strength["b"] else "b"
    return bed, (Reason("bed-stronger-beat", {"bed": bed, "lead": other(bed)}), *drifting)


def meter(pair: Pair, bed: Source) -> tuple[int, tuple[Reason, ...]]:
    """The bed's bars rule; a lead in another meter follows beat by beat."""
    beats = pair[bed].beats_per_bar
    lead = pair[other(bed)].beats_per_bar
    reasons = () if lead == beats else (Reason("meters-differ", {"bed": beats, "lead": lead}),)
    return beats, reasons


def balance(weight: float) -> tuple[dict[Source, float], tuple[Reason, ...]]:
    """Level of each layer where both play, in dB of a full mix; their powers add up to it at every weight."""
    lean = WEIGHT_DB * (weight - 0.5)
    together = 10 * math.log10(10 ** (lean / 20) + 10 ** (-lean / 20))
    levels: dict[Source, float] = {"a": lean / 2 - together, "b": -lean / 2 - together}
    if abs(lean) < 0.5:
        return levels, ()
    louder = "a" if lean > 0 else "b"
    return levels, (Reason("weight-leans", {"source": louder, "decibels": round(abs(lean), 1)}),)
