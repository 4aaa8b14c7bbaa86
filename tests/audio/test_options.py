"""What each option changes, measured: between 0.1 and 0.9, or on and off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.audio import centre, loudness
from bot.engines.local.plan import Analysis, Plan, Wishes
from bot.engines.local.planner import plan
from bot.engines.local.render import Mix, Phrases, render
from tests.audio import synth

Pair = list[dict[str, Any]]
SEEDS = range(12)


def planned(pair: Pair, seed: int = 7, **wishes: Any) -> Plan:
    one, two = (Analysis.from_json(source["analysis"]) for source in pair)
    return plan(one, two, seed, Wishes(**wishes))


def rendered(pair: Pair, **wishes: Any) -> Mix:
    paths = Phrases({"a": Path(pair[0]["pcm"]), "b": Path(pair[1]["pcm"])}, wishes.get("instrumental", False))
    return render(planned(pair, **wishes), paths)


def bars_of(made: Plan, source: str) -> float:
    """Share of the bars in which a source is heard."""
    heard = sum(section.bars for section in made.sections if source in section.layers)
    return heard / made.bars


def test_audio_weight_is_heard_in_level_and_in_time(pair: Pair) -> None:
    def lean(weight: float) -> float:
        levels = [levels for levels in rendered(pair, audio_weight=weight).section_lufs if len(levels) == 2]
        return float(np.mean([each["a"] - each["b"] for each in levels]))

    low, middle, high = lean(0.1), lean(0.5), lean(0.9)
    assert (low, middle, high) == pytest.approx((-4.8, 0.0, 4.8), abs=0.6)
    share = {
        weight: np.mean([bars_of(planned(pair, seed, audio_weight=weight), "a") for seed in SEEDS])
        for weight in (0.1, 0.9)
    }
    assert share[0.9] - share[0.1] > 0.1


def test_style_weight_keeps_the_bed_playing_and_in_front(pair: Pair) -> None:
    def bed_share(weight: float) -> float:
        plans = [planned(pair, seed, style_weight=weight) for seed in SEEDS]
        return float(np.mean([bars_of(made, made.bed) for made in plans]))

    assert bed_share(0.9) - bed_share(0.1) > 0.15
    ducked = {weight: planned(pair, style_weight=weight).duck_db for weight in (0.1, 0.9)}
    assert ducked[0.1] - ducked[0.9] == pytest.approx(3.2)


def test_style_weight_decides_whose_tempo_it_is(pair: Pair) -> None:
    """At 112 % apart a strict bed keeps its tempo, a loose one comes half-way."""
    one, two = (Analysis.from_json(source["analysis"]) for source in pair)
    far = replace(two, tempo_bpm=one.tempo_bpm * 1.12)
    strict, loose = (plan(one, far, 1, Wishes(style_weight=weight)) for weight in (0.9, 0.1))
    assert strict.rates[strict.bed] == 1.0
    assert abs(loose.rates[loose.bed] - 1) > 0.04


def test_weirdness_brings_jumps_repeats_and_bold_shifts(pair: Pair) -> None:
    def breaks(weirdness: float) -> float:
        """Places where a layer that goes on does not go on in its song, for each track."""
        count = 0
        for seed in SEEDS:
            for section in planned(pair, seed, weirdness=weirdness).sections:
                for part in section.parts:
                    ends, starts = part.spans[:-1], part.spans[1:]
                    count += sum(abs(a.end - b.start) > 0.01 for a, b in zip(ends, starts, strict=True))
        return count / len(SEEDS)

    assert breaks(0.1) < 1.5
    assert breaks(0.9) > breaks(0.1) + 2
    one, two = (Analysis.from_json(source["analysis"]) for source in pair)
    alike = replace(two, tonic=one.tonic, mode=one.mode)
    tame, bold = (plan(one, alike, 1, Wishes(weirdness=weirdness)).shifts["b"] for weirdness in (0.1, 0.9))
    assert abs(tame) < 0.5
    assert 4.5 < abs(bold) < 5.5


def test_another_seed_is_another_arrangement(pair: Pair) -> None:
    assert len({str(planned(pair, seed).sections) for seed in SEEDS}) >= 10


def tone(frequency: float, seconds: float = 3.0) -> synth.Samples:
    return (0.2 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * synth.RATE)) / synth.RATE)).astype(
        np.float32
    )


def power(samples: synth.Samples, frequency: float) -> float:
    """Decibels of one frequency in both channels together."""
    spectrum = (
        np.abs(np.fft.rfft(samples[10_000:-10_000] * np.hanning(len(samples) - 20_000)[:, None], axis=0)) ** 2
    )
    places = np.fft.rfftfreq(len(samples) - 20_000, 1 / synth.RATE)
    return 10 * float(np.log10(spectrum[np.abs(places - frequency) < 5].sum()))


def test_instrumental_takes_the_centre_and_leaves_the_sides_and_the_bass() -> None:
    centred, left = tone(997) + tone(70), tone(1733)
    mixed = np.stack([centred + left, centred], axis=1)
    after = centre.reduced(mixed)
    assert power(mixed, 997) - power(after, 997) > 12
    assert abs(power(mixed, 1733) - power(after, 1733)) < 1.5
    assert abs(power(mixed, 70) - power(after, 70)) < 0.5


def test_instrumental_is_heard_in_the_mix(pair: Pair) -> None:
    """The songs are almost mono: what is left between 300 Hz and 4 kHz is much less, against the bass."""

    def middle(mix: Mix) -> float:
        spectrum = np.abs(np.fft.rfft(mix.samples.sum(axis=1))) ** 2
        places = np.fft.rfftfreq(len(mix.samples), 1 / synth.RATE)
        band, bass = (places > 300) & (places < 4000), places < 150
        return 10 * float(np.log10(spectrum[band].sum() / spectrum[bass].sum()))

    assert middle(rendered(pair)) - middle(rendered(pair, instrumental=True)) > 6
    assert "centre-reduced" in {reason.code for reason in planned(pair, instrumental=True).reasons}


def test_the_lead_makes_room_for_itself(pair: Pair) -> None:
    """Above its bass the bed is softer while the lead speaks; its bass is not."""
    from bot.audio import bands

    samples = synth.stereo(synth.Song(seconds=6))
    before, lead = samples.copy(), np.zeros_like(samples)
    lead[: len(lead) // 2] = synth.stereo(synth.Song(tempo=90, seconds=6))[: len(lead) // 2]
    bands.duck(samples, bands.presence(lead), 4.0)
    early, late = slice(20_000, 110_000), slice(160_000, -100)

    def lost(part: slice) -> float:
        high = [loudness.integrated(loudness.step_powers(x[part] - bands.bass(x)[part])) for x in (before, samples)]
        return high[0] - high[1]

    assert lost(early) == pytest.approx(4.0, abs=0.7)
    assert lost(late) == pytest.approx(0.0, abs=0.2)
    assert np.allclose(bands.bass(samples)[early], bands.bass(before)[early], atol=0.05)
