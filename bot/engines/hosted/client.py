"""Speaks HTTP with a music provider: bearer key, the `code` of the JSON is the status, nothing is sent twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.failpoints import around
from bot.metrics import counters

_ANSWER_BYTES = 1 << 20
_CONNECT_SECONDS = 15
_CALL = aiohttp.ClientTimeout(total=60, sock_connect=_CONNECT_SECONDS)
_UPLOAD = aiohttp.ClientTimeout(total=300, sock_connect=_CONNECT_SECONDS, sock_read=60)
OK = 200


class NotConnected(Exception):  # noqa: N818 - a fact about the attempt
    """The request was never sent."""


class NoAnswer(Exception):  # noqa: N818 - a fact about the attempt
    """The request went out, and nothing readable came back."""


@dataclass(frozen=True)
class Answer:
    """A readable answer. `code` is the body's, or the HTTP status where only that is an error."""

    code: int
    message: str
    data: Any


class MusicClient:
    """One account at one provider. Only what is read may go over a connection that is there already: a stale one
    would make the outcome of anything else unknown.

    `seconds` is a deadline for everything, instead of those that suit each; calls are counted under `name`.
    """

    def __init__(
        self, base_url: str, upload_url: str, key: SecretStr, *, name: str = "", seconds: float | None = None
    ) -> None:
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._upload_url = upload_url.rstrip("/")
        self._key = key
        given = aiohttp.ClientTimeout(total=seconds, sock_connect=seconds) if seconds else None
        self._timeout, self._upload_timeout = given or _CALL, given or _UPLOAD
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """By whether their connections are used again."""

    async def upload(self, path: Path, name: str) -> Answer:
        """Hand a file over under `name`. Raises `NotConnected` and `NoAnswer`; may be asked again for nothing."""
        with path.open("rb") as file:
            form = aiohttp.FormData({"uploadPath": "twodeck", "fileName": name})
            form.add_field("file", file, filename=name, content_type="application/octet-stream")
            url = f"{self._upload_url}/api/file-stream-upload"
            return await self._counted("upload", "POST", url, data=form, timeout=self._upload_timeout)

    async def create(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Create a task; after `NoAnswer` it may exist. Raises `NotConnected` and `NoAnswer`."""
        url = f"{self._base_url}{path}"
        return await self._counted("create", "POST", url, json=body, timeout=self._timeout)

    async def read(self, path: str, query: Mapping[str, str]) -> Answer:
        """Ask for something. Raises `NotConnected` and `NoAnswer`."""
        url = f"{self._base_url}{path}"
        return await self._counted("read", "GET", url, params=query, timeout=self._timeout)

    async def close(self) -> None:
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def _counted(self, call: str, method: str, url: str, **options: Any) -> Answer:
        code = "interrupted"
        try:
            with counters.CALL_SECONDS.labels(self._name, call).time():
                answer = await self._ask(method, url, **options)
            code = counters.code_of(answer.code)
            return answer
        except NotConnected:
            code = "not-connected"
            raise
        except NoAnswer:
            code = "no-answer"
            raise
        finally:
            counters.CALLS.labels(self._name, call, code).inc()

    async def _ask(self, method: str, url: str, **options: Any) -> Answer:
        try:
            with around(f"http provider {method}"):
                session = self._open(again=method == "GET")
                async with session.request(method, url, allow_redirects=False, **options) as response:
                    return _read(response.status, await _body(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotConnected(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise NoAnswer(type(error).__name__) from None

    def _open(self, *, again: bool) -> aiohttp.ClientSession:
        if again not in self._sessions:
            self._sessions[again] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=not again),
                headers={"Authorization": f"Bearer {self._key.get_secret_value()}", "User-Agent": "Twodeck"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._sessions[again]


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _ANSWER_BYTES:
            raise NoAnswer("too long")
    return bytes(body)


def _read(status: int, body: bytes) -> Answer:
    """Raises `NoAnswer` for anything but a JSON object with a whole number as `code`."""
    try:
        found = json.loads(body)
        code = int(found["code"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise NoAnswer(f"HTTP {status}") from None
    if status >= 400 and code < 400:
        code = status
    return Answer(code, str(found.get("msg") or "")[:300], found.get("data"))
