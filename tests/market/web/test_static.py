"""Static files: kept for ever under their digest, compressed, and never sent twice."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from market.web.static import FOR_A_WHILE, FOR_EVER, Assets, router
from market.web.templating import TEMPLATES


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets(TEMPLATES / "static")


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[TestClient[Litestar]]:
    with TestClient(Litestar([router(assets)], openapi_config=None)) as asking:
        yield asking


def test_a_hashed_address_is_kept_for_ever_and_a_plain_one_for_a_while(
    client: TestClient[Litestar], assets: Assets
) -> None:
    hashed = client.get(assets.url("site.css"))
    assert hashed.status_code == 200
    assert hashed.headers["cache-control"] == FOR_EVER
    assert hashed.headers["content-type"] == "text/css; charset=utf-8"
    plain = client.get("/static/site.css")
    assert plain.content == hashed.content
    assert plain.headers["cache-control"] == FOR_A_WHILE


def test_an_address_of_another_release_finds_todays_file_for_a_while(client: TestClient[Litestar]) -> None:
    other = client.get("/static/0123456789/site.css")
    assert other.status_code == 200
    assert other.headers["cache-control"] == FOR_A_WHILE


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("br;q=0, *;q=0", None),
        ("br;q=nonsense", None),
    ],
)
def test_the_best_coding_that_the_browser_accepts(
    client: TestClient[Litestar], assets: Assets, accept: str, coding: str | None
) -> None:
    with client.stream("GET", assets.url("site.css"), headers={"accept-encoding": accept}) as said:
        raw = b"".join(said.iter_raw())
    assert said.headers.get("content-encoding") == coding
    assert said.headers["vary"] == "Accept-Encoding"
    found = assets.find("site.css")
    assert found is not None
    assert raw == (found[0].coded[coding] if coding else found[0].plain)
    assert said.headers["content-length"] == str(len(raw))


def test_what_the_browser_has_is_not_sent_again(client: TestClient[Litestar], assets: Assets) -> None:
    tags = {}
    for coding in ("br", "identity"):
        first = client.get(assets.url("prelude.js"), headers={"accept-encoding": coding})
        tags[coding] = first.headers["etag"]
        again = client.get(
            assets.url("prelude.js"), headers={"accept-encoding": coding, "if-none-match": f'"x", W/{tags[coding]}'}
        )
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tags[coding]
        assert "content-encoding" not in again.headers
    assert tags["br"] != tags["identity"]
    other = client.get(assets.url("prelude.js"), headers={"if-none-match": '"another"'})
    assert other.status_code == 200


def test_head_tells_the_length_and_sends_nothing(client: TestClient[Litestar], assets: Assets) -> None:
    url = assets.url("fonts/atkinson-hyperlegible-next-400.woff2")
    said, whole = client.head(url), client.get(url)
    assert said.status_code == 200
    assert said.content == b""
    assert said.headers["content-length"] == str(len(whole.content))
    assert said.headers["content-type"] == "font/woff2"


@pytest.mark.parametrize(
    "path",
    [
        "nothing.css",
        "build.sh",
        "LICENCES.md",
        "source/prelude.css",
        "source/govuk.scss",
        "prepared.json",
        "site.css.gz",
        "../layout.html",
        "%2e%2e/layout.html",
        "0123456789/",
        "",
    ],
)
def test_nothing_else_is_served(client: TestClient[Litestar], path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_a_name_that_does_not_exist_is_refused_while_rendering(assets: Assets) -> None:
    with pytest.raises(LookupError, match="no static file"):
        assets.url("nothing.css")


def test_compressed_files_are_made_of_the_present_bytes(assets: Assets) -> None:
    """Run `templates/static/build.sh` (OFFLINE=1 is enough after an edit of a script) when this fails."""
    for name in assets.names():
        found = assets.find(name)
        assert found is not None
        if name.endswith((".css", ".js", ".svg")):
            assert set(found[0].coded) == {"br", "gzip"}, name
            assert gzip.decompress(found[0].coded["gzip"]) == found[0].plain


def test_a_compressed_file_that_is_out_of_date_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("new{}")
    (tmp_path / "a.css.gz").write_bytes(gzip.compress(b"old{}"))
    (tmp_path / "prepared.json").write_text(json.dumps({"a.css": hashlib.sha256(b"old{}").hexdigest()}))
    found = Assets(tmp_path).find("a.css")
    assert found is not None
    assert found[0].coded == {}


def test_any_change_changes_the_addresses(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    before = Assets(tmp_path).url("a.css")
    (tmp_path / "b.js").write_text("b()")
    assert Assets(tmp_path).url("a.css") != before


def test_the_style_sheet_is_built_from_its_sources_and_names_only_files_that_exist(assets: Assets) -> None:
    found = assets.find("site.css")
    assert found is not None
    css = found[0].plain.decode()
    for part in css.split("url(")[1:]:
        name = part.split(")")[0].strip("\"'")
        assert name in assets.names(), name
    assert "GDS Transport" not in css
    assert "crest" not in css
    made_of = json.loads((TEMPLATES / "static" / "prepared.json").read_text())
    for name in ("source/govuk.scss", "source/prelude.css"):
        present = hashlib.sha256((TEMPLATES / "static" / name).read_bytes()).hexdigest()
        assert made_of[name] == present, f"{name} was changed since templates/static/build.sh was run"


def test_a_first_visit_stays_below_a_hundred_kilobytes_apart_from_the_font(assets: Assets) -> None:
    """Gzip, the larger of the two codings: a proxy may allow no better."""
    total = 0
    for name in ("site.css", "govuk-frontend.js", "prelude.js", "start.js", "passkey.js", "mark.svg"):
        found = assets.find(name)
        assert found is not None
        total += len(found[0].coded["gzip"])
    assert total < 60_000, "leaves 40 kB for the page itself"
