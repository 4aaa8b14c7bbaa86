"""Which parts there are behind the client, what each is given, and the order in which they open and close."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from bot.accounts import Accounts
from bot.alerts import Alerts
from bot.client import Services
from bot.clock import Clock
from bot.contests.desk import Tools
from bot.contests.line import ContestLine
from bot.contests.masking import Masks
from bot.contests.questions import Questions
from bot.contests.restore import halt
from bot.contests.service import ContestService
from bot.contests.stake import ContestStake
from bot.control import Control, Orders
from bot.database import Database
from bot.database.restoring import marker
from bot.engines.hosted.build import build, unready
from bot.engines.hosted.engine import HostedEngine
from bot.engines.local.engine import LocalEngine
from bot.engines.local.studio import Studio
from bot.engines.orders import EngineOrders
from bot.engines.registry import Registry
from bot.engines.spending import Spending
from bot.engines.switches import Switches
from bot.files.download import Downloader
from bot.files.links import Links
from bot.files.space import Space
from bot.files.store import FileStore
from bot.guilds.service import GuildService
from bot.jobs import store as jobs
from bot.jobs.board import Board
from bot.jobs.comparisons import Comparisons
from bot.jobs.line import JobLine
from bot.jobs.loading import Decking
from bot.jobs.personas import Personas
from bot.jobs.reach import Reach
from bot.jobs.restore import quarantine
from bot.jobs.results import Results
from bot.jobs.retention import DAY_MS
from bot.jobs.service import JobService
from bot.jobs.staging import Stager
from bot.jobs.steps import Pace, Steps
from bot.logins import Logins
from bot.metrics.gateway import Gateway
from bot.posts import store as posts
from bot.posts.breaker import Breaker
from bot.posts.line import PostLine
from bot.posts.slot import Slot
from bot.privacy.service import PrivacyService
from bot.quotas.caps import CapWatch
from bot.quotas.charts import Charts
from bot.quotas.gate import Gate, capped, operator_of
from bot.quotas.service import QuotaService
from bot.request import EngineName
from bot.rings import Rings
from bot.runner import Desk, Runner
from bot.settings import HostedSettings, Settings, SettingsError
from bot.upkeep import Upkeep
from bot.web.callbacks import Callbacks
from bot.web.health import Health
from bot.web.lag import LoopLag
from bot.web.listener import Listener, Room
from bot.web.probes import Probes
from bot.web.readiness import Readiness
from bot.web.readings import Readings
from bot.web.sources import Sources
from bot.web.watch import Watch
from bot.worker.pool import Pool
from bot.worker.protections import protections

log = logging.getLogger(__name__)
_PROBES = 2
_COMPARISONS = 1
_LATE = 20
"""How much rarer a task is asked about that did not end in its time."""


class Parts:
    """Everything behind the client. `open` and `close` may each be called again after the other."""

    def __init__(self, settings: Settings, *, after_restore: bool = False) -> None:
        self._settings = settings
        self._after_restore = after_restore
        self._folder = settings.storage.data_dir.absolute()  # children have another working directory
        self._services: Services | None = None
        self._stack = contextlib.AsyncExitStack()
        self._runner: Runner | None = None
        self._board: Board | None = None
        self._pools: list[Pool] = []
        self._upkeep: Upkeep | None = None
        self._accounts: Accounts | None = None
        self._probes = Probes(Clock())

    async def open(self) -> Services:
        """Open all parts, or the ones already open. Raises `DatabaseError`."""
        if self._services is None:
            self._pools.clear()
            try:
                self._services = await self._open()
            except BaseException:
                await self._stack.aclose()
                raise
        return self._services

    def start(self) -> None:
        for missing in (one for one in protections() if not one.holds):
            log.warning("audio children lack the protection %s, which takes %s", missing.name, missing.lacking)
        for part in (self._runner, self._board, self._upkeep, self._accounts):
            if part is not None:
                part.start()

    async def close(self) -> None:
        """Take no more jobs, let steps finish for a moment, close everything in reverse order."""
        if self._services is not None:
            self._services.jobs.stop()
            self._services = None
        await self._stack.aclose()

    async def _open(self) -> Services:
        settings, clock, slot, gateway = self._settings, Clock(), Slot(), Gateway()
        db, delivery = Database(self._folder / "twodeck.db"), Breaker(slot, clock.monotonic)
        self._stack.push_async_callback(db.close)
        await db.open()
        await self._quarantine(db, clock)
        files, space = FileStore(self._folder / "files"), self._space(db, clock)
        files.prepare()
        downloader = Downloader(
            settings.downloads.hosts,
            max_bytes=settings.downloads.max_source_mb << 20,
            timeout_seconds=300,
            user_agent="Twodeck",
        )
        self._stack.push_async_callback(downloader.close)
        probes = self._pool(_PROBES)
        studio = Studio(self._pool(settings.local.workers * 2))
        rings = Rings(db, clock)
        self._stack.push_async_callback(rings.close)
        alerts = Alerts(db, clock, settings.operator, rings.wake)
        local = LocalEngine(
            studio,
            self._work_folder(),
            workers=settings.local.workers,
            on_change=rings.changed,
            on_end=rings.ended,
        )
        self._stack.push_async_callback(local.close)
        links = Links(settings.web.public_url, settings.discord.token, now=clock.now, new_id=clock.new_id)
        hosted = self._hosted(clock, probes, links)
        registry = Registry(
            [*([local] if settings.local.enabled else []), *hosted],
            unready(self._keys, settings.web.public_url, self._profiles),
        )
        if not registry.names:
            raise SettingsError("No engine is set up: LOCAL_ENABLED is false, and no hosted engine is ready.")
        switches = Switches(db, clock)
        await switches.load()
        pace = Pace(
            poll=int(settings.web.poll_seconds * 1000),
            late_poll=int(settings.web.poll_seconds * 1000) * _LATE,
            grace=int(settings.web.grace_seconds * 1000),
        )
        stake, keep_ms = ContestStake(clock), settings.keep.result_days * DAY_MS
        steps = Steps(
            *(db, clock, registry, switches, files, downloader, probes, alerts, pace, stake),
            Spending(switches, alerts, capped(self._keys)),
        )
        line = JobLine(db, clock, registry, switches, steps, rings.changed, alerts, settings.keep, stake)
        contests = ContestLine(db, clock, Masks(db, clock, probes, files), keep_ms)
        lines = [contests, line, PostLine(db, clock, delivery, rings.posted)]
        runner = self._runner = Runner(db, clock, lines, (jobs.shift, posts.shift))
        board = self._board = Board(db, clock, registry, line, delivery, edit_seconds=settings.discord.edit_seconds)
        rings.connect(board, runner)
        self._stack.push_async_callback(board.stop)
        self._stack.push_async_callback(runner.stop)
        gate = Gate(operator_of(settings.quota, self._keys))
        caps = CapWatch(db, clock, gate, alerts)
        upkeep = self._upkeep = Upkeep(
            db, clock, files, alerts, settings.upkeep, settings.keep, self._folder, (caps.look_at_all,), space
        )
        self._stack.push_async_callback(upkeep.stop)
        accounts = self._accounts = Accounts(
            registry, switches, alerts, runner.wake, seconds=settings.web.balance_seconds
        )
        self._stack.push_async_callback(accounts.stop)
        service = JobService(
            db,
            clock,
            registry,
            switches,
            max_source_bytes=settings.downloads.max_source_mb << 20,
            gate=gate,
            keep=settings.keep,
            wake=runner.wake,
            caps=caps,
            stake=stake,
            space=space,
        )
        stager = Stager(files, downloader, probes)
        tools = Tools(db, clock, service, stager, keep_ms, runner.wake)
        orders = EngineOrders(registry, switches, runner.wake)
        await self._obey({**orders.handlers, **(self._probes.handlers if hosted else {})})
        if hosted:
            callbacks = Callbacks(Desk(runner, line), clock, settings.kie.webhook_keys, self._probes)
            await self._listen(callbacks, Health(db), Sources(db, files, links))
        readings = Readings(self._folder / "twodeck.db", clock, gateway, registry, switches, self._pools)
        await self._watch(db, Readiness(db, gateway, runner, self._pools), readings, LoopLag(clock.monotonic))
        return Services(
            jobs=service,
            results=Results(db, clock, service, gate, stake, runner.wake),
            personas=Personas(db, clock, registry),
            files=files,
            delivery=slot,
            logins=Logins(db, clock, settings.discord.logins_day),
            db=db,
            clock=clock,
            alerts=alerts,
            engines=orders,
            guilds=GuildService(db, clock, runner.wake),
            privacy=PrivacyService(db, clock, settings.keep, settings.upkeep, runner.wake),
            quotas=QuotaService(db, clock, gate, runner.wake),
            charts=Charts(probes, files),
            contests=ContestService(tools),
            questions=Questions(db, clock),
            comparisons=Comparisons(db, clock, gate, downloader, files, self._pool(_COMPARISONS)),
            reach=Reach(db, clock, stake),
            decks=Decking(db, clock, gate, service, stager, keep_days=settings.keep.source_days),
            gateway=gateway,
        )

    def _space(self, db: Database, clock: Clock) -> Space:
        """What the settings leave for files."""
        sizes = {"most_mb": self._settings.storage.files_mb, "free_mb": self._settings.storage.free_mb}
        return Space(db, self._folder, **sizes, monotonic=clock.monotonic)

    async def _obey(self, orders: Orders) -> None:
        control = Control(self._settings.storage.data_dir, orders)  # as short as named: its address has a limit
        self._stack.push_async_callback(control.stop)
        await control.start()

    async def _quarantine(self, db: Database, clock: Clock) -> None:
        """Only at the first start after a restore, before anything looks at a job."""
        stepped_back = marker(self._folder)
        if self._after_restore or stepped_back.exists():
            now = clock.now()
            counts = await db.work(lambda tx: quarantine(tx, now=now, new_id=clock.new_id))
            paused = await db.work(lambda tx: halt(tx, now=now, new_id=clock.new_id))
            told = {**counts, "contests paused": paused}
            log.warning("after the restore: %s", ", ".join(f"{n} {what}" for what, n in told.items()))
            shutil.rmtree(self._folder / "jobs", ignore_errors=True)  # no job waits for any of it now
            stepped_back.unlink(missing_ok=True)
            self._after_restore = False

    @property
    def _keys(self) -> Mapping[EngineName, HostedSettings]:
        """The operator's accounts at music providers, with or without a key."""
        return {EngineName(name): getattr(self._settings, name) for name in ("kie", "sunoapi", "apibox")}

    @property
    def _profiles(self) -> Path:
        """Where the operator's own prices, models and limits are."""
        return self._folder / "profiles"

    def _hosted(self, clock: Clock, pool: Pool, links: Links) -> list[HostedEngine]:
        """The hosted engines that are ready."""
        settings = self._settings
        engines = build(
            self._keys,
            settings.web.public_url,
            settings.downloads,
            pool,
            self._work_folder(),
            clock,
            overlays=self._profiles,
            links=links if settings.web.public_url else None,
            pass_links=settings.web.pass_links,
        )
        for engine in engines:
            self._stack.push_async_callback(engine.close)
        return engines

    async def _listen(self, *rooms: Room) -> None:
        listener = Listener(*rooms, proxies=self._settings.web.trusted)
        self._stack.push_async_callback(listener.stop)
        try:
            await listener.start(*self._settings.web.where)
        except OSError as problem:
            where = self._settings.web.listen
            raise SettingsError(f"TWODECK_LISTEN {where} cannot be used ({problem.strerror}).") from None

    async def _watch(self, db: Database, ready: Readiness, readings: Readings, lag: LoopLag) -> None:
        """Without a choice of the operator's it is no reason not to start that another bot has the port."""
        where = self._settings.metrics.where
        if where is None:
            return
        watch = Watch(Health(db), ready, readings, lag)
        self._stack.push_async_callback(watch.stop)
        try:
            await watch.start(*where)
        except OSError as problem:
            words = f"TWODECK_METRICS_LISTEN {self._settings.metrics.listen} cannot be used ({problem.strerror})."
            if self._settings.metrics.is_chosen:
                raise SettingsError(words) from None
            log.warning("%s Nobody sees metrics and readiness of this bot.", words)

    def _pool(self, workers: int) -> Pool:
        pool = Pool(workers)
        self._pools.append(pool)
        self._stack.push_async_callback(pool.close)
        return pool

    def _work_folder(self) -> Path:
        """The local engine's directories; finished ones of a dead process are still good, so they stay."""
        folder = self._folder / "jobs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
