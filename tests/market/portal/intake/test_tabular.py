"""A portal's table becomes releases through a mapping that is data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market.portal.intake.merging import merge
from market.portal.intake.notices import Notice, notice, stage
from market.portal.intake.reading import Defect, Found
from market.portal.intake.tabular import Field, read_table, recognise, tables
from market.portal.intake.upgrading import Upgraded, upgrade

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


DIGITAL_OUTCOMES = """\
ID,Opportunity,Link,Framework,Category,Specialist,Organisation Name,Buyer Domain,Location Of The Work,Published At,Open For,Expected Contract Length,Applications from SMEs,Applications from Large Organisations,Total Organisations,Status,Winning supplier,Size of supplier,Contract amount,Contract start date
9,Gully sensors: discovery,https://market.example/9,outcomes-4,digital-outcomes,,Marrowby Borough Council,marrowby.example,Yorkshire and the Humber,2016-07-13,2 weeks,8 weeks,6.0,6.0,12.0,awarded,Fernlight Surveys Ltd,small,84000,2016-09-01
10,"Alpha for ""permits"", first part",https://market.example/10,outcomes-4,digital-outcomes,,Marrowby Borough Council,marrowby.example,Offsite,2016-04-28,1 week,8 weeks,28.0,9.0,37.0,closed,,,,
11,Designer,https://market.example/11,outcomes-4,digital-specialists,designer,Alder County Council,alder.example,London,2016-04-29,2 weeks,2 Years,23.0,2.0,25.0,cancelled,,,,
12,Researcher,https://market.example/12,outcomes-4,user-research-participants,,Alder County Council,alder.example,Wales,2025-12-20,2 weeks,,0.0,0.0,0.0,open,,,,
13,Operations,https://market.example/13,outcomes-4,digital-outcomes,,Alder County Council,alder.example,Wales,2016-05-03,2 weeks,9 months,14.0,9.0,23.0,awarded,Quillmere Data Systems plc,large,,
"""


def test_the_uk_table_of_digital_outcomes_reads_whole() -> None:
    stages = []
    for each in notices(DIGITAL_OUTCOMES):
        stages.append(stage(each, datetime(2026, 1, 1, tzinfo=UTC)))
    assert stages == ["awarded", "closed", "cancelled", "open", "awarded"]
    first, second, *_ = notices(DIGITAL_OUTCOMES)
    assert second.title == 'Alpha for "permits", first part'
    assert [party.name for party in first.suppliers] == ["Fernlight Surveys Ltd"]
