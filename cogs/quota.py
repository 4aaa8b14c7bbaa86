"""`/quota`: members see what they have left; moderators decide who may use how much."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.guilds.guild import Period
from bot.guilds.moderation import Actor
from bot.quotas.facts import Effect, Kind
from bot.texts import say
from cogs.asking import choices, described, text
from cogs.people import bot_of, parent_of, roles_of
from cogs.views.answers import answered
from cogs.views.controls import IdButton, controls
from cogs.views.log import log_lines
from cogs.views.quotas import (
    CHART,
    confirmed,
    ending,
    limits_in_force,
    question,
    status_card,
    use_card,
    use_panels,
    walk_card,
)
from cogs.views.style import Look, card

Units = app_commands.Range[int, 0, 10_000]
Hours = app_commands.Range[int, 1, 8760]
Days = app_commands.Range[int, 1, 90]
Reason = app_commands.Range[str, 3, 300]
_DAYS = 14
_NO_RULE = "none"


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Quota(commands.GroupCog, name="quota", description=text("command-quota")):
    """The command group; every answer is for the asker's eyes only."""

    set_group = app_commands.Group(name="set", description=text("command-quota-set"))

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="status", description=text("command-quota-status"))
    async def status(self, interaction: discord.Interaction) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            asking = self._bot.services.jobs.asking(actor, str(interaction.channel_id), parent_of(interaction))
            return {"embed": status_card(await self._bot.services.quotas.status(asking), locale)}

        await answered(interaction, answer)

    @set_group.command(name="guild", description=text("command-quota-set-guild"))
    @described("window", "member_units", "server_units", "member_running", "server_running", "cooldown")
    @app_commands.choices(window=choices("window", "day", "week", "month"))
    async def set_guild(
        self,
        interaction: discord.Interaction,
        window: str | None = None,
        member_units: Units | None = None,
        server_units: app_commands.Range[int, 0, 1_000_000] | None = None,
        member_running: app_commands.Range[int, 1, 1000] | None = None,
        server_running: app_commands.Range[int, 1, 10_000] | None = None,
        cooldown: app_commands.Range[int, 0, 86_400] | None = None,
    ) -> None:
        given = {
            "period": window and Period(window),
            "member_units": member_units,
            "guild_units": server_units,
            "member_running": member_running,
            "guild_running": server_running,
            "cooldown_seconds": cooldown,
        }

        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            changes = {name: value for name, value in given.items() if value is not None}
            return {"content": limits_in_force(await self._bot.services.quotas.set_guild(actor, **changes), locale)}

        await answered(interaction, answer)

    @set_group.command(name="role", description=text("command-quota-set-role"))
    @described("role", "rule", "units")
    @app_commands.choices(rule=choices("rule", "raise", "add", "exempt", "none"))
    async def set_role(
        self, interaction: discord.Interaction, role: discord.Role, rule: str, units: Units = 0
    ) -> None:
        await self._set_rule(interaction, Kind.ROLE, str(role.id), rule, units)

    @set_group.command(name="member", description=text("command-quota-set-member"))
    @described("member", "rule", "units")
    @app_commands.choices(rule=choices("rule", "limit", "raise", "add", "exempt", "none"))
    async def set_member(
        self, interaction: discord.Interaction, member: discord.User, rule: str, units: Units = 0
    ) -> None:
        await self._set_rule(interaction, Kind.MEMBER, str(member.id), rule, units)

    @app_commands.command(name="grant", description=text("command-quota-grant"))
    @described("member", "units", "reason", "hours")
    async def grant(
        self,
        interaction: discord.Interaction,
        member: discord.User,
        units: app_commands.Range[int, 1, 10_000],
        reason: Reason,
        hours: Hours | None = None,
    ) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            made = await self._bot.services.quotas.grant(actor, str(member.id), units, hours, reason)
            ends = ending(made.ends, locale)
            return {"content": say(locale, "quota-granted", member=f"<@{member.id}>", units=units, ends=ends)}

        await answered(interaction, answer)

    @app_commands.command(name="reset", description=text("command-quota-reset"))
    @described("member")
    async def reset(self, interaction: discord.Interaction, member: discord.User | None = None) -> None:
        await self._ask(interaction, {"do": "reset", "member": str(member.id) if member else None})

    @app_commands.command(name="block", description=text("command-quota-block"))
    @described("member", "reason", "hours")
    async def block(
        self, interaction: discord.Interaction, member: discord.User, reason: Reason, hours: Hours | None = None
    ) -> None:
        await self._ask(interaction, {"do": "block", "member": str(member.id), "why": reason, "hours": hours})

    @app_commands.command(name="unblock", description=text("command-quota-unblock"))
    @described("member")
    async def unblock(self, interaction: discord.Interaction, member: discord.User) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            was = await self._bot.services.quotas.unblock(actor, str(member.id))
            words = "quota-unblocked" if was else "quota-not-blocked"
            return {"content": say(locale, words, member=f"<@{member.id}>")}

        await answered(interaction, answer)

    @app_commands.command(name="pause", description=text("command-quota-pause"))
    async def pause(self, interaction: discord.Interaction) -> None:
        await self._ask(interaction, {"do": "pause"})

    @app_commands.command(name="resume", description=text("command-quota-resume"))
    async def resume(self, interaction: discord.Interaction) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            await self._bot.services.quotas.resume(actor)
            return {"content": say(locale, "quota-resumed")}

        await answered(interaction, answer)

    @app_commands.command(name="show", description=text("command-quota-show"))
    @described("days")
    async def show(self, interaction: discord.Interaction, days: Days = _DAYS) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            use = await self._bot.services.quotas.use(actor, days)
            panels = use_panels(use)
            chart = await self._bot.services.charts.draw(panels)
            return {"embed": use_card(use, locale), "attachments": [discord.File(io.BytesIO(chart), CHART)]}

        await answered(interaction, answer)

    @app_commands.command(name="explain", description=text("command-quota-explain"))
    @described("member", "engine")
    async def explain(
        self, interaction: discord.Interaction, member: discord.User, engine: str | None = None
    ) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            other = Actor(actor.guild, str(member.id), roles_of(member), manages=False)
            place = str(interaction.channel_id), parent_of(interaction)
            asking = self._bot.services.jobs.asking(other, *place, engine)
            verdict = await self._bot.services.quotas.explain(actor, asking)
            return {"embed": walk_card(verdict, other.member, locale)}

        await answered(interaction, answer)

    @app_commands.command(name="log", description=text("command-quota-log"))
    @described("page", "member", "by")
    async def log(
        self,
        interaction: discord.Interaction,
        page: app_commands.Range[int, 1, 1000] = 1,
        member: discord.User | None = None,
        by: discord.User | None = None,
    ) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            found = await self._bot.services.quotas.log(
                actor, about=str(member.id) if member else None, by=str(by.id) if by else None, page=page - 1
            )
            words = log_lines(found.entries, locale) or say(locale, "log-none")
            footer = say(locale, "jobs-page-more" if found.more else "jobs-page", page=page, next=page + 1)
            return {"embed": card(Look.PLAIN, say(locale, "log-title"), words, footer=footer)}

        await answered(interaction, answer)

    @app_commands.command(name="export", description=text("command-quota-export"))
    @described("days")
    async def export(self, interaction: discord.Interaction, days: app_commands.Range[int, 1, 366] = 31) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            made = await self._bot.services.quotas.export(actor, days)
            words = say(locale, "quota-exported-cut" if made.cut else "quota-exported", rows=made.rows, days=days)
            return {"content": words, "attachments": [discord.File(io.BytesIO(made.table), "quota.csv")]}

        await answered(interaction, answer)

    @explain.autocomplete("engine")
    async def engines(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        names = self._bot.services.jobs.choice.engines
        locale = str(interaction.locale)
        return [app_commands.Choice(name=say(locale, f"engine-{n}"), value=n) for n in names if typed.lower() in n]

    async def _set_rule(
        self, interaction: discord.Interaction, kind: Kind, subject: str, rule: str, units: int
    ) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            effect = None if rule == _NO_RULE else Effect(rule)
            await self._bot.services.quotas.set_rule(actor, kind, subject, effect, units)
            return {"content": say(locale, "quota-set")}

        await answered(interaction, answer)

    async def _ask(self, interaction: discord.Interaction, step: Mapping[str, Any]) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            name = await self._bot.services.quotas.prepare(actor, step)
            return {"content": question(step, locale), "view": controls(YesButton(name, locale))}

        await answered(interaction, answer)


class YesButton(IdButton, word="quota", label="button-yes", look=discord.ButtonStyle.danger):
    """Does the step that its moderator was asked about."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            step = await bot_of(interaction).services.quotas.confirm(actor, self.about)
            return {"content": confirmed(step, locale)}

        await answered(interaction, answer)


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Quota(bot))
    bot.add_dynamic_items(YesButton)
