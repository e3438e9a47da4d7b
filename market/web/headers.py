"""The headers that every answer carries, errors and unmatched addresses included."""

from __future__ import annotations

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from market.settings import settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
"""Content Security Policy Level 3: our own files only, nothing inline."""

ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), publickey-credentials-get=(self)",
}

_ALWAYS = [(name.encode(), value.encode()) for name, value in ALWAYS.items()]


async def protect(message: Message, scope: Scope) -> None:
    """Litestar's `before_send` hook. Open data may be read by pages of any origin; nothing else may."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    told = {name.lower() for name, _ in headers.headers}
    headers.headers.extend(each for each in _ALWAYS if each[0] not in told)
    if settings().secure:
        headers.setdefault("strict-transport-security", "max-age=31536000; includeSubDomains")
    if scope["path"].startswith(("/api/ocds", "/.well-known/", "/api/v1/standards/profiles")):
        headers["cross-origin-resource-policy"] = "cross-origin"
        headers.setdefault("access-control-allow-origin", "*")
    if not scope["path"].startswith("/static/"):
        personal = _personal(scope) or "set-cookie" in headers
        headers.setdefault("cache-control", "private, no-store" if personal else "no-cache")


def _personal(scope: Scope) -> bool:
    """Whether the answer may be for this asker alone: she brought a session or a token, or the secret of a letter stands in
    the address."""
    if scope["path"].startswith(("/password/", "/invitations/", "/register/", "/search/stop/", "/search/feed/")):
        return True
    return any(
        name == b"authorization" or (name == b"cookie" and b"session=" in value) for name, value in scope["headers"]
    )
