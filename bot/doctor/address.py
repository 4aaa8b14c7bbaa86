"""Does a callback that is sent to the public address really come in, and is only a good one taken?

The way in is that of every callback (`bot.web`): the running bot's, or for a moment our own on TWODECK_LISTEN.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from bot.clock import Clock
from bot.control import NoBotError, ask
from bot.database import Database
from bot.doctor.configuration import Given
from bot.doctor.finding import Finding, error, not_looked_at, ok
from bot.settings import KieSettings, WebSettings
from bot.web.callbacks import Callbacks
from bot.web.listener import Listener
from bot.web.probes import ENGINE, Probes
from bot.web.signature import sign

CHECK = "public-address"
_SECONDS = 10.0
_TASK = "twodeck-doctor"
_BODY = {"code": 200, "msg": "doctor", "data": {"callbackType": "complete", "task_id": _TASK}}
_RECEIVED = 200
_PROXY = "Check that the reverse proxy passes POST .../callbacks/... on to TWODECK_LISTEN without the prefix"


class _CannotLook(Exception):  # noqa: N818 - it ends in a finding, not in a trace
    """Nobody could await the callback; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


class _Way(Protocol):
    """The place where a probe comes in."""

    whose: str

    async def make(self) -> tuple[str, str]: ...

    async def arrived(self, job: str) -> bool: ...


async def examine(given: Given, folder: Path | None, clock: Clock) -> Finding:
    """One round trip; `folder` is the data folder, through which a running bot is asked."""
    web, kie = given.get(WebSettings), given.get(KieSettings)
    if web is None or kie is None or folder is None:
        return not_looked_at(CHECK, "a setting is wrong")
    if not given.keyed:
        return ok(CHECK, "No hosted engine is set up: nobody has to reach this bot.")
    if not web.public_url:
        return ok(CHECK, "TWODECK_PUBLIC_URL is not set: the bot asks how jobs stand, and nobody has to reach it.")
    keys = [key.get_secret_value() for key in kie.webhook_keys]
    try:
        async with _way(web, kie, folder, clock) as way, _Knocker(web.public_url, clock) as knocker:
            return await _round(way, knocker, keys[0] if keys else "")
    except _CannotLook as nobody:
        return nobody.finding
    except NoBotError:
        return error(CHECK, "The bot ended while it was asked.", "See why in its log, then ask again.")


async def _round(way: _Way, knocker: _Knocker, key: str) -> Finding:
    """A good callback has to arrive; then a badly signed one and one with a wrong secret must not."""
    job, secret = await way.make()
    status = await knocker.knock(job, secret, key)
    if status != _RECEIVED:
        return _refused(knocker.shown, status, way)
    if not await way.arrived(job):
        seen = f"{knocker.shown} answers as if it were this bot, but the callback did not come to {way.whose}."
        return error(CHECK, seen, f"{_PROXY}, and that the name leads to this machine.")
    job, secret = await way.make()
    forgeries = [("signature", secret, f"not {key}")] if key else []
    for what, path, signed_with in (*forgeries, ("secret", f"not-{secret}", key)):
        status = await knocker.knock(job, path, signed_with)
        if status == _RECEIVED or await way.arrived(job):
            seen = f"A callback with a wrong {what} was taken at {knocker.shown}."
            fix = f"Restart the bot so that it has the same KIE_WEBHOOK_KEY. {_PROXY}, and answers nothing itself."
            return error(CHECK, seen, fix)
        if isinstance(status, str):
            return _refused(knocker.shown, status, way)
    signed = "signed" if key else "not signed, as KIE_WEBHOOK_KEY is not set"
    return ok(
        CHECK, f"A callback ({signed}) came through {knocker.shown} to {way.whose}; forged ones were refused."
    )


