"""What a member may ask, and how a refusal names what is wrong."""

from typing import Any

import pytest

from bot.errors import Code, Refused
from bot.request import EngineName, Limits, Mashup, Mode, Operation, engine_named, read_request, title_of

LIMITS = Limits(prompt=500, style=200, title=80)
NAMES = ("Night Drive.mp3", "paper_lanterns.final.wav")


def read(uses: str = "title audio_weight", **given: Any) -> Mashup:
    request = read_request(
        Operation.MASHUP, given, engine=EngineName.LOCAL, limits=LIMITS, uses=frozenset(uses.split()), names=NAMES
    )
    assert isinstance(request, Mashup)
    return request


def refusal(**given: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        read(**given)
    return caught.value


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, Mode.SIMPLE),
        ({"prompt": "rain"}, Mode.SIMPLE),
        ({"style": "house"}, Mode.CUSTOM),
        ({"title": "Rain"}, Mode.CUSTOM),
        ({"mode": "auto", "title": "  "}, Mode.SIMPLE),
        ({"mode": "simple", "title": "Rain"}, Mode.SIMPLE),
        ({"mode": "custom"}, Mode.CUSTOM),
    ],
)
def test_auto_is_custom_as_soon_as_style_or_title_is_given(given: dict[str, Any], mode: Mode) -> None:
    assert read(**given).mode is mode


def test_prompt_is_lyrics_only_in_sung_custom_mode() -> None:
    assert read(mode="custom", prompt="la la").prompt_is_lyrics
    assert not read(mode="custom", prompt="la la", instrumental=True).prompt_is_lyrics
    assert not read(mode="simple", prompt="an idea").prompt_is_lyrics


def test_a_missing_title_is_made_of_the_file_names() -> None:
    assert read().title == "Night Drive × paper lanterns.final"
    assert len(title_of(("x" * 200 + ".mp3", "y" * 200), 80)) <= 80


@pytest.mark.parametrize("field", ["prompt", "style", "title"])
def test_a_long_text_names_field_limit_length_and_model(field: str) -> None:
    limit = getattr(LIMITS, field)
    assert getattr(read(**{field: "x" * limit}), field) == "x" * limit
    values = refusal(**{field: "x" * (limit + 1)}, model="V5").refusal.values
    assert values == {"field": field, "limit": limit, "actual": limit + 1, "model": "V5"}


@pytest.mark.parametrize("field", ["style_weight", "weirdness", "audio_weight"])
@pytest.mark.parametrize("value", [-0.01, 1.01, 0.123, 5])
def test_weights_go_from_0_to_1_in_hundredths(field: str, value: float) -> None:
    assert refusal(**{field: value}).refusal.code is Code.WEIGHT_OUT_OF_RANGE


@pytest.mark.parametrize("value", [0, 0.1, 0.29, 0.57, 1])
def test_good_weights_stay_as_they_are(value: float) -> None:
    assert read(audio_weight=value).audio_weight == value


def test_options_that_the_engine_ignores_are_named() -> None:
    asked = read(style="house", weirdness=0.5, audio_weight=0.5, title="Rain", instrumental=True)
    assert asked.unused == ("style", "instrumental", "weirdness")
    assert read(instrumental=False).unused == ()


def test_unknown_names_are_refused_with_the_choices() -> None:
    assert refusal(mode="loud").refusal.values["choices"] == "auto, simple, custom"
    assert refusal(vocal_gender="x").refusal.code is Code.UNKNOWN_CHOICE
    with pytest.raises(Refused) as caught:
        engine_named("napster", EngineName.LOCAL)
    assert caught.value.refusal.values["value"] == "napster"
    assert engine_named(" KIE ", EngineName.LOCAL) is EngineName.KIE
    assert engine_named(None, EngineName.LOCAL) is EngineName.LOCAL
