"""Identifiers as people type them, check digits, and who is a small firm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import Money
from market.organisations import Identifier, Size, check, parse, scheme, schemes, size_of


@pytest.mark.parametrize("code", [each.code for each in schemes()])
def test_the_example_of_every_register_is_one_of_its_numbers(code: str) -> None:
    example = scheme(code).example
    identifier = check(code, example)
    assert identifier.number == example
    assert parse(str(identifier)) == identifier


@pytest.mark.parametrize(
    ("code", "typed", "number"),
    [
        pytest.param("GB-COH", "08407369", "08407369", id="a company of England"),
        pytest.param("GB-COH", " 8407369 ", "08407369", id="its zero dropped"),
        pytest.param("GB-COH", "sc 123456", "SC123456", id="a Scottish company in small letters with a space"),
        pytest.param("GB-COH", "SC1234", "SC001234", id="its zeros dropped"),
        pytest.param("GB-COH", "NI000001", "NI000001", id="a company of Northern Ireland"),
        pytest.param("GB-COH", "OC301234", "OC301234", id="a partnership"),
        pytest.param("GB-COH", "IP12345R", "IP12345R", id="an old society"),
        pytest.param("BE-BCE_KBO", "403.019.261", "0403019261", id="a Belgian number with dots and no zero"),
        pytest.param("FI-PRO", "2077474-0", "20774740", id="a Finnish number with its hyphen"),
        pytest.param("DE-CR", "Aachen  HRA 11223", "AACHEN HRA 11223", id="a German register keeps its spaces"),
        pytest.param("FR-RCS", "552 008 443", "552008443", id="a French number in threes"),
    ],
)
def test_a_number_is_read_as_people_write_it(code: str, typed: str, number: str) -> None:
    assert check(code, typed).number == number


@pytest.mark.parametrize(
    ("code", "typed", "says"),
    [
        pytest.param("GB-COH", "084073691", "8 digits", id="a digit too many"),
        pytest.param("GB-COH", "XX123456", "8 digits", id="a prefix nobody gave out"),
        pytest.param("GB-COH", "", "for example", id="nothing"),
        pytest.param("GB-COH", "٠٨٤٠٧٣٦٩", "8 digits", id="digits of another script"),
        pytest.param("FR-RCS", "552008444", "check digits", id="a slip in a French number"),
        pytest.param("NO-BRC", "988077918", "check digits", id="a slip in a Norwegian number"),
        pytest.param("XI-LEI", "213800KUD8LAJWSQ9D16", "check digits", id="a slip in a legal entity identifier"),
        pytest.param("GB-XYZ", "1", "not a register", id="a register nobody knows"),
    ],
)
def test_a_number_that_cannot_be_right_is_refused_with_what_to_type(code: str, typed: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(code, typed)


def test_a_text_without_register_is_refused() -> None:
    with pytest.raises(ValueError, match="GB-COH-08407369"):
        parse("08407369")


def test_an_identifier_can_be_looked_up_where_the_register_has_pages() -> None:
    assert (Identifier("GB-COH", "08407369").page or "").endswith("/company/08407369")
    assert Identifier("GB-NHS", "RX1").page is None


def test_registers_of_a_country_come_with_those_of_the_world() -> None:
    codes = {each.code for each in schemes("IE")}
    assert {"IE-CRO", "XI-LEI"} <= codes
    assert "GB-COH" not in codes


@given(st.text(max_size=25), st.sampled_from([each.code for each in schemes()]))
def test_whatever_is_typed_is_read_or_refused_and_reading_twice_changes_nothing(typed: str, code: str) -> None:
    try:
        once = check(code, typed)
    except ValueError:
        return
    assert check(code, once.number) == once


def gbp(millions: float) -> Money:
    return Money(round(millions * 100_000_000))


def eur(millions: float) -> Money:
    return Money(round(millions * 100_000_000), "EUR")


@pytest.mark.parametrize(
    ("size", "small", "says"),
    [
        pytest.param(Size(249, gbp(44), None), True, "turnover", id="249 staff and a turnover of 44 million"),
        pytest.param(Size(250, gbp(1), gbp(1)), False, "250 staff", id="250 staff are too many whatever the money"),
        pytest.param(Size(10, gbp(44.01), gbp(38)), True, "balance", id="a small balance sheet makes up for turnover"),
        pytest.param(Size(10, gbp(44.01), gbp(38.01)), False, "over", id="both too large"),
        pytest.param(
            Size(10, gbp(44.01), None), None, "balance sheet total in GBP", id="turnover over, balance unknown"
        ),
        pytest.param(Size(10, None, None), None, "not known", id="staff alone decide nothing"),
        pytest.param(Size(None, gbp(1), gbp(1)), None, "staff", id="without staff nothing is decided"),
        pytest.param(Size(250, None, None), False, "250 staff", id="unless they are too many"),
        pytest.param(Size(0, gbp(0), None), True, "0 staff", id="a founder with nobody and nothing"),
        pytest.param(Size(10, eur(1), None), None, "GBP", id="money of another currency is not converted"),
    ],
)
def test_a_small_firm_by_the_procurement_act(size: Size, small: bool | None, says: str) -> None:
    verdict = size_of(size)
    assert verdict.small is small
    assert says in verdict.why
    assert verdict.source.startswith("Procurement Act 2023 section 123(1)")
    assert verdict.size == {True: "sme", False: "large", None: "unknown"}[small]


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (Size(9, eur(2), None), "micro"),
        (Size(9, eur(2.01), None), "small"),
        (Size(10, eur(2), None), "small"),
        (Size(49, eur(11), eur(10)), "small"),
        (Size(50, eur(1), None), "medium"),
        (Size(249, eur(50), None), "medium"),
        (Size(249, eur(50.01), eur(43.01)), "large"),
        (Size(250, eur(1), None), "large"),
    ],
)
def test_the_finer_classes_of_the_european_recommendation(size: Size, name: str) -> None:
    assert size_of(size, "eu").size == name


def test_negative_figures_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        size_of(Size(-1))
    with pytest.raises(ValueError, match="negative"):
        size_of(Size(1, gbp(-1)))
