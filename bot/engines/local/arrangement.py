"""Which layers play when, and which phrases: sections of whole bars, phrases that begin on downbeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bot.engines.local.keys import likeness, rotated
from bot.engines.local.plan import Analysis, Part, Plan, Reason, Section, Source, Span, Wishes, other
from bot.engines.local.policies import evenness
from bot.engines.local.shapes import chance, shape

LENGTH_SHARE, LONGEST, SHORTEST = 0.8, 150.0, 16.0  # of the sources' mean, and seconds
SOLO_DB = -1.5
ROOMY = 6  # units that a form with a beginning, a break and an end needs
JITTER = 0.6  # how much the seed may outweigh energy and harmony
READY = 0.6  # what it is worth that all the phrases of a run were fitted before
NEAR = 0.001  # seconds

JUMPS_FROM, REPEATS_FROM = 0.45, 0.55  # weirdness above which a layer jumps, and repeats a bar
WARP_BARS = 2  # of one fitting where the tempo drifts
WILDEST = 1.2  # a phrase whose own tempo is further from its source's is not used


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
    """`spans` of a source, their level against it (-1..1), chroma after the shift, accents of a beat, colour."""

    spans: tuple[Span, ...]
    energy: float
    chroma: tuple[float, ...]
    accents: tuple[float, ...] = ()
    colour: tuple[float, ...] = ()

    @property
    def start(self) -> float:
        return self.spans[0].start


@dataclass
class Deck:
    """Hands out the phrases of one source; remembers where it stopped and what it has played.

    Those that are `ready` were fitted for the track before.
    """

    source: Source
    phrases: Sequence[Phrase]
    ready: frozenset[int] = frozenset()
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
    layout: str,
    wishes: Wishes,
    ready: Plan | None = None,
) -> tuple[tuple[Section, ...], tuple[Reason, ...]]:
    """Sections of a beat-matched track and the reasons for its length and phrases, best those of `ready`."""
    bars = _phrase_bars(pair, clock, shortest=layout == "answers")
    decks: dict[Source, Deck] = {}
    for name, one in pair.items():
        phrases = _phrases(one, clock, clock.folds[name], bars, shifts[name])
        decks[name] = Deck(name, phrases, _ready(name, phrases, ready) if ready else frozenset())
    units = _units(pair, clock.bar_seconds * bars)
    steps = _steps(shape(layout, units, bed, wishes, seed), bed)
    chosen: list[dict[Source, Phrase]] = []
    reasons: list[Reason] = [
        Reason("length", {"bars": units * bars, "seconds": round(units * bars * clock.bar_seconds)})
    ]
    for place, sources in enumerate(steps):
        chosen.append({})
        for name in sources:
            ahead = _ahead(steps, name, place)
            phrase = _next_phrase(decks[name], chosen, name, place, ahead, seed, wishes.weirdness)
            chosen[place][name] = _odd(phrase, f"{name}{place}", seed, wishes.weirdness)
    reasons += _entries(steps, chosen)
    reasons += [
        Reason("phrases-repeat", {"source": name}) for name, deck in decks.items() if _repeats(deck, chosen)
    ]
    if ready:
        reasons.append(Reason("phrases-shared"))
    if any(len(sources) == 2 for sources in steps):
        reasons.append(Reason("bass-from", {"source": bed}))
    return _sections(steps, chosen, bed, bars, levels), tuple(reasons)


def _odd(phrase: Phrase, label: str, seed: int, weirdness: float) -> Phrase:
    """Sometimes, where asked for, the last bar but one comes again instead of the last."""
    last = phrase.spans[-1]
    if last.bars < 2 or chance(seed, f"odd {label}") >= (weirdness - REPEATS_FROM) * 2:
        return phrase
    bar = (last.end - last.start) / last.bars
    turn = last.start + bar * (last.bars - 1)
    head, again = Span(last.start, turn, last.bars - 1), Span(turn - bar, turn, 1)
    return replace(phrase, spans=(*phrase.spans[:-1], head, again))


def _phrase_bars(pair: dict[Source, Analysis], clock: Clock, *, shortest: bool) -> int:
    """Eight bars where that leaves room for a form and both sources have such phrases, else four, two or one."""
    for bars in (4, 2) if shortest else (8, 4, 2):
        phrases = min(len(_starts(pair[name], clock, clock.folds[name], bars)) for name in pair)
        if phrases >= 3 and _units(pair, bars * clock.bar_seconds) >= ROOMY:
            return bars
    return 1


def _starts(analysis: Analysis, clock: Clock, fold: float, bars: int) -> list[tuple[int, int]]:
    """(downbeat number, beat index) where whole phrases begin, one after the other, as the source's own do."""
    beats = round(bars * clock.beats_per_bar * fold)
    starts: list[tuple[int, int]] = []
    free = 0
    first = _first(analysis, bars)
    for number, beat in enumerate(analysis.downbeats):
        if number >= first and beat >= free and beat + beats < len(analysis.beats):
            starts.append((number, beat))
            free = beat + max(1, beats)
    return starts


