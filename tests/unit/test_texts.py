"""Every sentence is in the catalogue, every id is used, and no literal goes to Discord."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.contests.contest import EDITABLE, EntryState, Phase
from bot.errors import Cause, Code
from bot.guilds.audit import Action
from bot.guilds.guild import GuildSettings, Period
from bot.jobs.job import State
from bot.jobs.view import _STAGES, KEPT
from bot.quotas.facts import Effect
from bot.quotas.ledger import Kind
from bot.quotas.policy import Gate
from bot.quotas.service import STEPS
from bot.request import EngineName
from bot.texts import DEFAULT, MissingTextError, has, say, say_many, say_reason, signed
from cogs.contest_organising import ASKED as STEPS_ASKED
from cogs.views.contest_news import MOVES, REASONS
from cogs.views.settings import FORMS, PAGES
from cogs.views.welcome import PARTS
from tests.catalogues import ids, messages

ROOT = Path(__file__).parents[2]
SOURCES = [p for folder in ("bot", "cogs") for p in (ROOT / folder).rglob("*.py")]
SENT_TO_DISCORD = {"content", "title", "description", "name", "value", "text", "label", "placeholder"}


def code_strings() -> set[str]:
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def reason_codes() -> set[str]:
    """Every code that the engine's files give to a `Reason`, or keep in a variable named `code`."""
    places: list[ast.AST] = []
    for path in (ROOT / "bot" / "engines" / "local").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
                places.append(node.args[0])
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "code" for t in node.targets
            ):
                places.append(node.value)
    values = [c.value for place in places for c in ast.walk(place) if isinstance(c, ast.Constant)]
    return {v for v in values if isinstance(v, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", v)}


def engine_stages() -> set[str]:
    """Every stage that the engine's children tell of."""
    found: set[str] = set()
    for path in (ROOT / "bot" / "engines" / "local").glob("*.py"):
        found |= set(re.findall(r'progress\("(\w+)"', path.read_text("utf-8")))
    for path in (ROOT / "bot" / "engines" / "hosted").glob("*.py"):
        found |= set(re.findall(r'stage="(\w+)"', path.read_text("utf-8")))
    return found


def contest_words() -> set[str]:
    """Ids that are put together of what a contest can be and do."""
    words = {f"contest-phase-{phase}" for phase in Phase} | {f"contest-own-{state}" for state in EntryState}
    words |= {f"contest-name-{name}" for name in EDITABLE[Phase.DRAFT]} | {f"contest-news-{move}" for move in MOVES}
    words |= {f"contest-reason-{reason}" for reason in REASONS} | {f"contest-ask-{step}" for step in STEPS_ASKED}
    words |= {f"contest-when-{when}" for when in ("opens", "closes", "ends", "over")} | {"contest-own-numbered"}
    return words | {f"contest-told-{move}" for move in ("paused", "resumed")}


def test_whatever_a_contest_can_be_has_words() -> None:
    assert {message for message in contest_words() if not has(message)} == set()


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_sentence(code: Code) -> None:
    assert has(f"refusal-{code}")


@pytest.mark.parametrize("cause", Cause)
def test_every_alert_has_a_sentence(cause: Cause) -> None:
    assert has(f"alert-{cause}")


def test_every_stage_engine_and_reason_has_words() -> None:
    wanted = {f"stage-{stage}" for stage, _ in _STAGES.values()} | {f"stage-{KEPT}"}
    wanted |= {f"stage-{stage}" for stage in engine_stages()}
    wanted |= {f"engine-{name}" for name in EngineName}
    wanted |= {f"reason-{code}" for code in reason_codes()}
    assert {message for message in wanted if not has(message)} == set()
    assert len(reason_codes()) > 10
    assert {"decode", "analyse", "encode"} <= engine_stages()


def test_no_text_is_unused() -> None:
    strings = code_strings()
    made = (
        {f"refusal-{c}" for c in Code}
        | {f"reason-{c}" for c in reason_codes()}
        | {f"engine-{e}" for e in EngineName}
        | {f"alert-{c}" for c in Cause}
        | {f"state-{s}" for s in State}
        | {f"stage-{s}" for s in engine_stages() | {KEPT} | {stage for stage, _ in _STAGES.values()}}
    )
    settings = {*GuildSettings.model_fields, "limits"} - {"paused"}
    made |= {f"setting-{name}" for name in settings} | {f"button-form-{page}" for page in FORMS}
    made |= {f"hint-{name}" for fields in FORMS.values() for name in fields}
    made |= {f"nothing-{name}" for name in ("number", *PAGES[:7], "log_channel", "locale")}
    made |= {f"button-clear-{name}" for name in ("log_channel", *PAGES[:6])}
    assert [m for m in made if not has(m) and m.startswith(("setting-", "nothing-"))] == []
    made |= {f"period-{p}" for p in Period} | {f"log-{a}" for a in Action} | {f"cost-{k}" for k in Kind}
    made |= {f"explain-{g}" for g in Gate} | {"explain-exempt", "explain-no-cap"}
    made |= {f"rule-{e}" for e in (*Effect, "none")}
    made |= {f"{asked}-{step}" for asked in ("ask", "did") for step in STEPS}
    assert {
        message for message in made if not has(message) and message.startswith(("log-", "explain-", "rule-"))
    } == set()
    made |= {
        s
        for s in ids(DEFAULT)
        if s.startswith(("name-", "option-", "choice-", "permission-", "key-", "card-deck-"))
    }
    made |= contest_words() | {f"welcome-{part}{end}" for part in PARTS for end in ("", "-title")}
    assert ids(DEFAULT) - strings - made == set()


def test_a_missing_id_is_an_error_not_an_empty_message() -> None:
    with pytest.raises(MissingTextError):
        say("en", "no-such-id")


def test_numbers_and_plurals_follow_the_locale() -> None:
    assert "1,500" in say("en-US", "refusal-field-too-long", field="title", actual=1500, limit=80, model="V5")
    assert "2 takes" in say_many("en", "result-greeting", 2, member="x")
    assert "takes" not in say_many("en", "result-greeting", 1, member="x")
    assert say_reason("de", "no-beat", {"source": "a"}).endswith("A.")
    assert say_reason("de", "keys-fit", {"a": "A minor", "b": "F# major"}).startswith("A-Moll und F♯-Dur passen")
    assert (signed(7.1, "de"), signed(-0.5, "en")) == ("+7,1", "−0.5")


def literal(node: ast.expr) -> bool:
    """A constant, or an f-string with words of its own."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(re.search(r"[A-Za-z]{2}", node.value))
    if isinstance(node, ast.JoinedStr):
        words = "".join(v.value for v in node.values if isinstance(v, ast.Constant) and isinstance(v.value, str))
        return bool(re.search(r"[A-Za-z]{2}", words.replace("attachment://", "")))
    return False


def literals_sent(source: str) -> list[str]:
    """Calls that hand a literal to Discord: any keyword of `SENT_TO_DISCORD`, or the first argument of a send."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [
            k.value
            for k in node.keywords
            if k.arg in SENT_TO_DISCORD and name not in ("command", "Group", "create_task", "worded")
        ]
        if name in ("send", "send_message", "edit", "edit_message"):
            given += node.args[:1]
        found += [ast.unparse(value) for value in given if literal(value)]
    return found


def test_no_literal_is_sent_to_discord() -> None:
    assert {p.name: f for p in (ROOT / "cogs").rglob("*.py") if (f := literals_sent(p.read_text("utf-8")))} == {}


def test_the_check_finds_literals() -> None:
    assert literals_sent("embed.add_field(name='Engine', value=x)") == ["'Engine'"]
    assert literals_sent("await channel.send(f'Hello {member}')") == ["f'Hello {member}'"]
    assert literals_sent("await channel.send(say(locale, 'hello'))") == []


@pytest.mark.parametrize(
    ("message", "note"),
    [
        ("command-mashup", "Two files and a prompt are enough"),
        ("option-track_b", "similar tempo and key"),
        ("option-vocal_gender", "only raises the odds"),
        *((f"option-{name}", "custom mode only") for name in ("vocal_gender", "style_weight", "weirdness")),
        ("option-audio_weight", "custom mode only"),
    ],
)
def test_options_carry_what_the_documents_advise(message: str, note: str) -> None:
    assert note in say("en", message)
    assert len(say("en", message)) <= 100, "Discord takes no longer ones"


def refusals(source: str) -> Iterator[tuple[str, set[str]]]:
    """The name of every code that is refused with, and the names of the values that are given there."""
    for node in ast.walk(ast.parse(source)):
        if not (
            isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Refused", "Refusal") and node.args
        ):
            continue
        code = node.args[0]
        if not (isinstance(code, ast.Attribute) and getattr(code.value, "id", "") == "Code"):
            continue
        given: list[str | None] = [keyword.arg for keyword in node.keywords]
        for values in node.args[1:]:
            keys = values.keys if isinstance(values, ast.Dict) else [None]
            given += [str(key.value) if isinstance(key, ast.Constant) else None for key in keys]
        if None not in given:  # no values are added that stand elsewhere
            yield code.attr, {name for name in given if name}


def wanting(source: str) -> list[str]:
    """The codes that are refused with less than their sentence says; the `name` of a file is added on the way."""
    texts = messages(DEFAULT)
    return [
        name
        for name, given in refusals(source)
        if not set(re.findall(r"{(\w+)}", str(texts[f"refusal-{Code[name]}"].string))) <= given | {"name"}
    ]


def test_every_refusal_has_the_values_of_its_sentence() -> None:
    found = {path.name: wanting(path.read_text("utf-8")) for path in SOURCES}
    assert {name: codes for name, codes in found.items() if codes} == {}
    assert wanting("raise Refused(Code.CONTEST_TEXT_TOO_LONG, field='title')") == ["CONTEST_TEXT_TOO_LONG"]
