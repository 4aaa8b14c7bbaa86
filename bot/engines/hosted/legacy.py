"""The paths of `/api/v1/generate/...`, camelCase: the dialects `legacy` and `modeless`, which differ in data."""

from __future__ import annotations

from typing import Any

from bot.engines.hosted.dialect import Call, Endings, why
from bot.engines.hosted.records import entries, made_of
from bot.engines.port import TaskState, TaskStatus
from bot.errors import Code, Refusal
from bot.request import Operation

RECORD: str = "/api/v1/generate/record-info"
INERT_CALLBACK = "https://example.com/"
"""Where callbacks go when nobody can reach us: the field is required, and this host is reserved for examples."""
_FAILED = frozenset({"CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED"})
STATES: frozenset[str] = _FAILED | {
    "PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS", "CALLBACK_EXCEPTION", "SENSITIVE_WORD_ERROR",
}  # fmt: skip
DONE: frozenset[str] = frozenset({"SUCCESS", "CALLBACK_EXCEPTION"})
WIRE = {
    "custom_mode": "customMode",
    "negative_tags": "negativeTags",
    "vocal_gender": "vocalGender",
    "style_weight": "styleWeight",
    "weirdness": "weirdnessConstraint",
    "audio_weight": "audioWeight",
    "persona": "personaId",
    "persona_model": "personaModel",
}
"""Wire names that are not ours."""


def create(call: Call) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"model": call.request["model"], "callBackUrl": call.callback or INERT_CALLBACK}
    if call.operation is Operation.MASHUP:
        body["uploadUrlList"] = list(call.uploads)
    else:
        (body["uploadUrl"],) = call.uploads
    return call.rules.name, body | {WIRE.get(name, name): value for name, value in call.values().items()}


def state_of(record: Any) -> str:
    return str(entries(record).get("status") or "").upper()


def status_of(record: Any, endings: Endings) -> TaskStatus:
    status = state_of(record)
    if status == "SENSITIVE_WORD_ERROR":
        return TaskStatus(TaskState.REFUSED, refusal=Refusal(Code.TEXT_REFUSED))
    if status in _FAILED:
        return TaskStatus(TaskState.REFUSED, refusal=why(record.get("errorCode"), endings))
    if status in DONE and made_of(record):
        return TaskStatus(TaskState.READY, fraction=1.0)
    if status in ("FIRST_SUCCESS", "SUCCESS"):
        return TaskStatus(TaskState.RUNNING, stage="first", fraction=0.7)
    if status == "TEXT_SUCCESS":
        return TaskStatus(TaskState.RUNNING, stage="text", fraction=0.3)
    return TaskStatus(TaskState.RUNNING, stage="working", fraction=0.1)
