"""Writes posts to Discord: values become messages here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

import discord

from bot.client import BROKEN_OFF, TwodeckBot
from bot.errors import Code, Refused
from bot.failpoints import around
from bot.files.store import FileStore
from bot.jobs.results import Act
from bot.posts.port import Closed, Postponed
from bot.posts.post import (
    Alert,
    Announcement,
    Content,
    ContestNews,
    EntryShow,
    Hint,
    Notice,
    Pictures,
    Post,
    Progress,
    Purpose,
    Result,
    Route,
    Welcome,
    content_of,
)
from bot.request import EngineName
from bot.texts import say, say_many
from cogs.views.buttons import card_buttons, no_buttons
from cogs.views.cards import (
    alert_card,
    hint_card,
    notice_card,
    picture_name,
    progress_card,
    result_cards,
    with_pictures,
)
from cogs.views.contest_news import (
    entry_buttons,
    entry_card,
    entry_file,
    is_result,
    news_buttons,
    news_card,
    news_files,
    news_text,
    results_picture,
)
from cogs.views.log import announcement_card
from cogs.views.results import notice_buttons, result_buttons
from cogs.views.welcome import welcome_card

log = logging.getLogger(__name__)
_ORIGINAL: Any = "@original"
"""Discord's name for the first answer to an interaction."""
_LOOK_BACK_MS = 60_000
_PAGES = 500
_CLOSED = {
    10003: Code.CHANNEL_GONE,
    10008: Code.CHANNEL_GONE,
    10015: Code.ANSWER_GONE,
    10062: Code.ANSWER_GONE,
    50027: Code.ANSWER_GONE,
    50007: Code.DIRECT_CLOSED,
    50001: Code.MISSING_PERMISSIONS,
    50013: Code.MISSING_PERMISSIONS,
    40005: Code.RESULT_TOO_LARGE,
    50083: Code.THREAD_LOCKED,
    30046: Code.EDITED_TOO_LATE,
}
_UNKNOWN_MESSAGE = 10008
_MAY_PASS = (401, 408, 429)
_SLOWED_DOWN = frozenset({20016, 20028})
"""Slow mode, and too much written in a channel: the same message is taken later."""


@dataclass(frozen=True)
class Draft:
    """What a message will be; `mentions` are the only members, `roles` the only roles that it may ping."""

    content: str | None = None
    embeds: Sequence[discord.Embed] = ()
    files: Sequence[discord.File] = ()
    view: discord.ui.View = field(default_factory=no_buttons)
    mentions: Sequence[str] = ()
    roles: Sequence[str] = ()


@dataclass(frozen=True)
class Extras:
    """What has to be asked or drawn before a message can be written."""

    picture: bytes | None = None
    enters: bool = False
    """Whether a contest takes this result."""
    acts: frozenset[Act] = frozenset()
    """What else can be done with it."""
    locale: str = ""
    """The language of a word in the channel."""


