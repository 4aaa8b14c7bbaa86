"""Buttons and forms that are known by their name alone."""

from __future__ import annotations

import re

import discord
import pytest

from bot.client import COGS
from bot.texts import LOCALES, say
from cogs.views.controls import IdButton, controls

ID = "0123456789ab"


def kinds() -> list[type[IdButton]]:
    """Every kind of button there is; a client that loads its cogs again makes the same ones anew."""
    for cog in COGS:
        __import__(cog)
    return list({f"{kind.__module__}.{kind.__name__}": kind for kind in IdButton.__subclasses__()}.values())


def about(kind: type[IdButton]) -> str:
    """Something that a button of this kind can be about."""
    wish = kind.__discord_ui_compiled_template__.pattern.partition("(?P<id>")[2].removesuffix(")")
    return wish if wish.isalpha() else re.sub(r"\[0-9a-z\]\{12\}", ID, wish)


@pytest.mark.parametrize("kind", kinds())
async def test_a_button_is_found_again_by_its_name_and_by_no_other(kind: type[IdButton]) -> None:
    sent = kind(about(kind), "en")
    matching = [
        other.__name__ for other in kinds() if other.__discord_ui_compiled_template__.fullmatch(sent.custom_id)
    ]
    assert matching == [kind.__name__]
    assert len(sent.custom_id) <= 100
    assert max(len(say(locale, kind.label)) for locale in LOCALES) <= 80
    found = kind.__discord_ui_compiled_template__.fullmatch(sent.custom_id)
    assert found is not None
    again = await kind.from_custom_id(None, sent.item, found)  # type: ignore[arg-type]
    assert (again.about, again.custom_id) == (sent.about, sent.custom_id)
    assert kind.__discord_ui_compiled_template__.fullmatch(f"{sent.custom_id}; drop") is None


async def test_a_view_of_controls_waits_for_nothing() -> None:
    view = controls(kinds()[0](about(kinds()[0])), discord.ui.Button(label="x", custom_id="x"))
    assert view.is_finished()
    assert len(view.children) == 2
