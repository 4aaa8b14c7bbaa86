"""By which messages a job ends, the best way first: the next is tried when one turns out to be closed (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Refusal
from bot.jobs import view
from bot.jobs.job import Job, Track
from bot.posts.post import NewPost, Pictures, Post, Purpose, answer_to, direct_to

RESULTS = (Purpose.RESULT, Purpose.ANSWER, Purpose.DIRECT, Purpose.READY)
"""Messages with a result, or with the word that there is one."""
WITH_AUDIO = (*RESULTS, Purpose.SHARED)
"""Messages that go when their result is deleted."""
NOTICES = (Purpose.NOTICE, Purpose.ANSWER_NOTICE, Purpose.SORRY)
"""Messages that say why there is none."""

ANSWERS = (Purpose.ANSWER, Purpose.ANSWER_NOTICE)
"""Messages that take the place of the card in the answer to the command."""

HOW = {Purpose.RESULT: "channel", Purpose.ANSWER: "answer", Purpose.DIRECT: "direct", Purpose.READY: view.KEPT}
"""What `jobs.how` says once such a message is out; after READY the audio waits for `/jobs get`."""


def card(job: Job) -> NewPost:
    """The live card: a message of its own, or the answer that only the member sees."""
    target = answer_to(job.id) if job.ask.private else job.ask.channel
    return NewPost(Purpose.CARD, target, view.opening_card(job).to_json())


def results(job: Job, *, direct: bool, hidden: bool = False) -> tuple[NewPost, ...]:
    """Ways for the result. `direct`: the member wants late private results by direct message.

    Where it is `hidden` whose job it is, the channel is told nothing.
    """
    body = view.result(job).to_json()
    if not job.ask.private:
        return (NewPost(Purpose.RESULT, job.ask.channel, body),)
    return (
        NewPost(Purpose.ANSWER, answer_to(job.id), body),
        *((NewPost(Purpose.DIRECT, direct_to(job.ask.member), body),) if direct else ()),
        *(() if hidden else (NewPost(Purpose.READY, job.ask.channel, view.hint(job, "hint-ready").to_json()),)),
    )


def notices(job: Job, error: Refusal, *, hidden: bool = False) -> tuple[NewPost, ...]:
    """Ways to say why there is no result; in the channel nothing of a private job is told, and of one that is
    `hidden` not even that there is one."""
    if not job.ask.private:
        return (NewPost(Purpose.NOTICE, job.ask.channel, view.notice(job, error).to_json()),)
    return (
        NewPost(Purpose.ANSWER_NOTICE, answer_to(job.id), view.notice(job, error).to_json()),
        *(() if hidden else (NewPost(Purpose.SORRY, job.ask.channel, view.hint(job, "hint-failed").to_json()),)),
    )


def shared(job: Job, channel: str, locale: str) -> NewPost:
    """A private result for everybody in a channel."""
    return NewPost(Purpose.SHARED, channel, {**view.result(job).to_json(), "locale": locale})


def pictures(sent: Post, tracks: Sequence[Track]) -> tuple[NewPost, ...]:
    """What a result that is out is to show besides, if it can; a word that there is one shows nothing."""
    if not tracks or HOW[sent.purpose] == view.KEPT or sent.message_id is None or not sent.message_id.isdecimal():
        return ()
    body = Pictures(sent.message_id, tuple((track.number, track.picture) for track in tracks))
    return (NewPost(Purpose.PICTURE, sent.target, body.to_json()),)


def untried(ways: Sequence[NewPost], tried: Sequence[Post]) -> NewPost | None:
    """The next way, None when all have been tried."""
    return next((way for way in ways if all(way.purpose is not post.purpose for post in tried)), None)
