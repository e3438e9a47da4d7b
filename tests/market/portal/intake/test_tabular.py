"""A portal's table becomes releases through a mapping that is data."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from market.portal.intake.merging import merge
from market.portal.intake.notices import Notice, notice, stage
from market.portal.intake.reading import Defect, Found
from market.portal.intake.tabular import Field, read_table, recognise, tables
from market.portal.intake.upgrading import Upgraded, upgrade

ROOT = Path(__file__).resolve().parents[4]
SHARED = Path(os.environ.get("PRELUDE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "challenges"

HEAD = "reference,title,buyer,published,closes,value,currency,cpv,suitable for small firms,link\n"
ROW = '17,"Drone inspection, walls",Marrowby,03/03/2025,2025-04-04,"84,000",GBP,71631400,Yes,https://t.example/17\n'


def notices(text: str | bytes) -> list[Notice]:
    made = []
    for each in read_table(text.encode() if isinstance(text, str) else text):
        assert isinstance(each, Found), each
        one = upgrade(each)
        assert isinstance(one, Upgraded)
        made.append(notice(merge([one]).compiled, source="plain", tags=one.tags))
    return made


def reasons(text: str | bytes) -> list[str]:
    every = read_table(text.encode() if isinstance(text, str) else text, name="t.csv")
    return [f"{each.position}: {each.reason}" for each in every if isinstance(each, Defect)]


def test_a_row_of_the_plain_list_is_a_notice() -> None:
    (one,) = notices(HEAD + ROW)
    assert (one.ocid, one.title) == ("ocds-plain-17", "Drone inspection, walls")
    assert one.buyer is not None
    assert one.buyer.name == "Marrowby"
    assert (one.value_minor, one.currency, one.cpv, one.sme_suitable) == (8_400_000, "GBP", ("71631400",), True)
    assert one.published_at == datetime(2025, 3, 3, tzinfo=UTC)
    assert one.closes_at == datetime(2025, 4, 4, tzinfo=UTC)
    assert one.link == "https://t.example/17"


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_other_delimiters_encodings_and_headings_in_capitals(delimiter: str, encoding: str) -> None:
    text = f"REFERENCE;Title;Buyer;Published ;closes\n1;Straßenbau – Süd;Orléans;2025-01-02;\n".replace(";", delimiter)  # noqa: F541
    (one,) = notices(text.encode(encoding))
    assert one.title == "Straßenbau – Süd"
    assert one.closes_at is None


def test_cells_that_say_nothing_intelligible_are_left_out_and_noted() -> None:
    row = "17,T,B,when ready,2025-04-04,lots,GBP,,maybe,\n"
    (found,) = read_table((HEAD + row).encode())
    assert isinstance(found, Found)
    assert [(note.code, note.path) for note in found.notes] == [
        ("date.invalid", "date"),
        ("number.unreadable", "tender.value.amount"),
    ]
    assert "suitability" not in found.data["tender"]
    assert "documents" not in found.data["tender"]
    assert b'"value":"lots"' in found.raw


def test_every_way_a_table_can_be_wrong_has_a_reason() -> None:
    assert reasons("") == ["t.csv: The table is empty."]
    assert "No column mapping fits" in reasons("a,b\n1,2\n")[0]
    assert reasons(HEAD + ",T,B,2025-01-01\n") == [
        "t.csv, row 2: The row has no reference of its own, so it cannot be told from others."
    ]
    assert "11 cells under 10 headings" in reasons(HEAD + ROW.strip() + ",extra\n" + ROW)[0]
    every = list(read_table(b"a,b\n1,2\n", kind="plain"))
    assert isinstance(every[0], Defect)
    assert "has no column “reference”, “title”, “buyer”, “published”" in every[0].reason
    assert "cannot be opened" in next(each.reason for each in read_table("/no/such.csv") if isinstance(each, Defect))


def test_a_missing_quote_spoils_what_it_swallows_and_no_more_memory_than_a_cell() -> None:
    text = HEAD + '17,"never closed' + "x" * 5_000_000 + "\n" + ROW
    assert any("closing quote" in each for each in reasons(text))


def test_blank_rows_are_passed_over_and_rows_may_be_short() -> None:
    assert [one.ocid for one in notices(HEAD + "\n,,,\n" + "1,T,B,2025-01-01\n")] == ["ocds-plain-1"]


def test_the_mapping_file_is_sound() -> None:
    for name, table in tables().items():
        assert recognise(list(table.headings)) == name
        assert {"ocid", "id", "date"} <= table.fields.keys()
    with pytest.raises(ValueError, match="one of column"):
        Field(column="a", constant="b")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not on this machine")
def test_the_uk_table_of_digital_outcomes_reads_whole() -> None:
    every = list(read_table(SHARED / "uk-digital-outcomes-opportunities.csv"))
    assert len(every) == 2118
    upgraded = [upgrade(each) for each in every if isinstance(each, Found)]
    stages = []
    for one in upgraded:
        assert isinstance(one, Upgraded)
        stages.append(
            stage(notice(merge([one]).compiled, source="dos", tags=one.tags), datetime(2026, 1, 1, tzinfo=UTC))
        )
    assert len(stages) == 2118
    assert (stages.count("awarded"), stages.count("cancelled")) == (606, 109)
