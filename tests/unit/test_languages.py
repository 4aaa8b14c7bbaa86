"""Every language says all that English says, with the same placeholders, in the room that Discord gives."""

from __future__ import annotations

import ast
import functools
import re
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from discord import app_commands

from bot.contests.contest import Phase
from bot.errors import Code, Refusal
from bot.texts import DEFAULT, LOCALES, is_reviewed, language, listed, own_name, say, say_many
from cogs.translator import name_id
from cogs.views.refusals import sentence
from tests.catalogues import catalogue, forms, ids, messages, written_ids
from tests.unit.test_commands import bot, paths

ROOT = Path(__file__).parents[2]
OTHERS = [locale for locale in LOCALES if locale != DEFAULT]
PLURALS = {
    "de": (2, "n != 1"),
    "en": (2, "n != 1"),
    "es-ES": (2, "n != 1"),
    "fr": (2, "n > 1"),
    "ja": (1, "0"),
    "pt-BR": (2, "n > 1"),
}
"""How many forms each language has, and which number takes which."""
ALIKE = frozenset({"engine-kie", "engine-sunoapi", "engine-apibox", "card-deck-a", "card-deck-b", "card-idea"})
"""Names, and words that are the same in two languages."""
_WORDS = re.compile(r"\{\w+\}|`[^`]*`|<[^>]*>|([^\W\d_]+)")
_COMMAND = re.compile(r"(?<![\w/`<:}])`?/(?P<words>[^\W\d_][\w'-]*(?: [^\W\d_][\w'-]*)*)")


def placeholders(text: str) -> Counter[str]:
    return Counter(field for _, field, _, _ in string.Formatter().parse(text) if field is not None)


def quoted(text: str) -> Counter[str]:
    """What stands in backquotes and is no command: names of options and values, which no language changes."""
    return Counter(one for one in re.findall(r"`([^`]*)`", text) if not one.startswith("/"))


@pytest.mark.parametrize("locale", OTHERS)
def test_nothing_is_missing_and_nothing_is_left_over(locale: str) -> None:
    assert ids(locale) == ids(DEFAULT)
    assert len(written_ids(locale)) == len(ids(locale)), "an id stands twice"


@pytest.mark.parametrize("locale", LOCALES)
def test_plural_forms_are_those_of_the_language(locale: str) -> None:
    wanted, rule = PLURALS[locale]
    assert (catalogue(locale).num_plurals, catalogue(locale).plural_expr.strip("()")) == (wanted, rule)
    told = catalogue(locale).locale
    assert str(told).partition("_")[0] == locale.partition("-")[0]
    short = [name for name, m in messages(locale).items() if m.pluralizable and len(forms(m)) != wanted]
    assert short == []
    empty = [name for name, m in messages(locale).items() if not all(form.strip() for form in forms(m))]
    assert empty == []


@pytest.mark.parametrize("locale", OTHERS)
def test_placeholders_and_names_are_those_of_english(locale: str) -> None:
    """A form of one says the number where English does; the last form stands for all other numbers."""
    english = messages(DEFAULT)
    wrong: list[tuple[object, ...]] = []
    for name, message in messages(locale).items():
        source, told = forms(english[name]), forms(message)
        pairs = [(source[-1], told[-1]), *zip(source[:-1], told[:-1], strict=False)]
        if any(placeholders(a).keys() != placeholders(b).keys() or quoted(a) != quoted(b) for a, b in pairs):
            wrong.append((name, told))
    assert wrong == []


@pytest.mark.parametrize("locale", OTHERS)
def test_nothing_is_left_in_english(locale: str) -> None:
    """One word may be the same in two languages; a sentence may not."""
    english = messages(DEFAULT)
    same = [
        name
        for name, message in messages(locale).items()
        if set(forms(message)) & set(forms(english[name])) and name not in ALIKE
        if len([word for word in _WORDS.findall(forms(message)[0]) if word]) > 1
    ]
    assert same == []


@functools.cache
def command_words(locale: str) -> dict[str, str]:
    return {path: say(locale, name_id(path)) for path in paths()}


def named(locale: str, text: str) -> Iterator[str]:
    """The commands that a text names, by their English paths; `?` for words that are no command."""
    known = command_words(locale)
    for found in _COMMAND.finditer(text):
        way: list[str] = []
        for word in found["words"].split(" "):
            below = [p for p in known if p.split(" ")[:-1] == way and known[p] == word]
            if not below:
                break
            way = below[0].split(" ")
        group = bot().tree.get_command(way[0]) if way else None
        for step in way[1:]:
            group = group.get_command(step) if isinstance(group, app_commands.Group) else None
        whole = way and not isinstance(group, app_commands.Group)
        yield " ".join(way) if whole else f"? {found['words']}"


@pytest.mark.parametrize("locale", LOCALES)
def test_sentences_name_commands_as_their_language_does(locale: str) -> None:
    """And the same ones as in English."""
    english = messages(DEFAULT)
    wrong: list[tuple[object, ...]] = []
    for name, message in messages(locale).items():
        wanted = {command for form in forms(english[name]) for command in named(DEFAULT, form)}
        told = {command for form in forms(message) for command in named(locale, form)}
        if told != wanted or any(command.startswith("?") for command in told):
            wrong.append((name, sorted(told), forms(message)[-1]))
    assert wrong == []


def test_an_unknown_command_in_a_sentence_is_found() -> None:
    assert list(named(DEFAULT, "Try `/jobs liste` or /mashup.")) == ["? jobs liste", "mashup"]


