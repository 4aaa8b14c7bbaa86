"""What a member may type into a command: the client of the stand-in refuses what Discord's does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.errors import MemberError
from bot.playground.files import Upload
from bot.playground.options import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
    Options,
    find_command,
    wrap,
)
from tests.playground import Playground

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEAF = {"type": SUBCOMMAND, "name": "set"}
COMMANDS: list[dict[str, Any]] = [
    {"name": "mashup", "options": [{"type": STRING, "name": "title"}]},
    {"name": "quota", "options": [LEAF, {"type": GROUP, "name": "log", "options": [LEAF]}]},
    {"name": "settings", "type": 3},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        yield playground


def taken(play: Playground, value: Any, kind: int, **spec: Any) -> Any:
    """The value that an option of this kind makes of what was typed."""
    standin, world = play.standin, play.world
    options = Options(world, standin.files, standin.faults, world.person("mika"), world.channel("mashups").id)
    given = options.take([{"name": "it", "type": kind, **spec}], {"it": value})
    return given[0]["value"] if given else None


@pytest.mark.parametrize(
    ("kind", "spec", "typed", "value"),
    [
        (STRING, {}, 7, "7"),
        (STRING, {"max_length": 3}, "abc", "abc"),
        (STRING, {"choices": [{"value": "auto"}]}, "auto", "auto"),
        (STRING, {"choices": [{"value": "auto"}], "autocomplete": True}, "own", "own"),
        (INTEGER, {"min_value": 1, "max_value": 3}, "3", 3),
        (NUMBER, {"max_value": 1}, "0.5", 0.5),
        (BOOLEAN, {}, "True", True),
        (BOOLEAN, {}, False, False),
        (STRING, {}, "", None),
    ],
)
async def test_what_is_in_order_is_shaped(play: Playground, kind: int, spec: Any, typed: Any, value: Any) -> None:
    assert taken(play, typed, kind, **spec) == value


@pytest.mark.parametrize(
    ("kind", "spec", "typed", "said"),
    [
        (STRING, {"required": True}, "", "it"),
        (STRING, {"max_length": 3}, "abcd", "0 to 3 characters"),
        (STRING, {"min_length": 3}, "ab", "3 to 6000 characters"),
        (STRING, {"choices": [{"value": "auto"}]}, "own", "choose one of the listed values"),
        (INTEGER, {}, "0.5", "type a whole number"),
        (NUMBER, {}, "half", "type a number"),
        (INTEGER, {"min_value": 1, "max_value": 3}, "4", "at least 1 and at most 3"),
        (NUMBER, {"min_value": 0}, "-0.1", "at least 0."),
        (USER, {}, "12", "nobody here has that id"),
        (CHANNEL, {}, "12", "choose a channel of the list"),
        (ROLE, {}, "12", "choose a role of the list"),
        (MENTIONABLE, {}, "12", "nobody here has that id"),
        (ATTACHMENT, {}, "a.mp3", "choose a file"),
    ],
)
async def test_what_is_not_is_refused_where_it_was_typed(
    play: Playground, kind: int, spec: Any, typed: Any, said: str
) -> None:
    with pytest.raises(MemberError, match=said) as refused:
        taken(play, typed, kind, **spec)
    assert refused.value.field == "it"


async def test_people_roles_and_channels_are_looked_up(play: Playground) -> None:
    world = play.world
    mika, lounge = str(world.person("mika").id), str(world.channel("lounge").id)
    role = str(next(iter(world.guild.roles)))
    assert [taken(play, mika, kind) for kind in (USER, MENTIONABLE)] == [mika, mika]
    assert [taken(play, role, kind) for kind in (ROLE, MENTIONABLE)] == [role, role]
    assert taken(play, lounge, CHANNEL, channel_types=[0, 5]) == lounge
    with pytest.raises(MemberError, match="choose a channel"):
        taken(play, lounge, CHANNEL, channel_types=[2])


async def test_a_file_may_be_as_large_as_discord_lets_it(play: Playground) -> None:
    most = play.world.upload_limit(play.world.channel("mashups").id)
    assert taken(play, Upload("it", "a.mp3", bytes(most)), ATTACHMENT)
    with pytest.raises(MemberError, match=r"a\.mp3 is larger than the \d+ MiB"):
        taken(play, Upload("it", "a.mp3", bytes(most + 1)), ATTACHMENT)


async def test_a_command_is_found_by_the_words_of_its_path() -> None:
    command, specs, way = find_command(COMMANDS, "quota log set")
    assert (command["name"], specs, [step["name"] for step in way]) == ("quota", [], ["log", "set"])
    (group,) = wrap(way, [{"name": "limit", "value": 3}])
    assert group["options"][0]["options"] == [{"name": "limit", "value": 3}]
    assert find_command(COMMANDS, "/mashup")[2] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("remix", "no command /remix"),
        ("settings", "no command /settings"),
        ("quota clear", "no command /quota clear"),
        ("quota", "/quota needs one of: set, log"),
        ("quota log", "/quota log needs one of: set"),
    ],
)
async def test_a_path_that_leads_nowhere_is_refused(path: str, said: str) -> None:
    with pytest.raises(MemberError, match=said):
        find_command(COMMANDS, path)
