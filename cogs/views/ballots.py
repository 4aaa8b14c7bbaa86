"""The ballot: a card that only its voter sees, in the voter's own order, with a select and links to every entry."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import discord

from bot.contests.voting import BallotPage
from bot.errors import Refused
from bot.texts import duration, say
from cogs.people import bot_of, place_of
from cogs.views.answers import defer, reply, take
from cogs.views.contests import link_to, moment
from cogs.views.controls import Admitted, IdButton, controls
from cogs.views.refusals import plain, sentence
from cogs.views.style import Look, card


class VoteButton(IdButton, word="contest:vote", label="button-vote", look=discord.ButtonStyle.primary):
    """Opens the ballot of whoever presses."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        await show_ballot(interaction, self.about)


class BallotControl(
    Admitted,
    discord.ui.DynamicItem[discord.ui.Item[Any]],
    template=r"ballot:(?P<act>set|page):(?P<contest>[0-9a-z]{12}):(?P<page>[0-9]{1,3})",
):
    """The select, or a button that turns the page; whose ballot it is, is whoever uses it."""

    def __init__(self, item: discord.ui.Item[Any], act: str, contest: str, page: int) -> None:
        super().__init__(item)
        self.act, self.contest, self.page = act, contest, page

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> BallotControl:
        return cls(item, match["act"], match["contest"], int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await take(interaction)
        if self.act == "page":
            await show_ballot(interaction, self.contest, self.page)
            return
        data: Mapping[str, Any] = interaction.data or {}
        shown = _offered(self.item)
        chosen = frozenset(str(value) for value in data.get("values") or []) & shown
        await show_ballot(interaction, self.contest, self.page, shown=shown, chosen=chosen)


async def show_ballot(
    interaction: discord.Interaction[Any],
    contest: str,
    page: int = 0,
    *,
    shown: Collection[str] = (),
    chosen: Collection[str] = (),
) -> None:
    """Cast what was chosen of what was `shown`, if anything was, and show the page as it is then, or why not."""
    locale, service = str(interaction.locale), bot_of(interaction).services.contests
    try:
        place = await place_of(interaction, private=True, posting=False)
        if shown:
            found = await service.vote(place, contest, shown, chosen, page)
        else:
            found = await service.ballot(place, contest, page)
    except Refused as refused:
        await reply(interaction, sentence(refused.refusal, locale), embed=None, view=None)
        return
    words = say(locale, "ballot-cast") if shown else None
    await reply(interaction, words, embed=ballot_card(found, locale), view=ballot_controls(found, locale))


def ballot_card(found: BallotPage, locale: str) -> discord.Embed:
    """The entries of a page with links, those that are chosen marked by more than colour."""
    contest = found.contest
    lines = [say(locale, "ballot-how"), ""]
    for entry in found.candidates:
        name = say(locale, "ballot-entry", number=entry.number or 0)
        if entry.id in found.links:
            name = f"[{name}]({link_to(contest.guild, *found.links[entry.id])})"
        mark = "☑" if entry.id in found.chosen else "☐"
        lines.append(f"{mark} {name} · {duration(entry.seconds)}")
    parts = [say(locale, "ballot-number", number=str(found.number))] if found.number is not None else []
    if found.pages > 1:
        parts.append(say(locale, "ballot-page", page=found.page + 1, pages=found.pages))
    title = say(locale, "ballot-title", title=plain(contest.title, 200))
    embed = card(Look.PLAIN, title, "\n".join(lines)[:4000], footer=" · ".join(parts))
    ends = say(locale, "contest-ends", when=moment(contest.schedule.ends_at))
    rule = say(locale, "contest-vote-all")
    if contest.rules.vote_role:
        rule = say(locale, "contest-vote-role", role=f"<@&{contest.rules.vote_role}>")
    embed.add_field(name=say(locale, "ballot-rule"), value=f"{rule}\n{ends}", inline=False)
    return embed


def ballot_controls(found: BallotPage, locale: str) -> discord.ui.View:
    items: list[discord.ui.Item[Any]] = []
    name = f"{found.contest.id}:{found.page}"
    if found.candidates:
        options = [
            discord.SelectOption(
                label=say(locale, "ballot-entry", number=entry.number or 0),
                value=entry.id,
                description=duration(entry.seconds),
                default=entry.id in found.chosen,
            )
            for entry in found.candidates
        ]
        items.append(
            discord.ui.Select(
                custom_id=f"ballot:set:{name}",
                placeholder=say(locale, "ballot-choose"),
                options=options,
                min_values=0,
                max_values=len(options),
            )
        )
    for label, page in (("button-previous", found.page - 1), ("button-next", found.page + 1)):
        if 0 <= page < found.pages:
            custom_id = f"ballot:page:{found.contest.id}:{page}"
            items.append(discord.ui.Button(label=say(locale, label), custom_id=custom_id))
    return controls(*items)


def _offered(item: discord.ui.Item[Any]) -> frozenset[str]:
    """What the select of the card offered; Discord tells it with the message."""
    return frozenset(o.value for o in item.options) if isinstance(item, discord.ui.Select) else frozenset()
