"""The command line as scripts use it: exit codes, files, sentences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.audio.synth import Song, stereo, write_mp3


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("songs")
    return (
        write_mp3(folder / "one.mp3", stereo(Song(tempo=120, seconds=16))),
        write_mp3(folder / "two.mp3", stereo(Song(tempo=118, seconds=16, tonic=2))),
    )


def twodeck(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "TWODECK_"))}
    return subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_mix_writes_exactly_what_was_asked_and_reports_it(songs: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mp3"
    done = twodeck("mix", *songs, "-o", out, "--tracks", 2, "--seed", 7, "--title", "Mine", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out-2.mp3", "out-2.png", "out.mp3", "out.png"]
    assert [t["file"] for t in report["tracks"]] == [str(out), str(tmp_path / "out-2.mp3")]
    assert (report["seed"], report["title"]) == (7, "Mine")
    for track in report["tracks"]:
        assert abs(track["loudness_lufs"] + 14) <= 0.5
        assert track["true_peak_dbtp"] <= -1
        assert {"reasons", "sections", "sha256", "pcm_sha256", "stretch", "shift_semitones"} <= set(track)
    assert [round(source["tempo_bpm"]) for source in report["sources"]] == [120, 118]


def test_the_same_seed_gives_the_same_samples(songs: tuple[Path, Path], tmp_path: Path) -> None:
    runs = [("one", 3), ("two", 3), ("three", 4)]
    reports = [twodeck("mix", *songs, "-o", tmp_path / f"{n}.mp3", "--seed", seed, "--json") for n, seed in runs]
    first, again, other = [json.loads(r.stdout)["tracks"][0]["pcm_sha256"] for r in reports]
    assert first == again
    assert first != other


def test_mix_without_json_says_what_it_did(songs: tuple[Path, Path], tmp_path: Path) -> None:
    done = twodeck("mix", *songs, "-o", tmp_path / "x.mp3")
    assert done.returncode == 0
    assert "120.0 BPM" in done.stdout
    assert "LUFS" in done.stdout


def test_mix_plan_tells_how_well_they_go_together_and_writes_nothing(
    songs: tuple[Path, Path], tmp_path: Path
) -> None:
    done = twodeck("mix", *songs, "--plan", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert {"sources", "score", "layout", "verdicts", "reasons", "stretch", "shift_semitones"} <= set(report)
    assert "sections" not in report
    assert [verdict["policy"] for verdict in report["verdicts"]][:3] == ["beat", "tempo", "meter"]
    assert report["stretch"]["b"] == pytest.approx(120 / 118, abs=1e-3)
    told = twodeck("mix", *songs, "--plan", cwd=tmp_path).stdout
    assert f"Compatibility: {report['score']} of 100" in told
    assert "Tempo: a change of" in told
    assert list(tmp_path.iterdir()) == []


def test_bad_input_has_its_own_exit_code_and_leaves_nothing(songs: tuple[Path, Path], tmp_path: Path) -> None:
    sf.write(tmp_path / "blink.wav", np.full(8000, 0.1), 8000)
    (tmp_path / "letter.mp3").write_text("Dear engine, " * 100)
    for name, sentence in (("blink.wav", "“blink.wav” is 1 s long"), ("letter.mp3", "“letter.mp3” is not audio")):
        done = twodeck("mix", songs[0], tmp_path / name, "-o", tmp_path / "out.mp3")
        assert done.returncode == 3
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.mp3").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.mp3", "nowhere.mp3", "-o", "out.mp3"], "nowhere.mp3 is not a file"),
        (["pyproject.toml", "pyproject.toml", "-o", "out.wav"], "the name cannot end in .wav"),
        (["pyproject.toml", "pyproject.toml", "-o", "no/such/out.mp3"], "is not a folder"),
        (["pyproject.toml", "pyproject.toml", "-o", "out.mp3", "--audio-weight", "2"], "it goes from 0 to 1"),
        (["pyproject.toml", "pyproject.toml", "-o", "out.mp3", "--title", "x" * 101], "at most 100 fit"),
        (["pyproject.toml"], "required"),
    ],
)
def test_wrong_usage_is_2(arguments: list[str], sentence: str) -> None:
    done = twodeck("mix", *arguments, cwd=Path(__file__).parents[2])
    assert done.returncode == 2
    assert sentence in done.stderr


def test_run_names_the_setting_that_is_missing(tmp_path: Path) -> None:
    done = twodeck("run", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "twodeck: DISCORD_TOKEN is not set. docs/operating.md says where to get it.\n"


def test_run_reads_an_env_file_and_names_what_is_wrong_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.env").write_text("DISCORD_TOKEN=abc\nLOCAL_WORKERS=many\n")
    done = twodeck("run", "--env-file", "mine.env", cwd=tmp_path)
    assert done.returncode == 2
    assert "LOCAL_WORKERS is wrong" in done.stderr
    assert "abc" not in done.stderr
