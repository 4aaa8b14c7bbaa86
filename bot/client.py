"""The discord.py client: guild intent only, cogs by name, commands synced when their payload changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sys
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import discord
import discord.http
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from yarl import URL

from bot.alerts import Alerts
from bot.clock import Clock
from bot.contests.questions import Questions
from bot.contests.service import ContestService
from bot.database import Database, DatabaseClosedError, Tx
from bot.engines.orders import EngineOrders
from bot.errors import Code, Refused
from bot.failpoints import around
from bot.files.store import FileStore
from bot.guilds.service import GuildService
from bot.intake import Intake
from bot.jobs.comparisons import Comparisons
from bot.jobs.loading import Decking
from bot.jobs.personas import Personas
from bot.jobs.reach import Reach
from bot.jobs.results import Results
from bot.jobs.service import JobService
from bot.logins import Logins, TooManyLoginsError
from bot.logs import bind
from bot.metrics.acks import Acks
from bot.metrics.gateway import Gateway
from bot.posts.port import Delivery
from bot.privacy.service import PrivacyService
from bot.quotas.charts import Charts
from bot.quotas.service import QuotaService
from bot.settings import DiscordSettings

log = logging.getLogger(__name__)
BROKEN_OFF = (discord.DiscordServerError, aiohttp.ClientError, TimeoutError)
"""How a request to Discord ends that got no answer, or none but that Discord is ill."""
TOO_LATE = frozenset({10062, 10015, 50027, 40060})
"""Unknown interaction, unknown webhook, invalid webhook token, answered already: nothing can be said any more."""
COGS = (
    "cogs.translator",
    "cogs.errors",
    "cogs.delivery",
    "cogs.mashup",
    "cogs.compat",
    "cogs.decks",
    "cogs.operations",
    "cogs.jobs",
    "cogs.persona",
    "cogs.engines",
    "cogs.quota",
    "cogs.settings",
    "cogs.contest",
    "cogs.privacy",
    "cogs.help",
)
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    embed_links=True,
    read_message_history=True,
)
"""Everything the bot asks of a server, and nothing more."""
INTENTS = discord.Intents(guilds=True)
"""What the bot is told of at the gateway; none of it is privileged."""
_TURNED_AWAY_AT_ONCE = 64
"""They share as many connections; with one each, opening them would delay the answers to everybody else."""


class _Cuts(logging.Filter):
    """Suggestions that came too late, or were cut off, get a line in the log, and no trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        late = isinstance(error, discord.HTTPException) and error.code in TOO_LATE
        if late or isinstance(error, BROKEN_OFF):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = "%s (%r)", (record.getMessage(), error)
            record.exc_info = record.exc_text = None
        return True


logging.getLogger("discord.app_commands.tree").addFilter(_Cuts())


class DeliverySlot(Protocol):
    """Where the cog that writes messages announces itself."""

    def attach(self, delivery: Delivery) -> None: ...


@dataclass(frozen=True)
class Services:
    """What cogs may use."""

    jobs: JobService
    results: Results
    personas: Personas
    files: FileStore
    delivery: DeliverySlot
    logins: Logins
    db: Database
    clock: Clock
    alerts: Alerts
    engines: EngineOrders
    guilds: GuildService
    privacy: PrivacyService
    quotas: QuotaService
    charts: Charts
    contests: ContestService
    questions: Questions
    comparisons: Comparisons
    reach: Reach
    decks: Decking
    gateway: Gateway


class Parts(Protocol):
    """What the composition root gives: opened before the client starts, closed after it."""

    async def open(self) -> Services: ...

    def start(self) -> None:
        """Begin to work on jobs; called once delivery is attached and Discord is ready."""
        ...

    async def close(self) -> None: ...


class Tree(app_commands.CommandTree["TwodeckBot"]):
    """The commands, once the intake let them in; one that belongs to a server is refused in direct messages."""

    async def interaction_check(self, interaction: discord.Interaction[Any]) -> bool:
        try:
            self.client.admit(interaction)
        except Refused as refused:
            raise app_commands.CheckFailure from refused
        given = interaction.type is discord.InteractionType.application_command
        if given and interaction.guild_id is None and not _works_in_direct(interaction.command):
            raise app_commands.CheckFailure from Refused(Code.NEEDS_SERVER)
        return True


class _Socket(DiscordWebSocket):
    """The library's connection; one that may not identify is closed and not left behind."""

    async def identify(self) -> None:
        try:
            await super().identify()
        except TooManyLoginsError:
            await self.close()
            raise


