"""How long the bot's event loop is ever held up while it makes a mashup of two 3-minute files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
from pathlib import Path

from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground

_TICK = 0.002


def main() -> None:
    asyncio.run(_measure())


async def _measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        songs = [
            write_mp3(Path(folder, f"{tempo}.mp3"), stereo(Song(tempo=tempo, seconds=180)), 192)
            for tempo in (121, 117)
        ]
        async with Playground() as play:
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.loop_lag"),
                env={
                    **os.environ,
                    "DISCORD_TOKEN": play.world.token,
                    "DISCORD_API_URL": play.standin.api_url,
                    "DISCORD_GATEWAY_URL": play.standin.gateway_url,
                    "TWODECK_DOWNLOAD_HOSTS": play.standin.url.removeprefix("http://"),
                    "TWODECK_DATA_DIR": folder,
                },
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                await play.wait_for(lambda: play.standin.gateway.connected and play.world.commands, 30)
                await play.slash("mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1])
                await play.wait_for(lambda: any(m.attachments for m in play.messages("mashups")), 120)
            finally:
                said, _ = await bot.communicate(b"")  # closing its standard input ends it
    print(f"  {said.decode().strip()}")


async def _bot() -> None:
    """The bot in this process, with a clock beside it, until standard input ends."""
    from bot import app
    from bot.settings import load

    logging.basicConfig(level=logging.WARNING)
    settings = load()
    bot = app.create_bot(settings)
    running = asyncio.create_task(bot.start(settings.discord.token.get_secret_value()))
    await asyncio.sleep(2)  # start-up is not what is measured
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    late: list[float] = []
    clock = asyncio.get_running_loop().time
    while not ended.done():
        before = clock()
        await asyncio.sleep(_TICK)
        late.append((clock() - before - _TICK) * 1000)
    late.sort()
    await bot.close()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    p50, p99, most = late[len(late) // 2], late[len(late) * 99 // 100], late[-1]
    print(f"loop lag: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {most:.1f} ms")


if __name__ == "__main__":
    asyncio.run(_bot())
