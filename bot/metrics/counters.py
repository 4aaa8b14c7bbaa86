"""Everything that is counted while it happens. No label holds an id: each has a short list of values."""

from __future__ import annotations

from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_CALL = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
_STATE = (0.5, 1, 2, 5, 15, 30, 60, 120, 300, 900, 3600, 21_600)
_CODES = frozenset({*HTTPStatus, 430, 433, 455, 531})
"""Those of HTTP, and what the providers' documents have besides."""

TIME_IN_STATE = Histogram(
    "twodeck_job_state_seconds",
    "How long jobs were in a state, observed when they leave it.",
    ["state"],
    buckets=_STATE,
    registry=REGISTRY,
)
ENDED = Counter("twodeck_jobs_ended", "Jobs that came to an end.", ["state"], registry=REGISTRY)
FAILED = Counter("twodeck_jobs_failed", "Jobs without a result, by why.", ["reason"], registry=REGISTRY)
REFUSALS = Counter("twodeck_refusals", "What members were refused, by why.", ["reason"], registry=REGISTRY)
TURNED_AWAY = Counter(
    "twodeck_turned_away", "Requests and connections that the public port turned away.", ["why"], registry=REGISTRY
)
CALLS = Counter(
    "twodeck_engine_calls", "Requests to music providers.", ["engine", "call", "code"], registry=REGISTRY
)
CALL_SECONDS = Histogram(
    "twodeck_engine_call_seconds",
    "How long music providers took to answer.",
    ["engine", "call"],
    buckets=_CALL,
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "twodeck_deliveries", "Tries to send or remove a message.", ["purpose", "outcome"], registry=REGISTRY
)
ACKS = Histogram(
    "twodeck_ack_seconds",
    "From the arrival of an interaction until Discord had its first answer.",
    buckets=_SHORT,
    registry=REGISTRY,
)
ACK_FAILURES = Counter("twodeck_ack_failures", "First answers that Discord did not take.", registry=REGISTRY)
LOOP_LAG = Histogram(
    "twodeck_loop_lag_seconds",
    "How much later than due the event loop got to a timer.",
    buckets=_SHORT,
    registry=REGISTRY,
)


def code_of(code: int) -> str:
    """A provider's code as a label: what no document has is one of many."""
    return str(code) if code in _CODES else "other"
