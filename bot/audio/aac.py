"""Decodes AAC (m4a) through PyAV where it is installed, else through an ffmpeg program, else refuses."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bot.cage import calls
from bot.errors import Code, Refused
from bot.formats.ffmpeg import ffmpeg_path

BLOCK = 1 << 16
DECODERS = "aac,aac_fixed,aac_latm,alac,mp3,mp3float"

Opened = tuple[int, int, Iterator[NDArray[np.float32]]]  # sample rate, channels, (frames, channels) blocks


def pyav() -> Any | None:
    """The PyAV module of the extra `m4a`, or None."""
    try:
        import av  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return av


@contextmanager
def open_aac(path: Path) -> Generator[Opened]:
    module = pyav()
    if module is not None:
        with _open_with_pyav(module, path) as opened:
            yield opened
        return
    program = ffmpeg_path()
    if program is None:
        raise Refused(Code.NEEDS_FFMPEG)
    with _open_with_ffmpeg(program, path) as opened:
        yield opened


def _demuxer(path: Path) -> str:
    """The only one that FFmpeg may use: left to itself it takes playlists and session descriptions for audio."""
    with path.open("rb") as file:
        return "mov" if file.read(8)[4:] == b"ftyp" else "aac"


@contextmanager
def _open_with_pyav(av: Any, path: Path) -> Generator[Opened]:
    """Given the open file and no protocol, FFmpeg opens nothing by itself."""
    with path.open("rb") as file:
        try:
            container = av.open(file, format=_demuxer(path), options={"protocol_whitelist": ""})
        except (av.FFmpegError, ValueError):
            raise Refused(Code.AUDIO_DAMAGED) from None
        with closing(container):
            yield _pyav_stream(av, container)


def _pyav_stream(av: Any, container: Any) -> Opened:
    if not container.streams.audio:
        raise Refused(Code.NOT_AUDIO)
    stream = container.streams.audio[0]
    if stream.codec_context.name not in {"aac", "alac", "mp3"}:
        raise Refused(Code.FORMAT_UNSUPPORTED, format=str(stream.codec_context.name))
    return int(stream.rate), int(stream.channels), _pyav_blocks(av, container, stream)


def _pyav_blocks(av: Any, container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    layout = "mono" if stream.channels == 1 else "stereo"
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=stream.rate)
    decoded = False
    try:
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                decoded = True
                yield np.ascontiguousarray(piece.to_ndarray().T)
    except av.FFmpegError:
        if not decoded:
            raise Refused(Code.AUDIO_DAMAGED) from None
    if not decoded:
        raise Refused(Code.AUDIO_DAMAGED)


@contextmanager
def _open_with_ffmpeg(program: Path, path: Path) -> Generator[Opened]:
    """Reads a float WAV from ffmpeg's standard output; the reader may stop at any block."""
    command = [str(program), "-nostdin", "-v", "quiet", "-protocol_whitelist", "file", "-f", _demuxer(path)]
    command += ["-codec_whitelist", DECODERS, "-i", f"file:{path}"]
    command += ["-map", "0:a:0", "-f", "wav", "-c:a", "pcm_f32le", "pipe:1"]
    with subprocess.Popen(  # noqa: S603 - a fixed program; the file's name is ours
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        preexec_fn=calls.deny_processes,  # noqa: PLW1509 - no other thread of a child holds a lock
    ) as run:
        assert run.stdout is not None  # noqa: S101 - asked for above
        try:
            rate, channels = _read_wav_head(run.stdout)
            yield rate, channels, _ffmpeg_blocks(run.stdout, channels)
        finally:
            run.kill()


def _read_wav_head(pipe: IO[bytes]) -> tuple[int, int]:
    """Sample rate and channels; leaves the pipe at the first sample."""
    rate = channels = 0
    if pipe.read(12)[:4] != b"RIFF":
        raise Refused(Code.AUDIO_DAMAGED)
    while len(head := pipe.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            return rate, channels
        body = pipe.read(length + length % 2)
        if name == b"fmt " and len(body) >= 8:
            channels, rate = struct.unpack("<HI", body[2:8])
    raise Refused(Code.AUDIO_DAMAGED)


def _ffmpeg_blocks(pipe: IO[bytes], channels: int) -> Iterator[NDArray[np.float32]]:
    width = 4 * channels
    decoded = False
    while data := pipe.read(BLOCK * width):
        whole = len(data) // width
        if whole:
            decoded = True
            yield np.frombuffer(data, "<f4", whole * channels).reshape(whole, channels)
    if not decoded:
        raise Refused(Code.AUDIO_DAMAGED)
