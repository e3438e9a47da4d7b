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
from litestar.types import Scope

from market import away, rules
from market.drafts import Overtaken
from market.nesting import TooDeep
from market.refusals import NotFound, Refusal, Refused
from market.touch import Act, TouchNeeded
from market.web.pages import show, sign_in_then
from market.wording import N_, _

log = logging.getLogger("prelude")

PROBLEM_JSON = "application/problem+json"

_RENAMED = {
    413: N_("Content Too Large"),
    414: "URI Too Long",
    416: N_("Range Not Satisfiable"),
    422: N_("Unprocessable Content"),
}
"""What RFC 9110 renamed, which Python says from 3.13 on."""


def phrase(status: int) -> str:
    """The status in the words of RFC 9110, which the title of a problem without a type should be (RFC 9457 section 4.2.1)."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


class Reason(msgspec.Struct, omit_defaults=True):
    """One reason of a problem: its stable code, plain words, and the field it is about. With `confirm` nothing forbids the
    request, it only looks like a slip: send it again with these words in the header `Prelude-Confirm`, and it is done."""

    code: str
    reason: str
    field: str | None = None
    confirm: str = ""


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
    if isinstance(exc, TouchNeeded):
        request.scope[_WANTED] = exc.act  # type: ignore[literal-required]  # a note of ours
    status, reasons, headers = _judged(exc)
    if status == 503:
        # One line: while the database is away there are hundreds.
        log.warning("%s %s was sent away: %r", request.method, request.scope.get("path_template", "?"), exc)
    elif status >= 500:
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
            "advice": _("Whatever you were told is kept is kept.") if status == 503 else "",
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
        reasons=[Reason(reason.code, reason.reason, reason.field, reason.confirm) for reason in reasons],
        stored=exc.stored if isinstance(exc, Overtaken) else None,
        etag=exc.version if isinstance(exc, Overtaken) else "",
    )
    return Response(msgspec.json.encode(body), status_code=status, media_type=PROBLEM_JSON, headers=headers)


_WANTED = "prelude_touch_wanted"


def wanted(scope: Scope) -> Act | None:
    """The act that was refused in this request because it wants a key that was just used, if any."""
    act = scope.get(_WANTED)
    return act if isinstance(act, Act) else None


def _judged(exc: Exception) -> tuple[int, list[Refusal], dict[str, str]]:
    if isinstance(exc, Refused):
        headers = {"retry-after": str(exc.wait)} if exc.status == 429 else {}
        if exc.status == 401:
            headers["www-authenticate"] = "Bearer"
        return exc.status, list(exc.reasons), headers
    if isinstance(exc, NotFound):
        return 404, [rules.NOT_FOUND.refusal()], {}
    if isinstance(exc, DataError):
        # A zero byte, a number beyond the column: nothing that any form or link of ours makes.
        log.warning("a value that the database cannot hold: %s", exc)
        return 400, [rules.NOT_STORABLE.refusal()], {}
    if isinstance(exc, TooDeep | RecursionError):
        return 400, [rules.TOO_DEEP.refusal()], {}
    if isinstance(exc, UnicodeDecodeError):
        return 400, [rules.NOT_TEXT.refusal()], {}
    if isinstance(exc, ValidationException):
        return 400, _invalid(exc), {}
    if isinstance(exc, NotAuthorizedException):
        return 401, [rules.SIGN_IN_FIRST.refusal()], {"www-authenticate": "Bearer"}
    if isinstance(exc, HTTPException):
        kept = {name: value for name, value in (exc.headers or {}).items() if name.lower() in ("allow", "retry-after")}
        if exc.status_code == 404:
            return 404, [rules.NOT_FOUND.refusal()], kept
        return exc.status_code, [_of_status(exc)], kept
    if isinstance(exc, away.NotKnown):
        return 503, [rules.NOT_KNOWN.refusal()], {"retry-after": str(away.AGAIN)}
    if away.is_away(exc):
        return 503, [rules.AWAY.refusal(seconds=away.AGAIN)], {"retry-after": str(away.AGAIN)}
    return 500, [rules.FAILED.refusal()], {}


def _of_status(exc: HTTPException) -> Refusal:
    unsaid = exc.detail == HTTPStatus(exc.status_code).phrase
    why = phrase(exc.status_code) if unsaid else exc.detail
    return rules.BY_STATUS.get(exc.status_code, rules.BY_STATUS[400 if exc.status_code < 500 else 500]).refusal(why=why)


def _invalid(exc: ValidationException) -> list[Refusal]:
    extra = exc.extra if isinstance(exc.extra, list) else []
    found = [
        rules.INVALID.refusal(beside=item.get("key"), why=str(item.get("message", "is not valid")))
        for item in extra
        if isinstance(item, dict)
    ]
    return found or [rules.INVALID.refusal(why=str(exc.detail))]


def _title(status: int) -> str:
    return {
        400: _("That could not be read"),
        401: _("Sign in first"),
        403: _("You may not do that"),
        404: _("There is nothing here"),
        405: _("That is not done here"),
        408: _("Not all of it came"),
        409: _("That cannot be done now"),
        413: _("That is too large"),
        422: _("There is a problem with what was sent"),
        428: _("Say what this was written from"),
        429: _("Too many tries"),
        503: _("We cannot answer for the moment"),
    }.get(status, _("Something failed on our side") if status >= 500 else phrase(status))
