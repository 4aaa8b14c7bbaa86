"""The values between analysis, planning and rendering: `Analysis` in, `Plan` out, both as JSON too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Source = Literal["a", "b"]
Value = str | int | float

NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Analysis:
    """What was heard in one source. Times in seconds; a confidence of 0 means that nothing could be said.

    `downbeats` are indices into `beats`. `energy` (LUFS) and `chroma` (12 shares) have one entry for each downbeat.
    """

    seconds: float
    loudness_lufs: float
    tempo_bpm: float = 0.0
    tempo_confidence: float = 0.0
    steady: bool = False
    residual_ms: float = 0.0
    beats: tuple[float, ...] = ()
    downbeats: tuple[int, ...] = ()
    beats_per_bar: int = 4
    downbeat_confidence: float = 0.0
    tonic: int = 0
    mode: str = "major"
    key_confidence: float = 0.0
    tuning_cents: float = 0.0
    energy: tuple[float, ...] = ()
    chroma: tuple[tuple[float, ...], ...] = ()

    @property
    def key(self) -> str:
        return f"{NOTES[self.tonic]} {self.mode}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Analysis:
        values = dict(data)
        for name in ("beats", "downbeats", "energy"):
            values[name] = tuple(values[name])
        values["chroma"] = tuple(tuple(bar) for bar in values["chroma"])
        return cls(**values)


@dataclass(frozen=True)
class Reason:
    """Why the plan is as it is: a code of the text catalogue and what its sentence needs."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "values": dict(self.values)}


@dataclass(frozen=True)
class Span:
    """A phrase of a source, in its own seconds, to be fitted into `bars` shared bars."""

    start: float
    end: float
    bars: int


@dataclass(frozen=True)
class Part:
    """One source inside a section: its phrases in order, its level in dB of a full mix, and who keeps its bass."""

    source: Source
    spans: tuple[Span, ...]
    level_db: float
    bass: bool


@dataclass(frozen=True)
class Section:
    """A stretch of whole bars in which the same layers play."""

    start_bar: int
    bars: int
    parts: tuple[Part, ...]

    @property
    def layers(self) -> str:
        return "".join(sorted(part.source for part in self.parts))


@dataclass(frozen=True)
class Plan:
    """Everything rendering needs. `rates` are speeds (1.05 = 5 % faster), `shifts` semitones."""

    bed: Source
    lead: Source
    tempo_bpm: float
    beats_per_bar: int
    sections: tuple[Section, ...]
    rates: Mapping[Source, float]
    shifts: Mapping[Source, float]
    fade_seconds: float
    ending_bars: int
    common_beat: bool
    """False where one source only fades into the other; `tempo_bpm` is then a mere ruler."""
    reasons: tuple[Reason, ...]

    @property
    def bar_seconds(self) -> float:
        return 60.0 / self.tempo_bpm * self.beats_per_bar

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)


def other(source: Source) -> Source:
    return "b" if source == "a" else "a"