def _refused(shown: str, status: int | str, way: _Way) -> Finding:
    """What an answer other than 200 means, and what to do."""
    match status:
        case "tls":
            seen, fix = (
                "has no certificate that is trusted",
                "Give the reverse proxy a valid certificate for that name.",
            )
        case "dns":
            seen, fix = "is a name that leads nowhere", "Correct TWODECK_PUBLIC_URL, or make the name's DNS entry."
        case "silent":
            seen = "gives no answer"
            fix = "Check that the reverse proxy runs and the firewall lets it in; some routers hide it from inside."
        case 401:
            seen = "leads to this bot, which refuses our signature"
            fix = "Restart the bot so that it has the same KIE_WEBHOOK_KEY; let the proxy pass X-Webhook headers."
        case 404:
            seen = f"leads elsewhere, or with another path (404, not {way.whose})"
            fix = f"{_PROXY}, and that TWODECK_PUBLIC_URL has the path prefix if there is one."
        case 502 | 503 | 504:
            seen = f"leads to a proxy that does not reach TWODECK_LISTEN ({status})"
            fix = f"{_PROXY}, and that both name the same port."
        case int() if 300 <= status < 400:
            seen = f"answers with a redirect ({status}), which providers do not follow"
            fix = "Set TWODECK_PUBLIC_URL to the address to which it redirects."
        case _:
            seen, fix = (
                f"answers a callback with {status}",
                f"{_PROXY}, and that nothing before it asks for a login.",
            )
    return error(CHECK, f"{shown} {seen}.", fix)


class _Knocker:
    """Sends what a provider would send."""

    def __init__(self, public_url: str, clock: Clock) -> None:
        self._url = public_url
        self._clock = clock
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_SECONDS), trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        parts = urlsplit(public_url)
        self.shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        """The address without a password, if somebody wrote one into it."""

    async def __aenter__(self) -> _Knocker:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def knock(self, job: str, secret: str, key: str) -> int | str:
        """The status of the answer, or `tls`, `dns` or `silent`."""
        at = str(self._clock.now() // 1000)
        headers = {"X-Webhook-Timestamp": at, "X-Webhook-Signature": sign(key, _TASK, at)} if key else {}
        url = f"{self._url}/callbacks/{ENGINE}/{job}/{secret}"
        try:
            async with self._session.post(url, json=_BODY, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except aiohttp.ClientSSLError:
            return "tls"
        except aiohttp.ClientConnectorDNSError:
            return "dns"
        except (aiohttp.ClientError, OSError, TimeoutError):
            return "silent"


@asynccontextmanager
async def _way(web: WebSettings, kie: KieSettings, folder: Path, clock: Clock) -> AsyncGenerator[_Way]:
    """The running bot's way in, or else our own."""
    try:
        await asyncio.to_thread(ask, folder, {"do": "engines"})
    except NoBotError:
        async with _listening(web, kie, clock) as own:
            yield own
    else:
        yield _Running(folder)


class _Running:
    """The bot that runs with this data folder, asked through its control socket."""

    whose = "the running bot"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def make(self) -> tuple[str, str]:
        answer = await asyncio.to_thread(ask, self._folder, {"do": "probe"})
        if not answer.get("ok"):
            seen = (
                "The running bot awaits no callbacks: it was started with other settings, or is of another version."
            )
            raise _CannotLook(error(CHECK, seen, "Restart the bot."))
        return answer["job"], answer["secret"]

    async def arrived(self, job: str) -> bool:
        answer = await asyncio.to_thread(ask, self._folder, {"do": "probe-arrived", "job": job})
        return answer.get("arrived") is True


class _Own:
    """A listener that is open for this one look, because no bot runs."""

    whose = "TWODECK_LISTEN"

    def __init__(self, probes: Probes) -> None:
        self._probes = probes

    async def make(self) -> tuple[str, str]:
        return self._probes.make()

    async def arrived(self, job: str) -> bool:
        return self._probes.arrived(job)


@asynccontextmanager
async def _listening(web: WebSettings, kie: KieSettings, clock: Clock) -> AsyncGenerator[_Own]:
    probes = Probes(clock)
    # A database that nobody opens: callbacks of jobs are answered "try again", as they must be without a bot.
    callbacks = Callbacks(Database(Path("never-opened")), clock, kie.webhook_keys, probes)
    listener = Listener(callbacks)
    try:
        await listener.start(*web.where)
    except OSError as problem:
        await listener.stop()
        seen = f"TWODECK_LISTEN {web.listen} cannot be used ({problem.strerror})."
        fix = "End the program that has the port, or set TWODECK_LISTEN and the reverse proxy to another one."
        raise _CannotLook(error(CHECK, seen, fix)) from None
    try:
        yield _Own(probes)
    finally:
        await listener.stop()
