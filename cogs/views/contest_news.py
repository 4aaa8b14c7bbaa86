"""What a contest tells its channel: every move once, the entries, and the results."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import discord

from bot.contests.contest import Rules, Schedule
from bot.contests.publishing import Results
from bot.files.store import FileStore
from bot.posts.post import ContestNews, EntryShow, Placed
from bot.quotas.charts import Charts, Row
from bot.texts import duration, listed, say, say_many
from cogs.views.ballots import VoteButton
from cogs.views.contests import add_terms, mention, moment
from cogs.views.controls import controls
from cogs.views.entries import ReportButton
from cogs.views.refusals import plain
from cogs.views.style import Look, card

PICTURE = "results.png"
MOVES = {
    "opened": Look.PLAIN,
    "voting": Look.PLAIN,
    "results": Look.GOOD,
    "cancelled": Look.BAD,
    "extend": Look.ALERT,
    "edited": Look.PLAIN,
    "paused": Look.PLAIN,
    "resumed": Look.PLAIN,
    "corrected": Look.GOOD,
    "trouble": Look.ALERT,
    "reported": Look.ALERT,
}
"""What may happen to a contest, and how the word of it looks."""
_RESULTS = ("results", "corrected")
_ROOM = 3000
"""Characters for the ranks, of the 4096 of a card."""
_ROWS = 15
_PLAYERS, _ROOM_BYTES = 9, 24 << 20
"""What one message takes of audio, beside a picture: files, and bytes of all of them."""
REASONS = ("too-few", "never-opened")
"""Why a contest ended that nobody called off."""


def news_text(news: ContestNews) -> str | None:
    """What stands above the card: whom it mentions."""
    if news.move == "extend":
        return say(news.locale, "contest-extend-greeting", member=f"<@{news.organiser}>")
    return f"<@&{news.mention_role}>" if news.mention_role else None


def news_card(news: ContestNews, mark: str, *, picture: bool = False) -> discord.Embed:
    """One announcement. `mark` is the post's id; a result may have a picture."""
    locale, title = news.locale, plain(news.title, 200)
    footer = say(locale, "contest-post-footer", contest=news.contest, mark=mark)
    embed = card(MOVES[news.move], say(locale, f"contest-news-{news.move}", title=title), footer=footer)
    match news.move:
        case "opened":
            embed.description = plain(news.theme, 2000)
            schedule = Schedule(news.opens_at, news.closes_at, news.ends_at)
            add_terms(embed, schedule, _rules_of(news), news.prize, news.sources, locale)
            how = "contest-how-enter" if news.masking else "contest-how-openly"
            how = "contest-how-mashup" if news.sources else how
            embed.add_field(name=say(locale, "contest-field-how"), value=say(locale, how), inline=False)
        case "results" | "corrected":
            lines = [_why(news)] if news.move == "corrected" else []
            lines += _result_lines(news.placed, news.ballots, news.prize, locale)
            embed.description = "\n".join(lines)[:4000]
            _add_digest(embed, news.digest, locale)
        case _:
            embed.description = "\n".join(_lines(news))
    if picture:
        embed.set_image(url=f"attachment://{PICTURE}")
    return embed


def news_buttons(news: ContestNews) -> discord.ui.View:
    """Voting begins: the way to one's ballot. Other news need none."""
    return controls(*([VoteButton(news.contest, news.locale)] if news.move == "voting" else []))


def news_files(store: FileStore, news: ContestNews, picture: bytes | None) -> list[discord.File]:
    """With results: the winners' audio as far as one message takes it, and the picture."""
    if news.move not in _RESULTS:
        return []
    files: list[discord.File] = []
    room = _ROOM_BYTES
    for placed in [one for one in news.placed if one.winner and one.audio][:_PLAYERS]:
        path = store.path(placed.audio)
        room -= path.stat().st_size
        if room >= 0:
            files.append(discord.File(path, filename=entry_file(placed.number)))
    return [*files, *([discord.File(io.BytesIO(picture), PICTURE)] if picture else [])]


def is_result(news: ContestNews) -> bool:
    """Whether it tells who won, and so comes with a picture and the winners' audio."""
    return news.move in _RESULTS


async def results_picture(charts: Charts, placed: Sequence[Placed]) -> bytes | None:
    """Who came where, as a PNG; none where nobody voted. Raises `Refused`."""
    if not any(one.points for one in placed):
        return None
    return await charts.rank([Row(one.rank, f"#{one.number}", one.points, one.winner) for one in placed[:_ROWS]])


