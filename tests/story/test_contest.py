"""What people do with contests: set them up, enter, take back, report, break a tie, call one off."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bot.playground import payloads
from bot.playground.world import Channel, Message
from tests.playground import Act, Playground, find_control, shown_text
from tests.story.told import rows

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
MASKED, OPEN = "Free Form", "Open Faces"


async def does(play: Playground, who: str, command: str, words: str, **options: Any) -> Message:
    """Give a command in the lounge and wait for the answer."""
    return await (await play.slash(who, "lounge", f"contest {command}", **options)).says(words, 30)


async def creates(play: Playground, **options: Any) -> None:
    when = {"theme": "anything", "deadline": "3d", "voting_ends": "5d"}
    asked = await does(play, "sam", "create", "Nothing is saved yet.", **when, **options)
    await (await play.click("sam", asked, "Save")).says("Saved", 30)
    await does(play, "sam", "open", "takes entries until", contest=options["title"])


async def makes(play: Playground, who: str, songs: tuple[Path, Path], *, private: bool) -> tuple[str, Message]:
    """A mashup, its job and the message that brings it."""
    act = await play.slash(who, "lounge", "mashup", track_a=songs[0], track_b=songs[1], private=private)
    await act.says("eyes only" if private else "On it.", 20)
    member = str(play.world.person(who).id)
    job = rows(play, "SELECT id FROM jobs WHERE member = ? ORDER BY created_at DESC", member)[0]["id"]

    def brought() -> Message | None:
        found = [act.original] if private else play.messages("lounge")
        return next((m for m in found if m and m.attachments and job in shown_text(m)), None)

    found = await play.wait_for(brought, 60)
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE id = ? AND state = 'done'", job), 20)
    return job, found


async def told(play: Playground, words: str, timeout: float = 30) -> Message:
    """The newest message for everybody that shows these words."""
    return await play.wait_for(
        lambda: next((m for m in reversed(play.messages("lounge")) if words in shown_text(m)), None), timeout
    )


def gallery(play: Playground) -> dict[int, Message]:
    found = [m for m in play.messages("lounge") if "Report" in shown_text(m)]
    return {int(re.findall(r"Entry (\d+)", shown_text(m))[0]): m for m in found}


def number_of(play: Playground, who: str) -> int:
    member = str(play.world.person(who).id)
    return rows(play, "SELECT number FROM entries WHERE member = ? AND number IS NOT NULL", member)[0]["number"]


async def button(play: Playground, who: str, result: Message) -> tuple[Act, list[str]]:
    """Press the button of a result; the answer, and what there is to choose from."""
    act = await play.click(who, result, "Enter a contest")
    card = await act.says("Which take", 20)
    return act, [option["label"] for option in find_control(card, "Contest and take")["options"]]


async def test_finished_results_enter_by_their_button_or_by_command(
    play: Playground, short_songs: tuple[Path, Path]
) -> None:
    await creates(play, title=MASKED, winners=1)
    await creates(play, title=OPEN, masking="off")
    assert "Nobody sees who made what" in shown_text(await told(play, f"Contest: {MASKED}"))
    assert "It is seen from the start" in shown_text(await told(play, f"Contest: {OPEN}"))

    public, result = await makes(play, "mika", short_songs, private=False)
    _, offers = await button(play, "mika", result)
    assert offers == [f"{OPEN} · take 1", f"{OPEN} · take 2"]
    await does(play, "mika", "enter", "only a contest created with `masking: off`", contest=MASKED, job=public)
    await (await play.click("noor", result, "Enter a contest")).says("is not yours", 20)

    job, answer = await makes(play, "mika", short_songs, private=True)
    act, offers = await button(play, "mika", answer)
    assert f"{MASKED} · take 2" in offers
    assert act.original is not None
    values = {one["label"]: one["value"] for one in find_control(act.original, "Contest and take")["options"]}
    chosen = await play.choose("mika", act.original, "Contest and take", values[f"{MASKED} · take 1"])
    await chosen.says("Entered: take 1", 20)

    entry = await play.autocomplete("mika", "lounge", "contest withdraw", "entry", contest=MASKED, entry="")
    assert [job in one["name"] for one in entry] == [True]
    await does(play, "mika", "withdraw", "Taken back", contest=MASKED, entry=entry[0]["value"])
    offered = await play.autocomplete("mika", "lounge", "contest enter", "job", contest=MASKED, job="")
    assert [one["value"] for one in offered] == [job]
    await does(play, "mika", "enter", "Entered: take 1", contest=MASKED, job=job)
    mine = rows(play, "SELECT id FROM entries WHERE state = 'entered'")[0]["id"]
    await does(play, "mika", "replace", "now it is take 2", contest=MASKED, entry=mine, job=job, take=2)
    assert "Take 2 of job" in shown_text(await does(play, "mika", "info", "Your entries", contest=MASKED))

    theirs, _ = await makes(play, "noor", short_songs, private=True)
    await does(play, "sam", "pause", "is halted", contest=MASKED)
    await does(play, "noor", "enter", "paused", contest=MASKED, job=theirs)
    await does(play, "sam", "pause", "goes on", contest=MASKED, halt="off")
    await does(play, "noor", "enter", "Entered", contest=MASKED, job=theirs)
    assert "Halted" in shown_text(await told(play, f"Halted: {MASKED}"))


async def test_masks_hide_who_made_what_and_are_lifted_only_with_a_note(play: Playground) -> None:
    listed = await (await play.slash("sam", "lounge", "jobs list", everyone=True)).says("on this server", 20)
    assert shown_text(listed).count("(an entry of a contest)") == 2
    assert f"<@{play.world.noor.id}>" not in shown_text(listed)
    await does(play, "sam", "close", "Entering has ended", contest=MASKED)
    await play.wait_for(lambda: len(gallery(play)) == 2, 60)
    number = number_of(play, "noor")
    await does(play, "mika", "unmask", "Only moderators", contest=MASKED, entry=str(number), reason="curious")
    options = {"contest": MASKED, "entry": str(number), "reason": "the rules"}
    seen = await does(play, "sam", "unmask", f"Entry {number} is by", **options)
    assert f"<@{play.world.noor.id}>" in shown_text(seen)
    log = await (await play.slash("sam", "lounge", "quota log")).says("What moderators changed", 20)
    assert "looked up whose the entry" in shown_text(log)


async def test_a_report_a_tie_broken_in_the_open_and_a_correction(play: Playground) -> None:
    entries = gallery(play)
    mikas, noors = number_of(play, "mika"), number_of(play, "noor")
    form = await play.click("robin", entries[noors], "Report")
    sent = await play.submit("robin", form, {"What is wrong with it?": "That is my tape"})
    await sent.says("The moderators are told of it.", 20)
    assert "That is my tape" in shown_text(await play.wait_for(lambda: next(iter(play.messages("@sam")), None), 20))

    for who, number in (("mika", noors), ("noor", mikas)):
        card = await does(play, who, "vote", "Your ballot", contest=MASKED)
        options = {one["label"]: one["value"] for one in find_control(card, "Your choice")["options"]}
        assert list(options) == [f"Entry {number}"]
        link = (
            f"https://discord.com/channels/{play.world.guild.id}/{entries[number].channel_id}/{entries[number].id}"
        )
        assert f"[Entry {number}]({link})" in shown_text(card)
        voted = await play.choose(who, card, "Your choice", options[f"Entry {number}"])
        await voted.says("Counted.", 20)
        await (await play.choose(who, card, "Your choice")).says("☐", 20)
        await (await play.choose(who, card, "Your choice", options[f"Entry {number}"])).says("☑", 20)

    await does(play, "noor", "results", "is not out yet", contest=MASKED)
    await does(play, "noor", "export", "is not out yet", contest=MASKED)
    await does(play, "sam", "close", "Voting has ended", contest=MASKED)
    result = await told(play, f"Results: {MASKED}")
    assert shown_text(result).count("1. Entry") == 2
    assert len(result.attachments) == 2
    assert result.embeds[0]["image"]["url"]
    order = f"{noors}, {mikas}"
    await does(play, "sam", "tie", "The tie is broken", contest=MASKED, order=order, reason="Best bass")
    corrected = shown_text(await told(play, f"Corrected results: {MASKED}"))
    assert f"**1. Entry {noors}" in corrected
    assert f"2. Entry {mikas}" in corrected
    assert "Best bass" in corrected
    assert f"1. Entry {noors}" in shown_text(await does(play, "mika", "results", "Results", contest=MASKED))
    table = await does(play, "mika", "export", MASKED, contest=MASKED)
    assert table.attachments[0].filename.endswith(".csv")

    gone = {"contest": MASKED, "entry": str(noors), "reason": "Not theirs"}
    taken = await does(play, "sam", "disqualify", "is out of", **gone)
    assert taken.ephemeral
    await play.wait_for(lambda: noors not in gallery(play), 20)
    last = await told(play, "Not theirs")
    assert f"**1. Entry {mikas}" in shown_text(last)


async def test_a_contest_with_too_few_entries_asks_its_organiser_and_can_be_called_off(play: Playground) -> None:
    await does(play, "sam", "edit", "can only move later", contest=OPEN, deadline="1d")
    await does(play, "sam", "edit", "Nothing was given", contest=OPEN)
    await does(play, "sam", "edit", "can no longer be changed", contest=OPEN, winners=3)
    question = await does(play, "sam", "edit", "like this?", contest=OPEN, deadline="4d", prize="A tape")
    assert "→" in shown_text(question)
    await (await play.click("sam", question, "Save")).says("Changed", 20)
    assert "Entries until, Voting until, and Prize" in shown_text(await told(play, f"Changed: {OPEN}"))
    await does(play, "sam", "close", "Entering has ended", contest=OPEN)
    asked = await told(play, f"Too few entries: {OPEN}")
    assert asked.mention_ids == [play.world.sam.id]
    off = await does(play, "sam", "cancel", "That cannot be taken back", contest=OPEN, reason="Nobody *came*")
    await (await play.click("sam", off, "Call it off")).says("is called off", 20)
    assert "Nobody \\*came\\*" in shown_text(await told(play, f"Called off: {OPEN}"))
    assert "Called off" in shown_text(await does(play, "noor", "list", "Contests of this server"))


async def test_a_contest_whose_channel_is_deleted_goes_on_in_another(play: Playground) -> None:
    room = Channel(play.world.new_id(), "contest-room", "", 9)
    play.world.guild.channels[room.id] = room
    play.standin.gateway.dispatch("CHANNEL_CREATE", payloads.channel(play.world, room))
    await creates(play, title="Moving House", channel=room)
    await play.wait_for(lambda: play.messages(room.name), 20)
    for who, take in (("mika", 1), ("noor", 2)):
        member = str(play.world.person(who).id)
        job = rows(play, "SELECT job FROM entries WHERE member = ? ORDER BY created_at DESC", member)[0]["job"]
        await does(play, who, "enter", "Entered", contest="Moving House", job=job, take=take)
    await play.wait_for(lambda: len(rows(play, "SELECT 1 FROM entries WHERE audio IS NOT NULL")) >= 2, 30)
    play.knobs.delete_channel(room)
    await does(play, "sam", "close", "Entering has ended", contest="Moving House")
    word = lambda: next((m for m in play.messages("@sam") if "I cannot post in" in shown_text(m)), None)  # noqa: E731
    assert f"<#{room.id}>" in shown_text(await play.wait_for(word, 30))

    here = play.world.channel("mashups")
    asked = await does(play, "sam", "edit", "like this?", contest="Moving House", channel=here, gallery=here)
    await (await play.click("sam", asked, "Save")).says("Changed", 20)

    def moved() -> list[str]:
        return sorted(
            shown_text(m).split(" ")[0] for m in play.messages("mashups") if "Moving House" in shown_text(m)
        )

    await play.wait_for(lambda: moved() == ["Changed:", "Entry", "Entry", "Voting"], 30)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"deadline": "tomorrow"}, "is no moment I can read"),
        ({"deadline": "2020-01-01 10:00"}, "is in the past"),
        ({"deadline": "9d"}, "in the wrong order"),
        ({"voting_ends": "500d"}, "more than a year away"),
        ({"opens": "4d"}, "in the wrong order"),
        ({"engines": "local, napster"}, "napster"),
        ({"track_a": ("a.mp3", b"a")}, "track_b"),
        ({"channel": "read-only"}, "I cannot post in"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_saved(
    play: Playground, options: dict[str, Any], words: str
) -> None:
    before = len(rows(play, "SELECT 1 FROM contests"))
    given = {"title": "Bad Idea", "theme": "t", "deadline": "3d", "voting_ends": "5d", **options}
    if "channel" in given:
        given["channel"] = play.world.channel(given["channel"])
    await does(play, "sam", "create", words, **given)
    assert len(rows(play, "SELECT 1 FROM contests")) == before