def _first(analysis: Analysis, bars: int) -> int:
    """The downbeat from which phrases are counted: the one that meets most of those that were heard."""
    if not analysis.phrases or len(analysis.downbeats) < 3 * bars:
        return 0
    met = [sum(start % bars == first for start in analysis.phrases) for first in range(bars)]
    return met.index(max(met))


def _phrases(analysis: Analysis, clock: Clock, fold: float, bars: int, shift: float) -> list[Phrase]:
    beats = max(1, round(bars * clock.beats_per_bar * fold))
    downbeats = max(1, round(beats / analysis.beats_per_bar))
    found: list[Phrase] = []
    for number, beat in _starts(analysis, clock, fold, bars):
        spans = _spans(analysis, beat, beats, bars)
        if not _wild(analysis, spans, beats / bars):
            part = slice(number, number + downbeats)
            energy = max(-1.0, min(1.0, (_mean(analysis.energy[part]) - analysis.loudness_lufs) / 8))
            chroma = rotated(_mean_row(analysis.chroma[part], 12), shift)
            accents = _mean_row(analysis.accents[beat : beat + beats], 8)
            found.append(Phrase(spans, energy, chroma, accents, _mean_row(analysis.balance[part], 3)))
    if not found:  # a source of a bar or two: all of it, from its first downbeat
        start, end = analysis.beats[analysis.downbeats[0]], analysis.beats[-1]
        shared = (len(analysis.beats) - 1 - analysis.downbeats[0]) / fold / clock.beats_per_bar
        found.append(Phrase((Span(start, start + (end - start) * bars / shared, bars),), 0.0, (0.0,) * 12))
    return found


