"""`/contest create`, `edit` and what else moderators do with a contest; what is saved was shown before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.contests.contest import RUNNING, Contest, Draft, Phase, Rules, check_changes, check_rules, check_texts
from bot.contests.dates import read_moment
from bot.contests.schedule import check_changed, check_new, moved_along
from bot.errors import Code, Refused
from bot.guilds.guild import shown
from bot.guilds.moderation import Actor, moderates, must_make_contests
from bot.jobs.service import Offer
from bot.texts import say
from cogs.asking import choices, text
from cogs.contest_options import Named, contest_choices, worded
from cogs.people import bot_of, must_post_in, place_of
from cogs.views.answers import answered
from cogs.views.contests import changes_card, mention, moment, terms_card
from cogs.views.controls import IdButton, controls
from cogs.views.refusals import plain

Title = app_commands.Range[str, 1, 80]
Theme = app_commands.Range[str, 1, 1000]
Prize = app_commands.Range[str, 1, 300]
When = app_commands.Range[str, 1, 60]
Reason = app_commands.Range[str, 3, 300]
Units = app_commands.Range[int, 0, 1000]
Entries = app_commands.Range[int, 1, 5]
Winners = app_commands.Range[int, 1, 10]
Place = discord.TextChannel | discord.Thread
_MOMENTS = {"opens": "opens_at", "deadline": "closes_at", "voting_ends": "ends_at"}
_ON = "on"
ASKED = ("create", "edit", "cancel")
"""What is shown and asked about before it is done."""


class Organising(commands.Cog):
    """The commands of the group that are for moderators; every answer is for their eyes only."""

    _bot: TwodeckBot

    @app_commands.command(name="create", description=text("command-contest-create"))
    @worded("theme", "deadline", "voting_ends", "opens", "engines", "entries", "winners", "prize", "who_enters")
    @worded("who_votes", "masking", "mention", "channel", "gallery", title="contest_title", units="contest_units")
    @worded(track_a="contest_track", track_b="contest_track")
    @app_commands.choices(masking=choices("masking", "on", "off"))
    async def create(
        self,
        interaction: discord.Interaction,
        title: Title,
        theme: Theme,
        deadline: When,
        voting_ends: When,
        opens: When | None = None,
        track_a: discord.Attachment | None = None,
        track_b: discord.Attachment | None = None,
        engines: Named | None = None,
        units: Units = 5,
        entries: Entries = 1,
        winners: Winners = 1,
        prize: Prize | None = None,
        who_enters: discord.Role | None = None,
        who_votes: discord.Role | None = None,
        masking: str = _ON,
        mention: discord.Role | None = None,
        channel: discord.TextChannel | None = None,
        gallery: Place | None = None,
    ) -> None:
        rules = Rules(
            engines=_engines(engines),
            units=units,
            entries=entries,
            enter_role=_id(who_enters),
            vote_role=_id(who_votes),
            masking=masking == _ON,
            winners=winners,
            mention_role=_id(mention),
        )

        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            must_make_contests(await self._bot.services.guilds.settings(actor.guild), actor)
            here = channel or _here(interaction)
            for place in filter(None, (here, gallery)):
                must_post_in(place, locale)
            when = await self._moments(actor, {"opens": opens, "deadline": deadline, "voting_ends": voting_ends})
            draft = Draft(
                title=title,
                channel=str(here.id),
                gallery=str(gallery.id) if gallery else None,
                theme=theme,
                prize=prize or "",
                rules=rules,
                **when,
            )
            check_texts(draft.title, draft.theme, draft.prize)
            check_rules(rules)
            check_new(draft.schedule, self._bot.services.clock.now())
            files = _pair(track_a, track_b)
            step = {"do": "create", "draft": _draft_json(draft), "offers": [asdict(offer) for offer in files]}
            return await self._asked(
                actor, step, terms_card(draft, [file.name for file in files], locale), locale, "button-contest-save"
            )

        await answered(interaction, answer)

    @app_commands.command(name="edit", description=text("command-contest-edit"))
    @worded("contest", "theme", "deadline", "voting_ends", "opens", "engines", "entries", "winners", "prize")
    @worded("who_enters", "who_votes", "masking", "mention", "channel", "gallery")
    @worded(title="contest_title", units="contest_units")
    @app_commands.choices(masking=choices("masking", "on", "off"))
    async def edit(
        self,
        interaction: discord.Interaction,
        contest: Named,
        title: Title | None = None,
        theme: Theme | None = None,
        deadline: When | None = None,
        voting_ends: When | None = None,
        opens: When | None = None,
        engines: Named | None = None,
        units: Units | None = None,
        entries: Entries | None = None,
        winners: Winners | None = None,
        prize: Prize | None = None,
        who_enters: discord.Role | None = None,
        who_votes: discord.Role | None = None,
        masking: str | None = None,
        mention: discord.Role | None = None,
        channel: discord.TextChannel | None = None,
        gallery: Place | None = None,
    ) -> None:
        given = {
            "title": title,
            "theme": theme,
            "prize": prize,
            "engines": _engines(engines) or None,
            "units": units,
            "entries": entries,
            "winners": winners,
            "enter_role": _id(who_enters),
            "vote_role": _id(who_votes),
            "masking": None if masking is None else masking == _ON,
            "mention_role": _id(mention),
            "channel": _id(channel),
            "gallery": _id(gallery),
        }

        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            found = await self._organised(actor, contest)
            for place in filter(None, (channel, gallery)):
                must_post_in(place, locale)
            when = await self._moments(actor, {"opens": opens, "deadline": deadline, "voting_ends": voting_ends})
            asked: dict[str, Any] = {**given, **when}
            changes = {name: value for name, value in asked.items() if value is not None}
            if not changes:
                raise Refused(Code.NOTHING_TO_CHANGE)
            check_changes(found, changes)
            if "closes_at" in changes and "ends_at" not in changes:
                changes["ends_at"] = moved_along(found.schedule, changes["closes_at"]).ends_at
            moved = {name: changes[name] for name in _MOMENTS.values() if name in changes}
            check_changed(found, replace(found.schedule, **moved), self._bot.services.clock.now())
            step = {"do": "edit", "contest": found.id, "changes": _jsonable(changes)}
            return await self._asked(
                actor, step, changes_card(found, changes, locale), locale, "button-contest-save", title=found.title
            )

        await answered(interaction, answer)

    @app_commands.command(name="open", description=text("command-contest-open"))
    @worded("contest")
    async def open(self, interaction: discord.Interaction, contest: Named) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.open(actor, (await service.named(actor.guild, contest)).id)
            when = moment(found.schedule.closes_at)
            return {"content": say(locale, "contest-opened", title=plain(found.title), when=when)}

        await answered(interaction, answer)

    @app_commands.command(name="close", description=text("command-contest-close"))
    @worded("contest")
    async def close(self, interaction: discord.Interaction, contest: Named) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.close(actor, (await service.named(actor.guild, contest)).id)
            words = "contest-closed-voting" if found.published else "contest-closed-entering"
            if found.phase is Phase.VOTING:
                words = "contest-closed-now-voting"
            return {"content": say(locale, words, when=moment(found.schedule.ends_at))}

        await answered(interaction, answer)

    @app_commands.command(name="cancel", description=text("command-contest-cancel"))
    @worded("contest", reason="contest_reason")
    async def cancel(self, interaction: discord.Interaction, contest: Named, reason: Reason) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            found = await self._organised(actor, contest)
            step = {"do": "cancel", "contest": found.id, "reason": reason}
            told = {"title": found.title, "reason": reason}
            return await self._asked(actor, step, None, locale, "button-contest-cancel", **told)

        await answered(interaction, answer)

    @app_commands.command(name="pause", description=text("command-contest-pause"))
    @worded("contest", "halt")
    @app_commands.choices(halt=choices("halt", "on", "off"))
    async def pause(self, interaction: discord.Interaction, contest: Named, halt: str = _ON) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            found = await service.pause(actor, found.id, on=halt == _ON)
            words = "contest-halted" if found.paused else "contest-going-on"
            return {"content": say(locale, words, title=plain(found.title))}

        await answered(interaction, answer)

    @app_commands.command(name="disqualify", description=text("command-contest-disqualify"))
    @worded("contest", "entry", reason="entry_reason")
    async def disqualify(
        self, interaction: discord.Interaction, contest: Named, entry: Named, reason: Reason
    ) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            await service.disqualify(actor, found.id, entry, reason)
            told = say(locale, "contest-disqualified", entry=plain(entry), title=plain(found.title))
            return {"content": told}

        await answered(interaction, answer)

    @app_commands.command(name="unmask", description=text("command-contest-unmask"))
    @worded("contest", "entry", reason="logged_reason")
    async def unmask(self, interaction: discord.Interaction, contest: Named, entry: Named, reason: Reason) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            who = mention(await service.behind_mask(actor, found.id, entry, reason), locale)
            return {"content": say(locale, "contest-behind-mask", entry=plain(entry), member=who)}

        await answered(interaction, answer)

    @app_commands.command(name="tie", description=text("command-contest-tie"))
    @worded("contest", "order", reason="contest_reason")
    async def tie(self, interaction: discord.Interaction, contest: Named, order: Named, reason: Reason) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            await service.break_tie(actor, found.id, re.findall(r"\w+", order), reason)
            return {"content": say(locale, "contest-tie-done")}

        await answered(interaction, answer)

    @edit.autocomplete("contest")
    @cancel.autocomplete("contest")
    @pause.autocomplete("contest")
    async def under_way(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, RUNNING)

    @open.autocomplete("contest")
    async def drafts(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset({Phase.DRAFT}))

    @close.autocomplete("contest")
    async def to_close(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset({Phase.OPEN, Phase.VOTING}))

    @disqualify.autocomplete("contest")
    @unmask.autocomplete("contest")
    async def with_entries(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset(Phase) - {Phase.DRAFT})

    @tie.autocomplete("contest")
    async def closed(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset({Phase.CLOSED}))

    async def _organised(self, actor: Actor, typed: str) -> Contest:
        """A contest that whoever acts may change. Raises `Refused`."""
        found = await self._bot.services.contests.named(actor.guild, typed)
        settings = await self._bot.services.guilds.settings(actor.guild)
        if actor.member != found.organiser and not moderates(settings, actor):
            raise Refused(Code.CONTEST_ORGANISER_ONLY)
        return found

    async def _moments(self, actor: Actor, typed: Mapping[str, str | None]) -> dict[str, Any]:
        """What was typed for a moment, by the fields of a schedule. Raises `Refused`."""
        now, zone = self._bot.services.clock.now(), (await self._bot.services.guilds.settings(actor.guild)).zone
        return {
            _MOMENTS[name]: read_moment(words, now=now, zone=zone)
            for name, words in typed.items()
            if words is not None
        }

    async def _asked(
        self,
        actor: Actor,
        step: Mapping[str, Any],
        card: discord.Embed | None,
        locale: str,
        label: str,
        **told: str,
    ) -> Mapping[str, Any]:
        """The question about a step, with the button that does it."""
        name = await self._bot.services.questions.keep(actor, step)
        view = controls(SaveButton(name, locale, label=label))
        words = say(locale, f"contest-ask-{step['do']}", **{key: plain(value) for key, value in told.items()})
        return {"content": words, "view": view, **({"embed": card} if card else {})}


class SaveButton(IdButton, word="contest:yes", label="button-yes", look=discord.ButtonStyle.primary):
    """Does what its moderator was asked about."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            step = await bot_of(interaction).services.questions.take(actor, self.about)
            return {"content": await _done(interaction, actor, step, locale)}

        await answered(interaction, answer)


