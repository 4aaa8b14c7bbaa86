"""Pictures that come after the result: which messages gain them, and what is known of their tracks."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest

from bot.database import Database
from bot.jobs import messages, store
from bot.jobs.job import Ask, Track
from bot.posts.post import Pictures, Post, PostState, Purpose, answer_to, content_of
from cogs.views.cards import with_pictures

TRACK = Track(1, "a" * 64, "", "Mine", 60.0)
ASK = Ask("i", "g", "c", "m", "en", "kie", "mashup", {"title": "Mine"}, 1, 1, ())
DRAWN = replace(TRACK, picture="b" * 64)


def post(purpose: Purpose, message: str | None = "77") -> Post:
    return Post("p", "job:j", purpose, answer_to("j"), {}, "n", PostState.SENT, 1, 1, 1, message)


@pytest.mark.parametrize("purpose", [Purpose.RESULT, Purpose.ANSWER, Purpose.DIRECT])
def test_a_result_that_is_out_gains_what_was_drawn(purpose: Purpose) -> None:
    (asked,) = messages.pictures(post(purpose), (DRAWN, replace(DRAWN, number=2)))
    assert (asked.purpose, asked.target) == (Purpose.PICTURE, answer_to("j"))
    found = content_of(replace(post(Purpose.PICTURE), body=asked.body))
    assert found == Pictures("77", ((1, "b" * 64), (2, "b" * 64)))


@pytest.mark.parametrize(
    ("sent", "tracks"),
    [
        (post(Purpose.READY), (DRAWN,)),
        (post(Purpose.RESULT), ()),
        (post(Purpose.RESULT, None), (DRAWN,)),
        (post(Purpose.RESULT, "deleted"), (DRAWN,)),
    ],
    ids=["a word in the channel", "nothing drawn", "no message", "a message that was deleted"],
)
def test_nothing_else_does(sent: Post, tracks: tuple[Track, ...]) -> None:
    assert messages.pictures(sent, tracks) == ()


async def test_a_known_track_gains_its_picture_once(db: Database) -> None:
    await db.work(lambda tx: store.insert(tx, "j", ASK, now=0, deadline=1))
    for track, known in (
        (TRACK, ""),
        (DRAWN, "b" * 64),
        (TRACK, "b" * 64),
        (replace(DRAWN, picture="c"), "b" * 64),
    ):
        await db.work(lambda tx, track=track: store.add_track(tx, "j", track))
        job = await db.work(lambda tx: store.get(tx, "j"))
        assert job is not None
        assert [found.picture for found in job.tracks] == [known]


def test_only_the_cards_of_drawn_tracks_change() -> None:
    cards = [discord.Embed(title="one").set_footer(text="kept"), discord.Embed(title="two")]
    first, second = with_pictures(cards, (2,), "p")
    assert first is cards[0]
    assert second.image.url == "attachment://wave-p-2.png"
    assert cards[1].image.url is None
