"""Looks on at both stand-ins and writes down what a member, Discord and a provider could see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.playground.intake import Call
from bot.playground.world import Interaction, Message, World
from bot.texts import DEFAULT, say
from tests.chaos.history import History
from tests.playground import shown_text

_INVALID = (401, 403, 429)
_ENDS = frozenset({"result", "notice"})
_TAG = re.compile(r"\b(k\d+)a × \1b\b")
_MARK = re.compile(r"\b[0-9a-z]{12}\b")
_FILE = re.compile(r"^mashup-([0-9a-z]{12})-\d+\.mp3$")


def _sentence(message: str) -> re.Pattern[str]:
    """A sentence of the catalogue as a pattern: any text in its placeholders, `job` as a group."""
    job, any_text = "JOBHERE", "TEXTHERE"
    text = re.escape(say(DEFAULT, message, job=job, member=any_text, mark=any_text))
    return re.compile(text.replace(job, "(?P<job>[0-9a-z]{12})").replace(any_text, ".*?"))


ACCEPTED = (_sentence("accepted"), _sentence("accepted-private"))
_SIGNED = _sentence("card-footer")
_NOTICE, _READY, _SORRY = _sentence("notice-greeting"), _sentence("hint-ready"), _sentence("hint-failed")
_SHARED = _sentence("result-shared")
_SAYS = {stage: say(DEFAULT, f"stage-{stage}") for stage in ("done", "kept", "failed", "cancelled", "unknown")}
"""What a live card says of an end."""


class Recorder:
    """Hears the Discord stand-in's world; `secrets` by name must never be shown."""

    def __init__(self, history: History, world: World, secrets: Mapping[str, str]) -> None:
        self._history = history
        self._world = world
        self._secrets = secrets
        self._roles: dict[int, set[str]] = {}
        self._pictures: dict[int, tuple[int, int]] = {}
        self._accepted: set[int] = set()
        self._marks: dict[int, set[str]] = {}
        self.cards: dict[int, str] = {}
        """What each live card says of an end, or nothing."""
        self._bot = world.bot.id
        self.results = 0
        """Result messages that appeared so far."""

    def was_promised(self, interaction: Interaction) -> bool:
        """Whether the asker was told that it will be done."""
        return interaction.original is not None and interaction.original.id in self._accepted

    def hear(self, kind: str, subject: Any) -> None:
        if kind == "message" and isinstance(subject, Message) and subject.author_id == self._bot:
            self._message(subject)

    def saw(self, call: Call, response: web.StreamResponse) -> None:
        """Every answer to the bot."""
        if response.status in _INVALID:
            self._history.note("invalid", status=response.status, method=call.method, path=call.path[:80])

    def _message(self, message: Message) -> None:
        text = shown_text(message)
        self._promise(message, text)
        roles = self._roles.setdefault(message.id, set())
        role = _role(message, text)
        if role == "card" and roles & _ENDS:
            self._overwritten(message, text)
        if role == "card":
            self._carded(message, text)
        if role == "result":
            self._pictured(message, text)
        if role is None:
            self._mark(message, text)
        if role is None or role in roles:
            return
        roles.add(role)
        self.results += role == "result"
        signed, tag = _SIGNED.search(text), _TAG.search(text)
        place = self._world.directs.get(message.channel_id)
        self._history.note(
            "message",
            message=message.id,
            role=role,
            job=signed["job"] if signed else "",
            tag=tag[1] if tag else "",
            channel=str(message.channel_id),
            direct=str(place.recipient_id) if place else "",
            to=str(message.visible_to) if message.visible_to else None,
            by=str(message.interaction.user_id) if message.interaction else None,
        )
        self._look_for_secrets(message, text)

    def _mark(self, message: Message, text: str) -> None:
        """Whatever may be the id of a post in a message that belongs to no job."""
        for mark in set(_MARK.findall(text)) - self._marks.setdefault(message.id, set()):
            self._marks[message.id].add(mark)
            self._history.note("marked", message=message.id, mark=mark)

    def _pictured(self, message: Message, text: str) -> None:
        """How many sounds and pictures a result has, whenever that changes once it has pictures."""
        sounds, pictures = len(message.attachments), len(message.embedded)
        if pictures == 0 or self._pictures.get(message.id) == (sounds, pictures):
            return
        self._pictures[message.id] = (sounds, pictures)
        signed = _SIGNED.search(text)
        job = signed["job"] if signed else ""
        self._history.note("pictured", message=message.id, job=job, sounds=sounds, pictures=pictures)

    def _carded(self, message: Message, text: str) -> None:
        says = next((stage for stage, words in _SAYS.items() if words in text), "")
        if self.cards.get(message.id) != says:
            self.cards[message.id] = says
            self._history.note("card", message=message.id, says=says)

    def _overwritten(self, message: Message, text: str) -> None:
        signed = _SIGNED.search(text)
        self._history.note("overwritten", message=message.id, job=signed["job"] if signed else "")

    def _promise(self, message: Message, text: str) -> None:
        """The words by which a member knows that the job will be done."""
        found = next((match for pattern in ACCEPTED if (match := pattern.search(text))), None)
        if found is None or message.interaction is None or message.id in self._accepted:
            return
        self._accepted.add(message.id)
        answered = [one for one in self._world.interactions.values() if one.original is message]
        last = max(answered or [message.interaction], key=lambda one: one.id)  # a button may answer on its own card
        self._history.note("accepted", interaction=str(last.id), job=found["job"])

    def _look_for_secrets(self, message: Message, text: str) -> None:
        shown = " ".join([text, *(file.filename for file in (*message.attachments, *message.embedded))])
        for name, secret in self._secrets.items():
            if secret in shown:
                self._history.note("leak", secret=name, where=f"message {message.id}")


def _role(message: Message, text: str) -> str | None:
    """What a message is to its job; None for what belongs to none. The answer to `/jobs get` is a copy."""
    signed = _SIGNED.search(text)
    marks = {match[1] for file in message.attachments if (match := _FILE.match(file.filename))}
    if marks and _SHARED.search(text):
        return "shared"
    if marks:
        return "copy" if signed and signed["job"] in marks else "result"
    if signed is None:
        return None
    for role, pattern in (("notice", _NOTICE), ("ready", _READY), ("sorry", _SORRY)):
        if pattern.search(text):
            return role
    return "card"
