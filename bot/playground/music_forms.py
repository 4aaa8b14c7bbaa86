"""The creates that the music stand-in takes: three dialects, four operations, each with fields of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

LEGACY, MODELESS, UNIFIED = "legacy", "modeless", "unified"
PREFIX = {LEGACY: "", MODELESS: "/modeless", UNIFIED: ""}
"""What a base address ends in: `legacy` and `modeless` share their paths."""
JOBS = "/api/v1/jobs/createTask"
PERSONA = "/api/v1/generate/generate-persona"

_OLD = ("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5")
_NEW = ("V6", "V6_WILD", "V6_MINI")
_MODELS = {LEGACY: _OLD, MODELESS: (*_NEW, *_OLD[1:]), UNIFIED: _NEW}
_TIMED = ("V5_5", *_NEW)
_VOICE = frozenset({"vocalGender", "styleWeight", "weirdnessConstraint", "audioWeight"})
_PERSONA = "personaId personaModel"
_OF_PERSONA = ("taskId", "audioId", "name", "description")
_PATHS = {
    "mashup": "/api/v1/generate/mashup",
    "cover": "/api/v1/generate/upload-cover",
    "instrumental": "/api/v1/generate/add-instrumental",
    "vocals": "/api/v1/generate/add-vocals",
}
_NAMES = {
    "mashup": "ai-music-api/mashup",
    "cover": "ai-music-api/upload-and-cover-audio",
    "instrumental": "ai-music-api/add-instrumental",
    "vocals": "ai-music-api/add-vocals",
}


@dataclass(frozen=True)
class Form:
    """One create. Names are camelCase here, whatever the dialect."""

    dialect: str
    operation: str
    required: frozenset[str]
    optional: frozenset[str]

    @property
    def source(self) -> str:
        return "uploadUrlList" if self.operation == "mashup" else "uploadUrl"


def _form(dialect: str, operation: str, required: str, optional: str = "") -> Form:
    always = {"uploadUrlList" if operation == "mashup" else "uploadUrl"}
    always |= set() if dialect == UNIFIED else {"callBackUrl"}
    return Form(dialect, operation, frozenset({*always, *required.split()}), frozenset(optional.split()) | _VOICE)


_FORMS = {
    (form.dialect, form.operation): form
    for form in (
        _form(LEGACY, "mashup", "customMode model", "prompt style title instrumental"),
        _form(LEGACY, "cover", "customMode instrumental model", "prompt style title negativeTags personaId"),
        _form(LEGACY, "instrumental", "title negativeTags tags", "model"),
        _form(LEGACY, "vocals", "prompt title negativeTags style", "model"),
        _form(MODELESS, "mashup", "model", f"lyrics prompt style title variety duration {_PERSONA}"),
        _form(
            MODELESS,
            "cover",
            "model",
            f"lyrics prompt style title instrumental negativeTags variety duration {_PERSONA}",
        ),
        _form(MODELESS, "instrumental", "title negativeTags tags", "model lyrics variety"),
        _form(MODELESS, "vocals", "prompt title negativeTags style", "model lyrics variety"),
        _form(UNIFIED, "mashup", "model style title", "prompt instrumental customMode duration"),
        _form(UNIFIED, "cover", "instrumental model", "prompt style title negativeTags duration"),
        _form(UNIFIED, "instrumental", "title negativeTags tags", "model"),
        _form(UNIFIED, "vocals", "title negativeTags style", "model prompt"),
    )
}


def routes() -> dict[str, Form]:
    """Form by path; those of the unified dialect share one and are told apart by the model."""
    return {
        f"{PREFIX[form.dialect]}{_PATHS[form.operation]}": form
        for form in _FORMS.values()
        if form.dialect != UNIFIED
    }


def unified_form(body: Mapping[str, Any]) -> Form | None:
    """The form of what is asked for at the one path, if there is such a thing."""
    operation = next((name for name, model in _NAMES.items() if model == body.get("model")), None)
    return _FORMS[UNIFIED, operation] if operation else None


def fields_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, in camelCase: `input` is where the unified dialect has it."""
    inner = body.get("input")
    if not isinstance(inner, Mapping):
        return dict(body)
    return {_camel(key): value for key, value in cast("Mapping[str, Any]", inner).items()}


def sources_of(body: Mapping[str, Any]) -> list[str]:
    """The addresses of the uploads."""
    fields = fields_of(body)
    one, both = fields.get("uploadUrl"), fields.get("uploadUrlList")
    found = cast("list[Any]", both) if isinstance(both, list) else [one]
    return [address for address in found if isinstance(address, str) and address]


def fault(form: Form, body: Mapping[str, Any]) -> str:
    """What is wrong with a create, in a provider's manner; empty for nothing."""
    fields = fields_of(body)
    if missing := sorted(name for name in form.required if fields.get(name) in (None, "")):
        return f"Please enter {', '.join(missing)}"
    if unknown := sorted(fields.keys() - form.required - form.optional):
        return f"{', '.join(unknown)} is not a field of {form.operation}"
    if len(sources_of(body)) != (2 if form.operation == "mashup" else 1):
        return f"{form.source} has the wrong number of addresses"
    return _model_fault(form, fields) or _moded_fault(form, fields)


def _model_fault(form: Form, fields: Mapping[str, Any]) -> str:
    """What the model, and that of a persona, cannot be."""
    model = fields.get("model")
    if model is not None and model not in _MODELS[form.dialect]:
        return f"model {model} is not supported"
    if fields.get("personaModel") not in (None, "style_persona", "voice_persona"):
        return "personaModel is wrong"
    if "duration" in fields and model not in _TIMED:
        return f"duration is not supported by {model}"
    return ""


def persona_fault(body: Mapping[str, Any]) -> str:
    """What is wrong with a wish for a persona; empty for nothing."""
    if missing := [name for name in _OF_PERSONA if not body.get(name)]:
        return f"Please enter {', '.join(missing)}"
    unknown = sorted(body.keys() - {*_OF_PERSONA, "vocalStart", "vocalEnd"})
    return f"{', '.join(unknown)} is not a field of a persona" if unknown else ""


def _moded_fault(form: Form, fields: Mapping[str, Any]) -> str:
    """What the two modes of the older paths ask for."""
    if form.dialect != LEGACY or "customMode" not in form.required:
        return ""
    custom, sung = fields["customMode"], not fields.get("instrumental")
    needed = ["style", "title", *(["prompt"] if sung else [])] if custom else ["prompt"]
    missing = [name for name in needed if not fields.get(name)]
    return f"Please enter {', '.join(missing)}" if missing else ""


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
