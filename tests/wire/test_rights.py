"""Who may do what: every registered command by every kind of person, every button with ids that are not good."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio
from discord import app_commands

from bot import app
from bot.client import TwodeckBot
from bot.contests.contest import Draft
from bot.contests.store import drafted, insert
from bot.database import Tx
from bot.decks.deck import Decks, Loaded
from bot.decks.store import put
from bot.files.store import Stored
from bot.guilds.moderation import Actor
from bot.jobs import store
from bot.jobs.job import Ask, Source
from bot.jobs.retention import DAY_MS as DAY
from bot.playground import payloads
from bot.playground.members import _command_data
from bot.playground.options import find_command, wrap
from bot.playground.permissions import NOTHING
from bot.playground.world import Interaction, Member, Message, Role, User
from cogs import help as help_cog
from tests.playground import ROOMY, Act, Playground, find_control, shown_text
from tests.wire.test_bot import aim

pytestmark = pytest.mark.asyncio(loop_scope="module")
JOB = "mikasfailed0"
CONTEST, VOTED, CLOSED = "contestopen0", "contestvote0", "contestover0"
"""One that takes entries, one that is voted on, one that is over; none has an entry."""
ROOM = "mashups"

EVERYBODY = frozenset({"mika", "noor", "sam", "kim", "ola"})
"""A member, a second one, a moderator by permission, one by role, the operator, who has no rights on the server."""
MODERATORS = frozenset({"sam", "kim"})
OWNER_AND_MODERATORS = MODERATORS | {"mika"}
OPERATORS = frozenset({"ola"})
_REFUSED = ("Only moderators can do that", "Only those who run this bot", "is not yours", "Only the organiser")
_FILE = ("empty.mp3", b"")

ROWS: Mapping[str, tuple[frozenset[str], dict[str, Any]]] = {
    "mashup": (EVERYBODY, {"track_a": _FILE, "track_b": _FILE}),
    "compat": (EVERYBODY, {"track_a": _FILE, "track_b": _FILE}),
    "Use in a mashup": (EVERYBODY, {}),
    "decks": (EVERYBODY, {}),
    "mash": (EVERYBODY, {}),
    "cover": (EVERYBODY, {"track": _FILE}),
    "instrumental": (EVERYBODY, {"track": _FILE, "title": "t", "tags": "t", "negative_tags": "t"}),
    "vocals": (EVERYBODY, {"track": _FILE, "prompt": "la", "title": "t", "style": "t", "negative_tags": "t"}),
    "jobs list": (EVERYBODY, {}),
    "jobs dm": (EVERYBODY, {"results": "off"}),
    "jobs get": (OWNER_AND_MODERATORS, {"job": JOB}),
    "jobs cancel": (OWNER_AND_MODERATORS, {"job": JOB}),
    "jobs delete": (OWNER_AND_MODERATORS, {"job": JOB, "reason": "because"}),
    "persona create": (frozenset({"mika"}), {"job": JOB, "name": "n", "description": "d"}),
    "persona list": (EVERYBODY, {}),
    "engines list": (EVERYBODY, {}),
    "engines off": (OPERATORS, {"engine": "kie", "why": "because"}),
    "engines on": (OPERATORS, {"engine": "kie"}),
    "quota status": (EVERYBODY, {}),
    "quota set guild": (MODERATORS, {"cooldown": 0}),
    "quota set role": (MODERATORS, {"role": "steward", "rule": "none"}),
    "quota set member": (MODERATORS, {"member": "noor", "rule": "none"}),
    "quota grant": (MODERATORS, {"member": "noor", "units": 1, "reason": "because"}),
    "quota reset": (MODERATORS, {"member": "noor"}),
    "quota block": (MODERATORS, {"member": "noor", "reason": "because"}),
    "quota unblock": (MODERATORS, {"member": "noor"}),
    "quota pause": (MODERATORS, {}),
    "quota resume": (MODERATORS, {}),
    "quota show": (MODERATORS, {}),
    "quota explain": (MODERATORS, {"member": "noor"}),
    "quota log": (MODERATORS, {}),
    "quota export": (MODERATORS, {}),
    "settings": (MODERATORS, {}),
    "help": (EVERYBODY, {}),
    "about": (EVERYBODY, {}),
    "privacy show": (EVERYBODY, {}),
    "privacy forget": (EVERYBODY, {}),
    "contest create": (MODERATORS, {"title": "t", "theme": "t", "deadline": "3d", "voting_ends": "5d"}),
    "contest edit": (MODERATORS, {"contest": CONTEST, "theme": "t"}),
    "contest open": (MODERATORS, {"contest": VOTED}),
    "contest close": (MODERATORS, {"contest": CLOSED}),
    "contest cancel": (MODERATORS, {"contest": CONTEST, "reason": "because"}),
    "contest pause": (MODERATORS, {"contest": CONTEST, "halt": "off"}),
    "contest list": (EVERYBODY, {}),
    "contest info": (EVERYBODY, {"contest": CONTEST}),
    "contest mashup": (EVERYBODY, {"contest": CONTEST}),
    "contest enter": (frozenset({"mika"}), {"contest": CONTEST, "job": JOB}),
    "contest withdraw": (EVERYBODY, {"contest": CONTEST, "entry": "1"}),
    "contest replace": (EVERYBODY, {"contest": CONTEST, "entry": "1", "job": JOB}),
    "contest vote": (EVERYBODY, {"contest": VOTED}),
    "contest results": (EVERYBODY, {"contest": CLOSED}),
    "contest tie": (MODERATORS, {"contest": CLOSED, "order": "1, 2", "reason": "because"}),
    "contest disqualify": (MODERATORS, {"contest": CONTEST, "entry": "1", "reason": "because"}),
    "contest unmask": (MODERATORS, {"contest": CONTEST, "entry": "1", "reason": "because"}),
    "contest export": (EVERYBODY, {"contest": CLOSED}),
}
"""Who may, and options with which the command gets as far as the question."""
ALSO_DIRECT = frozenset(
    {
        "help",
        "about",
        "jobs list",
        "jobs get",
        "jobs cancel",
        "jobs delete",
        "jobs dm",
        "privacy show",
        "privacy forget",
    }
)
"""What is about oneself, wherever it was asked."""
MENUS = frozenset({"Use in a mashup"})
"""Commands of a message's menu."""
OF_RESULTS = frozenset({"again", "change", "swap", "share", "delete", "details"})
BUTTONS = OF_RESULTS | {"cancel", "compare", "deck", "quota", "privacy", "settings", "contest", "ballot", "entry"}
"""`settings:` is tried with forged and old controls in tests/story/test_server_settings.py."""


