"""Every failpoint times {raise, timeout, cancel, kill}: one bot, one story, one strike, one verdict each."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import points
from tests.chaos.checker import Violation
from tests.chaos.child import ACTIONS
from tests.chaos.scenes import SCENES, Scene
from tests.chaos.stage import Stage
from tests.chaos.tally import Say, Tally

_SETTLE_SECONDS = 45.0


@dataclass(frozen=True)
class Cell:
    """One strike: at the `nth` time that `point` is reached in `scene`, do `action`."""

    scene: Scene
    point: str
    nth: int
    action: str

    def to_list(self) -> list[str | int]:
        return [self.scene.name, self.point, self.nth, self.action]

    @classmethod
    def from_list(cls, values: Sequence[str | int]) -> Cell:
        scene, point, nth, action = values
        return cls(scene_named(str(scene)), str(point), int(nth), str(action))

    def __str__(self) -> str:
        return f"{self.point} #{self.nth} {self.action} ({self.scene.name})"


@dataclass
class Result:
    """What became of a cell. `note` is `struck`, `not applicable`, or empty where the point was not reached."""

    cell: Cell
    note: str
    violations: list[Violation] = field(default_factory=list[Violation])


async def trace(folder: Path, scene: Scene) -> Counter[str]:
    """How often each point is reached while a scene is played undisturbed."""
    path = folder / "trace.txt"
    async with Stage(folder) as stage:
        await _play(stage, scene, ["--trace", str(path)])
        problems = [str(violation) for violation in await stage.verdict()]
        accepted = sum(event["kind"] == "accepted" for event in stage.history.events)
        problems += [] if accepted == len(stage.asked) else [f"{accepted} of {len(stage.asked)} asks were accepted"]
    if problems:
        raise RuntimeError(f"{scene.name} fails undisturbed: {'; '.join(problems)}")
    return Counter(path.read_text("utf-8").splitlines())


async def play(folder: Path, cell: Cell, broken: str = "") -> Result:
    """One cell in a folder of its own, with the bot as it is or with a part of it broken."""
    async with Stage(folder, seed=cell.nth) as stage:
        stage.options += ["--broken", broken] if broken else []
        await _play(stage, cell.scene, ["--strike", f"{cell.point}:{cell.nth}:{cell.action}"])
        violations = await stage.verdict()
        said = [note.removesuffix(f" {cell.point} {cell.action}") for note in stage.notes if cell.point in note]
    return Result(cell, said[-1] if said else "", violations)


async def _play(stage: Stage, scene: Scene, armed: Sequence[str]) -> None:
    places = {"ALERTS": f"{stage.band.url}/alerts", "ROOM": str(stage.rooms[0].id)}
    stage.settings |= {name: places.get(value, value) for name, value in scene.settings.items()}
    if scene.before is not None:
        await stage.start()
        await scene.before(stage)
        await stage.kill()
    if not await stage.start(*scene.arguments, *armed):
        await stage.start(*(argument for argument in scene.arguments if argument == "--after-restore"))
    await scene.act(stage)
    await stage.settle(_SETTLE_SECONDS)


def plan(traces: Sequence[tuple[Scene, Counter[str]]], *, middle: bool = False, every: bool = False) -> list[Cell]:
    """Each point that was reached, in the first scene that did so.

    `middle` strikes also halfway through one, `every` each time that it was reached.
    """
    chosen: dict[str, tuple[Scene, int]] = {}
    for scene, counts in traces:
        for point, count in counts.items():
            chosen.setdefault(point, (scene, count))
    cells: list[Cell] = []
    for point, (scene, count) in sorted(chosen.items()):
        times = range(1, count + 1) if every else {1, (count + 1) // 2} if middle else {1}
        cells += [Cell(scene, point, nth, action) for nth in sorted(times) for action in ACTIONS]
    return cells


def missing(traces: Sequence[tuple[Scene, Counter[str]]]) -> list[str]:
    """Points that the source shows and no scene reaches."""
    return sorted(_wanted() - _reached(traces))


def unknown(traces: Sequence[tuple[Scene, Counter[str]]]) -> list[str]:
    """Points that were reached and that the source does not show."""
    return sorted(_reached(traces) - _wanted())


def _wanted() -> set[str]:
    return {f"{name}:{phase}" for name in points.names() for phase in points.PHASES}


def _reached(traces: Sequence[tuple[Scene, Counter[str]]]) -> set[str]:
    return {point for _, counts in traces for point in counts}


async def run(folder: Path, say: Say, *, cells: Sequence[Sequence[str | int]], broken: str = "") -> Tally:
    """Cells one after the other; the folder of a bad one stays."""
    tally = Tally()
    for number, values in enumerate(cells):
        cell = Cell.from_list(values)
        place = folder / f"cell-{number}"
        result = await play(place, cell, broken)
        if not result.note and not result.violations:  # which call is the nth is a matter of chance sometimes
            shutil.rmtree(place)
            result = await play(place, cell, broken)
        tally.counts["cells"] += 1
        tally.counts[f"cells {result.note or 'not reached'}"] += 1
        tally.counts["bad cells"] += bool(result.violations)
        tally.violations += [f"{cell}: {violation} [{place}]" for violation in result.violations]
        tally.notes += [f"not reached: {cell}"] if not result.note else []
        if not result.violations:
            shutil.rmtree(place)
        say(f"{number + 1}/{len(cells)} {cell}: {result.note or 'not reached'} {result.violations or ''}")
    return tally


def some(cells: Sequence[Cell], count: int, seed: int) -> list[Cell]:
    """A few by chance."""
    return random.Random(seed).sample(list(cells), count)


def scene_named(name: str) -> Scene:
    return next(scene for scene in SCENES if scene.name == name)


_HOSTED = scene_named("hosted")
_LATE = "commit tests.chaos.broken.release_not_in_unit.<locals>.in_two_units"
CONTROLS: Mapping[str, Cell] = {
    "no-marker": Cell(_HOSTED, "http provider POST:after", 3, "kill"),  # after two uploads comes the create
    "random-nonce-and-no-lookup": Cell(_HOSTED, "discord send:after", 2, "kill"),  # after the card comes the result
    "release-not-in-unit": Cell(_HOSTED, f"{_LATE}:before", 6, "kill"),  # the sixth step is the last
    "no-reclaim": Cell(_HOSTED, "http provider GET:before", 4, "cancel"),  # after the balances of three engines
    "no-room-back": Cell(scene_named("local"), "commit bot.runner.Runner._claim:after", 11, "raise"),  # of its turn
    "no-look-back": Cell(_HOSTED, "commit bot.jobs.line.JobLine._apply:after", 6, "kill"),  # done
    "callback-answers-before-commit": Cell(_HOSTED, "commit bot.web.callbacks.Callbacks._keep:before", 1, "kill"),
}
"""For each broken variant of the bot the strike that shows it; the bot as it is stands each of them."""
