"""Whatever members write: no message pings, links, invites, changes its layout or outgrows Discord."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.contests.contest import Contest, EntryState, Phase, Rules, Schedule, SourceFile
from bot.contests.contest import Entry as ContestEntry
from bot.contests.publishing import Info, Results
from bot.contests.voting import BallotPage
from bot.decks.deck import Decks, Loaded
from bot.engines.orders import EngineState
from bot.errors import Code, Refusal
from bot.guilds.audit import Action, Entry
from bot.guilds.guild import GuildSettings
from bot.jobs.job import Ask, Job, Removal, State, Track
from bot.jobs.loading import Change
from bot.jobs.persona_rows import Persona
from bot.jobs.results import Form
from bot.jobs.service import Page
from bot.playground import checks
from bot.posts.post import (
    Alert,
    Announcement,
    ContestNews,
    EntryShow,
    Notice,
    Placed,
    Progress,
    Result,
    ResultTrack,
)
from bot.request import EngineName
from cogs.jobs import jobs_card
from cogs.persona import _line as persona_line
from cogs.views import refusals
from cogs.views.ballots import ballot_card
from cogs.views.cards import alert_card, notice_card, progress_card, result_cards
from cogs.views.comparison import comparison_card
from cogs.views.contest_news import MOVES, entry_card, news_card, news_text, results_card
from cogs.views.contests import changes_card, contests_card, info_card, terms_card
from cogs.views.decks import decks_card, what_changed
from cogs.views.details import details_card
from cogs.views.engines import status_lines, story
from cogs.views.entries import _where_to
from cogs.views.log import announcement_card
from cogs.views.quotas import question
from cogs.views.refusals import plain, sentence
from cogs.views.results import change_form
from cogs.views.settings import settings_card

TEXTS = 5000
ID, MEMBER, VICTIM = "0123456789ab", "1234567890123456789", "999999999999999999"
Draw = Callable[[], str]
Shown = str | discord.Embed | Sequence[discord.Embed]
Build = Callable[[Draw], Shown]

_PIECES = (
    f"<@{VICTIM}>", f"<@!{VICTIM}>", f"<@&{VICTIM}>", f"<#{VICTIM}>", "@everyone", "@here", "@@everyone",
    "https://evil.example/a_b_c", "http://evil.example", "<https://evil.example>", "[free](https://evil.example)",
    "discord.gg/free", "https://discord.gg/free", "discord.com/invite/free", "discordapp.com/invite/free",
    "dsc.gg/x",
    "**", "__", "~~", "||", "`", "```", "```py\n", "\\", "\\\\", "[", "](", ")", "> ", ">>> ", "# ", "### ",
    "- ", "-# ",
    "\n", "\r\n", "\u2028", "\u202e", "\u200b", "\u0000", "\t", "🎛️", "é", "日本語", "x" * 60, "*" * 90, "_" * 300,
    "</help:123456789012345678>", "<t:0:R>", "<:a:123456789012345678>", "{member}", "{0}", "%s", "a", "Night Drive",
)  # fmt: skip


def texts(count: int = TEXTS) -> Iterator[str]:
    """The same ones every time; each has something that can be read."""
    chance = random.Random(20261121)
    for _ in range(count):
        yield "".join(chance.choice(_PIECES) for _ in range(chance.randint(1, 9))) + chance.choice(("", "z", "_z*"))


def progress(draw: Draw) -> Shown:
    told = Progress(
        ID, MEMBER, "en-US", draw()[:100], "local", (draw()[:200], draw()[:200]), "failed", unused=("style",),
        prompt=draw() * 20, same_file=True, slow=True, error=Refusal(Code.NOT_AUDIO, {"name": draw()}),
    )  # fmt: skip
    return progress_card(told, ID)


HEARD = {
    "tempo_bpm": 120.0, "tempo_confidence": 1.0, "key": "A minor", "key_confidence": 1.0, "seconds": 60.0,
    "loudness_lufs": -9.0,
}  # fmt: skip
MADE: dict[str, Any] = {
    "tempo_bpm": 120.0, "bed": "a", "lead": "b", "stretch": {"a": 1.05, "b": 0.95},
    "shift_semitones": {"a": 1.0, "b": -1.0}, "reasons": [], "loudness_lufs": -14.0, "true_peak_dbtp": -1.0,
}  # fmt: skip


def result(draw: Draw, *, hosted: bool) -> Shown:
    tracks = tuple(ResultTrack(n, draw()[:100], "a" * 64, "b" * 64, 60.0) for n in (1, 2))
    report: dict[str, Any] = {"sources": [HEARD, HEARD], "tracks": [MADE, MADE]}
    if hosted:
        report = {"model": draw()[:40], "tracks": [{"tags": draw() * 5, "title": draw()} for _ in tracks]}
    engine = "kie" if hosted else "local"
    names = (draw()[:200], draw()[:200])
    return result_cards(Result(ID, MEMBER, "en", draw()[:100], engine, names, tracks, report, ("style",)), ID)


def details(draw: Draw) -> Shown:
    source = {"name": "", "bytes": 1, "seconds": 60.0, "sha256": "a" * 64}
    track = {"number": 1, "title": "", "seconds": 60.0, "sha256": "a" * 64}
    found: dict[str, Any] = {
        "job": ID, "title": draw()[:100], "engine": "local", "model": draw()[:40], "seed": 1 << 60, "asked_at": 0,
        "again_of": ID, "options": {"prompt": draw() * 20, "style": draw()},
        "sources": [{**source, "side": side, "name": draw()[:200]} for side in "ab"], "tracks": [track, track],
        "report": {"sources": [HEARD, HEARD], "tracks": [MADE, MADE]},
    }  # fmt: skip
    return details_card(found, "en")


def comparison(draw: Draw) -> Shown:
    report = {"score": 70, "verdicts": [], "sources": [HEARD, HEARD], "reasons": []}
    return comparison_card(
        {**report, "reasons": [{"code": "no-beat", "values": {"source": "a"}}]}, (draw(), draw()), "en"
    )


def job(draw: Draw, state: State) -> Job:
    request: dict[str, Any] = {"title": draw()[:100], "mode": "simple", "unused": []}
    ask = Ask(ID, "1", "2", MEMBER, "en", "local", "mashup", request, 1, 1, ())
    return Job(
        ID, ask, state, 1, None, 0, 0, None, None, Refusal(Code.SOURCES_GONE, {"name": draw()}), None, None, (), 0,
        0,
        removed=Removal("7", draw()[:300]) if state is State.DONE else None,
    )  # fmt: skip


def jobs(draw: Draw) -> Shown:
    page = Page((job(draw, State.DONE), job(draw, State.FAILED)), {ID: "123"}, 0, more=False)
    return jobs_card(page, MEMBER, "en", everyone=True)


def contest(draw: Draw) -> Contest:
    rules = Rules(frozenset({"local"}), 10, 5, None, None, True, 3, None)
    pair = tuple(SourceFile(side, draw()[:200], 1, "hash", 60.0) for side in "ab")
    when = Schedule(1, 2, 3)
    return Contest(
        ID, "1", "2", "3", MEMBER, "en", 1, draw()[:80], draw()[:1000], draw()[:300], rules, when, Phase.OPEN, 1, 0,
        "salt", sources=pair,
    )  # fmt: skip


def terms(draw: Draw) -> Shown:
    found = contest(draw)
    return terms_card(found, [source.name for source in found.sources], "en")


def changes(draw: Draw) -> Shown:
    return changes_card(contest(draw), {"title": draw()[:80], "theme": draw()[:1000], "prize": draw()[:300]}, "en")


def info(draw: Draw) -> Shown:
    states = (EntryState.ENTERED, EntryState.DISQUALIFIED, EntryState.WITHDRAWN)
    own = tuple(entry(draw, state) for state in states)
    return info_card(Info(contest(draw), 2, 1, None, own, 5, 1), "en")


def entry(draw: Draw, state: EntryState = EntryState.ENTERED) -> ContestEntry:
    return ContestEntry(ID, ID, MEMBER, ID, 1, state, 1, None, None, 60.0, draw()[:80], draw()[:300], 0)


def ballot(draw: Draw) -> Shown:
    page = BallotPage(contest(draw), (entry(draw),), frozenset({ID}), {ID: ("1", "2")}, 1, 0, 1)
    return ballot_card(page, "en")


def decks(draw: Draw) -> Decks:
    first, second = (Loaded(draw()[:200], "a" * 64, 1 << 20, 60.0, "1", "2") for _ in "ab")
    return Decks(first, second, 1)


def engines(draw: Draw) -> list[EngineState]:
    """The operator's own words."""
    return [EngineState(name, draw()[:300], 0, None, {}) for name in EngineName]