def _spans(analysis: Analysis, beat: int, beats: int, bars: int) -> tuple[Span, ...]:
    """One span where the tempo is steady; where it drifts, one for every two bars, each fitted by itself."""
    pieces = 1 if analysis.steady or bars <= WARP_BARS or beats % (bars // WARP_BARS) else bars // WARP_BARS
    edges = [analysis.beats[beat + piece * beats // pieces] for piece in range(pieces + 1)]
    return tuple(Span(start, end, bars // pieces) for start, end in pairwise(edges))


def _wild(analysis: Analysis, spans: Sequence[Span], beats_per_bar: float) -> bool:
    bar = 60 / analysis.tempo_bpm * beats_per_bar
    ratios = [(span.end - span.start) / (span.bars * bar) for span in spans]
    return any(not 1 / WILDEST < ratio < WILDEST for ratio in ratios)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _mean_row(rows: Sequence[Sequence[float]], width: int) -> tuple[float, ...]:
    return tuple(_mean([row[place] for row in rows]) for place in range(width))


def _units(pair: dict[Source, Analysis], unit_seconds: float) -> int:
    mean = sum(one.seconds for one in pair.values()) / 2
    wanted = min(LONGEST, max(SHORTEST, LENGTH_SHARE * mean))
    return max(2, round(wanted / unit_seconds))


def _steps(shape: str, bed: Source) -> list[tuple[Source, ...]]:
    lead = other(bed)
    layers: dict[str, tuple[Source, ...]] = {"b": (bed,), "l": (lead,), "+": (bed, lead)}
    return [layers[letter] for letter in shape]


def _ready(name: Source, phrases: Sequence[Phrase], before: Plan) -> frozenset[int]:
    """The phrases that lie inside what the track before plays of a source."""
    runs: list[list[float]] = []
    for span in sorted(
        (
            span
            for section in before.sections
            for part in section.parts
            if part.source == name
            for span in part.spans
        ),
        key=lambda span: span.start,
    ):
        if runs and span.start <= runs[-1][1] + NEAR:
            runs[-1][1] = max(runs[-1][1], span.end)
        else:
            runs.append([span.start, span.end])
    return frozenset(
        index
        for index, phrase in enumerate(phrases)
        if any(first <= phrase.start + NEAR and phrase.spans[-1].end <= last + NEAR for first, last in runs)
    )


def _ahead(steps: Sequence[tuple[Source, ...]], name: Source, place: int) -> int:
    """Units for which a source plays on from `place`."""
    return next((end for end in range(place, len(steps)) if name not in steps[end]), len(steps)) - place


def _next_phrase(
    deck: Deck,
    chosen: Sequence[dict[Source, Phrase]],
    name: Source,
    place: int,
    ahead: int,
    seed: int,
    weirdness: float,
) -> Phrase:
    """Goes on in the song while the layer keeps playing; a layer that enters picks the phrase that fits best."""
    was_playing = place > 0 and name in chosen[place - 1]
    jumps = chance(seed, f"jump {name}{place}") < (weirdness - JUMPS_FROM) * 1.6
    if was_playing and deck.can_go_on and not jumps:
        return deck.take(deck.next)
    partner = chosen[place].get(other(name))
    choices = [index for index in range(len(deck.phrases)) if not (jumps and index == deck.next)]
    choices = choices or list(range(len(deck.phrases)))
    return deck.take(max(choices, key=lambda index: (_worth(deck, index, partner, place, ahead, seed), -index)))


def _worth(deck: Deck, index: int, partner: Phrase | None, place: int, ahead: int, seed: int) -> float:
    """Energy, how well it goes with what plays, moving on, not repeating, the seed's taste, little work."""
    phrase = deck.phrases[index]
    later = 0.3 if index >= deck.next else 0.0
    again = -1.0 if index in deck.played else 0.0
    room = 0.4 * min(2, len(deck.phrases) - 1 - index) / 2
    taste = JITTER * (2 * chance(seed, f"{deck.source}{place}.{index}") - 1)
    opening = -0.5 * index / len(deck.phrases) if place == 0 else 0.0
    fitted = READY * sum(one in deck.ready for one in range(index, index + ahead)) / ahead
    return 0.5 * phrase.energy + _fit(phrase, partner) + later + again + room + taste + opening + fitted


def _fit(phrase: Phrase, partner: Phrase | None) -> float:
    """Harmony first, then accents in the same places, then a spectrum that both fill together."""
    if partner is None:
        return 0.0
    rhythm = likeness(phrase.accents, partner.accents) if phrase.accents and partner.accents else 0.0
    colour = evenness(phrase.colour, partner.colour) if phrase.colour and partner.colour else 0.0
    return likeness(phrase.chroma, partner.chroma) + 0.4 * rhythm + 0.3 * colour


def _entries(steps: Sequence[tuple[Source, ...]], chosen: Sequence[dict[Source, Phrase]]) -> list[Reason]:
    """One reason for the first entry of each source: where in the source it begins."""
    reasons: list[Reason] = []
    for name in ("a", "b"):
        place = next(index for index, sources in enumerate(steps) if name in sources)
        phrase = chosen[place][name]
        partner = chosen[place].get(other(name))
        values: dict[str, str | int | float] = {"source": name, "seconds": round(phrase.start, 1)}
        if partner and any(partner.chroma):
            fit = round(100 * likeness(phrase.chroma, partner.chroma))
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
                tuple(span for place in range(first, last + 1) for span in chosen[place][name].spans),
                levels[name] if both else SOLO_DB,
                bass=not both or name == bed,
            )
            for name in steps[first]
        )
        sections.append(Section(first * bars, (last - first + 1) * bars, parts))
        first = last + 1
    return tuple(sections)


def arrange_freely(
    pair: dict[Source, Analysis],
    bed: Source,
    bar_seconds: float,
    together: int,
    levels: dict[Source, float],
    seed: int,
    *,
    on_downbeats: bool,
) -> tuple[tuple[Section, ...], tuple[Reason, ...]]:
    """Bed alone, both for a few bars or none, lead alone: a change without a common beat, on downbeats if asked."""
    lead = other(bed)
    most = max(2, int(LONGEST / 2 / bar_seconds))
    alone = {name: max(1, min(most, int(pair[name].seconds / bar_seconds) - together)) for name in pair}
    starts: dict[Source, float] = {}
    for name, one in pair.items():
        spare = max(0.0, one.seconds - (alone[name] + together) * bar_seconds)
        start = round(spare * chance(seed, f"free-{name}"), 3)
        early = [one.beats[beat] for beat in one.downbeats if one.beats[beat] <= spare]
        starts[name] = min(early, key=lambda time: abs(time - start)) if on_downbeats and early else start

    def span(name: Source, first: int, bars: int) -> Span:
        start = starts[name] + first * bar_seconds
        return Span(start, start + bars * bar_seconds, bars)

    both = tuple(
        Part(name, (span(name, alone[bed] if name == bed else 0, together),), levels[name], bass=name == lead)
        for name in ("a", "b")
    )
    sections = (
        Section(0, alone[bed], (Part(bed, (span(bed, 0, alone[bed]),), SOLO_DB, bass=True),)),
        *((Section(alone[bed], together, both),) if together else ()),
        Section(
            alone[bed] + together,
            alone[lead],
            (Part(lead, (span(lead, together, alone[lead]),), SOLO_DB, bass=True),),
        ),
    )
    if not together:
        return sections, (Reason("handed-over"),)
    code = "transition" if on_downbeats else "crossfade-only"
    return sections, (Reason(code, {"seconds": round(together * bar_seconds, 1)}),)
