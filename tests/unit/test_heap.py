"""A large buffer that is freed goes back to the system, whatever was freed before it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import ctypes, sys
from bot import heap

class Heap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ord small mapped bytes u f used free keep".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Heap
if sys.argv[1] == "small":
    heap.keep_small()
bytes(4 << 20)  # mapped by itself, and freed
before = libc.mallinfo2().mapped
held = bytes(1 << 20)
print(libc.mallinfo2().mapped - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this C library is not glibc 2.33 or newer")
@pytest.mark.parametrize(("kind", "own_mappings"), [("small", "1"), ("as it is", "0")])
def test_a_large_buffer_has_a_mapping_of_its_own_only_when_asked_for(kind: str, own_mappings: str) -> None:
    done = subprocess.run(
        (sys.executable, "-c", _SCRIPT, kind),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == own_mappings
