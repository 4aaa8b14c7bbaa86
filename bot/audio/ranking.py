"""Draws who came where: a row for each with rank and bar, legible on Discord's dark and light backgrounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, ROW, HEAD = 1000, 64, 14
MARGIN, RANK, NAME, TAIL = 28, 76, 100, 150
BACKGROUND, INK, PALE, BAR, WINNER = (255, 255, 255), (32, 34, 37), (232, 234, 238), (47, 128, 214), (214, 120, 28)
_TEXT, STAR = 34, 20


def draw(arguments: Mapping[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Write `path`, a PNG of `rows`: each a rank, a name, points, and a star where it won."""
    rows: Sequence[Mapping[str, Any]] = arguments["rows"]
    image = Image.new("RGB", (WIDTH, HEAD + ROW * len(rows) + MARGIN // 2), BACKGROUND)
    pen = ImageDraw.Draw(image)
    highest = max([1, *(row["points"] for row in rows)])
    for place, row in enumerate(rows):
        _row(pen, HEAD + ROW * place, row, highest)
    image.save(arguments["path"], optimize=True)
    return {"width": image.width, "height": image.height}


def _row(pen: ImageDraw.ImageDraw, top: int, row: Mapping[str, Any], highest: int) -> None:
    font, middle = ImageFont.load_default(_TEXT), top + ROW // 2
    pen.text((MARGIN, middle), f"{row['rank']}.", INK, font, anchor="lm")
    pen.text((MARGIN + RANK, middle), row["name"], INK, font, anchor="lm")
    left = MARGIN + RANK + NAME
    room = WIDTH - MARGIN - TAIL - left
    pen.rounded_rectangle((left, top + 10, left + room, top + ROW - 10), 6, PALE)
    if row["points"]:
        full = max(12, room * row["points"] // highest)
        pen.rounded_rectangle((left, top + 10, left + full, top + ROW - 10), 6, WINNER if row["won"] else BAR)
    pen.text((left + room + 14, middle), str(row["points"]), INK, font, anchor="lm")
    if row["won"]:
        _star(pen, WIDTH - MARGIN - STAR, middle)


def _star(pen: ImageDraw.ImageDraw, x: int, y: int) -> None:
    """With five points, the first one up."""
    corners = [(STAR if corner % 2 == 0 else STAR * 0.4, math.tau * corner / 10) for corner in range(10)]
    pen.polygon([(x + r * math.sin(turn), y - r * math.cos(turn)) for r, turn in corners], WINNER)
