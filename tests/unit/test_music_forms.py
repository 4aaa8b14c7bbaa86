"""What the music stand-in refuses of a create, as the providers do."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.music_forms import JOBS, LEGACY, MODELESS, PREFIX, fault, persona_fault, routes, unified_form

Body = dict[str, Any]
MASHUP: Body = {
    "uploadUrlList": ["http://x/a", "http://x/b"],
    "callBackUrl": "http://x/",
    "customMode": False,
    "model": "V5",
    "prompt": "drums",
}
SUNG: Body = {**MASHUP, "customMode": True, "style": "dub", "title": "Rain"}
COVER: Body = {"uploadUrl": "http://x/a", "callBackUrl": "http://x/", "model": "V6"}
PERSONA: Body = {"taskId": "t", "audioId": "a", "name": "n", "description": "d"}


def without(body: Body, name: str) -> Body:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (MASHUP, ""),
        (SUNG, ""),
        ({**without(SUNG, "prompt"), "instrumental": True}, ""),
        (without(MASHUP, "model"), "Please enter model"),
        ({**MASHUP, "model": ""}, "Please enter model"),
        ({**MASHUP, "colour": "red"}, "colour is not a field of mashup"),
        ({**MASHUP, "uploadUrlList": ["http://x/a"]}, "uploadUrlList has the wrong number of addresses"),
        ({**MASHUP, "uploadUrlList": "http://x/a"}, "uploadUrlList has the wrong number of addresses"),
        ({**MASHUP, "model": "V6"}, "model V6 is not supported"),
        (without(MASHUP, "prompt"), "Please enter prompt"),
        (without(SUNG, "title"), "Please enter title"),
        (without(SUNG, "prompt"), "Please enter prompt"),
    ],
)
def test_a_mashup_of_the_old_paths(body: Body, said: str) -> None:
    assert fault(routes()["/api/v1/generate/mashup"], body) == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (COVER, ""),
        ({**COVER, "personaModel": "style_persona"}, ""),
        ({**COVER, "duration": 60}, ""),
        ({**COVER, "personaModel": "face_persona"}, "personaModel is wrong"),
        ({**COVER, "model": "V4", "duration": 60}, "duration is not supported by V4"),
        ({**COVER, "uploadUrl": ""}, "Please enter uploadUrl"),
        ({**COVER, "customMode": True}, "customMode is not a field of cover"),
    ],
)
def test_a_cover_of_the_newer_ones(body: Body, said: str) -> None:
    assert fault(routes()[f"{PREFIX[MODELESS]}/api/v1/generate/upload-cover"], body) == said


def test_the_newest_path_tells_them_apart_by_the_model() -> None:
    assert JOBS not in routes()
    inner = {"model": "V6", "style": "dub", "title": "Rain", "upload_url_list": ["http://x/a", "http://x/b"]}
    body = {"model": "ai-music-api/mashup", "input": inner}
    form = unified_form(body)
    assert form is not None
    assert (form.operation, fault(form, body)) == ("mashup", "")
    assert fault(form, {**body, "input": {**inner, "weirdness_constraint": 0.5}}) == ""
    assert fault(form, {**body, "input": without(inner, "title")}) == "Please enter title"
    assert unified_form({"model": "ai-music-api/karaoke"}) is None
    assert PREFIX[LEGACY] == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PERSONA, ""),
        ({**PERSONA, "vocalStart": 1, "vocalEnd": 9}, ""),
        ({**PERSONA, "name": ""}, "Please enter name"),
        ({**PERSONA, "style": "dub"}, "style is not a field of a persona"),
    ],
)
def test_a_persona(body: Body, said: str) -> None:
    assert persona_fault(body) == said
