"""The two ways to say no: `ApiError` to the bot with Discord's numbers, `MemberError` to the person at the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_STATUS_AND_MESSAGE = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20016: (400, "This action cannot be performed due to slowmode rate limit"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50024: (400, "Cannot execute action on this channel type"),
    50033: (400, "Invalid Recipient(s)"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user"),
    160004: (400, "A thread has already been created for this message"),
}


class ApiError(Exception):
    """An answer to the bot: HTTP status, Discord's code and, for a bad body, where it is bad."""

    def __init__(
        self,
        code: int,
        *,
        status: int = 0,
        message: str = "",
        errors: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        known_status, known_message = _STATUS_AND_MESSAGE.get(code, (400, "General error"))
        self.status = status or known_status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {"message": message or known_message, "code": code}
        if errors:
            self.body["errors"] = dict(errors)
        super().__init__(f"{self.status} {self.body}")


class RateLimited(ApiError):  # noqa: N818 - as Discord words it
    """429: ask again in `seconds`. Without the `Via` header discord.py takes it for a ban by Cloudflare."""

    def __init__(
        self, seconds: float, *, everywhere: bool = False, headers: Mapping[str, str] | None = None
    ) -> None:
        own = {"Retry-After": str(math.ceil(seconds)), "Via": "1.1 playground"}
        scope = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"} if everywhere else {}
        super().__init__(0, status=429, headers={**(headers or {}), **own, **scope})
        retry_after = round(max(0.001, seconds), 3)
        self.body = {
            "message": "You are being rate limited.",
            "retry_after": retry_after,
            "global": everywhere,
        }


class MemberError(Exception):
    """Something a member cannot do; the text is shown beside the form, `field` names the option at fault."""

    def __init__(self, text: str, *, field: str = "") -> None:
        self.text = text
        self.field = field
        super().__init__(text)
