"""Turns a plan into a mix: stretches phrases, sets levels by measure, fades, leaves bass to one source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.audio import loudness, pcm, stretch
from bot.audio.pcm import RATE, Samples
from bot.engines.local.plan import Part, Plan, Section, Source, Span
from bot.engines.local.planner import UNHEARD_SHIFT, UNHEARD_STRETCH

FULL_MIX_LUFS = -18.0  # working level; headroom until mastering
SEAM_SECONDS = 0.03  # crossfade where a layer simply goes on
BASS_WIDTH = 110  # frames of the smoothing that separates bass: half power near 180 Hz
LOUDEST_BOOST_DB = 24.0


@dataclass
class Phrases:
    """Stretched phrases of both sources, kept because the second track uses many of them again.

    `thrifty` takes the stretcher's cheaper setting: worth it where both sources go through it.
    """

    paths: dict[Source, Path]
    thrifty: bool = False
    kept: dict[tuple[Source, float, int, int, float], Samples] = field(default_factory=dict)

    def get(self, source: Source, span: Span, frames: int, lead_in: int, shift: float) -> Samples:
        key = (source, span.start, frames, lead_in, shift)
        if key not in self.kept:
            speed = (span.end - span.start) * RATE / frames
            still = abs(speed - 1) < UNHEARD_STRETCH and abs(shift) < UNHEARD_SHIFT
            path = self.paths[source]
            if still:
                self.kept[key] = pcm.read(path, round(span.start * RATE) - lead_in, lead_in + frames)
            else:
                place = (span.start, span.end)
                self.kept[key] = stretch.phrase(path, place, frames, lead_in, shift, thrifty=self.thrifty)
        return self.kept[key]


@dataclass(frozen=True)
class Mix:
    """The unmastered mix, (frames, 2); power of each layer for each 100 ms; and each section's layer loudness."""

    samples: Samples
    layers: dict[Source, NDArray[np.float64]]
    section_lufs: tuple[dict[Source, float], ...]


