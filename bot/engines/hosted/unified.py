"""kie.ai's one path for everything, `/api/v1/jobs/createTask`, snake_case: the dialect `unified`."""

from __future__ import annotations

from typing import Any

from bot.engines.hosted.dialect import Call, Endings, why
from bot.engines.hosted.records import entries, made_of
from bot.engines.port import TaskState, TaskStatus
from bot.request import Operation

CREATE = "/api/v1/jobs/createTask"
RECORD: str = "/api/v1/jobs/recordInfo"
STATES: frozenset[str] = frozenset({"waiting", "queuing", "generating", "success", "fail"})
DONE: frozenset[str] = frozenset({"success"})
WIRE = {"weirdness": "weirdness_constraint"}
"""Wire names that are not ours."""


def create(call: Call) -> tuple[str, dict[str, Any]]:
    inputs: dict[str, Any] = {"model": call.request["model"]}
    if call.operation is Operation.MASHUP:
        inputs["upload_url_list"] = list(call.uploads)
    else:
        (inputs["upload_url"],) = call.uploads
    inputs |= {WIRE.get(name, name): value for name, value in call.values().items()}
    envelope = {"callBackUrl": call.callback} if call.callback else {}
    return CREATE, {"model": call.rules.name, **envelope, "input": inputs}


def state_of(record: Any) -> str:
    return str(entries(record).get("state") or "").lower()


def status_of(record: Any, endings: Endings) -> TaskStatus:
    state = state_of(record)
    if state == "fail":
        return TaskStatus(TaskState.REFUSED, refusal=why(record.get("failCode"), endings))
    if state in DONE:
        if made_of(record):
            return TaskStatus(TaskState.READY, fraction=1.0)
        return TaskStatus(TaskState.RUNNING, stage="first", fraction=0.7)
    return TaskStatus(TaskState.RUNNING, stage="working", fraction=_fraction(record))


def _fraction(record: Any) -> float:
    """Some models tell how far they are, in per cent."""
    progress = entries(record).get("progress")
    return min(max(progress / 100, 0.1), 0.9) if isinstance(progress, int | float) else 0.1
