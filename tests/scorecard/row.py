"""One row of the scorecard."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import tests.scorecard as rows


@dataclass(frozen=True)
class Measured:
    """What came out, as the table shows it, and whether it keeps the promise."""

    text: str
    kept: bool


@dataclass(frozen=True)
class Row:
    """`measure` is the long form; `broken` measures the same on a part that is broken on purpose, and has to fail.

    `short` names the file of tests that is the row's form in `make test`, broken part included. A row that does not
    apply has no `measure`, and `why_not` says why.
    """

    number: int
    promise: str
    target: str
    short: str = ""
    measure: Callable[[], Measured] | None = None
    broken: Callable[[], Measured] | None = None
    why_not: str = ""

    @property
    def name(self) -> str:
        return f"S{self.number}"


def all_rows() -> list[Row]:
    """Every row, by its number: each module of this package named `sNN_...` has one as `ROW`."""
    names = [module.name for module in pkgutil.iter_modules(rows.__path__) if module.name[:1] == "s"]
    found = [importlib.import_module(f"tests.scorecard.{name}").ROW for name in names if name[1:3].isdigit()]
    return sorted(found, key=lambda row: row.number)