def render(plan: Plan, phrases: Phrases) -> Mix:
    """Both layers at their planned levels, faded in, out and over."""
    total = _frame(plan, plan.bars)
    mix = np.zeros((total, 2), np.float32)
    layers: dict[Source, NDArray[np.float64]] = {name: np.zeros(total // loudness.STEP + 1) for name in ("a", "b")}
    measured: list[dict[Source, float]] = []
    for number, section in enumerate(plan.sections):
        levels: dict[Source, float] = {}
        for part in section.parts:
            goes_on = _goes_on(plan, number, part)
            leaves = number + 1 < len(plan.sections) and not _goes_on_after(plan, number, part)
            lufs, powers = _add(mix, plan, section, part, phrases, seamless=goes_on, leaves=leaves)
            levels[part.source] = round(lufs, 2)
            first = _frame(plan, section.start_bar) // loudness.STEP
            layers[part.source][first : first + len(powers)] += powers[: len(layers[part.source]) - first]
        measured.append(levels)
    _end(mix, plan)
    return Mix(mix, layers, tuple(measured))


def _frame(plan: Plan, bar: int) -> int:
    return round(bar * plan.bar_seconds * RATE)


def _adjoins(before: Span, after: Span) -> bool:
    return abs(before.end - after.start) < 1e-3


def _goes_on(plan: Plan, number: int, part: Part) -> bool:
    """True when the part continues the same source without a jump from the section before."""
    before = [one for one in plan.sections[number - 1].parts if one.source == part.source] if number else []
    return bool(before) and _adjoins(before[0].spans[-1], part.spans[0])


def _goes_on_after(plan: Plan, number: int, part: Part) -> bool:
    after = [one for one in plan.sections[number + 1].parts if one.source == part.source]
    return bool(after) and _adjoins(part.spans[-1], after[0].spans[0])


def _add(
    mix: Samples, plan: Plan, section: Section, part: Part, phrases: Phrases, *, seamless: bool, leaves: bool
) -> tuple[float, NDArray[np.float64]]:
    """Adds one part of one section; returns its loudness and its power for each 100 ms, both after gain."""
    lead_in = round(plan.fade_seconds * RATE)
    first = _frame(plan, section.start_bar)
    samples = _assemble(plan, section, part, phrases, lead_in)
    if not part.bass:
        _cut_bass(samples)
    powers = loudness.step_powers(samples[lead_in:])
    gain_db = FULL_MIX_LUFS + part.level_db - loudness.integrated(powers)
    gain = 10 ** (min(gain_db, LOUDEST_BOOST_DB) / 20)
    samples *= np.float32(gain)
    seam = round(SEAM_SECONDS * RATE)
    _fade_in(samples, lead_in, seam if seamless else lead_in, straight=seamless)
    if section.start_bar + section.bars < plan.bars:
        going_on = not leaves
        _fade_out(samples, seam if going_on else lead_in, straight=going_on)
    start = max(0, first - lead_in)
    stop = first + len(samples) - lead_in
    mix[start:stop] += samples[start - first + lead_in :]
    return loudness.integrated(powers * gain**2), powers * gain**2


def _assemble(plan: Plan, section: Section, part: Part, phrases: Phrases, lead_in: int) -> Samples:
    """The part's phrases one after the other, with `lead_in` frames before the first."""
    first = _frame(plan, section.start_bar)
    whole = np.zeros((lead_in + _frame(plan, section.start_bar + section.bars) - first, 2), np.float32)
    seam = round(SEAM_SECONDS * RATE)
    bar = section.start_bar
    for number, span in enumerate(part.spans):
        at, frames = _frame(plan, bar) - first, _frame(plan, bar + span.bars) - _frame(plan, bar)
        piece = phrases.get(part.source, span, frames, lead_in, plan.shifts[part.source]).copy()
        if number:
            smooth = _adjoins(part.spans[number - 1], span)
            width = seam if smooth else lead_in
            _fade_in(piece, lead_in, width, straight=smooth)
            _fade_out(whole[: lead_in + at], width, straight=smooth)
        whole[at : at + len(piece)] += piece
        bar += span.bars
    return whole


def _curve(width: int, *, straight: bool) -> Samples:
    """(width, 1) rising from 0 to 1: equal power between strangers, straight between copies of the same sound."""
    line = (np.arange(width, dtype=np.float32) + 0.5) / width
    return (line if straight else np.sin(line * np.float32(np.pi / 2))).astype(np.float32)[:, None]


def _fade_in(samples: Samples, lead_in: int, width: int, *, straight: bool) -> None:
    """Silence, then a rise that is complete at frame `lead_in`, where the downbeat is."""
    samples[: lead_in - width] = 0.0
    samples[lead_in - width : lead_in] *= _curve(width, straight=straight)


def _fade_out(samples: Samples, width: int, *, straight: bool) -> None:
    samples[-width:] *= _curve(width, straight=straight)[::-1]


def _cut_bass(samples: Samples) -> None:
    """Subtracts the bass, found by two running means: no phase change, 22 dB less at 60 Hz, in place."""
    if len(samples) <= 4 * BASS_WIDTH:
        return
    for channel in range(samples.shape[1]):
        low = samples[:, channel].astype(np.float64)
        for _ in range(2):
            sums = np.cumsum(np.concatenate([np.zeros(BASS_WIDTH // 2 + 1), low, np.zeros(BASS_WIDTH // 2)]))
            low = (sums[BASS_WIDTH:] - sums[:-BASS_WIDTH])[: len(low)] / BASS_WIDTH
        samples[:, channel] -= np.roll(low, -1)


def _end(mix: Samples, plan: Plan) -> None:
    """A short rise at the very start and a fade over the last bars, as a record ends."""
    rise = min(len(mix), round(0.01 * RATE))
    mix[:rise] *= _curve(rise, straight=True)
    width = len(mix) - _frame(plan, plan.bars - plan.ending_bars)
    line = np.linspace(0, np.pi / 2, width, dtype=np.float32)
    mix[-width:] *= (np.maximum(np.cos(line), 0.0) ** 1.5)[:, None]
