"""Embeds for the live card, the result and the notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.posts.post import Alert, Hint, Notice, Progress, Result, ResultTrack
from bot.texts import duration, key_name, listed, say, say_reason, signed
from cogs.views.refusals import described, plain
from cogs.views.style import Look, card

_LOOKS = {"done": Look.GOOD, "kept": Look.GOOD, "failed": Look.BAD}
_BAR = 12
_TOLD_BY_ROLES = frozenset({"roles-swapped", "bed-first"})


def progress_card(progress: Progress, mark: str) -> discord.Embed:
    """The live card: stage, bar, place in the queue, estimate, what was asked. `mark` is the post's id."""
    locale = progress.locale
    look, words = _LOOKS.get(progress.stage, Look.PLAIN), "\n".join(_progress_lines(progress))
    embed = card(look, plain(progress.title, 250), words, footer=_footer(locale, progress.job, mark))
    for side, name in zip("ab", progress.sources, strict=False):
        embed.add_field(name=say(locale, f"card-deck-{side}"), value=plain(name, 200))
    embed.add_field(name=say(locale, "card-engine"), value=say(locale, f"engine-{progress.engine}"))
    if progress.prompt:
        heading = say(locale, "card-lyrics" if progress.lyrics else "card-idea")
        embed.add_field(name=heading, value=plain(progress.prompt, 900), inline=False)
    _add_unused(embed, locale, progress.unused, progress.engine)
    return embed


def picture_name(mark: str, number: int) -> str:
    """How the picture of a track is called; `mark` is the id of the post that brings it."""
    return f"wave-{mark}-{number}.png"


def result_cards(result: Result, mark: str) -> list[discord.Embed]:
    """The compatibility card, with a card for each further track and the waveform picture that each has."""
    embeds = [_compatibility_card(result)]
    told: list[Mapping[str, Any]] = []
    for track, made in zip(result.tracks, result.report["tracks"], strict=True):
        embed = embeds[0] if track.number == 1 else card(Look.GOOD)
        if track.picture:
            embed.set_image(url=f"attachment://{picture_name(mark, track.number)}")
        embed.add_field(name=_track_name(result, track), value=_track_story(result, made, told), inline=False)
        told += made.get("reasons", [])
        if embed is not embeds[0]:
            embeds.append(embed)
    _add_unused(embeds[0], result.locale, result.unused, result.engine)
    embeds[-1].set_footer(text=_footer(result.locale, result.job, mark))
    return embeds


def with_pictures(embeds: Sequence[discord.Embed], numbers: Sequence[int], mark: str) -> list[discord.Embed]:
    """The cards of a result as they were sent, with the pictures of these tracks; the first is of track 1."""
    return [
        embed.copy().set_image(url=f"attachment://{picture_name(mark, number)}") if number in numbers else embed
        for number, embed in enumerate(embeds, start=1)
    ]


def alert_card(alert: Alert, mark: str) -> discord.Embed:
    """What operators are told. `mark` is the post's id."""
    sentence = say(alert.locale, f"alert-{alert.cause}", **alert.values)
    return card(Look.ALERT, say(alert.locale, "alert-title"), plain(sentence, 1000), footer=mark)


def notice_card(notice: Notice, mark: str) -> discord.Embed:
    """Why there is no result, and that nothing was charged."""
    nothing = say(notice.locale, "notice-nothing-charged")
    words = f"{described(notice.error, notice.locale)}\n\n{nothing}"
    return card(Look.BAD, plain(notice.title, 250), words, footer=_footer(notice.locale, notice.job, mark))


def hint_card(hint: Hint, mark: str) -> discord.Embed:
    """Nothing but the footer by which the message is found again."""
    return card(Look.PLAIN, footer=_footer(hint.locale, hint.job, mark))


def _progress_lines(progress: Progress) -> list[str]:
    locale = progress.locale
    full = round(_BAR * progress.fraction)
    percent = round(100 * progress.fraction)
    lines = [say(locale, f"stage-{progress.stage}")]
    if progress.stage not in ("done", "kept", "failed"):
        lines.append(f"`{'█' * full}{'░' * (_BAR - full)}` {say(locale, 'card-percent', percent=percent)}")
    if progress.place:
        lines.append(say(locale, "card-place", place=progress.place))
    if progress.ready_at is not None:
        lines.append(say(locale, "card-ready", when=f"<t:{progress.ready_at // 1000}:R>"))
    if progress.down:
        lines.append(say(locale, "card-engine-down", engine=say(locale, f"engine-{progress.engine}")))
    if progress.slow:
        lines.append(say(locale, "card-slow"))
    if progress.same_file:
        lines.append(say(locale, "card-same-file"))
    if progress.error is not None:
        lines.append(described(progress.error, locale))
    return lines


