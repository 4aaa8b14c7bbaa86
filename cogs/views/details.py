"""The card that tells how a result came to be; the file beside it has all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import discord

from bot.texts import duration, say
from cogs.views.cards import source_fields, track_lines
from cogs.views.refusals import plain
from cogs.views.style import Look, card

_TEXT = 200
"""Characters of an option or a name on the card."""
_FIELD = 1020
_SHORT = 12
"""Characters by which a hash is known again."""


def details_card(found: Mapping[str, Any], locale: str) -> discord.Embed:
    """`found` is what `bot.jobs.provenance` told."""
    title = say(locale, "details-title", title=plain(str(found["title"]), _TEXT))
    footer = say(locale, "details-footer", job=found["job"])
    embed = card(Look.PLAIN, title, "\n".join(_made(found, locale)), footer=footer)
    options = "\n".join(_options(found))
    if options:
        embed.add_field(name=say(locale, "details-options"), value=options[:_FIELD], inline=False)
    names = [str(source["name"]) for source in found["sources"]]
    heard = found["report"].get("sources")
    if heard:
        told = source_fields(locale, names, heard)
    else:
        sides = (str(source["side"]).upper() for source in found["sources"])
        told = [
            (say(locale, "card-source", side=s, name=plain(n, _TEXT)), "")
            for s, n in zip(sides, names, strict=True)
        ]
    for (heading, story), source in zip(told, found["sources"], strict=True):
        value = "\n".join([*([story] if story else []), *_file(source, locale)])
        embed.add_field(name=heading[:256], value=value[:_FIELD])
    for track, made in zip(found["tracks"], found["report"].get("tracks", ()), strict=False):
        heading = say(locale, "card-track", number=track["number"], length=duration(track["seconds"]))
        lines = [*_measured(made, locale), *_file(track, locale), *track_lines(locale, made)]
        embed.add_field(name=heading, value="\n".join(lines)[:_FIELD], inline=False)
    return embed


def _made(found: Mapping[str, Any], locale: str) -> Iterator[str]:
    engine = say(locale, f"engine-{found['engine']}")
    model = plain(str(found["model"] or ""), _TEXT)
    yield say(
        locale, "details-engine", engine=f"{engine} {model}".strip(), when=f"<t:{found['asked_at'] // 1000}:f>"
    )
    if found["seed"] is not None:
        yield say(locale, "details-seed", seed=str(found["seed"]))
    if found["again_of"]:
        yield say(locale, "details-again", job=found["again_of"])


def _options(found: Mapping[str, Any]) -> Iterator[str]:
    """As they are named in the command."""
    for name, value in found["options"].items():
        if value is not False and name != "title":
            yield f"`{name}` {plain(str(value), _TEXT)}"


def _measured(made: Mapping[str, Any], locale: str) -> Iterator[str]:
    if made.get("loudness_lufs") is not None:
        loudness, peak = round(made["loudness_lufs"], 1), round(made["true_peak_dbtp"], 1)
        yield say(locale, "details-loudness", loudness=loudness, peak=peak)


def _file(file: Mapping[str, Any], locale: str) -> Iterator[str]:
    if file["sha256"]:
        yield say(locale, "details-hash", digest=file["sha256"][:_SHORT])
