"""Bad input at the page: each gets its sentence, at the field, in the channel, or for its member alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.playground import Playground, with_kie
from tests.story.page_checks import drop, fits
from tests.story.page_visit import Visit, choose, end, field, message, run, turn, use
from tests.story.told import log_of, rows

pytestmark = [pytest.mark.page, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
NO_SONG = FilePayload(name="letter.mp3", mimeType="audio/mpeg", buffer=b"Dear bot, this is not a song. " * 20)
UNREADABLE = [
    ("\u202egnos.mp3", "\ufffdgnos.mp3", "gnos.mp3"),
    ("two\nlines\x07.mp3", "two\ufffdlines\ufffd.mp3", "two_lines_.mp3"),
    ("..", "..", "file"),
    ("\U0001f3b5\U0001f3a7.mp3", "\U0001f3b5\U0001f3a7.mp3", ".mp3"),
    ("../../etc/100%.mp3", "../../etc/100%.mp3", ".._.._etc_100_.mp3"),
    ("@everyone **loud** `code`.mp3", "@everyone **loud** `code`.mp3", "everyone_loud_code_.mp3"),
    ("x" * 296 + ".mp3", "x" * 296 + ".mp3", "x" * 200),
]
"""Names as they are given, at the field, and in the bot's words: Discord makes them plain, the bot cuts them."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with with_kie(tmp_path_factory.mktemp("playground")) as playing:
        yield playing
        log = log_of(playing)
        assert "Traceback" not in log, log[-4000:]


def alert(page: Page, name: str) -> Locator:
    """What the page says at an option."""
    return field(page, name).get_by_role("alert")


async def answered(page: Page, sentence: str) -> None:
    """The bot says it to this person alone."""
    await expect(message(page, sentence)).to_contain_text("Only you see this")


async def noticed(page: Page, sentence: str) -> None:
    """The bot says it below the member's name, and that it costs nothing."""
    told = message(page, sentence)
    await expect(told).to_contain_text("what you asked for did not work out.", timeout=30_000)
    await expect(told).to_contain_text("Nothing was charged.")


async def fill(page: Page, **values: str) -> None:
    """Type into the options that stand under "More options"; what is left out becomes empty."""
    more = page.locator("#options details.more")
    if await more.get_attribute("open") is None:
        await more.locator("summary").click()
    for name in ("engine", "prompt", "model", "audio_weight"):
        await field(page, name).locator("input, textarea").fill(values.get(name, ""))


# ---- files


async def test_files_can_be_dropped_and_the_field_says_what_does_not_fit(play: Playground, visit: Visit) -> None:
    page = await visit(play.standin.url)
    track_a, track_b = field(page, "track_a"), field(page, "track_b")
    await drop(page, track_a.locator(".drop"), ("one.mp3", 300_000))
    await expect(track_a.locator(".chosen")).to_have_text("one.mp3 (0.3 MB)")

    await run(page)
    await answered(page, "There is no source for track_b: attach a file there, or choose something with from_b.")

    await drop(page, track_b.locator(".drop"), ("one.mp3", 300_000))
    await expect(track_b.locator(".note")).to_have_text("This is the same file twice. That is allowed.")
    await expect(page.get_by_role("alert")).to_have_count(0)

    await drop(page, track_a.locator(".drop"), *((f"{number}.mp3", 9) for number in range(11)))
    await expect(alert(page, "track_a")).to_have_text(
        "This command takes 2 files, and you dropped 11. None was taken."
    )
    await expect(track_a.locator(".chosen")).to_contain_text("one.mp3")

    await drop(page, track_a.locator(".drop"), ("huge.wav", 11 * 1024 * 1024))
    await expect(alert(page, "track_a")).to_contain_text("“huge.wav” has 11.0 MB; Mika may upload 10.0 MB.")
    await expect(track_a.locator(".chosen")).to_contain_text("one.mp3")

    await drop(page, page.locator("#scroller"), ("left.mp3", 5), ("right.mp3", 6))
    await expect(page.locator(".chosen")).to_contain_text(["left.mp3", "right.mp3"])
    await page.get_by_role("button", name="Remove the file of track_b").click()
    await expect(track_b.locator(".chosen")).to_contain_text("No file yet")


