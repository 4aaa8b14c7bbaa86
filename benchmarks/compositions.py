"""Real compositions with a tempo map: the MIDI music of Debian's `openttd-openmsx`, where it is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks import midi, truth
from benchmarks.truth import Truth

DIRECTORY = Path("/usr/share/games/openttd/baseset/openmsx")
SECONDS = 100.0
STYLE = "openttd-openmsx"
_TIME_SIGNATURE = b"\xff\x58\x04"
# Their maps do not tell the tempo that is played (a default of 120, or a beat that is no quarter).
UNTRUE = frozenset({"wood_whistles", "moo_redfarn", "chuggachugga"})


def files() -> list[Path]:
    """Those in three or four quarters to the bar."""
    return [file for file in sorted(DIRECTORY.glob("*.mid")) if file.stem not in UNTRUE and _meter(file) in {3, 4}]


def _meter(file: Path) -> int:
    data = file.read_bytes()
    place = data.find(_TIME_SIGNATURE)
    return 4 if place < 0 else data[place + 3]


def render(file: Path, wav: Path) -> Truth:
    """Plays up to `SECONDS` and returns what the map tells: beats and bars; keys and phrases are not known."""
    command = [
        "fluidsynth",
        "-niq",
        "-r",
        str(truth.RATE),
        "-g",
        "0.5",
        "-F",
        str(wav),
        str(truth.SOUNDFONT),
        str(file),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    samples, rate = sf.read(wav, frames=round(SECONDS * truth.RATE), dtype="float32")
    sf.write(wav, samples * np.float32(0.8 / max(float(np.abs(samples).max()), 1e-6)), rate, "PCM_16")
    ticks, meter = midi.tempo_map(file), _meter(file)
    quarters = np.arange(ticks.last_tick // ticks.ticks_per_quarter, dtype=np.float64)
    times = ticks.seconds(quarters * ticks.ticks_per_quarter)
    inside = times < len(samples) / rate - 0.1
    beats = times[inside]
    return Truth(
        name=file.stem,
        style=STYLE,
        tempo=60.0 / float(np.median(np.diff(beats))),
        beats=beats,
        downbeats=times[inside & (quarters % meter == 0)],
        phrases=np.empty(0),
        beats_per_bar=meter,
        tonic=0,
        mode="major",
        tuning_cents=0.0,
        steady=len(ticks.ticks) <= 2,
    )
