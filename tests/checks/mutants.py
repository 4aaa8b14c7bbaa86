"""`python -m tests.checks.mutants [MODULE ...]`: changes the modules that money and trust hang on, place by place.

Each change is tried in a process of its own, forked from one that has imported what tests need, in which the
changed source takes the module's place. A change that no test notices survives. It is either named in
`accepted.toml` with the reason why no test can notice it, or it counts against the score.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import math
import os
import signal
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests.checks.mutations import Mutation, mutations
from tests.scorecard.commands import ROOT

LEAST = 0.9
SECONDS = 300
"""For the tests as they are; with a change they have `TIMES` as long, for what never ends is noticed too."""
TIMES = 5
AT_A_TIME = 2
_PREPARED = (
    "PIL.Image", "_pytest.config", "aiohttp.web", "aiosqlite", "babel.messages.pofile", "discord.ext.commands",
    "jsonschema_rs", "numpy", "playwright.async_api", "pydantic_settings", "yaml",
)  # fmt: skip


def _unit(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/unit/test_{name}.py" for name in names)


_JOBS = ("job_ledger", "job_line", "results", "repeat", "runner")
_CALLBACKS = ("tests/wire/test_callbacks.py", "tests/wire/test_probes.py", "tests/wire/test_forged.py")
MODULES: Mapping[str, tuple[str, ...]] = {
    "bot.quotas.ledger": _unit("ledger", "job_ledger", "quota_walks", "quota_month", "quota_reports", "forgetting"),
    "bot.jobs.job": _unit("job", *_JOBS, "forgetting"),
    "bot.web.signature": _unit("signature"),
    "bot.web.callbacks": _CALLBACKS,
    "bot.jobs.store": _unit("job_store", *_JOBS, "retention", "restore", "forgetting", "upkeep", "quota_reports"),
}
"""Each module, and the tests that have to notice, those first that notice most."""


@dataclass
class Score:
    """What became of the changes of one module."""

    module: str
    noticed: int = 0
    survived: list[Mutation] = field(default_factory=list[Mutation])
    accepted: int = 0

    @property
    def share(self) -> float:
        tried = self.noticed + len(self.survived)
        return self.noticed / tried if tried else 0.0


class _InPlace(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed source where the module is asked for."""

    def __init__(self, name: str, source: str, path: Path) -> None:
        self._name = name
        self._code = compile(source, str(path), "exec")
        self._path = path

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def path_of(module: str, root: Path) -> Path:
    return root / f"{module.replace('.', '/')}.py"


def noticed(module: str, source: str, tests: Sequence[str], root: Path, seconds: int = SECONDS) -> int:
    """Start the tests with this source in the module's place, killed after so long; the process's id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        os.chdir(root)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        sys.path.insert(0, str(root))
        sys.meta_path.insert(0, _InPlace(module, source, path_of(module, root)))
        sys.dont_write_bytecode = True
        import pytest

        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
    finally:
        os._exit(code)


def prepare() -> None:
    """Import what tests need and nothing of ours, so that a fork has it."""
    for name in _PREPARED:
        importlib.import_module(name)


def try_all(module: str, tests: Sequence[str], root: Path, accepted: Sequence[str] = ()) -> Score:
    """Try every change of a module. Raises `RuntimeError` where the tests fail without any."""
    source = path_of(module, root).read_text("utf-8")
    begun = time.monotonic()
    _, status = os.waitpid(noticed(module, source, tests, root), 0)
    seconds = math.ceil(TIMES * (time.monotonic() - begun))
    if status:
        raise RuntimeError(f"{module}: its tests fail as it is")
    score, known = Score(module), set(accepted)
    for mutation, good in _outcomes(module, mutations(source), tests, root, seconds):
        if not good:
            score.noticed += 1
        elif _key(mutation) in known:
            score.accepted += 1
        else:
            score.survived.append(mutation)
    return score


def _key(mutation: Mutation) -> str:
    """How `accepted.toml` names it: lines move, words stay."""
    return f"{mutation.before} -> {mutation.after}"


def _outcomes(
    module: str, changes: Sequence[Mutation], tests: Sequence[str], root: Path, seconds: int
) -> Iterator[tuple[Mutation, bool]]:
    """Each change, and whether the tests passed in spite of it."""
    waiting, under_way = list(changes), dict[int, Mutation]()
    while waiting or under_way:
        while waiting and len(under_way) < AT_A_TIME:
            mutation = waiting.pop(0)
            under_way[noticed(module, mutation.source, tests, root, seconds)] = mutation
        child, status = os.wait()
        yield under_way.pop(child), status == 0


def measure(names: Sequence[str] = ()) -> list[Score]:
    """Every module, or these; progress goes to stderr."""
    prepare()
    known = tomllib.loads(Path(__file__).with_name("accepted.toml").read_text("utf-8"))
    scores: list[Score] = []
    for module in names or MODULES:
        begun = time.monotonic()
        score = try_all(module, MODULES[module], ROOT, list(known.get(module, {})))
        scores.append(score)
        sys.stderr.write(f"{_line(score)} ({(time.monotonic() - begun) / 60:.1f} minutes)\n")
        sys.stderr.writelines(f"  survived {mutation}\n" for mutation in score.survived)
        sys.stderr.flush()
    return scores


def _line(score: Score) -> str:
    tried = score.noticed + len(score.survived)
    return f"{score.module}: {score.noticed} of {tried} noticed, {score.accepted} cannot be"


def main(names: Sequence[str]) -> int:
    scores = measure(names)
    sys.stdout.writelines(f"{_line(score)}, {score.share:.0%}\n" for score in scores)
    return int(any(score.share < LEAST for score in scores))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
