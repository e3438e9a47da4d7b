"""Live conformance against a real server on loopback, and the guard on the way out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from market.egress import Forbidden
from market.standards.checking.profiles import profile
from market.standards.sandboxes.calling import Exhausted, Guard
from market.standards.sandboxes.live import CONTROL, Report, conform

TOKEN = "t-123"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Zones", "version": "1.0.0", "description": "Parking zones."},
    "security": [{"key": []}],
    "paths": {
        "/zones": {
            "get": {
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}}],
                "responses": {
                    "200": {
                        "description": "All",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["items"],
                                    "properties": {"items": {"type": "array", "items": {"type": "string"}}},
                                }
                            }
                        },
                    },
                    "400": {"description": "No", "content": {"application/problem+json": {}}},
                    "401": {"description": "Who?", "content": {"application/problem+json": {}}},
                },
            },
            "post": {"responses": {"201": {"description": "Made"}}},
        }
    },
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
}
RAW = json.dumps(DOCUMENT).encode()


@contextmanager
def serving(fault: str = "", token: str = TOKEN) -> Iterator[tuple[str, list[str]]]:
    """A small API on loopback that keeps its description, apart from one planted fault."""
    seen: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def say(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def problem(self, status: int) -> None:
            kind = "text/html" if fault == "html errors" else "application/problem+json"
            self.say(status, kind, b'{"title": "No"}')

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            seen.append(f"GET {path}")
            if path == CONTROL:
                self.say(200, "text/plain", token.encode() + b"\n")
            elif path == "/v1/openapi.json":
                self.say(200, "application/json", b"{}" if fault == "another document" else RAW)
            elif path != "/v1/zones":
                self.problem(404)
            elif self.headers.get("X-Key") != "secret" and fault != "open door":
                self.problem(401)
            elif fault == "server error":
                self.say(500, "text/plain", b"boom")
            elif fault == "other schema":
                self.say(200, "application/json", b'{"items": "none"}')
            elif fault == "other type":
                self.say(200, "text/plain", b"zones")
            elif fault == "redirect":
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/latest")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.say(200, "application/json", b'{"items": ["A"]}')

        def do_POST(self) -> None:
            seen.append("POST")
            self.say(201, "text/plain", b"")

        def log_message(self, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(fault: str = "", **more: Any) -> tuple[Report, list[str]]:
    with serving(fault, more.pop("token", TOKEN)) as (address, seen):
        guard = more.pop("guard", None) or Guard(loopback=True)
        headers = {"X-Key": "secret"}
        return conform(RAW, address, TOKEN, profile("uk-core"), guard, credentials=headers, **more), seen


@pytest.mark.filterwarnings("ignore")
def test_a_service_that_keeps_its_description_has_no_findings() -> None:
    report, seen = asked()
    assert report.findings == []
    assert report.complete
    assert report.evidence["operations"] == ["GET /zones"]
    assert len(report.evidence["requests"]) == len(seen)
    assert "POST" not in seen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("fault", "rule", "words"),
    [
        ("another document", "ukc-27-published", "not the document that was lodged"),
        ("html errors", "ukc-28-conforms", "not as application/problem+json"),
        ("open door", "ukc-28-conforms", "needs credentials but answers 200"),
        ("server error", "ukc-28-conforms", "Server error"),
        ("other schema", "ukc-28-conforms", "schema"),
        ("other type", "ukc-28-conforms", "Content-Type"),
        ("redirect", "ukc-28-conforms", "Undocumented status code"),
    ],
)
def test_a_planted_fault_is_found(fault: str, rule: str, words: str) -> None:
    report, _ = asked(fault)
    assert report.complete, report.stopped
    assert any(finding.rule == rule and words in finding.message for finding in report.findings), [
        finding.message for finding in report.findings
    ]
    assert all(finding.tier == "gate" for finding in report.findings)


@pytest.mark.filterwarnings("ignore")
def test_a_writable_sandbox_is_written_to_and_only_then() -> None:
    report, seen = asked(writable=True)
    assert report.evidence["operations"] == ["GET /zones", "POST /zones"]
    assert "POST" in seen


def test_without_the_token_nothing_else_is_called() -> None:
    report, seen = asked(token="another")
    assert "token" in report.stopped
    assert not report.complete
    assert seen == [f"GET {CONTROL}"]


@pytest.mark.filterwarnings("ignore")
def test_the_budget_ends_the_run_and_nothing_is_proved() -> None:
    report, seen = asked(guard=Guard(loopback=True, requests=5))
    assert not report.complete
    assert len(seen) == 5


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example/", "https://u:p@a.example/", "https://a.example:22/", "https://", "file:///etc/passwd",
     "https://a.example:99999/", "https://prelude.example/x"],
)  # fmt: skip
def test_other_ways_in_are_refused(url: str) -> None:
    with pytest.raises(Forbidden):
        Guard(own_hosts=frozenset({"prelude.example"})).permitted(url, lambda host, port: ["8.8.8.8"])


def test_loopback_is_refused_unless_it_is_permitted_and_then_only_loopback() -> None:
    with pytest.raises(Forbidden):
        Guard().fetch("GET", "http://127.0.0.1:1/")
    with pytest.raises(Forbidden):
        Guard(loopback=True).permitted("http://inside.example:80/", lambda host, port: ["10.0.0.1"])
    with pytest.raises(Forbidden, match="must begin with https"):
        Guard(loopback=True).permitted("http://outside.example:80/", lambda host, port: ["8.8.8.8"])
    with pytest.raises(Exhausted):
        Guard(loopback=True, requests=0).fetch("GET", "http://127.0.0.1:1/")
