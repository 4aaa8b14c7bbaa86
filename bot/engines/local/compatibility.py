"""How well two sources go together, told before anything is rendered or spent."""

from __future__ import annotations

from typing import Any

from bot.engines.local.keys import KEY_CONFIDENCE
from bot.engines.local.plan import PLAIN, Analysis, Plan, Wishes
from bot.engines.local.planner import has_beat, plan


def compare(a: Analysis, b: Analysis, seed: int = 0, wishes: Wishes = PLAIN) -> dict[str, Any]:
    """The report: what was heard in both, and what the first track would be, with score, verdicts and reasons."""
    made = plan(a, b, seed, wishes)
    reasons = [reason.to_json() for reason in made.reasons]
    return {"sources": [heard(a), heard(b)], **outline(made), "reasons": reasons}


def outline(made: Plan) -> dict[str, Any]:
    """A plan without its sections."""
    return {
        "score": made.score,
        "layout": made.layout,
        "bed": made.bed,
        "lead": made.lead,
        "tempo_bpm": round(made.tempo_bpm, 3) if made.common_beat else None,
        "beats_per_bar": made.beats_per_bar,
        "stretch": {name: round(made.rates[name], 5) for name in made.rates},
        "shift_semitones": {name: round(made.shifts[name], 3) for name in made.shifts},
        "verdicts": [verdict.to_json() for verdict in made.verdicts],
    }


def heard(analysis: Analysis) -> dict[str, Any]:
    """What is told of a source; a tempo or key too uncertain to plan with is not told at all."""
    return {
        "tempo_bpm": analysis.tempo_bpm if has_beat(analysis) else None,
        "tempo_confidence": analysis.tempo_confidence,
        "key": analysis.key if analysis.key_confidence >= KEY_CONFIDENCE else None,
        "key_confidence": analysis.key_confidence,
        "downbeats": [analysis.beats[index] for index in analysis.downbeats],
        "loudness_lufs": analysis.loudness_lufs,
        "seconds": analysis.seconds,
        "steady": analysis.steady,
    }
