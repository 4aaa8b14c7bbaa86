"""What a guild chooses: checked, kept, and noted with who changed what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from bot.clock import Clock
from bot.database import Database, Tx
from bot.errors import Code, Refusal, Refused
from bot.guilds.guild import GuildSettings, Period, changed, zone_named
from bot.guilds.moderation import Actor
from bot.guilds.service import GuildService, change_in
from bot.guilds.store import keep_settings, settings_of

CHANNEL, ROLE = "123456789012345678", "223456789012345678"
EVERYTHING: dict[str, Any] = {
    "zone": "America/New_York",
    "locale": "en",
    "channels": frozenset({CHANNEL}),
    "roles": frozenset({ROLE}),
    "moderator_role": ROLE,
    "contest_role": ROLE,
    "engines": frozenset({"local", "kie"}),
    "models": frozenset({"V5"}),
    "default_engine": "kie",
    "private": True,
    "log_channel": CHANNEL,
    "period": Period.WEEK,
    "member_units": 3,
    "guild_units": 30,
    "member_running": 2,
    "guild_running": 9,
    "cooldown_seconds": 0,
    "paused": True,
}


SAM, KIM = (Actor("g", name, frozenset(), manages=True) for name in ("sam", "kim"))


def service_of(db: Database) -> GuildService:
    return GuildService(db, Clock(), lambda: None)


def refusal(**changes: Any) -> Refusal:
    with pytest.raises(Refused) as caught:
        changed(GuildSettings(), changes)
    return caught.value.refusal


def notes(tx: Tx) -> list[tuple[str, str, str, Any]]:
    rows = tx.all("SELECT actor, action, subject, reason FROM audit ORDER BY rowid")
    return [(row["actor"], row["action"], row["subject"], json.loads(row["reason"])) for row in rows]


async def test_a_guild_that_chose_nothing_has_the_defaults(db: Database) -> None:
    settings = await service_of(db).settings("g")
    assert settings == GuildSettings()
    assert settings.zone == "UTC"
    assert settings.member_units is None


async def test_everything_that_is_chosen_comes_back(db: Database) -> None:
    service = service_of(db)
    written = await service.change(SAM, **EVERYTHING)
    assert await service.settings("g") == written == GuildSettings(**EVERYTHING)
    assert await service.settings("other") == GuildSettings()
    assert set(EVERYTHING) == set(GuildSettings.model_fields)


async def test_each_changed_field_leaves_one_note_with_old_and_new(db: Database) -> None:
    service = service_of(db)
    await service.change(SAM, zone="europe/berlin", member_units=3)
    await service.change(KIM, member_units=3, channels=frozenset({CHANNEL}))
    assert await db.work(notes) == [
        ("sam", "change-setting", "setting:zone", {"old": "UTC", "new": "Europe/Berlin"}),
        ("sam", "change-setting", "setting:member_units", {"old": None, "new": 3}),
        ("kim", "change-setting", "setting:channels", {"old": [], "new": [CHANNEL]}),
    ]


async def test_a_refused_change_keeps_and_notes_nothing(db: Database) -> None:
    with pytest.raises(Refused):
        await service_of(db).change(SAM, zone="Europe/Berlin", member_units=-1)
    assert await db.work(lambda tx: settings_of(tx, "g")) == GuildSettings()
    assert await db.work(notes) == []


async def test_who_does_not_moderate_changes_nothing(db: Database) -> None:
    somebody = Actor("g", "mika", frozenset({ROLE}), manages=False)
    with pytest.raises(Refused) as caught:
        await service_of(db).change(somebody, paused=True)
    assert caught.value.refusal.code is Code.MODERATORS_ONLY
    await service_of(db).change(SAM, moderator_role=ROLE)
    await service_of(db).change(somebody, paused=True)
    await service_of(db).change(SAM, moderator_role=None)
    with pytest.raises(Refused):
        await service_of(db).change(somebody, paused=False)
    assert (await service_of(db).settings("g")).paused


async def test_a_change_is_announced_once_where_the_guild_wants_it(db: Database) -> None:
    await service_of(db).change(SAM, paused=True)
    await service_of(db).change(SAM, log_channel=CHANNEL, member_units=2)
    await service_of(db).change(SAM, member_units=2)
    (post,) = await db.work(lambda tx: tx.all("SELECT purpose, target, body FROM posts"))
    assert (post["purpose"], post["target"]) == ("log", CHANNEL)
    told = json.loads(post["body"])["entries"]
    assert {entry["subject"] for entry in told} == {"setting:log_channel", "setting:member_units"}


async def test_a_change_goes_with_the_unit_it_is_made_in(db: Database) -> None:
    def unit(tx: Tx) -> None:
        change_in(tx, "g", "sam", 5, paused=True)
        raise RuntimeError("later in the unit")

    with pytest.raises(RuntimeError):
        await db.work(unit)
    assert not (await db.work(lambda tx: settings_of(tx, "g"))).paused


async def test_what_is_written_is_in_order(db: Database) -> None:
    settings = GuildSettings(engines=frozenset({"local", "apibox", "kie"}))
    await db.work(lambda tx: keep_settings(tx, "g", settings, 7))
    row = await db.work(lambda tx: tx.one("SELECT * FROM guilds"))
    assert row is not None
    assert json.loads(row["settings"])["engines"] == ["apibox", "kie", "local"]
    assert row["changed_at"] == 7


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("america/new york", "America/New_York"),
    ],
)
def test_time_zones_in_whatever_case(typed: str, zone: str) -> None:
    assert zone_named(typed) == zone


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("Berlin", "Europe/Berlin"),
        ("Europe/Berlni", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("../../etc/passwd", None),
        ("", "Europe/Berlin"),
    ],
)
def test_an_unknown_time_zone_has_a_suggestion(typed: str, suggestion: str | None) -> None:
    found = refusal(zone=typed)
    assert found.code is Code.UNKNOWN_ZONE
    assert suggestion in (None, found.values["suggestion"])
    assert zone_named(str(found.values["suggestion"]))


@pytest.mark.parametrize("value", [-1, 10_001, "many", 1.5, ""])
def test_numbers_out_of_range_are_refused_with_the_range(value: Any) -> None:
    found = refusal(member_units=value)
    assert found.code is Code.NUMBER_OUT_OF_RANGE
    assert (found.values["field"], found.values["least"], found.values["most"]) == ("member_units", 0, 10_000)


def test_numbers_as_they_are_typed() -> None:
    assert changed(GuildSettings(), {"member_units": "12"}).member_units == 12


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"engines": frozenset({"local", "nobody"})}, Code.UNKNOWN_CHOICE),
        ({"default_engine": "nobody"}, Code.UNKNOWN_CHOICE),
        ({"locale": "tlh"}, Code.UNKNOWN_CHOICE),
        ({"period": "year"}, Code.UNKNOWN_CHOICE),
        ({"channels": frozenset({"general"})}, Code.UNKNOWN_CHOICE),
        ({"log_channel": "1"}, Code.UNKNOWN_CHOICE),
        ({"channels": frozenset(str(10**17 + n) for n in range(26))}, Code.TOO_MANY_CHOSEN),
    ],
)
def test_what_nobody_knows_is_refused(changes: dict[str, Any], code: Code) -> None:
    assert refusal(**changes).code is code


def test_a_row_with_a_time_zone_that_is_none_is_not_read_as_one() -> None:
    with pytest.raises(ValidationError):
        GuildSettings.model_validate_json('{"zone": "Nowhere/At_All"}')


def test_an_unknown_field_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValidationError):
        GuildSettings.model_validate({"colour": "red"})
