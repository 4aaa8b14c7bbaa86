"""S18: whatever Discord does, nothing is lost or said twice, and the bot is never banned.

The real bot, with the stand-in: its gateway connection is cut, asked to reconnect, or its session is declared
invalid, again and again, while jobs go on. The storms of 429, 5xx, broken connections and 403 are the stories
of `tests/story/test_faults.py` and `test_server_changes.py`: the stand-in keeps Discord's limits there, and a
request that comes before its Retry-After is answered with another 429, which the stories count. Refusals and
restarts run the bot's own breaker and budget, with real database files and a clock that is set: 9,000 messages
to 150 closed channels in half an hour, and a supervisor that starts the bot 1,000 times as fast as it dies.
Broken on purpose: no breaker, no budget.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from bot.logins import DAY_MS
from bot.posts.breaker import SECONDS
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground
from tests.refusals import Refusing, bare, guarded, storm
from tests.restarts import restart
from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row
from tests.story.test_mashup import rows

CYCLES, EVERY, RESTARTS, LEAST = 200, 10, 1_000, 100
DEAD = [f"dead-{number}" for number in range(150)]
STORIES = ("tests/story/test_faults.py", "tests/story/test_server_changes.py")


def measure() -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cycles").mkdir()
        jobs, delivered, resumed, identified = asyncio.run(_cycles(folder / "cycles"))
        seen = asyncio.run(restart(folder / "twodeck.db", times=RESTARTS))
    discord = Refusing({"live"})
    asyncio.run(storm(discord, ["live", *DEAD], 9_000, guarded))
    refused, logins = discord.most_refused_in(SECONDS), seen.most_in(DAY_MS)
    stories = tests_pass(*STORIES)
    once = len(delivered) == jobs and set(delivered.values()) == {1}
    twice = sum(count > 1 for count in delivered.values())
    text = (
        f"{CYCLES} cycles ({resumed} resumed, {identified} identified):"
        f" {jobs} jobs, {len(delivered)} delivered, {twice} twice; storms: {stories.text};"
        f" at most {refused} refused in 10 min, {discord.sent['live']} messages to the open channel;"
        f" {RESTARTS:,} restarts: at most {logins} logins in 24 h"
    )
    return Measured(text, once and stories.kept and refused <= LEAST and logins <= LEAST)


def broken() -> Measured:
    with tempfile.TemporaryDirectory() as name:
        seen = asyncio.run(restart(Path(name, "twodeck.db"), times=RESTARTS, most=0))
    discord = Refusing({"live"})
    asyncio.run(storm(discord, ["live", *DEAD], 9_000, bare))
    refused, logins = discord.most_refused_in(SECONDS), seen.most_in(DAY_MS)
    text = f"no breaker: {refused:,} refused in 10 min; no budget: {logins:,} logins in 24 h"
    return Measured(text, refused <= LEAST or logins <= LEAST)


async def _cycles(folder: Path) -> tuple[int, Counter[str], int, int]:
    """How many jobs were asked for, the results of each, and how often the bot resumed and identified."""
    songs = [write_mp3(folder / f"{n}.mp3", stereo(Song(seconds=8, tonic=n * 7))) for n in range(2)]
    chance, jobs = random.Random(18), 0
    async with Playground(folder) as play:
        await play.start_bot()
        gateway, knobs = play.standin.gateway, play.knobs
        identified = gateway.identified
        for cycle in range(CYCLES):
            if cycle % EVERY == 0:
                act = await play.slash("mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1])
                await act.says("On it.")
                jobs += 1
            deed = chance.choice((knobs.drop_gateway, knobs.ask_to_reconnect, knobs.invalidate_session))
            before = gateway.resumed + gateway.identified
            await deed()
            await play.wait_for(lambda before=before: gateway.resumed + gateway.identified > before, 60)
            await play.wait_for(lambda: gateway.connected, 30)
        await play.wait_for(lambda: not rows(play, "SELECT 1 FROM jobs WHERE ended_at IS NULL"), 300)
        return jobs, _delivered(play), gateway.resumed, gateway.identified - identified


def _delivered(play: Playground) -> Counter[str]:
    """How many messages each job's result is in."""
    names = [message.attachments[0].filename for message in play.messages("mashups") if message.attachments]
    marks = rows(play, "SELECT subject, id FROM posts WHERE purpose = 'result' AND state = 'sent'")
    return Counter({mark["subject"]: sum(mark["id"] in name for name in names) for mark in marks})


ROW = Row(
    18,
    "Discord's faults are handled, and it never bans the bot",
    "200 cycles of the gateway, storms, 1,000 restarts: 0 lost or twice, at most 100 refused in 10 min and 100"
    " logins in 24 h, Retry-After obeyed",
    "tests/unit/test_logins.py",
    measure,
    broken,
)
