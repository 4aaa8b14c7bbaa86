"""Which versions are installed: packages by their metadata, libraries inside wheels by asking them."""

from __future__ import annotations

import re
import sqlite3
import ssl
from collections.abc import Iterator, Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.scorecard.commands import ROOT

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.*?))?(?: \\)?$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_INSIDE = {
    "LAME": rb"LAME(\d\.\d+)",
    "mpg123": rb"\x00(1\.\d\d\.\d+)\x00",
    "libFLAC": rb"reference libFLAC (\d+\.\d+\.\d+)",
    "libVorbis": rb"Xiph\.Org libVorbis (\d+\.\d+\.\d+)",
    "libopus": rb"libopus (\d+\.\d+[.\d]*)",
}
_PICTURES = {
    "freetype2": "freetype",
    "libjpeg_turbo": "libjpeg-turbo",
    "libtiff": "libtiff",
    "webp": "libwebp",
    "jpg_2000": "openjpeg",
    "zlib": "zlib",
    "littlecms2": "lcms2",
    "harfbuzz": "harfbuzz",
}


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> dict[str, str]:
    """What a lock file pins for this machine and interpreter: versions by name."""
    return {
        plain(name): version
        for name, version, marker in _PINNED.findall(lock)
        if not marker or _applies(f"{name} ; {marker}")
    }


def _applies(line: str) -> bool:
    marker = Requirement(line).marker
    return marker is None or marker.evaluate()


def hashes(lock: str) -> dict[tuple[str, str], list[str]]:
    """The sha256 digests of everything in a lock file, by name and version."""
    found = list(_PINNED.finditer(lock))
    ends = [match.start() for match in found[1:]] + [len(lock)]
    return {(plain(m[1]), m[2]): _HASH.findall(lock[m.end() : end]) for m, end in zip(found, ends, strict=True)}


def default_install() -> dict[str, str]:
    return locked((ROOT / "requirements.lock").read_text("utf-8"))


def packages() -> dict[str, str]:
    """The installed version of everything in the default install."""
    return {name: metadata.version(name) for name in default_install()}


def bundled() -> dict[str, str]:
    """The version of each library inside a wheel, by `library in package`."""
    return dict([*_sound(), *_pictures(), *_numbers()])


def interpreter() -> dict[str, str]:
    return {"SQLite": sqlite3.sqlite_version, "OpenSSL": ssl.OPENSSL_VERSION.split()[1]}


def _sound() -> Iterator[tuple[str, str]]:
    soundfile: Any = import_module("soundfile")
    yield "libsndfile", soundfile.__libsndfile_version__
    library = next((Path(soundfile.__file__).parent / "_soundfile_data").glob("libsndfile*")).read_bytes()
    for name, pattern in _INSIDE.items():
        yield f"{name} in libsndfile", "/".join(sorted({v.decode() for v in re.findall(pattern, library)}))
    encoder: Any = import_module("lameenc").Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_in_sample_rate(44100)
    tag = re.search(rb"LAME(\d\.\d+)", bytes(encoder.encode(bytes(88200)) + encoder.flush()))
    yield "LAME in lameenc", tag[1].decode() if tag else ""
    yield "libsoxr in soxr", re.split(r"[-+]", import_module("soxr").__libsoxr_version__)[0]


def _pictures() -> Iterator[tuple[str, str]]:
    features: Any = import_module("PIL.features")
    for name, title in _PICTURES.items():
        yield f"{title} in pillow", str(features.version(name))


def _numbers() -> Iterator[tuple[str, str]]:
    config: Mapping[str, Any] = import_module("numpy").__config__.CONFIG
    yield "OpenBLAS in numpy", config["Build Dependencies"]["blas"]["version"]
