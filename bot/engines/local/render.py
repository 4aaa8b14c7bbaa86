"""Turns a plan into a mix: stretches phrases, sets levels by measure, fades, leaves bass to one source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.audio import bands, centre, loudness, pcm, stretch
from bot.audio.pcm import RATE, Samples
from bot.engines.local.keys import UNHEARD_SHIFT, as_record
from bot.engines.local.plan import Part, Plan, Section, Source, Span
from bot.engines.local.tempos import UNHEARD_STRETCH

FULL_MIX_LUFS = -18.0  # working level; headroom until mastering
SEAM_SECONDS = 0.03  # crossfade where a layer simply goes on
LOUDEST_BOOST_DB = 24.0
LONGEST_PIECE = 40.0  # seconds of phrases that are stretched together, without a seam
SAME_SPEED = 2e-5
SLACK = 2  # frames to which two ways of rounding may differ


@dataclass(frozen=True)
class Piece:
    """Samples of a source from `start` (its seconds) on, after `lead_in` frames of what comes before."""

    start: float
    speed: float
    lead_in: int
    samples: Samples

    def cut(self, span: Span, frames: int, lead_in: int) -> Samples | None:
        """(lead_in + frames, 2) of it, where it holds the span at the same speed."""
        if not _alike(self.speed, _speed(span, frames)):
            return None
        wanted = self.lead_in + round((span.start - self.start) * RATE / self.speed) - lead_in
        room = len(self.samples) - lead_in - frames
        first = min(max(0, wanted), room)
        near = room >= 0 and abs(first - wanted) <= SLACK
        return self.samples[first : first + lead_in + frames] if near else None


@dataclass
class Phrases:
    """Stretched pieces of both sources, kept because the second track plays much of them again."""

    paths: dict[Source, Path]
    instrumental: bool = False
    kept: dict[tuple[Source, float], list[Piece]] = field(default_factory=lambda: defaultdict(list))

    def samples(self, source: Source, span: Span, frames: int, lead_in: int, shift: float) -> Samples:
        """(lead_in + frames, 2); not to be changed."""
        found = self.find(source, span, frames, lead_in, shift)
        if found is None:
            speed = _speed(span, frames)
            made = self._make(source, span.start, speed, frames + SLACK, lead_in, shift)
            self.kept[source, shift].append(Piece(span.start, speed, lead_in, made))
            found = made[: lead_in + frames]
        return found

    def find(self, source: Source, span: Span, frames: int, lead_in: int, shift: float) -> Samples | None:
        """As `samples`, but only where it lies in a piece that was made before."""
        cuts = (piece.cut(span, frames, lead_in) for piece in self.kept[source, shift])
        return next((cut for cut in cuts if cut is not None), None)

    def _make(self, source: Source, start: float, speed: float, frames: int, lead_in: int, shift: float) -> Samples:
        path, place = self.paths[source], (start, start + frames * speed / RATE)
        if abs(speed - 1) < UNHEARD_STRETCH and abs(shift) < UNHEARD_SHIFT:
            samples = pcm.read(path, round(start * RATE) - lead_in, lead_in + frames)
        elif as_record(speed, shift):
            samples = stretch.record(path, place, frames, lead_in)
        else:
            samples = stretch.phrase(path, place, frames, lead_in, shift)
        return centre.reduced(samples) if self.instrumental else samples


@dataclass(frozen=True)
class Mix:
    """The unmastered mix, (frames, 2); power of each layer for each 100 ms; and each section's layer loudness."""

    samples: Samples
    layers: dict[Source, NDArray[np.float64]]
    section_lufs: tuple[dict[Source, float], ...]


