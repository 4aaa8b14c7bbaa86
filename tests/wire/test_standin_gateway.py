"""The stand-in's gateway: compression, invalid sessions, and what discord.py makes of them."""

from __future__ import annotations

import json
import zlib

import aiohttp
from aiohttp import WSMsgType

from tests.playground import Playground
from tests.wire.standin_bot import SmallBot


class Eager(SmallBot):
    """Identifies anew without the library's pause of five seconds."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        return

    async def on_ready(self) -> None:
        self.seen.append("ready")


async def identify(socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
    await socket.send_json({"op": 2, "d": {"token": token, "intents": 1, "properties": {}}})


async def test_frames_are_one_zlib_stream_when_asked_for(play: Playground) -> None:
    inflate = zlib.decompressobj()
    seen: list[str] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{play.standin.gateway_url}?v=10&encoding=json&compress=zlib-stream") as socket,
    ):
        await identify(socket, play.world.token)
        while "GUILD_CREATE" not in seen:
            frame = await socket.receive(5)
            assert frame.type is WSMsgType.BINARY
            assert frame.data.endswith(b"\x00\x00\xff\xff")
            seen.append(json.loads(inflate.decompress(frame.data))["t"])
    assert seen == [None, "READY", "GUILD_CREATE"]


async def test_frames_are_text_otherwise(play: Playground) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(play.standin.gateway_url) as socket:
        assert (await socket.receive_json(timeout=20))["op"] == 10


async def test_discord_py_asks_for_compression_and_understands_it(play: Playground) -> None:
    asked: list[str] = []
    accept = play.standin.gateway._wires
    await play.connect(SmallBot())
    asked += [str(wire.socket._req.query.get("compress")) for wire in accept if wire.socket._req]
    assert asked == ["zlib-stream"]


async def test_a_wrong_token_closes_with_4004_and_silence_before_identify_with_4003(play: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        for hello, code in (
            ({"op": 2, "d": {"token": "wrong", "intents": 1}}, 4004),
            ({"op": 3, "d": dict[str, int]()}, 4003),
        ):
            async with session.ws_connect(play.standin.gateway_url) as socket:
                await socket.receive_json(timeout=20)
                await socket.send_json(hello)
                assert (await socket.receive(5)).type is WSMsgType.CLOSE
                assert socket.close_code == code


async def test_an_invalid_session_makes_the_bot_identify_anew(play: Playground) -> None:
    bot = Eager()
    await play.connect(bot)
    await play.knobs.invalidate_session()
    await play.wait_for(lambda: play.standin.gateway.identified == 2)
    assert play.standin.gateway.resumed == 0
    await play.wait_for(lambda: bot.seen.count("ready") == 2)
    await (await play.slash("sam", "lounge", "settings show")).says("manages=True")


async def test_a_session_that_is_gone_cannot_be_resumed(play: Playground) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(play.standin.gateway_url) as socket:
        await socket.receive_json(timeout=20)
        await socket.send_json({"op": 6, "d": {"token": play.world.token, "session_id": "gone", "seq": 3}})
        assert await socket.receive_json(timeout=20) == {"op": 9, "d": False, "s": None, "t": None}
