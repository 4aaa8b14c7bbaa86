"""Which layers play when, and which phrases: sections of whole bars, phrases that begin on downbeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.engines.local.plan import Analysis, Part, Reason, Section, Source, Span, other

LENGTH_SHARE, LONGEST, SHORTEST = 0.8, 150.0, 16.0  # of the sources' mean, and seconds
SOLO_DB = -1.5
ROOMY = 6  # units that a form with a beginning, a break and an end needs
JITTER = 0.6  # how much the seed may outweigh energy and harmony

# Layers by unit of phrases: b bed alone, l lead alone, + both. The seed takes one.
_SHAPES = {
    2: ("+b", "+l"),
    3: ("b+b", "b+l", "l+b"),
    4: ("b++b", "l++b", "b+l+"),
    5: ("b++lb", "b++l+", "l++b+", "b+l+b"),
    6: ("b++l+b", "b+++lb", "l++b+b", "b+l++b"),
    7: ("b++l++b", "b+++l+b", "l++b++b", "b++b+lb"),
    8: ("b+++l++b", "b++l+++b", "l++b+++b", "b++l+l+b"),
    9: ("b+++l+++b", "b++l+b++b", "l+++b++lb", "b++b++l+b"),
    10: ("b+++l++l+b", "b++l++b++b", "l+++b+++lb", "b+++b++l+b"),
}


@dataclass(frozen=True)
class Clock:
    """The shared bars: `folds` says how many of a source's beats make one shared beat."""

    bpm: float
    beats_per_bar: int
    folds: dict[Source, float]

    @property
    def bar_seconds(self) -> float:
        return 60.0 / self.bpm * self.beats_per_bar


@dataclass(frozen=True)
class Phrase:
    """`span` of a source, how loud it is against its source (-1..1), and its chroma after the key shift."""

    span: Span
    energy: float
    chroma: tuple[float, ...]


@dataclass
class Deck:
    """Hands out the phrases of one source; remembers where it stopped and what it has played."""

    source: Source
    phrases: Sequence[Phrase]
    next: int = 0
    played: set[int] = field(default_factory=set[int])

    def take(self, index: int) -> Phrase:
        self.next = index + 1
        self.played.add(index)
        return self.phrases[index]

    @property
    def can_go_on(self) -> bool:
        return 0 < self.next < len(self.phrases)


def arrange(
    pair: dict[Source, Analysis],
    bed: Source,
    clock: Clock,
    shifts: dict[Source, float],
    levels: dict[Source, float],
    seed: int,
) -> tuple[tuple[Section, ...], tuple[Reason, ...]]:
    """Sections of a beat-matched track and the reasons for its length and phrases."""
    bars = _phrase_bars(pair, clock)
    decks = {name: Deck(name, _phrases(pair[name], clock, clock.folds[name], bars, shifts[name])) for name in pair}
    units = _units(pair, clock.bar_seconds * bars)
    shape = _shape(units, seed)
    steps = _steps(shape, bed)
    chosen: list[dict[Source, Phrase]] = []
    reasons: list[Reason] = [
        Reason("length", {"bars": units * bars, "seconds": round(units * bars * clock.bar_seconds)})
    ]
    for place, sources in enumerate(steps):
        chosen.append({})
        for name in sources:
            chosen[place][name] = _next_phrase(decks[name], chosen, name, place, seed)
    reasons += _entries(steps, chosen)
    reasons += [
        Reason("phrases-repeat", {"source": name}) for name, deck in decks.items() if _repeats(deck, chosen)
    ]
    if any(len(sources) == 2 for sources in steps):
        reasons.append(Reason("bass-from", {"source": bed}))
    return _sections(steps, chosen, bed, bars, levels), tuple(reasons)


def _phrase_bars(pair: dict[Source, Analysis], clock: Clock) -> int:
    """Eight bars where that leaves room for a form and both sources have such phrases, else four, two or one."""
    for bars in (8, 4, 2):
        phrases = min(len(_starts(pair[name], clock, clock.folds[name], bars)) for name in pair)
        if phrases >= 3 and _units(pair, bars * clock.bar_seconds) >= ROOMY:
            return bars
    return 1


