"""The two demo pieces as readable recipes: who plays, which chords, what is true of tempo and key.

A bar is sixteen steps. Drums: `X` accent, `x` hit, `o` ghost. Bass: `1` root, `5` fifth, `8` octave, `-` hold.
Chords: `x` strike, `-` hold. Arpeggio: the number of the chord's note. Melody: eight notes a bar, `-` hold,
`.` rest. `|` parts bars; a part shorter than its section starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.playground import instruments as play
from bot.playground.instruments import RATE, Instrument

STEPS = 16
"""Steps in a bar."""


@dataclass(frozen=True)
class Voice:
    """One seat in the band. `space` and `echo` are how much of it goes to the reverb and to the delay."""

    reads: str
    sound: Instrument
    level: float
    pan: float = 0.0
    space: float = 0.0
    echo: float = 0.0
    ducked: bool = False


@dataclass(frozen=True)
class Section:
    """Some bars with one chord each and what every seat plays there."""

    bars: int
    chords: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """What is true of a piece, and how it is made. The first downbeat is at 0 s, the next one `bar_seconds` on."""

    title: str
    tempo: float
    key: str
    swing: float
    """How late every second step comes, in steps."""
    hall_seconds: float
    dust: float
    band: Mapping[str, Voice]
    sections: tuple[Section, ...]

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)

    @property
    def bar_seconds(self) -> float:
        return 240 / self.tempo

    @property
    def seconds(self) -> float:
        return self.bars * self.bar_seconds

    def sample(self, step: int) -> int:
        """Where a step counted from the start of the piece begins."""
        return round((step + self.swing * (step % 2)) * self.bar_seconds / STEPS * RATE)


_FOUR = "X...X...X...X..."
_BACK = "....X.......X..."
_OFF = "..x...x...x...x."
_HATS = "o.xoo.xoo.xoo.xo"
_PUMP = "..1-..1-..1-..8-"
_RUN = "1.181.181.181.58"
_HOLD = "x---------------"
_ROLL = "0123212301232123"
_THEME = (
    "E5 - D5 C5 - A4 C5 D5 | C5 - A4 - F4 - A4 C5 | D5 - F5 E5 - D5 C5 A4 | B4 - - G#4 B4 - E5 - |"
    "E5 - D5 C5 - E5 A5 - | G5 - F5 E5 - C5 A4 C5 | F5 - E5 D5 - A4 D5 F5 | E5 - D5 B4 G#4 - B4 -"
)
_THEME_HIGH = "A5 - G5 E5 - C5 E5 G5 | A5 - F5 - C5 - F5 A5 | A5 - F5 D5 - F5 E5 D5 | E5 - - B4 G#5 - E5 -"

NIGHT_DRIVE = Recipe(
    title="Night Drive",
    tempo=124.0,
    key="A minor",
    swing=0.0,
    hall_seconds=1.8,
    dust=0.0,
    band={
        "kick": Voice("drums", play.kick, 0.75),
        "clap": Voice("drums", play.clap, 0.7, space=0.25),
        "hat": Voice("drums", play.hat, 0.75, pan=0.25),
        "open": Voice("drums", play.open_hat, 0.62, pan=-0.1),
        "crash": Voice("drums", play.crash, 0.5, space=0.3),
        "rise": Voice("chords", play.riser, 0.4, space=0.3),
        "bass": Voice("bass", play.synth_bass, 0.36, ducked=True),
        "pad": Voice("chords", play.pad, 0.75, space=0.35, ducked=True),
        "arp": Voice("arpeggio", play.arp, 0.55, pan=-0.25, space=0.2, echo=0.5, ducked=True),
        "lead": Voice("melody", play.lead, 0.55, space=0.3, echo=0.4, ducked=True),
    },
    sections=(
        Section(4, "Am F Dm E", {
            "pad": _HOLD, "arp": _ROLL, "hat": f".|.|{_HATS}|{_HATS}", "kick": f".|.|{_FOUR}|{_FOUR}",
            "crash": "x", "rise": f".|.|.|{_HOLD}",
        }),
        Section(4, "Am F Dm E", {
            "kick": _FOUR, "open": _OFF, "hat": _HATS, "bass": _PUMP, "pad": _HOLD, "arp": _ROLL,
            "clap": f".|.|{_BACK}|{_BACK}", "crash": "x|.|.|.", "rise": f".|.|.|{_HOLD}",
        }),
        Section(8, "Am F Dm E", {
            "kick": _FOUR, "clap": _BACK, "open": _OFF, "hat": _HATS, "bass": _RUN, "pad": _HOLD,
            "arp": _ROLL, "lead": _THEME, "crash": "x|.|.|.|.|.|.|.",
        }),
        Section(4, "F Dm Am E", {
            "kick": "X...............|X...............|X.......X.......|X...X...X.X.X.X.", "pad": _HOLD,
            "arp": "0213021302130213", "bass": "1---------------", "crash": "x|.|.|.",
            "clap": ".|.|.|x...x...x.x.xxxx", "rise": f".|.|.|{_HOLD}", "hat": f".|.|{_OFF}|{_OFF}",
            "lead": "A4 - - C5 - - F5 - | E5 - D5 - A4 - - - | C5 - - E5 - - A5 - | G#5 - - - - - . .",
        }),
        Section(4, "Am F Dm E", {
            "kick": _FOUR, "clap": _BACK, "open": _OFF, "hat": _HATS, "bass": _RUN, "pad": _HOLD,
            "arp": "3210321032103210", "lead": _THEME_HIGH, "crash": "x|.|.|.",
        }),
        Section(1, "Am", {
            "kick": "X", "crash": "x", "bass": "1---------------", "pad": _HOLD, "lead": "A4 - - - - - - -",
        }),
    ),
)  # fmt: skip

_BOOM = "X......o..X....."
_LATE = "X.....x...Xo...."
_BRUSH = "x.xox.xox.xox.xo"
_WALK = "1-----5-1---8-5-"
_LEAN = "1-------..5-1---"
_STAB = "x------.x----.x-"
_SONG = "A4 - C5 - D5 C5 A4 - | F4 - A4 - D5 - A4 F4 | D5 - F5 - D5 C5 Bb4 - | G4 - - Bb4 A4 G4 . ."
_SONG_HIGH = "C5 - A4 C5 - F5 A5 - | F5 - D5 A4 - F4 A4 - | Bb4 - D5 F5 - D5 Bb4 - | C5 - Bb4 - A4 - G4 -"

PAPER_LANTERNS = Recipe(
    title="Paper Lanterns",
    tempo=108.0,
    key="F major",
    swing=0.3,
    hall_seconds=1.3,
    dust=0.05,
    band={
        "kick": Voice("drums", play.soft_kick, 0.62),
        "snare": Voice("drums", play.snare, 0.62, space=0.15),
        "hat": Voice("drums", play.hat, 0.6, pan=0.25),
        "bass": Voice("bass", play.round_bass, 0.36, ducked=True),
        "keys": Voice("chords", play.keys, 0.75, space=0.2, ducked=True),
        "pad": Voice("chords", play.pad, 0.4, space=0.4, ducked=True),
        "box": Voice("melody", play.music_box, 0.34, pan=-0.15, space=0.3, echo=0.3),
    },
    sections=(
        Section(2, "F C7", {
            "keys": _HOLD, "box": "A4 - C5 - F5 - - - | E5 - C5 - G4 - Bb4 -", "hat": f".|{_BRUSH}",
        }),
        Section(4, "F Dm7 Bb C7", {
            "keys": _STAB, "kick": _BOOM, "snare": _BACK, "hat": _BRUSH, "bass": _LEAN,
        }),
        Section(4, "F Dm7 Bb C7", {
            "keys": _STAB, "kick": f"{_BOOM}|{_LATE}", "snare": f"{_BACK}|....X..o.o..X..o", "hat": _BRUSH,
            "bass": _WALK, "box": _SONG,
        }),
        Section(4, "Bb F Gm7 C7", {
            "keys": _HOLD, "pad": _HOLD, "bass": "1---------------", "kick": f"X|X|{_BOOM}|{_BOOM}",
            "hat": "x...x...x...x...", "snare": f".|.|{_BACK}|....X.....x.X.xx",
            "box": "D5 - - F5 - - D5 - | C5 - - F5 - - A5 - | Bb4 - - D5 - - G5 - | E5 - - - C5 - Bb4 -",
        }),
        Section(4, "F Dm7 Bb C7", {
            "keys": _STAB, "pad": _HOLD, "kick": f"{_BOOM}|{_LATE}", "snare": f"{_BACK}|....X..o.o..X..o",
            "hat": _BRUSH, "bass": _WALK, "box": _SONG_HIGH,
        }),
        Section(1, "F6", {
            "keys": _HOLD, "pad": _HOLD, "kick": "X", "bass": "1---------------", "box": "A4 - - - F5 - - -",
        }),
    ),
)  # fmt: skip

RECIPES = (NIGHT_DRIVE, PAPER_LANTERNS)
