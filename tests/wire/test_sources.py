"""How sources get to a provider without an upload host: by our own address, or by the member's own link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.clock import Clock
from bot.database import Database
from bot.engines.hosted.build import build, unready
from bot.files import store
from bot.files.links import TTL_MS, Links
from bot.files.store import FileStore, Stored
from bot.playground.music import Music
from bot.request import EngineName
from bot.settings import DownloadSettings, HostedSettings
from bot.web.listener import Listener
from bot.web.sources import Sources
from bot.worker.pool import Pool
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground, shown_text
from tests.story.test_hosted import free_port
from tests.wire.test_hosted_engine import order

BYTES = b"ID3 and so on" * 1000
PREFIX = "/bots/one"


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = Clock().now()

    def links(self, base: str, token: str = "a-token") -> Links:
        return Links(base, SecretStr(token), now=lambda: self.now, new_id=Clock().new_id)


@dataclass
class Room:
    """A running listener with one stored file, and its clock."""

    listener: Listener
    links: Links
    clock: Hands
    digest: str
    db: Database
    path: Path

    def here(self, address: str) -> str:
        """The address without the prefix that a reverse proxy takes off."""
        return address.replace(PREFIX, "")

    async def get(self, address: str, method: str = "GET") -> tuple[int, bytes, Any]:
        async with aiohttp.ClientSession() as session, session.request(method, self.here(address)) as answer:
            return answer.status, await answer.read(), answer.headers


@pytest_asyncio.fixture
async def room(db: Database, tmp_path: Path) -> AsyncIterator[Room]:
    files = FileStore(tmp_path / "files")
    files.prepare()
    incoming = files.incoming("x")
    incoming.write_bytes(BYTES)
    stored = await files.adopt(incoming, "flac")
    await db.work(lambda tx: store.keep(tx, [stored], "job:1", 1 << 50, 1))
    clock, port = Hands(), free_port()
    links = clock.links(f"http://127.0.0.1:{port}{PREFIX}/")
    listener = Listener(Sources(db, files, links))
    await listener.start("127.0.0.1", port)
    yield Room(listener, links, clock, stored.hash, db, files.path(stored.hash))
    await listener.stop()


async def test_a_source_is_there_for_an_hour_with_its_type(room: Room) -> None:
    address = room.links.offer(room.digest)
    assert f"{PREFIX}/sources/{room.digest}-" in address
    status, body, headers = await room.get(address)
    assert (status, body, headers["Content-Type"]) == (200, BYTES, "audio/flac")
    assert headers["Cache-Control"] == "private, no-store"
    status, body, headers = await room.get(address, "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(BYTES)))
    room.clock.now += TTL_MS - 1
    assert (await room.get(address))[0] == 200
    room.clock.now += 1
    assert (await room.get(address))[0] == 404


async def test_links_survive_a_restart_and_end_with_the_token(room: Room) -> None:
    address = room.clock.links("https://x.example").offer(room.digest)
    name, signature = address.split("/")[-2:]
    assert room.clock.links("https://x.example").digest_of(name, signature) == room.digest
    assert room.clock.links("https://x.example", "another").digest_of(name, signature) is None
    assert room.links.offer(room.digest) != room.links.offer(room.digest)


async def test_forged_removed_and_foreign_files_look_alike(room: Room) -> None:
    address = room.links.offer(room.digest)
    head, name, signature = address.rsplit("/", 2)
    later = name.replace(name.split("-")[1], str(int(name.split("-")[1]) + 1))
    other = "0" * 64 + name[64:]
    for wrong in (
        f"{head}/{later}/{signature}",
        f"{head}/{other}/{signature}",
        f"{head}/{name}/{'0' * 64}",
        f"{head}/{name}/é",
        f"{head}/{name}",
        f"{head}/",
        head,
        f"{head}/..%2f..%2ftwodeck.db/{signature}",
        room.links.offer("f" * 64),
        room.links.offer("../../twodeck.db"),
    ):
        assert (await room.get(wrong))[0] == 404, wrong
    assert (await room.get(address, "POST"))[0] == 405
    room.path.unlink()
    assert (await room.get(address))[0] == 404
    await room.db.work(lambda tx: store.keep(tx, [Stored("e" * 64, 1, "png")], "job:1", 1 << 50, 1))
    assert (await room.get(room.links.offer("e" * 64)))[0] == 404, "pictures are nobody's sources"


class Trusting(Links):
    """The broken variant: any signature will do."""

    def digest_of(self, name: str, signature: str) -> str | None:
        return super().digest_of(name, self._signature(name))


async def test_the_check_turns_red_without_the_signature(room: Room) -> None:
    name = room.links.offer(room.digest).split("/")[-2]
    trusting = Trusting("https://x.example", SecretStr("t"), now=lambda: 0, new_id=Clock().new_id)
    assert trusting.digest_of(name, "0" * 64) == room.digest
    assert room.links.digest_of(name, "0" * 64) is None


def accounts(upload: str = "") -> dict[EngineName, HostedSettings]:
    return {EngineName.APIBOX: HostedSettings(api_key=SecretStr("music-key"), upload_url=upload)}


def test_what_an_engine_still_needs() -> None:
    needs = {EngineName.APIBOX: "APIBOX_UPLOAD_URL or TWODECK_PUBLIC_URL"}
    assert unready(accounts(), "") == needs
    assert unready(accounts("https://up.example"), "") == {}
    assert unready(accounts(), "https://bot.example") == {}
    assert unready({EngineName.KIE: HostedSettings(api_key=SecretStr("k"))}, "") == {}
    assert unready({EngineName.APIBOX: HostedSettings()}, "") == {}


@pytest.mark.parametrize("pass_links", [False, True])
@pytest.mark.parametrize("upload", [False, True])
async def test_the_way_of_the_sources(tmp_path: Path, pass_links: bool, upload: bool) -> None:
    music, pool, source = Music(), Pool(1), tmp_path / ("ab" * 32)
    source.write_bytes(BYTES)
    await music.start()
    (engine,) = build(
        accounts(music.url if upload else ""),
        "https://bot.example",
        DownloadSettings.model_validate({}),
        pool,
        tmp_path,
        Clock(),
        links=Hands().links("https://bot.example"),
        pass_links=pass_links,
    )
    mine = ("https://cdn.discordapp.com/a", "https://cdn.discordapp.com/b")
    wanted = replace(order(engine, {"prompt": "x", "style": "dub"}, (source, source)), links=mine)
    first, again = await engine.prepare(wanted), await engine.prepare(replace(wanted, attempt=2))
    way = f"{music.url}/files/" if upload else f"https://bot.example/sources/{source.name}-"
    assert (first == mine) is pass_links
    assert all(address.startswith(way) for address in (*(() if pass_links else first), *again))
    assert len({*first, *again}) == 4
    assert mine[0] not in repr(wanted)
    await engine.close()
    await pool.close()
    await music.close()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mp3(tmp_path_factory.mktemp("song") / "a.mp3", stereo(Song(seconds=6)))


async def test_the_bot_lends_its_sources_to_a_provider_without_an_upload_host(tmp_path: Path, song: Path) -> None:
    music = Music()
    music.knobs.fetches = True
    await music.start()
    async with Playground(tmp_path) as play:
        listen = f"127.0.0.1:{free_port()}"
        settings: dict[str, Any] = {
            **music.settings("apibox"),
            "APIBOX_UPLOAD_URL": "",
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": listen,
            "TWODECK_PUBLIC_URL": f"http://{listen}",
        }
        await play.start_bot(**settings)
        act = await play.slash("mika", "mashups", "cover", track=song, engine="apibox", prompt="calm")
        await act.says("On it.")
        await play.wait_for(lambda: [m for m in play.messages("mashups") if m.attachments], 40)
        (body,) = music.creates
        assert body["uploadUrl"].startswith(f"http://{listen}/sources/")
        assert body["uploadUrl"].rpartition("/")[2] not in (tmp_path / "bot.log").read_text("utf-8")
    await music.close()


async def test_an_engine_that_lacks_a_setting_says_which(tmp_path: Path, song: Path) -> None:
    needs = "not ready: needs APIBOX_UPLOAD_URL or TWODECK_PUBLIC_URL"
    async with Playground(tmp_path) as play:
        await play.start_bot(APIBOX_API_KEY="k")
        listed = await (await play.slash("noor", "mashups", "engines list")).says("Engines of this bot")
        assert needs in shown_text(listed)
        assert shown_text(listed).count("✓ ready") == 1
        act = await play.slash("mika", "mashups", "cover", track=song, engine="apibox", prompt="calm")
        await act.says(needs)
        offers = await play.autocomplete("noor", "mashups", "engines off", "engine", engine="")
        assert [offer["value"] for offer in offers] == ["local"]
        assert play.messages("mashups") == []
