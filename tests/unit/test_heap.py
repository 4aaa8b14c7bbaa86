"""A large buffer that is freed goes back to the system, whatever was freed before it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

_HEAP = """
import ctypes, sys
from bot import heap

class Heap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ord small mapped bytes u f used free keep".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Heap
"""
_MAPPED = """
if sys.argv[1] == "small":
    heap.keep_small()
bytes(4 << 20)  # mapped by itself, and freed
before = libc.mallinfo2().mapped
held = bytes(1 << 20)
print(libc.mallinfo2().mapped - before)
"""
_HOLES = """
from pathlib import Path

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

held = [bytes([65]) * 16_000 for _ in range(4_000)]
del held[1::2], held[2::3]  # much is free, and something is in use above it
before = resident()
if sys.argv[1] == "give back":
    heap.give_back()
print("less" if resident() < before - 10_000_000 else "as before")
"""


pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this C library is not glibc 2.33 or newer"
)


def run(script: str, kind: str) -> str:
    command = (sys.executable, "-c", _HEAP + script, kind)
    return subprocess.run(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(("kind", "own_mappings"), [("small", "1"), ("as it is", "0")])
def test_a_large_buffer_has_a_mapping_of_its_own_only_when_asked_for(kind: str, own_mappings: str) -> None:
    assert run(_MAPPED, kind) == own_mappings


@pytest.mark.parametrize(("kind", "memory"), [("give back", "less"), ("as it is", "as before")])
def test_holes_in_the_heap_are_given_back_only_when_asked_for(kind: str, memory: str) -> None:
    assert run(_HOLES, kind) == memory
