"""`twodeck doctor` and Discord: each fault of token, application, servers and clock is found, with its fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import discord
import pytest

from bot.client import invite_link
from bot.clock import Clock
from bot.doctor import account, configuration
from bot.doctor.configuration import Given
from bot.doctor.examination import Wish, ask_discord
from bot.doctor.finding import Finding, Level, passes
from bot.playground.permissions import Permission
from bot.settings import DiscordSettings
from tests.playground import Playground
from tests.wire.reverse_proxy import Proxy

EVERYWHERE = Wish()
NOBODY = 900_000_000_000_000_001


def given_by(play: Playground, folder: Path, **settings: str) -> Given:
    told = {"DISCORD_TOKEN": play.world.token, "DISCORD_API_URL": play.standin.api_url, **settings}
    env_file = folder / "settings"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    return configuration.examine(env_file)[0]


async def look(play: Playground, folder: Path, wish: Wish = EVERYWHERE, **settings: str) -> list[Finding]:
    return await ask_discord(given_by(play, folder, **settings), wish, Clock())


def of(check: str, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.check == check]


def open_all(play: Playground) -> None:
    """Give the bot what it asks for in every channel."""
    for channel in play.world.guild.channels.values():
        channel.overwrites.clear()


async def test_all_is_well_and_nobody_logged_in(play: Playground, tmp_path: Path) -> None:
    open_all(play)
    findings = await look(play, tmp_path, TWODECK_ALERT_CHANNEL=str(play.world.channel("lounge").id))
    assert {finding.level for finding in findings} == {Level.OK}
    checks = ["token", "application", "intents", "invite", "logins", "permissions", "alerts", "clock"]
    assert [finding.check for finding in findings] == checks
    assert play.standin.gateway.identified == 0
    assert {call.method for call in play.history} == {"GET"}
    (invite,) = of("invite", findings)
    assert invite.seen.endswith(invite_link(play.world.application_id))


async def test_a_wrong_token_ends_the_other_questions(play: Playground, tmp_path: Path) -> None:
    findings = await look(play, tmp_path, DISCORD_TOKEN="wrong")
    (token,) = of("token", findings)
    assert (token.level, "Reset the token" in token.fix) == (Level.ERROR, True)
    assert [one.check for one in findings if one.level is Level.ERROR] == ["token"]
    assert all("Mend the other line" in one.fix for one in findings if one.level is Level.WARNING)
    assert of("clock", findings)[0].level is Level.OK  # a refusal tells the time, too
    with_break = await look(play, tmp_path, DISCORD_TOKEN="'a\nb'")
    assert of("token", with_break)[0].level is Level.ERROR
    assert not passes(findings, strict=False)


async def test_nobody_answers_or_somebody_else(play: Playground, tmp_path: Path, proxy: Proxy) -> None:
    proxy.does = "elsewhere"
    for url in (proxy.target, f"http://127.0.0.1:{proxy.port}"):
        findings = await look(play, tmp_path, DISCORD_API_URL=url)
        (token,) = of("token", findings)
        assert (token.level, "DISCORD_API_URL" in token.fix) == (Level.ERROR, True)
    silent = await look(play, tmp_path, DISCORD_API_URL=proxy.target)
    assert of("clock", silent)[0].level is Level.WARNING


def says(**application: object) -> Callable[[Playground], None]:
    return lambda play: play.world.application.update(application)


def ahead(seconds: float) -> Callable[[Playground], None]:
    return lambda play: play.world.clock.advance(seconds)


def logged_in(times: int) -> Callable[[Playground], None]:
    return lambda play: setattr(play.standin.gateway, "identified", times)


def hidden(play: Playground) -> None:
    for channel in play.world.guild.channels.values():
        play.knobs.remove_permission(channel, Permission.VIEW_CHANNEL)


FAULTS: dict[str, tuple[Callable[[Playground], None], str, Level, str]] = {
    "endpoint": (
        says(interactions_endpoint_url="https://bots.example/x"),
        "application",
        Level.ERROR,
        "Empty Inter",
    ),
    "code grant": (says(bot_require_code_grant=True), "invite", Level.ERROR, "Switch off Requires OAuth2"),
    "users only": (says(integration_types_config={"1": {}}), "invite", Level.ERROR, "Allow Guild Install"),
    "spare intent": (says(flags=1 << 19), "intents", Level.WARNING, "Switch it off"),
    "no logins left": (logged_in(1000), "logins", Level.ERROR, "wait between starts"),
    "few logins left": (logged_in(950), "logins", Level.WARNING, "wait between starts"),
    "a clock": (ahead(45), "clock", Level.WARNING, "time service"),
    "a wrong clock": (ahead(400), "clock", Level.ERROR, "time service"),
    "no server": (lambda play: play.knobs.remove_bot(), "permissions", Level.WARNING, "Open the link"),
    "no channel": (hidden, "permissions", Level.ERROR, "Give its role there Attach Files"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_found_and_only_it(name: str, play: Playground, tmp_path: Path) -> None:
    break_it, check, level, fix = FAULTS[name]
    open_all(play)
    break_it(play)
    findings = await look(play, tmp_path)
    (found,) = [finding for finding in findings if finding.level is not Level.OK]
    assert (found.check, found.level) == (check, level)
    assert fix in found.fix


async def test_an_intent_that_the_bot_asks_for_is_missing(play: Playground, tmp_path: Path) -> None:
    settings = given_by(play, tmp_path).get(DiscordSettings)
    assert settings is not None
    wanted = discord.Intents(guilds=True, message_content=True)
    async with account.session(settings, account.Skew(Clock())) as session:
        assert session.application is not None
        (found,) = of("intents", list(account.examine(session.application, wanted)))
    assert (found.level, "message content" in found.seen) == (Level.ERROR, True)
    assert "Switch it on" in found.fix


async def test_permissions_that_are_missing_are_named_with_their_channel(play: Playground, tmp_path: Path) -> None:
    play.knobs.remove_permission("lounge", Permission.ATTACH_FILES)
    play.knobs.remove_permission("lounge", Permission.EMBED_LINKS)
    *lines, sums = of("permissions", await look(play, tmp_path))
    assert [line.level for line in lines] == [Level.WARNING] * 3
    for line, words in zip(
        lines, ("Attach Files, Embed Links", "Send Messages", "Read Message History"), strict=True
    ):
        assert line.seen.endswith(f"the bot lacks {words}.")
        assert "permissions of that channel" in line.fix
    assert "in 1 of 4 text channels; it sees 4" in sums.seen


async def test_a_channel_or_server_that_is_named_has_to_be_right(play: Playground, tmp_path: Path) -> None:
    here, mashups, lounge = play.world.guild.id, play.world.channel("mashups").id, play.world.channel("lounge").id
    silent, hidden = play.world.channel("read-only").id, play.world.channel("no-history").id
    thread = play.knobs.places.create_thread(play.world.channel("mashups"), {"name": "A thread"}, play.world.bot.id)
    play.knobs.remove_permission("no-history", Permission.VIEW_CHANNEL)
    play.knobs.remove_permission("lounge", Permission.SEND_MESSAGES_IN_THREADS)
    cases = [
        (Wish(channel=mashups), Level.OK, "the bot has what it needs"),
        (Wish(here, mashups), Level.OK, "the bot has what it needs"),
        (Wish(channel=thread.id), Level.OK, "#A thread of Remix Club"),
        (Wish(channel=lounge), Level.WARNING, "Send Messages In Threads"),
        (Wish(channel=silent), Level.ERROR, "lacks Send Messages."),
        (Wish(channel=hidden), Level.ERROR, "does not see"),
        (Wish(channel=NOBODY), Level.ERROR, "There is no channel"),
        (Wish(NOBODY, mashups), Level.ERROR, "not on that server"),
        (Wish(NOBODY), Level.ERROR, "not on the server"),
    ]
    for wish, level, words in cases:
        (found,) = of("permissions", await look(play, tmp_path, wish))
        assert (found.level, words in found.seen) == (level, True), found
        assert bool(found.fix) is (level is not Level.OK)
    (alerts,) = of("alerts", await look(play, tmp_path, TWODECK_ALERT_CHANNEL=str(silent)))
    assert alerts.level is Level.ERROR