def personas(draw: Draw) -> Shown:
    kept = [Persona(ID, 1, MEMBER, EngineName.KIE, draw()[:60], draw()[:300]) for _ in range(3)]
    return discord.Embed(description="\n".join(persona_line(one, "en") for one in kept)[:4000])


def placed(draw: Draw) -> Placed:
    return Placed(1, MEMBER, draw()[:80], "", 60.0, 1, 1, True, tie_broken=True)


def news(move: str, *, above: bool = False) -> Build:
    """The card of an announcement, or what stands above it."""

    def build(draw: Draw) -> Shown:
        told = ContestNews(
            move, ID, "en", draw()[:80], MEMBER, draw()[:1000], draw()[:300], placed=(placed(draw), placed(draw)),
            sources=(draw()[:200], draw()[:200]), reason="123" if move == "trouble" else draw()[:300], by=MEMBER,
            changes=("theme",), digest="d" * 64,
        )  # fmt: skip
        return (news_text(told) or "") if above else news_card(told, ID)

    return build


def results(draw: Draw) -> Shown:
    found = Results(contest(draw), (placed(draw), placed(draw)), 3, "d" * 64)
    return results_card(found, "en", picture=False)


def log(draw: Draw) -> Shown:
    rows = [
        Entry(0, MEMBER, Action.DELETE_RESULT, f"job:{ID}", draw()[:300]).to_json(),
        Entry(0, MEMBER, Action.BLOCK, f"member:{MEMBER}", '{"why": "x"}').to_json(),
    ]
    return announcement_card(Announcement("en", tuple(rows)), ID)


