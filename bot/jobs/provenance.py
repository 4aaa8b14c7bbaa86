"""How a result came to be, as one JSON object: of what, by which engine and options, what was found (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.jobs.job import Job
from bot.request import OPTIONS, EngineName, Operation

FORMAT = 1
_OWN = ("persona",)
"""What leads back to something else of its member."""


def provenance(job: Job) -> Mapping[str, Any]:
    """Names nobody, and a seed only where it had a part in it.

    Files are told by name and sha256; times are UTC milliseconds.
    """
    request = job.ask.request
    options = {name: request.get(name) for name in OPTIONS[Operation(job.ask.operation)] if name not in _OWN}
    report = {name: value for name, value in (job.report or {}).items() if name not in ("title", "seed", "model")}
    return {
        "format": FORMAT,
        "job": job.id,
        "title": job.title,
        "operation": job.ask.operation,
        "engine": job.ask.engine,
        "model": request.get("model"),
        "mode": request.get("mode"),
        "seed": job.ask.seed if job.ask.engine == EngineName.LOCAL else None,
        "asked_at": job.created_at,
        "again_of": job.ask.again_of,
        "options": {name: value for name, value in options.items() if value is not None},
        "unused_options": list(request.get("unused", ())),
        "sources": [
            {"side": s.side, "name": s.name, "bytes": s.size, "seconds": s.seconds, "sha256": s.hash}
            for s in job.ask.sources
        ],
        "tracks": [
            {"number": t.number, "title": t.title, "seconds": t.seconds, "sha256": t.hash} for t in job.tracks
        ],
        "report": report,
    }
