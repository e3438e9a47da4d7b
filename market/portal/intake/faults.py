"""Why something could not be read, in plain words that say what it looks like instead."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from market import nesting
from market.wording import _

_BYTE = re.compile(r"\(byte (\d+)\)")


def shown(text: bytes) -> str:
    """The beginning of some bytes, quoted."""
    words = " ".join(text.decode("utf-8", "replace").split())
    return f"“{words[:40]}…”" if len(words) > 40 else f"“{words}”" if words else _("the end of the file")


def plain(error: Exception) -> str:
    """What a reader of JSON complained of."""
    if isinstance(error, nesting.TooDeep):
        return _("The brackets are nested deeper than any real release; it was not read.")
    words = str(error)
    at = _BYTE.search(words)
    cause = _BYTE.sub("", words).removeprefix("JSON is malformed:").strip(" .")
    if at and cause:
        return _("This is not valid JSON at byte {byte} of it: {cause}.", byte=at.group(1), cause=cause)
    if at:
        return _("This is not valid JSON at byte {byte} of it.", byte=at.group(1))
    return _("This is not valid JSON: {cause}.", cause=cause) if cause else _("This is not valid JSON.")


def not_json(start: bytes) -> str:
    """What begins so and is no JSON."""
    text = start.lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return _("This is a web page, not data: the portal probably answered with an error or a sign-in page.")
    if text.startswith(b"<"):
        return _("This is XML, not JSON; open contracting data is JSON.")
    if text.startswith(b"%pdf"):
        return _("This is a PDF document, not data.")
    if text.startswith(b"pk"):
        return _("This is an archive of a kind that is not read here.")
    if start.split(b"\n")[0].count(b",") >= 2:
        return _("This looks like a table (CSV); read it with the column mapping of its portal.")
    return _("This is not JSON: it begins with {start}.", start=shown(start))


def not_ocds(data: dict[str, Any]) -> str:
    """What is JSON and no open contracting data."""
    for key in ("error", "errors", "message"):
        if key in data and len(data) <= 5:
            return _(
                "The portal answered with an error instead of data: {excerpt}.",
                excerpt=shown(msgspec.json.encode(data[key])),
            )
    if not data:
        return _("The document is an empty object.")
    keys = ", ".join(sorted(data)[:5])
    return _(
        "This has no ocid and is no release, record or package of open contracting data (its fields: {keys} …).",
        keys=keys,
    )
