"""Draws a track's waveform: source A above the middle, source B below, and what of each plays when.

The phrases of each source are blocks in a lane at its edge, with the time in the source where each begins; bars and
beats are ticks on the middle line, the changes of layers lines from edge to edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 300
LANE = 24  # pixels of a source's phrases at the upper or lower edge
# Both colours keep a contrast of 3:1 and more on Discord's dark (#313338) and light (#ffffff) backgrounds.
COLOUR_A, COLOUR_B = (232, 106, 23, 255), (47, 128, 214, 255)
BLOCK_A, BLOCK_B = (160, 70, 8, 255), (24, 84, 150, 255)  # dark enough for white letters
INK = (255, 255, 255, 255)
MARK, BAR_MARK = (130, 134, 142, 255), (130, 134, 142, 110)
TICK_GAP = 4  # pixels; closer ticks would be a grey wall
FLOOR_DB = -40.0
_LETTERS = 15

Powers = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """What is drawn beside the waves, in seconds of the track; a phrase is (start, end, place in its source)."""

    bars: Sequence[float] = ()
    beats_per_bar: int = 4
    sections: Sequence[float] = ()
    phrases: tuple[Sequence[tuple[float, float, float]], ...] = ((), ())


def draw(path: Path, layers: tuple[Powers, Powers], seconds: float, score: Score | None = None) -> None:
    """`layers` are powers over the whole track for A and B; without a score only the waves are drawn."""
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    middle = HEIGHT // 2
    reach = middle - (LANE + 8 if score else 14)
    loudest = max(float(np.max(layer, initial=0.0)) for layer in layers)
    for layer, colour, direction in zip(layers, (COLOUR_A, COLOUR_B), (-1, 1), strict=True):
        for x, height in enumerate(_columns(layer, loudest)):
            if height > 0:
                pen.line((x, middle + direction, x, middle + direction * (1 + round(height * (reach - 2)))), colour)
    pen.line((0, middle, WIDTH, middle), MARK)
    if score:
        _ticks(pen, score, seconds, middle)
        for time in score.sections:
            pen.line((_x(time, seconds), 0, _x(time, seconds), HEIGHT), MARK, 2)
        for lane, colour, top in zip(score.phrases, (BLOCK_A, BLOCK_B), (0, HEIGHT - LANE), strict=True):
            _lane(pen, lane, seconds, top, colour)
    image.save(path, optimize=False, compress_level=6)


def _x(time: float, seconds: float) -> int:
    return round(time / seconds * (WIDTH - 1))


def _ticks(pen: ImageDraw.ImageDraw, score: Score, seconds: float, middle: int) -> None:
    """Beats short, bars longer, every fourth bar longest; what would stand too close is left out."""
    bar = seconds / max(1, len(score.bars))
    pixels = bar / seconds * WIDTH
    for number, time in enumerate(score.bars):
        if pixels / score.beats_per_bar >= TICK_GAP:
            for beat in range(1, score.beats_per_bar):
                x = _x(time + bar * beat / score.beats_per_bar, seconds)
                pen.line((x, middle - 4, x, middle + 4), INK)
                pen.line((x + 1, middle - 4, x + 1, middle + 4), MARK)
        if number % 4 == 0 or pixels >= TICK_GAP:
            length = 30 if number % 4 == 0 else 12
            x = _x(time, seconds)
            pen.line((x, middle - length, x, middle + length), INK)
            pen.line((x + 1, middle - length, x + 1, middle + length), MARK)


def _lane(
    pen: ImageDraw.ImageDraw,
    phrases: Sequence[tuple[float, float, float]],
    seconds: float,
    top: int,
    colour: tuple[int, ...],
) -> None:
    font = ImageFont.load_default(_LETTERS)
    for start, end, place in phrases:
        left, right = _x(start, seconds), _x(end, seconds) - 2
        pen.rectangle((left, top + 1, max(left + 1, right), top + LANE - 2), colour)
        words = f"{int(place) // 60}:{int(place) % 60:02d}"
        if right - left > pen.textlength(words, font) + 8:
            pen.text((left + 5, top + LANE // 2), words, INK, font, anchor="lm")


def _columns(powers: Powers, loudest: float) -> NDArray[np.float64]:
    """(WIDTH,) heights from 0 to 1, linear in decibels above the floor."""
    places = np.linspace(0, max(0, len(powers) - 1), WIDTH)
    line = np.interp(places, np.arange(len(powers)), powers) if len(powers) else np.zeros(WIDTH)
    decibels = 10 * np.log10(np.maximum(line, 1e-12) / max(loudest, 1e-12))
    return np.clip(1 - decibels / FLOOR_DB, 0.0, 1.0)
