"""Addresses of callbacks that belong to no job: the operator tries with them whether callbacks arrive here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.clock import Clock
from bot.jobs.inbox import Address

ENGINE = "kie"
"""Whose callbacks have to be signed, where there is a webhook key."""
_GOOD_SECONDS = 60.0
_MOST = 16


@dataclass
class _Probe:
    address: Address
    until: float
    arrived: bool = False


class Probes:
    """Each is good for a minute, and what comes there changes nothing but whether it arrived."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, _Probe] = {}

    @property
    def handlers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]]:
        """For the control socket."""
        return {"probe": self._make, "probe-arrived": self._tell}

    def make(self) -> tuple[str, str]:
        """A new address: what stands for the job in it, and its secret."""
        self._forget()
        while len(self._open) >= _MOST:
            del self._open[next(iter(self._open))]
        job, secret = f"probe-{self._clock.new_id()}", self._clock.new_secret()
        self._open[job] = _Probe(Address(ENGINE, secret), self._clock.monotonic() + _GOOD_SECONDS)
        return job, secret

    def address_of(self, job: str) -> Address | None:
        """None for what is no probe, and for one that is over."""
        self._forget()
        probe = self._open.get(job)
        return probe.address if probe else None

    def arrive(self, job: str) -> None:
        """A callback came there, and was good."""
        self._open[job].arrived = True

    def arrived(self, job: str) -> bool:
        probe = self._open.get(job)
        return probe is not None and probe.arrived

    def _forget(self) -> None:
        now = self._clock.monotonic()
        for job in [job for job, probe in self._open.items() if probe.until <= now]:
            del self._open[job]

    async def _make(self, _: Mapping[str, Any]) -> dict[str, Any]:
        job, secret = self.make()
        return {"ok": True, "job": job, "secret": secret}

    async def _tell(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return {"ok": True, "arrived": self.arrived(str(order.get("job")))}