class Delivery:
    """Implements `bot.posts.port.Delivery` with the bot's own token, or with the token of the answer meant."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot
        self._answers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def send(self, post: Post) -> str:
        """One message with the post's own nonce; Discord gives the first message back for a repeat.

        An answer is there already: it is edited, and a repeat changes nothing. So is a result that gains pictures.
        """
        try:
            if post.purpose is Purpose.PICTURE:
                return await self._add_pictures(post, Pictures.from_json(post.body))
            content = content_of(post)
            with self._draft(post, content, await self._extras(post, content)) as draft:
                if post.route is Route.ANSWER:
                    async with self._answer(post):
                        return await self._edit_answer(post, draft)
                channel = await self._channel(post)
                with around("discord send"):
                    message = await channel.send(
                        draft.content,
                        embeds=draft.embeds,
                        files=draft.files,
                        view=draft.view,
                        nonce=post.nonce,
                        allowed_mentions=_only(draft.mentions, draft.roles),
                    )
        except (discord.HTTPException, *BROKEN_OFF) as error:
            gone = isinstance(error, discord.HTTPException) and error.code == _UNKNOWN_MESSAGE
            if gone and post.attempts > 1 and post.route is not Route.ANSWER:
                return "deleted"  # the repeat of a message that was posted and then deleted
            raise _closed(error) from error
        return str(message.id)

    async def find(self, post: Post) -> str | None:
        """Search the history since the marker for a message that carries this post's id, or ended the same job.

        Pictures are looked for in the message that they are for.
        """
        if post.purpose is Purpose.PICTURE:
            return await self._find_pictures(post, Pictures.from_json(post.body))
        if post.route is Route.ANSWER:
            return None
        if not self._may_read_history(post):
            log.warning("channel %s hides its history: post %s may appear twice", post.target, post.id)
        content = content_of(post)
        since = discord.utils.time_snowflake(_moment((post.marked_at or 0) - _LOOK_BACK_MS))
        try:
            channel = await self._channel(post)
            with around("discord history"):
                async for message in channel.history(limit=_PAGES, after=discord.Object(since), oldest_first=True):
                    if self._bot.user is None or message.author.id != self._bot.user.id:
                        continue
                    if _carries(message, post.id) or _ended(message, content):
                        return str(message.id)
        except (discord.HTTPException, *BROKEN_OFF) as error:
            raise _closed(error) from error
        return None

    async def remove(self, post: Post) -> None:
        """Delete a sent message; one that is gone already, or an answer, is `Closed`. Pictures go with theirs."""
        if post.purpose is Purpose.PICTURE:
            return
        if post.route is Route.ANSWER:
            raise Closed(Code.ANSWER_GONE)
        try:
            channel = await self._channel(post)
            with around("discord delete"):
                await channel.get_partial_message(int(post.message_id or 0)).delete()
        except (discord.HTTPException, *BROKEN_OFF) as error:
            raise _closed(error) from error

    async def show(self, post: Post, progress: Progress) -> None:
        """Edit a sent card; in an answer only until the result or its refusal took its place."""
        embed, view = progress_card(progress, post.id), card_buttons(progress)
        try:
            if post.route is Route.ANSWER:
                async with self._answer(post):
                    if not await self._bot.services.jobs.is_answered(post.place):
                        await self._edit_answer(post, Draft(embeds=[embed], view=view))
                return
            channel = await self._channel(post)
            with around("discord edit"):
                await channel.get_partial_message(int(post.message_id or 0)).edit(embed=embed, view=view)
        except (discord.HTTPException, *BROKEN_OFF) as error:
            raise _closed(error) from error

    @contextlib.contextmanager
    def _draft(self, post: Post, content: Content, extras: Extras) -> Generator[Draft]:
        """What the message says; its files are open only inside."""
        try:
            if isinstance(content, ContestNews | EntryShow):
                draft = self._of_contest(post, content, extras.picture)
            else:
                draft = self._written(post, content, extras)
        except FileNotFoundError:
            raise Closed(Code.RESULT_EXPIRED) from None
        try:
            yield draft
        finally:
            for file in draft.files:
                file.close()

    async def _extras(self, post: Post, content: Content) -> Extras:
        match content:
            case ContestNews() if is_result(content):
                return Extras(picture=await self._drawn(content))
            case Result():
                services = self._bot.services
                acts = await services.results.offered(content.job)
                return Extras(enters=await services.contests.welcomes(content.job), acts=acts)
            case Hint():
                return Extras(locale=await self._public_locale(post, content.locale))
            case _:
                return Extras()

    async def _public_locale(self, post: Post, otherwise: str) -> str:
        """The language in which a channel is written to: what its server chose, or what Discord says of it."""
        channel = self._bot.get_channel(int(post.place))
        if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return otherwise
        chosen = await self._bot.services.guilds.settings(str(channel.guild.id))
        return chosen.locale or str(channel.guild.preferred_locale)

    async def _drawn(self, news: ContestNews) -> bytes | None:
        """The picture of a result; the words are not kept back for it."""
        try:
            return await results_picture(self._bot.services.charts, news.placed)
        except Refused as refused:
            log.warning("the picture of a contest could not be drawn: %s", refused)
            return None

    def _written(self, post: Post, content: Content, extras: Extras) -> Draft:
        match content:
            case Progress():
                return Draft(embeds=[progress_card(content, post.id)], view=card_buttons(content))
            case Notice(locale=locale, member=member):
                greeting = say(locale, "notice-greeting", member=f"<@{member}>")
                card = notice_card(content, post.id)
                return Draft(greeting, [card], view=notice_buttons(content), mentions=(member,))
            case Alert(operators=operators):
                named = " ".join(f"<@{operator}>" for operator in operators)
                return Draft(named, [alert_card(content, post.id)], mentions=operators)
            case Announcement() | Welcome():
                greets = isinstance(content, Welcome)
                card = welcome_card(content.locale, post.id) if greets else announcement_card(content, post.id)
                return Draft(embeds=[card])
            case Hint(member=member):
                words = say(extras.locale, content.message, member=f"<@{member}>", job=content.job)
                return Draft(
                    words, [hint_card(replace(content, locale=extras.locale), post.id)], mentions=(member,)
                )
            case Result():
                return self._of_result(post, content, extras)
            case Pictures() | ContestNews() | EntryShow():
                raise TypeError("this is written elsewhere")

    def _of_result(self, post: Post, result: Result, extras: Extras) -> Draft:
        locale, named = result.locale, f"<@{result.member}>"
        files = result_files(self._bot.services.files, result, post.id)
        cards = result_cards(result, post.id)
        view = result_buttons(result.job, extras.acts, locale, enters=extras.enters)
        if post.purpose is Purpose.SHARED:
            return Draft(say(locale, "result-shared", member=named), cards, files, view)
        text = "result-greeting" if result.engine == EngineName.LOCAL else "result-hosted"
        greeting = say_many(locale, text, len(result.tracks), member=named)
        return Draft(greeting, cards, files, view, mentions=(result.member,))

    def _of_contest(self, post: Post, content: ContestNews | EntryShow, picture: bytes | None) -> Draft:
        store = self._bot.services.files
        if isinstance(content, EntryShow):
            audio = discord.File(store.path(content.audio), filename=entry_file(content.number))
            return Draft(None, [entry_card(content, post.id)], [audio], entry_buttons(content))
        return Draft(
            news_text(content),
            [news_card(content, post.id, picture=picture is not None)],
            news_files(store, content, picture),
            news_buttons(content),
            mentions=(content.organiser,) if content.move == "extend" else (),
            roles=(content.mention_role,) if content.mention_role else (),
        )

    def _answer(self, post: Post) -> asyncio.Lock:
        """One edit of an answer at a time: a card that is on its way must not come after the result."""
        return self._answers.setdefault(post.place, asyncio.Lock())

    async def _edit_answer(self, post: Post, draft: Draft) -> str:
        """Put the draft into the answer that only the member sees. Raises `Closed` when its token is gone."""
        answer = await self._webhook(post)
        content = draft.content or discord.utils.MISSING  # a card leaves the words above it as they are
        with around("discord edit answer"):
            message = await answer.edit_message(
                _ORIGINAL, content=content, embeds=draft.embeds, attachments=draft.files, view=draft.view
            )
        return str(message.id)

    async def _webhook(self, post: Post) -> discord.Webhook:
        """By which an answer is reached. Raises `Closed` when its token is gone."""
        token = await self._bot.services.jobs.answer_token(post.place)
        if token is None or self._bot.application_id is None:
            raise Closed(Code.ANSWER_GONE)
        return discord.Webhook.partial(self._bot.application_id, token, client=self._bot)

    async def _find_pictures(self, post: Post, pictures: Pictures) -> str | None:
        try:
            message = await self._result(post, pictures)
        except (discord.HTTPException, *BROKEN_OFF) as error:
            raise _closed(error) from error
        return pictures.message if _has_picture(message) else None

    async def _add_pictures(self, post: Post, pictures: Pictures) -> str:
        """Edit a result so that it keeps all it has and shows these; one whose cards are gone stays as it is."""
        message = await self._result(post, pictures)
        files = {number: digest for number, digest in pictures.files if number <= len(message.embeds)}
        if _has_picture(message) or not files:
            return pictures.message
        embeds = with_pictures(message.embeds, tuple(files), post.id)
        opened = self._open(files, post.id)
        try:
            attachments = [*message.attachments, *opened]
            if isinstance(message, discord.WebhookMessage):
                with around("discord edit answer"):
                    await message.edit(embeds=embeds, attachments=attachments)
            else:
                with around("discord edit"):
                    await message.edit(embeds=embeds, attachments=attachments)
        finally:
            for file in opened:
                file.close()
        return pictures.message

    async def _result(self, post: Post, pictures: Pictures) -> discord.Message:
        """The message that the pictures are for, as it is now."""
        if post.route is Route.ANSWER:
            answer = await self._webhook(post)
            with around("discord look"):
                return await answer.fetch_message(_ORIGINAL)
        channel = await self._channel(post)
        with around("discord look"):
            return await channel.fetch_message(int(pictures.message))

    def _open(self, pictures: Mapping[int, str], mark: str) -> list[discord.File]:
        store = self._bot.services.files
        try:
            return [discord.File(store.path(d), filename=picture_name(mark, n)) for n, d in pictures.items()]
        except FileNotFoundError:
            raise Closed(Code.RESULT_EXPIRED) from None

    def _may_read_history(self, post: Post) -> bool:
        if post.route is Route.DIRECT:
            return True
        channel = self._bot.get_channel(int(post.place))
        if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return True
        return channel.permissions_for(channel.guild.me).read_message_history

    async def _channel(self, post: Post) -> discord.PartialMessageable:
        """The channel, without asking whether it is there."""
        if post.route is Route.DIRECT:
            with around("discord direct"):
                channel = await self._bot.create_dm(discord.Object(int(post.place)))
            return self._bot.get_partial_messageable(channel.id)
        return self._bot.get_partial_messageable(int(post.place))


def result_files(store: FileStore, result: Result, mark: str) -> Sequence[discord.File]:
    """Audio first, then the pictures; every name carries `mark`, the post's id, which stays in history."""
    audio = [(track.audio, f"mashup-{mark}-{track.number}.mp3") for track in result.tracks]
    pictures = [(track.picture, picture_name(mark, track.number)) for track in result.tracks if track.picture]
    return [discord.File(store.path(digest), filename=name) for digest, name in (*audio, *pictures)]


