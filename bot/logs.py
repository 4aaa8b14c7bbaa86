"""One line for each event, as JSON or for a console: what it is about is bound to it, no secret stands in it."""

from __future__ import annotations

import json
import logging
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

FORMATS = ("console", "json")
_SHORTEST_SECRET = 6
_LINK = re.compile(
    r"""\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/@'"<>]*@)?([^\s/?#'"<>\\]+)[/?#][^\s'"<>]+""", re.IGNORECASE
)
_PATH = re.compile(r"(/(?:callbacks|sources|webhooks|interactions)/)[^\s'\"<>]+")
_CREDENTIAL = re.compile(r"\b(Bearer|Bot|Basic) [\w.~+/=-]{8,}")

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 - never changed in place


def bind(**what: str) -> None:
    """From now on every event of this task, and of tasks that it starts, is about `what`: a job, a guild."""
    _about.set({**_about.get(), **what})


class Lines(logging.Formatter, ABC):
    """What both formats share: no line has a second line, a control character, a known secret or a whole link."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        known = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if record.stack_info:
            trace = f"{trace}\n{record.stack_info}".strip()
        return self.line(record, self._clean(record.getMessage()), self._clean(trace))

    @abstractmethod
    def line(self, record: logging.LogRecord, event: str, trace: str) -> str:
        """The line, of an event and a trace without anything secret."""

    def _clean(self, text: str) -> str:
        if self._secrets is not None:
            text = self._secrets.sub("***", text)
        if "/" in text:
            text = _PATH.sub(r"\1…", _LINK.sub(r"\1\2/…", text))
        return _CREDENTIAL.sub(r"\1 ***", text)


class Console(Lines):
    """For people: time, level, logger, event, what it is about, and the trace with its line breaks escaped."""

    def line(self, record: logging.LogRecord, event: str, trace: str) -> str:
        bound = " ".join(f"{name}={value}" for name, value in _about.get().items())
        parts = [event, f"[{bound}]" if bound else "", f"| {trace}" if trace else ""]
        head = f"{_at(record):%Y-%m-%d %H:%M:%S},{int(record.msecs):03} {record.levelname:<7} {record.name}: "
        return head + _printable(" ".join(part for part in parts if part))


class JsonLines(Lines):
    """For programs: an object a line, in ASCII."""

    def line(self, record: logging.LogRecord, event: str, trace: str) -> str:
        values: dict[str, Any] = {
            "at": _at(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": event,
            **_about.get(),
        }
        if trace:
            values["trace"] = trace
        return json.dumps(values).replace("\x7f", "\\u007f")


def begin(level: str, format: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Write what this process logs from now on to `stream`, stderr by default; what ends the process, too."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter((JsonLines if format == "json" else Console)(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _fatal


def _fatal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("the program ends by a fault", exc_info=(kind, error, trace))


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _printable(text: str) -> str:
    """Line breaks, control and other invisible characters as Python writes them."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
