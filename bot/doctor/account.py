"""What Discord says of the token and its application, by REST alone: nothing here logs in to the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp
import discord

from bot.client import INTENTS, invite_link, point_library_at
from bot.clock import Clock
from bot.doctor.finding import Finding, error, not_looked_at, ok, warning
from bot.settings import DiscordSettings

NEEDS_TOKEN = ("application", "intents", "invite", "logins")
PORTAL = "in Discord's developer portal"
_SECONDS = 30.0
_FEW_LOGINS = 0.1
_SKEW_WARNS, _SKEW_FAILS = 30.0, 300.0
"""Seconds; a callback's signature is good for 300 of them."""
_PRIVILEGED = {
    "members": ("gateway_guild_members", "gateway_guild_members_limited"),
    "presences": ("gateway_presence", "gateway_presence_limited"),
    "message_content": ("gateway_message_content", "gateway_message_content_limited"),
}
"""Each privileged intent, and the flags by which an application may ask for it."""
TROUBLE = (
    *(discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError),
    ValueError,  # a token that fits into no header
    *(KeyError, TypeError, AttributeError),  # an answer that is not Discord's
)
"""What asking Discord can end in."""


@dataclass
class Skew:
    """How far this machine's clock is from that of Discord's answers."""

    clock: Clock
    seconds: float | None = None
    """Positive when ours is ahead."""
    trace: aiohttp.TraceConfig = field(default_factory=aiohttp.TraceConfig)

    def __post_init__(self) -> None:
        self.trace.on_request_end.append(self._note)

    async def _note(self, _: object, __: object, ended: aiohttp.TraceRequestEndParams) -> None:
        told = _moment(ended.response.headers.get("Date", ""))
        if told is not None:
            # The header counts whole seconds: on average it is half a second old.
            self.seconds = self.clock.now() / 1000 - told.timestamp() - 0.5


@dataclass(frozen=True)
class Session:
    """A client that is known to Discord, or why there is none."""

    client: discord.Client
    application: discord.AppInfo | None
    finding: Finding


@asynccontextmanager
async def session(settings: DiscordSettings, skew: Skew) -> AsyncGenerator[Session]:
    """A client whose token was asked about; its finding is that of the token."""
    point_library_at(settings)
    async with discord.Client(
        intents=discord.Intents.none(), http_trace=skew.trace, max_ratelimit_timeout=30.0
    ) as client:
        yield Session(client, *await _login(client, settings))


def examine(application: discord.AppInfo, intents: discord.Intents = INTENTS) -> Iterator[Finding]:
    """Application, intents and the link that adds it to a server."""
    yield _application(application)
    yield _intents(application, intents)
    yield _invite(application)


async def logins(client: discord.Client) -> Finding:
    """How many logins to the gateway are left for today; looking costs none."""
    try:
        async with asyncio.timeout(_SECONDS):
            shards, _, budget = await client.http.get_bot_gateway()
    except TROUBLE as trouble:
        return error(
            "logins", f"Discord did not say how many logins are left ({kind(trouble)}).", "Try again later."
        )
    left, total = budget["remaining"], budget["total"]
    seen = f"{left} of {total} logins are left for the next {budget['reset_after'] / 3_600_000:.1f} hours."
    slower = "Find out why the bot starts so often, and wait between starts: Discord resets a token that runs out."
    if left <= 0:
        return error("logins", seen, slower)
    if left < _FEW_LOGINS * total:
        return warning("logins", seen, slower)
    if shards > 1:
        big = f"Discord asks for {shards} connections, and this bot makes one."
        return warning("logins", big, "Take the bot off some servers: one connection serves 2,500 at most.")
    return ok("logins", seen)


def clock(skew: Skew) -> Finding:
    """Ours against the Date of Discord's last answer."""
    if skew.seconds is None:
        return not_looked_at("clock", "no answer of Discord told the time")
    off = abs(skew.seconds)
    direction = "ahead of" if skew.seconds > 0 else "behind"
    seen = f"This machine's clock is {off:.0f} s {direction} Discord's."
    fix = "Set the clock and keep it right with a time service, such as systemd-timesyncd or chrony."
    if off > _SKEW_FAILS:
        return error("clock", seen, fix)
    if off > _SKEW_WARNS:
        return warning("clock", seen, fix)
    return ok("clock", f"This machine's clock agrees with Discord's to {max(1.0, off):.0f} s.")


def kind(trouble: BaseException) -> str:
    """What went wrong, in a word that holds no address and no secret."""
    if isinstance(trouble, discord.HTTPException):
        return f"HTTP {trouble.status}"
    return type(trouble).__name__


async def _login(client: discord.Client, settings: DiscordSettings) -> tuple[discord.AppInfo | None, Finding]:
    try:
        async with asyncio.timeout(_SECONDS):
            await client.login(settings.token.get_secret_value())
    except discord.LoginFailure:
        fix = f"Reset the token on the Bot page of the application {PORTAL}, and set DISCORD_TOKEN to the new one."
        return None, error("token", "Discord refuses DISCORD_TOKEN.", fix)
    except TROUBLE as trouble:
        fix = "Check the connection to the internet, a firewall, and DISCORD_API_URL if it is set."
        return None, error("token", f"Discord gives no answer about DISCORD_TOKEN ({kind(trouble)}).", fix)
    return client.application, ok("token", f"It belongs to {client.user} ({client.user and client.user.id}).")


def _application(application: discord.AppInfo) -> Finding:
    if application.interactions_endpoint_url:
        return error(
            "application",
            f"Discord sends what members do with {application.name} ({application.id}) to a web address, not here.",
            f"Empty Interactions Endpoint URL on the General Information page of the application {PORTAL}.",
        )
    return ok("application", f"{application.name} ({application.id}).")


def _intents(application: discord.AppInfo, wanted: discord.Intents) -> Finding:
    """The bot asks for no privileged intent as long as `wanted` has none."""
    granted = {name for name, flags in _PRIVILEGED.items() if any(getattr(application.flags, f) for f in flags)}
    needed = {name for name in _PRIVILEGED if getattr(wanted, name)}
    if missing := _named(needed - granted):
        fix = f"Switch it on under Privileged Gateway Intents on the Bot page {PORTAL}."
        return error("intents", f"The bot asks for what it is not granted: {missing}.", fix)
    if spare := _named(granted - needed):
        fix = f"Switch it off under Privileged Gateway Intents on the Bot page {PORTAL}."
        return warning("intents", f"Granted, and asked for by nobody: {spare}.", fix)
    return ok("intents", f"Nothing is missing; privileged ones that the bot asks for: {_named(needed) or 'none'}.")


def _invite(application: discord.AppInfo) -> Finding:
    if application.bot_require_code_grant:
        fix = f"Switch off Requires OAuth2 Code Grant on the Bot page {PORTAL}."
        return error("invite", "The link adds the bot to no server: it wants a code grant.", fix)
    if application.user_integration_config and not application.guild_integration_config:
        fix = f"Allow Guild Install on the Installation page {PORTAL}."
        return error("invite", "The link adds the bot to no server: it can be installed for users only.", fix)
    whom = "Anybody who manages a server" if application.bot_public else "Only the application's owner"
    return ok("invite", f"{whom} can add it: {invite_link(application.id)}")


def _named(intents: set[str]) -> str:
    return ", ".join(sorted(name.replace("_", " ") for name in intents))


def _moment(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header)
    except ValueError:
        return None
