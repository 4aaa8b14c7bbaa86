"""The auditor as it is locked, held against advisories of our own: a local server that answers OSV's query.

It shows that what is known gets through from an advisory to a red audit, and not what is known of the packages.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.scorecard.commands import ROOT
from tests.supply import audit, parts


@contextmanager
def auditor(known: Mapping[str, str] | None) -> Generator[tuple[str, ...]]:
    """pip-audit, asking a server that knows a hole in each of these versions by package; None: one that fails."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, version = asked["package"]["name"], asked["version"]
            holes = [hole(name)] if known and known.get(name) == version else []
            body = json.dumps({"vulns": holes} if holes else {}).encode()
            self.send_response(500 if known is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        url = f"http://127.0.0.1:{server.server_port}/v1/query"
        try:
            yield str(audit.PROGRAM), "--vulnerability-service", "osv", "--osv-url", url
        finally:
            server.shutdown()
            serving.join()


def hole(package: str) -> dict[str, object]:
    """An advisory in OSV's schema."""
    affected = [{"package": {"name": package, "ecosystem": "PyPI"}}]
    return {"id": f"TEST-{package}", "schema_version": "1.6.0", "summary": "made up", "affected": affected}


def faults() -> list[str]:
    """What the audit says where it has to pass, and does not say where it has to fail."""
    canary, _, version = audit.CANARY.partition("==")
    package, locked = next(iter(parts.locked((ROOT / audit.LOCKS[0]).read_text("utf-8")).items()))
    good = {canary: version}
    cases: tuple[tuple[Mapping[str, str] | None, str], ...] = (
        (good, ""),
        ({**good, package: locked}, f"{package} has TEST-{package}"),
        ({}, "proves nothing"),
        (None, "proves nothing"),
    )
    return [fault for known, words in cases for fault in _wrong(known, words)]


def _wrong(known: Mapping[str, str] | None, words: str) -> list[str]:
    with auditor(known) as program:
        said = "; ".join(audit.audit(program))
    if said == words or (words and words in said):
        return []
    return [f"with {known} the audit said {said or 'nothing'!r} instead of {words or 'nothing'!r}"]