def entry_card(show: EntryShow, mark: str) -> discord.Embed:
    """One entry of the gallery; of a masked one nothing but its number. `mark` is the post's id."""
    locale = show.locale
    title = say(locale, "contest-entry", number=show.number, title=plain(show.contest_title, 200))
    words = ""
    if show.member:
        told = {"member": mention(show.member, locale), "title": plain(show.title, 200)}
        words = say(locale, "contest-entry-by", **told, length=duration(show.seconds))
    footer = say(locale, "contest-post-footer", contest=show.contest, mark=mark)
    return card(Look.PLAIN, title, words, footer=footer)


def entry_buttons(show: EntryShow) -> discord.ui.View:
    """What anybody may do with an entry that should not be there."""
    return controls(ReportButton(f"{show.contest}:{show.entry}", show.locale))


def entry_file(number: int) -> str:
    """How the audio of an entry is called; it says nothing of where it comes from."""
    return f"entry-{number}.mp3"


def _ranked(placed: Sequence[Placed], locale: str) -> Iterator[str]:
    """Every entry, best first, as far as a card has room."""
    room = _ROOM
    for place, one in enumerate(placed):
        line = _place(one, locale)
        room -= len(line)
        if room < 0:
            yield say_many(locale, "contest-more-placed", len(placed) - place)
            return
        yield line


def _place(one: Placed, locale: str) -> str:
    said = say(
        locale,
        "contest-placed-winner" if one.winner else "contest-placed",
        rank=one.rank,
        number=one.number,
        title=plain(one.title, 80),
        member=mention(one.member, locale),
        points=say_many(locale, "contest-points", one.points),
    )
    return f"{said} · {say(locale, 'contest-tie-broken')}" if one.tie_broken else said


def results_card(results: Results, locale: str, *, picture: bool) -> discord.Embed:
    """The result for whoever asks for it later."""
    contest = results.contest
    title = say(locale, "contest-news-results", title=plain(contest.title, 200))
    lines = _result_lines(results.placed, results.ballots, contest.prize, locale)
    footer = say(locale, "contest-footer", contest=contest.id)
    embed = card(Look.GOOD, title, "\n".join(lines)[:4000], footer=footer)
    _add_digest(embed, results.digest, locale)
    if picture:
        embed.set_image(url=f"attachment://{PICTURE}")
    return embed


def _result_lines(placed: Sequence[Placed], ballots: int, prize: str, locale: str) -> Iterator[str]:
    yield say_many(locale, "contest-ballot-count", ballots)
    won = any(one.winner for one in placed)
    if not won:
        yield say(locale, "contest-no-winner")
    elif prize:
        yield say(locale, "contest-prize", prize=plain(prize, 300))
    yield ""
    yield from _ranked(placed, locale)


def _add_digest(embed: discord.Embed, digest: str, locale: str) -> None:
    if digest:
        told = say(locale, "contest-digest", digest=digest)
        embed.add_field(name=say(locale, "contest-field-digest"), value=told, inline=False)


def _lines(news: ContestNews) -> Iterator[str]:
    """What the other moves tell."""
    locale = news.locale
    match news.move:
        case "voting":
            shown = "contest-voting-entries" if news.masking else "contest-voting-names"
            yield say_many(locale, shown, news.entries, gallery=f"<#{news.gallery}>")
            yield say(locale, "contest-ends", when=moment(news.ends_at))
            if news.vote_role:
                yield say(locale, "contest-vote-role", role=f"<@&{news.vote_role}>")
            yield say(locale, "contest-vote-all")
        case "extend":
            yield say_many(locale, "contest-extend", news.entries, when=moment(news.answer_by))
        case "edited":
            names = listed((say(locale, f"contest-name-{name}") for name in news.changes), locale)
            yield say(locale, "contest-edited", names=names)
            yield say(locale, "contest-closes", when=moment(news.closes_at))
            yield say(locale, "contest-ends", when=moment(news.ends_at))
        case "paused" | "resumed":
            yield say(locale, f"contest-told-{news.move}")
            if news.move == "resumed":
                yield say(locale, "contest-closes", when=moment(news.closes_at))
                yield say(locale, "contest-ends", when=moment(news.ends_at))
        case _:
            yield _why(news)


def _why(news: ContestNews) -> str:
    """Why it moved, as somebody wrote it or by one of our own reasons."""
    locale = news.locale
    if news.move == "trouble":
        return say(locale, "contest-trouble", channel=f"<#{news.reason}>")
    if news.reason in REASONS:
        return say(locale, f"contest-reason-{news.reason}")
    by = mention(news.by, locale) if news.by else say(locale, "log-nothing")
    return say(locale, "contest-why", by=by, reason=plain(news.reason, 500) or "-")


def _rules_of(news: ContestNews) -> Rules:
    return Rules(
        units=news.units,
        entries=news.per_member,
        enter_role=news.enter_role,
        vote_role=news.vote_role,
        masking=news.masking,
        winners=news.winners,
        mention_role=news.mention_role,
    )
