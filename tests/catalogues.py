"""The files of sentences as they are written, for tests of them."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parents[1] / "bot" / "texts"


@functools.cache
def catalogue(locale: str) -> Catalog:
    with (FOLDER / locale / "twodeck.po").open("rb") as file:
        return read_po(file, locale=locale.replace("-", "_"))


@functools.cache
def messages(locale: str) -> dict[str, Message]:
    """Every message by its id."""
    found = (message for message in catalogue(locale) if message.id)
    return {message.id if isinstance(message.id, str) else message.id[0]: message for message in found}


def written_ids(locale: str) -> list[str]:
    """As they stand in the file, one after another."""
    return re.findall(r'^msgid "(.+)"$', (FOLDER / locale / "twodeck.po").read_text("utf-8"), re.MULTILINE)


def ids(locale: str) -> set[str]:
    return set(messages(locale))


def forms(message: Message) -> tuple[str, ...]:
    """What it says: one text, or one for each plural form."""
    told = message.string
    return (told,) if isinstance(told, str) else tuple(told or ())