class House:
    """One bot in this process, and its people."""

    def __init__(self, play: Playground, bot: TwodeckBot, roles: dict[str, Role]) -> None:
        self.play, self.bot, self.roles = play, bot, roles

    async def give(self, who: str, command: str, options: dict[str, Any]) -> Message:
        """The answer to a command; a form that it opens is sent with two empty files."""
        if command in MENUS:
            return await self._answer(await self.play.context(who, ROOM, command, self._target()))
        act = await self.play.slash(who, ROOM, command, **self._named(options))
        if (await act.answered()).modal is not None:
            act = await self.play.submit(who, act, {"tracks": [_FILE, _FILE]})
        return await self._answer(act)

    def _target(self) -> Message:
        """A message without audio."""
        return self.play.say("sam", ROOM, "Hello")

    async def click(self, who: str, message: Message, custom_id: str | None = None) -> str:
        """Press the one button of a message, maybe with another id; it is made visible to whoever presses."""
        button = next(one for row in message.components for one in row["components"])
        before, button["custom_id"] = button["custom_id"], custom_id or button["custom_id"]
        message.visible_to, shown = self.play.world.person(who).id, shown_text(message)
        try:
            act = await self.play.click(who, message, button["custom_id"])
            return shown_text(await self._answer(act, shown))
        finally:
            button["custom_id"] = before

    async def direct(self, who: str, command: str, options: dict[str, Any]) -> str:
        """The same command, as it would come from direct messages if a client offered it there."""
        world, members = self.play.world, self.play.standin.members
        person = world.person(who)
        if command in MENUS:
            return await self._sent(person, self._aimed(command))
        found, specs, way = find_command(world.commands, command)
        given = members._options(person, world.channel(ROOM).id)
        values = {name: self.play._value(name, value) for name, value in self._named(options).items()}
        data = _command_data(found, wrap(way, given.take(specs, values)), given.resolved)
        for gone in ("members", "roles"):
            data.get("resolved", {}).pop(gone, None)
        return await self._sent(person, data)

    def _aimed(self, command: str) -> dict[str, Any]:
        """A command of a message's menu, as it is sent."""
        target, standin = self._target(), self.play.standin
        found = next(one for one in self.play.world.commands if one["name"] == command)
        shape = payloads.message(self.play.world, standin.files, target)
        aim: dict[str, Any] = {"target_id": str(target.id), "resolved": {"messages": {str(target.id): shape}}}
        return {"id": found["id"], "name": command, "type": found["type"], **aim}

    async def _sent(self, person: User, data: dict[str, Any]) -> str:
        """What is answered to a command in direct messages."""
        interaction = self._interaction(person, data)
        self.play.standin.gateway.dispatch("INTERACTION_CREATE", self._event(interaction, person))
        return shown_text(await self._answer(Act(self.play, interaction)))

    def _interaction(self, person: User, data: dict[str, Any]) -> Interaction:
        world = self.play.world
        channel, now = world.open_direct(person), world.clock
        token = secrets.token_urlsafe(60)
        made = Interaction(
            world.new_id(), token, 2, person.id, channel.id, data, data["name"], now.now(), now.monotonic()
        )
        world.interactions[token] = made
        return made

    def _event(self, interaction: Interaction, person: User) -> dict[str, Any]:
        world = self.play.world
        return {
            "id": str(interaction.id),
            "application_id": str(world.application_id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(interaction.channel_id),
            "channel": payloads.channel(world, world.directs[interaction.channel_id]),
            "user": payloads.user(person),
            "app_permissions": "0",
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(world.guild.id)},
            "context": 1,
            "attachment_size_limit": 10 << 20,
        }

    def _named(self, options: dict[str, Any]) -> dict[str, Any]:
        people = {"member": self.play.world.person, "role": self.roles.__getitem__}
        return {name: people[name](value) if name in people else value for name, value in options.items()}

    async def _answer(self, act: Act, before: str = "") -> Message:
        """The answer, which may take the place of what the message said `before`."""

        def said() -> Message | None:
            message = act.original
            return message if message is not None and shown_text(message) not in ("", before) else None

        return await self.play.wait_for(said, 20)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        async with Playground() as play:
            roles = _settle_in(play)
            ola = play.world.person("ola")
            for name, value in {**ROOMY, "TWODECK_OPERATORS": str(ola.id)}.items():
                patch.setenv(name, value)
            bot = app.create_bot(aim(patch, play, tmp_path_factory.mktemp("rights")))
            await play.connect(bot)
            guild, steward = str(play.world.guild.id), str(roles["steward"].id)
            await bot.services.guilds.change(Actor(guild, "0", frozenset(), manages=True), moderator_role=steward)
            await bot.services.db.work(lambda tx: _failed_job(tx, play))
            await bot.services.db.work(lambda tx: _contests(tx, play))
            yield House(play, bot, roles)


