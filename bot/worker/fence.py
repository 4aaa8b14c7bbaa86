"""Denies a Linux process, and all that it starts, every socket and other ways out, for good and without root.

A seccomp filter: the kernel answers the listed calls with EPERM. It needs `no_new_privs`. It holds for the thread
that asks and for all threads and processes that come from it, so it is put up before any other exists. Files stay
readable.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: load a word, jump if equal, if at least, return
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
_X32 = 0x40000000  # the other call numbers of x86-64

# socket, connect, bind, listen, accept, accept4, io_uring_setup, process_vm_readv, process_vm_writev, ptrace
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 49, 50, 43, 288, 425, 310, 311, 101)),
    "aarch64": (0xC00000B7, (198, 203, 200, 201, 202, 242, 425, 270, 271, 117)),
}


def put_up() -> bool:
    """True when the fence stands; False where this system offers none (then only the empty environment is left)."""
    known = _CALLS.get(platform.machine())
    if sys.platform != "linux" or known is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    code = _program(*known)
    filter_ = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(filter_))
    libc = ctypes.CDLL(None)
    return libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0) == 0


def _program(architecture: int, calls: tuple[int, ...]) -> bytes:
    """The filter: another architecture and every listed call are denied, everything else is allowed."""
    tests = [(_AT_LEAST, _X32), *((_EQUAL, call) for call in calls)]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _NUMBER),
        # A hit leads over the tests that are left and over "allow".
        *((test, len(tests) - place, 0, value) for place, (test, value) in enumerate(tests)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
