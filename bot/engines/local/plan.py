"""The values between analysis, planning and rendering: `Analysis` in, `Plan` out, both as JSON too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["a", "b"]
Value = str | int | float

NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Analysis:
    """What was heard in one source. Times are in seconds from its start.

    A confidence is the probability that its answer is right, all that it rests on included: of the answers given
    with 0.8 about 80 % are right. 0 means that nothing could be said; the answer beside it is then a placeholder.
    """

    seconds: float
    loudness_lufs: float
    tempo_bpm: float = 0.0
    tempo_confidence: float = 0.0
    """That `tempo_bpm` is within 4 % of what people tap, not its half or double."""
    steady: bool = False
    """That one constant tempo fits the whole source; then `beats` is an even grid."""
    steady_confidence: float = 0.0
    residual_ms: float = 0.0
    """Third quartile of the beats' distances from the best even grid."""
    beats: tuple[float, ...] = ()
    beat_confidence: float = 0.0
    """That the beats are in time with the music's, at its tempo, half or double of it, and not off the beat."""
    downbeats: tuple[int, ...] = ()
    """Indices into `beats` of each bar's first beat."""
    beats_per_bar: int = 4
    meter_confidence: float = 0.0
    downbeat_confidence: float = 0.0
    """That the downbeats are the first beats of the music's bars."""
    phrases: tuple[int, ...] = ()
    """Indices into `downbeats` of the bars where phrases begin; the last phrase ends with the last bar."""
    phrase_confidence: float = 0.0
    tonic: int = 0
    """Semitones above C."""
    mode: str = "major"
    key_confidence: float = 0.0
    tuning_cents: float = 0.0
    """How far the source lies above A = 440 Hz, -50 to 50."""
    tuning_confidence: float = 0.0
    silences: tuple[tuple[float, float], ...] = ()
    """(start, end) of every passage of half a second and more where nothing is heard."""
    energy: tuple[float, ...] = ()
    """LUFS of each bar; like the next three, one entry for each downbeat."""
    chroma: tuple[tuple[float, ...], ...] = ()
    """12 shares of each bar, C first, their sum 1 (all 0: no pitch)."""
    brightness: tuple[float, ...] = ()
    """Spectral centroid of each bar in Hz (0: silence)."""
    balance: tuple[tuple[float, ...], ...] = ()
    """3 shares of each bar: below 200 Hz, up to 2 kHz, above; their sum 1 (all 0: silence)."""
    accents: tuple[tuple[float, ...], ...] = ()
    """8 onset strengths of each beat, 0 to 1: its four quarters below 160 Hz, then the same above 1.5 kHz."""

    @property
    def key(self) -> str:
        return f"{NOTES[self.tonic]} {self.mode}"

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Analysis:
        values = dict(data)
        for name in ("beats", "downbeats", "phrases", "energy", "brightness"):
            values[name] = tuple(values[name])
        for name in ("silences", "chroma", "balance", "accents"):
            values[name] = tuple(tuple(row) for row in values[name])
        return cls(**values)


@dataclass(frozen=True)
class Reason:
    """Why the plan is as it is: a code of the text catalogue and what its sentence needs."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "values": dict(self.values)}


@dataclass(frozen=True)
class Verdict:
    """What one policy says of a pair: from 0 (clashes) to 1 (fits), and why."""

    policy: str
    points: float
    reason: Reason

    def to_json(self) -> dict[str, Any]:
        return {"policy": self.policy, "points": round(self.points, 3), **self.reason.to_json()}


@dataclass(frozen=True)
class Wishes:
    """What a member may ask of the arrangement. Weights go from 0 to 1; in the middle they change nothing."""

    audio_weight: float = 0.5
    """Share of the first source."""
    style_weight: float = 0.5
    """How strictly the bed rules: its tempo, its beat all through, its place beside the lead."""
    weirdness: float = 0.4
    """How bold the shifts, how frequent jumps and repeats; below the middle there are none."""
    instrumental: bool = False


PLAIN = Wishes()


def wishes_of(request: Mapping[str, Any]) -> Wishes:
    """What a request says of them; what it leaves open stays plain."""
    return Wishes(**{name: request[name] for name in vars(PLAIN) if request.get(name) is not None})


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
    layout: str
    """layered, answers, intro-outro, alternating (a shared beat but no overlap), transition or crossfade (none)."""
    verdicts: tuple[Verdict, ...]
    duck_db: float
    """How far the bed steps back above its bass while the lead speaks."""
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        """How well the two go together, of 100: the policies' verdicts, the weakest counting most."""
        if not self.verdicts:
            return 0
        mean = sum(verdict.points for verdict in self.verdicts) / len(self.verdicts)
        return round(100 * (0.5 * mean + 0.5 * min(verdict.points for verdict in self.verdicts)))

    @property
    def bar_seconds(self) -> float:
        return 60.0 / self.tempo_bpm * self.beats_per_bar

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)


def other(source: Source) -> Source:
    return "b" if source == "a" else "a"