def _settle_in(play: Playground) -> dict[str, Role]:
    """Two more people, and a role without any permission, which the server names for its moderators."""
    world = play.world
    steward = Role(world.new_id(), "Stewards", NOTHING, 1)
    world.guild.roles[steward.id] = steward
    for name, held in (("kim", [steward.id]), ("ola", [])):
        user = User(world.new_id(), name, name.title())
        world.guild.members[user.id] = Member(user, list(held), world.clock.now())
    return {"steward": steward}


def _failed_job(tx: Tx, play: Playground) -> None:
    """A job of mika's that is over."""
    world = play.world
    sources = (Source("a", "", "a.mp3", 1), Source("b", "", "b.mp3", 1))
    place = str(world.guild.id), str(world.channel(ROOM).id), str(world.mika.id)
    ask = Ask(
        "i", *place, "en-US", "local", "mashup", {"title": "t", "unused": [], "mode": "simple"}, 1, 1, sources
    )
    store.insert(tx, JOB, ask, now=0, deadline=0)
    tx.run("UPDATE jobs SET state = 'failed' WHERE id = ?", (JOB,))


def _contests(tx: Tx, play: Playground) -> None:
    """Of sam's, who moderates."""
    guild, room, sam = (str(one.id) for one in (play.world.guild, play.world.channel(ROOM), play.world.sam))
    now = int(play.world.clock.now() * 1000)
    draft = Draft("t", room, now + DAY, now + 2 * DAY)
    for name, phase in ((CONTEST, "open"), (VOTED, "voting"), (CLOSED, "closed")):
        made = drafted(
            draft,
            id=name,
            guild=guild,
            organiser=sam,
            locale="en",
            max_bytes=1,
            salt="s",
            wake_at=1 << 53,
            sources=(),
        )
        insert(tx, made, name, now)
        tx.run("UPDATE contests SET phase = ?, ended_at = ? WHERE id = ?", (phase, now, name))


