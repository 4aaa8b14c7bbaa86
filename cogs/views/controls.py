"""What buttons and forms are made of: a name of a word and an id, so that they outlive restarts and updates."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Self

import discord

from bot.client import TwodeckBot
from bot.errors import Refused
from bot.texts import say
from cogs.errors import explain
from cogs.people import bot_of
from cogs.views.answers import refuse

ID = "[0-9a-z]{12}"
Typed = dict[str, str | None]
"""What was typed into a form or chosen there, by the names of its fields; None where nothing was."""
Sent = Callable[[discord.Interaction[Any], str, Typed], Awaitable[None]]
"""What is done with a form that was sent: it is given what stands after the word, and the fields."""


class Admitted:
    """What stands before `DynamicItem` in every control: the intake lets it in, or it says that we are busy."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "callback" in vars(cls):
            cls.callback = _explained(cls.callback)

    async def interaction_check(self, interaction: discord.Interaction[Any]) -> bool:
        return await admitted(interaction)

    async def callback(self, interaction: discord.Interaction[Any]) -> Any:
        """What is done when the control is used; who used it is told of what goes wrong with that."""
        raise NotImplementedError


def _explained(used: Callable[[Any, discord.Interaction[Any]], Awaitable[None]]) -> Any:
    """The same, but what goes wrong is told to who used the control."""

    @functools.wraps(used)
    async def callback(self: Any, interaction: discord.Interaction[Any]) -> None:
        try:
            await used(self, interaction)
        except Exception as error:  # noqa: BLE001 - the edge of what people do; it is logged and told
            await explain(bot_of(interaction), interaction, error)

    return callback


async def admitted(interaction: discord.Interaction[Any]) -> bool:
    """Whether the use of a control or form was let in; if not, that was said."""
    bot = bot_of(interaction)
    try:
        bot.admit(interaction)
    except Refused as refused:
        async with bot.turning_away:
            await refuse(interaction, refused.refusal)
        return False
    return True


class IdButton(Admitted, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"(?!)"):
    """A button named `WORD:ID`. A kind says its word, its label and its look, and does the rest in `callback`.

    The label is of the locale that it is sent in; what was sent keeps it.
    """

    word: ClassVar[str]
    label: ClassVar[str]
    look: ClassVar[discord.ButtonStyle]

    def __init_subclass__(
        cls,
        *,
        word: str,
        label: str,
        look: discord.ButtonStyle = discord.ButtonStyle.secondary,
        ids: str = ID,
    ) -> None:
        """`ids` is the pattern of what stands after the word."""
        super().__init_subclass__(template=f"{word}:(?P<id>{ids})")
        cls.word, cls.label, cls.look = word, label, look

    def __init__(
        self, id: str, locale: str = "en", *, label: str = "", row: int | None = None, disabled: bool = False
    ) -> None:
        """`label` is the message id of another label than that of the kind."""
        self.about = id
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=say(locale, label or self.label),
            custom_id=f"{self.word}:{id}",
            style=self.look,
            disabled=disabled,
        )
        super().__init__(button, row=row)

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(match["id"])


def controls(*items: discord.ui.Item[Any]) -> discord.ui.View:
    """These buttons and selects; the client dispatches by name, so the view itself waits for nothing."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def hear(bot: TwodeckBot, word: str, sent: Sent) -> None:
    """Hand forms that are called `WORD:...` to `sent`: known by their name and not by our memory."""

    async def on_interaction(interaction: discord.Interaction[Any]) -> None:
        data: Mapping[str, Any] = interaction.data or {}
        name = str(data.get("custom_id", ""))
        mine = interaction.type is discord.InteractionType.modal_submit and name.startswith(f"{word}:")
        if mine and await admitted(interaction):
            try:
                await sent(interaction, name.removeprefix(f"{word}:"), _typed(data))
            except Exception as error:  # noqa: BLE001 - the edge of what people do; it is logged and told
                await explain(bot, interaction, error)

    bot.add_listener(on_interaction)


def _typed(data: Mapping[str, Any]) -> Typed:
    rows: list[Mapping[str, Any]] = data.get("components") or []
    inner = [row.get("component") for row in rows]
    return {one["custom_id"]: _value(one) for one in inner if one}


def _value(field: Mapping[str, Any]) -> str | None:
    """The text of a box, or the one choice of a select."""
    chosen = field.get("values") or [field.get("value")]
    return str(chosen[0] or "").strip() or None
