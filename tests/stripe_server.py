"""A Stripe of our own for tests: a real HTTP server on loopback that the real SDK talks to, with state, idempotency by key
(the same key with other parameters is refused, a refusal is stored too) and faults on demand. It knows the few endpoints
this product calls and answers 404 to every other, so a call nobody thought of fails its test."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class State:
    """What this Stripe remembers. `faults` are taken one per call: `500` before the work is done, `lose` after it."""

    transfers: list[dict[str, Any]] = field(default_factory=list)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, int, dict[str, Any]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    forget_keys: bool = False


class StripeServer:
    """Use as a context manager; `url` is its address, `state` what it remembers."""

    def __init__(self) -> None:
        self.state = State()
        state = self.state

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

            def do_GET(self) -> None:
                """Reads."""
                self._serve("")

            def do_POST(self) -> None:
                """Writes."""
                self._serve(self.rfile.read(int(self.headers.get("content-length", 0))).decode())

            def _serve(self, body: str) -> None:
                path = urlsplit(self.path)
                state.calls.append(f"{self.command} {path.path}")
                fault = state.faults.pop(0) if state.faults and self.command == "POST" else ""
                if fault == "500":
                    self._answer(500, {"error": {"type": "api_error", "message": "down"}})
                    return
                key = self.headers.get("idempotency-key", "")
                if self.command == "POST" and key in state.keys and not state.forget_keys:
                    first, status, answer = state.keys[key]
                    if first != body:
                        error = {"type": "idempotency_error", "message": "the key was used with other parameters"}
                        self._answer(400, {"error": error})
                        return
                else:
                    status, answer = self._do(path.path, parse_qs(path.query), body)
                    if self.command == "POST":
                        state.keys[key] = (body, status, answer)
                if fault == "lose":
                    self.close_connection = True
                    self.connection.close()
                    return
                self._answer(status, answer)

            def _do(self, path: str, query: dict[str, list[str]], body: str) -> tuple[int, dict[str, Any]]:
                if self.command == "POST" and path == "/v1/transfers":
                    given = {name: values[0] for name, values in parse_qs(body).items()}
                    if given["destination"] not in state.accounts:
                        error = {
                            "type": "invalid_request_error",
                            "code": "resource_missing",
                            "message": "No such destination",
                        }
                        return 400, {"error": error}
                    made = {
                        "id": f"tr_{len(state.transfers) + 1}",
                        "object": "transfer",
                        "amount": int(given["amount"]),
                        "currency": given["currency"],
                        "destination": given["destination"],
                        "transfer_group": given["transfer_group"],
                        "metadata": {
                            "payment": given["metadata[payment]"],
                            "obligation": given["metadata[obligation]"],
                        },
                    }
                    state.transfers.append(made)
                    return 200, made
                if self.command == "GET" and path == "/v1/transfers":
                    group = query["transfer_group"][0]
                    found = [each for each in state.transfers if each["transfer_group"] == group]
                    return 200, {"object": "list", "data": found, "has_more": False, "url": "/v1/transfers"}
                if self.command == "POST" and path == "/v2/core/accounts":
                    made = {"id": f"acct_{len(state.accounts) + 1}", "object": "v2.core.account", "livemode": False}
                    state.accounts[made["id"]] = {"status": "pending"}
                    return 200, made
                if self.command == "GET" and path.startswith("/v2/core/accounts/"):
                    name = path.rsplit("/", 1)[1]
                    if name not in state.accounts:
                        return 404, {"error": {"type": "invalid_request_error", "message": "No such account"}}
                    transfers = {"status": state.accounts[name]["status"]}
                    recipient = {"capabilities": {"stripe_balance": {"stripe_transfers": transfers}}}
                    return 200, {
                        "id": name,
                        "object": "v2.core.account",
                        "livemode": False,
                        "configuration": {"recipient": recipient},
                    }
                if self.command == "POST" and path == "/v2/core/account_links":
                    return 200, {"object": "v2.core.account_link", "url": "https://connect.stripe.example/setup"}
                error = {"type": "invalid_request_error", "message": f"{self.command} {path} is not modelled"}
                return 404, {"error": error}

            def _answer(self, status: int, answer: dict[str, Any]) -> None:
                told = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> StripeServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
