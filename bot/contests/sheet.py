"""The file that a contest is exported to, and the tally that anybody can make of it (pure)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.contests.contest import EntryState
from bot.contests.tally import Rank, digest, standings

KIND = "twodeck-contest"
_COLUMNS = ("record", "number", "name", "value")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class SheetError(ValueError):
    """The file is not an export of a contest; the message says what is wrong."""


@dataclass(frozen=True)
class Shown:
    """One entry; `member` and `title` are empty before the result is out."""

    number: int
    state: str
    member: str = ""
    title: str = ""


@dataclass(frozen=True)
class Sheet:
    """Everything by which a result can be recomputed. Ballots and entries are known by their numbers only."""

    contest: str
    title: str
    winners: int
    salt: str
    digest: str
    entries: tuple[Shown, ...]
    ballots: Mapping[int, tuple[int, ...]]
    breaks: Mapping[int, int]


def ranks_in(sheet: Sheet) -> tuple[Rank, ...]:
    """The result of the ballots in the file, best first; entries are named by their numbers."""
    counted = [str(entry.number) for entry in sheet.entries if entry.state == EntryState.ENTERED]
    choices = [[str(choice) for choice in ballot] for ballot in sheet.ballots.values()]
    breaks = {str(number): place for number, place in sheet.breaks.items()}
    return standings(counted, choices, sheet.winners, breaks)


def is_genuine(sheet: Sheet) -> bool:
    """Whether the ballots are those whose hash was published when the contest was closed."""
    return bool(sheet.digest) and digest(sheet.contest, sheet.salt, sheet.ballots) == sheet.digest


def to_json(sheet: Sheet) -> bytes:
    data = {
        "kind": KIND,
        "contest": sheet.contest,
        "title": sheet.title,
        "winners": sheet.winners,
        "salt": sheet.salt,
        "digest": sheet.digest,
        "entries": [vars(entry) for entry in sheet.entries],
        "ballots": [{"number": number, "choices": list(sheet.ballots[number])} for number in sorted(sheet.ballots)],
        "breaks": [{"number": number, "place": place} for number, place in sorted(sheet.breaks.items())],
        "ranks": [{"number": int(rank.entry), **_shown(rank)} for rank in ranks_in(sheet)],
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode()


def to_csv(sheet: Sheet) -> bytes:
    with io.StringIO(newline="") as text:
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        writer.writerows([_safe(str(cell)) for cell in row] for row in _rows(sheet))
        return text.getvalue().encode("utf-8-sig")


def read(data: bytes) -> Sheet:
    """A sheet from either kind of file. Raises `SheetError`."""
    try:
        text = data.decode("utf-8-sig")
        return _from_json(text) if text.lstrip().startswith("{") else _from_csv(text)
    except (KeyError, TypeError, ValueError, csv.Error) as problem:
        raise SheetError(f"this is not the export of a contest ({problem})") from problem


def _rows(sheet: Sheet) -> Iterator[Sequence[object]]:
    for name in ("contest", "title", "winners", "salt", "digest"):
        yield KIND, "", name, getattr(sheet, name)
    for entry in sheet.entries:
        for name in ("state", "member", "title"):
            yield "entry", entry.number, name, getattr(entry, name)
    for number in sorted(sheet.ballots):
        for choice in sheet.ballots[number]:
            yield "ballot", number, "choice", choice
    for number, place in sorted(sheet.breaks.items()):
        yield "break", number, "place", place
    for rank in ranks_in(sheet):
        for name, value in _shown(rank).items():
            yield "rank", rank.entry, name, value


def _shown(rank: Rank) -> dict[str, int | bool]:
    return {"rank": rank.rank, "points": rank.points, "winner": rank.winner}


def _from_json(text: str) -> Sheet:
    data = json.loads(text)
    if data["kind"] != KIND:
        raise ValueError("another kind of file")
    return Sheet(
        contest=str(data["contest"]),
        title=str(data["title"]),
        winners=int(data["winners"]),
        salt=str(data["salt"]),
        digest=str(data["digest"]),
        entries=tuple(Shown(**entry) for entry in data["entries"]),
        ballots={int(b["number"]): tuple(int(choice) for choice in b["choices"]) for b in data["ballots"]},
        breaks={int(b["number"]): int(b["place"]) for b in data["breaks"]},
    )


def _from_csv(text: str) -> Sheet:
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise ValueError("the columns are others")
    about = {name: value for record, _, name, value in rows[1:] if record == KIND}
    entries: dict[int, dict[str, str]] = {}
    ballots: dict[int, list[int]] = {}
    breaks: dict[int, int] = {}
    for record, number, name, value in rows[1:]:
        match record:
            case "entry":
                entries.setdefault(int(number), {})[name] = value
            case "ballot":
                ballots.setdefault(int(number), []).append(int(value))
            case "break":
                breaks[int(number)] = int(value)
            case _:
                pass  # what the contest itself is, read above
    return Sheet(
        contest=about["contest"],
        title=about["title"],
        winners=int(about["winners"]),
        salt=about["salt"].removeprefix("'"),
        digest=about["digest"],
        entries=tuple(Shown(number, **known) for number, known in entries.items()),
        ballots={number: tuple(choices) for number, choices in ballots.items()},
        breaks=breaks,
    )


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