# Room. What is not in this table is a sentence in a message, which has room enough.

ROOMS: dict[tuple[str, str], int] = {
    ("Button", "label"): 80,
    ("Embed", "title"): 256,
    ("add_field", "name"): 256,
    ("add_field", "value"): 1024,
    ("set_footer", "text"): 2048,
    ("Modal", "title"): 45,
    ("Label", "text"): 45,
    ("Label", "description"): 100,
    ("TextInput", "label"): 45,
    ("TextInput", "placeholder"): 100,
    ("Select", "placeholder"): 150,
    ("UserSelect", "placeholder"): 150,
    ("RoleSelect", "placeholder"): 150,
    ("ChannelSelect", "placeholder"): 150,
    ("SelectOption", "label"): 100,
    ("SelectOption", "description"): 100,
}
"""Characters that Discord takes, by what the code hands them to."""
_TITLES = {100: 70}
"""To how many characters a title is cut where there is so much room; elsewhere to 200."""
_ROOMY = frozenset({"hint-ready", "hint-failed"})
"""Whole messages, whose ids begin like those of the hints of a form."""


def said_id(node: ast.expr) -> str | None:
    """The id that a `say(...)` names, as a pattern."""
    if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "say_many")):
        return None
    given = node.args[1]
    if isinstance(given, ast.Constant):
        return re.escape(str(given.value))
    if isinstance(given, ast.JoinedStr):
        return "".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else r"[\w-]+" for v in given.values)
    return None


def rooms_of(source: str) -> Iterator[tuple[str, int]]:
    """Every id of the code that goes where there is little room, also by way of a variable, with that room."""
    for kind in ast.walk(ast.parse(source)):
        for keyword in kind.keywords if isinstance(kind, ast.ClassDef) else ():
            if keyword.arg == "label" and isinstance(keyword.value, ast.Constant):
                yield re.escape(str(keyword.value.value)), ROOMS["Button", "label"]
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        kept: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                target, value = node.targets[0], node.value
                pairs: Any = [(target, value)]
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    pairs = zip(target.elts, value.elts, strict=True)
                for name, given in pairs:
                    kept.setdefault(getattr(name, "id", ""), []).append(given)
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            callee = node.func.value if isinstance(node.func, ast.Subscript) else node.func
            name = getattr(callee, "attr", getattr(callee, "id", ""))
            for keyword in node.keywords:
                room = ROOMS.get((name, keyword.arg or ""))
                values = kept.get(getattr(keyword.value, "id", ""), [keyword.value])
                if isinstance(keyword.value, ast.Subscript):  # cut to the room there is
                    continue
                parts = [part for value in values for part in ast.walk(value) if isinstance(part, ast.expr)]
                yield from ((found, room) for part in parts if room and (found := said_id(part)))


def crowded() -> dict[str, int]:
    """The least room of each id's pattern in all of the code."""
    least: dict[str, int] = {}
    for path in (ROOT / "cogs").rglob("*.py"):
        for pattern, room in rooms_of(path.read_text("utf-8")):
            least[pattern] = min(room, least.get(pattern, room))
    return least


def length(text: str, room: int) -> int:
    """Of a text whose placeholders are filled with long values."""
    values = (_TITLES.get(room, 200) if field == "title" else 12 for field in placeholders(text).elements())
    return len(re.sub(r"\{\w+\}", "", text)) + sum(values)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_has_room_where_the_code_puts_it(locale: str) -> None:
    too_long = [
        (name, room, form)
        for pattern, room in crowded().items()
        for name, message in messages(locale).items()
        if re.fullmatch(pattern, name) and name not in _ROOMY
        for form in forms(message)
        if length(form, room) > room
    ]
    assert too_long == []
    assert [name for name, message in messages(locale).items() if len("".join(forms(message))) > 1500] == []


def test_the_code_is_read_for_what_it_shows() -> None:
    found = crowded()
    assert {re.escape("button-cancel"): 80, re.escape("report-reason"): 45}.items() <= found.items()
    source = 'def f():\n    label = say(x, f"a-{b}")\n    return discord.ui.Button[Any](label=label)'
    assert list(rooms_of(source)) == [(r"a\-[\w-]+", 80)]


def test_a_language_that_nobody_has_read_through_says_so() -> None:
    assert {locale for locale in LOCALES if not is_reviewed(locale)} == {"es-ES", "fr", "ja", "pt-BR"}
    assert language("fr", "de") == "Français (nicht gegengelesen)"
    assert language("de", "fr") == "Deutsch"
    pages = (ROOT / "docs" / "getting-started.md").read_text("utf-8")
    told = next(line for line in pages.splitlines() if "not been read through" in line)
    assert [own_name(one) for one in LOCALES if not is_reviewed(one) and own_name(one) not in told] == []


def test_a_list_and_a_number_are_written_the_locales_way() -> None:
    assert listed(("a", "b", "c"), "de") == "a, b und c"
    assert listed(("a", "b"), "ja") == "a、b"
    assert "5.000" in say("de", "card-place", place=5000)
    assert say_many("fr", "contest-points", 0) == "0 point"
    assert say_many("de", "contest-points", 0) == "0 Punkte"
    assert say("es-419", "button-cancel") == say("es-ES", "button-cancel") != say("nl", "button-cancel")


def test_a_refusal_names_a_phase_in_the_language_of_its_reader() -> None:
    assert "Abstimmung" in sentence(Refusal(Code.CONTEST_PHASE, {"phase": Phase.VOTING.value}), "de")