def _compatibility_card(result: Result) -> discord.Embed:
    locale = result.locale
    embed = card(Look.GOOD, plain(result.title, 250))
    if "sources" not in result.report:
        return _with_engine(embed, result)
    for heading, value in source_fields(locale, result.sources, result.report["sources"]):
        embed.add_field(name=heading, value=value)
    return embed


def source_fields(locale: str, names: Sequence[str], sources: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Heading and story of both sources, by name."""
    return [
        (say(locale, "card-source", side=side, name=plain(name, 200)), "\n".join(_source_lines(locale, source)))
        for side, name, source in zip("AB", names, sources, strict=True)
    ]


def _with_engine(embed: discord.Embed, result: Result) -> discord.Embed:
    """A hosted engine tells nothing of the sources: who made it, and of what."""
    locale = result.locale
    for side, name in zip("ab", result.sources, strict=False):
        embed.add_field(name=say(locale, f"card-deck-{side}"), value=plain(name, 200))
    made_by = say(locale, f"engine-{result.engine}")
    model = plain(str(result.report.get("model") or ""))
    embed.add_field(name=say(locale, "card-engine"), value=f"{made_by} {model}".strip())
    if result.report.get("same"):
        embed.description = say(locale, "card-same-takes", engine=made_by)
    return embed


def _source_lines(locale: str, source: Mapping[str, Any]) -> list[str]:
    return [_tempo(locale, source), _key(locale, source), duration(source["seconds"])]


def _tempo(locale: str, source: Mapping[str, Any]) -> str:
    if source["tempo_bpm"] is None:
        return say(locale, "card-no-tempo")
    sure = round(100 * source["tempo_confidence"])
    return say(locale, "card-tempo", tempo=round(source["tempo_bpm"], 1), sure=sure)


def _key(locale: str, source: Mapping[str, Any]) -> str:
    if source["key"] is None:
        return say(locale, "card-no-key")
    return say(
        locale, "card-key", key=key_name(locale, str(source["key"])), sure=round(100 * source["key_confidence"])
    )


def _track_name(result: Result, track: ResultTrack) -> str:
    return say(result.locale, "card-track", number=track.number, length=duration(track.seconds))


def _track_story(result: Result, made: Mapping[str, Any], told: Sequence[Mapping[str, Any]]) -> str:
    """Roles, stretch and shift of each side, then the reasons that no earlier track has told."""
    locale = result.locale
    if "reasons" not in made:
        return plain(made["tags"] or made["title"] or result.title, 300)
    return _cut("\n".join(track_lines(locale, made, told)), 1020)


def track_lines(locale: str, made: Mapping[str, Any], told: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """What the embedded engine did for a track; of another engine's it tells nothing."""
    if "reasons" not in made:
        return []
    lines: list[str] = []
    if made["tempo_bpm"] is not None:
        roles = say(locale, "card-roles", bed=made["bed"].upper(), lead=made["lead"].upper())
        lines.append(f"{roles} {say(locale, 'card-shared-tempo', tempo=round(made['tempo_bpm'], 1))}")
    lines += [line for side in "ab" if (line := _change(locale, side, made))]
    new = [r for r in made["reasons"] if r not in told and r["code"] not in _TOLD_BY_ROLES]
    return lines + [f"- {say_reason(locale, r['code'], r['values'])}" for r in new]


def _change(locale: str, side: str, made: Mapping[str, Any]) -> str:
    """What was done to one source; empty when it plays as it is."""
    stretch = round(100 * (made["stretch"][side] - 1), 1)
    shift = round(made["shift_semitones"][side], 2)
    parts = [say(locale, "card-stretch", stretch=signed(stretch, locale))] if stretch else []
    parts += [say(locale, "card-shift", shift=signed(shift, locale))] if shift else []
    return say(locale, "card-change", side=side.upper(), changes=listed(parts, locale)) if parts else ""


def _add_unused(embed: discord.Embed, locale: str, unused: Sequence[str], engine: str) -> None:
    if unused:
        names = listed((f"`{name}`" for name in unused), locale)
        text = say(locale, "card-unused", names=names, engine=say(locale, f"engine-{engine}"))
        embed.add_field(name=say(locale, "card-unused-title"), value=text, inline=False)


def _footer(locale: str, job: str, mark: str) -> str:
    """It names the job and carries the post's id, by which the message is found again."""
    return say(locale, "card-footer", job=job, mark=mark)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
