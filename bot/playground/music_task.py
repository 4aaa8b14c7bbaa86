"""What the music stand-in keeps of a task, and what it tells of it by callback and by record."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from bot.playground.music_faults import Spoilt
from bot.playground.music_forms import fields_of

STATUS = {"": "PENDING", "text": "TEXT_SUCCESS", "first": "FIRST_SUCCESS", "complete": "SUCCESS"}
STATE = {"": "waiting", "text": "generating", "first": "generating", "complete": "success"}
STAGES = ("text", "first", "complete")


@dataclass
class MusicKnobs:
    """What can be made to go wrong; each create and callback looks here at its own time."""

    create: str = ""
    """Empty: as it should be. `reset`, `html`, `no-task`: made, then answered badly. A number: refused with it."""
    message: str = "as the knob says"
    """What a refusal by number says."""
    told: str = "body"
    """Where a refusal by number stands: in the `body`, as the HTTP `status` alone, or in `both`."""
    create_seconds: float = 0.0
    stage_seconds: float = 0.05
    callbacks: str = "sent"
    """`sent`, `lost`, `doubled`, `early` (the first one before the create's answer) or `late`."""
    late_seconds: float = 3.0
    ends: str = "SUCCESS"
    error_code: int = 413
    records: int = 200
    """The code of every answer about a record."""
    links: str = "files"
    """What a finished record names: `files`, `streams` alone, or `none`."""
    streams_die: bool = True
    """Whether links to listen to are dead already: 200 and no byte, as they are after some hours."""
    same_takes: bool = False
    """Whether both takes are served with the same bytes."""
    skips: tuple[str, ...] = ()
    """Stages that are told of by nobody: `text`, `first`."""
    spoilt: dict[str, Spoilt] = field(default_factory=dict[str, Spoilt])
    """How answers go wrong, by phase: `upload`, `create`, `record`, `credit`, `file`."""
    codes: dict[str, int] = field(default_factory=dict[str, int])
    """Codes of answers, by phase; `told` says where they stand."""
    spoilt_seconds: float = 30.0
    """How long slow answers take."""
    elsewhere: str = "http://169.254.169.254/latest/meta-data"
    """Where redirects and foreign links lead."""
    webhook_key: str = ""
    fetches: bool = False
    """Whether sources that lie elsewhere are fetched before a create is taken, which else nobody looks at."""


@dataclass
class Task:
    """One create that was taken, and paid."""

    id: str
    body: dict[str, Any]
    tracks: tuple[str, ...]
    """Addresses of the finished audio."""
    stage: str = ""
    failed: str = ""
    error_code: int | None = None
    price: int = 0
    links: str = "files"
    answers: list[int] = field(default_factory=list[int])
    """HTTP statuses that its callbacks were answered with; 0 for none."""

    def record(self) -> dict[str, Any]:
        """The `data` of record-info, camelCase, the request as JSON text."""
        ready = {"": 0, "text": 0, "first": 1, "complete": len(self.tracks)}[self.stage]
        if self.unified:
            return self._info(ready)
        return {
            "taskId": self.id,
            "parentMusicId": "",
            "param": json.dumps(self.body),
            "response": {"taskId": self.id, "sunoData": [self._song(n, "camel") for n in range(ready)]},
            "status": self.failed or STATUS[self.stage],
            "type": "GENERATE",
            "errorCode": self.error_code,
            "errorMessage": None,
        }

    @property
    def unified(self) -> bool:
        """Whether it was made by the unified dialect."""
        return "input" in self.body

    def _info(self, ready: int) -> dict[str, Any]:
        """The `data` of recordInfo: the songs come as JSON text, and only at the end."""
        done = self.stage == "complete" and not self.failed
        songs = {"code": 200, "data": [self._song(n, "snake") for n in range(ready)]}
        return {
            "taskId": self.id,
            "model": self.body["model"],
            "state": "fail" if self.failed else STATE[self.stage],
            "param": json.dumps(self.body),
            "resultJson": json.dumps(songs) if done else "",
            "failCode": str(self.error_code or "") if self.failed else "",
            "failMsg": self.failed,
            "creditsConsumed": self.price,
        }

    def callback(self, stage: str) -> dict[str, Any]:
        """The body of a callback, snake_case; the unified dialect names the task twice and no track."""
        if self.unified:
            data = {"task_id": self.id, "callbackType": "task_completed"}
            return {"code": 200 if stage != "error" else 501, "msg": stage, "taskId": self.id, "data": data}
        ready = {"first": 1, "complete": len(self.tracks)}.get(stage, 0)
        return {
            "code": 200 if stage != "error" else self.error_code,
            "msg": "All generated successfully." if stage == "complete" else stage,
            "data": {
                "callbackType": stage,
                "task_id": self.id,
                "data": [self._song(n, "snake") for n in range(ready)] if stage != "error" else None,
            },
        }

    def _song(self, number: int, spelling: str) -> dict[str, Any]:
        url, stream = ("audioUrl", "streamAudioUrl") if spelling == "camel" else ("audio_url", "stream_audio_url")
        fields = fields_of(self.body)
        return {
            "id": f"{self.id}-{number}",
            url: self.tracks[number] if self.links == "files" else "",
            stream: self.tracks[number].replace("/files/", "/streams/") if self.links != "none" else "",
            "title": fields.get("title") or "Untitled",
            "tags": f"{fields.get('style') or fields.get('tags') or 'mashup'} (simulated)",
            "createTime": "2026-01-01 00:00:00",
            "duration": 20.0,
        }


def signed(key: str, task: str, timestamp: int) -> dict[str, str]:
    """The headers by which kie.ai signs a callback; none without a key."""
    if not key:
        return {}
    digest = hmac.new(key.encode(), f"{task}.{timestamp}".encode(), hashlib.sha256).digest()
    return {"X-Webhook-Timestamp": str(timestamp), "X-Webhook-Signature": base64.b64encode(digest).decode()}