def refusal(code: Code) -> Build:
    def build(draw: Draw) -> Shown:
        typed = ("name", "value", "model", "why", "contest", "entry", "host", "format", "job")
        return sentence(Refusal(code, {**OURS, **{name: draw() for name in typed}}), "en")

    return build


CATALOGUE = (Path(__file__).parents[2] / "bot" / "texts" / "en" / "twodeck.po").read_text("utf-8")
OURS: dict[str, Any] = {
    **dict.fromkeys(re.findall(r"\{(\w+)\}", CATALOGUE), 1),
    **{"period": "day", "roles": "1", "channels": "1"},
}
"""What our own code puts into sentences."""

BUILDERS: dict[str, Build] = {
    "progress": progress,
    "result": lambda draw: result(draw, hosted=False),
    "hosted result": lambda draw: result(draw, hosted=True),
    "notice": lambda draw: notice_card(
        Notice(ID, MEMBER, "en", draw()[:100], Refusal(Code.NOT_AUDIO, {"name": draw()[:200]})), ID
    ),
    "alert": lambda draw: alert_card(Alert("engine-stopped", "en", (), {"engine": draw(), "status": 1}), ID),
    "entry": lambda draw: entry_card(EntryShow(ID, ID, draw()[:80], "en", 1, "a", 60.0, MEMBER, draw()[:80]), ID),
    "contests": lambda draw: contests_card([contest(draw), contest(draw)], "en"),
    "decks": lambda draw: decks_card("1", decks(draw), "en"),
    "decks changed": lambda draw: what_changed(Change(decks(draw), draw()[:200], 2), "en"),
    "settings": lambda draw: settings_card(GuildSettings(models=frozenset({draw()[:60]})), "en"),
    "help": lambda draw: discord.Embed().add_field(name="x", value=status_lines(engines(draw), "en")),
    "engine": lambda draw: story(engines(draw)[0], "en", operator=True),
    "question": lambda draw: question({"do": "block", "member": MEMBER, "why": draw()[:300]}, "en"),
    **{
        build.__name__: build
        for build in (details, comparison, jobs, terms, changes, results, log, info, ballot, personas)
    },
    **{f"news {move}": news(move) for move in MOVES},
    "above news": news("extend", above=True),
    **{f"refusal {code}": refusal(code) for code in Code},
}


def change(draw: Draw) -> discord.ui.Modal:
    fields = {"engine": "kie", "title": draw()[:100], "prompt": (draw() * 30)[:4000], "style": draw()[:1000]}
    return change_form(Form(ID, draw()[:200], fields, (EngineName.KIE, EngineName.LOCAL), lyrics=True), "en")


