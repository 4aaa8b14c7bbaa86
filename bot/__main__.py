"""The commands `twodeck run | playground | mix | doctor | invite | jobs | backup | restore | engine | tally`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

OK, FAULT, USAGE = 0, 1, 2
ENV_FILE = Path(".env")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of the process."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twodeck", description="A Discord bot that makes mashups.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the bot on Discord; needs DISCORD_TOKEN")
    run.add_argument("--env-file", type=Path, help="settings in a file (default: .env here, if there is one)")
    run.add_argument(
        "--after-restore",
        action="store_true",
        help="the database was restored from a backup: end what it left open",
    )
    run.set_defaults(command=_run)
    play = commands.add_parser("playground", help="the whole bot in a browser page, without Discord")
    play.add_argument("--port", type=int, default=0, help="port of the page (default: a free one)")
    play.add_argument("--verbose", action="store_true", help="show the bot's log here too")
    play.set_defaults(command=_playground)
    mix = commands.add_parser("mix", help="mix two files in the terminal with the embedded engine")
    _add_mix(mix)
    doctor = commands.add_parser("doctor", help="look whether everything is set up as it has to be")
    _add_doctor(doctor)
    invite = commands.add_parser("invite", help="print the link that adds the bot to a server")
    invite.add_argument("--env-file", type=Path, help="settings in a file (default: .env here, if there is one)")
    invite.set_defaults(command=_invite)
    _add_tools(commands)
    return parser


class _Commands(Protocol):
    """Where commands are added."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser: ...


def _with_settings(run: Callable[[argparse.Namespace, Path | None], int]) -> Callable[[argparse.Namespace], int]:
    return lambda options: run(options, _env_file(options))


def _add_tools(commands: _Commands) -> None:
    from bot import tools

    jobs = commands.add_parser("jobs", help="list jobs, newest first, also while the bot runs")
    tools.add_jobs_arguments(jobs)
    jobs.set_defaults(command=_with_settings(tools.list_jobs))
    backup = commands.add_parser("backup", help="copy the database and check the copy, also while the bot runs")
    tools.add_backup_arguments(backup)
    backup.set_defaults(command=_with_settings(tools.take_backup))
    restore = commands.add_parser(
        "restore", help="put a backup in the place of the database; the bot has to be stopped"
    )
    tools.add_restore_arguments(restore)
    restore.set_defaults(command=_with_settings(tools.put_back))
    engine = commands.add_parser("engine", help="list the engines of the running bot, or switch one off or on")
    tools.add_engine_arguments(engine)
    engine.set_defaults(command=_with_settings(tools.order_engines))
    tally = commands.add_parser("tally", help="recompute the result of a contest from its export")
    tools.add_tally_arguments(tally)
    tally.set_defaults(command=tools.tally)
    for parser in (jobs, backup, restore, engine):
        parser.add_argument(
            "--env-file", type=Path, help="settings in a file (default: .env here, if there is one)"
        )


def _add_mix(parser: argparse.ArgumentParser) -> None:
    from bot import mix

    mix.add_arguments(parser)
    parser.set_defaults(command=mix.run)


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--guild", type=_id, metavar="ID", help="look at the permissions on this server only")
    parser.add_argument("--channel", type=_id, metavar="ID", help="look at the permissions in this channel only")
    parser.add_argument("--strict", action="store_true", help="end with 1 on warnings, too")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--env-file", type=Path, help="settings in a file (default: .env here, if there is one)")
    parser.set_defaults(command=_doctor)


def _run(options: argparse.Namespace) -> int:
    from bot import heap

    heap.keep_small()
    import discord

    from bot import app, logs
    from bot.database import DatabaseError
    from bot.settings import SettingsError, load

    try:
        settings = load(_env_file(options))
        logs.begin(settings.log.level, settings.log.format, settings.secrets)
        asyncio.run(app.run(settings, after_restore=options.after_restore))
    except SettingsError as error:
        return _complain(str(error), USAGE)
    except discord.LoginFailure:
        return _complain("Discord refuses DISCORD_TOKEN. Make a new one in the developer portal.", USAGE)
    except DatabaseError as error:
        return _complain(str(error), FAULT)
    return OK


def _playground(options: argparse.Namespace) -> int:
    from bot.playground import launcher

    return launcher.main(port=options.port, verbose=options.verbose)


def _invite(options: argparse.Namespace) -> int:
    import aiohttp
    import discord

    from bot import client
    from bot.settings import DiscordSettings, SettingsError, read

    try:
        settings = read(DiscordSettings, _env_file(options))
        print(client.invite_link(asyncio.run(client.application_id(settings))))
    except SettingsError as error:
        return _complain(str(error), USAGE)
    except discord.LoginFailure:
        return _complain("Discord refuses DISCORD_TOKEN. Make a new one in the developer portal.", USAGE)
    except (aiohttp.ClientError, discord.DiscordException, OSError) as error:
        return _complain(f"Discord cannot be reached: {error}", FAULT)
    return OK


def _doctor(options: argparse.Namespace) -> int:
    from bot.doctor import command

    env_file = _env_file(options)
    if env_file is not None and not os.access(env_file, os.R_OK):
        return _complain(f"The env file {env_file} cannot be read.", USAGE)
    return command.run(options, env_file)


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 15 <= len(text) <= 20):
        raise argparse.ArgumentTypeError("an id of Discord is a number of 15 to 20 digits")
    return int(text)


def _env_file(options: argparse.Namespace) -> Path | None:
    return options.env_file or (ENV_FILE if ENV_FILE.is_file() else None)


def _complain(sentence: str, code: int) -> int:
    print(f"twodeck: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
