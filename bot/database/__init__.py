"""The one database file and its one owner."""

from bot.database.connection import Database, DatabaseClosedError, DatabaseError, Tx, Units

__all__ = ["Database", "DatabaseClosedError", "DatabaseError", "Tx", "Units"]
