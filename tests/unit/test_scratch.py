"""What the bot writes for a moment lies in its data folder, where the next start clears what a kill left there."""

from __future__ import annotations

from pathlib import Path

from bot.files.store import FileStore

BOT = Path(__file__).resolve().parents[2] / "bot"
ELSEWHERE = {
    "doctor/machine.py": "tries whether the data folder can be written to",
    "doctor/workers.py": "tries audio children, beside a bot or without one",
    "files/partial.py": "beside the file that it becomes",
    "files/store.py": "the rooms that everybody else asks for",
    "mix.py": "the terminal mixer has no data folder",
    "playground/files.py": "the stand-in for Discord has none",
    "playground/launcher.py": "the demo tracks, beside the folder that they are moved into",
}
"""Modules that make temporary files themselves, and why they may."""


def test_only_rooms_of_the_store_are_used() -> None:
    users = (path for path in BOT.rglob("*.py") if "tempfile" in path.read_text("utf-8"))
    assert {path.relative_to(BOT).as_posix() for path in users} == set(ELSEWHERE)


def test_a_start_clears_the_room_of_a_bot_that_was_killed(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    store.prepare()
    with store.room() as room:
        (room / "source.wav").write_bytes(b"RIFF")
        assert room.is_relative_to(tmp_path)
        FileStore(tmp_path / "files").prepare()
        assert not room.exists()
        room.mkdir(parents=True)  # it is cleared away once more
    assert not room.exists()
