"""A request sent piece by piece, with whatever happens between the pieces: what a client of HTTP does not let one say."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Piece = bytes | Callable[[], Awaitable[bytes]]
"""A part of the body, or what happens before one."""


@dataclass
class Answered:
    """What came back; status 0 when nothing did. `asked` counts how often the body was asked for."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    asked: int = 0

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The codes of its reasons."""
        return [each["code"] for each in self.json()["reasons"]]


async def send(
    app: Any,
    path: str,
    headers: Mapping[str, str],
    pieces: Sequence[Piece],
    method: str = "POST",
    hangs_up: bool = False,
) -> Answered:
    """Send the pieces in their order, after the last of which the sender is silent; with `hangs_up` the connection ends there."""
    left, answer = list(pieces), Answered()

    async def receive() -> dict[str, Any]:
        answer.asked += 1
        if not left:
            return {"type": "http.disconnect"}
        piece = left.pop(0)
        body = piece if isinstance(piece, bytes) else await piece()
        return {"type": "http.request", "body": body, "more_body": bool(left) or hangs_up}

    async def sent(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 40_000),
        "server": ("localhost", 8000),
        "state": {},
    }
    await app(scope, receive, sent)
    return answer