def leaves(commands: Any, way: str = "") -> set[str]:
    """Every command that can be given."""
    found: set[str] = set()
    for command in commands:
        name = f"{way}{command.name}"
        found |= leaves(command.commands, f"{name} ") if isinstance(command, app_commands.Group) else {name}
    return found


async def test_every_registered_command_has_its_row(house: House) -> None:
    assert leaves(house.bot.tree.get_commands()) == set(ROWS)


async def test_help_knows_who_may_do_what() -> None:
    assert {name for name, (who, _) in ROWS.items() if who == MODERATORS} == help_cog.MODERATORS
    assert {name for name, (who, _) in ROWS.items() if who == OPERATORS} == help_cog.OPERATORS


async def test_every_kind_of_button_has_its_test(house: House) -> None:
    patterns = house.bot._connection._view_store._dynamic_items
    assert {pattern.pattern.partition(":")[0] for pattern in patterns} == BUTTONS


@pytest.mark.parametrize("who", sorted(EVERYBODY))
@pytest.mark.parametrize("command", ROWS)
async def test_a_command_takes_those_who_may(house: House, command: str, who: str) -> None:
    allowed, options = ROWS[command]
    text = shown_text(await house.give(who, command, options))
    assert any(words in text for words in _REFUSED) is (who not in allowed), text
    assert "should not have" not in text


@pytest.mark.parametrize("command", ROWS)
async def test_no_command_of_a_server_acts_in_direct_messages(house: House, command: str) -> None:
    text = await house.direct("sam", command, ROWS[command][1])
    assert ("works in a server's channel only" in text) is (command not in ALSO_DIRECT), text
    assert "should not have" not in text


