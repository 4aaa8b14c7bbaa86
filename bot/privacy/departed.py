"""What goes of a guild that the bot left long ago: everything."""

from __future__ import annotations

from bot.contests import forgetting as contests
from bot.database import Tx
from bot.decks import store as decks
from bot.guilds import arrivals, audit, departures, store
from bot.jobs.store import listed
from bot.posts import store as posts
from bot.quotas import ledger
from bot.quotas import store as quotas


def remove_guild(tx: Tx, guild: str) -> bool:
    """Drop all but a guild's jobs; False while it has some: they are dropped first, and some may still run."""
    if listed(tx, guild, None, limit=1, offset=0):
        return False
    contests.drop_guild(tx, guild)
    ledger.drop_guild(tx, guild)
    quotas.drop_guild(tx, guild)
    decks.drop_guild(tx, guild)
    audit.drop_guild(tx, guild)
    posts.drop_under(tx, f"log:{guild}")
    store.drop_settings(tx, guild)
    arrivals.drop_guild(tx, guild)
    departures.come_back(tx, guild)
    return True
