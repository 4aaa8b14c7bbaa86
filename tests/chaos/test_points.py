"""The list of failpoints: as long as the product, and as named when it runs; nothing happens outside of one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.failpoints import commit_name
from tests.chaos import points


def test_no_effect_stands_outside_of_a_failpoint() -> None:
    assert [str(bare) for bare in points.bare_effects()] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("bot.new", "await session.post(url)"),
        ("bot.new", "async with self._open().request('GET', url) as answer: pass"),
        ("bot.new", "path.replace(target)"),
        ("bot.new", "os.replace(path, target)"),
        ("bot.new", "shutil.move(path, target)"),
        ("bot.new", "path.rename(target)"),
        ("cogs.new", "await channel.send('hello')"),
        ("cogs.new", "await message.edit(content='')"),
        ("cogs.new", "await message.delete()"),
        ("cogs.new", "words = await attachment.read()"),
        ("cogs.new", "async for message in channel.history(limit=1): pass"),
        ("cogs.new", "[message async for message in channel.history(limit=1)]"),
        ("cogs.new", "await interaction.response.send_message('hello')"),
        ("cogs.new", "await interaction.edit_original_response(content='')"),
        ("cogs.new", "await interaction.followup.send('hello')"),
        ("cogs.new", "await guild.fetch_member(1)"),
        ("bot.client", "await self.tree.sync()"),
    ],
)
def test_an_effect_without_a_failpoint_is_found(module: str, line: str) -> None:
    bare = f"async def act():\n    with other('x'):\n        {line}\n"
    assert len(list(points.bare_in(bare, module))) == 1
    armed = f"async def act():\n    with around('x'):\n        {line}\n"
    assert list(points.bare_in(armed, module)) == []


def test_a_failpoint_around_the_definition_is_none_around_the_call() -> None:
    source = "with around('x'):\n    async def act():\n        await channel.send('hello')\n"
    assert len(list(points.bare_in(source, "cogs.new"))) == 1


@pytest.mark.parametrize(
    "line",
    ["text.replace('a', 'b')", "replace(post, nonce='x')", "values.get('x')", "await service.edit(actor, contest)"],
)
def test_what_touches_nothing_outside_needs_none(line: str) -> None:
    assert list(points.bare_in(f"async def act():\n    {line}\n", "cogs.new")) == []


SOURCE = """
from bot.jobs.store import open_jobs
from bot.jobs import store

class Part:
    async def step(self):
        def unit(tx): ...
        await self.db.work(unit)
        await self.db.work(lambda tx: 1)
        await self.db.work(open_jobs)
        await self.db.work(store.open_jobs)
        await self.db.work(self.own)
        await self.db.work(top)
        [await self.db.work(lambda tx: x) for x in ()]

    def own(self, tx): ...

def top(tx): ...
"""


def test_units_are_named_as_when_the_program_runs() -> None:
    assert set(points.points_in(SOURCE, "part")) == {
        "commit part.Part.step.<locals>.unit",
        "commit part.Part.step",
        "commit bot.jobs.store.open_jobs",
        "commit part.Part.own",
        "commit part.top",
        "commit part.Part.step.<locals>.<listcomp>",
    }
    space: dict[str, Any] = {"__name__": "part"}
    exec(SOURCE, space)
    assert commit_name(space["top"]) == "commit part.top"
    assert commit_name(space["Part"].own) == "commit part.Part.own"


@pytest.mark.parametrize(
    "line", ["db.work(partial(unit, 1))", "db.work(units[0])", "around(name)", "around(f'x {y}')"]
)
def test_a_name_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"part:2"):
        list(points.points_in(f"async def act():\n    {line}\n", "part"))