def _starts(analysis: Analysis, clock: Clock, fold: float, bars: int) -> list[tuple[int, int]]:
    """(downbeat number, beat index) where whole phrases begin, one after the other."""
    beats = round(bars * clock.beats_per_bar * fold)
    starts: list[tuple[int, int]] = []
    free = 0
    for number, beat in enumerate(analysis.downbeats):
        if beat >= free and beat + beats < len(analysis.beats):
            starts.append((number, beat))
            free = beat + max(1, beats)
    return starts


def _phrases(analysis: Analysis, clock: Clock, fold: float, bars: int, shift: float) -> list[Phrase]:
    beats = max(1, round(bars * clock.beats_per_bar * fold))
    downbeats = max(1, round(beats / analysis.beats_per_bar))
    found: list[Phrase] = []
    for number, beat in _starts(analysis, clock, fold, bars):
        span = Span(analysis.beats[beat], analysis.beats[beat + beats], bars)
        energy = _mean(analysis.energy[number : number + downbeats])
        chroma = _rotate(_mean_chroma(analysis.chroma[number : number + downbeats]), round(shift))
        found.append(Phrase(span, max(-1.0, min(1.0, (energy - analysis.loudness_lufs) / 8)), chroma))
    if not found:  # a source of a bar or two: all of it, from its first downbeat
        start, end = analysis.beats[analysis.downbeats[0]], analysis.beats[-1]
        shared = (len(analysis.beats) - 1 - analysis.downbeats[0]) / fold / clock.beats_per_bar
        found.append(Phrase(Span(start, start + (end - start) * bars / shared, bars), 0.0, (0.0,) * 12))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _mean_chroma(bars: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(_mean([bar[note] for bar in bars]) for note in range(12))


def _rotate(chroma: tuple[float, ...], semitones: int) -> tuple[float, ...]:
    return tuple(chroma[(note - semitones) % 12] for note in range(12))


def _units(pair: dict[Source, Analysis], unit_seconds: float) -> int:
    mean = sum(one.seconds for one in pair.values()) / 2
    wanted = min(LONGEST, max(SHORTEST, LENGTH_SHARE * mean))
    return max(2, round(wanted / unit_seconds))


def _shape(units: int, seed: int) -> str:
    """The order of layers. Longer tracks than the table's repeat its middle."""
    table = _SHAPES[min(units, max(_SHAPES))]
    shape = table[draw(seed, "shape") % len(table)]
    while len(shape) < units:
        middle = len(shape) // 2
        shape = shape[:middle] + "+l+b"[: units - len(shape)] + shape[middle:]
    return shape


def _steps(shape: str, bed: Source) -> list[tuple[Source, ...]]:
    lead = other(bed)
    layers: dict[str, tuple[Source, ...]] = {"b": (bed,), "l": (lead,), "+": (bed, lead)}
    return [layers[letter] for letter in shape]


def _next_phrase(deck: Deck, chosen: Sequence[dict[Source, Phrase]], name: Source, place: int, seed: int) -> Phrase:
    """Goes on in the song while the layer keeps playing; a layer that enters picks the phrase that fits best."""
    was_playing = place > 0 and name in chosen[place - 1]
    if was_playing and deck.can_go_on:
        return deck.take(deck.next)
    partner = chosen[place].get(other(name))
    choices = range(len(deck.phrases))
    return deck.take(max(choices, key=lambda index: (_worth(deck, index, partner, place, seed), -index)))


def _worth(deck: Deck, index: int, partner: Phrase | None, place: int, seed: int) -> float:
    """Energy, harmony with what already plays, moving on in the song, not repeating, and the seed's taste."""
    phrase = deck.phrases[index]
    later = 0.3 if index >= deck.next else 0.0
    again = -1.0 if index in deck.played else 0.0
    room = 0.4 * min(2, len(deck.phrases) - 1 - index) / 2
    harmony = _cosine(phrase.chroma, partner.chroma) if partner else 0.0
    taste = JITTER * (draw(seed, f"{deck.source}{place}.{index}") / 2**32 * 2 - 1)
    opening = -0.5 * index / len(deck.phrases) if place == 0 else 0.0
    return 0.5 * phrase.energy + harmony + later + again + room + taste + opening


def _cosine(one: Sequence[float], two: Sequence[float]) -> float:
    norm = math.sqrt(sum(x * x for x in one) * sum(y * y for y in two))
    return sum(x * y for x, y in zip(one, two, strict=True)) / norm if norm > 0 else 0.0


def draw(seed: int, label: str) -> int:
    """32 bits that depend on the seed and the label only (FNV-1a, mixed as MurmurHash3 ends), alike everywhere."""
    state = 0x811C9DC5
    for byte in f"{seed}:{label}".encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return state ^ state >> 16


def _entries(steps: Sequence[tuple[Source, ...]], chosen: Sequence[dict[Source, Phrase]]) -> list[Reason]:
    """One reason for the first entry of each source: where in the source it begins."""
    reasons: list[Reason] = []
    for name in ("a", "b"):
        place = next(index for index, sources in enumerate(steps) if name in sources)
        phrase = chosen[place][name]
        partner = chosen[place].get(other(name))
        values: dict[str, str | int | float] = {"source": name, "seconds": round(phrase.span.start, 1)}
        if partner and any(partner.chroma):
            fit = round(100 * _cosine(phrase.chroma, partner.chroma))
            reasons.append(Reason("phrase-fits", {**values, "percent": fit}))
        else:
            reasons.append(Reason("phrase-opens", values))
    return reasons


def _repeats(deck: Deck, chosen: Sequence[dict[Source, Phrase]]) -> bool:
    return sum(deck.source in playing for playing in chosen) > len(deck.played)


def _sections(
    steps: Sequence[tuple[Source, ...]],
    chosen: Sequence[dict[Source, Phrase]],
    bed: Source,
    bars: int,
    levels: dict[Source, float],
) -> tuple[Section, ...]:
    """Joins neighbouring units with the same layers."""
    sections: list[Section] = []
    first = 0
    while first < len(steps):
        last = first
        while last + 1 < len(steps) and steps[last + 1] == steps[first]:
            last += 1
        both = len(steps[first]) == 2
        parts = tuple(
            Part(
                name,
                tuple(chosen[place][name].span for place in range(first, last + 1)),
                levels[name] if both else SOLO_DB,
                bass=not both or name == bed,
            )
            for name in steps[first]
        )
        sections.append(Section(first * bars, (last - first + 1) * bars, parts))
        first = last + 1
    return tuple(sections)


def arrange_freely(
    pair: dict[Source, Analysis], bed: Source, bar_seconds: float, levels: dict[Source, float], seed: int
) -> tuple[tuple[Section, ...], tuple[Reason, ...]]:
    """Bed alone, both for a short while, lead alone: a crossfade that needs no common beat."""
    lead = other(bed)
    together = 2
    most = max(2, int(LONGEST / 2 / bar_seconds))
    alone = {name: max(1, min(most, int(pair[name].seconds / bar_seconds) - together)) for name in pair}
    starts: dict[Source, float] = {}
    for name, one in pair.items():
        spare = max(0.0, one.seconds - (alone[name] + together) * bar_seconds)
        starts[name] = round(spare * (draw(seed, f"free-{name}") / 2**32), 3)

    def span(name: Source, first: int, bars: int) -> Span:
        start = starts[name] + first * bar_seconds
        return Span(start, start + bars * bar_seconds, bars)

    both = tuple(
        Part(name, (span(name, alone[bed] if name == bed else 0, together),), levels[name], bass=name == lead)
        for name in ("a", "b")
    )
    sections = (
        Section(0, alone[bed], (Part(bed, (span(bed, 0, alone[bed]),), SOLO_DB, bass=True),)),
        Section(alone[bed], together, both),
        Section(
            alone[bed] + together,
            alone[lead],
            (Part(lead, (span(lead, together, alone[lead]),), SOLO_DB, bass=True),),
        ),
    )
    return sections, (Reason("crossfade-only", {"seconds": round(together * bar_seconds, 1)}),)
