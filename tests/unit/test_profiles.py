"""What the profiles say of every provider, against the numbers in the documents; and which files are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bot.engines.hosted import profile
from bot.engines.hosted.profile import ProfileError
from bot.engines.hosted.rules import DialectName, Longest
from bot.request import OPTIONS, EngineName, Mode, Operation
from tests import music_documents

KIE, SUNOAPI, APIBOX = EngineName.KIE, EngineName.SUNOAPI, EngineName.APIBOX
MASHUP, COVER, INSTRUMENTAL, VOCALS = Operation
HOSTED = (KIE, SUNOAPI, APIBOX)
V6 = ("V6", "V6_WILD", "V6_MINI")
AUTUMN = (*V6, "V5_5", "V5", "V4_5PLUS", "V4_5ALL", "V4_5", "V4")
KIE_OLD = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5")
SPRING = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5")
SEED_COVER = ("V3_5", "V4", "V4_5", "V4_5PLUS", "V5")

SMALL, LARGE = (3000, 200), (5000, 1000)
"""Prompt and style of V3_5 and V4, and of every later model."""

Row = tuple[EngineName, str, Operation, tuple[str, ...], int, int | None]
TITLES: list[Row] = [
    # engine, dialect, operation, models, longest title, longest idea (None: no simple mode)
    (KIE, "legacy", MASHUP, KIE_OLD, 80, 500),
    (APIBOX, "legacy", MASHUP, KIE_OLD, 80, 500),
    (SUNOAPI, "legacy", MASHUP, ("V4", "V4_5ALL"), 80, 500),
    (SUNOAPI, "legacy", MASHUP, ("V4_5", "V4_5PLUS", "V5"), 100, 500),
    (KIE, "legacy", COVER, ("V4", "V4_5ALL"), 80, 400),
    (KIE, "legacy", COVER, ("V4_5", "V4_5PLUS", "V5", "V5_5"), 100, 400),
    (SUNOAPI, "legacy", COVER, ("V3_5", "V4"), 80, 400),
    (SUNOAPI, "legacy", COVER, ("V4_5", "V4_5PLUS", "V5"), 100, 400),
    (APIBOX, "legacy", COVER, ("V3_5", "V4"), 80, 400),
    (APIBOX, "legacy", COVER, ("V4_5", "V4_5PLUS", "V5"), 100, 400),
    (KIE, "legacy", VOCALS, ("V4_5PLUS", "V5", "V5_5"), 80, None),
    (SUNOAPI, "legacy", VOCALS, ("V4_5PLUS", "V5"), 80, None),
    (APIBOX, "legacy", VOCALS, ("V4_5PLUS", "V5"), 80, None),
    *((KIE, "unified", operation, V6, 80, None) for operation in (MASHUP, COVER, VOCALS)),
    *((name, "modeless", o, AUTUMN, 80, None) for name in (SUNOAPI, APIBOX) for o in (MASHUP, COVER, VOCALS)),
]
TAGGED: list[tuple[EngineName, str, tuple[str, ...]]] = [
    (KIE, "legacy", ("V4_5PLUS", "V5", "V5_5")),
    (SUNOAPI, "legacy", ("V4_5PLUS", "V5")),
    (APIBOX, "legacy", ("V4_5PLUS", "V5")),
    (KIE, "unified", V6),
    (SUNOAPI, "modeless", AUTUMN),
    (APIBOX, "modeless", AUTUMN),
]


def texts() -> Iterator[tuple[EngineName, str, Operation, str, Mode, tuple[int, int, int]]]:
    """One row for every engine, dialect, operation, model and mode that takes a prompt."""
    for name, dialect, operation, models, title, idea in TITLES:
        for model in models:
            prompt, style = SMALL if model in ("V3_5", "V4") else LARGE
            yield name, dialect, operation, model, Mode.CUSTOM, (prompt, style, title)
            if idea is not None:
                yield name, dialect, operation, model, Mode.SIMPLE, (idea, style, title)


@pytest.mark.parametrize(("name", "dialect", "operation", "model", "mode", "limits"), [*texts()])
def test_longest_texts(
    name: EngineName, dialect: str, operation: Operation, model: str, mode: Mode, limits: tuple[int, int, int]
) -> None:
    found = profile.load(name, dialect).capabilities(operation, mode, model)
    assert found is not None
    assert model in found.models
    assert (found.limits.prompt, found.limits.style, found.limits.title) == limits


@pytest.mark.parametrize(("name", "dialect", "models"), TAGGED)
def test_longest_tags(name: EngineName, dialect: str, models: tuple[str, ...]) -> None:
    spoken = profile.load(name, dialect)
    for model in models:
        found = spoken.capabilities(INSTRUMENTAL, Mode.CUSTOM, model)
        assert found is not None
        assert found.models == models
        limits = found.limits
        assert (limits.title, limits.tags, limits.negative_tags) == (80, 200 if model == "V4" else 1000, 1000)


def test_every_model_of_every_operation_is_in_a_table() -> None:
    tabled = {(n, d, o, m) for n, d, o, models, _, _ in TITLES for m in models}
    tabled |= {(n, d, INSTRUMENTAL, m) for n, d, models in TAGGED for m in models}
    said = {
        (name, dialect.value, operation, model)
        for name in HOSTED
        for dialect, spoken in profile.load(name).provider.dialects.items()
        for operation, rules in spoken.operations.items()
        for model in rules.models
    }
    assert tabled == said


def limit_rows(name: EngineName) -> list[str]:
    """The rows of docs/engines.md for one provider: models with the same limits share one."""
    rows: list[str] = []
    for dialect, spoken in profile.load(name).provider.dialects.items():
        for operation, rules in spoken.operations.items():
            alike: dict[Longest, list[str]] = {}
            for model, longest in rules.models.items():
                alike.setdefault(longest, []).append(model)
            for longest, models in alike.items():
                idea = longest.idea if rules.fields(Mode.SIMPLE) else None
                numbers = (
                    longest.prompt,
                    idea,
                    longest.style or longest.tags,
                    longest.title,
                    longest.source_seconds,
                )
                cells = [f"{name.value} {dialect.value}", operation.value, ", ".join(models), *numbers]
                rows.append("| " + " | ".join("–" if cell is None else str(cell) for cell in cells) + " |")
    return rows


@pytest.mark.parametrize("name", HOSTED)
def test_the_page_has_every_limit(name: EngineName) -> None:
    page = (Path(__file__).parents[2] / "docs" / "engines.md").read_text("utf-8")
    rows = limit_rows(name)
    assert len(rows) >= 8
    assert [row for row in rows if row not in page] == []
    assert page.count(f"\n| {name.value} ") == len(rows)


@pytest.mark.parametrize("name", HOSTED)
def test_dialects_models_and_what_they_are_worth(name: EngineName) -> None:
    provider = profile.load(name).provider
    newer = DialectName.UNIFIED if name is KIE else DialectName.MODELESS
    assert provider.default_dialect is newer
    assert set(provider.dialects) == {newer, DialectName.LEGACY}
    assert provider.retention_days == 14
    for dialect, spoken in provider.dialects.items():
        assert {m for m, status in spoken.models.items() if status == "current"} == set(V6) & set(spoken.models)
        assert set(spoken.operations) == set(Operation)
        for operation, rules in spoken.operations.items():
            older = "V4_5PLUS" if operation in (INSTRUMENTAL, VOCALS) else "V5"
            assert rules.default_model == (older if dialect is DialectName.LEGACY else "V6")
            assert rules.price == 12


def test_sources_of_a_cover_are_at_most_8_minutes_long_and_1_for_one_model() -> None:
    seen: set[tuple[str, int | None]] = set()
    for name in HOSTED:
        for spoken in profile.load(name).provider.dialects.values():
            for operation, rules in spoken.operations.items():
                for model, longest in rules.models.items():
                    wanted = (60 if model == "V4_5ALL" else 480) if operation is COVER else None
                    assert longest.source_seconds == wanted, (name, operation, model)
                    seen.add((operation.value, wanted))
    assert len(seen) == 5


@pytest.mark.parametrize("name", HOSTED)
@pytest.mark.parametrize("operation", Operation)
def test_what_is_used_and_needed(name: EngineName, operation: Operation) -> None:
    for dialect in profile.load(name).provider.dialects:
        spoken = profile.load(name, dialect)
        custom = spoken.capabilities(operation, Mode.CUSTOM)
        simple = spoken.capabilities(operation, Mode.SIMPLE)
        assert custom is not None
        old, moded = dialect is DialectName.LEGACY, operation in (MASHUP, COVER)
        assert (simple is not None) is (old and moded)
        personas = (not old and name is not KIE) or (name, operation, old) == (KIE, COVER, True)
        lacking = {"instrumental"} if operation is MASHUP and not old else set[str]()
        lacking |= {"persona"} if moded and not personas else set[str]()
        assert custom.lacks == lacking
        assert custom.uses == set(OPTIONS[operation]) - lacking
        needs: dict[Operation, set[str]] = {
            MASHUP: {"prompt", "style"} if old else set[str](),
            COVER: {"prompt", "style"} if old else {"style"} if name is KIE else set[str](),
            INSTRUMENTAL: {"title", "tags", "negative_tags"},
            VOCALS: {"prompt", "title", "style", "negative_tags"},
        }
        assert custom.needs == needs[operation]
        if simple is not None:
            always = {"prompt", "instrumental", "model"}
            assert simple.uses == always | ({"style", "title"} if (name, operation) == (KIE, MASHUP) else set())
            assert (simple.needs, simple.lacks) == ({"prompt"}, {"persona"})


@pytest.mark.parametrize(
    ("model", "lengths", "request_", "seconds"),
    [
        ("V6", (95.0, 200.4), {}, 201),
        ("V6_WILD", (200.4, 95.0), {"prompt": "la " * 100}, 201),
        ("V6_MINI", (40.0, 50.0), {"prompt": "la " * 100}, 130),
        ("V5_5", (40.0, 50.0), {"prompt": "la " * 100, "instrumental": True}, 50),
        ("V6", (5.0, 6.0), {}, 30),
        ("V6", (400.0, 90.0), {}, 360),
        ("V6", (40.0, 50.0), {"prompt": "la " * 900}, 360),
        ("V5", (95.0, 200.4), {}, None),
        ("V4_5ALL", (95.0, 200.4), {}, None),
    ],
)
def test_how_long_a_piece_is_asked_for(
    model: str, lengths: tuple[float, ...], request_: dict[str, object], seconds: int | None
) -> None:
    request = {"model": model, "instrumental": False, **request_}
    assert profile.load(SUNOAPI).spoken.duration(MASHUP, request, lengths) == seconds
    assert profile.load(SUNOAPI).spoken.duration(INSTRUMENTAL, request, lengths) is None
    assert profile.load(SUNOAPI, "legacy").spoken.duration(MASHUP, request, lengths) is None


@pytest.mark.skipif(music_documents.FOLDER is None, reason=f"no OpenAPI documents: {music_documents.VARIABLE}")
@pytest.mark.parametrize(
    ("name", "dialect", "pages"),
    [
        (KIE, "legacy", "kie-legacy-generate-mashup kie-legacy-upload-cover kie-legacy-add-instrumental"),
        (KIE, "unified", "kie-legacy-add-vocals kie-jobs-recordInfo"),
        (SUNOAPI, "legacy", "sunoapi-2026-spring-generate-mashup sunoapi-record-info"),
        (SUNOAPI, "modeless", "sunoapi-2026-autumn-generate-mashup sunoapi-2026-autumn-upload-cover"),
        (APIBOX, "modeless", "sunoapi-2026-autumn-generate-mashup sunoapi-2026-autumn-add-instrumental"),
    ],
)
def test_every_code_of_the_documents_has_its_end(name: EngineName, dialect: str, pages: str) -> None:
    spoken = profile.load(name, dialect).spoken
    documented = {code for page in pages.split() for code in music_documents.document(page).codes()}
    assert len(documented) >= 9
    assert documented <= set(spoken.create_codes)
    assert {400, 413, 500, 501, 531} <= set(spoken.task_codes)


BROKEN = [
    ('price = 12', 'price = "cheap"', "price"),
    ('default_dialect = "unified"', 'default_dialect = "modeless"', "default dialect modeless is not described"),
    ('default_model = "V6"', 'default_model = "V9"', "the default model V9 is not among the models"),
    ('400 = "refuse"', '400 = "shrug"', "create_codes.400"),
    ("tracks = 2", "tracks = 2\nextra = 1", "extra"),
    ('V6 = "current"', 'V7 = "current"', "models without a status: V6"),
    ("V6 = { prompt = 5000, idea = 500, style = 1000, title = 80 }", "V6 = { title = 80 }", "has no limit for"),
    ('needs = ["style"]', 'needs = ["tags"]', "needed and not taken: tags"),
    ('"prompt", "style", "title", "vocal_gender"', '"tags", "vocal_gender"', "mashup has no tags"),
    ('"title", "tags", "negative_tags"', '"custom_mode", "title", "tags", "negative_tags"', "one mode only"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "sentence"), BROKEN, ids=[row[2][:30] for row in BROKEN])
def test_a_profile_that_breaks_the_rules_is_refused(good: str, bad: str, sentence: str) -> None:
    text = (Path(profile.__file__).parent / "profiles" / "kie.toml").read_text("utf-8")
    assert good in text
    with pytest.raises(ProfileError, match=r"^kie is wrong: ") as caught:
        profile.checked(tomllib.loads(text.replace(good, bad, 1)), "kie")
    assert sentence in str(caught.value)


def test_profiles_hold_scalars_lists_and_names_only() -> None:
    for name in HOSTED:
        file = Path(profile.__file__).parent / "profiles" / f"{name.value}.toml"
        for value in _leaves(tomllib.loads(file.read_text("utf-8"))):
            assert isinstance(value, str | int | float | bool)
            assert not set(str(value)) & set("{}<>=$()|?*")


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        within = (
            cast("dict[str, object]", value).values() if isinstance(value, dict) else cast("list[object]", value)
        )
        for inner in within:
            yield from _leaves(inner)
    else:
        yield value


OVERLAYS = [
    ("dialects.unified.operations.mashup.price = 20", ""),
    ('base_url = "https://evil.example"', "may not set base_url: only prices, models and limits"),
    ('dialects.unified.operations.mashup.name = "x"', "may not set unified.operations.mashup.name"),
    ("dialects.unified.create_codes.400 = 'later'", "may not set unified.create_codes"),
    ("dialects.unified.operations.mashup.price = -1", "is wrong: dialects.unified.operations.mashup.price: "),
    ("dialects.unified.operations.mashup.models.V7.title = 80", "is wrong: dialects.unified"),
    ("dialects = 3", "may not set dialects"),
    ("dialects.unified.operations.mashup = 3", "is wrong: dialects.unified.operations.mashup"),
    ("dialects.martian.models.V6 = 'current'", "is wrong: dialects.martian"),
    ("no toml at all", "cannot be read"),
]


@pytest.mark.parametrize(("line", "sentence"), OVERLAYS, ids=[row[0][:40] for row in OVERLAYS])
def test_the_operators_own_file(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "kie.toml").write_text(line, "utf-8")
    if sentence:
        with pytest.raises(ProfileError, match=r"kie\.toml") as caught:
            profile.load(KIE, overlays=tmp_path)
        assert sentence in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    rules = profile.load(KIE, overlays=tmp_path).rules(MASHUP)
    assert rules is not None
    assert rules.price == 20
    assert profile.load(SUNOAPI, overlays=tmp_path).rules(MASHUP) == profile.load(SUNOAPI).rules(MASHUP)


def test_an_own_file_brings_a_new_model_and_other_limits(tmp_path: Path) -> None:
    (tmp_path / "sunoapi.toml").write_text(
        """
        [dialects.modeless.models]
        V7 = "current"
        [dialects.modeless.operations.mashup]
        default_model = "V7"
        [dialects.modeless.operations.mashup.models]
        V7 = { prompt = 9000, style = 2000, title = 120 }
        V4 = { title = 60 }
        """,
        "utf-8",
    )
    spoken = profile.load(SUNOAPI, overlays=tmp_path)
    found = spoken.capabilities(MASHUP, Mode.CUSTOM, "V7")
    assert found is not None
    assert (found.default_model, found.limits.prompt, found.limits.title) == ("V7", 9000, 120)
    older = spoken.capabilities(MASHUP, Mode.CUSTOM, "V4")
    assert older is not None
    assert (older.limits.prompt, older.limits.title) == (3000, 60)


def test_a_dialect_nobody_speaks() -> None:
    with pytest.raises(ProfileError, match="KIE_DIALECT is wrong: kie speaks unified, legacy, not modeless"):
        profile.load(KIE, "modeless")
