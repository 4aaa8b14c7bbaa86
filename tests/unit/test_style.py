"""One style of cards: a state is told by a sign and not by colour alone, and no card is made elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cogs.views.style import Look, card

COGS = Path(__file__).parents[2] / "cogs"
_MADE_ELSEWHERE = re.compile(r"discord\.(Embed|Colour|Color)\(|\.colou?r = ")


def test_looks_differ_by_their_signs_too() -> None:
    colours, signs = zip(*(look.value for look in Look), strict=True)
    assert len(set(colours)) == len(set(signs)) == len(Look)


@pytest.mark.parametrize("look", Look)
def test_the_sign_stands_before_the_title(look: Look) -> None:
    made = card(look, "Mine", "words", footer="Job 1")
    colour, sign = look.value
    assert (made.title, made.description, made.footer.text) == (f"{sign} Mine".strip(), "words", "Job 1")
    assert made.colour is not None
    assert made.colour.value == colour


def test_a_card_without_words_has_none() -> None:
    made = card(Look.GOOD)
    assert (made.title, made.description, made.footer.text) == (None, None, None)


def test_every_card_is_made_in_one_place() -> None:
    made = {file.name for file in COGS.rglob("*.py") if _MADE_ELSEWHERE.search(file.read_text("utf-8"))}
    assert made == {"style.py"}
