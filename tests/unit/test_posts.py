"""A message appears once: marker first, look-up before a repeat, an end for every refusal."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bot.clock import Clock
from bot.database import Database
from bot.errors import Code, Refusal
from bot.posts import store
from bot.posts.line import ATTEMPTS, PostLine
from bot.posts.port import Closed
from bot.posts.post import NewPost, Post, PostState, Progress, Purpose


class Channel:
    """A channel in memory; `trouble` is raised after a message went out, `closed` before."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.trouble: list[Exception] = []
        self.closed: Closed | None = None
        self.blind = False

    async def send(self, post: Post) -> str:
        if self.closed:
            raise self.closed
        self.messages.append(post.id)
        if self.trouble:
            raise self.trouble.pop()
        return f"message-{len(self.messages)}"

    async def find(self, post: Post) -> str | None:
        return "found" if post.id in self.messages and not self.blind else None

    async def remove(self, post: Post) -> None:
        if self.trouble:
            raise self.trouble.pop()
        if post.id not in self.messages:
            raise Closed(Code.CHANNEL_GONE)
        self.messages.remove(post.id)

    async def show(self, post: Post, progress: Progress) -> None:
        raise AssertionError("no card is drawn here")


class World:
    """One post in a real database, and its line."""

    def __init__(self, db: Database) -> None:
        self.db, self.channel, self.ended = db, Channel(), list[str]()
        self.line = PostLine(db, Clock(), self.channel, lambda tx, post: self.ended.append(post.subject))

    async def ask(self) -> None:
        new = NewPost(Purpose.NOTICE, "1", {"any": "thing"})
        await self.db.work(lambda tx: store.add(tx, "job:1", new, post_id="post1", now=0))

    async def step(self) -> None:
        """Let the line do whatever is due, whatever the clock says."""
        await self.db.work(lambda tx: tx.run("UPDATE posts SET wake_at = 0"))
        for post in await self.db.work(lambda tx: self.line.claim(tx, "me", 9)):
            await self.line.advance(post, "me")

    async def row(self) -> dict[str, Any]:
        rows = await self.db.work(lambda tx: tx.all("SELECT * FROM posts"))
        return dict(rows[0])


async def test_a_message_goes_out_and_rings_its_subject(db: Database) -> None:
    world = World(db)
    await world.ask()
    await world.ask()
    await world.step()
    await world.step()
    row = await world.row()
    assert (row["state"], row["message_id"], row["owner"]) == ("sent", "message-1", None)
    assert world.channel.messages == ["post1"]
    assert world.ended == ["job:1"]


async def test_an_answer_that_was_lost_is_looked_up_not_repeated(db: Database) -> None:
    world = World(db)
    world.channel.trouble = [ConnectionResetError("cut")]
    await world.ask()
    await world.step()
    assert (await world.row())["state"] == PostState.SENDING
    await world.step()
    row = await world.row()
    assert (row["state"], row["message_id"]) == ("sent", "found")
    assert world.channel.messages == ["post1"]


async def test_without_the_look_up_the_message_would_appear_twice(db: Database) -> None:
    """The broken variant: a channel whose history cannot be read."""
    world = World(db)
    world.channel.trouble = [ConnectionResetError("cut")]
    world.channel.blind = True
    await world.ask()
    await world.step()
    await world.step()
    assert world.channel.messages == ["post1", "post1"]


async def test_a_crash_between_marker_and_answer_is_looked_up(db: Database) -> None:
    world = World(db)
    await world.ask()
    world.channel.messages.append("post1")
    await db.work(lambda tx: tx.run("UPDATE posts SET state = 'sending', marked_at = 1, owner = 'dead'"))
    await db.work(world.line.clear)
    await world.step()
    assert (await world.row())["message_id"] == "found"
    assert world.channel.messages == ["post1"]


async def test_a_closed_channel_ends_the_post_and_says_why(db: Database) -> None:
    world = World(db)
    world.channel.closed = Closed(Code.MISSING_PERMISSIONS, "50013")
    await world.ask()
    await world.step()
    row = await world.row()
    assert (row["state"], row["error"]) == ("dead", "missing-permissions 50013")
    assert world.ended == ["job:1"]


async def test_trouble_without_end_ends_too(db: Database) -> None:
    world = World(db)
    world.channel.blind = True
    await world.ask()
    for _ in range(ATTEMPTS + 1):
        world.channel.trouble = [ConnectionResetError("cut")]
        await world.step()
    assert (await world.row())["state"] == PostState.DEAD


async def test_messages_of_one_subject_go_out_in_order(db: Database) -> None:
    world = World(db)
    await world.ask()
    late = NewPost(Purpose.RESULT, "1", {"any": "thing"})
    await db.work(lambda tx: store.add(tx, "job:1", late, post_id="post2", now=5))
    await db.work(lambda tx: store.add(tx, "job:2", late, post_id="other", now=5))
    first = await db.work(lambda tx: world.line.claim(tx, "me", 9))
    assert [post.id for post in first] == ["post1", "other"]
    await db.work(lambda tx: tx.run("UPDATE posts SET state = 'sent', owner = NULL WHERE id = 'post1'"))
    assert [post.id for post in await db.work(lambda tx: world.line.claim(tx, "me", 9))] == ["post2"]


async def test_the_lease_is_the_marker(db: Database) -> None:
    world = World(db)
    await world.ask()
    await db.work(lambda tx: world.line.claim(tx, "me", 9))
    marked = await world.row()
    assert (marked["state"], marked["marked_at"] is None) == ("sending", False)
    assert world.channel.messages == []


async def test_a_lost_lease_ends_nothing(db: Database) -> None:
    world = World(db)
    await world.ask()
    (post,) = await db.work(lambda tx: world.line.claim(tx, "me", 9))
    await db.work(lambda tx: tx.run("UPDATE posts SET owner = 'somebody else'"))
    await world.line.advance(post, "me")
    left = await db.work(lambda tx: tx.one("SELECT state, owner FROM posts"))
    assert left is not None
    assert (tuple(left), world.ended) == (("sending", "somebody else"), [])


@pytest.mark.parametrize("trouble", [None, OSError("reset")])
async def test_a_message_that_is_out_can_be_deleted(
    db: Database, trouble: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(db)
    await world.ask()
    await world.step()
    world.channel.trouble = [trouble] if trouble else []
    with caplog.at_level(logging.CRITICAL):
        await db.work(lambda tx: store.remove(tx, "job:1", [Purpose.NOTICE]))
        await world.step()
        await world.step()
    assert world.channel.messages == []
    assert (await world.row())["state"] == "removed"


@pytest.mark.parametrize("closed", [True, False])
async def test_deleting_ends_where_nothing_can_be_deleted(
    db: Database, closed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(db)
    await world.ask()
    await world.step()
    if closed:
        world.channel.messages = []
    await db.work(lambda tx: store.remove(tx, "job:1", [Purpose.NOTICE]))
    with caplog.at_level(logging.CRITICAL):
        for _ in range(ATTEMPTS + 1):
            world.channel.trouble = [] if closed else [OSError("reset")]
            await world.step()
    assert (await world.row())["state"] == "removed"
    assert (await world.row())["error"] == ("channel-gone" if closed else "gave up")


def test_bodies_survive_their_way_through_the_database() -> None:
    progress = Progress("j", "1", "en", "t", "local", ("a", "b"), "waiting", error=Refusal(Code.STOPPING))
    assert Progress.from_json(progress.to_json()) == progress
