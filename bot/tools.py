"""`twodeck jobs`, `backup`, `restore`, `engine`, `tally`: in a terminal, beside a running bot or without one."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.contests import sheet
from bot.control import NoBotError, ask
from bot.database import DatabaseError
from bot.database.backup import back_up
from bot.database.reading import read
from bot.database.restoring import restore
from bot.jobs.listing import Listed, overview
from bot.settings import SettingsError, StorageSettings, UpkeepSettings
from bot.settings import read as read_settings

OK, FAULT, USAGE = 0, 1, 2
_WIDEST_TITLE = 40
_COLUMNS = ("job", "state", "age", "server", "member", "engine", "error", "title")


def add_jobs_arguments(parser: argparse.ArgumentParser) -> None:
    """What `twodeck jobs` understands."""
    parser.add_argument("--unknown", action="store_true", help="only jobs whose outcome nobody knows")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    parser.add_argument("--limit", type=_at_least_one, default=50, metavar="N", help="at most N jobs (default 50)")


def add_backup_arguments(parser: argparse.ArgumentParser) -> None:
    """What `twodeck backup` understands."""
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="folder for it (default: backups in the data folder)"
    )
    parser.add_argument(
        "--keep", type=_at_least_one, metavar="N", help="keep the newest N there (default: TWODECK_BACKUP_KEEP)"
    )


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    """What `twodeck restore` understands."""
    parser.add_argument(
        "backup", type=Path, nargs="?", metavar="FILE", help="the backup (default: the newest one that is whole)"
    )


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """What `twodeck engine` understands."""
    parser.add_argument("order", choices=("list", "off", "on"), help="what to do")
    parser.add_argument("engine", nargs="?", help="its name, for off and on")
    parser.add_argument("--why", default="", metavar="REASON", help="what members are told while it is off")


def add_tally_arguments(parser: argparse.ArgumentParser) -> None:
    """What `twodeck tally` understands."""
    parser.add_argument("file", type=Path, help="what `/contest export` gave, as CSV or JSON")


def tally(options: argparse.Namespace) -> int:
    """Recompute the result of a contest from its file and print it; returns the exit code.

    It fails where the ballots are not those whose hash was published.
    """
    try:
        found = sheet.read(options.file.read_bytes())
    except (OSError, sheet.SheetError) as error:
        return _complain(error)
    for rank in sheet.ranks_in(found):
        marks = [word for word, is_so in (("winner", rank.winner), ("tie broken", rank.tie_broken)) if is_so]
        print(f"{rank.rank}. entry-{rank.entry}: {rank.points}" + (f" ({', '.join(marks)})" if marks else ""))
    print(f"{len(found.ballots)} ballots")
    if not found.digest:
        print("no hash: the contest was not over when this was exported")
        return OK
    genuine = sheet.is_genuine(found)
    print(f"hash {found.digest}: {'as published' if genuine else 'WRONG, these are other ballots'}")
    return OK if genuine else FAULT


def order_engines(options: argparse.Namespace, env_file: Path | None) -> int:
    """Ask the running bot about its engines, or switch one; returns the exit code."""
    if (options.order == "list") != (options.engine is None):
        print("twodeck: name an engine for off and on, and none for list", file=sys.stderr)
        return USAGE
    order = {"do": "engines" if options.order == "list" else f"engine-{options.order}"}
    try:
        data = read_settings(StorageSettings, env_file).data_dir
        answer = ask(data, {**order, "engine": options.engine, "why": options.why})
    except (SettingsError, NoBotError) as error:
        return _complain(error)
    if not answer.get("ok"):
        print(f"twodeck: {answer.get('why')}", file=sys.stderr)
        return FAULT
    now = Clock().now()
    for engine in answer["engines"]:
        print(f"{engine['engine']}: {_condition(engine, now)}")
    return OK


def list_jobs(options: argparse.Namespace, env_file: Path | None) -> int:
    """Print the newest jobs; returns the exit code."""
    now = Clock().now()
    try:
        database = read_settings(StorageSettings, env_file).data_dir / "twodeck.db"
        jobs = read(database, lambda tx: overview(tx, unknown=options.unknown, limit=options.limit, now=now))
    except (SettingsError, DatabaseError) as error:
        return _complain(error)
    if options.json:
        print(json.dumps([dataclasses.asdict(job) for job in jobs], ensure_ascii=False, indent=2))
    else:
        print(table(jobs) if jobs else "There are no such jobs.")
    return OK


def take_backup(options: argparse.Namespace, env_file: Path | None) -> int:
    """Copy and check the database, print where the copy is; returns the exit code."""
    try:
        data = read_settings(StorageSettings, env_file).data_dir
        keep = options.keep or read_settings(UpkeepSettings, env_file).backup_keep
        print(back_up(data / "twodeck.db", options.to or data / "backups", now=Clock().now(), keep=keep))
    except (SettingsError, DatabaseError) as error:
        return _complain(error)
    return OK


def put_back(options: argparse.Namespace, env_file: Path | None) -> int:
    """Put a backup in the place of the database, print what was done; returns the exit code."""
    try:
        data = read_settings(StorageSettings, env_file).data_dir
        done = restore(data, options.backup, now=Clock().now())
    except (SettingsError, DatabaseError) as error:
        return _complain(error)
    print(f"{done.backup} is in place. What was there before: {done.aside or 'nothing'}")
    print("The next start ends what the backup left open, as `twodeck run --after-restore` does.")
    return OK


def table(jobs: Sequence[Listed]) -> str:
    """Aligned columns, the title last; nothing that a member typed can move the cursor."""
    lines = [_COLUMNS, *(_cells(job) for job in jobs)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def age(seconds: int) -> str:
    """The two largest units, as in 3 d 4 h."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _condition(engine: Mapping[str, Any], now: int) -> str:
    if engine["needs"]:
        return f"not ready: needs {engine['needs']}"
    if engine["off"] is not None:
        return f"off ({engine['off']})" if engine["off"] else "off"
    return "out of credits" if engine["paused_until"] > now else "on"


def _cells(job: Listed) -> tuple[str, ...]:
    title = "".join(letter if letter.isprintable() else " " for letter in job.title)[:_WIDEST_TITLE]
    return (job.id, job.state, age(job.age), job.guild, job.member, job.engine, job.error or "-", title)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _complain(error: Exception) -> int:
    print(f"twodeck: {error}", file=sys.stderr)
    return USAGE if isinstance(error, SettingsError) else FAULT