class TwodeckBot(commands.Bot):
    """A ready-to-start bot. `setup_hook` opens the parts, `close` closes them if this client owns them."""

    def __init__(self, settings: DiscordSettings, parts: Parts, *, owns_parts: bool = True) -> None:
        point_library_at(settings)
        # There is no voice here; the library's warnings about it would only worry an operator.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        self._acks = Acks(Clock().monotonic)
        super().__init__(
            command_prefix=commands.when_mentioned,
            tree_cls=Tree,
            help_command=None,
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.5,
            http_trace=self._acks.trace,
        )
        self._parts = parts
        self._owns_parts = owns_parts
        self._services: Services | None = None
        self.intake = Intake(settings.intake, Clock())
        self.turning_away = asyncio.Semaphore(_TURNED_AWAY_AT_ONCE)
        """Held while somebody is told that the bot is busy."""

    def admit(self, interaction: discord.Interaction[Any]) -> None:
        """Let an interaction in until the task that calls this ends. Raises `Refused`, with nothing looked up."""
        who, task = interaction.guild_id or interaction.user.id, asyncio.current_task()
        if task is None:
            raise RuntimeError("an interaction is admitted in the task that works on it")
        self.intake.enter(who)
        bind(guild=str(interaction.guild_id))
        task.add_done_callback(lambda _: self.intake.leave(who))

    @property
    def services(self) -> Services:
        if self._services is None:
            raise RuntimeError("the parts are not open yet")
        return self._services

    async def setup_hook(self) -> None:
        self._services = await self._parts.open()
        self._services.alerts.know_owners(owners_of(self.application))
        for cog in COGS:
            await self.load_extension(cog)
        await self._sync_when_changed(self._services)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """The library calls it the moment that something arrives."""
        if event_name == "interaction":
            self._acks.arrived(args[0].id)
        super().dispatch(event_name, *args, **kwargs)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Draw on the budget of logins, as whoever lent the parts did before the first of them.

        Raises `TooManyLoginsError`.
        """
        lent = initial and not self._owns_parts
        if not lent and (seconds := await self.services.logins.take()) > 0:
            raise TooManyLoginsError(seconds)
        await super().before_identify_hook(shard_id, initial=initial)

    async def on_ready(self) -> None:
        self.services.gateway.connected = True
        log.info("ready as %s in %d servers", self.user, len(self.guilds))
        self._parts.start()
        await self.services.guilds.look_round({str(guild.id) for guild in self.guilds})

    async def on_resumed(self) -> None:
        self.services.gateway.connected = True

    async def on_disconnect(self) -> None:
        if self._services is not None:
            self._services.gateway.connected = False

    async def on_guild_join(self, guild: discord.Guild) -> None:
        channel = welcome_channel(guild)
        await self.services.guilds.arrive(str(guild.id), str(guild.preferred_locale), channel and str(channel.id))

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """At the start, and after an outage: no moment to speak up."""
        await self.services.guilds.arrive(str(guild.id), str(guild.preferred_locale), None)

    async def on_guild_update(self, _: discord.Guild, guild: discord.Guild) -> None:
        await self.on_guild_available(guild)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """What an event met: a bot on its way down, or a cut connection, is no fault of the program."""
        error = sys.exc_info()[1]
        if isinstance(error, (DatabaseClosedError, *BROKEN_OFF)):
            log.warning("%s was not carried out (%r)", event_method, error)
        else:
            await super().on_error(event_method, *args, **kwargs)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self.services.guilds.leave(str(guild.id))

    async def close(self) -> None:
        await self.on_disconnect()
        if self._owns_parts:
            await self._parts.close()
        await super().close()

    async def commands_as_synced(self) -> list[dict[str, Any]]:
        """What Discord is told of every command, in all languages."""
        translator = self.tree.translator
        if translator is None:
            raise RuntimeError("no cog has brought the words of commands")
        return [await command.get_translated_payload(self.tree, translator) for command in self.tree.get_commands()]

    async def _sync_when_changed(self, services: Services) -> None:
        payload = await self.commands_as_synced()
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()
        application = str(self.application_id)
        if await services.db.work(lambda tx: _synced(tx, application)) == digest:
            log.info("commands are unchanged since the last sync")
            return
        with around("discord sync"):
            synced = await self.tree.sync()
        now = services.clock.now()
        await services.db.work(lambda tx: _note_sync(tx, application, digest, now))
        log.info("synced %d commands", len(synced))


def _works_in_direct(command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu | None) -> bool:
    """What the command, or the group that it is in, says of where it can be given."""
    root = (isinstance(command, app_commands.Command) and command.root_parent) or command
    contexts = root.allowed_contexts if root else None
    return contexts is not None and bool(contexts.dm_channel)


def point_library_at(settings: DiscordSettings) -> None:
    """Tell discord.py where Discord is and how to reach it; it has no constructor argument for either."""
    discord.client.DiscordWebSocket = _Socket  # pyright: ignore[reportPrivateImportUsage]
    discord.http.Route.BASE = settings.api_url
    DiscordWebSocket.DEFAULT_GATEWAY = URL(settings.gateway_url)


def owners_of(application: discord.AppInfo | None) -> tuple[str, ...]:
    """The application's team, or its owner; asked of Discord at login."""
    if application is None:
        return ()
    people = application.team.members if application.team else [application.owner]
    return tuple(str(person.id) for person in people)


def welcome_channel(guild: discord.Guild) -> discord.TextChannel | None:
    """Where the bot says hello: the system channel, or else the first in which it may write."""
    asked = [guild.system_channel, *guild.text_channels]
    return next((one for one in asked if one is not None and _is_open(one)), None)


def _is_open(channel: discord.TextChannel) -> bool:
    mine = channel.permissions_for(channel.guild.me)
    return mine.view_channel and mine.send_messages and mine.embed_links


def invite_link(application: int) -> str:
    """The link by which a server's owner adds the bot, with the permissions it needs."""
    return discord.utils.oauth_url(application, permissions=PERMISSIONS, scopes=("bot", "applications.commands"))


async def application_id(settings: DiscordSettings) -> int:
    """Ask Discord whose token this is. Raises `discord.LoginFailure` for a wrong one."""
    point_library_at(settings)
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(settings.token.get_secret_value())
        if client.application_id is None:
            raise RuntimeError("Discord did not say which application this token belongs to")
        return client.application_id


def _synced(tx: Tx, application: str) -> str | None:
    row = tx.one("SELECT digest FROM command_syncs WHERE application = ?", (application,))
    return row["digest"] if row else None


def _note_sync(tx: Tx, application: str, digest: str, now: int) -> Any:
    return tx.run(
        "INSERT INTO command_syncs (application, digest, synced_at) VALUES (?, ?, ?) ON CONFLICT (application)"
        " DO UPDATE SET digest = excluded.digest, synced_at = excluded.synced_at",
        (application, digest, now),
    )
