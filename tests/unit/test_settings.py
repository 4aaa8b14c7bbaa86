"""A missing or wrong setting ends the start with one sentence that names it."""

from pathlib import Path

import pytest

from bot.settings import SettingsError, load

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
