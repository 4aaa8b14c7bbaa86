"""How answers of the music stand-in go wrong: the request is carried out, and its answer is spoilt on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, cast

from aiohttp import web

_HUGE = 3 << 20
_PAGE = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_ENDINGS = {
    "/api/file-stream-upload": "upload",
    "/record-info": "record",
    "/recordInfo": "record",
    "/credit": "credit",
}


class Spoilt(StrEnum):
    """What becomes of an answer."""

    HTML = "html"  # a proxy's page with 502
    HTML_200 = "html-200"  # the same page, as if all were well
    EMPTY = "empty"  # 200 and no byte
    GARBAGE = "garbage"  # bytes that are nothing
    NULL = "null"
    CODE_TYPE = "code-type"  # `code` is no number
    TYPES = "types"  # every value in `data` has another type
    EXTRA = "extra"  # fields that nobody knows, everywhere
    HUGE = "huge"
    SLOW = "slow"  # nothing for a while
    STALLED = "stalled"  # half of it, then nothing for a while
    HALF_CLOSED = "half-closed"  # half of it, then the end of the stream
    RESET = "reset"
    REDIRECT = "redirect"  # to `elsewhere`
    LOOP = "loop"  # a redirect to itself
    FOREIGN = "foreign"  # every link leads to `elsewhere`
    ENCODED = "encoded"  # says that it is compressed
    NOT_FOUND = "404"
    EXPIRED = "441"  # what a dead link was seen to answer
    SERVER_ERROR = "500"
    CODE_500 = "code-500"  # the code in the body alone


def phase_of(path: str) -> str:
    """`upload`, `create`, `record`, `credit` or `file`."""
    if path.startswith(("/files/", "/streams/")):
        return "file"
    return next((phase for ending, phase in _ENDINGS.items() if path.endswith(ending)), "create")


async def spoil(
    request: web.Request, answer: web.Response, how: Spoilt, *, elsewhere: str, seconds: float
) -> web.StreamResponse:
    """What is sent instead of `answer`; `elsewhere` is an address of somebody else."""
    match how:
        case Spoilt.SLOW:
            await asyncio.sleep(seconds)
            return answer
        case Spoilt.STALLED | Spoilt.HALF_CLOSED | Spoilt.RESET:
            return await _broken_off(request, answer, how, seconds)
        case Spoilt.REDIRECT | Spoilt.LOOP:
            where = elsewhere if how is Spoilt.REDIRECT else str(request.url)
            return web.Response(status=302, headers={"Location": where})
        case Spoilt.NOT_FOUND | Spoilt.EXPIRED | Spoilt.SERVER_ERROR:
            return web.Response(status=int(how), body=answer.body, content_type=answer.content_type)
        case Spoilt.ENCODED:
            return web.Response(body=answer.body, headers={"Content-Encoding": "gzip"})
        case _:
            return _WHOLE[how](answer) if how in _WHOLE else _changed(answer, how, elsewhere)


async def _broken_off(
    request: web.Request, answer: web.Response, how: Spoilt, seconds: float
) -> web.StreamResponse:
    transport, body = request.transport, _bytes(answer)
    assert transport is not None  # noqa: S101 - still connected
    if how is not Spoilt.RESET:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        transport.write(head.encode() + body[: len(body) // 2])
        if how is Spoilt.HALF_CLOSED:
            transport.write_eof()
        await asyncio.sleep(seconds)
    transport.abort()
    return answer


def _changed(answer: web.Response, how: Spoilt, elsewhere: str) -> web.Response:
    """JSON with other values; anything else stays what it is."""
    if answer.content_type != "application/json":
        return answer
    found: dict[str, Any] = json.loads(_bytes(answer))
    match how:
        case Spoilt.CODE_TYPE:
            found["code"] = {"is": found["code"]}
        case Spoilt.CODE_500:
            found["code"] = 500
        case Spoilt.TYPES:
            found["data"] = _other_types(found.get("data"))
        case Spoilt.FOREIGN:
            found["data"] = _leading(found.get("data"), elsewhere)
        case _:
            found = _extended(found)
    return web.json_response(found, status=answer.status)


def _other_types(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _other_types(inner) for name, inner in cast("Mapping[str, Any]", value).items()}
        case list():
            return {"0": cast("list[Any]", value)}
        case str():
            return 7
        case None:
            return "nothing"
        case _:
            return [value]


def _extended(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {name: _extended(item) for name, item in cast("Mapping[str, Any]", value).items()}
        return {"__new": {"deep": [1, None]}, **inner, "status_v2": "MAYBE", "": ""}
    return [_extended(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _leading(value: Any, elsewhere: str) -> Any:
    match value:
        case Mapping():
            return {name: _leading(inner, elsewhere) for name, inner in cast("Mapping[str, Any]", value).items()}
        case list():
            return [_leading(inner, elsewhere) for inner in cast("list[Any]", value)]
        case str() if value.startswith("http"):
            return elsewhere
        case str() if value[:1] in ("{", "["):
            return json.dumps(_leading(json.loads(value), elsewhere))
        case _:
            return value


def _bytes(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


def _as(body: bytes, kind: str | None = None, status: int = 200) -> Callable[[web.Response], web.Response]:
    """An answer whatever was to be said."""
    return lambda answer: web.Response(body=body, content_type=kind or answer.content_type, status=status)


_WHOLE: Mapping[Spoilt, Callable[[web.Response], web.Response]] = {
    Spoilt.HTML: _as(_PAGE.encode(), "text/html", 502),
    Spoilt.HTML_200: _as(_PAGE.encode(), "text/html"),
    Spoilt.EMPTY: _as(b""),
    Spoilt.GARBAGE: _as(bytes(range(256)) * 4),
    Spoilt.NULL: _as(b"null"),
    Spoilt.HUGE: _as(b'{"code": 200, "msg": "' + b"x" * _HUGE),
}
