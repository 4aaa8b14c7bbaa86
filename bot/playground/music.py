"""The music API stand-in: uploads, creates that really cost, records, callbacks; the only fake of these APIs."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from bot.playground import music_forms as forms
from bot.playground.music_faults import phase_of, spoil
from bot.playground.music_task import STAGES, MusicKnobs, Task, signed

PRICE = 12
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Mix = Callable[[bytes, bytes], Awaitable[list[bytes]]]
"""Makes finished tracks of two files; none when it cannot."""
_MEBIBYTE = 1 << 20


class Music:
    """Start it, point an engine at `url` with `key`, and turn `knobs`. Tracks are the uploaded files' own bytes."""

    def __init__(self, key: str = "music-key", mix: Mix | None = None) -> None:
        self.key = key
        self.knobs = MusicKnobs()
        self.credits = 1_000
        self.tasks: dict[str, Task] = {}
        self.creates: list[dict[str, Any]] = []
        """The body of every create that arrived, taken or not."""
        self.personas: dict[str, dict[str, Any]] = {}
        """What each was made of, by id."""
        self.wishes = 0
        """How often a persona was asked for."""
        self._mix = mix
        self._files: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.host = ""

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def charged(self) -> int:
        """Creates that were paid."""
        return len(self.tasks)

    async def start(self) -> None:
        """Listen on a free loopback port."""
        app = web.Application(client_max_size=128 * _MEBIBYTE, middlewares=[self._spoiling])
        app.router.add_post("/api/file-stream-upload", self._upload)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_get("/streams/{name}", self._stream)
        for path in (*forms.routes(), forms.JOBS):
            app.router.add_post(path, self._create)
        for prefix in sorted(set(forms.PREFIX.values())):
            app.router.add_post(f"{prefix}{forms.PERSONA}", self._persona)
            app.router.add_get(f"{prefix}/api/v1/generate/record-info", self._record)
            app.router.add_get(f"{prefix}/api/v1/generate/credit", self._credit)
        app.router.add_get("/api/v1/jobs/recordInfo", self._record)
        app.router.add_get("/api/v1/chat/credit", self._credit)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession(trust_env=False)

    async def close(self) -> None:
        for work in self._work:
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def settled(self) -> None:
        """Wait until no task is in the making."""
        await asyncio.gather(*self._work)

    def address(self, dialect: str) -> str:
        """The base address at which a dialect is spoken."""
        return self.url + forms.PREFIX[dialect]

    def settings(self, engine: str, dialect: str = forms.LEGACY) -> dict[str, str]:
        """What a bot has to be told to use this as `engine`, by environment name."""
        prefix = engine.upper()
        return {
            f"{prefix}_API_KEY": self.key,
            f"{prefix}_BASE_URL": self.address(dialect),
            f"{prefix}_UPLOAD_URL": self.url,
            f"{prefix}_DIALECT": dialect,
        }

    async def send(self, task: Task, stage: str) -> int:
        """One callback, now; the status it was answered with, 0 for none (or where none is wanted)."""
        assert self._session is not None  # noqa: S101 - after start only
        address, status = task.body.get("callBackUrl"), 0
        if not address:
            return status
        headers = signed(self.knobs.webhook_key, task.id, int(time.time()))
        try:
            timeout = aiohttp.ClientTimeout(total=15)
            body = task.callback(stage)
            async with self._session.post(address, json=body, headers=headers, timeout=timeout) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            pass
        task.answers.append(status)
        return status

    @web.middleware
    async def _spoiling(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer may go wrong on its way."""
        phase = phase_of(request.path)
        answer, how = await handler(request), self.knobs.spoilt.get(phase)
        if phase in self.knobs.codes:
            return self._coded(self.knobs.codes[phase])
        if how is None or not isinstance(answer, web.Response):
            return answer
        knobs = self.knobs
        return await spoil(request, answer, how, elsewhere=knobs.elsewhere, seconds=knobs.spoilt_seconds)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if refused := self._locked(request):
            return refused
        file, path, name = form.get("file"), form.get("uploadPath"), form.get("fileName")
        if not isinstance(file, web.FileField) or not path or not isinstance(name, str):
            return _answer(400, "Missing required parameter: uploadPath")
        self._files[name] = await asyncio.to_thread(file.file.read)
        address = f"{self.url}/files/{name}"
        data = {
            "fileName": name,
            "filePath": f"{path}/{name}",
            "downloadUrl": address,
            "fileSize": len(self._files[name]),
            "mimeType": "audio/mpeg",
            "uploadedAt": "2026-01-01T00:00:00.000Z",
        }
        return web.json_response({"success": True, "code": 200, "msg": "File uploaded successfully", "data": data})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        body = self._files.get(request.match_info["name"])
        if body is None:
            raise web.HTTPNotFound
        if "take" in request.query and not self.knobs.same_takes:  # the same music with a tag: other bytes
            body += b"TAG" + f"Take {request.query['take']}".encode().ljust(125, b"\0")
        return web.Response(body=body, content_type="audio/mpeg")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """A link to listen to; a dead one says 200 all the same."""
        if self.knobs.streams_die:
            return web.Response(body=b"", content_type="audio/mpeg")
        return await self._file(request)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        self.creates.append(body)
        form = forms.unified_form(body) if request.path == forms.JOBS else forms.routes()[request.path]
        refused = self._locked(request) or self._unwanted(body)
        if refused or form is None:
            return refused or _answer(422, "The model name you specified is not supported")
        fault = forms.fault(form, body)
        if not fault and forms.fields_of(body).get("personaId", "") not in ("", *self.personas):
            fault = "personaId does not exist"
        if fault:
            return _answer(422, fault)
        sources = [await self._fetched(address) for address in forms.sources_of(body)]
        if not all(sources):
            return _answer(451, "Failed to fetch the audio")
        task = self._take(body, sources)
        if self.knobs.callbacks == "early":
            await self.send(task, "text")
        await asyncio.sleep(self.knobs.create_seconds)
        match self.knobs.create:
            case "reset":
                assert request.transport is not None  # noqa: S101 - still connected
                request.transport.abort()
            case "html":
                return web.Response(text="<html>502 Bad Gateway</html>", status=502, content_type="text/html")
            case "no-task":
                return _answer(200, "success", {})
            case _:
                pass
        return _answer(200, "success", {"taskId": task.id})

    async def _persona(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        self.wishes += 1
        if refused := self._locked(request):
            return refused
        if self.knobs.persona.isdigit():
            return _answer(int(self.knobs.persona), "as the knob says")
        task = self.tasks.get(str(body.get("taskId")))
        known = task is not None and task.stage == "complete" and body.get("audioId") in task.audio_ids
        if fault := forms.persona_fault(body) or ("" if known else "The music does not exist"):
            return _answer(422, fault)
        if any(made["audioId"] == body["audioId"] for made in self.personas.values()):
            return _answer(409, "A persona of this music exists already")
        persona = f"persona-{secrets.token_hex(8)}"
        self.personas[persona] = body
        if self.knobs.persona == "reset":
            assert request.transport is not None  # noqa: S101 - still connected
            request.transport.abort()
        data = {"personaId": persona, "name": body["name"], "description": body["description"]}
        return _answer(200, "success", data)

    def _unwanted(self, body: dict[str, Any]) -> web.StreamResponse | None:
        """The refusal of a create that costs nothing."""
        if self.knobs.create.isdigit():
            return self._coded(int(self.knobs.create))
        if self.credits < PRICE:
            return _answer(402, "credits insufficient")
        return None

    def _coded(self, code: int) -> web.StreamResponse:
        told = self.knobs.told
        status = 200 if told == "body" else code
        return _answer(200 if told == "status" else code, self.knobs.message, status=status)

    async def _fetched(self, address: str) -> str:
        """Where our copy of a source lies; empty when it cannot be had."""
        if address.startswith(self.url) or not self.knobs.fetches:
            return address
        assert self._session is not None  # noqa: S101 - after start only
        try:
            async with self._session.head(address) as head, self._session.get(address) as answer:
                if (head.status, answer.status) != (200, 200) or not answer.content_type.startswith("audio/"):
                    return ""
                name = f"fetched-{secrets.token_hex(8)}"
                self._files[name] = await answer.read()
        except aiohttp.ClientError:
            return ""
        return f"{self.url}/files/{name}"

    def _take(self, body: dict[str, Any], sources: list[str]) -> Task:
        takes = [sources[0], f"{sources[-1]}?take=2"]
        task = Task(secrets.token_hex(16), body, tuple(takes), price=PRICE)
        self.credits -= PRICE
        self.tasks[task.id] = task
        work = asyncio.create_task(self._make(task), name=f"music:{task.id}")
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        return task

    async def _make(self, task: Task) -> None:
        """From stage to stage to the end that the knobs ask for."""
        if self._mix is not None and len(task.tracks) == 2:
            await self._really_make(task, self._mix)
        for stage in STAGES:
            await asyncio.sleep(self.knobs.stage_seconds)
            if stage in self.knobs.skips:
                continue
            if stage == "complete" and self.knobs.ends != "SUCCESS":
                task.failed, task.error_code = self.knobs.ends, self.knobs.error_code
                await self._tell(task, "error")
                return
            task.stage = stage
            if stage == "complete" or not task.unified:
                await self._tell(task, stage)

    async def _really_make(self, task: Task, mix: Mix) -> None:
        """Let somebody make music of two uploads, where both are ours."""
        names = [address.rpartition("/")[2] for address in task.tracks]
        if all(name in self._files for name in names):
            takes = await mix(self._files[names[0]], self._files[names[1]])
            made = {f"{task.id}-{number}.mp3": take for number, take in enumerate(takes, start=1)}
            self._files |= made
            task.tracks = tuple(f"{self.url}/files/{name}" for name in made) or task.tracks

    async def _tell(self, task: Task, stage: str) -> None:
        knobs = self.knobs
        if knobs.callbacks == "lost":
            return
        if knobs.callbacks == "late":
            await asyncio.sleep(knobs.late_seconds)
        for _ in range(2 if knobs.callbacks == "doubled" else 1):
            await self.send(task, stage)

    async def _record(self, request: web.Request) -> web.StreamResponse:
        if refused := self._locked(request):
            return refused
        if self.knobs.records != 200:
            return _answer(self.knobs.records, "as the knob says")
        task = self.tasks.get(request.query.get("taskId", ""))
        if task is None or task.unified is not request.path.startswith("/api/v1/jobs/"):
            return _answer(422, "recordInfo is null")
        task.links = self.knobs.links
        return _answer(200, "success", task.record())

    async def _credit(self, request: web.Request) -> web.StreamResponse:
        return self._locked(request) or _answer(200, "success", self.credits)

    def _locked(self, request: web.Request) -> web.StreamResponse | None:
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return _answer(401, "You do not have access permissions")


def _answer(code: int, message: str, data: Any = None, *, status: int = 200) -> web.StreamResponse:
    """The code is in the body; HTTP says 200 for nearly everything."""
    return web.json_response({"code": code, "msg": message, "data": data}, status=status)