async def test_without_its_check_a_command_is_open_to_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: what the matrix above would see."""
    monkeypatch.setattr("bot.quotas.service.must_moderate", mock.Mock())
    assert "What moderators changed" in shown_text(await house.give("mika", "quota log", {}))


# Buttons.


async def question(house: House) -> Message:
    return await house.give("sam", "quota reset", {})


async def resets(house: House) -> int:
    rows = await house.bot.services.db.work(lambda tx: tx.all("SELECT 1 FROM audit WHERE action = 'reset'"))
    return len(rows)


async def test_a_confirmation_is_for_the_moderator_who_was_asked_and_for_once(house: House) -> None:
    before, asked = await resets(house), await question(house)
    for who in ("mika", "noor", "ola"):
        assert "Only moderators can do that" in await house.click(who, asked)
    assert "That question is over" in await house.click("kim", asked)
    assert await resets(house) == before
    assert "Forgotten" in await house.click("sam", asked)
    assert "That question is over" in await house.click("sam", asked)
    assert await resets(house) == before + 1


async def test_an_invented_confirmation_does_nothing(house: House) -> None:
    before, asked = await resets(house), await question(house)
    assert "That question is over" in await house.click("sam", asked, "quota:000000000000")
    assert await resets(house) == before


async def test_a_confirmation_of_another_server_does_nothing(house: House) -> None:
    asked = await question(house)
    await house.bot.services.db.work(lambda tx: tx.run("UPDATE confirmations SET guild = '1'"))
    assert "That question is over" in await house.click("sam", asked)


async def test_an_old_confirmation_does_nothing(house: House) -> None:
    before, asked = await resets(house), await question(house)
    await house.bot.services.db.work(lambda tx: tx.run("UPDATE confirmations SET expires_at = 0"))
    assert "That question is over" in await house.click("sam", asked)
    assert await resets(house) == before


async def test_rights_are_looked_up_again_when_the_button_is_pressed(house: House) -> None:
    before, asked = await resets(house), await house.give("kim", "quota reset", {})
    kim = house.play.world.guild.members[house.play.world.person("kim").id]
    held, kim.role_ids = kim.role_ids, []
    try:
        assert "Only moderators can do that" in await house.click("kim", asked)
    finally:
        kim.role_ids = held
    assert await resets(house) == before


@pytest.mark.parametrize("who", sorted(EVERYBODY))
async def test_the_cancel_button_takes_the_requester_and_moderators(house: House, who: str) -> None:
    card = await question(house)
    text = await house.click(who, card, f"cancel:{JOB}")
    assert ("is not yours" in text) is (who not in OWNER_AND_MODERATORS), text
    assert "There is no job" in await house.click(who, card, "cancel:000000000000")


@pytest.mark.parametrize("who", sorted(EVERYBODY))
@pytest.mark.parametrize("word", ["again", "change", "swap", "share"])
async def test_what_makes_something_of_a_job_takes_its_requester_alone(house: House, word: str, who: str) -> None:
    card = await question(house)
    text = await house.click(who, card, f"{word}:{JOB}")
    assert ("Only who asked for job" in text) is (who != "mika"), text
    assert "There is no job" in await house.click(who, card, f"{word}:000000000000")


@pytest.mark.parametrize("who", sorted(EVERYBODY))
@pytest.mark.parametrize("word", ["delete", "delete:yes"])
async def test_deleting_takes_the_requester_and_moderators(house: House, word: str, who: str) -> None:
    card = await question(house)
    text = await house.click(who, card, f"{word}:{JOB}")
    assert ("is not yours" in text) is (who not in OWNER_AND_MODERATORS), text
    assert "There is no job" in await house.click(who, await question(house), f"{word}:000000000000")


@pytest.mark.parametrize("who", sorted(EVERYBODY))
async def test_details_of_what_has_no_result_are_told_to_nobody(house: House, who: str) -> None:
    card = await question(house)
    assert "has no result" in await house.click(who, card, f"details:{JOB}")
    assert "There is no job" in await house.click(who, card, "details:000000000000")


@pytest.mark.parametrize("who", sorted(EVERYBODY))
async def test_the_compare_button_takes_the_requester_alone(house: House, who: str) -> None:
    card = await question(house)
    text = await house.click(who, card, f"compare:{JOB}")
    assert ("Only who asked for job" in text) is (who != "mika"), text
    assert "There is no job" in await house.click(who, card, "compare:000000000000")


async def test_a_contest_is_saved_by_whoever_was_asked_and_once(house: House) -> None:
    async def named() -> int:
        found = await house.bot.services.contests.listed(str(house.play.world.guild.id))
        return sum(contest.title == "Once" for contest in found)

    options = {"title": "Once", "theme": "t", "deadline": "3d", "voting_ends": "5d"}
    asked = await house.give("sam", "contest create", options)
    for who in ("mika", "kim", "ola"):
        assert "That question is over" in await house.click(who, asked)
    assert await named() == 0
    assert "Saved" in await house.click("sam", asked)
    assert "That question is over" in await house.click("sam", asked)
    assert "That question is over" in await house.click("sam", asked, "contest:yes:000000000000")
    assert await named() == 1


async def test_a_contest_is_not_saved_by_somebody_who_moderates_no_more(house: House) -> None:
    asked = await house.give("kim", "contest cancel", {"contest": CONTEST, "reason": "because"})
    kim = house.play.world.guild.members[house.play.world.person("kim").id]
    held, kim.role_ids = kim.role_ids, []
    try:
        assert "Only the organiser" in await house.click("kim", asked)
    finally:
        kim.role_ids = held
    guild = str(house.play.world.guild.id)
    assert (await house.bot.services.contests.named(guild, CONTEST)).phase == "open"


@pytest.mark.parametrize(
    ("custom_id", "words"),
    [
        ("contest:vote:000000000000", "There is no contest"),
        (f"contest:vote:{CONTEST}", "not possible now"),
        (f"entry:offer:{JOB}", "is not yours"),
        ("entry:offer:000000000000", "There is no job"),
        ("entry:put:000000000000", "from an old card"),
        (f"ballot:set:{CONTEST}:0", "not possible now"),
        (f"ballot:page:{VOTED}:999", "Your ballot"),
    ],
)
async def test_invented_buttons_of_contests_do_nothing(house: House, custom_id: str, words: str) -> None:
    text = await house.click("noor", await question(house), custom_id)
    assert words in text, text


async def test_the_buttons_of_decks_are_for_whoever_presses(house: House) -> None:
    guild, mika = str(house.play.world.guild.id), str(house.play.world.mika.id)
    kept = Decks(Loaded("a", "a" * 64, 1, 1.0, "1", "1"), Loaded("b", "b" * 64, 1, 1.0, "1", "1"), 1 << 53)
    files = [Stored(track.hash, 1, "mp3") for track in kept.loaded.values()]
    await house.bot.services.db.work(lambda tx: put(tx, guild, mika, kept, fresh=files, now=0))
    for custom_id in ("deck:swap", "deck:clear", "deck:start"):
        card = await house.give("mika", "decks", {})
        button = next(one for row in card.components for one in row["components"])
        button["custom_id"], card.visible_to = custom_id, house.play.world.person("noor").id
        act = await house.play.click("noor", card, custom_id)
        await act.says("Empty: A and B.")
    assert await house.bot.services.decks.held(guild, mika) == kept


async def test_being_forgotten_is_for_whoever_presses(house: House) -> None:
    kept, asked = [await house.give("noor", "privacy forget", {}) for _ in range(2)]
    assert "Nothing was changed" in await house.click("sam", kept, "privacy:keep")
    await house.click("noor", asked, "privacy:forget")
    rows = await house.bot.services.db.work(lambda tx: tx.all("SELECT member FROM jobs"))
    assert [row["member"] for row in rows] == [str(house.play.world.mika.id)]


async def test_a_malformed_id_is_nobodys_button(house: House) -> None:
    """The client finds no handler, so nothing is done and Discord says that it failed."""
    card = await question(house)
    find_control(card, "Yes, do it")["custom_id"] = "quota:1 OR 1=1"
    act = await house.play.click("sam", card, "Yes, do it")
    await act.answered(10)
    assert act.failed
