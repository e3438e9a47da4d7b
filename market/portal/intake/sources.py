"""Which portals there are, and which one a file or an address is from: data, in `fixtures/reference/portal-sources.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Meta

from market.db import transaction
from market.portal.intake import tabular
from market.portal.tables import Source

FILE = Path(__file__).resolve().parents[3] / "fixtures" / "reference" / "portal-sources.yaml"

BY_HAND = "by-hand"
"""The source of files that nobody said where they are from."""


class Paging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one page leads to the next. A cursor stands in `field` (a path with dots) and is asked for as `parameter`;
    with `newest_first` reading ends at the first page that holds nothing unknown."""

    by: Literal["links.next", "cursor"] = "links.next"
    field: str = "nextCursor"
    parameter: str = "cursor"
    newest_first: bool = False


class Portal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file; its head explains the fields."""

    title: str
    cadence: str
    licence: str
    licence_url: str = ""
    home: str = ""
    url: str = ""
    hosts: tuple[str, ...] = ()
    format: Literal["ocds", "table"] = "ocds"
    mapping: str = ""
    paging: Paging | None = None
    notice_link: str = ""


Name = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=32)]


@cache
def portals() -> dict[str, Portal]:
    """Every portal of the file by its name. A mistake in the file is refused with its place."""
    return msgspec.convert(yaml.safe_load(FILE.read_text()), dict[Name, Portal])


async def settle() -> None:
    """Bring the rows to what the file says. What the operator set (`every_hours`) and what was reckoned stays."""
    async with transaction():
        there = {row.name: row for row in await Source.objects().lock_rows("UPDATE")}
        for name, portal in portals().items():
            facts: dict[Any, Any] = {
                "title": portal.title,
                "url": portal.url,
                "home": portal.home,
                "format": portal.format,
                "mapping": portal.mapping,
                "cadence": portal.cadence,
                "licence": portal.licence,
                "licence_url": portal.licence_url,
                "paging": msgspec.json.encode(portal.paging).decode() if portal.paging else "",
                "notice_link": portal.notice_link,
            }
            if name not in there:
                await Source.insert(Source(**{"name": name, **facts})).on_conflict(action="DO NOTHING")
            elif any(getattr(there[name], key) != value for key, value in facts.items()):
                await Source.update(facts).where(Source.name == name)


def of_address(url: str) -> str | None:
    """The portal an address belongs to, by its host."""
    host = urlsplit(url).hostname or ""
    return next((name for name, portal in portals().items() if host in portal.hosts), None)


def of_file(path: Path) -> str:
    """The portal a file is from: the nearest folder with a portal's name, or its own name, or the headings of its table."""
    for part in (path.name.split(".")[0], *reversed(path.parent.parts)):
        if part in portals():
            return part
    if is_table(path):
        mapping = tabular.recognise_file(path)
        for name, portal in portals().items():
            if mapping is not None and portal.mapping == mapping:
                return name
    return BY_HAND


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    return path.suffix.lower() in (".csv", ".tsv")
