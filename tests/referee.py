"""Watches a stand-in and holds each request of the bot, each reply and each event to Discord's OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.playground.intake import Call
from bot.playground.server import Standin
from bot.playground.world import Json
from tests.openapi import VARIABLE, Document, Fault, chosen, find_document

# The document describes no events, but most objects in them; `*` stands for each item or value.
EVENTS: Mapping[str, Mapping[str, str]] = {
    "READY": {"user": "UserPIIResponse"},
    "GUILD_CREATE": {
        "": "GuildResponse",
        "members/*": "GuildMemberResponse",
        "channels/*": "GuildChannelResponse",
        "threads/*": "ThreadResponse",
    },
    "GUILD_UPDATE": {"": "GuildResponse"},
    "GUILD_ROLE_CREATE": {"role": "GuildRoleResponse"},
    "GUILD_ROLE_UPDATE": {"role": "GuildRoleResponse"},
    "GUILD_MEMBER_ADD": {"": "GuildMemberResponse"},
    "CHANNEL_CREATE": {"": "GuildChannelResponse"},
    "CHANNEL_UPDATE": {"": "GuildChannelResponse"},
    "CHANNEL_DELETE": {"": "GuildChannelResponse"},
    "THREAD_CREATE": {"": "ThreadResponse"},
    "THREAD_UPDATE": {"": "ThreadResponse"},
    "MESSAGE_CREATE": {"": "MessageResponse"},
    "MESSAGE_UPDATE": {"": "MessageResponse"},
    "INTERACTION_CREATE": {
        "member": "GuildMemberResponse",
        "message": "MessageResponse",
        "data/resolved/users/*": "UserResponse",
        "data/resolved/roles/*": "GuildRoleResponse",
        "data/resolved/messages/*": "MessageResponse",
        "data/resolved/attachments/*": "MessageAttachmentResponse",
    },
}
# Routes that the document lacks, and where they are described instead.
UNDOCUMENTED = {("POST", "/attachments/refresh-urls"): "Discord's site, at the reference of attachment links"}
SERVER_FAULT = 500


@dataclass(frozen=True)
class Violation:
    """Something that Discord would not take from a bot, or would not say to it."""

    by_bot: bool
    about: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.about} {self.fault}"


class Referee:
    """Counts what it checked and keeps what it found until somebody takes it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[Violation] = []
        self.checked = {"requests": 0, "replies": 0, "events": 0}

    def watch(self, standin: Standin) -> None:
        """Look on from now; the stand-in has to be started."""
        standin.watch(self.saw_call)
        standin.gateway.watchers.append(self.saw_event)

    def take(self) -> list[Violation]:
        """What was found since the last time."""
        found, self._found = self._found, []
        return found

    def judge(self, *, bot_may_err: bool = False) -> None:
        """AssertionError when something was found since the last time."""
        lines = dict.fromkeys(str(one) for one in self.take() if not (one.by_bot and bot_may_err))
        assert not lines, "\n".join(["against Discord's OpenAPI document:", *lines])

    def saw_call(self, call: Call, response: web.StreamResponse) -> None:
        about = f"{call.method} {call.path}"
        operation = self._document.operation(call.method, call.path)
        if operation is None:
            if (call.method, call.path) not in UNDOCUMENTED:
                self._note(True, about, [Fault("", "the document has no such route")])
            return
        unread = call.body is None  # refused before its body was looked at
        if not unread and (faults := self._document.request_faults(operation, call.body)) is not None:
            self.checked["requests"] += 1
            self._note(True, f"request {about}", faults)
        if response.status < SERVER_FAULT:  # from there on, a proxy may have answered with anything
            self.checked["replies"] += 1
            faults = self._document.reply_faults(operation, response.status, _bytes_of(response))
            self._note(False, f"reply {response.status} to {about}", faults)

    def saw_event(self, event: str, data: Json) -> None:
        for path, schema in EVENTS.get(event, {}).items():
            for pointer, body in chosen(data, path):
                faults = self._document.object_faults(schema, body)
                self._note(
                    False, f"event {event}", [Fault(pointer + fault.pointer, fault.message) for fault in faults]
                )
        self.checked["events"] += event in EVENTS

    def _note(self, by_bot: bool, about: str, faults: list[Fault]) -> None:
        self._found += [Violation(by_bot, about, fault) for fault in faults]


def _bytes_of(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


on_duty: Referee | None = None
"""The one that watches every Playground of this test run, when there is a document."""


def appointed() -> Referee | None:
    """One with the document, when there is one; FileNotFoundError when the environment names no file."""
    path = find_document()
    return Referee(Document(path)) if path is not None else None


def summary() -> str:
    """One line about the whole run."""
    if on_duty is None:
        return f"OpenAPI check: did not run, no document was found (name one in {VARIABLE})"
    counts = ", ".join(f"{count} {name}" for name, count in on_duty.checked.items())
    return f"OpenAPI check: ran over {counts}"
