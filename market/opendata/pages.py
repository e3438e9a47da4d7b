"""The open data for people: files by year, and the publication policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from litestar import Controller, Response, get, route
from litestar.params import FromPath
from litestar.response import Stream
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from market.accounts import guards
from market.opendata import files
from market.refusals import NotFound
from market.settings import ROOT
from market.web.pages import Visitor, show
from market.wording import N_

POLICY = ROOT / "docs" / "open-data.md"
PIECE = 256 * 1024

SAID = {
    "releases": N_("Releases, JSON Lines"),
    "records": N_("Records, JSON Lines"),
    "csv": N_("Records as tables, CSV in a zip"),
    "xlsx": N_("Records as a workbook, XLSX"),
}
MEDIA_TYPES = {
    ".gz": "application/gzip",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
CLASSES = {
    "h1": "govuk-heading-xl",
    "h2": "govuk-heading-m",
    "p": "govuk-body",
    "ul": "govuk-list govuk-list--bullet",
    "ol": "govuk-list govuk-list--number",
    "a": "govuk-link",
    "table": "govuk-table pre-table",
    "thead": "govuk-table__head",
    "tbody": "govuk-table__body",
    "tr": "govuk-table__row",
    "th": "govuk-table__header",
    "td": "govuk-table__cell",
}
"""The design system's classes for what Markdown knows."""


class OpenDataPages(Controller):
    """What can be downloaded, and on what terms."""

    path = "/open-data"
    include_in_schema = False

    @get("/files", guards=[guards.public])
    async def listed(self, request: Visitor) -> Response[bytes]:
        """Every file with its size, date and SHA-256."""
        found = groupby(files.index().files, key=lambda each: each.year)
        return show(request, "opendata/files.html", years=[(year, list(each)) for year, each in found], said=SAID)

    @get("/files/LICENCE.txt", guards=[guards.public])
    async def licence(self) -> Response[bytes]:
        """The licence as it lies beside the files."""
        return Response(files.licence().encode(), media_type="text/plain; charset=utf-8")

    @route("/files/{name:str}", http_method=["GET", "HEAD"], guards=[guards.public])
    async def file(self, request: Visitor, name: FromPath[str]) -> Response[Any]:
        """One file, whole, as it is on the disk; its ETag is its SHA-256."""
        listed = files.find(name)
        if listed is None:
            raise NotFound("file")
        known, path = listed
        tag = f'"{known.sha256}"'
        media_type = MEDIA_TYPES[path.suffix]
        headers = {
            "etag": tag,
            "cache-control": "public, max-age=600",
            "content-disposition": f'attachment; filename="{known.name}"',
            "last-modified": known.made_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }
        given = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
        if tag in given or "*" in given:
            return Response(b"", status_code=304, headers=headers, media_type=media_type)
        headers |= {"content-length": str(known.size), "content-type": media_type}
        if request.method == "HEAD":
            return Response(b"", headers=headers, media_type=media_type)
        return Stream(_pieces(path), headers=headers, media_type=media_type)

    @get("/policy", guards=[guards.public])
    async def policy(self, request: Visitor) -> Response[bytes]:
        """The publication policy: `docs/open-data.md`."""
        return show(request, "opendata/policy.html", policy=_policy())


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    """The file in pieces. It is opened once: a new one put in its place meanwhile is for the next reader."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


@cache
def _policy() -> Markup:
    return rendered(POLICY.read_text())


def rendered(text: str) -> Markup:
    """Markdown of ours as HTML in the design system's classes; HTML inside it is shown as text. Cells name their column,
    for phones, where a table is read row by row."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    for token in _all(tokens):
        if token.nesting == 1 and token.tag in CLASSES:
            token.attrSet("class", CLASSES[token.tag])
    columns: list[str] = []
    column = 0
    for token, inside in pairwise(tokens):
        if token.type == "thead_open":
            columns = []
        elif token.type == "th_open":
            columns.append(inside.content)
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            token.attrSet("data-label", columns[column])
            column += 1
            inside.children = [
                Token("html_inline", "", 0, content="<div>"),
                *(inside.children or ()),
                Token("html_inline", "", 0, content="</div>"),
            ]
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704 - from our own documentation


def _all(tokens: Any) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())
