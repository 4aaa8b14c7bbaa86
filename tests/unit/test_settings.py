"""A missing or wrong setting ends the start with one sentence that names it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import GROUPS, SettingsError, load

GOOD = {"DISCORD_TOKEN": "secret-token"}


def start(monkeypatch: pytest.MonkeyPatch, **changes: str) -> str:
    for name, value in {**GOOD, **changes}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    return str(caught.value)


def test_a_missing_token_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    with pytest.raises(SettingsError, match="DISCORD_TOKEN is not set"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCORD_TOKEN", ""),
        ("DISCORD_API_URL", "ftp://example.org"),
        ("DISCORD_API_URL", "http://example.org/api/v10"),
        ("DISCORD_GATEWAY_URL", "https://example.org"),
        ("TWODECK_DOWNLOAD_HOSTS", "good.example, http://bad.example/"),
        ("TWODECK_MAX_SOURCE_MB", "many"),
        ("TWODECK_EDIT_SECONDS", "0"),
        ("LOCAL_WORKERS", "0"),
        ("KIE_BASE_URL", "http://api.example.org"),
        ("SUNOAPI_UPLOAD_URL", "ftp://127.0.0.1"),
        ("TWODECK_PUBLIC_URL", "bot.example.org"),
        ("TWODECK_LISTEN", "8080"),
        ("TWODECK_LISTEN", "127.0.0.1:99999"),
        ("TWODECK_GRACE_SECONDS", "0"),
        ("TWODECK_BACKUP_HOURS", "-1"),
        ("TWODECK_BACKUP_KEEP", "0"),
        ("TWODECK_OPERATORS", "123456789012345678, me"),
        ("TWODECK_ALERT_CHANNEL", "#bots"),
        ("TWODECK_ALERT_WEBHOOK", "http://example.org/hook"),
        ("TWODECK_LOG_LEVEL", "loud"),
        ("TWODECK_LOG_FORMAT", "xml"),
        ("TWODECK_METRICS_LISTEN", "8081"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    sentence = start(monkeypatch, **{name: value})
    assert sentence.startswith(f"{name} is wrong: ")
    assert "secret-token" not in sentence


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("DISCORD_TOKEN=from-file\nLOCAL_WORKERS=3\n", "utf-8")
    monkeypatch.setenv("DISCORD_TOKEN", "from-environment")
    settings = load(file)
    assert settings.discord.token.get_secret_value() == "from-environment"
    assert settings.local.workers == 3
    assert "from-environment" not in repr(settings.discord)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path / "nothing")


def test_loopback_entries_and_discord_hosts_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "x")
    monkeypatch.setenv("TWODECK_DOWNLOAD_HOSTS", "127.0.0.1:8080, files.example")
    assert load().downloads.hosts == (
        "cdn.discordapp.com", "media.discordapp.net", "127.0.0.1:8080", "files.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "where"), [(None, ("127.0.0.1", 8081)), ("", None), ("127.0.0.1:0", ("127.0.0.1", 0))]
)
def test_where_metrics_are_told(
    monkeypatch: pytest.MonkeyPatch, given: str | None, where: tuple[str, int] | None
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret-token")
    monkeypatch.delenv("TWODECK_METRICS_LISTEN", raising=False)
    if given is not None:
        monkeypatch.setenv("TWODECK_METRICS_LISTEN", given)
    metrics = load().metrics
    assert (metrics.where, metrics.is_chosen) == (where, given is not None)


def test_metrics_are_never_told_on_the_public_port(monkeypatch: pytest.MonkeyPatch) -> None:
    same = {"TWODECK_LISTEN": "127.0.0.1:8090", "TWODECK_METRICS_LISTEN": "127.0.0.1:8090"}
    assert "TWODECK_METRICS_LISTEN is TWODECK_LISTEN" in start(monkeypatch, **same)


def test_every_secret_is_known_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        field.alias for group in GROUPS for field in group.model_fields.values() if field.annotation is SecretStr
    ]
    assert len(names) == 7
    for name in names:
        monkeypatch.setenv(str(name), f"https://canary.example/{name}")
    assert set(load().secrets) == {f"https://canary.example/{name}" for name in names}
