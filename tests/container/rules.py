"""What the Dockerfile and compose.yaml have to keep; each rule that is broken is a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.container.dockerfile import Stage, read

COMPILERS = ("build-essential", "gcc", "g++", "cmake", "make", "clang", "-dev")
_PINNED = re.compile(r"^[\w./-]+:\d+\.\d+\.\d+[\w.-]*$")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|API_KEY|WEBHOOK_KEY")


def dockerfile_faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile."""
    stages = read(text)
    last = stages[-1]
    return [*_bases(stages), *_installing(stages), *_last(last), *_secrets(stages)]


def _bases(stages: list[Stage]) -> Iterator[str]:
    if len(stages) < 2:
        yield "what builds is not kept apart from what runs"
    for stage in stages:
        if not _PINNED.match(stage.base) or "slim" not in stage.base:
            yield f"{stage.base}: not a slim base, pinned by its exact version"


def _installing(stages: list[Stage]) -> Iterator[str]:
    runs = [step.value for stage in stages for step in stage.all("RUN")]
    installs = [
        command
        for run in runs
        for command in re.split(r"&&|;", run)
        if "pip install" in command and "--no-deps" not in command
    ]
    if not installs:
        yield "nothing is installed"
    for command in installs:
        if "--require-hashes" not in command or "--only-binary :all:" not in command:
            yield "a package is installed without its hash, or built here"
    for run in runs:
        wanted = [word for word in run.split() if any(word == c or word.endswith(c) for c in COMPILERS)]
        if "apt-get install" in run and wanted:
            yield f"a compiler is installed: {', '.join(wanted)}"
        if "apt-get install" in run and "--no-install-recommends" not in run:
            yield "apt-get installs what is only recommended"
        if re.search(r"\b(curl|wget)\b|https?://", run):
            yield "something is fetched from elsewhere than a package registry"
    for stage in stages:
        if stage.all("ADD"):
            yield "ADD: use COPY"


def _last(stage: Stage) -> Iterator[str]:
    users = [step.value for step in stage.all("USER")]
    if not users or not re.match(r"^[1-9]\d*:[1-9]\d*$", users[-1]):
        yield "it does not run as an ordinary user, given as numbers"
    after = stage.steps[stage.steps.index(stage.all("USER")[-1]) :] if users else []
    if any(step.instruction in ("RUN", "COPY") for step in after):
        yield "files are made as the user that runs"
    if not stage.all("HEALTHCHECK"):
        yield "no HEALTHCHECK"
    if [step.value for step in stage.all("STOPSIGNAL")] not in ([], ["SIGTERM"]):
        yield "it is not stopped with SIGTERM"
    if not all(step.value.startswith("[") for step in stage.all("ENTRYPOINT") + stage.all("CMD")):
        yield "a shell stands between the signal and the bot"
    if "NOTICES.md" not in " ".join(step.value for step in stage.all("COPY")):
        yield "the notices of LGPL libraries are not in the image"
    if "pip uninstall --yes pip" not in " ".join(step.value for step in stage.all("RUN")):
        yield "an installer stays in the image"


def _secrets(stages: list[Stage]) -> Iterator[str]:
    for step in (step for stage in stages for step in stage.steps if step.instruction in ("ENV", "ARG")):
        if _SECRET.search(step.value):
            yield f"a secret is built in: {step.value.split('=')[0]}"


def compose_faults(compose: Mapping[str, Any]) -> list[str]:
    """What is wrong with compose.yaml, already read."""
    services: Mapping[str, Mapping[str, Any]] = compose["services"]
    faults = [f"{name}: {fault}" for name, service in services.items() for fault in _service(service)]
    bot = services["bot"]
    if bot.get("user") in (None, "0", "root", "0:0"):
        faults.append("bot: it runs as root")
    if bot.get("ports"):
        faults.append("bot: a port is published; only the proxy may reach it")
    if bot.get("cap_add"):
        faults.append("bot: a capability is given back")
    if any(not service.get("profiles") for name, service in services.items() if name != "bot"):
        faults.append("something besides the bot starts unasked")
    if not any(str(volume).endswith(":/data") for volume in bot.get("volumes", ())):
        faults.append("bot: its data is in no volume")
    return faults


def _service(service: Mapping[str, Any]) -> Iterator[str]:
    if service.get("read_only") is not True:
        yield "its root can be written to"
    if service.get("cap_drop") != ["ALL"]:
        yield "it keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", ()):
        yield "it may gain privileges"
    for limit in ("mem_limit", "cpus", "pids_limit", "stop_grace_period"):
        if not service.get(limit):
            yield f"no {limit}"
    if service.get("privileged") or "host" in (service.get("network_mode"), service.get("pid")):
        yield "it shares the host"
    if any("docker.sock" in str(volume) for volume in service.get("volumes", ())):
        yield "it has the socket of the container engine"
    for mount in service.get("tmpfs", ()):
        if (
            not {"noexec", "nosuid", "nodev"} <= set(str(mount).partition(":")[2].split(","))
            or "size=" not in mount
        ):
            yield f"{mount}: without a size, or programs may be run there"
    if not _PINNED.match(str(service.get("image", ""))):
        yield "its image is not pinned by its exact version"
