"""Discord's limits on bodies, as the stand-in keeps them: all is well at a limit, and what is over it is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground import checks
from bot.playground.errors import ApiError
from bot.playground.world import COMPONENTS_V2

Body = dict[str, Any]


def text(length: int) -> str:
    return "x" * length


def button(number: int = 0, **changes: Any) -> Body:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": f"b{number}", **changes}


def select(options: int = 1, **changes: Any) -> Body:
    listed = [{"label": f"o{n}", "value": f"v{n}"} for n in range(options)]
    return {"type": 3, "custom_id": "s", "options": listed, **changes}


def rows(*items: Body) -> Body:
    return {"components": [{"type": 1, "components": list(items)}]}


def fields(count: int, value: str = "v") -> Body:
    return {"embeds": [{"fields": [{"name": "n", "value": value}] * count}]}


def layout(*items: Body, **more: Any) -> Body:
    return {"flags": COMPONENTS_V2, "components": list(items), **more}


def form(**changes: Any) -> Body:
    label = {"type": 18, "label": "L", "component": {"type": 4, "custom_id": "t"}}
    return {"title": "T", "custom_id": "m", "components": [label], **changes}


def command(**changes: Any) -> Body:
    return {"name": "mix", "description": "d", **changes}


def option(**changes: Any) -> Body:
    return {"name": "track", "description": "d", "type": 3, **changes}


MESSAGES: list[tuple[Body, Body, str]] = [
    ({"content": text(2000)}, {"content": text(2001)}, "content"),
    ({"content": None}, {"content": 7}, "content"),
    ({"embeds": [{}] * 10}, {"embeds": [{}] * 11}, "embeds"),
    ({"embeds": None}, {"embeds": {}}, "embeds"),
    ({"embeds": [{"title": text(256)}]}, {"embeds": [{"title": text(257)}]}, "embeds.0.title"),
    (fields(25), fields(26), "embeds.0.fields"),
    (fields(1, text(1024)), fields(1, text(1025)), "embeds.0.fields.0.value"),
    (fields(1), fields(1, ""), "embeds.0.fields.0.value"),
    (
        {"embeds": [{"description": text(4000)}, {"footer": {"text": text(2000)}}]},
        {"embeds": [{"description": text(4000)}, {"footer": {"text": text(2001)}}]},
        "embeds",
    ),
    (rows(*map(button, range(5))), rows(*map(button, range(6))), "components.0.components"),
    (rows(select()), rows(select(), button()), "components.0.components"),
    (rows(button()), {"components": [button()]}, "components.0.type"),
    (rows(select(25)), rows(select(26)), "components.0.components.0.options"),
    (rows(select()), rows(select(0)), "components.0.components.0.options"),
    (rows(button(0), button(1)), rows(button(), button()), "components.0.components.1.custom_id"),
    (rows(button(label="", emoji={"name": "x"})), rows(button(label="")), "components.0.components.0.label"),
    (rows(button(style=5, url="https://x.example")), rows(button(style=5)), "components.0.components.0.url"),
    ({"attachments": [{}] * 10}, {"attachments": [{}] * 11}, "attachments"),
    ({"nonce": text(25)}, {"nonce": text(26)}, "nonce"),
    (layout({"type": 10, "content": text(4000)}), layout({"type": 10, "content": text(4001)}), "components"),
    (layout(*[{"type": 14}] * 40), layout({"type": 17, "components": [{"type": 14}] * 40}), "components"),
    (layout(), layout(content="old"), "content"),
    (
        layout({"type": 9, "components": [], "accessory": button()}),
        layout({"type": 9, "components": [], "accessory": button(custom_id="")}),
        "components.1.custom_id",
    ),
]
MODALS: list[tuple[Body, Body, str]] = [
    (form(title=text(45)), form(title=text(46)), "data.title"),
    (form(), form(custom_id=""), "data.custom_id"),
    (form(), form(components=[]), "data.components"),
    (form(components=form()["components"] * 5), form(components=form()["components"] * 6), "data.components"),
    (
        form(),
        form(components=[{"type": 18, "label": text(46), "component": {"custom_id": "t"}}]),
        "data.components.0.label",
    ),
]
CHOICES: list[tuple[Any, Any, str]] = [
    ([{"name": "n", "value": "v"}] * 25, [{"name": "n", "value": "v"}] * 26, "data.choices"),
    ([{"name": text(100), "value": 7}], [{"name": text(101), "value": 7}], "data.choices.0.name"),
    ([{"name": "n", "value": text(100)}], [{"name": "n", "value": text(101)}], "data.choices.0.value"),
]
COMMANDS: list[tuple[Any, Any, str]] = [
    ([command(), {"type": 3, "name": "mix"}], [command(), command()], "1.name"),
    ([command()], [command(name="Mix")], "0.name"),
    ([command()], [command(name="mix it")], "0.name"),
    ([{"type": 3, "name": "Mix it"}], [{"type": 3, "name": text(33)}], "0.name"),
    ([command(options=[option()] * 25)], [command(options=[option()] * 26)], "0.options"),
    (
        [command(options=[option(required=True), option()])],
        [command(options=[option(), option(required=True)])],
        "0.options.1",
    ),
    (
        [command(options=[option(choices=[{"name": text(100), "value": text(100)}] * 25)])],
        [command(options=[option(choices=[{"name": text(100), "value": text(100)}] * 25)] * 2)],
        "0",
    ),
]


def refused(check: Callable[[Any], object], body: Any) -> list[str]:
    """The paths of what is wrong."""
    try:
        check(body)
    except ApiError as error:
        return list(paths(error.body["errors"]))
    return []


def paths(tree: Body, before: str = "") -> list[str]:
    found = [before.removesuffix(".")] if "_errors" in tree else []
    inner = [paths(branch, f"{before}{step}.") for step, branch in tree.items() if step != "_errors"]
    return sum(inner, found)


@pytest.mark.parametrize(
    ("check", "good", "bad", "where"),
    [
        *((checks.message, *case) for case in MESSAGES),
        *((checks.modal, *case) for case in MODALS),
        *((checks.choices, *case) for case in CHOICES),
        *((checks.commands, *case) for case in COMMANDS),
    ],
)
def test_each_limit_is_kept_to_the_letter(check: Callable[[Any], object], good: Any, bad: Any, where: str) -> None:
    assert refused(check, good) == []
    assert refused(check, bad) == [where]


def test_a_message_stays_of_its_kind_when_it_is_edited() -> None:
    checks.message({"content": "old"})
    with pytest.raises(ApiError):
        checks.message({"content": "old"}, flags=COMPONENTS_V2)
