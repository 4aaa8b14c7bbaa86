"""The card of `/settings` and its controls: one select that says what to change, and whatever changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.guilds.guild import LISTED, RANGES, GuildSettings, Period
from bot.texts import LOCALES, language, listed, say
from cogs.views.controls import controls
from cogs.views.refusals import plain
from cogs.views.style import Look, card

SENT = "settings:sent"
"""What the forms are called, before the page."""
DEFAULT = "default"
"""The choice of nothing of one's own."""
PAGES = (
    "channels",
    "roles",
    "moderator_role",
    "contest_role",
    "engines",
    "models",
    "default_engine",
    "private",
    "log_channel",
    "locale",
    "zone",
    "limits",
)
"""What can be changed, each with its own controls; all but the last are fields of `GuildSettings`."""
FIELDS = (*PAGES[:-1], "period")
"""Fields that a control sets; the numbers of `limits` come from a form."""
LISTS = ("channels", "roles", "engines", "models")
FORMS: Mapping[str, tuple[str, ...]] = {"zone": ("zone",), "limits": tuple(RANGES)}
"""Forms by their page, with the fields they ask for."""
_ROLES = ("roles", "moderator_role", "contest_role")
_MENTIONS = {"channels": "<#{}>", "log_channel": "<#{}>", **dict.fromkeys(_ROLES, "<@&{}>")}
_CHANNELS = [discord.ChannelType.text, discord.ChannelType.news]


@dataclass(frozen=True)
class Offers:
    """What there is to choose from on this bot."""

    engines: tuple[str, ...]
    models: tuple[str, ...]


class Chosen(discord.SelectDefaultValue):
    """A channel or role that is chosen already; discord.py 2.7.1 would write its id as a number."""

    def to_dict(self) -> Any:
        return {"id": str(self.id), "type": self.type.value}


def settings_card(settings: GuildSettings, locale: str) -> discord.Embed:
    """Everything that the guild chose."""
    paused = say(locale, "settings-paused") if settings.paused else ""
    embed = card(Look.ALERT if paused else Look.PLAIN, say(locale, "settings-title"), paused)
    for page in PAGES[:-1]:
        embed.add_field(name=say(locale, f"setting-{page}"), value=_value(page, settings, locale))
    limits = [f"{say(locale, 'setting-period')}: {say(locale, f'choice-period-{settings.period}')}"]
    limits += [f"{say(locale, f'setting-{name}')}: {_value(name, settings, locale)}" for name in RANGES]
    embed.add_field(name=say(locale, "setting-limits"), value="\n".join(limits), inline=False)
    return embed


def settings_controls(page: str, settings: GuildSettings, offers: Offers, locale: str) -> discord.ui.View:
    """The select of pages, then what changes the one that is open."""
    items: list[discord.ui.Item[Any]] = [_pages(page, locale)]
    if page == "limits":
        items.append(_select("period", _choices("period", tuple(Period), (settings.period,), locale), locale))
    if page in FORMS:
        items.append(_button("form", page, locale))
    else:
        items.append(_chooser(page, settings, offers, locale))
    if page in _MENTIONS or page in LISTS:
        items.append(_button("clear", page, locale))
    return controls(*items)


def settings_form(page: str, settings: GuildSettings, locale: str) -> discord.ui.Modal:
    """The form of a page, filled with what holds now. What is sent comes in by its name, also after a restart."""
    form = discord.ui.Modal(title=say(locale, f"setting-{page}"), custom_id=f"{SENT}:{page}", timeout=900)
    for name in FORMS[page]:
        now = getattr(settings, name)
        box = discord.ui.TextInput[Any](
            custom_id=name, default=None if now is None else str(now), required=False, max_length=60
        )
        label, hint = say(locale, f"setting-{name}"), say(locale, f"hint-{name}", **_range(name))
        form.add_item(discord.ui.Label(text=label, description=hint, component=box))
    return form


def _range(name: str) -> dict[str, int]:
    return dict(zip(("least", "most"), RANGES[name], strict=True)) if name in RANGES else {}


