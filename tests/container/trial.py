"""Runs the bot in a root that was built, and asks it for all that a container promises."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.audio.synth import Song, stereo, write_mp3
from tests.container.dockerfile import Stage, Step
from tests.playground import ROOMY, Playground

if TYPE_CHECKING:
    from tests.container.build import Root

START_SECONDS = 60
RESULT_SECONDS = 240
STOP_SECONDS = 10


class Trial:
    """Everything that failed is in `faults`."""

    def __init__(self, root: Root, stage: Stage, *, confined: bool) -> None:
        self._root = root
        self._stage = stage
        self._confined = confined
        self.faults: list[str] = []

    def run(self) -> int:
        """Print what was found; 1 when something failed."""
        asyncio.run(self._all())
        sys.stdout.write("".join(f"FAILED: {fault}\n" for fault in self.faults))
        return int(bool(self.faults))

    async def _all(self) -> None:
        shutil.copy(Path(__file__).with_name("inside.py"), self._root.path / "tmp/inside.py")
        code, said = await self._in_it("/opt/twodeck/bin/python", "/tmp/inside.py", "--no-engine")
        sys.stdout.write(said)
        self._hold(code == 0, "an assertion of the container about itself")
        code, _ = await self._in_it(*self._words("HEALTHCHECK"))
        self._hold(code != 0, "without a bot the health check fails")
        async with Playground() as play:
            await self._bot(play)

    async def _bot(self, play: Playground) -> None:
        environment = {
            "DISCORD_TOKEN": play.world.token,
            "DISCORD_API_URL": play.standin.api_url,
            "DISCORD_GATEWAY_URL": play.standin.gateway_url,
            "TWODECK_DOWNLOAD_HOSTS": play.standin.url.removeprefix("http://"),
            **ROOMY,
        }
        started = time.monotonic()
        bot = await self._start(*self._words("ENTRYPOINT"), *self._words("CMD"), environment=environment)
        there = lambda: play.standin.gateway.connected and bool(play.world.commands)  # noqa: E731
        await play.wait_for(lambda: bot.returncode is not None or there(), START_SECONDS)
        self._hold(bot.returncode is None, "the bot starts")
        sys.stdout.write(f"the bot connected after {time.monotonic() - started:.1f} s\n")
        try:
            if bot.returncode is None:
                code, said = await self._in_it(*self._words("HEALTHCHECK"))
                self._hold(code == 0, f"the bot is healthy: {said}")
                await self._mashup(play)
        finally:
            await self._stop(bot)

    async def _mashup(self, play: Playground) -> None:
        """One track is m4a, so that ffmpeg of the image has to decode it."""
        folder = self._root.path / "tmp"
        first = write_mp3(folder / "one.mp3", stereo(Song(tempo=120, seconds=9)))
        write_mp3(folder / "two.mp3", stereo(Song(tempo=112, seconds=9)))
        code, said = await self._in_it("ffmpeg", "-v", "error", "-i", "/tmp/two.mp3", "/tmp/two.m4a")
        self._hold(code == 0, f"ffmpeg makes an m4a: {said}")
        if code:
            return
        await play.slash("mika", "mashups", "mashup", track_a=first, track_b=folder / "two.m4a")
        posted = lambda: any(len(message.attachments) == 2 for message in play.messages("mashups"))  # noqa: E731
        await play.wait_for(posted, RESULT_SECONDS)
        sys.stdout.write("an mp3 and an m4a became a mashup\n")

    async def _stop(self, bot: asyncio.subprocess.Process) -> None:
        started = time.monotonic()
        if bot.returncode is None:
            bot.terminate()
        try:
            said = (await asyncio.wait_for(bot.communicate(), STOP_SECONDS))[0].decode()
        except TimeoutError:
            bot.kill()
            said = (await bot.communicate())[0].decode()
        sys.stdout.write(f"SIGTERM: exit code {bot.returncode} after {time.monotonic() - started:.1f} s\n")
        self._hold(bot.returncode == 0, f"SIGTERM stops it within {STOP_SECONDS} s with 0: {said[-2000:]}")
        self._hold("Traceback" not in said, f"the log has no trace: {said[-2000:]}")

    def _words(self, instruction: str) -> list[str]:
        """The command of the last ENTRYPOINT, CMD or HEALTHCHECK."""
        value = self._stage.all(instruction)[-1].value
        return Step(instruction, value[value.index("[") :]).words

    def _hold(self, held: bool, what: str) -> None:
        if not held:
            self.faults.append(what)

    async def _in_it(self, *command: str) -> tuple[int, str]:
        process = await self._start(*command, environment={})
        said = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
        return process.returncode or 0, said

    async def _start(self, *command: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
        """As the image's user; broken on purpose, with root's rights."""
        if not self._confined:
            self._root.user = "0:0"
        return await asyncio.create_subprocess_exec(
            *self._root.command(command, confined=self._confined),
            env={**self._root.environment, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
