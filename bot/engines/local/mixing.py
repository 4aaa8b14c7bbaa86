"""Plans, renders, masters, encodes and draws the tracks of one mashup, and reports all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.audio import encode, limiter, pcm, picture
from bot.audio.pcm import Samples
from bot.engines.local.compatibility import heard, outline
from bot.engines.local.plan import Analysis, Plan, Reason, Source, Wishes
from bot.engines.local.planner import plan as make_plan
from bot.engines.local.render import Mix, Phrases, render
from bot.errors import Code, Refused
from bot.formats import tags

TARGET_LUFS = -14.0
PEAK_DBTP = -1.0
CEILING_DBTP = -3.1  # MP3 adds up to 1.9 dB to peaks of music at 192 kbit/s, rarely more at less
MARGIN_DB = 0.3
SPREAD_DB = 0.7  # by which one track's overshoot may exceed that of another one of the same sources
NEAR_LU = 0.2
REPEATS = 3


Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Written:
    """What the finished file holds: a hash of the samples that went in, loudness and peak of what comes out."""

    pcm_sha256: str
    lufs: float
    true_peak: float
    overshoot: float
    """Decibels by which the codec went over the ceiling of what went in."""


def make(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Writes track-N.mp3 and track-N.png and returns the report; `tasks.mix` names the arguments."""
    sources = arguments["sources"]
    first, second = (Analysis.from_json(source["analysis"]) for source in sources)
    wishes = Wishes(**arguments.get("wishes", {}))
    phrases = Phrases({"a": Path(sources[0]["pcm"]), "b": Path(sources[1]["pcm"])}, wishes.instrumental)
    tracks: list[dict[str, Any]] = []
    plan, ceiling = None, CEILING_DBTP
    count = int(arguments["tracks"])
    for number in range(1, count + 1):

        def report(stage: str, part: float, done: int = number - 1) -> None:
            progress(stage, (done + part) / count)

        plan = make_plan(first, second, int(arguments["seed"]), wishes, after=plan)
        made, ceiling = _track(number, plan, phrases, ceiling, arguments, report)
        tracks.append(made)
    return {"sources": [heard(one) for one in (first, second)], "tracks": tracks, "seed": int(arguments["seed"])}


def _track(
    number: int, plan: Plan, phrases: Phrases, ceiling: float, arguments: dict[str, Any], progress: Progress
) -> tuple[dict[str, Any], float]:
    """The report of one track, and the ceiling for another one of the same sources."""
    directory = Path(arguments["directory"])
    progress("stretch", 0.0)
    mixed = render(plan, phrases, lambda part: progress("stretch", 0.55 * part))
    progress("encode", 0.6)
    tag = tags.id3(_frames(arguments, plan, number))
    seconds = len(mixed.samples) / pcm.RATE
    rate = encode.bit_rate_for(seconds, len(tag), arguments.get("max_bytes"))
    if rate is None:
        raise Refused(Code.RESULT_TOO_LARGE, limit=int(arguments["max_bytes"]))
    file = directory / f"track-{number}.mp3"
    written = _write(file, mixed.samples, rate, tag, ceiling)
    progress("picture", 0.95)
    _draw(directory / f"track-{number}.png", plan, mixed, seconds)
    reasons = list(plan.reasons)
    if rate < encode.BIT_RATES[0]:
        reasons.append(Reason("bit-rate-lowered", {"kilobits": rate}))
    progress("picture", 1.0)
    report = {
        **_described(plan, mixed),
        "file": file.name,
        "waveform": f"track-{number}.png",
        "seconds": round(seconds, 3),
        "reasons": [reason.to_json() for reason in reasons],
        "loudness_lufs": round(written.lufs, 2),
        "true_peak_dbtp": round(written.true_peak, 2),
        "bytes": file.stat().st_size,
        "bit_rate": rate * 1000,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "pcm_sha256": written.pcm_sha256,
    }
    return report, ceiling_after(written.overshoot)


