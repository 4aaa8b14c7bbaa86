"""The accompaniment styles of the truth corpus: groove, beats of a bar, and the tempi that each is played at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """`groove` and its `variations` are names of Debian's `mma`; tempi are in beats of the bar."""

    groove: str
    slowest: int
    fastest: int
    beats_per_bar: int = 4
    variations: tuple[str, ...] = ("Sus",)


# Those that analysis was tuned on.
KNOWN = (
    Style("50sRock", 105, 150, variations=("Sus", "Plus", "SusPlus")),
    Style("8Beat", 85, 140, variations=("Sus", "Plus", "SusPlus")),
    Style("Ballad", 60, 88, variations=("Sus", "Plus", "SusPlus")),
    Style("BasicRock", 90, 145),
    Style("Bebop", 150, 200, variations=("Sus", "Plus", "SusPlus")),
    Style("Beguine", 90, 130),
    Style("BigBand", 110, 170, variations=("Sus", "Plus", "SusPlus")),
    Style("Blues", 70, 120),
    Style("BoggieWoggie", 115, 165),
    Style("Bolero", 80, 110),
    Style("BoneyM", 100, 130, variations=("Sus", "Plus", "SusPlus")),
    Style("BossaNova", 105, 150, variations=("Sus", "Plus", "SusPlus")),
    Style("BVFunk", 85, 115, variations=("Sus", "Horns")),
    Style("ChaCha", 100, 130),
    Style("CountrySwing", 110, 150),
    Style("EasySwing", 90, 140),
    Style("Folk", 85, 130),
    Style("GuitarBallad", 65, 95),
    Style("JazzGuitar", 90, 140, variations=("Sus", "Plus", "SusPlus")),
    Style("JazzRock", 90, 130, variations=("Sus", "Plus", "SusPlus")),
    Style("LFusion", 85, 130),
    Style("March", 100, 126, variations=()),
    Style("PianoBallad", 60, 95),
    Style("Polka", 105, 135),
    Style("R&B", 80, 115, variations=("Sus", "Plus", "SusPlus")),
    Style("Rhumba", 95, 125),
    Style("Rock128", 60, 90, variations=("Sus", "Plus", "SusPlus")),
    Style("Salsa", 150, 195, variations=("Sus", "Plus", "SusPlus")),
    Style("Ska", 105, 150),
    Style("SlowBlues", 55, 75),
    Style("SoftRock", 75, 110, variations=("Sus", "1", "2")),
    Style("Strut", 90, 130),
    Style("Swing", 110, 190, variations=("Sus", "Plus")),
    Style("Trance", 122, 145, variations=("1", "2")),
    Style("Twist", 140, 170),
    Style("Waltz", 95, 170, 3),
    Style("CountryWaltz", 95, 150, 3),
    Style("JazzWaltz", 105, 180, 3),
    Style("RockWaltz", 90, 150, 3),
    Style("FrenchWaltz", 140, 185, 3),
)

# Those that it never met before it is measured.
UNKNOWN = (
    Style("60sRock", 105, 150, variations=("Sus", "Plus", "SusPlus")),
    Style("Ballad128", 55, 75, variations=("Sus", "Plus", "SusPlus")),
    Style("BlueFolk", 80, 120, variations=("Sus", "Plus")),
    Style("BubbleRock", 105, 150, variations=("Sus", "Plus", "SusPlus")),
    Style("Charleston", 150, 200, variations=("Sus", "Plus", "SusPlus")),
    Style("CubanGuitar", 90, 125, variations=("Sus", "Plus", "SusPlus")),
    Style("DSoulPlus", 75, 110, variations=()),
    Style("FolkRock", 95, 140, variations=("Sus", "Plus", "SusPlus")),
    Style("Foxtrot", 105, 150, variations=("Plus", "SusPlus")),
    Style("Jive", 130, 175, variations=("Sus", "Plus", "SusPlus")),
    Style("Mambo", 90, 120),
    Style("Merengue", 110, 150),
    Style("ModernJazz", 100, 160),
    Style("PopBallad", 62, 95, variations=("Sus", "Plus")),
    Style("RockBallad", 60, 92, variations=()),
    Style("SambaPlus", 85, 120, variations=()),
    Style("ShuffleBoggie", 105, 150),
    Style("Tango", 105, 130, variations=()),
    Style("WesternSwing", 110, 170, variations=("Sus", "Plus", "SusPlus")),
    Style("FastWaltz", 150, 190, 3, variations=("Sus", "Plus", "SusPlus")),
    Style("LatinWaltz", 95, 150, 3, variations=("Sus", "Plus", "SusPlus")),
    Style("VieneseWaltz", 145, 185, 3),
)
