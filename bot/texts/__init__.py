"""Every sentence that a person reads: gettext catalogues, looked up by message id and locale."""

from __future__ import annotations

import functools
import gettext
import importlib.resources
import io
import re
from collections.abc import Iterable, Mapping

from babel import Locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

DEFAULT = "en"
_FOLDER = importlib.resources.files("bot.texts")
LOCALES = (
    DEFAULT,
    *sorted(one.name for one in _FOLDER.iterdir() if (one / "twodeck.po").is_file() and one.name != DEFAULT),
)
"""Languages with a catalogue, `bot/texts/LOCALE/twodeck.po`, by Discord's names for them."""

Value = str | int | float
_KEY = re.compile("[A-G][#b]? (major|minor)")


class MissingTextError(KeyError):
    """A message id that no catalogue has."""


def say(locale: str, message: str, **values: Value) -> str:
    """The text of `message` with its placeholders filled; numbers are written the locale's way."""
    name = best(locale)
    text = _catalogue(name).gettext(message)
    if text == message:
        raise MissingTextError(message)
    return text.format_map(_written(name, values))


def say_many(locale: str, message: str, count: int, **values: Value) -> str:
    """The plural form of `message` for `count`, which also fills `{count}`."""
    name = best(locale)
    text = _catalogue(name).ngettext(message, message, count)
    if text == message:
        raise MissingTextError(message)
    return text.format_map(_written(name, {"count": count, **values}))


def say_reason(locale: str, code: str, values: Mapping[str, Value]) -> str:
    """Why a plan is as it is. The sides `a` and `b` are written as A and B, keys as the language names them."""
    return say(locale, f"reason-{code}", **{name: _told(value, locale) for name, value in values.items()})


def key_name(locale: str, key: str) -> str:
    """A key such as `C# minor`, as the language names it."""
    tonic, mode = key.split(" ")
    return say(locale, f"key-{mode}", tonic=tonic.replace("#", "♯").replace("b", "♭"))


def has(message: str) -> bool:
    """Whether the default catalogue knows this id."""
    return _catalogue(DEFAULT).gettext(message) != message


def best(locale: str) -> str:
    """The catalogue for a Discord locale: its own, one of its language (`es-ES` for `es-419`), or the default."""
    if locale in LOCALES:
        return locale
    language = locale.partition("-")[0]
    return next((name for name in LOCALES if name.partition("-")[0] == language), DEFAULT)


@functools.cache
def is_reviewed(locale: str) -> bool:
    """Whether somebody who grew up with the language has read its catalogue through."""
    return '"X-Reviewed: no\\n"' not in (_FOLDER / locale / "twodeck.po").read_text("utf-8")


def own_name(locale: str) -> str:
    """What a language with a catalogue calls itself."""
    name = Locale.parse(locale, sep="-").get_language_name() or locale
    return name[0].upper() + name[1:]


def language(locale: str, reader: str) -> str:
    """The same, with a note in the reader's language where nobody has read the catalogue through."""
    name = own_name(locale)
    return name if is_reviewed(locale) else say(reader, "language-unreviewed", language=name)


def listed(names: Iterable[str], locale: str) -> str:
    """Several names as one list, written the locale's way."""
    return format_list(list(names), locale=Locale.parse(best(locale), sep="-"))


def signed(value: float, locale: str) -> str:
    """A change by so much, with its sign, a true minus, written the locale's way."""
    return format_decimal(value, format="+#,##0.##;−#,##0.##", locale=Locale.parse(best(locale), sep="-"))


def duration(seconds: float) -> str:
    """Minutes and seconds, as in 3:07."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def _told(value: Value, locale: str) -> Value:
    """A value of a reason as people read it."""
    if value in ("a", "b"):
        return str(value).upper()
    return key_name(locale, value) if isinstance(value, str) and _KEY.fullmatch(value) else value


def _written(locale: str, values: dict[str, Value]) -> dict[str, str]:
    parsed = Locale.parse(locale, sep="-")
    return {
        name: value if isinstance(value, str) else format_decimal(value, locale=parsed)
        for name, value in values.items()
    }


@functools.cache
def _catalogue(locale: str) -> gettext.GNUTranslations:
    source = _FOLDER / locale / "twodeck.po"
    with io.BytesIO(source.read_bytes()) as text, io.BytesIO() as compiled:
        write_mo(compiled, read_po(text, locale=locale.replace("-", "_")))
        compiled.seek(0)
        return gettext.GNUTranslations(compiled)
