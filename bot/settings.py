"""Every setting, its default and its meaning; docs/operating.md documents each by its environment name."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.logs import FORMATS

DISCORD_API = "https://discord.com/api/v10"
DISCORD_GATEWAY = "wss://gateway.discord.gg/"
DISCORD_FILE_HOSTS = ("cdn.discordapp.com", "media.discordapp.net")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SNOWFLAKE = re.compile(r"^\d{15,20}$")
_PRICE = re.compile(r"^[a-z]+(/[a-z]+)?\s*=\s*\d{1,4}$")
_HOST = re.compile(r"^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$")


class SettingsError(Exception):
    """A missing or wrong setting, as one sentence that names it."""


class _Group(BaseSettings):
    """One concern. Fields carry their environment name as alias, so that a sentence can name it."""

    model_config = SettingsConfigDict(env_file_encoding="utf-8", extra="ignore", populate_by_name=True)


Group = TypeVar("Group", bound=_Group)


class DiscordSettings(_Group):
    """How to reach Discord and as whom."""

    token: SecretStr = Field(alias="DISCORD_TOKEN", min_length=1)
    api_url: str = Field(DISCORD_API, alias="DISCORD_API_URL")
    gateway_url: str = Field(DISCORD_GATEWAY, alias="DISCORD_GATEWAY_URL")
    edit_seconds: float = Field(5.0, alias="TWODECK_EDIT_SECONDS", ge=0.2, le=60)
    logins_day: int = Field(100, alias="TWODECK_LOGINS_DAY", ge=0, le=900)
    intake: int = Field(32, alias="TWODECK_INTAKE", ge=2, le=10_000)

    @field_validator("api_url")
    @classmethod
    def _api(cls, value: str) -> str:
        return _address(value.rstrip("/"), ("http", "https"))

    @field_validator("gateway_url")
    @classmethod
    def _gateway(cls, value: str) -> str:
        return _address(value, ("ws", "wss"))


class StorageSettings(_Group):
    """Where the bot keeps its database and audio."""

    data_dir: Path = Field(Path("data"), alias="TWODECK_DATA_DIR")
    files_mb: int = Field(0, alias="TWODECK_FILES_MB", ge=0)
    free_mb: int = Field(512, alias="TWODECK_FREE_MB", ge=0)


class DownloadSettings(_Group):
    """Which hosts a source may come from, and how large it may be."""

    extra_hosts: str = Field("", alias="TWODECK_DOWNLOAD_HOSTS")
    max_source_mb: int = Field(100, alias="TWODECK_MAX_SOURCE_MB", ge=1, le=500)

    @field_validator("extra_hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        for entry in _entries(value):
            if not _HOST.match(entry):
                raise ValueError(f"'{entry}' is not a host or host:port")
        return value

    @property
    def hosts(self) -> tuple[str, ...]:
        """Hosts, or host:port, that a download may reach."""
        return (*DISCORD_FILE_HOSTS, *self.further)

    @property
    def further(self) -> tuple[str, ...]:
        """What the operator added."""
        return _entries(self.extra_hosts)


class QuotaSettings(_Group):
    """Who may use how much: what holds where a guild chose nothing, and the most that a guild may choose.

    Units of one operation are its price; those of the members and guilds are for a day.
    """

    member_day: int = Field(5, alias="TWODECK_QUOTA_MEMBER_DAY", ge=0)
    member_day_most: int = Field(20, alias="TWODECK_QUOTA_MEMBER_DAY_MOST", ge=0)
    guild_day: int = Field(50, alias="TWODECK_QUOTA_GUILD_DAY", ge=0)
    guild_day_most: int = Field(200, alias="TWODECK_QUOTA_GUILD_DAY_MOST", ge=0)
    member_running: int = Field(1, alias="TWODECK_QUOTA_MEMBER_RUNNING", ge=1, le=10_000)
    member_running_most: int = Field(5, alias="TWODECK_QUOTA_MEMBER_RUNNING_MOST", ge=1, le=10_000)
    guild_running: int = Field(5, alias="TWODECK_QUOTA_GUILD_RUNNING", ge=1, le=10_000)
    guild_running_most: int = Field(20, alias="TWODECK_QUOTA_GUILD_RUNNING_MOST", ge=1, le=10_000)
    cooldown_seconds: int = Field(15, alias="TWODECK_QUOTA_COOLDOWN_SECONDS", ge=0, le=86_400)
    price_list: str = Field("", alias="TWODECK_QUOTA_PRICES")
    deny: str = Field("", alias="TWODECK_DENY")

    @field_validator("price_list")
    @classmethod
    def _prices(cls, value: str) -> str:
        for entry in _entries(value):
            if not _PRICE.match(entry):
                raise ValueError(f"'{entry}' is not NAME=UNITS, such as kie=1 or kie/cover=2")
        return value

    @field_validator("deny")
    @classmethod
    def _denied(cls, value: str) -> str:
        for entry in _entries(value):
            _id(entry)
        return value

    @property
    def prices(self) -> dict[str, int]:
        """Units by engine, operation, or engine/operation."""
        pairs = (entry.split("=") for entry in _entries(self.price_list))
        return {name.strip(): int(units) for name, units in pairs}

    @property
    def denied(self) -> frozenset[str]:
        """Ids of guilds and members for whom nothing is made."""
        return frozenset(_entries(self.deny))


class LocalSettings(_Group):
    """The embedded engine."""

    enabled: bool = Field(True, alias="LOCAL_ENABLED")
    workers: int = Field(1, alias="LOCAL_WORKERS", ge=1, le=16)


class HostedSettings(_Group):
    """One account at a music provider: the engine is there when its key is. Addresses default to the profile's."""

    api_key: SecretStr = SecretStr("")
    base_url: str = ""
    upload_url: str = ""
    dialect: str = ""
    credits_day: float | None = None
    credits_month: float | None = None

    @field_validator("base_url", "upload_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _address(value.rstrip("/"), ("http", "https")) if value else ""


class KieSettings(HostedSettings):
    """kie.ai; with the webhook key its callbacks have to be signed."""

    api_key: SecretStr = Field(SecretStr(""), alias="KIE_API_KEY")
    base_url: str = Field("", alias="KIE_BASE_URL")
    upload_url: str = Field("", alias="KIE_UPLOAD_URL")
    dialect: str = Field("", alias="KIE_DIALECT")
    credits_day: float | None = Field(None, alias="KIE_CREDITS_DAY", ge=0)
    credits_month: float | None = Field(None, alias="KIE_CREDITS_MONTH", ge=0)
    webhook_key: SecretStr = Field(SecretStr(""), alias="KIE_WEBHOOK_KEY")
    webhook_key_old: SecretStr = Field(SecretStr(""), alias="KIE_WEBHOOK_KEY_OLD")

    @property
    def webhook_keys(self) -> tuple[SecretStr, ...]:
        """Keys that a callback may be signed with: two while one is replaced."""
        return tuple(key for key in (self.webhook_key, self.webhook_key_old) if key.get_secret_value())


class SunoapiSettings(HostedSettings):
    """sunoapi.org."""

    api_key: SecretStr = Field(SecretStr(""), alias="SUNOAPI_API_KEY")
    base_url: str = Field("", alias="SUNOAPI_BASE_URL")
    upload_url: str = Field("", alias="SUNOAPI_UPLOAD_URL")
    dialect: str = Field("", alias="SUNOAPI_DIALECT")
    credits_day: float | None = Field(None, alias="SUNOAPI_CREDITS_DAY", ge=0)
    credits_month: float | None = Field(None, alias="SUNOAPI_CREDITS_MONTH", ge=0)


class ApiboxSettings(HostedSettings):
    """api.box."""

    api_key: SecretStr = Field(SecretStr(""), alias="APIBOX_API_KEY")
    base_url: str = Field("", alias="APIBOX_BASE_URL")
    upload_url: str = Field("", alias="APIBOX_UPLOAD_URL")
    dialect: str = Field("", alias="APIBOX_DIALECT")
    credits_day: float | None = Field(None, alias="APIBOX_CREDITS_DAY", ge=0)
    credits_month: float | None = Field(None, alias="APIBOX_CREDITS_MONTH", ge=0)


class WebSettings(_Group):
    """How providers reach us, and how long we wait for them where they do not."""

    public_url: str = Field("", alias="TWODECK_PUBLIC_URL")
    listen: str = Field("127.0.0.1:8080", alias="TWODECK_LISTEN")
    proxies: str = Field("127.0.0.0/8,::1", alias="TWODECK_PROXIES")
    pass_links: bool = Field(False, alias="TWODECK_PASS_LINKS")
    poll_seconds: float = Field(30.0, alias="TWODECK_POLL_SECONDS", ge=0.2, le=600)
    grace_seconds: float = Field(900.0, alias="TWODECK_GRACE_SECONDS", ge=1, le=3600)
    balance_seconds: float = Field(60.0, alias="TWODECK_BALANCE_SECONDS", ge=0.2, le=60)

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        return _address(value.rstrip("/"), ("http", "https")) if value else ""

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        return _listener(value)

    @field_validator("proxies")
    @classmethod
    def _proxies(cls, value: str) -> str:
        for entry in _entries(value):
            _network(entry)
        return value

    @property
    def trusted(self) -> tuple[Network, ...]:
        """Where reverse proxies are, whose word on a request's origin is believed."""
        return tuple(_network(entry) for entry in _entries(self.proxies))

    @property
    def where(self) -> tuple[str, int]:
        """Host and port to listen on."""
        return _host_and_port(self.listen)


class MetricsSettings(_Group):
    """Where those who run the bot see how it is; nowhere if empty."""

    listen: str = Field("127.0.0.1:8081", alias="TWODECK_METRICS_LISTEN")

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        return _listener(value) if value.strip() else ""

    @property
    def where(self) -> tuple[str, int] | None:
        """Host and port to listen on."""
        return _host_and_port(self.listen) if self.listen else None

    @property
    def is_chosen(self) -> bool:
        """Whether the operator named it: then it is there, or the start fails."""
        return "listen" in self.model_fields_set


class UpkeepSettings(_Group):
    """How often the database is copied, and how many copies stay. 0 hours: never."""

    backup_hours: float = Field(0.25, alias="TWODECK_BACKUP_HOURS", ge=0, le=8760)
    backup_keep: int = Field(96, alias="TWODECK_BACKUP_KEEP", ge=1, le=10_000)


class KeepSettings(_Group):
    """How many days things are kept."""

    result_days: int = Field(30, alias="TWODECK_KEEP_RESULT_DAYS", ge=1, le=3650)
    source_days: int = Field(7, alias="TWODECK_KEEP_SOURCE_DAYS", ge=1, le=3650)
    job_days: int = Field(90, alias="TWODECK_KEEP_JOB_DAYS", ge=1, le=3650)
    audit_days: int = Field(365, alias="TWODECK_KEEP_AUDIT_DAYS", ge=1, le=3650)
    guild_grace_days: int = Field(30, alias="TWODECK_GUILD_GRACE_DAYS", ge=1, le=3650)


class OperatorSettings(_Group):
    """Who runs this bot, and where they are told that something needs them."""

    operators: str = Field("", alias="TWODECK_OPERATORS")
    alert_channel: str = Field("", alias="TWODECK_ALERT_CHANNEL")
    alert_webhook: SecretStr = Field(SecretStr(""), alias="TWODECK_ALERT_WEBHOOK")

    @field_validator("operators")
    @classmethod
    def _operators(cls, value: str) -> str:
        for entry in _entries(value):
            _id(entry)
        return value

    @field_validator("alert_channel")
    @classmethod
    def _channel(cls, value: str) -> str:
        return _id(value.strip()) if value.strip() else ""

    @field_validator("alert_webhook")
    @classmethod
    def _webhook(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            _address(value.get_secret_value(), ("https", "http"))
        return value

    @property
    def named(self) -> tuple[str, ...]:
        """The operators' user ids, if the settings say who they are."""
        return _entries(self.operators)


class LogSettings(_Group):
    """What the bot writes to its log, and how."""

    level: str = Field("INFO", alias="TWODECK_LOG_LEVEL")

    format: str = Field("console", alias="TWODECK_LOG_FORMAT")

    @field_validator("format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value.lower() not in FORMATS:
            raise ValueError(f"use {' or '.join(FORMATS)}")
        return value.lower()

    @field_validator("level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("use DEBUG, INFO, WARNING or ERROR")
        return value.upper()


GROUPS: tuple[type[_Group], ...] = (
    DiscordSettings,
    StorageSettings,
    DownloadSettings,
    QuotaSettings,
    LocalSettings,
    KieSettings,
    SunoapiSettings,
    ApiboxSettings,
    WebSettings,
    MetricsSettings,
    UpkeepSettings,
    KeepSettings,
    OperatorSettings,
    LogSettings,
)


class Settings:
    """All groups, read once from the environment and an env file (the environment wins)."""

    def __init__(
        self,
        discord: DiscordSettings,
        storage: StorageSettings,
        downloads: DownloadSettings,
        quota: QuotaSettings,
        local: LocalSettings,
        kie: KieSettings,
        sunoapi: SunoapiSettings,
        apibox: ApiboxSettings,
        web: WebSettings,
        metrics: MetricsSettings,
        upkeep: UpkeepSettings,
        keep: KeepSettings,
        operator: OperatorSettings,
        log: LogSettings,
    ) -> None:
        self.discord = discord
        self.storage = storage
        self.downloads = downloads
        self.quota = quota
        self.local = local
        self.kie = kie
        self.sunoapi = sunoapi
        self.apibox = apibox
        self.web = web
        self.metrics = metrics
        self.upkeep = upkeep
        self.keep = keep
        self.operator = operator
        self.log = log
        if metrics.where and metrics.where == web.where and web.where[1]:
            raise SettingsError(f"TWODECK_METRICS_LISTEN is TWODECK_LISTEN ({web.listen}), which others may reach.")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that may stand in no log."""
        values = (value for group in vars(self).values() for _, value in group)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


def load(env_file: Path | None = None) -> Settings:
    """Read everything that `twodeck run` needs. Raises `SettingsError` with one sentence."""
    if env_file is not None and not env_file.is_file():
        raise SettingsError(f"The env file {env_file} does not exist.")
    return Settings(
        read(DiscordSettings, env_file),
        read(StorageSettings, env_file),
        read(DownloadSettings, env_file),
        read(QuotaSettings, env_file),
        read(LocalSettings, env_file),
        read(KieSettings, env_file),
        read(SunoapiSettings, env_file),
        read(ApiboxSettings, env_file),
        read(WebSettings, env_file),
        read(MetricsSettings, env_file),
        read(UpkeepSettings, env_file),
        read(KeepSettings, env_file),
        read(OperatorSettings, env_file),
        read(LogSettings, env_file),
    )


def read(group: type[Group], env_file: Path | None = None) -> Group:
    """Read one group alone, for commands that need no more. Raises `SettingsError`."""
    try:
        return group(_env_file=env_file)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "missing":
        return f"{name} is not set. docs/operating.md says where to get it."
    return f"{name} is wrong: {first['msg'].removeprefix('Value error, ')}."


def _entries(value: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


def _id(value: str) -> str:
    if not _SNOWFLAKE.match(value):
        raise ValueError(f"'{value}' is not an id of Discord, which is a number of 15 to 20 digits")
    return value


def _listener(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ValueError("use host:port, such as 127.0.0.1:8080")
    return value


def _host_and_port(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    return host.strip("[]"), int(port)


def _address(value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"an address that starts with {' or '.join(s + '://' for s in schemes)} is needed")
    if parts.scheme in ("http", "ws") and not _is_loopback(parts.hostname):
        raise ValueError("an unencrypted address is allowed on this machine only")
    return value


def _network(value: str) -> Network:
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"'{value}' is neither an address nor a network such as 172.16.0.0/12") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
