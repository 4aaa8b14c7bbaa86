"""Fetches one file from an allowed host into place, whole or not at all; links are never logged in full."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from bot.errors import Code, Refused
from bot.failpoints import around
from bot.files.address import ForbiddenAddressError, Reach
from bot.files.partial import Partial

log = logging.getLogger(__name__)

_MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# The whole has its own deadline; these seconds of silence are worth another try.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=20)


@dataclass(frozen=True)
class Downloaded:
    """`size` in bytes, `sha256` in hex."""

    size: int
    sha256: str


class Downloader:
    """One session without cookies, proxies or decompression; safe to use from many tasks."""

    def __init__(
        self,
        allowed_hosts: Collection[str],
        *,
        max_bytes: int,
        timeout_seconds: float,
        user_agent: str,
        resolver: AbstractResolver | None = None,
        pauses: Sequence[float] = (0.5, 1.5),
    ) -> None:
        """`allowed_hosts` holds `host` or `host:port`; `pauses` are the seconds before each further try."""
        self._reach = Reach(allowed_hosts)
        self._max_bytes = max_bytes
        self._timeout = timeout_seconds
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        self._resolver = resolver
        self._pauses = tuple(pauses)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, destination: Path) -> Downloaded:
        """Put the body of `url` at `destination`, whose folder exists; `timeout_seconds` cover all tries together.

        Raises `Refused`: HOST_NOT_ALLOWED(host), FILE_TOO_LARGE(limit_mb), FILE_EMPTY, or DOWNLOAD_FAILED(status,
        reason) with status 0 when there was no answer to judge.
        """
        try:
            start = URL(url)
        except ValueError:
            raise Refused(Code.HOST_NOT_ALLOWED, host="") from None
        try:
            async with asyncio.timeout(self._timeout):
                return await self._persist(start, destination)
        except TimeoutError:
            log.info("gave up on %s after %s s", _name(start), self._timeout)
            raise _failed("too-slow") from None

    async def close(self) -> None:
        """Close the connections. A later fetch opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _persist(self, url: URL, destination: Path) -> Downloaded:
        """Try again after what may pass: no connection, a broken one, 429, 5xx."""
        for pause in self._pauses:
            try:
                return await self._attempt(url, destination)
            except _PassingError as trouble:
                log.info("%s: %s, trying again", _name(url), trouble.refused)
                await asyncio.sleep(pause)
        try:
            return await self._attempt(url, destination)
        except _PassingError as trouble:
            raise trouble.refused from None

    async def _attempt(self, url: URL, destination: Path) -> Downloaded:
        partial = Partial(destination)
        try:
            size = await self._follow(url, partial)
            return Downloaded(size, await partial.keep())
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, ForbiddenAddressError):
                raise _forbidden(url) from None
            raise _PassingError(_failed("unreachable")) from None
        except aiohttp.InvalidURL:
            raise _forbidden(url) from None
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError, aiohttp.ServerDisconnectedError):
            raise _PassingError(_failed("cut-short")) from None
        except aiohttp.ClientError as error:
            log.info("%s: %s", _name(url), type(error).__name__)
            raise _PassingError(_failed("unreachable")) from None
        finally:
            await partial.discard()

    async def _follow(self, url: URL, partial: Partial) -> int:
        """Redirects by hand: each stop is judged like the first."""
        status = 0
        for _ in range(_MAX_REDIRECTS + 1):
            if not self._reach.allows(url):
                raise _forbidden(url)
            with around("http download"):
                async with self._open().get(url, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await self._read(response, partial)
                    response.close()  # whatever it says besides the way
                    status = response.status
            try:
                url = url.join(URL(response.headers["Location"]))
            except (KeyError, ValueError):
                break
        raise _failed("redirects", status)

    async def _read(self, response: aiohttp.ClientResponse, partial: Partial) -> int:
        """The body into `partial`; returns its size in bytes."""
        try:
            self._judge(response)
            size = 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                self._check(size)
                await partial.add(chunk)
        except BaseException:
            response.close()  # the rest is not worth waiting for
            raise
        if size == 0:
            raise Refused(Code.FILE_EMPTY)
        return size

    def _judge(self, response: aiohttp.ClientResponse) -> None:
        """What the headers alone decide."""
        if response.status == 429 or response.status >= 500:
            raise _PassingError(_failed("status", response.status))
        if response.status != 200:
            raise _failed("status", response.status)
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise _failed("encoded", response.status)
        self._check(response.content_length or 0)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            limit = round(self._max_bytes / (1 << 20), 1)
            raise Refused(Code.FILE_TOO_LARGE, limit_mb=int(limit) if limit.is_integer() else limit)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._reach.connector(self._resolver),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_TIMEOUT,
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


class _PassingError(Exception):
    """A failure that another try may mend; carries the refusal for when none does."""

    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self.refused = refused


def _failed(reason: str, status: int = 0) -> Refused:
    """Reasons: `status`, `unreachable`, `cut-short`, `too-slow`, `encoded`, `redirects`; `detail` is for people."""
    detail = f"HTTP {status}" if reason == "status" else reason.replace("-", " ")
    return Refused(Code.DOWNLOAD_FAILED, status=status, reason=reason, detail=detail)


def _forbidden(url: URL) -> Refused:
    return Refused(Code.HOST_NOT_ALLOWED, host=(url.raw_host or "")[:100])


def _name(url: URL) -> str:
    """What may be said of a link: its host and the last part of its path, without the signature."""
    return f"{url.raw_host}/…/{url.name}"
