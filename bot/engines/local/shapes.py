"""The order of layers by unit of phrases: b bed alone, l lead alone, + both."""

from __future__ import annotations

from bot.engines.local.plan import Reason, Source, Wishes

# The seed takes one. Longer tracks than a table's repeat the middle of its longest.
_LAYERED = {
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
TOLD = {
    "layered": Reason("layout-layered"),
    "answers": Reason("layout-answers"),
    "intro-outro": Reason("layout-intro-outro"),
}
_ANSWERS = ("bl+", "lb+", "blbl+", "lbbl+")
STRONG = 0.2  # distance of a weight from the middle that changes who plays
WEIRD = 0.7  # weirdness from which the first track is call and answer too


def layout_for(seed: int, wishes: Wishes, *, swapped: bool) -> str:
    """The first track is layered, the second is built otherwise, so that two tracks differ in more than roles."""
    if not swapped and wishes.weirdness < WEIRD:
        return "layered"
    return ("answers", "intro-outro")[draw(seed, "layout") % 2] if swapped else "answers"


def shape(layout: str, units: int, bed: Source, wishes: Wishes, seed: int) -> str:
    """Letters for every unit, as the weights ask for them."""
    letters = {"answers": _answers, "intro-outro": _intro_outro, "alternating": _alternating}.get(layout, _layered)
    made = letters(units, seed)
    return made if layout == "alternating" else _weighed(made, bed, wishes)


def _layered(units: int, seed: int) -> str:
    table = _LAYERED[min(units, max(_LAYERED))]
    made = table[draw(seed, "shape") % len(table)]
    while len(made) < units:
        middle = len(made) // 2
        made = made[:middle] + "+l+b"[: units - len(made)] + made[middle:]
    return made


def _answers(units: int, seed: int) -> str:
    """Question and answer in turns, and both at last."""
    turn = _ANSWERS[draw(seed, "answers") % len(_ANSWERS)]
    made = (turn * units)[: units - 1]
    return made + "+" if "+" not in made[-1:] else made + "b"


def _intro_outro(units: int, seed: int) -> str:
    """One source comes in and goes on, both meet, the other leads out."""
    outer = max(1, units // 3)
    return "b" * outer + "+" * (units - 2 * outer) + "l" * outer if units > 2 else "b+"


def _alternating(units: int, seed: int) -> str:
    turn = ("bl", "bbl", "lb")[draw(seed, "turns") % 3]
    made = (turn * units)[:units]
    return made if len(set(made)) == 2 else "bl"


def _weighed(made: str, bed: Source, wishes: Wishes) -> str:
    """A source that weighs little plays alone nowhere but at the edges, and a strict bed never stops."""
    lean = wishes.audio_weight - 0.5 if bed == "a" else 0.5 - wishes.audio_weight
    middle, weak = made[1:-1], ""
    if lean > STRONG or wishes.style_weight - 0.5 > STRONG:
        weak += "l"
    if -lean > STRONG:
        weak += "b"
    for letter in weak:
        middle = middle.replace(letter, "+")
    if 0.5 - wishes.style_weight > STRONG and "b" not in weak:
        middle = middle.replace("++", "+l")
    return made[:1] + middle + made[-1:] if len(made) > 1 else made


def draw(seed: int, label: str) -> int:
    """32 bits that depend on the seed and the label only (FNV-1a, mixed as MurmurHash3 ends), alike everywhere."""
    state = 0x811C9DC5
    for byte in f"{seed}:{label}".encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return state ^ state >> 16


def chance(seed: int, label: str) -> float:
    """0 to 1, as `draw`."""
    return draw(seed, label) / 2**32
