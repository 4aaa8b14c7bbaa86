"""One mashup that was asked for, and what became of it; how to look into the bot's database and log."""

from __future__ import annotations

import sqlite3
from typing import Any

from bot.playground.world import Channel, Message
from tests.playground import Act, Playground, shown_text


class Told:
    """One mashup in a channel of its own."""

    def __init__(self, play: Playground, room: Channel, act: Act) -> None:
        self.play, self.room, self.act = play, room, act

    @property
    def results(self) -> list[Message]:
        return [m for m in self.play.messages(self.room.name) if m.attachments]

    @property
    def cards(self) -> list[Message]:
        return [m for m in self.play.messages(self.room.name) if not m.content]

    def job(self) -> Any:
        found = rows(self.play, "SELECT * FROM jobs WHERE channel = ?", str(self.room.id))
        return next(iter(found), None)

    async def reaches(self, *states: str) -> None:
        await self.play.wait_for(lambda: (self.job() or {"state": ""})["state"] in states, 30)

    async def is_delivered_once(self) -> None:
        """One card, which says so, one result, and the job knows."""
        await self.reaches("done")
        await self.play.wait_for(lambda: not self.waiting_posts(), 20)
        assert (len(self.cards), len(self.results)) == (1, 1)
        assert self.job()["how"] == "channel"
        await self.play.wait_for(lambda: "Done: the result is below." in shown_text(self.cards[0]), 20)

    def waiting_posts(self) -> list[sqlite3.Row]:
        sql = "SELECT 1 FROM posts WHERE subject = ? AND state NOT IN ('sent', 'dead')"
        return rows(self.play, sql, f"job:{self.job()['id']}")

    def calls(self, since: int) -> int:
        """Requests to the channel after the first `since` ones of the history."""
        path = f"/channels/{self.room.id}"
        return sum(call.path.startswith(path) for call in self.play.history[since:])


def rows(play: Playground, sql: str, *values: str) -> list[sqlite3.Row]:
    """Read the bot's database beside the running bot."""
    assert play.directory is not None
    connection = sqlite3.connect(f"file:{play.directory / 'bot' / 'twodeck.db'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def log_of(play: Playground) -> str:
    assert play.directory is not None
    return (play.directory / "bot.log").read_text("utf-8")
