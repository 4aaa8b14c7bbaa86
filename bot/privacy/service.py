"""What commands may do about privacy: say what is kept of somebody, and forget them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.contests import forgetting as contests
from bot.database import Database, Tx
from bot.decks import store as decks
from bot.guilds import audit
from bot.guilds.store import wants_direct
from bot.jobs import persona_rows
from bot.jobs.store import count_of_member
from bot.privacy.forgetting import Forgotten, forget
from bot.quotas import ledger
from bot.settings import KeepSettings, UpkeepSettings


@dataclass(frozen=True)
class Kept:
    """How much of somebody is kept."""

    jobs: int
    servers: int
    """On how many servers there are accounts of theirs."""
    acts: int
    """What they did as a moderator."""
    direct: bool
    personas: int
    contests: int
    """Entries and ballots."""
    decks: int
    """Tracks on decks."""


@dataclass(frozen=True)
class Times:
    """How many days things are kept, by the settings."""

    results: int
    sources: int
    jobs: int
    acts: int
    grace: int
    backups: int


class PrivacyService:
    """Everything about one person, whichever servers it came from."""

    def __init__(
        self, db: Database, clock: Clock, keep: KeepSettings, upkeep: UpkeepSettings, wake: Callable[[], None]
    ) -> None:
        self._db = db
        self._clock = clock
        self._wake = wake
        self.times = Times(
            results=keep.result_days,
            sources=keep.source_days,
            jobs=keep.job_days,
            acts=keep.audit_days,
            grace=keep.guild_grace_days,
            backups=-(-int(upkeep.backup_hours * upkeep.backup_keep) // 24),
        )

    async def kept(self, member: str) -> Kept:
        """What is kept of a member now."""

        def unit(tx: Tx) -> Kept:
            return Kept(
                jobs=count_of_member(tx, member),
                servers=len(ledger.guilds_of_member(tx, member)),
                acts=audit.count_of(tx, member),
                direct=wants_direct(tx, member),
                personas=len(persona_rows.of_member(tx, member)),
                contests=contests.count_of(tx, member),
                decks=decks.count_of(tx, member),
            )

        return await self._db.work(unit)

    async def forget(self, member: str) -> Forgotten:
        """Forget a member; a second time changes nothing."""
        now, new_id = self._clock.now(), self._clock.new_id
        done = await self._db.work(lambda tx: forget(tx, member, new_id=new_id, now=now))
        self._wake()
        return done
