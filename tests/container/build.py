"""Goes through the Dockerfile without a container engine: `python -m tests.container.build
[--keep-root-writable]`.

Every step is carried out in a root directory of its own: an overlay over this machine's, into which all writes
go, with a Python of the Dockerfile's minor version as `/usr/local`. The base's own files are therefore this
machine's; all else is as in the image. Then the bot is started in it as compose.yaml says: as the image's user,
without capabilities, on a read-only root, with the volume and a small /tmp. It is asked for its health, answers
ten assertions about itself, connects to a stand-in for Discord, makes a mashup, and is stopped with SIGTERM.
Root and Linux are needed, because roots are mounted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.container.dockerfile import Stage, Step, read
from tests.container.trial import Trial
from tests.scorecard.commands import ROOT

INSIDE = "TWODECK_TEST_INSIDE"
STEP_SECONDS = 900
_PASSED_ON = re.compile(r"^(PIP_|SSL_|HTTPS?_PROXY|NO_PROXY|LANG)", re.IGNORECASE)


class Root:
    """The files of one stage: an overlay that ends with the mount namespace."""

    def __init__(self, place: Path, python: Path) -> None:
        self.path = place / "root"
        self.upper = place / "upper"
        self.environment = {name: value for name, value in os.environ.items() if _PASSED_ON.match(name)}
        self.environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.folder = "/"
        self.user = "0:0"
        _overlay(Path("/"), place, self.path)
        _overlay(python, place / "python", self.path / "usr/local")
        for name in ("proc", "sys", "dev"):
            _run("mount", "--rbind", f"/{name}", str(self.path / name))

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(command),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )

    def command(self, command: Sequence[str], *, confined: bool = False) -> list[str]:
        """In this root, as its user; confined: without capabilities, and with no way to get any."""
        user, group = self.user.split(":")
        lock = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] if confined else []
        switch = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *lock]
        there = ["sh", "-c", 'cd "$0" && exec "$@"', self.folder]
        return ["chroot", str(self.path), *switch, *there, *command]


def _overlay(lower: Path, place: Path, where: Path) -> None:
    for name in ("upper", "work"):
        (place / name).mkdir(parents=True, exist_ok=True)
    where.mkdir(exist_ok=True)
    layers = f"lowerdir={lower},upperdir={place / 'upper'},workdir={place / 'work'}"
    _run("mount", "-t", "overlay", "overlay", "-o", layers, str(where))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=60)


def build(stages: Sequence[Stage], place: Path, python: Path) -> Root:
    """Carry out every step; the root of the last stage. Raises `RuntimeError` with what a failed step said."""
    roots: dict[str, Root] = {}
    root = None
    for number, stage in enumerate(stages):
        (place / str(number)).mkdir()
        root = roots[stage.name or str(number)] = Root(place / str(number), python)
        for step in stage.steps:
            _carry_out(step, root, roots)
            sys.stdout.write(f"ok: {step.instruction} {step.value[:90]}\n")
            sys.stdout.flush()
    assert root is not None
    return root


def _carry_out(step: Step, root: Root, roots: dict[str, Root]) -> None:
    match step.instruction:
        case "RUN":
            done = root.run(["sh", "-c", step.value])
            if done.returncode:
                raise RuntimeError(f"RUN {step.value}\n{done.stdout}")
        case "COPY":
            _copy(step, root, roots)
        case "ENV":
            root.environment |= dict(word.split("=", 1) for word in step.words)
        case "WORKDIR":
            root.folder = step.value
            (root.path / step.value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "USER":
            root.user = step.value
        case "VOLUME" | "STOPSIGNAL" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
            pass  # of the running container
        case _:
            raise RuntimeError(f"this runner does not know {step.instruction}")


def _copy(step: Step, root: Root, roots: dict[str, Root]) -> None:
    words = step.words
    source = ROOT
    if words[0].startswith("--from="):
        source = roots[words.pop(0).removeprefix("--from=")].path
    *names, target = words
    folder = target.endswith("/") or len(names) > 1
    to = root.path / root.folder.lstrip("/") / target if not target.startswith("/") else root.path / target[1:]
    for name in names:
        origin = source / name.lstrip("/")
        if origin.is_dir():
            shutil.copytree(origin, to, symlinks=True, dirs_exist_ok=True, ignore=_left_out)
        else:
            to.mkdir(parents=True, exist_ok=True) if folder else None
            shutil.copy2(origin, to)


def _left_out(folder: str, names: list[str]) -> set[str]:
    return {"__pycache__"} & set(names) if str(ROOT) in folder else set()


def harden(root: Root, data: Path, *, writable: bool) -> None:
    """As compose.yaml: the volume, a small /tmp, nothing else to write to."""
    data.mkdir(exist_ok=True)
    os.chown(data, *map(int, root.user.split(":")))
    data.chmod(0o700)
    _run("mount", "--bind", str(data), str(root.path / "data"))
    (root.path / "tmp").mkdir(exist_ok=True)
    options = "size=512m,mode=1777,noexec,nosuid,nodev"
    _run("mount", "-t", "tmpfs", "tmpfs", "-o", options, str(root.path / "tmp"))
    if not writable:
        for where in (root.path / "usr/local", root.path):
            _run("mount", "-o", "remount,ro", str(where))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--keep-root-writable", action="store_true", help="a weaker container, to see it found out")
    parser.add_argument("--keep-privileges", action="store_true", help="the same, with root's rights")
    options = parser.parse_args()
    if os.environ.get(INSIDE) is None:
        return _in_a_namespace()
    stages = read((ROOT / "Dockerfile").read_text("utf-8"))
    python = _python(re.search(r"python:(\d+\.\d+)", stages[-1].base))
    with tempfile.TemporaryDirectory(prefix="twodeck-image-") as name:
        place = Path(name)
        try:
            _run("mount", "-t", "tmpfs", "tmpfs", name)
            root = build(stages, place, python)
            harden(root, place / "data", writable=options.keep_root_writable)
            return Trial(root, stages[-1], confined=not options.keep_privileges).run()
        finally:
            os.chdir("/")
            subprocess.run(["umount", "--recursive", "--lazy", name], check=False, timeout=60)


def _in_a_namespace() -> int:
    """The mounts end with this process and nobody else sees them."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        sys.stderr.write("The image's steps need root, Linux, unshare and setpriv here; or build it with Docker.\n")
        return 2
    command = ["unshare", "--mount", "--propagation", "private", "--kill-child", "--fork"]
    child = subprocess.Popen(
        [*command, sys.executable, "-m", "tests.container.build", *sys.argv[1:]],
        cwd=ROOT,
        env={**os.environ, INSIDE: "1"},
    )
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        return child.wait()


def _python(minor: re.Match[str] | None) -> Path:
    """The folder of an interpreter of that version."""
    assert minor is not None
    found = shutil.which(f"python{minor[1]}")
    installed = sorted(Path.home().glob(f".pyenv/versions/{minor[1]}.*"))
    if installed:
        return installed[-1]
    if found is None:
        raise SystemExit(f"no Python {minor[1]} here")
    return Path(found).resolve().parents[1]


if __name__ == "__main__":
    sys.exit(main())
