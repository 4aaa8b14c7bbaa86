"""What the local engine hears in music whose truth is known, how its layers meet, how well it knows its doubts.

Every piece goes the product's way: an MP3, decoded and analysed by `hear`; every pair through `plan`.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from benchmarks import truth
from benchmarks.report import Figure, at_most, print_table
from benchmarks.truth import Truth
from bot.engines.local.hearing import hear
from bot.engines.local.keys import camelot_distance
from bot.engines.local.plan import Analysis, Part, Plan, Source
from bot.engines.local.planner import plan
from bot.engines.local.tempos import USABLE
from tests.audio import synth

PIECES = 96
PAIRS = 400
MP3_DELAY = 1105 / truth.RATE  # seconds that encoder and decoder add where the file does not name them
TOGETHER, SAME_BAR = 0.025, 0.070  # seconds
PAIRS_SEED = 5

Times = NDArray[np.float64]
Heard = tuple[Truth, Analysis]


@dataclass(frozen=True)
class Meeting:
    """One pair as planned: whether it is layered, how far true beats lie apart (s), whether true bars coincide."""

    layered: bool
    apart: float
    same_bars: bool | None
    """None where the truth has no common bars: one source in three, the other in four."""
    camelot: float
    stretched: float
    """The larger change of tempo, 1 and more."""


def main() -> bool:
    absent = truth.missing()
    if absent:
        print(f"Missing: {', '.join(absent)}. On Debian or Ubuntu: apt-get install {truth.NEEDS}", file=sys.stderr)
        return False
    with tempfile.TemporaryDirectory() as name:
        before = time.process_time()
        heard = [listen(piece, Path(name)) for piece in truth.gate_pieces(PIECES)]
        seconds = sum(one.seconds for _, one in heard)
    print(f"{PIECES} pieces, {seconds:.0f} s; {PAIRS} pairs; CPU {time.process_time() - before:.0f} s.\n")
    met = print_table([*accuracy(heard), *pairs(heard)])
    print()
    print_reliability(heard)
    return met


def listen(piece: truth.Piece, directory: Path) -> Heard:
    wav, mp3, pcm = directory / "piece.wav", directory / "piece.mp3", directory / "piece.pcm"
    known = truth.render(piece, wav).later(MP3_DELAY)
    samples = np.asarray(sf.read(wav, dtype="float32", always_2d=True)[0], np.float32)
    synth.write_mp3(mp3, samples)
    analysis = hear(mp3, pcm, lambda stage, part: None)
    pcm.unlink()
    return known, analysis


def tempo_right(known: Truth, heard: Analysis, ratios: Sequence[float] = (1.0,)) -> bool:
    return any(abs(heard.tempo_bpm / known.tempo / ratio - 1) < 0.04 for ratio in ratios)


def beats_right(known: Truth, heard: Analysis) -> bool:
    """In time at the true tempo, its half or its double: the sparser beats lie on the denser."""
    if not tempo_right(known, heard, (1.0, 0.5, 2.0)):
        return False
    return _apart(known.beats, np.array(heard.beats)) < TOGETHER


def bars_right(known: Truth, heard: Analysis) -> bool:
    edges = np.array(heard.beats)[list(heard.downbeats)]
    same = heard.beats_per_bar == known.beats_per_bar and tempo_right(known, heard)
    return same and _apart(known.downbeats, edges) < SAME_BAR


def _apart(one: Times, two: Times) -> float:
    """Median distance of the sparser times to the nearest of the denser."""
    if len(one) == 0 or len(two) == 0:
        return float("inf")
    first, last = max(one[0], two[0]) - 0.2, min(one[-1], two[-1]) + 0.2
    one, two = (times[(times > first) & (times < last)] for times in (one, two))
    if len(one) == 0 or len(two) == 0:
        return float("inf")
    sparse, dense = (one, two) if len(one) <= len(two) else (two, one)
    return float(np.median(np.abs(sparse[:, None] - dense).min(axis=1)))


def f_measure(known: Times, heard: Times, within: float, margin: float = float("inf")) -> float:
    """F of the times heard within `margin` of the known ones' range: a file goes on where its score has ended."""
    if len(known):
        heard = heard[(heard > known[0] - margin) & (heard < known[-1] + margin)]
    if len(known) == 0 or len(heard) == 0:
        return 0.0
    near = np.abs(known[:, None] - heard)
    hits = min(int((near.min(axis=1) < within).sum()), int((near.min(axis=0) < within).sum()))
    return 2 * hits / (len(known) + len(heard))


