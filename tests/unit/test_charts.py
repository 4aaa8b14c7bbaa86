"""Charts of bars and rankings, looked at by their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bot.audio import chart, ranking

Colour = tuple[int, int, int]


def silent(stage: str, share: float) -> None: ...


def drawn(module: Any, path: Path, **arguments: Any) -> NDArray[np.uint8]:
    size = module.draw({"path": str(path), **arguments}, silent)
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == (size["height"], size["width"], 3)
    return pixels


def of(pixels: NDArray[np.uint8], colour: Colour) -> NDArray[np.bool_]:
    return (pixels == colour).all(axis=2)


def heights(pixels: NDArray[np.uint8], bars: int) -> list[int]:
    """Of the bars of a panel, in pixels."""
    room = min((chart.WIDTH - 2 * chart.MARGIN) / bars, chart._WIDEST_BAR)
    middles = [int(chart.MARGIN + (place + 0.5) * room) for place in range(bars)]
    return [int(of(pixels, chart.BAR)[:, middle].sum()) for middle in middles]


def test_bars_are_as_high_as_their_values(tmp_path: Path) -> None:
    pixels = drawn(chart, tmp_path / "c.png", panels=[[("Mon", 0), ("Tue", 50), ("Wed", 100)], []])
    none, half, whole = heights(pixels[: chart.PANEL], 3)
    assert none == 0
    assert whole == pytest.approx(2 * half, abs=2)
    assert not of(pixels[chart.PANEL :], chart.BAR).any()


def test_where_values_do_not_fit_the_highest_alone_is_written(tmp_path: Path) -> None:
    for narrow, bars in ((False, 10), (True, 100)):
        panel = [(f"{day:02}", 100_000 + 10_000 * (day == 1)) for day in range(bars)]
        pixels = drawn(chart, tmp_path / "c.png", panels=[panel])
        above = of(pixels, chart.INK)[: chart.PANEL - chart.FOOT - 10]
        right = above[:, chart.WIDTH // 2 :] if narrow else above[:, chart.MARGIN + 3 * chart._WIDEST_BAR :]
        assert above.any()
        assert right.any() is np.bool_(not narrow)


def test_a_ranking_shows_points_and_who_won(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"rank": 1, "name": "Entry 2", "points": 10, "won": True},
        {"rank": 2, "name": "Entry 1", "points": 5, "won": False},
        {"rank": 3, "name": "Entry 3", "points": 0, "won": False},
    ]
    pixels = drawn(ranking, tmp_path / "r.png", rows=rows)
    each = [pixels[ranking.HEAD + ranking.ROW * row :][: ranking.ROW] for row in range(3)]
    first, second, third = ((int(of(row, ranking.WINNER).sum()), int(of(row, ranking.BAR).sum())) for row in each)
    assert first[0] > 2 * second[1] > 0 == first[1] == second[0]
    assert third == (0, 0)
