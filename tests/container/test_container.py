"""Dockerfile and compose.yaml keep the rules; a file that breaks one is found out."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml

from tests.container.dockerfile import read
from tests.container.rules import compose_faults, dockerfile_faults
from tests.scorecard.commands import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")


def test_the_image_keeps_the_rules() -> None:
    assert dockerfile_faults(DOCKERFILE) == []


def test_the_composition_keeps_the_rules() -> None:
    assert compose_faults(yaml.safe_load(COMPOSE)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("python:3.12.13-slim-trixie", "python:3-slim", "exact version"),
        (" --require-hashes", "", "without its hash"),
        (" --only-binary :all:", "", "built here"),
        ("--no-install-recommends ffmpeg", "--no-install-recommends ffmpeg gcc", "compiler"),
        ("USER 10001:10001", "USER root", "ordinary user"),
        ("WORKDIR /data", "RUN id", "as the user that runs"),
        ("HEALTHCHECK", "LABEL", "no HEALTHCHECK"),
        ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "SIGTERM"),
        ('ENTRYPOINT ["/opt/twodeck/bin/twodeck"]', "ENTRYPOINT twodeck", "a shell"),
        ("COPY LICENSE NOTICES.md", "COPY LICENSE", "LGPL"),
        ("&& python -m pip uninstall --yes pip ", "", "installer"),
        ("PYTHONUNBUFFERED=1", "DISCORD_TOKEN=x", "secret"),
        ("COPY bot ./bot", "RUN wget x", "fetched"),
    ],
)
def test_a_weaker_image_is_found_out(old: str, new: str, fault: str) -> None:
    assert old in DOCKERFILE
    assert fault in " ".join(dockerfile_faults(DOCKERFILE.replace(old, new)))


@pytest.mark.parametrize(
    ("service", "change", "fault"),
    [
        ("bot", {"read_only": False}, "written to"),
        ("bot", {"cap_drop": []}, "keeps capabilities"),
        ("bot", {"cap_add": ["SYS_ADMIN"]}, "given back"),
        ("bot", {"security_opt": []}, "gain privileges"),
        ("bot", {"mem_limit": None}, "mem_limit"),
        ("bot", {"pids_limit": None}, "pids_limit"),
        ("bot", {"user": "0:0"}, "root"),
        ("bot", {"ports": ["8080:8080"]}, "published"),
        ("bot", {"tmpfs": ["/tmp"]}, "/tmp"),
        ("bot", {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "socket"),
        ("proxy", {"image": "caddy:latest"}, "exact version"),
        ("proxy", {"profiles": []}, "unasked"),
    ],
)
def test_a_weaker_composition_is_found_out(service: str, change: dict[str, Any], fault: str) -> None:
    compose = yaml.safe_load(COMPOSE)
    compose["services"][service] |= change
    assert fault in " ".join(compose_faults(compose))


def test_what_is_copied_is_let_in_and_is_there() -> None:
    """A file that .dockerignore keeps out is missing at build time."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"}
    copies = [step.words for stage in read(DOCKERFILE) for step in stage.all("COPY") if "--from" not in step.value]
    names = {name.removeprefix("./") for words in copies for name in words[:-1]}
    assert names == let_in
    assert all((ROOT / name).exists() for name in names)


def test_the_image_has_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert yaml.safe_load(COMPOSE)["services"]["bot"]["image"] == f"twodeck:{version}"
    assert version.startswith("0.")


def test_the_proxy_logs_no_path_and_passes_on_nothing_else() -> None:
    caddyfile = (ROOT / "Caddyfile").read_text("utf-8")
    assert "log" not in [line.split()[0] for line in caddyfile.splitlines() if line.split()]
    assert "path /callbacks/* /sources/* /healthz" in caddyfile
    assert "respond 404" in caddyfile