def render(plan: Plan, phrases: Phrases, progress: Callable[[float], None] = lambda part: None) -> Mix:
    """Both layers at their planned levels, faded in, out and over."""
    total = _frame(plan, plan.bars)
    mix = np.zeros((total, 2), np.float32)
    layers: dict[Source, NDArray[np.float64]] = {name: np.zeros(total // loudness.STEP + 1) for name in ("a", "b")}
    measured: list[dict[Source, float]] = []
    for number, section in enumerate(plan.sections):
        levels: dict[Source, float] = {}
        leading: NDArray[np.float32] | None = None
        for part in sorted(section.parts, key=lambda part: part.bass):
            samples, lead_in = _part(plan, section, part, phrases)
            if not part.bass:
                bands.cut_bass(samples)
                leading = bands.presence(samples)
            elif leading is not None:
                bands.duck(samples, leading, plan.duck_db)
            powers = _level(samples, lead_in, part.level_db)
            levels[part.source] = round(loudness.integrated(powers), 2)
            first = _frame(plan, section.start_bar) // loudness.STEP
            layers[part.source][first : first + len(powers)] += powers[: len(layers[part.source]) - first]
            _add(mix, plan, number, part, samples)
        measured.append({name: levels[name] for name in sorted(levels)})
        progress((section.start_bar + section.bars) / plan.bars)
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


def _part(plan: Plan, section: Section, part: Part, phrases: Phrases) -> tuple[Samples, int]:
    """The part's phrases one after the other, with a fade's length of frames before the first."""
    lead_in = round(plan.fade_seconds * RATE)
    first = _frame(plan, section.start_bar)
    whole = np.empty((lead_in + _frame(plan, section.start_bar + section.bars) - first, 2), np.float32)
    before: Span | None = None
    for bar, span in _pieces(plan, section, part, phrases):
        at, frames = _frame(plan, bar) - first, _frames(plan, bar, span)
        piece = phrases.samples(part.source, span, frames, lead_in, plan.shifts[part.source])
        if before is None:
            whole[:lead_in] = piece[:lead_in]
        else:
            _cross(whole[: at + lead_in], piece[:lead_in], smooth=_adjoins(before, span))
        whole[at + lead_in : at + lead_in + frames] = piece[lead_in:]
        before = span
    return whole, lead_in


def _pieces(plan: Plan, section: Section, part: Part, phrases: Phrases) -> Iterator[tuple[int, Span]]:
    """(bar, span) of what is fitted at once: phrases that follow each other at one speed and are not there yet."""
    lead_in, shift = round(plan.fade_seconds * RATE), plan.shifts[part.source]
    bar = section.start_bar
    waiting: Span | None = None
    for span in part.spans:
        frames = _frames(plan, bar, span)
        there = phrases.find(part.source, span, frames, lead_in, shift) is not None
        if waiting is not None:
            joined = Span(waiting.start, span.end, waiting.bars + span.bars)
            ahead = _speed(waiting, _frames(plan, bar - waiting.bars, waiting))
            fits = _adjoins(waiting, span) and joined.bars * plan.bar_seconds <= LONGEST_PIECE
            if fits and not there and _alike(ahead, _speed(span, frames)):
                waiting = joined
                bar += span.bars
                continue
            yield bar - waiting.bars, waiting
        waiting = None if there else span
        if there:
            yield bar, span
        bar += span.bars
    if waiting is not None:
        yield bar - waiting.bars, waiting


def _frames(plan: Plan, bar: int, span: Span) -> int:
    return _frame(plan, bar + span.bars) - _frame(plan, bar)


def _speed(span: Span, frames: int) -> float:
    return (span.end - span.start) * RATE / frames


def _alike(one: float, two: float) -> bool:
    return abs(one / two - 1) < SAME_SPEED


def _cross(before: Samples, after: Samples, *, smooth: bool) -> None:
    """Fades the end of `before` over into `after`, in place: done where `after` ends, on the downbeat."""
    width = round(SEAM_SECONDS * RATE) if smooth else len(after)
    curve = _curve(width, straight=smooth)
    before[-width:] = before[-width:] * curve[::-1] + after[-width:] * curve


def _level(samples: Samples, lead_in: int, level_db: float) -> loudness.Powers:
    """Brings the part to its planned level, in place; returns its power for each 100 ms from its first downbeat."""
    powers = loudness.step_powers(samples[lead_in:])
    gain = 10 ** (min(FULL_MIX_LUFS + level_db - loudness.integrated(powers), LOUDEST_BOOST_DB) / 20)
    samples *= np.float32(gain)
    return powers * gain**2


def _add(mix: Samples, plan: Plan, number: int, part: Part, samples: Samples) -> None:
    """Adds one part of a section: in by an equal-power fade before the downbeat, out before the section ends."""
    section, lead_in, seam = plan.sections[number], round(plan.fade_seconds * RATE), round(SEAM_SECONDS * RATE)
    goes_on = _goes_on(plan, number, part)
    _fade_in(samples, lead_in, seam if goes_on else lead_in, straight=goes_on)
    if number + 1 < len(plan.sections):
        stays = _goes_on_after(plan, number, part)
        _fade_out(samples, seam if stays else lead_in, straight=stays)
    first = _frame(plan, section.start_bar) - lead_in
    start = max(0, first)
    mix[start : first + len(samples)] += samples[start - first :]


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


def _end(mix: Samples, plan: Plan) -> None:
    """A short rise at the very start and a fade over the last bars, as a record ends."""
    rise = min(len(mix), round(0.01 * RATE))
    mix[:rise] *= _curve(rise, straight=True)
    width = len(mix) - _frame(plan, plan.bars - plan.ending_bars)
    line = np.linspace(0, np.pi / 2, width, dtype=np.float32)
    mix[-width:] *= (np.maximum(np.cos(line), 0.0) ** 1.5)[:, None]
