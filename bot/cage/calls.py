"""Denies a Linux process, and all that it starts, the system calls that lead out of it.

A seccomp filter: the kernel answers the listed calls with EPERM. It needs `no_new_privs`. It holds for the thread
that asks and for all threads and processes that come from it, so it is put up before any other exists. Filters add
up: what one denies, no later one allows. Which files may be opened is the matter of `files`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Sequence

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_GET_ACTION_AVAIL, _RET_ERRNO = 2, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of classic BPF
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; the argument's low half
_ALLOW, _DENY, _MISSING = 0x7FFF0000, _RET_ERRNO | errno.EPERM, _RET_ERRNO | errno.ENOSYS
_X32 = 0x40000000  # the other call numbers of x86-64
_CLONE_THREAD = 0x00010000
Calls = dict[str, tuple[int, int | None] | tuple[int, int]]

_MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""For each machine its name in BPF, and the number of `seccomp`."""

# Every number is x86-64's, then aarch64's; None where a machine does not have the call.
_NETWORK = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "io_uring_setup": (425, 425),
}  # fmt: skip
_OTHER_PROCESSES = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122), "sched_setattr": (314, 274),
    "setsid": (112, 157), "setpgid": (109, 154),
}  # fmt: skip
_KERNEL = {
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265), "kexec_load": (246, 104),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "iopl": (172, None), "ioperm": (173, None), "personality": (135, 92),
}  # fmt: skip
_FILES = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "link": (86, None), "linkat": (265, 37),
    "symlink": (88, None), "symlinkat": (266, 36), "mknod": (133, None), "mknodat": (259, 33),
}  # fmt: skip
_MEMORY_THAT_NO_LIMIT_COUNTS = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
}  # fmt: skip
_EVER: Calls = {**_NETWORK, **_OTHER_PROCESSES, **_KERNEL, **_FILES, **_MEMORY_THAT_NO_LIMIT_COUNTS}
_PROCESSES: Calls = {"fork": (57, None), "vfork": (58, None), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138)}
_PROGRAMS: Calls = {"execve": (59, 221), "execveat": (322, 281)}
_CLONE, _CLONE3, _KILL, _TGKILL, _PRLIMIT64 = (56, 220), (435, 435), (62, 129), (234, 131), (302, 261)

Line = tuple[int, int, int, int]


def available() -> bool:
    """Whether this system can hold a process to a filter, and one is written for it."""
    known = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or known is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    return ctypes.CDLL(None).syscall(known[1], _GET_ACTION_AVAIL, 0, ctypes.byref(ctypes.c_uint32(_RET_ERRNO))) == 0


def renounce() -> None:
    """No program that this process starts gains rights; what it denies itself needs that."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "rights are not renounced")


def deny(*, programs: bool = False) -> None:
    """Deny this process what leads out of it, other processes and programs included.

    With `programs` it may start some, which then ought to `deny_processes` before they begin. Raises OSError where
    the filter does not come to hold.
    """
    _put_up(_EVER if programs else _EVER | _PROCESSES | _PROGRAMS, alone=not programs)


def deny_processes() -> None:
    """Between fork and exec: the program to come may have threads, but start no process and send no signals."""
    if available():
        _put_up(_PROCESSES, alone=True)


def _put_up(calls: Calls, *, alone: bool) -> None:
    architecture, _ = _MACHINES[platform.machine()]
    at = int(platform.machine() == "aarch64")
    numbers = [number for pair in calls.values() if (number := pair[at]) is not None]
    code = _program(architecture, numbers, at, os.getpid() if alone else None)
    filter_ = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(filter_))
    renounce()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls does not hold")


def _program(architecture: int, calls: Sequence[int], at: int, alone: int | None) -> bytes:
    """The filter: another architecture and every listed call are denied, everything else is allowed.

    `alone` is the process that may signal itself only, and start threads only.
    """
    lines: list[Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _NUMBER),
        *_where((_AT_LEAST, _X32), (_RETURN, 0, 0, _DENY)),
        # Its flags lie in memory, where no filter looks; libraries know the older call.
        *_where((_EQUAL, _CLONE3[at]), (_RETURN, 0, 0, _MISSING)),
        *_only_if(_PRLIMIT64[at], (_EQUAL, 0)),
    ]
    if alone is not None:
        lines += [
            *_only_if(_CLONE[at], (_ANY_BIT, _CLONE_THREAD)),
            *_only_if(_KILL[at], (_EQUAL, alone)),
            *_only_if(_TGKILL[at], (_EQUAL, alone)),
        ]
    # A hit leads over the tests that are left and over "allow".
    lines += [(_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _DENY)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _where(test: tuple[int, int], *then: Line) -> list[Line]:
    """`then`, for the numbers that pass the test."""
    return [(test[0], 0, len(then), test[1]), *then]


def _only_if(call: int, test: tuple[int, int]) -> list[Line]:
    """The call is decided by its first argument."""
    return _where(
        (_EQUAL, call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (test[0], 0, 1, test[1]),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    )