def _value(field: str, settings: GuildSettings, locale: str) -> str:
    """What the card says of a field."""
    value: Any = getattr(settings, field)
    if field == "private":
        return say(locale, f"choice-private-{str(value).lower()}")
    if value is None or value == frozenset():
        return say(locale, f"nothing-{field}" if field not in RANGES else "nothing-number")
    if field == "locale":
        return language(str(value), locale)
    if field in ("engines", "default_engine"):
        names = sorted(value) if field == "engines" else [value]
        return listed((say(locale, f"engine-{name}") for name in names), locale)
    if field in _MENTIONS:
        names = sorted(value) if field in LISTS else [value]
        return listed((_MENTIONS[field].format(one) for one in names), locale)
    return listed((plain(one) for one in sorted(value)), locale) if field in LISTS else f"`{value}`"


def _pages(page: str, locale: str) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(label=say(locale, f"setting-{name}"), value=name, default=name == page)
        for name in PAGES
    ]
    return discord.ui.Select(
        custom_id="settings:page", placeholder=say(locale, "settings-what"), options=options, row=0
    )


def _chooser(
    page: str, settings: GuildSettings, offers: Offers, locale: str
) -> discord.ui.Select[Any] | discord.ui.ChannelSelect[Any] | discord.ui.RoleSelect[Any]:
    """What sets one field."""
    value: Any = getattr(settings, page)
    name, label = f"settings:set:{page}", say(locale, f"setting-{page}")
    several = LISTED if page in LISTS else 1
    now = sorted(value) if page in LISTS else [value] if value else []
    if page in ("channels", "log_channel"):
        return discord.ui.ChannelSelect(
            custom_id=name,
            placeholder=label,
            channel_types=_CHANNELS,
            min_values=0,
            max_values=several,
            default_values=[Chosen(id=int(one), type=discord.SelectDefaultValueType.channel) for one in now],
        )
    if page in _ROLES:
        return discord.ui.RoleSelect(
            custom_id=name,
            placeholder=label,
            min_values=0,
            max_values=several,
            default_values=[Chosen(id=int(one), type=discord.SelectDefaultValueType.role) for one in now],
        )
    if page in ("engines", "models"):
        offered = offers.engines if page == "engines" else offers.models
        options = _options((one, _named(page, one, locale)) for one in (*offered, *now) if one)
        for option in options:
            option.default = option.value in now
        return _select(page, options, locale, several=True)
    if page == "default_engine":
        named = [(DEFAULT, say(locale, "nothing-default_engine"))]
        named += [(one, _named(page, one, locale)) for one in offers.engines]
        options = _options(named)
    elif page == "private":
        options, now = _choices("private", ("false", "true"), (), locale), [str(value).lower()]
    else:
        languages = [(one, language(one, locale)) for one in LOCALES]
        options = _options([(DEFAULT, say(locale, "nothing-locale")), *languages])
    for option in options:
        option.default = option.value in (now or [DEFAULT])
    return _select(page, options, locale)


def _named(page: str, value: str, locale: str) -> str:
    return value if page == "models" else say(locale, f"engine-{value}")


def _choices(field: str, values: Iterable[str], now: Iterable[str], locale: str) -> list[discord.SelectOption]:
    chosen = set(now)
    return [
        discord.SelectOption(label=say(locale, f"choice-{field}-{value}"), value=value, default=value in chosen)
        for value in values
    ]


def _options(named: Iterable[tuple[str, str]]) -> list[discord.SelectOption]:
    """Each value once, as many as fit."""
    found = dict(named)
    return [discord.SelectOption(label=label[:100], value=value) for value, label in found.items()][:LISTED]


def _select(
    field: str, options: list[discord.SelectOption], locale: str, *, several: bool = False
) -> discord.ui.Select[Any]:
    if not options:  # Discord takes no empty select
        nothing = discord.SelectOption(label=say(locale, f"nothing-{field}"), value=DEFAULT)
        return discord.ui.Select(custom_id=f"settings:set:{field}", options=[nothing], disabled=True)
    return discord.ui.Select(
        custom_id=f"settings:set:{field}",
        placeholder=say(locale, f"setting-{field}"),
        options=options,
        min_values=0 if several else 1,
        max_values=len(options) if several else 1,
    )


def _button(act: str, page: str, locale: str) -> discord.ui.Button[Any]:
    label = say(locale, f"button-form-{page}" if act == "form" else f"button-clear-{page}")
    style = discord.ButtonStyle.primary if act == "form" else discord.ButtonStyle.secondary
    return discord.ui.Button(label=label, custom_id=f"settings:{act}:{page}", style=style)
