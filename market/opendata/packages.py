"""Release packages and record packages: what a reader of our open data receives, with who publishes it and on what terms.

Extensions are named by the address of their `extension.json`, as OCDS wants
(https://standard.open-contracting.org/1.1/en/schema/conformance_and_extensions/); only those in use are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from ocdsmerge.merge import CompiledRelease

from market import ocds
from market.opendata.facts import Publisher
from market.opendata.releases import date

VERSION = "1.1"
_EXTENSIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "ocds_process_title_extension": lambda release: "title" in release,
    "ocds_lots_extension": lambda release: "lots" in release.get("tender", {}),
    "ocds_bid_extension": lambda release: "bids" in release,
    "ocds_suitability_extension": lambda release: '"suitability"' in _text(release),
    "ocds_partyDetails_scale_extension": lambda release: any("details" in each for each in release.get("parties", ())),
}
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def encode(data: Any) -> bytes:
    """The JSON of a release, record or package; decimals are written as numbers, digit for digit."""
    return _ENCODER.encode(data)


def decode(text: str | bytes) -> Any:
    """Read back what :func:`encode` wrote; fractions come as exact decimals."""
    return _DECODER.decode(text)


def extensions_of(release: dict[str, Any]) -> list[str]:
    """The names of the extensions whose fields this release (or compiled release) has, in a fixed order."""
    return [name for name, uses in _EXTENSIONS.items() if uses(release)]


def package_of(
    name: str,
    bodies: Sequence[bytes],
    extensions: Iterable[str],
    publisher: Publisher,
    *,
    uri: str,
    published_at: datetime,
    following: str | None = None,
) -> bytes:
    """A package's bytes around releases or records (`name`) that are written already: nothing is read or written again."""
    metadata = _metadata(extensions, publisher, uri, published_at, following)
    metadata[name] = [msgspec.Raw(body) for body in bodies]
    return encode(metadata)


def release_package(
    releases: Sequence[dict[str, Any]],
    publisher: Publisher,
    *,
    uri: str,
    published_at: datetime,
    following: str | None = None,
) -> dict[str, Any]:
    """A package of releases found at `uri`. `published_at` is when the newest content changed; `following` is the next page."""
    used = [name for release in releases for name in extensions_of(release)]
    package = _metadata(used, publisher, uri, published_at, following)
    package["releases"] = list(releases)
    return package


def compiled_release(releases: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All releases of one process merged by OCDS's rules, in the order of their dates."""
    merged = CompiledRelease(merge_rules=ocds.merge_rules())
    ordered = sorted(releases, key=lambda each: (each["date"], each["id"]))
    if not ordered:
        raise ValueError("there is no release to compile")
    for each in ordered:
        merged.append(each)
    compiled: dict[str, Any] = merged.asdict()
    return compiled


def record(releases: Sequence[dict[str, Any]], *, embedded: bool = True, at: str | None = None) -> dict[str, Any]:
    """Everything about one process: its compiled release and its releases, embedded or as links below `at`."""
    ordered = sorted(releases, key=lambda each: (each["date"], each["id"]))
    compiled = compiled_release(ordered)
    listed: list[dict[str, Any]] = ordered
    if not embedded:
        if at is None:
            raise ValueError("links to releases need the address below which the releases are found")
        listed = [{"url": f"{at}/{each['id']}", "date": each["date"], "tag": each["tag"]} for each in ordered]
    return {"ocid": compiled["ocid"], "releases": listed, "compiledRelease": compiled}


def record_package(
    records: Sequence[dict[str, Any]],
    publisher: Publisher,
    *,
    uri: str,
    published_at: datetime,
    following: str | None = None,
) -> dict[str, Any]:
    """A package of records found at `uri`."""
    used = [name for each in records for name in extensions_of(each["compiledRelease"])]
    package = _metadata(used, publisher, uri, published_at, following)
    package["records"] = list(records)
    return package


def _metadata(
    extensions: Iterable[str],
    publisher: Publisher,
    uri: str,
    published_at: datetime,
    following: str | None,
) -> dict[str, Any]:
    met = set(extensions)
    used = [name for name in _EXTENSIONS if name in met]
    if following:
        used.append(ocds.PAGINATION)
    who = {"name": publisher.name, "uri": publisher.site}
    if publisher.scheme and publisher.uid:
        who |= {"scheme": publisher.scheme, "uid": publisher.uid}
    package: dict[str, Any] = {
        "uri": uri,
        "version": VERSION,
        "extensions": [ocds.address(name) for name in used],
        "publishedDate": date(published_at),
        "publisher": who,
        "license": publisher.license,
        "publicationPolicy": publisher.policy,
    }
    if following:
        package["links"] = {"next": following}
    return package


def _text(release: dict[str, Any]) -> str:
    return encode(release.get("tender", {})).decode()
