"""Our procurements as open contracting data (OCDS 1.1.5), for programs, feed readers and spreadsheets.

Every address answers GET and HEAD, carries an ETag and answers 304 to who has the present bytes, and is compressed for who
takes gzip. Packages are put together from the bytes that were published; nothing is read or written again.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from litestar import Request, Response, Router, get, route
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from market.accounts import guards
from market.opendata import actions, feed, gathering, packages, rules, sheets
from market.opendata.shapes import FullRecordPackage, RecordPackage, ReleasePackage, Tag
from market.opendata.shelf import Answer, Shelf
from market.settings import settings
from market.web.problems import problem_responses

AnyRequest = Request[Any, Any, Any]

Cursor = Annotated[
    str,
    QueryParameter(
        max_length=20,
        description="Where to go on: from `links.next`, or the header `next-cursor` of the answer before",
        examples=[Example("From the beginning", value=""), Example("Behind event 118", value="118")],
    ),
]
Limit = Annotated[
    int, QueryParameter(ge=1, le=500, description="How many, at the most 500", examples=[Example(value=100)])
]
Since = Annotated[
    datetime | None,
    QueryParameter(
        description="Only what happened at this moment or later; with its zone",
        examples=[Example(value="2026-11-01T00:00:00Z")],
    ),
]
OnlyOcid = Annotated[
    str,
    QueryParameter(
        max_length=80,
        description="Only the releases of one process",
        examples=[Example(value="ocds-prelud-tender-T-7KQ4M2X")],
    ),
]
OnlyTag = Annotated[
    Tag | None,
    QueryParameter(
        description="Only releases with this tag of OCDS's releaseTag list", examples=[Example(value="award")]
    ),
]
OnlyKind = Annotated[
    Literal["challenge", "tender"] | None,
    QueryParameter(description="Only innovation exercises, or only tenders", examples=[Example(value="tender")]),
]
OneOcid = Annotated[
    str,
    PathParameter(
        max_length=80, description="The process's ocid", examples=[Example(value="ocds-prelud-tender-T-7KQ4M2X")]
    ),
]
OneKey = Annotated[
    str,
    PathParameter(
        max_length=100, description="The release's id", examples=[Example(value="ocds-prelud-tender-T-7KQ4M2X-118")]
    ),
]

JSON = "application/json"
ATOM = "application/atom+xml"
CSV = "text/csv"
KEPT = "public, max-age=60, stale-while-revalidate=600"
"""For how long a copy may be shown: a minute, and ten more while a new one is fetched. Nothing here is anybody's alone."""

PACKED = 1_000
"""Shorter answers are sent as they are: gzip would hardly make them smaller."""


def _document(kind: Any, media_type: str, words: str, *statuses: int) -> dict[int, ResponseSpec]:
    found = ResponseSpec(data_container=kind, description=words, media_type=media_type, generate_examples=False)
    return {200: found, **problem_responses(*statuses)}


@get(
    "/releases",
    guards=[guards.public],
    summary="Releases, oldest first",
    operation_id="listReleases",
    responses=_document(ReleasePackage, JSON, "An OCDS release package"),
)
async def releases(
    request: AnyRequest,
    cursor: Cursor = "",
    limit: Limit = 100,
    ocid: OnlyOcid = "",
    since: Since = None,
    tag: OnlyTag = None,
) -> Response[bytes]:
    """A release package in the order of publication. Follow `links.next` to the end; later, go on from the header
    `next-cursor` of the last page: no release is skipped, whatever is published meanwhile."""
    place, moment = _place(cursor), _aware(since)

    async def made() -> Answer:
        page = await actions.page_of_releases(place, limit, ocid=ocid, since=moment, tag=tag or "")
        return _package(request, "releases", page, {"limit": limit, "ocid": ocid, "since": since, "tag": tag})

    return await _kept(request, made)


@get(
    "/releases/{key:str}",
    guards=[guards.public],
    summary="One release",
    operation_id="readRelease",
    responses=_document(ReleasePackage, JSON, "An OCDS release package", 404),
)
async def one_release(request: AnyRequest, key: OneKey) -> Response[bytes]:
    """A release package with one release, by its id."""
    row = await actions.release(key)
    content = packages.package_of(
        "releases",
        [row.body.encode()],
        row.extensions,
        gathering.publisher(),
        uri=_here(request),
        published_at=row.at,
    )
    return _answer(request, Answer(content), JSON)


