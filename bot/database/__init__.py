"""The one database file and its one owner."""

from bot.database.connection import Database, DatabaseError, Tx

__all__ = ["Database", "DatabaseError", "Tx"]