def mirex(known: Truth, heard: Analysis) -> float:
    """The weighted score of MIREX audio key detection."""
    up = (heard.tonic - known.tonic) % 12
    if heard.mode == known.mode:
        return {0: 1.0, 7: 0.5, 5: 0.5}.get(up, 0.0)
    relative = 9 if known.mode == "major" else 3
    return 0.3 if up == relative else 0.2 if up == 0 else 0.0


def key_right(known: Truth, heard: Analysis) -> bool:
    return (heard.tonic, heard.mode) == (known.tonic, known.mode)


def tuning_right(known: Truth, heard: Analysis) -> bool:
    return abs((heard.tuning_cents - known.tuning_cents + 50) % 100 - 50) < 5


def phrases_heard(heard: Analysis) -> Times:
    return (
        np.array(heard.beats)[np.array(heard.downbeats, int)[list(heard.phrases)]] if heard.phrases else np.empty(0)
    )


def phrase_measure(known: Truth, heard: Analysis) -> float:
    """F of the boundaries within half a second, between the first and the last true one: the edges are cut."""
    return f_measure(known.phrases, phrases_heard(heard), 0.5, margin=240.0 / known.tempo)


def phrases_right(known: Truth, heard: Analysis) -> bool:
    return phrase_measure(known, heard) >= 0.75


RIGHT: dict[str, Callable[[Truth, Analysis], bool]] = {
    "tempo": tempo_right,
    "beat": beats_right,
    "meter": lambda known, heard: heard.beats_per_bar == known.beats_per_bar,
    "downbeat": bars_right,
    "phrase": phrases_right,
    "key": key_right,
    "tuning": tuning_right,
    "steady": lambda known, heard: heard.steady == known.steady,
}


def accuracy(heard: Sequence[Heard]) -> list[Figure]:
    octaves = (1.0, 0.5, 2.0, 3.0, 1 / 3)
    edges = [np.array(one.beats)[list(one.downbeats)] for _, one in heard]
    new = [known.style in {style.groove for style in truth.UNKNOWN} for known, _ in heard]
    bars = [bars_right(*each) for each in heard]
    return [
        _share("tempo within 4 %", [tempo_right(*each) for each in heard], 0.88),
        _share("the same up to octave", [tempo_right(*each, octaves) for each in heard], 0.98),
        _share(
            "beats within 70 ms (F)",
            [f_measure(known.beats, np.array(one.beats), 0.07, margin=0.2) for known, one in heard],
        ),
        _share(
            "downbeats within 70 ms (F)",
            [f_measure(one.downbeats, edge, 0.07, margin=0.5) for (one, _), edge in zip(heard, edges, strict=True)],
        ),
        _share("bars right, styles met in tuning", [ok for ok, other in zip(bars, new, strict=True) if not other]),
        _share("bars right, styles never met", [ok for ok, other in zip(bars, new, strict=True) if other]),
        _share("three or four beats to a bar", [RIGHT["meter"](*each) for each in heard]),
        _share("phrases within 0.5 s (F)", [phrase_measure(*each) for each in heard]),
        _share("steady or not", [RIGHT["steady"](*each) for each in heard]),
        _share("key, MIREX", [mirex(*each) for each in heard], 0.88),
        _share("key, exact", [key_right(*each) for each in heard]),
        _share("tuning within 5 cents", [tuning_right(*each) for each in heard]),
    ]


def _share(name: str, values: Sequence[float], least: float | None = None) -> Figure:
    value = float(np.mean(values)) if values else 0.0
    return Figure(name, f"{value:.3f}", f"at least {least}" if least else "", value >= least if least else None)


