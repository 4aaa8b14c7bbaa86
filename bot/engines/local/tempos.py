"""One tempo for two sources: every way to share a beat, and which of them changes the sound least."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bot.engines.local.plan import Analysis, Reason, Source, other

FOLDS = (1.0, 2.0, 0.5)
USABLE = 1.16  # DJs call 3 % natural and 16 % usable
ALONE = 1.12  # up to this ratio one source moves alone, unless the style weight says otherwise
UNHEARD_STRETCH = 0.001  # below it nothing is worth a pass of the stretcher


@dataclass(frozen=True)
class Tempo:
    """`folds` says how many of a source's beats make one shared beat."""

    bpm: float
    rates: dict[Source, float]
    folds: dict[Source, float]
    reasons: tuple[Reason, ...]

    @property
    def largest(self) -> float:
        """The largest change of any source as a ratio of 1 and more."""
        return max(max(rate, 1 / rate) for rate in self.rates.values())


def shared_tempo(pair: dict[Source, Analysis], keeper: Source, style_weight: float) -> Tempo:
    """The candidate that changes least; moving both costs extra, and more of it the more the bed's style counts.

    A candidate over 16 % is only the answer where every other one is as well.
    """
    extra = math.log(ALONE) * (0.2 + 0.6 * style_weight)

    def cost(tempo: Tempo) -> tuple[bool, float]:
        both = all(rate != 1.0 for rate in tempo.rates.values())
        return tempo.largest > USABLE, math.log(tempo.largest) + (extra if both else 0.0)

    return min(candidates(pair, keeper), key=cost)


def candidates(pair: dict[Source, Analysis], keeper: Source) -> Iterator[Tempo]:
    """Half, same and double time, each with the other source moved alone or both meeting half-way."""
    mover = other(keeper)
    own, moving = pair[keeper].tempo_bpm, pair[mover].tempo_bpm
    for fold in FOLDS:
        ratio = own * fold / moving
        folds: dict[Source, float] = {keeper: 1.0, mover: fold}
        counted = _counted(fold, mover, moving)
        if abs(ratio - 1) < UNHEARD_STRETCH:
            same = Reason("tempo-same", {"bpm": round(own, 1)})
            yield Tempo(own, {keeper: 1.0, mover: 1.0}, folds, (*counted, same))
            continue
        follows = Reason("tempo-follows", {"source": mover, "bpm": round(own, 1), "percent": _percent(ratio)})
        yield Tempo(own, {keeper: 1.0, mover: ratio}, folds, (*counted, follows))
        half = math.sqrt(ratio)
        values = {"bpm": round(own / half, 1), "percent": _percent(max(half, 1 / half))}
        yield Tempo(own / half, {keeper: 1 / half, mover: half}, folds, (*counted, Reason("tempo-between", values)))


def _counted(fold: float, source: Source, bpm: float) -> tuple[Reason, ...]:
    if fold == 1.0:
        return ()
    return (Reason("tempo-double" if fold == 2.0 else "tempo-half", {"source": source, "bpm": round(bpm, 1)}),)


def _percent(ratio: float) -> float:
    return round((ratio - 1) * 100, 1)
