"""Two decks, A and B: what is on them, and where another track goes (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

SIDES = ("a", "b")


@dataclass(frozen=True)
class Loaded:
    """A track on a deck: its name, our copy of it (sha256, bytes), its seconds, and the message it came with."""

    name: str
    hash: str
    size: int
    seconds: float
    channel: str
    message: str


@dataclass(frozen=True)
class Decks:
    """Both decks, and until when they are kept (UTC milliseconds; 0 while they are empty)."""

    a: Loaded | None = None
    b: Loaded | None = None
    expires_at: int = 0

    @property
    def loaded(self) -> Mapping[str, Loaded]:
        """The tracks by side, A first."""
        return {side: track for side, track in zip(SIDES, (self.a, self.b), strict=True) if track is not None}

    @property
    def missing(self) -> tuple[str, ...]:
        """The sides with nothing on them."""
        return tuple(side for side in SIDES if side not in self.loaded)

    def swapped(self) -> Decks:
        return replace(self, a=self.b, b=self.a)

    def with_tracks(self, tracks: Sequence[Loaded]) -> Decks:
        """Two tracks take both decks; one takes A, or else B, in whose place it comes when both are full."""
        if len(tracks) > 1:
            return replace(self, a=tracks[0], b=tracks[1])
        if not tracks:
            return self
        return replace(self, a=tracks[0]) if self.a is None else replace(self, b=tracks[0])
