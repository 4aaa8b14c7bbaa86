"""Draws charts of bars, one panel below the other, legible on Discord's dark and light backgrounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, PANEL = 1200, 280
MARGIN, HEAD, FOOT = 24, 12, 40
BACKGROUND, INK, PALE, BAR = (255, 255, 255), (32, 34, 37), (208, 211, 216), (47, 128, 214)
_TEXT = 20
_WIDEST_BAR = 90
_GAP = 0.25


def draw(arguments: Mapping[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Write `path`, a PNG of `panels`, each with bars of a label and a value."""
    panels: Sequence[Sequence[tuple[str, int]]] = arguments["panels"]
    image = Image.new("RGB", (WIDTH, PANEL * len(panels)), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for number, panel in enumerate(panels):
        _panel(pen, PANEL * number, panel)
    image.save(arguments["path"], optimize=True)
    return {"width": image.width, "height": image.height}


def _panel(pen: ImageDraw.ImageDraw, top: int, bars: Sequence[tuple[str, int]]) -> None:
    font = ImageFont.load_default(_TEXT)
    floor, ceiling = top + PANEL - FOOT, top + HEAD + _TEXT + 6
    pen.line((MARGIN, floor, WIDTH - MARGIN, floor), PALE, 2)
    highest = max([1, *(value for _, value in bars)])
    room = min((WIDTH - 2 * MARGIN) / max(1, len(bars)), _WIDEST_BAR)
    every = max(1, -(-_widest(pen, font, [label for label, _ in bars]) // max(1, int(room))))
    narrow = room < _widest(pen, font, [str(value) for _, value in bars])
    for place, (label, value) in enumerate(bars):
        left = MARGIN + place * room
        middle, height = left + room / 2, (floor - ceiling) * value / highest
        if value:
            half = room * (1 - _GAP) / 2
            pen.rectangle((middle - half, floor - max(2, height), middle + half, floor), BAR)
            if not narrow or value == highest:
                pen.text((middle, floor - height - 4), str(value), INK, font, anchor="ms")
        if place % every == 0:
            pen.text((middle, floor + 8), label, INK, font, anchor="mt")


def _widest(pen: ImageDraw.ImageDraw, font: Any, texts: Sequence[str]) -> int:
    """Pixels that the longest of these takes, with a little room."""
    return max([1, *(int(pen.textlength(text, font)) + 10 for text in texts)])