@get(
    "/records",
    guards=[guards.public],
    summary="Records, those that changed longest ago first",
    operation_id="listRecords",
    responses=_document(RecordPackage, JSON, "An OCDS record package"),
)
async def records(
    request: AnyRequest,
    cursor: Cursor = "",
    limit: Limit = 100,
    since: Since = None,
    kind: OnlyKind = None,
) -> Response[bytes]:
    """A record package: for each process how things stand, with links to its releases. A process that changes moves to
    the end of the list, so whoever goes on from her last cursor gets all changes and nothing else."""
    place, moment = _place(cursor), _aware(since)

    async def made() -> Answer:
        page = await actions.page_of_records(place, limit, since=moment, kind=kind or "")
        return _package(request, "records", page, {"limit": limit, "since": since, "kind": kind})

    return await _kept(request, made)


@get(
    "/records/{ocid:str}",
    guards=[guards.public],
    summary="One record with its releases",
    operation_id="readRecord",
    responses=_document(FullRecordPackage, JSON, "An OCDS record package", 404),
)
async def one_record(request: AnyRequest, ocid: OneOcid) -> Response[bytes]:
    """A record package with one process: its releases embedded, and compiled."""
    process, bodies = await actions.process(ocid)
    record = f'{{"ocid":"{process.ocid}","releases":[{",".join(bodies)}],"compiledRelease":{process.compiled}}}'
    content = packages.package_of(
        "records",
        [record.encode()],
        process.extensions,
        gathering.publisher(),
        uri=_here(request),
        published_at=process.changed_at,
    )
    return _answer(request, Answer(content), JSON)


@get(
    "/changes.atom",
    guards=[guards.public],
    summary="What changed last, as a feed",
    operation_id="readChanges",
    media_type=ATOM,
    responses=_document(str, ATOM, "An Atom feed"),
)
async def changes(
    request: AnyRequest,
    cursor: Cursor = "",
    limit: Limit = 100,
    since: Since = None,
    kind: OnlyKind = None,
) -> Response[bytes]:
    """The processes that changed last, newest first, one entry each; older ones by the link `next`."""
    changed = await actions.last_changed(limit + 1, before=_place(cursor), since=_aware(since), kind=kind or "")
    shown = changed[:limit]
    following = None
    if len(changed) > limit:
        following = _address("/api/ocds/changes.atom", shown[-1].last, {"limit": limit, "since": since, "kind": kind})
    updated = shown[0].changed_at if shown else actions.NEVER
    return _answer(request, Answer(feed.atom(shown, _here(request), following, updated)), ATOM)


@get(
    "/records.csv",
    guards=[guards.public],
    summary="One row for each process",
    operation_id="tableOfRecords",
    media_type=CSV,
    responses=_document(str, CSV, "A table: UTF-8 with a byte order mark, CRLF"),
)
async def records_table(request: AnyRequest) -> Response[Any]:
    """Every process with its main facts, for a spreadsheet. Cells that would be run as formulas begin with an apostrophe."""
    return await _table(request, "records.csv", sheets.PROCESSES, sheets.process_rows)


@get(
    "/contracts.csv",
    guards=[guards.public],
    summary="One row for each contract",
    operation_id="tableOfContracts",
    media_type=CSV,
    responses=_document(str, CSV, "A table: UTF-8 with a byte order mark, CRLF"),
)
async def contracts_table(request: AnyRequest) -> Response[Any]:
    """Every contract and every paid pitch with buyer, supplier, value and what was paid, for a spreadsheet."""
    return await _table(request, "contracts.csv", sheets.CONTRACTS, sheets.contract_rows)


GETS: tuple[HTTPRouteHandler, ...] = (
    releases,
    one_release,
    records,
    one_record,
    changes,
    records_table,
    contracts_table,
)


