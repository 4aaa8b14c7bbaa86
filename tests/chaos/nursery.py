"""Audio children that begin warm: forked from a process that has imported what they need.

Only the start of an interpreter is saved, which is most of what a short job costs. The code that runs, its limits
and its words are those of `bot.worker`; a child still dies when the bot closes its input.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from bot.worker import child, pool
from bot.worker.conversation import Conversation

_IMPORTED = ("bot.audio.probe", "bot.audio.finish")
_DESCRIPTORS = 3
_FORWARDER = """
import _socket, os, sys
way = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
way.connect(sys.argv[1])
rights = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
way.sendmsg([os.getcwd().encode()], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
for number in (0, 1, 2):
    os.close(number)
status = os.waitstatus_to_exitcode(int.from_bytes(way.recv(4) or b"\\x00\\x01", "little"))
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
"""
"""Stands where the child would: hands its pipes over, and ends as the child ends."""


def use(address: Path) -> None:
    """From now on the pool's children come from the nursery at this socket."""

    async def start(talk: Conversation, directory: Path) -> asyncio.SubprocessTransport:
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: talk,
            *(sys.executable, "-I", "-S", "-c", _FORWARDER, str(address)),
            env={},
            cwd=directory,
            close_fds=True,
            start_new_session=True,
        )
        return transport

    pool._start = start


def main(address: str) -> None:
    """Serve for ever."""
    for module in _IMPORTED:
        importlib.import_module(module)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        way, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _raise(way)
        way.close()


def _raise(way: socket.socket) -> None:
    """Fork the child proper, wait for its end and tell it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    directory, pipes, _, _ = socket.recv_fds(way, 4096, _DESCRIPTORS)
    born = os.fork()
    if born == 0:
        way.close()
        os.setsid()
        os.chdir(directory)
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        child.main()
    for pipe in pipes:
        os.close(pipe)
    _, status = os.waitpid(born, 0)
    way.sendall(struct.pack("<I", status))
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
