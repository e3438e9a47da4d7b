"""Our procurements as open contracting data (OCDS 1.1.5), for programs and spreadsheets."""

from __future__ import annotations

import gzip
import hashlib
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Controller, Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery

from market.accounts import guards
from market.opendata import actions, gathering, packages
from market.refusals import Refusal, Refused
from market.settings import settings
from market.web.api import json_document
from market.web.problems import problem_responses

Cursor = Annotated[str, msgspec.Meta(max_length=20, description="Where to go on, from `links.next` of the page before")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=500, description="How many, at the most 500")]


class OpenDataApi(Controller):
    """Releases (one per change) and records (one per process). Pages are linked by `links.next`; every answer has an ETag."""

    path = "/api/ocds"
    tags = ["Open data"]

    @get(
        "/releases",
        guards=[guards.public],
        summary="Releases, oldest first",
        operation_id="listReleases",
        responses={**json_document("An OCDS release package"), **problem_responses(400)},
    )
    async def releases(
        self,
        request: Request[Any, Any, Any],
        cursor: FromQuery[Cursor] = "",
        limit: FromQuery[Limit] = 100,
        ocid: FromQuery[Annotated[str, msgspec.Meta(max_length=80)]] = "",
        since: FromQuery[datetime | None] = None,
        tag: FromQuery[Annotated[str, msgspec.Meta(max_length=40)]] = "",
    ) -> Response[bytes]:
        """A release package in the order of publication. `since` is a moment with its zone; `tag` an OCDS release tag."""
        bodies, following = await actions.page_of_releases(
            _place(cursor), limit, ocid=ocid, since=_aware(since), tag=tag
        )
        kept = {"limit": str(limit), "ocid": ocid, "since": since.isoformat() if since else "", "tag": tag}
        _, at = await actions.newest()
        found = [packages.decode(body) for body in bodies]
        package = packages.release_package(
            found,
            gathering.publisher(),
            uri=_uri(request),
            published_at=at,
            following=_next("/api/ocds/releases", following, kept),
        )
        package["releases"] = [msgspec.Raw(body.encode()) for body in bodies]
        return _answer(request, package)

    @get(
        "/releases/{key:str}",
        guards=[guards.public],
        summary="One release",
        operation_id="readRelease",
        responses={**json_document("An OCDS release package"), **problem_responses(404)},
    )
    async def release(self, request: Request[Any, Any, Any], key: FromPath[str]) -> Response[bytes]:
        """A release package with one release, by its id."""
        row = await actions.release(key)
        found = packages.decode(row.body)
        package = packages.release_package([found], gathering.publisher(), uri=_uri(request), published_at=row.at)
        package["releases"] = [msgspec.Raw(row.body.encode())]
        return _answer(request, package)

    @get(
        "/records",
        guards=[guards.public],
        summary="Records, those that changed longest ago first",
        operation_id="listRecords",
        responses={**json_document("An OCDS record package"), **problem_responses(400)},
    )
    async def records(
        self,
        request: Request[Any, Any, Any],
        cursor: FromQuery[Cursor] = "",
        limit: FromQuery[Limit] = 100,
        since: FromQuery[datetime | None] = None,
    ) -> Response[bytes]:
        """A record package of compiled releases, each with links to its releases."""
        rows, following = await actions.page_of_records(_place(cursor), limit, since=_aware(since))
        _, at = await actions.newest()
        records = []
        for row in rows:
            compiled = packages.decode(row["compiled"])
            link = {"url": f"{settings().site_url}/api/ocds/records/{row['ocid']}", "date": compiled["date"]}
            records.append(
                {"ocid": row["ocid"], "releases": [{**link, "tag": ["compiled"]}], "compiledRelease": compiled}
            )
        kept = {"limit": str(limit), "since": since.isoformat() if since else ""}
        package = packages.record_package(
            records,
            gathering.publisher(),
            uri=_uri(request),
            published_at=at,
            following=_next("/api/ocds/records", following, kept),
        )
        return _answer(request, package)

    @get(
        "/records/{ocid:str}",
        guards=[guards.public],
        summary="One record with its releases",
        operation_id="readRecord",
        responses={**json_document("An OCDS record package"), **problem_responses(404)},
    )
    async def one_record(self, request: Request[Any, Any, Any], ocid: FromPath[str]) -> Response[bytes]:
        """A record package with one process: its releases embedded, and compiled."""
        process, bodies = await actions.process(ocid)
        compiled = packages.decode(process.compiled)
        found: dict[str, Any] = {"ocid": ocid, "releases": [], "compiledRelease": compiled}
        package = packages.record_package(
            [found], gathering.publisher(), uri=_uri(request), published_at=process.changed_at
        )
        found["releases"] = [msgspec.Raw(body.encode()) for body in bodies]
        found["compiledRelease"] = msgspec.Raw(process.compiled.encode())
        return _answer(request, package)


def _place(cursor: str) -> int:
    if cursor and not cursor.isdigit():
        raise Refused(Refusal("open-data.bad-cursor", "Take the cursor from `links.next`.", "cursor"), status=400)
    return int(cursor or "0")


def _aware(since: datetime | None) -> datetime | None:
    if since is not None and since.tzinfo is None:
        raise Refused(
            Refusal("open-data.no-zone", "Write the moment with its zone, like 2026-11-22T09:00:00Z.", "since"),
            status=400,
        )
    return since


def _uri(request: Request[Any, Any, Any]) -> str:
    query = request.url.query
    return f"{settings().site_url}{request.url.path}{'?' + query if query else ''}"


def _next(path: str, following: int | None, kept: dict[str, str]) -> str | None:
    if following is None:
        return None
    pairs = {"cursor": str(following), **{name: value for name, value in kept.items() if value}}
    return f"{settings().site_url}{path}?{urlencode(pairs)}"


def _answer(request: Request[Any, Any, Any], package: dict[str, Any]) -> Response[bytes]:
    """The package with an ETag of its bytes; 304 when the asker has it; compressed when she takes that."""
    content = packages.encode(package)
    tag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "public, max-age=0, must-revalidate", "vary": "Accept-Encoding"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=MediaType.JSON)
    if "gzip" in request.headers.get("accept-encoding", "") and len(content) > 1_000:
        content = gzip.compress(content, 5, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(content, headers=headers, media_type=MediaType.JSON)
