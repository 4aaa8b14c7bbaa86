"""One bot between its two stand-ins, a history of what they see, and the verdict over it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bot.playground import checks
from bot.playground import music_forms as forms
from bot.playground.child import BotProcess
from bot.playground.errors import MemberError
from bot.playground.world import Channel, Message
from tests.audio.synth import Song, play, write_mp3
from tests.chaos import power
from tests.chaos.band import Band, Shape
from tests.chaos.checker import CARD_SAYS, ENDED, Violation, check, ended_cards
from tests.chaos.history import History, query, read_rows
from tests.chaos.recorder import Recorder
from tests.playground import ROOMY, Act, Playground
from tests.warm import WarmBot

T = TypeVar("T")
DIALECTS = {"sunoapi": forms.MODELESS, "kie": forms.UNIFIED, "apibox": forms.LEGACY}
ENGINES = tuple(DIALECTS)
"""Hosted ones, each with another dialect."""
MEMBERS = ("mika", "noor", "sam")
PATIENCE = 15.0
"""Seconds that anything that does happen takes at most."""
_ANSWER_SECONDS = 5.0
_ROOMS = 3
ROOT = Path(__file__).resolve().parents[2]
_OPEN = ", ".join(f"'{state}'" for state in sorted(ENDED))
_UNDER_WAY = (
    f"SELECT id, state FROM jobs WHERE state NOT IN ({_OPEN}) OR (state = 'unknown' AND wake_at < ?)",
    "SELECT id, state FROM posts WHERE state NOT IN ('sent', 'dead', 'removed')",
    "SELECT id, phase FROM contests WHERE phase <> 'archived' AND wake_at <= ?",
)
SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "TWODECK_POLL_SECONDS": "1",
    "TWODECK_GRACE_SECONDS": "6",
    **ROOMY,
    "TWODECK_QUOTA_MEMBER_DAY": "100000",
    "TWODECK_QUOTA_GUILD_DAY": "100000",
    "TWODECK_BACKUP_HOURS": "0.02",
    "TWODECK_BACKUP_KEEP": "3",
}


class Stage:
    """`async with Stage(folder) as stage:` then `start`, `ask`, `kill`, `settle`, and `verdict` at the end."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 0,
        shape: Shape | None = None,
        warm: bool = False,
        kind: type[BotProcess] = WarmBot,
    ) -> None:
        """`warm` takes audio children from a nursery; `kind` says where the bot comes from."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.chance = random.Random(seed)
        self.history = History(folder / "history.jsonl")
        self.play = Playground(folder)
        self.band = Band(self.history, self.chance, shape or Shape())
        world = self.play.world
        self.secrets = {
            "the bot's token": world.token,
            "the provider's key": self.band.key,
            "the webhook key": self.band.knobs.webhook_key,
        }
        self.recorder = Recorder(self.history, world, self.secrets)
        self.rooms = [Channel(world.new_id(), f"room-{number}", "", 9 + number) for number in range(_ROOMS)]
        world.guild.channels |= {room.id: room for room in self.rooms}
        self._warm = warm
        self._kind = kind
        self._nursery: asyncio.subprocess.Process | None = None
        self._short = tempfile.TemporaryDirectory(prefix="twodeck-")  # a socket's path may have 107 letters
        self.options: list[str] = []
        """Arguments of every start of the child."""
        self.settings = dict(SETTINGS)
        self.asked: list[str] = []
        """The mark of every job that was asked for."""
        self._acts: list[Act] = []
        self._identified = 0

    async def __aenter__(self) -> Stage:
        await self.band.start()
        await self.play.__aenter__()
        if self._warm:
            await self._open_nursery()
        self.play.world.listen(self.recorder.hear)
        self.play.standin.watch(self.recorder.saw)
        self.songs = {side: _song(self.folder / f"{side}.mp3", tonic) for side, tonic in (("a", 0), ("b", 7))}
        self.bot = self._kind(self.play.standin, self.folder)
        self.play.bot = self.bot
        with socket.socket() as first, socket.socket() as second:
            for probe in (first, second):
                probe.bind(("127.0.0.1", 0))
            address, watch = (f"127.0.0.1:{probe.getsockname()[1]}" for probe in (first, second))
        for engine in ENGINES:
            self.settings |= self.band.settings(engine, DIALECTS[engine])
        self.settings |= {
            "KIE_WEBHOOK_KEY": self.band.knobs.webhook_key,
            "TWODECK_DOWNLOAD_HOSTS": f"{self.play.standin.url.removeprefix('http://')},{self.band.host}",
            "TWODECK_LISTEN": address,
            "TWODECK_METRICS_LISTEN": watch,
            "TWODECK_PUBLIC_URL": f"http://{address}",
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.play.__aexit__(kind, error, trace)
        await self.band.close()
        self.history.close()
        if self._nursery is not None:
            self._nursery.kill()
            await self._nursery.wait()
        self._short.cleanup()

    @property
    def database(self) -> Path:
        return self.folder / "bot" / "twodeck.db"

    @property
    def notes(self) -> list[str]:
        """What armed failpoints said of themselves."""
        path = self.folder / "strikes.txt"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    async def start(self, *arguments: str, timeout: float = 30) -> bool:
        """Start the bot; False when it ended before it was ready."""
        gateway = self.play.standin.gateway
        before = gateway.identified
        self.bot.settings = self.settings
        self.bot.command = ["tests.chaos.child", "--notes", str(self.folder / "strikes.txt")]
        self.bot.command += [*self.options, *arguments]
        self.history.note("started", arguments=list(arguments))
        await self.bot.start()
        await self.wait_for(
            lambda: (
                not self.bot.running
                or (gateway.connected and gateway.identified > before and bool(self.play.world.commands))
            ),
            timeout,
        )
        return self.bot.running

    async def kill(self) -> None:
        """SIGKILL, and what the bot's jobs were doing then."""
        await self.bot.kill()
        self.history.note("killed", states=self.states())

    async def cut_power(self) -> None:
        """SIGKILL, and nothing is left of what was not synced. Needs a start with `--power`."""
        await self.kill()
        power.cut(self.folder / "synced", self.folder / "bot")
        self.history.note("power cut")

    async def ask(
        self,
        engine: str,
        *,
        private: bool = False,
        member: str = "",
        answered: bool = False,
        vocals: bool = False,
        persona: str = "",
    ) -> Act | None:
        """One member asks for one mashup, or for `vocals`; None when the bot is not there to be asked.

        `answered` waits for the bot's words, or for the end of the time it has for them.
        """
        number = len(self.asked) + 1
        tag = f"k{number}"
        self.asked.append(tag)
        member, room = member or MEMBERS[number % len(MEMBERS)], self.rooms[number % len(self.rooms)]
        command, options = self._sung(tag) if vocals else self._mixed(tag, engine)
        options |= {"persona": persona} if persona else {}
        try:
            act = await self.play.slash(member, room.name, command, engine=engine, private=private, **options)
        except MemberError:
            return None
        self.watch(act, tag, engine, private=private)
        if answered:
            await self.wait_for(lambda: not self.waits(act), PATIENCE)
        return act

    async def press(self, member: str, button: str, *, tag: str = "", engine: str = "kie") -> None:
        """One member presses the newest such button they see, which asks for what the mashup with this tag, or the
        first one, was to be."""
        offered = self.offered(member, button)
        if offered is None:
            return
        tag = tag or self.asked[0]
        self.asked.append(tag)
        with contextlib.suppress(MemberError):
            self.watch(await self.play.click(member, offered, button), tag, engine)

    def offered(self, member: str, button: str) -> Message | None:
        """The newest message in which this member sees such a button."""
        seen = [message for room in self.rooms for message in self.play.messages(room.name, member)]
        return next(
            (m for m in seen[::-1] if any(c.get("label") == button for c in checks.walk(m.components))), None
        )

    async def made_again(self, pressing: Awaitable[Act], engine: str, *, private: bool) -> None:
        """One member asks by a button or a form for what the first mashup was to be."""
        self.asked.append(self.asked[0])
        self.watch(act := await pressing, self.asked[0], engine, private=private)
        await act.says("On it")

    def watch(self, act: Act, tag: str, engine: str, *, private: bool = False) -> None:
        """This asked for the mashup with this tag."""
        self.history.note("asked", interaction=str(act.interaction.id), tag=tag, private=private, engine=engine)
        self._acts.append(act)

    def _mixed(self, tag: str, engine: str) -> tuple[str, dict[str, Any]]:
        tracks = {f"track_{side}": (f"{tag}{side}.mp3", self.songs[side]) for side in "ab"}
        words = {"title": f"{tag}a × {tag}b", "style": "dub", "prompt": "rain on two rooftops"}
        return "mashup", {**tracks, **({} if engine == "local" else words)}

    def _sung(self, tag: str) -> tuple[str, dict[str, Any]]:
        words = {"title": f"{tag}a × {tag}b", "style": "dub", "negative_tags": "noise"}
        lyrics = ("words.txt", b"la la la")
        return "vocals", {**words, "track": ("one.mp3", self.songs["a"]), "lyrics_file": lyrics}

    def states(self) -> dict[str, int]:
        """How many jobs are in each state."""
        if not self.database.exists():
            return {}
        rows = query(self.database, "SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
        return {row["state"]: row["jobs"] for row in rows}

    @property
    def open_jobs(self) -> int:
        return sum(count for state, count in self.states().items() if state not in ENDED)

    async def settle(self, timeout: float) -> None:
        """Let everything come to its end, starting the bot again whenever it ended; a stuck one stays as it is."""
        ends = time.monotonic() + timeout
        while time.monotonic() < ends:
            if not self.bot.running:
                self.history.note("ended", status=await self.bot.wait())
                await self.start()
            self.forget_answered()
            if not self._acts and not self.band.busy and not self._under_way():
                await self.wait_for(self._cards_say_so, PATIENCE, every=0.2)
                return
            await asyncio.sleep(0.05)

    def forget_answered(self) -> None:
        """Keep only those of whom somebody still waits for a word."""
        self._acts = [act for act in self._acts if self.waits(act)]

    async def verdict(self) -> list[Violation]:
        """Stop the bot, look for secrets in what it wrote, and let the checker decide."""
        await self.bot.stop()
        log = self.bot.log_file.read_text("utf-8", "replace")
        gateway = self.play.standin.gateway
        self.history.note(
            "stopped", identified=gateway.identified, reconnects=log.count("connecting again in") + gateway.resumed
        )
        rows = read_rows(self.database)
        secrets = {**self.secrets, **{f"the address of {r['id']}": r["callback_secret"] for r in rows.jobs}}
        self._scan("the log", log.encode(), secrets)
        data = self.folder / "bot"
        for kept in sorted([*data.glob("twodeck.db*"), *(data / "backups").glob("*.db")]):
            self._scan(kept.name, kept.read_bytes(), self.secrets)
        return check(self.history.events, rows)

    def waits(self, act: Act) -> bool:
        """Whether the member may still be told something: not after a promise, or after a while of nothing."""
        interaction = act.interaction
        over = interaction.sent_at + _ANSWER_SECONDS < self.play.world.clock.monotonic()
        return not (act.failed or over or self.recorder.was_promised(interaction))

    async def wait_for(self, predicate: Callable[[], T | None], timeout: float, every: float = 0.02) -> T | None:
        """What `predicate` says as soon as it is true, or at the end of the time."""
        ends = time.monotonic() + timeout
        while not (found := predicate()) and time.monotonic() < ends:  # noqa: ASYNC110 - many things may make it true
            await asyncio.sleep(every)
        return found

    async def _open_nursery(self) -> None:
        address = Path(self._short.name) / "nursery"
        self._nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.playground.keeper", str(os.getpid()), "tests.chaos.nursery", str(address)),
            env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            cwd=ROOT,
        )
        await self.wait_for(address.exists, PATIENCE)
        self.options += ["--nursery", str(address)]

    def _cards_say_so(self) -> bool:
        """Whether every card says how its job ended: a bot edits them after all else."""
        says = self.recorder.cards
        cards = ended_cards(read_rows(self.database)) if self.database.exists() else ()
        return all(says.get(message, "") in CARD_SAYS[job["state"]] for job, message in cards)

    def _under_way(self) -> bool:
        if not self.database.exists():
            return False
        now = int(time.time() * 1000)
        jobs, posts, contests = _UNDER_WAY
        waiting = query(self.database, jobs, now) or query(self.database, posts)
        return bool(waiting or query(self.database, contests, now))

    def _scan(self, where: str, data: bytes, secrets: Mapping[str, str | None]) -> None:
        for name, secret in secrets.items():
            if secret and secret.encode() in data:
                self.history.note("leak", secret=name, where=where)


def _song(path: Path, tonic: int) -> bytes:
    """A little over the shortest source that is taken, in mono and at a low rate."""
    return write_mp3(path, play(Song(tempo=120, seconds=5.4, tonic=tonic)), bit_rate=32).read_bytes()
