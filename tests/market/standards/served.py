"""A small API on loopback that keeps the base document of the UK core profile, apart from one planted fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep

from market.standards.sandboxes.live import CONTROL

SECRET = "let me in"


@dataclass
class Served:
    """What is served, which may be changed while it is; and what was asked."""

    document: bytes
    address: str = ""
    token: str = ""
    fault: str = ""
    seen: list[str] = field(default_factory=list)
    dripped: int = 0


@contextmanager
def permits(document: bytes) -> Iterator[Served]:
    """Serve the API at `served.address`, until the end of the block."""
    served = Served(document)

    class Api(BaseHTTPRequestHandler):
        def say(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            served.seen.append(f"GET {path}")
            if path == CONTROL and served.token:
                self.say(200, "text/plain", served.token.encode())
            elif path == "/v1/openapi.json" and served.fault == "drip":
                self.drip()
            elif path == "/v1/openapi.json" and served.fault == "redirect":
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/latest")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif path == "/v1/openapi.json":
                self.say(200, "application/json", served.document)
            elif not path.startswith("/v1/permits/"):
                self.say(404, "application/problem+json", b'{"title": "No such path"}')
            elif self.headers.get("Authorization") != SECRET:
                self.say(401, "application/problem+json", b'{"title": "Who are you?"}')
            elif served.fault == "other type":
                self.say(200, "text/html", b"<p>A permit</p>")
            else:
                self.say(200, "application/json", b'{"id": "P-1", "expiryDate": "2027-01-31"}')

        def drip(self) -> None:
            self.send_response(200)
            self.end_headers()
            for _ in range(200):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return
                served.dripped += 1
                sleep(0.1)

        def log_message(self, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