def pairs(heard: Sequence[Heard]) -> list[Figure]:
    chance = random.Random(PAIRS_SEED)
    met = [meet(*chance.sample(heard, 2)) for _ in range(PAIRS)]
    layered = [one for one in met if one.layered]
    return [
        _share("pairs whose beats meet within 25 ms", [one.apart < TOGETHER for one in met], 0.80),
        _share("the same, of the pairs that are layered", [one.apart < TOGETHER for one in layered]),
        _share(
            "pairs of one meter whose downbeats coincide",
            [bool(x.same_bars) for x in met if x.same_bars is not None],
            0.65,
        ),
        _share("the same, of all pairs", [bool(one.same_bars) for one in met]),
        _share("pairs within 1 on the Camelot wheel after the shift", [one.camelot <= 1 for one in met], 0.95),
        at_most(
            "pairs stretched more than 16 %", 100 * float(np.mean([one.stretched > USABLE for one in met])), 10, "%"
        ),
        _share("pairs that are not layered", [not one.layered for one in met]),
    ]


def meet(one: Heard, two: Heard) -> Meeting:
    """Where the true beats of both lie in the planned mix."""
    known: dict[Source, Truth] = {"a": one[0], "b": two[0]}
    planned = plan(one[1], two[1], seed=1)
    beats: list[float] = []
    bars: list[float] = []
    for section in planned.sections if planned.common_beat else ():
        if len(section.parts) < 2:
            continue
        first, second = section.parts
        beats += _distances(*(_placed(known[part.source].beats, part, planned) for part in (first, second)))
        bars += _distances(*(_placed(known[part.source].downbeats, part, planned) for part in (first, second)))
    common = one[0].beats_per_bar == two[0].beats_per_bar
    detune = (two[0].tuning_cents - one[0].tuning_cents) / 100
    shift = planned.shifts["b"] - planned.shifts["a"] + detune
    truly = [_as_heard(*each) for each in (one, two)]
    return Meeting(
        layered=bool(beats),
        apart=float(np.median(beats)) if beats else float("inf"),
        same_bars=(bool(bars) and float(np.median(bars)) < SAME_BAR) if common else None,
        camelot=camelot_distance(truly[0], truly[1], round(shift)),
        stretched=max(max(rate, 1 / rate) for rate in planned.rates.values()),
    )


def _placed(times: Times, part: Part, planned: Plan) -> Times:
    """Where true times lie in the mix, in seconds after the section begins; each span is fitted by itself."""
    placed: list[Times] = []
    begin = 0.0
    for span in part.spans:
        seconds = span.bars * planned.bar_seconds
        inside = (times - span.start) / (span.end - span.start) * seconds
        placed.append(begin + inside[(inside > -0.1) & (inside < seconds - 0.1)])
        begin += seconds
    return np.concatenate(placed)


def _distances(one: Times, two: Times) -> list[float]:
    """From each of the sparser times to the nearest of the denser."""
    sparse, dense = (one, two) if len(one) <= len(two) else (two, one)
    return np.abs(sparse[:, None] - dense).min(axis=1).tolist() if len(sparse) else []


def _as_heard(known: Truth, heard: Analysis) -> Analysis:
    """The true key in the shape that the planner compares."""
    return Analysis(heard.seconds, heard.loudness_lufs, tonic=known.tonic, mode=known.mode)


def print_reliability(heard: Sequence[Heard]) -> None:
    """For each confidence: how sure it is on average, how often right, and the mean gap over ten equal groups."""
    print("| confidence | said | right | gap | right where it says 0.9 and more |\n|---|---|---|---|---|")
    for name, is_right in RIGHT.items():
        said = np.array([getattr(one, f"{name}_confidence") for _, one in heard])
        right = np.array([is_right(*each) for each in heard], float)
        order = np.array_split(np.argsort(said), 10)
        gap = np.mean([abs(said[group].mean() - right[group].mean()) for group in order if len(group)])
        high = said >= 0.9
        top = f"{right[high].mean():.2f} of {high.sum()}" if high.any() else "none"
        print(f"| {name} | {said.mean():.2f} | {right.mean():.2f} | {gap:.2f} | {top} |")
