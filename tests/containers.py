"""Files that mean another file or an address, each in several coats: what a decoder must not follow."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping


def containers(path: str, address: str) -> dict[str, bytes]:
    """By name. `path` is a local audio file, `address` a host and port, that nothing of it may reach."""
    url = f"http://{address}/other.mp3"
    texts = {name: text.format(path=path, url=url, address=address).encode() for name, text in _TEXTS.items()}
    coated = {f"{name} in {coat}": put_on(text) for coat, put_on in _COATS.items() for name, text in texts.items()}
    return coated | _own_references(path, url) | _other_containers()


_TEXTS = {
    "concat": "ffconcat version 1.0\nfile '{path}'\nfile '{url}'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{path}\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na=control:{url}\n",
    "pls": "[playlist]\nFile1={path}\nFile2={url}\nNumberOfEntries=2\n",
    "xspf": "<playlist><trackList><track><location>{url}</location></track></trackList></playlist>",
    "asx": "<asx version='3.0'><entry><ref href='{url}'/><ref href='file://{path}'/></entry></asx>",
    "dash": "<?xml version='1.0'?><MPD><Period><BaseURL>{url}</BaseURL><AdaptationSet/></Period></MPD>",
    "cue": 'FILE "{path}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
}  # fmt: skip


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _atom(name: bytes, *body: bytes) -> bytes:
    whole = b"".join(body)
    return struct.pack(">I", 8 + len(whole)) + name + whole


def _id3(body: bytes) -> bytes:
    size = len(body)
    return b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def _frame(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">IH", len(body), 0) + body


def _wav(code: int, extra: bytes = b"", bits: int = 16) -> bytes:
    form = struct.pack("<HHIIHH", code, 2, 44100, 176400, 4, bits) + extra
    return b"RIFF\xff\xff\0\0WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", bytes(range(256)) * 8)


_COATS: Mapping[str, Callable[[bytes], bytes]] = {
    "nothing": lambda text: text,
    "a tag": lambda text: _id3(_frame(b"TIT2", b"\0x")) + text,
    "an mp4's first bytes": lambda text: b"\0\0\0\x14ftypM4A " + b"\0\0\0\0M4A " + text,
    "a broken mp4": lambda text: b"\xff\xff\xffxftyp\n" + text,
    "an aac's first bytes": lambda text: b"\xff\xf1\x50\x80\n" + text,
    "a wav": lambda text: b"RIFF\xff\xff\0\0WAVE" + text,
    "an ogg": lambda text: b"OggS\0\x02" + bytes(20) + b"\x01\x1e" + text,
}


def _own_references(path: str, url: str) -> dict[str, bytes]:
    """What formats that are decoded offer themselves to name another file."""
    link = b"\0-->\0\x03\0" + url.encode()
    reference = _atom(b"url ", b"\0\0\0\0", url.encode(), b"\0")
    alias = _atom(b"alis", b"\0\0\0\0", path.encode(), b"\0")
    picture = struct.pack(">II", 3, 3) + b"-->" + struct.pack(">I", 0) + bytes(16) + struct.pack(">I", len(url))
    picture += url.encode()
    head = b"\0\0\0\x14ftypqt  \0\0\0\0qt  "
    movie = _atom(
        b"rmra", _atom(b"rmda", _atom(b"rdrf", b"\0\0\0\0url ", struct.pack(">I", len(url)), url.encode()))
    )
    return {
        "mp3 with a linked picture": _id3(_frame(b"APIC", link)) + b"\xff\xfb\x90\x00" + bytes(600),
        "mp3 with a linked tag": _id3(_frame(b"LINK", b"TIT2" + url.encode())) + b"\xff\xfb\x90\x00" + bytes(600),
        "flac with a linked picture": b"fLaC\x86" + len(picture).to_bytes(3, "big") + picture,
        "mp4 with its samples elsewhere": head + _atom(b"moov", _atom(b"dref", bytes(4), b"\0\0\0\1", reference)),
        "mp4 with an alias": head + _atom(b"moov", _atom(b"dref", bytes(4), b"\0\0\0\1", alias)),
        "a movie that is only a reference": head + _atom(b"moov", movie),
    }


def _other_containers() -> dict[str, bytes]:
    """Formats that libraries know and the bot does not read; some had holes in their decoders."""
    return {
        "wav of IMA ADPCM": _wav(0x11, struct.pack("<HH", 2, 0xFFFF), 4),
        "wav of MS ADPCM": _wav(0x02, struct.pack("<HHH", 32, 500, 7) + bytes(28), 4),
        "wav of GSM": _wav(0x31, struct.pack("<HH", 2, 320), 0),
        "wav of mp3": _wav(0x55, bytes(14)),
        "aiff": b"FORM\0\0\4\0AIFF" + bytes(600),
        "caf": b"caff\0\1\0\0desc" + bytes(600),
        "au": b".snd\0\0\0\x18" + bytes(600),
        "matroska": b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + bytes(600),
        "flv": b"FLV\1\5\0\0\0\t" + bytes(600),
        "midi": b"MThd\0\0\0\6\0\0\0\1\0\x60" + bytes(600),
    }