def entering(draw: Draw) -> discord.ui.View:
    tracks = tuple(Track(n, "a" * 64, "b" * 64, draw()[:80], 60.0) for n in (1, 2))
    return _where_to(replace(job(draw, State.DONE), tracks=tracks), [contest(draw), contest(draw)], "en")


_ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
_MARKS = re.compile(r"[*_~|`<\[\n]")
_BAD = (
    re.compile(rf"@(everyone|here)|<[@#][!&]?{VICTIM}>|</\w+:\d+>|<a?:\w+:\d+>"),
    re.compile(r"https?://(?!discord\.com/channels/)"),
    re.compile(r"(?i)(discord(app)?\.(gg|com/invite)|dsc\.gg)/"),
    re.compile("[\u202a-\u202e\u2066-\u2069\x00]"),
)


def parts(shown: Shown) -> list[str]:
    """Every text of a message, one after another."""
    if isinstance(shown, str):
        return [shown]
    cards = [shown] if isinstance(shown, discord.Embed) else list(shown)
    found: list[str] = []
    for card in cards:
        found += [card.title or "", card.description or "", card.footer.text or ""]
        found += [text for field in card.fields for text in (field.name or "", field.value or "")]
    return found


def skeleton(shown: Shown) -> list[str]:
    """What is left of the layout without words: marks that are not escaped, and the lines."""
    return ["".join(_MARKS.findall(_ESCAPED.sub("", text))) for text in parts(shown)]


@functools.cache
def harmless(build: Build) -> list[str]:
    """The layout of a message that says nothing special."""
    return skeleton(build(lambda: "word"))


def faults(name: str, build: Build, draw: Draw) -> list[str]:
    """What is wrong with a message that says these words, beside one that says `word`."""
    shown = build(draw)
    live = [_ESCAPED.sub("", text) for text in parts(shown)]
    found = [f"{name}: {bad.pattern} in {text!r}" for text in live for bad in _BAD if bad.search(text)]
    if skeleton(shown) != harmless(build):
        found.append(f"{name}: the layout is another one: {parts(shown)}")
    body = {"content": shown} if isinstance(shown, str) else {"embeds": embeds(shown)}
    checks.message(body)
    return found


def embeds(shown: discord.Embed | Sequence[discord.Embed]) -> list[Any]:
    return [card.to_dict() for card in ([shown] if isinstance(shown, discord.Embed) else shown)]


@pytest.mark.parametrize("kind", ["cards", "refusals"])
def test_nothing_that_members_write_does_anything(kind: str) -> None:
    """Every builder in turn, until all of the words have been said."""
    mine = {name: build for name, build in BUILDERS.items() if name.startswith("refusal") == (kind == "refusals")}
    words, wrong = list(texts()), list[str]()
    while words:
        for name, build in mine.items():
            wrong += faults(name, build, lambda: words.pop() if words else "word")
    assert wrong[:3] == []


def test_forms_and_selects_only_hold_what_was_typed_within_the_limits() -> None:
    """What is in a box or in an option is shown as it stands; labels and hints are ours."""
    words, plain_form = list(texts(1000)), change(lambda: "word").to_dict()
    ours = [(row["label"], row["description"]) for row in plain_form["components"]]
    while words:
        form = change(lambda: words.pop() if words else "word").to_dict()
        checks.modal(form)
        assert [(row["label"], row["description"]) for row in form["components"]] == ours
        select = entering(lambda: words.pop() if words else "word").to_components()
        checks.message({"content": "x", "components": select})


def as_it_is(text: str, **_: bool) -> str:
    return text


@pytest.mark.parametrize("name", ["progress", "jobs", "info", "personas", "decks", "settings", "help", "terms"])
@pytest.mark.parametrize("hole", ["_harmless", "_apart"])
def test_without_its_guard_it_shows(hole: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: what the test above would see."""
    monkeypatch.setattr(refusals, hole, as_it_is)
    words = list(texts(1000))
    assert any(faults(name, BUILDERS[name], words.pop) for _ in range(60))


@pytest.mark.parametrize("text", ["a" * 79 + "*" * 9, "\\" * 50, "<" * 90])
def test_a_cut_never_leaves_half_of_an_escape(text: str) -> None:
    for most in range(2, 90):
        cut = plain(text, most)
        assert len(cut) <= most
        assert not _ESCAPED.sub("", cut).endswith("\\")