def _for_head(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """The same handler for HEAD, which Litestar does not derive: the headers of GET and no content."""
    return route(
        sorted(handler.paths), http_method=["HEAD"], guards=list(handler.guards or ()), include_in_schema=False
    )(handler.fn)


OpenDataApi = Router(
    "/api/ocds", route_handlers=[*GETS, *(_for_head(each) for each in GETS)], tags=["Open data"], include_in_schema=True
)
"""Releases (one per change) and records (one per process)."""


def _place(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**62):
        raise rules.BAD_CURSOR.refused()
    return int(cursor or "0")


def _aware(since: datetime | None) -> datetime | None:
    if since is not None and since.tzinfo is None:
        raise rules.NO_ZONE.refused()
    return since


def _here(request: AnyRequest) -> str:
    query = request.url.query
    return f"{settings().site_url}{request.url.path}{'?' + query if query else ''}"


def _address(path: str, place: int, asked: dict[str, Any]) -> str:
    pairs: dict[str, Any] = {"cursor": place}
    for name, value in asked.items():
        if value:
            pairs[name] = value.isoformat() if isinstance(value, datetime) else value
    return f"{settings().site_url}{path}?{urlencode(pairs)}"


SHELF = Shelf(32 * 1024**2)
"""What this process keeps of pages it answered; a page of 100 is about 200 kB."""


async def _kept(request: AnyRequest, made: Callable[[], Awaitable[Answer]]) -> Response[bytes]:
    """The answer to this address, as it was given before if nothing was published since."""
    state, here = await actions.state(), _here(request)
    answer = SHELF.find(state, here)
    if answer is None:
        answer = await made()
        SHELF.keep(state, here, answer)
    return _answer(request, answer, JSON)


def _package(request: AnyRequest, name: str, page: actions.Page, asked: dict[str, Any]) -> Answer:
    content = packages.package_of(
        name,
        page.bodies,
        page.extensions,
        gathering.publisher(),
        uri=_here(request),
        published_at=page.at,
        following=_address(f"/api/ocds/{name}", page.place, asked) if page.more else None,
    )
    return Answer(content, {"next-cursor": str(page.place)})


def _answer(request: AnyRequest, answer: Answer, media_type: str) -> Response[bytes]:
    """The answer with its ETag; 304 when the asker has it; compressed when she takes that."""
    headers = {"etag": answer.tag, "cache-control": KEPT, "vary": "Accept-Encoding", **answer.headers}
    if _has(request, answer.tag):
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    content = answer.content
    if len(content) > PACKED and takes_gzip(request):
        content = answer.packed
        headers["content-encoding"] = "gzip"
    if request.method == "HEAD":
        headers |= {"content-length": str(len(content)), "content-type": media_type}
        content = b""
    return Response(content, headers=headers, media_type=media_type)


async def _table(request: AnyRequest, name: str, heading: tuple[str, ...], rows: sheets.Rows) -> Response[Any]:
    """A table, streamed. Its ETag is the state of all that is published, known before a row is read."""
    tag = f'W/"{await actions.state()}-{name}"'
    headers = {
        "etag": tag,
        "cache-control": KEPT,
        "vary": "Accept-Encoding",
        "content-disposition": f'attachment; filename="{name}"',
    }
    if _has(request, tag):
        return Response(b"", status_code=304, headers=headers, media_type=CSV)
    if request.method == "HEAD":
        return Stream(iter(()), headers=headers, media_type=CSV)
    content = sheets.written(heading, rows)
    if takes_gzip(request):
        headers["content-encoding"] = "gzip"
        content = _packed(content)
    return Stream(content, headers=headers, media_type=CSV)


async def _packed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(5, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    async for piece in pieces:
        if made := packer.compress(piece):
            yield made
    yield packer.flush()


def _has(request: AnyRequest, tag: str) -> bool:
    """Weak comparison, as RFC 9110 section 13.1.2 asks for If-None-Match."""
    given = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return "*" in given or tag.removeprefix("W/") in given


def takes_gzip(request: AnyRequest) -> bool:
    """Whether the asker takes gzip; a weight of zero is a refusal (RFC 9110 section 12.5.3)."""
    for each in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.strip().removeprefix("q=").strip("0.") != "" or not weight.strip()
    return False