async def test_five_gigabytes_are_refused_by_the_page_and_a_false_claim_by_the_bot(
    play: Playground, visit: Visit, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.wav"
    with huge.open("wb") as file:
        file.truncate(5 << 30)
    page = await visit(play.standin.url)
    await choose(page, track_a=huge)
    await expect(alert(page, "track_a")).to_have_text(
        "track_a: “huge.wav” has 5120.0 MB; Mika may upload 10.0 MB. Choose a smaller file."
    )

    await choose(page, track_a=NO_SONG, track_b=NO_SONG)
    await turn(page, "Claim a file size", mebibytes=5120)
    await run(page)
    await answered(page, "“letter.mp3” is larger than 100 MB. Choose a smaller file, such as an mp3.")
    await expect(page.get_by_role("button", name="Faults and time")).to_have_text("Faults and time ")
    assert rows(play, "SELECT 1 FROM jobs") == []


async def test_names_that_nobody_can_read_are_shown_plain_and_break_nothing(play: Playground, visit: Visit) -> None:
    page = await visit(play.standin.url, place="#mika/lounge")
    for number, (name, legible, _) in enumerate(UNREADABLE, start=1):
        given = FilePayload(name=name, mimeType="audio/mpeg", buffer=b"no song")
        await choose(page, track_a=given, track_b=NO_SONG)
        await expect(field(page, "track_a").locator(".chosen")).to_have_text(f"{legible} (1 kB)")
        assert await fits(page)
        await run(page)
        await expect(page.locator(".message").filter(has_text="On it.")).to_have_count(number)
    for _, _, plain in UNREADABLE:
        await noticed(page, f"“{plain}” is not audio, whatever its name says. Use mp3, wav, flac, ogg or opus.")
    assert await fits(page)


async def test_the_same_file_twice_is_mixed_and_said(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path]
) -> None:
    page = await visit(play.standin.url, place="#noor/mashups")
    await choose(page, track_a=short_songs[0], track_b=short_songs[0])
    await expect(field(page, "track_b").locator(".note")).to_have_text(
        "This is the same file twice. That is allowed."
    )
    await run(page)
    await answered(page, "On it.")
    card = message(page, "Both decks hold the same file: the mix layers it with itself.")
    await expect(card).to_be_visible(timeout=30_000)
    await expect(page.locator("audio")).to_have_count(2, timeout=60_000)


async def test_a_link_that_expires_before_it_is_fetched_is_named(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path]
) -> None:
    page = await visit(play.standin.url, place="#sam/mashups")
    await choose(page, track_a=short_songs[0], track_b=short_songs[1])
    await turn(page, "Slow answers", seconds=1.5, where="callback")
    await run(page)
    await expect(page.locator("#status")).to_have_text("/mashup was sent …")
    await use(page, "Expire file links")
    await expect(page.locator("#knobs-said")).to_have_text("Every file link given out so far has expired.")
    await noticed(page, "“one.mp3” could not be fetched (HTTP 404). Attach it again.")
    await end(page, "Slow answers")

    await page.reload()
    picture = page.locator(".embed img").first
    assert await picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0, "links are renewed"


# ---- options


async def test_options_that_do_not_fit_the_engine_are_named(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path]
) -> None:
    page = await visit(play.standin.url, place="#sam/mashups")
    await choose(page, track_a=short_songs[0], track_b=short_songs[1])
    await fill(page, engine="napster")
    await run(page)
    await answered(page, "engine cannot be “napster”. Choose one of: local, kie, sunoapi, apibox.")
    await fill(page, engine="sunoapi", prompt="rain")
    await run(page)
    await answered(page, "The engine “sunoapi” is not set up on this bot. Ready here: local, kie.")

    await fill(page, engine="kie", prompt="rain", model="")
    await field(page, "model").get_by_role("combobox").focus()
    suggestions = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    await expect(suggestions.first).to_be_visible()
    models = await suggestions.all_inner_texts()
    await fill(page, engine="kie", prompt="rain", model="V99")
    await run(page)
    await answered(page, f"model cannot be “V99”. Choose one of: {', '.join(models)}.")
    assert rows(play, "SELECT 1 FROM jobs WHERE engine = 'kie'") == []

    await fill(page, engine="kie", prompt="rain", audio_weight="0.3")
    await run(page)
    await expect(message(page, "kie.ai does not use audio_weight here.")).to_contain_text("Not used")
    await fill(page, engine="local", model=models[0], audio_weight="0.3")
    await run(page)
    await expect(message(page, "Local engine does not use model here.")).to_contain_text("Not used")
    await expect(page.locator("audio")).to_have_count(4, timeout=60_000)


# ---- the server


async def test_a_bot_that_is_removed_at_work_keeps_the_result_for_its_return(
    play: Playground, visit: Visit, short_songs: tuple[Path, Path]
) -> None:
    page = await visit(play.standin.url, place="#noor/lounge")
    await choose(page, track_a=short_songs[0], track_b=short_songs[1])
    await turn(page, "Hold up the engine", seconds=60)
    await run(page)
    await answered(page, "On it.")
    job = await message(page, "On it.").locator("code").inner_text()
    await expect(page.locator(".message .embed").last).to_be_visible()

    await use(page, "Remove the bot from the server")
    await expect(page.locator("#bot")).to_have_text("Bot removed from the server")
    await page.get_by_role("button", name="Run a command").click()
    await expect(page.get_by_role("button", name="No commands here")).to_be_disabled()
    await expect(page.locator("#command-hint")).to_have_text("The bot offers no command to you in this channel.")
    await end(page, "Hold up the engine")
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE id = ? AND how = 'kept'", job), 30)
    await expect(page.locator("audio")).to_have_count(0)

    await end(page, "Remove the bot from the server")
    await expect(page.locator("#bot")).to_have_text("Bot online")
    await page.get_by_role("button", name="Run a command").click()
    await page.get_by_label("Command", exact=True).select_option("jobs get")
    await field(page, "job").locator("textarea").fill(job)
    await run(page)
    await answered(page, "Here it is again.")
    await expect(page.locator("audio")).to_have_count(2)
