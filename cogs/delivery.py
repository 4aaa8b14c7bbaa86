"""Writes posts to Discord: values become messages here and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import discord

from bot.client import TwodeckBot
from bot.errors import Code
from bot.failpoints import around
from bot.files.store import FileStore
from bot.posts.port import Closed
from bot.posts.post import Alert, Content, Notice, Post, Progress, Result, content_of
from bot.texts import say, say_many
from cogs.views.buttons import card_buttons
from cogs.views.cards import alert_card, notice_card, progress_card, result_cards

log = logging.getLogger(__name__)
_LOOK_BACK_MS = 60_000
_PAGES = 500
_CLOSED = {
    10003: Code.CHANNEL_GONE,
    50001: Code.MISSING_PERMISSIONS,
    50013: Code.MISSING_PERMISSIONS,
    40005: Code.RESULT_TOO_LARGE,
}
_UNKNOWN_MESSAGE = 10008
_MAY_PASS = (401, 408, 429)


class Delivery:
    """Implements `bot.posts.port.Delivery` with the bot's own token, in the channel where it was asked."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    async def send(self, post: Post) -> str:
        """One message with the post's own nonce; Discord gives the first message back for a repeat."""
        try:
            with around("discord send"):
                message = await self._send(post, content_of(post))
        except discord.HTTPException as error:
            if error.code == _UNKNOWN_MESSAGE and post.attempts > 1:
                return "deleted"  # the repeat of a message that was posted and then deleted
            raise _closed(error) from error
        return str(message.id)

    async def find(self, post: Post) -> str | None:
        """Search the history since the marker for a message that carries this post's id, or ended the same job."""
        channel, content = self._channel(post), content_of(post)
        if not self._may_read_history(post):
            log.warning("channel %s hides its history: post %s may appear twice", post.target, post.id)
        since = discord.utils.time_snowflake(_moment((post.marked_at or 0) - _LOOK_BACK_MS))
        try:
            with around("discord history"):
                async for message in channel.history(limit=_PAGES, after=discord.Object(since), oldest_first=True):
                    if self._bot.user is None or message.author.id != self._bot.user.id:
                        continue
                    if _carries(message, post.id) or _ended(message, content):
                        return str(message.id)
        except discord.HTTPException as error:
            raise _closed(error) from error
        return None

    async def show(self, post: Post, progress: Progress) -> None:
        """Edit a sent card."""
        message = self._channel(post).get_partial_message(int(post.message_id or 0))
        try:
            with around("discord edit"):
                await message.edit(embed=progress_card(progress, post.id), view=card_buttons(progress))
        except discord.HTTPException as error:
            if error.code == _UNKNOWN_MESSAGE:
                raise Closed(Code.CHANNEL_GONE, "the card was deleted") from error
            raise _closed(error) from error

    async def _send(self, post: Post, content: Content) -> discord.Message:
        channel = self._channel(post)
        match content:
            case Progress():
                return await channel.send(
                    embed=progress_card(content, post.id), view=card_buttons(content), nonce=post.nonce
                )
            case Notice():
                return await channel.send(
                    say(content.locale, "notice-greeting", member=f"<@{content.member}>"),
                    embed=notice_card(content, post.id),
                    nonce=post.nonce,
                    allowed_mentions=_only(content.member),
                )
            case Alert():
                return await channel.send(
                    " ".join(f"<@{operator}>" for operator in content.operators),
                    embed=alert_card(content, post.id),
                    nonce=post.nonce,
                    allowed_mentions=_only(*content.operators),
                )
            case Result():
                return await self._send_result(channel, post, content)

    def _may_read_history(self, post: Post) -> bool:
        channel = self._bot.get_channel(int(post.target))
        if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return True
        return channel.permissions_for(channel.guild.me).read_message_history

    def _channel(self, post: Post) -> discord.PartialMessageable:
        return self._bot.get_partial_messageable(int(post.target))

    async def _send_result(
        self, channel: discord.PartialMessageable, post: Post, result: Result
    ) -> discord.Message:
        files = result_files(self._bot.services.files, result, post.id)
        try:
            pictures = [f.filename for f in files if f.filename.endswith(".png")]
            return await channel.send(
                say_many(result.locale, "result-greeting", len(result.tracks), member=f"<@{result.member}>"),
                files=files,
                embeds=result_cards(result, pictures, post.id),
                nonce=post.nonce,
                allowed_mentions=_only(result.member),
            )
        finally:
            for file in files:
                file.close()


def result_files(store: FileStore, result: Result, mark: str) -> Sequence[discord.File]:
    """Audio first, then the pictures; every name carries `mark`, the post's id, which stays in history."""
    audio = [(track.audio, f"mashup-{mark}-{track.number}.mp3") for track in result.tracks]
    pictures = [(track.picture, f"wave-{mark}-{track.number}.png") for track in result.tracks]
    return [discord.File(store.path(digest), filename=name) for digest, name in (*audio, *pictures)]


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


def _closed(error: discord.HTTPException) -> Exception:
    """A refusal for good becomes `Closed`; anything else may pass and stays what it is."""
    if error.code in _CLOSED:
        return Closed(_CLOSED[error.code], f"{error.code} {error.text}")
    if 400 <= error.status < 500 and error.status not in _MAY_PASS:
        log.error("Discord will never take this message: %s", error)
        return Closed(Code.UNEXPECTED, f"{error.code} {error.text}")
    return error


def _only(*members: str) -> discord.AllowedMentions:
    users = [discord.Object(int(member)) for member in members]
    return discord.AllowedMentions(everyone=False, roles=False, users=users)


async def setup(bot: TwodeckBot) -> None:
    bot.services.delivery.attach(Delivery(bot))