def _has_picture(message: discord.Message) -> bool:
    return any(embed.image.url for embed in message.embeds)


def _carries(message: discord.Message, post_id: str) -> bool:
    """Whether the mark is in a file name or in a footer."""
    footers = (embed.footer.text or "" for embed in message.embeds)
    return any(post_id in text for text in (*(a.filename for a in message.attachments), *footers))


def _ended(message: discord.Message, content: Content) -> bool:
    """Whether a message of before a restore, whose post is in no table any more, already ended this job."""
    match content:
        case Result():
            return bool(message.attachments) and _carries(message, content.job)
        case Notice(error=error) if error.code is Code.RESTORED:
            return bool(message.content) and _carries(message, content.job)
        case _:
            return False


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _closed(error: Exception) -> Exception:
    """A refusal for good becomes `Closed`, a request that was cut off `Postponed`; the rest stays what it is."""
    if isinstance(error, BROKEN_OFF):
        return Postponed(repr(error))
    if not isinstance(error, discord.HTTPException):
        return error
    if error.code in _CLOSED:
        return Closed(_CLOSED[error.code], f"{error.code} {error.text}")
    if error.code in _SLOWED_DOWN:
        return Postponed(f"{error.code} {error.text}")
    if 400 <= error.status < 500 and error.status not in _MAY_PASS:
        log.error("Discord will never take this message: %s", error)
        return Closed(Code.UNEXPECTED, f"{error.code} {error.text}")
    return error


def _only(members: Sequence[str], roles: Sequence[str]) -> discord.AllowedMentions:
    users, asked = ([discord.Object(int(one)) for one in ids] for ids in (members, roles))
    return discord.AllowedMentions(everyone=False, roles=asked, users=users)


async def setup(bot: TwodeckBot) -> None:
    bot.services.delivery.attach(Delivery(bot))