async def _done(interaction: discord.Interaction[Any], actor: Actor, step: Mapping[str, Any], locale: str) -> str:
    """Do what was asked about; what came of it."""
    service = bot_of(interaction).services.contests
    match step["do"]:
        case "create":
            place = await place_of(interaction, private=False, posting=False)
            draft: dict[str, Any] = {**step["draft"], "rules": Rules.from_json(step["draft"]["rules"])}
            offers = tuple(Offer(**offer) for offer in step["offers"])
            made = await service.create(actor, place, Draft(**draft), offers)
            when = made.schedule.opens_at
            words = "contest-saved" if when is None else "contest-saved-opening"
            told = "" if when is None else moment(when)
            return say(locale, words, title=plain(made.title), contest=made.id, when=told)
        case "edit":
            engines = step["changes"].get("engines")
            changes = {**step["changes"], **({"engines": frozenset(engines)} if engines else {})}
            changed = await service.edit(actor, step["contest"], **changes)
            return say(locale, "contest-changed", title=plain(changed.title))
        case _:
            gone = await service.cancel(actor, step["contest"], step["reason"])
            return say(locale, "contest-called-off", title=plain(gone.title))


def _pair(first: discord.Attachment | None, second: discord.Attachment | None) -> tuple[Offer, ...]:
    """Both files of a source pair, or none. Raises `Refused` for one alone."""
    given = [track for track in (first, second) if track is not None]
    if len(given) == 1:
        raise Refused(Code.FIELD_MISSING, field="track_b" if first else "track_a", mode="-")
    return tuple(Offer(url=track.url, name=track.filename, size=track.size) for track in given)


def _here(interaction: discord.Interaction) -> Place:
    """The channel of the command. Raises `Refused` where nothing can be announced."""
    if not isinstance(interaction.channel, Place):
        raise Refused(Code.NEEDS_SERVER)
    return interaction.channel


def _engines(typed: str | None) -> frozenset[str]:
    return frozenset(word.lower() for word in re.split(r"[\s,]+", typed or "") if word)


def _id(thing: discord.abc.Snowflake | None) -> str | None:
    return None if thing is None else str(thing.id)


def _draft_json(draft: Draft) -> dict[str, Any]:
    return {**asdict(draft), "rules": draft.rules.to_json()}


def _jsonable(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shown(value) for name, value in changes.items()}
