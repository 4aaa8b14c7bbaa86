"""What contests look like at their largest: nothing is longer than Discord takes, and no page loses an entry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
import pytest

from bot.contests.contest import EDITABLE, PAGE, Contest, Entry, EntryState, Phase, Rules, Schedule, SourceFile
from bot.contests.publishing import Info, Results
from bot.contests.voting import BallotPage
from bot.playground import checks
from bot.posts.post import ContestNews, EntryShow, Placed
from cogs.views.ballots import ballot_card, ballot_controls
from cogs.views.contest_news import MOVES, entry_card, news_card, news_text, results_card
from cogs.views.contests import changes_card, contests_card, info_card

ID = "0123456789ab"
ROLE = MEMBER = "1234567890123456789"
LONG = "*_`~|" * 400
SCHEDULE = Schedule(1_800_000_000_000, 1_800_100_000_000, 1_800_200_000_000)
RULES = Rules(frozenset({"local", "kie", "sunoapi", "apibox"}), 1000, 5, ROLE, ROLE, True, 10, ROLE)
SOURCES = tuple(SourceFile(side, LONG[:200], 1, "hash", 600.0) for side in "ab")
CONTEST = Contest(
    ID, MEMBER, ROLE, ROLE, MEMBER, "en", 1, LONG[:80], LONG[:1000], LONG[:300], RULES, SCHEDULE, Phase.OPEN, 1, 0,
    "salt", sources=SOURCES,
)  # fmt: skip
PLACED = tuple(Placed(n, MEMBER, LONG[:80], "", 600.0, 100, n, True, tie_broken=True) for n in range(1, 120))


def entry(number: int) -> Entry:
    state = EntryState.DISQUALIFIED
    return Entry(f"{number:012}", ID, MEMBER, ID, 1, state, number, None, None, 60.0, LONG[:80], LONG[:300], 0)


def fits(embed: discord.Embed) -> None:
    checks.message({"embeds": [embed.to_dict()]})


def ballot(page: int, chosen: frozenset[str]) -> BallotPage:
    shown = tuple(entry(number) for number in range(1, 61))
    links = {one.id: (ROLE, MEMBER) for one in shown}
    here = shown[page * PAGE : (page + 1) * PAGE]
    return BallotPage(CONTEST, here, chosen, links, 123456, page, 3)


def controls(found: BallotPage) -> list[Any]:
    view = ballot_controls(found, "en")
    checks.message({"components": view.to_components()})
    return [item for row in view.to_components() for item in row["components"]]


@pytest.mark.parametrize(("page", "buttons"), [(0, ["Next"]), (1, ["Previous", "Next"]), (2, ["Previous"])])
async def test_a_ballot_has_25_entries_on_a_page_with_a_link_to_each(page: int, buttons: list[str]) -> None:
    found = ballot(page, frozenset({entry(1).id, entry(60).id}))
    card, (select, *others) = ballot_card(found, "en"), controls(found)
    fits(card)
    assert [item["label"] for item in others] == buttons
    assert len(select["options"]) == select["max_values"] == (10 if page == 2 else 25)
    assert select["min_values"] == 0
    marked = [option["label"] for option in select["options"] if option.get("default")]
    assert marked == {0: ["Entry 1"], 1: [], 2: ["Entry 60"]}[page]
    assert (card.description or "").count("](https://discord.com/channels/") == len(select["options"])
    assert f"Page {page + 1} of 3" in str(card.footer.text)


async def test_a_voter_who_made_everything_has_nothing_to_choose() -> None:
    found = replace(ballot(0, frozenset()), candidates=(), number=None, pages=1)
    assert controls(found) == []
    fits(ballot_card(found, "en"))


@pytest.mark.parametrize("phase", Phase)
def test_a_contest_at_its_largest_fits_into_a_card(phase: Phase) -> None:
    contest = replace(CONTEST, phase=phase, paused_at=1)
    fits(info_card(Info(contest, 999, 999, None, tuple(map(entry, range(1, 9))), 123456, 9), "en"))
    fits(contests_card([contest] * 25, "en"))
    fits(results_card(Results(contest, PLACED, 999, "f" * 64), "en", picture=True))


def test_every_field_that_can_be_changed_is_shown_old_and_new() -> None:
    new = {name: LONG[:1000] if name in ("title", "theme", "prize") else None for name in EDITABLE[Phase.DRAFT]}
    card = changes_card(CONTEST, new, "en")
    fits(card)
    assert (card.description or "").count("→") == len(new)


@pytest.mark.parametrize("move", MOVES)
def test_every_move_has_a_card_that_fits(move: str) -> None:
    news = ContestNews(
        move, ID, "en", LONG[:80], MEMBER, LONG[:1000], LONG[:300], ROLE, 1, 2, 3, ROLE, 99, 99, 10, 5, 1000,
        enter_role=ROLE, vote_role=ROLE, sources=(LONG[:200], LONG[:200]), reason=LONG[:300], by=MEMBER,
        digest="f" * 64, answer_by=4, placed=PLACED, changes=tuple(EDITABLE[Phase.DRAFT]),
    )  # fmt: skip
    card = news_card(news, "mark00000000", picture=True)
    fits(card)
    assert "mark00000000" in str(card.footer.text)
    assert (news_text(news) or "").startswith("<@")


@pytest.mark.parametrize(("member", "seen"), [("", False), (MEMBER, True), ("former-1", False)])
def test_an_entry_names_its_member_only_where_no_mask_is(member: str, seen: bool) -> None:
    card = entry_card(EntryShow("e", ID, LONG[:80], "en", 7, "", 60.0, member, "Tape" if member else ""), "mark")
    fits(card)
    assert (f"<@{MEMBER}>" in str(card.description)) is seen
    assert "<@former" not in str(card.description)
    assert ("Tape" in str(card.description)) is bool(member)
