"""`twodeck mix`: the embedded engine in the terminal, for people and for scripts."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bot.engines.local.plan import wishes_of
from bot.engines.local.studio import Studio
from bot.engines.probe import probe
from bot.errors import Code, Refused
from bot.request import title_of
from bot.texts import duration, say, say_reason
from bot.worker.pool import Pool

OK, FAULT, USAGE, REFUSED = 0, 1, 2, 3
_LONGEST_TITLE = 100
_OTHER_KINDS = (".wav", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".png")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("a", type=Path, metavar="A", help="first track")
    parser.add_argument("b", type=Path, metavar="B", help="second track")
    parser.add_argument("-o", "--output", type=Path, help="the mp3 to write; its picture is a .png")
    parser.add_argument("--plan", action="store_true", help="only say how well they go together; write nothing")
    parser.add_argument(
        "--tracks", type=int, choices=(1, 2), default=1, help="2 also writes OUTPUT-2, roles swapped"
    )
    parser.add_argument("--seed", type=int, default=0, help="another number gives another arrangement")
    parser.add_argument("--title", help="title tag; made of the file names if absent")
    parser.add_argument("--audio-weight", type=_weight, help="how much of A is heard against B, 0 to 1")
    parser.add_argument("--style-weight", type=_weight, help="how strictly the bed's tempo and beat rule, 0 to 1")
    parser.add_argument("--weirdness", type=_weight, help="how bold shifts, jumps and repeats are, 0 to 1")
    parser.add_argument(
        "--instrumental", action="store_true", help="reduce what is in the centre, where voices are"
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object (docs/engines.md)")


def run(options: argparse.Namespace) -> int:
    """Mix as asked; returns the exit code: 0 done, 1 fault, 2 usage, 3 the input was refused."""
    complaint = _complaint(options)
    if complaint:
        print(f"twodeck mix: {complaint}", file=sys.stderr)
        return USAGE
    with tempfile.TemporaryDirectory(prefix="twodeck-") as folder, _Bar(quiet=options.json) as bar:
        try:
            report = asyncio.run(_work(options, Path(folder), bar))
            if not options.plan:
                _move_out(report, Path(folder), options.output)
        except Refused as refused:
            bar.close()
            values = dict(refused.refusal.values)
            print(f"twodeck mix: {say('en', f'refusal-{refused.refusal.code}', **values)}", file=sys.stderr)
            return REFUSED if refused.refusal.code not in _FAULTS else FAULT
    told = _outlook if options.plan else _summary
    print(json.dumps(report, indent=2, ensure_ascii=False) if options.json else told(report))
    return OK


_FAULTS = {Code.WORKER_DIED, Code.WORKER_LIMIT, Code.ENGINE_FAILED, Code.TOOK_TOO_LONG}


class _Bar:
    """A progress bar on standard error, when somebody watches."""

    def __init__(self, *, quiet: bool) -> None:
        shape = "{desc:<10} {percentage:3.0f} %|{bar}| {elapsed}"
        self._bar = tqdm(total=1.0, bar_format=shape, disable=True if quiet else None, leave=False)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._bar.close()

    def tell(self, stage: str, fraction: float) -> None:
        self._bar.set_description(stage, refresh=False)
        self._bar.update(max(0.0, fraction - self._bar.n))


def _weight(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("it goes from 0 to 1")
    return value


def _complaint(options: argparse.Namespace) -> str | None:
    for path in (options.a, options.b):
        if not path.is_file():
            return f"{path} is not a file"
    return None if options.plan else _output_complaint(options)


def _output_complaint(options: argparse.Namespace) -> str | None:
    if options.output is None:
        return "say where to write with -o, or ask for --plan"
    if options.output.suffix.lower() in _OTHER_KINDS:
        return f"{options.output}: mixes are mp3 files, so the name cannot end in {options.output.suffix}"
    if not options.output.absolute().parent.is_dir():
        return f"{options.output.absolute().parent} is not a folder"
    if options.title and len(options.title) > _LONGEST_TITLE:
        return f"the title is {len(options.title)} characters long; at most {_LONGEST_TITLE} fit"
    return None


async def _work(options: argparse.Namespace, folder: Path, bar: _Bar) -> dict[str, Any]:
    sources = (options.a.absolute(), options.b.absolute())
    wishes = wishes_of(vars(options))
    pool = Pool(2)
    try:
        await asyncio.gather(*(probe(pool, source, source.name) for source in sources))
        studio = Studio(pool)
        if options.plan:
            return await studio.compare(sources, folder, seed=options.seed, wishes=wishes, progress=bar.tell)
        return await studio.mix(
            sources,
            folder,
            title=options.title or title_of((sources[0].name, sources[1].name), _LONGEST_TITLE),
            seed=options.seed,
            tracks=options.tracks,
            wishes=wishes,
            progress=bar.tell,
        )
    finally:
        await pool.close()


def _move_out(report: dict[str, Any], folder: Path, output: Path) -> None:
    """Put each track and its picture where they were asked for; the report then names those files."""
    for number, track in enumerate(report["tracks"], start=1):
        audio = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
        picture = audio.with_suffix(".png")
        for name, target in ((track["file"], audio), (track["waveform"], picture)):
            part = target.with_name(target.name + ".part")
            shutil.copyfile(folder / name, part)
            part.replace(target)
        track["file"], track["waveform"] = str(audio), str(picture)


def _summary(report: Mapping[str, Any]) -> str:
    lines = _heard(report)
    for track in report["tracks"]:
        loudness = f"{track['loudness_lufs']:.1f} LUFS, {track['true_peak_dbtp']:.1f} dBTP"
        lines.append(f"{track['file']}: {duration(track['seconds'])}, {loudness}")
        lines += _because(track["reasons"])
    return "\n".join(lines)


def _outlook(report: Mapping[str, Any]) -> str:
    lines = [*_heard(report), f"Compatibility: {report['score']} of 100"]
    return "\n".join([*lines, *_because(report["verdicts"]), "Plan:", *_because(report["reasons"])])


def _heard(report: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for side, source in zip("AB", report["sources"], strict=True):
        tempo = f"{source['tempo_bpm']:.1f} BPM" if source["tempo_bpm"] else "no steady tempo"
        lines.append(f"{side}: {duration(source['seconds'])}, {tempo}, {source['key'] or 'no clear key'}")
    return lines


def _because(reasons: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"  - {say_reason('en', reason['code'], reason['values'])}" for reason in reasons]
