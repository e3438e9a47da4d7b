"""Every wrapping and every defect that other portals' files were seen with."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.portal.intake.reading import Defect, Found, Package, Position, published, unfold

GOLDEN = Path(__file__).resolve().parents[4] / "fixtures" / "ocds"


def release(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"ocid": f"ocds-x-{number}", "id": f"{number}", "date": "2025-01-01T00:00:00Z", "tag": ["tender"], **more}


def package(*releases: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"uri": "https://p.example/1", "version": "1.1", "publisher": {"name": "P"}, **more, "releases": [*releases]}


def found(source: bytes | Path) -> list[Found]:
    every = list(published(source))
    assert not [each for each in every if isinstance(each, Defect)]
    return [each for each in every if isinstance(each, Found)]


def defects(source: bytes) -> list[Defect]:
    return [each for each in published(source, name="f.json") if isinstance(each, Defect)]


def ocids(source: bytes) -> list[str]:
    return [each.data["ocid"] for each in published(source) if isinstance(each, Found)]


@pytest.mark.parametrize(
    "document",
    [
        package(release(1), release(2)),
        [package(release(1)), package(release(2))],
        [release(1), release(2)],
        {
            "records": [
                {"ocid": "ocds-x-1", "compiledRelease": release(1)},
                {"ocid": "ocds-x-2", "releases": [release(2)]},
            ]
        },
    ],
    ids=["package", "array of packages", "array of releases", "record package"],
)
@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "indented"])
def test_every_wrapping_gives_the_same_procurements(document: Any, indent: int | None) -> None:
    assert ocids(json.dumps(document, indent=indent).encode()) == ["ocds-x-1", "ocds-x-2"]


def test_one_document_a_line_and_a_broken_line_spoils_only_itself() -> None:
    lines = [
        json.dumps(release(1)),
        '{"ocid": "ocds-x-2", "tag": [',
        json.dumps(package(release(3))),
        "",
        json.dumps(release(4)),
    ]
    text = "\n".join(lines).encode()
    assert ocids(text) == ["ocds-x-1", "ocds-x-3", "ocds-x-4"]
    (defect,) = defects(text)
    assert str(defect.position) == "f.json, line 2"
    assert "ends" in defect.reason


def test_a_broken_first_line_spoils_only_itself_too() -> None:
    text = "\n".join(['{"ocid": "ocds-x-1", "tag": ["ten', json.dumps(release(2)), json.dumps(release(3))]).encode()
    assert ocids(text) == ["ocds-x-2", "ocds-x-3"]
    assert [str(each.position) for each in defects(text)] == ["f.json, line 1"]


def test_a_package_with_one_release_a_line_is_no_file_of_lines() -> None:
    rows = ",\n".join(json.dumps(release(each)) for each in (1, 2))
    assert ocids(f'{{"version": "1.1", "releases": [\n{rows},\n]}}'.encode()) == ["ocds-x-1", "ocds-x-2"]
    assert ocids(f'{{"version": "1.1", "releases": [\n{json.dumps(release(1))}\n,]}}'.encode()) == ["ocds-x-1"]


def test_documents_one_after_the_other_without_line_ends() -> None:
    text = (json.dumps(release(1), indent=1) + json.dumps(release(2), indent=1)).encode()
    assert ocids(text) == ["ocds-x-1", "ocds-x-2"]


def test_bare_release_compiled_release_and_record_are_told_apart() -> None:
    kinds = [
        next(iter(found(json.dumps(each).encode()))).kind
        for each in (
            release(),
            release(tag=["compiled"]),
            {"ocid": "a", "releases": [release()]},
            {"compiledRelease": release()},
        )
    ]
    assert kinds == ["release", "compiled", "record", "record"]


def test_compressed_once_or_twice_and_zipped_with_several_members() -> None:
    plain = json.dumps(package(release(1))).encode()
    assert ocids(gzip.compress(plain)) == ["ocds-x-1"]
    assert ocids(gzip.compress(gzip.compress(plain))) == ["ocds-x-1"]
    assert "more than twice" in defects(gzip.compress(gzip.compress(gzip.compress(plain))))[0].reason
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2024.json.gz", gzip.compress(json.dumps(release(2)).encode()))
        archive.writestr("2023.json", plain)
        archive.writestr("read me.txt", "hello")
    every = list(published(packed.getvalue(), name="all.zip"))
    assert [each.data["ocid"] for each in every if isinstance(each, Found)] == ["ocds-x-1", "ocds-x-2"]
    assert [str(each.position) for each in every if isinstance(each, Defect)] == ["all.zip!read me.txt"]


@pytest.mark.parametrize("cut", [30, 60, -9])
def test_damaged_compression_is_a_defect(cut: int) -> None:
    packed = gzip.compress(json.dumps(package(*(release(each) for each in range(50)))).encode())
    assert "damaged or cut short" in defects(packed[:cut])[-1].reason


def test_damaged_archives_are_defects() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.json", json.dumps(release(1)))
    text = packed.getvalue()
    assert "damaged" in defects(text[:-30])[0].reason
    assert "cannot be unpacked" in defects(text.replace(b"ocds-x-1", b"ocds-y-1"))[-1].reason
    assert "holds no file" in defects(b"PK\x05\x06" + bytes(18))[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty (0 bytes)"),
        (b" \n\t ", "blank space"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"%PDF-1.7", "PDF"),
        (b"ocid,title,value\n1,2,3\n", "CSV"),
        (b"hello", "not JSON"),
        (b"null", "not JSON"),
        (b"{}", "empty object"),
        (b"[]", "holds no release"),
        (b'{"error": "rate limit", "status": 429}', "answered with an error"),
        (b'{"releases": []}', "is empty"),
        (b'{"releases": 5}', "not a list"),
        (b'{"id": "x", "title": "a tender of the portal itself"}', "no ocid"),
        (b'{"releases": [5, "x"]}', "but"),
        (b"[1, 2]", "expected here"),
        (b'{"ocid": "a", "tag": ["tender"]', "middle of a value"),
        (b'{"ocid": NaN, "tag": []}', "not valid JSON"),
        (b'{"ocid": "a", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested deeper"),
        (b'{"ocid" "a"}', "colon"),
        (b"{'ocid': 'a'}", "double quotes"),
        (b"\xff\xd8\xff\xe0", "not JSON"),
    ],
)
def test_what_cannot_be_read_has_a_reason_a_person_understands(text: bytes, reason: str) -> None:
    every = list(published(text, name="f.json"))
    assert every
    assert all(isinstance(each, Defect) for each in every)
    assert any(reason in each.reason for each in every if isinstance(each, Defect)), every


def test_a_file_cut_off_gives_what_came_before_and_says_so() -> None:
    text = json.dumps(package(*(release(each) for each in range(100)))).encode()
    every = list(published(text[:-40], name="cut.json"))
    assert len([each for each in every if isinstance(each, Found)]) == 99
    (defect,) = (each for each in every if isinstance(each, Defect))
    assert defect.reason.startswith("The file stops being readable after 99 releases were read")


def test_one_broken_release_in_a_package_is_quarantined_with_its_bytes() -> None:
    good = json.dumps(release(1))
    text = f'{{"releases": [{good}, {{"ocid": "b", "n": 01}}, {json.dumps(release(3))}], "uri": "https://u.example"}}'.encode()
    assert ocids(text) == ["ocds-x-1", "ocds-x-3"]
    (defect,) = defects(text)
    assert defect.raw == b'{"ocid": "b", "n": 01}'
    assert defect.position == Position("f.json", "releases[1]", defect.position.byte)


def test_trailing_commas_are_forgiven_but_noted_and_the_raw_bytes_stay() -> None:
    raw = b'{"ocid": "a,]", "tag": ["tender",], "tender": {"title": "x, }",},}'
    (one,) = found(b'{"version": "1.1", "releases": [' + raw + b",],}")
    assert one.raw == raw
    assert one.data == {"ocid": "a,]", "tag": ["tender"], "tender": {"title": "x, }"}}
    assert [note.code for note in one.notes] == ["text.trailing-comma"]
    assert one.package.version == "1.1"


def test_bom_utf_16_and_latin_1_are_read() -> None:
    one = release(1, tender={"title": "Straßenbau für Orléans"})
    text = json.dumps(package(one), ensure_ascii=False)
    assert found(b"\xef\xbb\xbf" + text.encode())[0].data == one
    assert found(text.encode("utf-16"))[0].data == one
    (latin,) = found(text.encode("latin-1"))
    assert latin.data == one
    assert [note.code for note in latin.notes] == ["text.not-utf-8"]
    assert latin.raw == json.dumps(one, ensure_ascii=False).encode("latin-1")


def test_what_the_package_says_of_itself_reaches_every_release_even_when_written_last() -> None:
    text = json.dumps(
        {"releases": [release(1)], "publisher": {"name": "Town"}, "version": "1.0", "license": "https://l.example",
         "links": {"next": "https://p.example/2"}, "extensions": ["https://e.example/extension.json"], "publishedDate": "2025-01-01"}
    )  # fmt: skip
    (one,) = found(text.encode())
    assert one.package == Package(
        None,
        "1.0",
        "2025-01-01",
        "Town",
        "https://l.example",
        "https://p.example/2",
        ("https://e.example/extension.json",),
    )
    inside = release(1, packageInfo={"publisher": {"name": "Embedded"}, "uri": "https://i.example"})
    assert found(json.dumps(inside).encode())[0].package.publisher == "Embedded"


def test_records_unfold_into_releases_or_their_compiled_release() -> None:
    embedded, compiled, linked = found(GOLDEN / "records-1.1.json")
    inner = list(unfold(embedded))
    assert [str(each.position) for each in inner] == [f"records-1.1.json, records[0].releases[{n}]" for n in range(3)]
    (one,) = unfold(compiled)
    assert isinstance(one, Found)
    assert one.kind == "compiled"
    (none,) = unfold(linked)
    assert isinstance(none, Defect)
    assert "links to releases kept elsewhere" in none.reason


def test_a_versioned_release_alone_gives_its_latest_values() -> None:
    def version(date: str, value: Any) -> dict[str, Any]:
        return {"releaseDate": date, "releaseID": "1", "releaseTag": ["tender"], "value": value}

    record = {
        "ocid": "v",
        "versionedRelease": {"tender": {"title": [version("2025-01-02", "new"), version("2025-01-01", "old")]}},
    }
    (one,) = unfold(found(json.dumps(record).encode())[0])
    assert isinstance(one, Found)
    assert one.data == {"ocid": "v", "tender": {"title": "new"}}


def test_a_folder_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.json").write_text(json.dumps(release(2)))
    (tmp_path / "a.json").write_text(json.dumps(release(1)))
    (tmp_path / ".hidden.json").write_text(json.dumps(release(9)))
    (tmp_path / "c.json").write_text("")
    every = list(published(tmp_path))
    assert [str(each.position) for each in every] == ["a.json", "b/2.json", "c.json"]
    assert "cannot be opened" in next(each.reason for each in published(tmp_path / "no") if isinstance(each, Defect))


class _Endless(io.RawIOBase):
    """A package of as many bytes as asked for, made while it is read."""

    def __init__(self, size: int) -> None:
        self._pieces = self._made(size)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    @staticmethod
    def _made(size: int) -> Iterator[bytes]:
        one = json.dumps(release(tender={"description": "x" * 40_000, "documents": [{"id": "1"}] * 20})).encode()
        yield b'{"releases": ['
        for number in range(size // len(one)):
            yield (b"," if number else b"") + one
        yield b'], "version": "1.1"}'


def test_memory_stays_flat_however_large_the_file() -> None:
    tracemalloc.start()
    count = sum(isinstance(each, Found) for each in published(_Endless(60_000_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 1000
    assert peak < 30_000_000


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_whatever_break_the_reader(text: bytes) -> None:
    assert all(isinstance(each, (Found, Defect)) for each in published(text))


@given(st.data())
def test_a_package_with_a_piece_changed_or_cut_never_breaks_and_never_loses_what_stands_before(
    data: st.DataObject,
) -> None:
    text = json.dumps(
        package(*(release(each) for each in range(6))), indent=data.draw(st.sampled_from([None, 1]))
    ).encode()
    place = data.draw(st.integers(0, len(text) - 1))
    spoilt = text[:place] + data.draw(st.binary(max_size=3)) + text[place + data.draw(st.integers(0, 9)) :]
    whole = sum(text.find(f'"id": "{number}"'.encode()) + 60 < place for number in range(6))
    assert len([each for each in published(spoilt) if isinstance(each, Found)]) >= whole - 1
