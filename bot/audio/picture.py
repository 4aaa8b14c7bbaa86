"""Draws a track's waveform: source A above the middle, source B below, with marks for bars and sections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1200, 300
MARGIN = 14
# Both colours keep a contrast of 3:1 and more on Discord's dark (#313338) and light (#ffffff) backgrounds.
COLOUR_A, COLOUR_B = (232, 106, 23, 255), (47, 128, 214, 255)
MARK, BAR_MARK = (130, 134, 142, 255), (130, 134, 142, 90)
BAR_GAP = 5  # pixels; closer bar marks would be a grey wall
FLOOR_DB = -40.0


def draw(
    path: Path,
    layers: tuple[NDArray[np.float64], NDArray[np.float64]],
    seconds: float,
    bars: Sequence[float],
    sections: Sequence[float],
) -> None:
    """`layers` are powers over the whole track for A and B; `bars` and `sections` are times in seconds."""
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    middle, reach = HEIGHT // 2, HEIGHT // 2 - MARGIN
    step = max(1, -(-len(bars) * BAR_GAP // WIDTH))
    for time in bars[::step]:
        x = round(time / seconds * (WIDTH - 1))
        pen.line((x, MARGIN, x, HEIGHT - MARGIN), BAR_MARK)
    loudest = max(float(np.max(layer, initial=0.0)) for layer in layers)
    for layer, colour, direction in zip(layers, (COLOUR_A, COLOUR_B), (-1, 1), strict=True):
        for x, height in enumerate(_columns(layer, loudest)):
            if height > 0:
                pen.line((x, middle + direction, x, middle + direction * (1 + round(height * (reach - 2)))), colour)
    for time in sections:
        x = round(time / seconds * (WIDTH - 1))
        pen.line((x, 0, x, HEIGHT), MARK, 2)
    pen.line((0, middle, WIDTH, middle), MARK)
    image.save(path, optimize=False, compress_level=6)


def _columns(powers: NDArray[np.float64], loudest: float) -> NDArray[np.float64]:
    """(WIDTH,) heights from 0 to 1, linear in decibels above the floor."""
    places = np.linspace(0, max(0, len(powers) - 1), WIDTH)
    line = np.interp(places, np.arange(len(powers)), powers) if len(powers) else np.zeros(WIDTH)
    decibels = 10 * np.log10(np.maximum(line, 1e-12) / max(loudest, 1e-12))
    return np.clip(1 - decibels / FLOOR_DB, 0.0, 1.0)
