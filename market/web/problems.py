"""How every refusal and failure is answered: a page for people, RFC 9457 problem details for programs."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from asyncpg.exceptions import DataError
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from market.drafts import Overtaken
from market.nesting import TooDeep
from market.refusals import NotFound, Refusal, Refused
from market.web.pages import show, sign_in_then

log = logging.getLogger("prelude")

PROBLEM_JSON = "application/problem+json"

_RENAMED = {
    413: ("Content Too Large", "request-entity-too-large"),
    414: ("URI Too Long", "request-uri-too-long"),
    416: ("Range Not Satisfiable", "requested-range-not-satisfiable"),
    422: ("Unprocessable Content", "unprocessable-entity"),
}
"""What RFC 9110 renamed: the phrase, which Python says from 3.13 on, and the code, which stays what it always was."""


def phrase(status: int) -> str:
    """The status in the words of RFC 9110, which the title of a problem without a type should be (RFC 9457 section 4.2.1)."""
    return _RENAMED[status][0] if status in _RENAMED else HTTPStatus(status).phrase


def code_of(status: int) -> str:
    """The code of a refusal that says no more than its status."""
    named = HTTPStatus(status).name.lower().replace("_", "-")
    return f"web.{_RENAMED[status][1] if status in _RENAMED else named}"


class Reason(msgspec.Struct, omit_defaults=True):
    """One reason of a problem: its stable code, plain words, and the field it is about."""

    code: str
    reason: str
    field: str | None = None


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457 problem details, with every reason and its stable code."""

    title: str
    status: int
    detail: str = ""
    type: str = "about:blank"
    instance: str = ""
    reasons: list[Reason] = []
    stored: dict[str, Any] | None = None
    """Of a change that was overtaken: what is stored now, and the `etag` with which it can be changed knowingly."""
    etag: str = ""


def problem_responses(*statuses: int) -> dict[int, ResponseSpec]:
    """For the OpenAPI document: these statuses answer a :class:`Problem`."""
    return {
        status: ResponseSpec(
            data_container=Problem,
            description=phrase(status),
            media_type=PROBLEM_JSON,
            generate_examples=False,
        )
        for status in statuses
    }


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether the asker is a person with a browser: not below /api, and HTML is welcome."""
    if request.url.path.startswith(("/api/", "/.well-known/")):
        return False
    accept = request.headers.get("accept", "")
    return "text/html" in accept or not accept or accept == "*/*"


def answer(request: Request[Any, Any, Any], exc: Exception) -> Response[Any]:
    """The application's one exception handler."""
    status, reasons, headers = _judged(exc)
    if status >= 500:
        # The route, not the address: in some the secret of a letter stands.
        log.exception("%s %s failed", request.method, request.scope.get("path_template", "?"), exc_info=exc)
    if wants_page(request):
        if status == 401 and request.method == "GET":
            return sign_in_then(str(request.url.path))
        title = _title(status)
        problem = {
            "status": status,
            "title": title,
            "detail": reasons[0].reason if len(reasons) == 1 else "",
            "reasons": [reason.reason for reason in reasons] if len(reasons) > 1 else [],
            "advice": "",
            "reference": "",
        }
        page = show(request, "problem.html", status=status, problem=problem)
        page.headers.update(headers)
        return page
    body = Problem(
        title=phrase(status),
        status=status,
        detail=" ".join(reason.reason for reason in reasons),
        instance=request.url.path,
        reasons=[Reason(reason.code, reason.reason, reason.field) for reason in reasons],
        stored=exc.stored if isinstance(exc, Overtaken) else None,
        etag=exc.version if isinstance(exc, Overtaken) else "",
    )
    return Response(msgspec.json.encode(body), status_code=status, media_type=PROBLEM_JSON, headers=headers)


def _judged(exc: Exception) -> tuple[int, list[Refusal], dict[str, str]]:
    if isinstance(exc, Refused):
        headers = {"retry-after": "60"} if exc.status == 429 else {}
        if exc.status == 401:
            headers["www-authenticate"] = "Bearer"
        return exc.status, list(exc.reasons), headers
    if isinstance(exc, NotFound):
        return 404, [Refusal("web.not-found", "There is nothing here, or nothing that you may see.")], {}
    if isinstance(exc, DataError):
        # A zero byte, a number beyond the column: nothing that any form or link of ours makes.
        log.warning("a value that the database cannot hold: %s", exc)
        return 400, [Refusal("web.not-storable", "This holds a sign or a number that cannot be kept.")], {}
    if isinstance(exc, TooDeep | RecursionError):
        return 400, [Refusal("form.too-deep", "This is nested too deeply to be read.")], {}
    if isinstance(exc, UnicodeDecodeError):
        return 400, [Refusal("form.not-text", "This is not text in UTF-8.")], {}
    if isinstance(exc, ValidationException):
        return 400, _invalid(exc), {}
    if isinstance(exc, NotAuthorizedException):
        return 401, [Refusal("access.sign-in-needed", "Sign in first.")], {"www-authenticate": "Bearer"}
    if isinstance(exc, HTTPException):
        kept = {name: value for name, value in (exc.headers or {}).items() if name.lower() in ("allow", "retry-after")}
        if exc.status_code == 404:
            return 404, [Refusal("web.not-found", "There is nothing here, or nothing that you may see.")], kept
        return exc.status_code, [Refusal(code_of(exc.status_code), _words(exc))], kept
    return 500, [Refusal("web.failed", "Something failed on our side. Nothing you confirmed is lost.")], {}


def _words(exc: HTTPException) -> str:
    if exc.status_code >= 500:
        return "Something failed on our side. Nothing you confirmed is lost."
    unsaid = exc.detail == HTTPStatus(exc.status_code).phrase
    return phrase(exc.status_code) if unsaid else exc.detail


def _invalid(exc: ValidationException) -> list[Refusal]:
    extra = exc.extra if isinstance(exc.extra, list) else []
    found = [
        Refusal("form.invalid", str(item.get("message", "is not valid")), item.get("key") or None)
        for item in extra
        if isinstance(item, dict)
    ]
    return found or [Refusal("form.invalid", str(exc.detail))]


def _title(status: int) -> str:
    return {
        400: "That could not be read",
        401: "Sign in first",
        403: "You may not do that",
        404: "There is nothing here",
        405: "That is not done here",
        409: "That cannot be done now",
        413: "That is too large",
        422: "There is a problem with what was sent",
        428: "Say what this was written from",
        429: "Too many tries",
    }.get(status, "Something failed on our side" if status >= 500 else phrase(status))