def ceiling_after(overshoot: float) -> float:
    """The ceiling under which another track of the same sources most likely needs no second encoding."""
    return min(CEILING_DBTP, PEAK_DBTP - overshoot - SPREAD_DB)


def _write(file: Path, mix: Samples, rate: int, tag: bytes, ceiling: float) -> Written:
    """Masters, encodes, and listens to the result; repeats with a lower ceiling while the codec overshoots."""
    target = TARGET_LUFS + encode.loss_lu(rate)
    survey = limiter.survey(mix, target, ceiling)

    def encoded() -> Written:
        return _encode(file, limiter.blocks(mix, limiter.gains(survey, target, ceiling)), ceiling, rate, tag)

    written = encoded()
    for _ in range(REPEATS):
        if written.true_peak <= PEAK_DBTP and abs(written.lufs - TARGET_LUFS) <= NEAR_LU:
            break
        ceiling -= max(0.0, written.true_peak - PEAK_DBTP + MARGIN_DB)
        target += TARGET_LUFS - written.lufs
        written = encoded()
    if written.true_peak > PEAK_DBTP:
        raise Refused(Code.ENGINE_FAILED)
    return written


def _encode(file: Path, blocks: Iterator[Samples], ceiling: float, rate: int, tag: bytes) -> Written:
    digest = hashlib.sha256()

    def noted() -> Iterator[encode.Pcm]:
        for block in map(encode.to_pcm, blocks):
            digest.update(block.data)
            yield block

    encode.write_mp3(file, noted(), rate, tag)
    lufs, true_peak = pcm.measure(file)
    return Written(digest.hexdigest(), lufs, true_peak, true_peak - ceiling)


def _draw(path: Path, plan: Plan, mixed: Mix, seconds: float) -> None:
    bars = [bar * plan.bar_seconds for bar in range(plan.bars)]
    sections = [section.start_bar * plan.bar_seconds for section in plan.sections[1:]]
    phrases = (_placed(plan, "a"), _placed(plan, "b"))
    score = picture.Score(bars, plan.beats_per_bar, sections, phrases)
    picture.draw(path, (mixed.layers["a"], mixed.layers["b"]), seconds, score)


def _placed(plan: Plan, source: Source) -> list[tuple[float, float, float]]:
    """Where in the track each phrase of a source plays, and where it begins in the source."""
    placed: list[tuple[float, float, float]] = []
    for section in plan.sections:
        for part in section.parts:
            bar = section.start_bar
            for span in part.spans if part.source == source else ():
                placed.append((bar * plan.bar_seconds, (bar + span.bars) * plan.bar_seconds, span.start))
                bar += span.bars
    return placed


def _frames(arguments: dict[str, Any], plan: Plan, number: int) -> dict[str, str]:
    """ID3 frames: title, performer, tempo, place in the set, and what made it."""
    return {
        "TIT2": str(arguments["title"]),
        "TPE1": str(arguments.get("artist") or ""),
        "TRCK": f"{number}/{arguments['tracks']}",
        "TSSE": "Twodeck",
        **({"TBPM": str(round(plan.tempo_bpm))} if plan.common_beat else {}),
    }


def _described(plan: Plan, mixed: Mix) -> dict[str, Any]:
    """The plan in the report's words; times in seconds."""
    sections = [
        {
            "start": round(section.start_bar * plan.bar_seconds, 3),
            "end": round((section.start_bar + section.bars) * plan.bar_seconds, 3),
            "start_bar": section.start_bar,
            "bars": section.bars,
            "layers": section.layers,
            "bass": next(part.source for part in section.parts if part.bass),
            "phrases": {part.source: [asdict(span) for span in part.spans] for part in section.parts},
            "layer_lufs": levels,
        }
        for section, levels in zip(plan.sections, mixed.section_lufs, strict=True)
    ]
    return {
        **outline(plan),
        "sections": sections,
    }
