"""Opens an uploaded file as blocks of float32 samples, or refuses it; bad input raises nothing but Refused."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from bot.audio import aac
from bot.errors import Code, Refused
from bot.formats import magic

BLOCK = 1 << 18  # frames; libsndfile seeks once per read, so small blocks cost
MIN_RATE, MAX_RATE = 8_000, 96_000
LOUDEST = 100.0  # +40 dBFS: a float file beyond it is not a recording

Block = NDArray[np.float32]  # (frames, channels)

# (format, subtype) of libsndfile -> our name. Everything else that it can open stays shut.
_PCM = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
ALLOWED = {
    **{(container, subtype): "wav" for container in ("WAV", "WAVEX") for subtype in _PCM},
    **{("FLAC", subtype): "flac" for subtype in ("PCM_S8", "PCM_16", "PCM_24")},
    ("MP3", "MPEG_LAYER_III"): "mp3",
    ("MPEG", "MPEG_LAYER_III"): "mp3",
    ("OGG", "VORBIS"): "ogg",
    ("OGG", "OPUS"): "opus",
}
# Formats made of independent packets: what came before a cut is playable.
PACKETED = frozenset({"mp3", "ogg", "opus", "m4a"})

_UNSUPPORTED_ENCODING = 4  # SF_ERR_UNSUPPORTED_ENCODING of sndfile.h


@dataclass(frozen=True)
class Stream:
    """An open file: `frames` is what its header claims (None: it claims nothing), `blocks` what it holds."""

    format: str
    sample_rate: int
    channels: int
    frames: int | None
    blocks: Iterator[Block]


@contextmanager
def open_stream(path: Path) -> Generator[Stream]:
    """Opens by magic bytes; refuses what is empty, no audio, unsupported, damaged at its head or wild in shape."""
    kind = magic.kind_of(path)
    if kind == "aac":
        with aac.open_aac(path) as (rate, channels, blocks):
            _check_shape(rate, channels)
            yield Stream("m4a", rate, channels, None, _checked(blocks))
        return
    if kind == "wav" and magic.wav_is_cut(path):
        raise Refused(Code.AUDIO_DAMAGED)
    with _open_sndfile(path) as file:
        name = ALLOWED.get((file.format, file.subtype))
        if name is None:
            raise Refused(Code.FORMAT_UNSUPPORTED, format=f"{file.format} {file.subtype}")
        _check_shape(file.samplerate, file.channels)
        yield Stream(name, file.samplerate, file.channels, file.frames, _checked(_read(file, name)))


def _open_sndfile(path: Path) -> sf.SoundFile:
    try:
        return sf.SoundFile(path)
    except sf.LibsndfileError as error:
        if error.code == _UNSUPPORTED_ENCODING:
            raise Refused(Code.FORMAT_UNSUPPORTED, format=path.suffix.lstrip(".") or "?") from None
        raise Refused(Code.AUDIO_DAMAGED) from None


def _check_shape(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise Refused(Code.SAMPLE_RATE_UNSUPPORTED, rate=rate, minimum=MIN_RATE, maximum=MAX_RATE)
    if channels not in {1, 2}:
        raise Refused(Code.CHANNELS_UNSUPPORTED, channels=channels)


def _read(file: sf.SoundFile, name: str) -> Iterator[Block]:
    """Reads until nothing comes, not until the header's count: a header may lie."""
    total = 0
    while True:
        try:
            buffer = np.empty((BLOCK, file.channels), np.float32)
            block = buffer[: len(file.read(out=buffer))]
        except sf.LibsndfileError:
            if name in PACKETED and total:
                return
            raise Refused(Code.AUDIO_DAMAGED) from None
        if len(block) == 0:
            break
        total += len(block)
        yield block
    if total == 0 or (name == "flac" and total < file.frames):
        raise Refused(Code.AUDIO_DAMAGED)


def _checked(blocks: Iterator[Block]) -> Iterator[Block]:
    """Not-a-number and absurd levels would poison every later sum."""
    for block in blocks:
        if not len(block):
            continue
        if not (block.max() <= LOUDEST and block.min() >= -LOUDEST):  # both are false for NaN
            raise Refused(Code.AUDIO_DAMAGED)
        yield block
