"""The vocabulary: levels, overlaps that open the gate, what is a commodity, and the picker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import policy, workdays
from market.tenders import cpv
from tests import given as rows

NOW = rows.TODAY

codes = st.sampled_from(sorted(cpv._labels()))


@pytest.mark.parametrize(
    ("typed", "code"),
    [("72000000", "72000000"), ("72000000-5", "72000000"), (" 72212000 ", "72212000"), ("09310000-5", "09310000")],
)
def test_a_code_is_read_with_or_without_its_check_digit(typed: str, code: str) -> None:
    assert cpv.normal(typed) == code
    assert cpv.known(typed)


@pytest.mark.parametrize("typed", ["", "7200000", "720000000", "72000000-55", "IT services", "72000000-x", "99999999"])
def test_what_is_no_code_is_refused_with_what_to_type(typed: str) -> None:
    assert not cpv.known(typed)
    with pytest.raises(ValueError, match=r"CPV code of 8 digits|not in the Common Procurement Vocabulary"):
        cpv.label(typed)


def test_a_path_leads_from_the_division_to_the_code() -> None:
    assert cpv.path("30197643-5") == (
        *("30000000", "30100000", "30190000", "30197000"),
        *("30197600", "30197640", "30197643"),
    )
    assert cpv.label("30197643") == "Photocopier paper"
    assert cpv.parent("72000000") is None
    assert cpv.division("09310000") == "09000000"
    assert "72200000" in [entry.code for entry in cpv.children("72000000")]
    assert len(cpv.children()) == 45


@given(codes)
def test_every_code_has_one_way_up_that_ends_at_its_division(code: str) -> None:
    steps = cpv.path(code)
    assert steps[-1] == code
    assert steps[0] == cpv.division(code)
    up = cpv.parent(code)
    assert (up is None) == (len(steps) == 1)
    if up:
        assert cpv.path(up) == steps[:-1]
        assert code in [entry.code for entry in cpv.children(up)]


@pytest.mark.parametrize(
    ("exercise", "tender", "length", "shared"),
    [
        pytest.param(["72212000"], ["72230000"], 3, ("72200000",), id="two classes of one group are one subject"),
        pytest.param(["72212000"], ["72300000"], 3, (), id="two groups of one division are not"),
        pytest.param(["72212000"], ["72300000"], 2, ("72000000",), id="unless the division is enough"),
        pytest.param(["72000000"], ["72212000"], 3, (), id="a whole division opens nothing within it"),
        pytest.param(["72000000"], ["72000000-5"], 3, ("72000000",), id="but meets the same whole division"),
        pytest.param(["09310000", "72212000"], ["72212100"], 3, ("72200000",), id="one of several is enough"),
        pytest.param([], ["72212100"], 3, (), id="nothing overlaps nothing"),
        pytest.param(["72212000"], ["72230000"], 4, (), id="a finer level tells classes apart"),
    ],
)
def test_an_exercise_and_a_tender_are_about_the_same_thing(
    exercise: list[str], tender: list[str], length: int, shared: tuple[str, ...]
) -> None:
    assert cpv.overlaps(exercise, tender, length) == shared


@given(codes, codes, st.integers(2, 8))
def test_overlap_does_not_depend_on_who_is_asked_first(a: str, b: str, length: int) -> None:
    assert cpv.overlaps([a], [b], length) == cpv.overlaps([b], [a], length)
    assert cpv.overlaps([a], [a], length)


@pytest.mark.parametrize(
    ("bought", "commodity", "says"),
    [
        pytest.param(["09310000"], True, "whoever delivers", id="electricity is a commodity"),
        pytest.param(["30192700"], True, "Office supplies", id="stationery is a commodity"),
        pytest.param(["39130000"], True, "Furniture", id="office furniture is a commodity"),
        pytest.param(["09134200"], True, "Fuels", id="diesel for vehicles is a commodity"),
        pytest.param(["15800000", "15500000"], True, "Food", id="food is a commodity"),
        pytest.param(["72212000"], False, "not on the list", id="software development is none"),
        pytest.param(["09331200"], False, "open", id="solar modules are excepted from energy"),
        pytest.param(["34114121"], False, "task", id="ambulances are excepted from vehicles"),
        pytest.param(["34110000"], True, "lists", id="passenger cars are a commodity"),
        pytest.param(["30192700", "72212000"], False, "72212000", id="one part that is none decides for the whole"),
        pytest.param(["30000000"], False, "not on the list", id="a whole division is none when only parts are listed"),
        pytest.param([], False, "No CPV code", id="nothing said is no commodity"),
    ],
)
def test_a_purchase_is_a_commodity_only_when_all_of_it_is(bought: list[str], commodity: bool, says: str) -> None:
    verdict = cpv.is_commodity(bought, NOW)
    assert verdict.commodity is commodity
    assert bool(verdict) is commodity
    assert says in verdict.why


def test_the_verdict_names_the_codes_that_decided() -> None:
    assert cpv.is_commodity(["30192700", "72212000"], NOW).codes == ("72212000",)
    assert cpv.is_commodity(["30192700", "09310000"], NOW).codes == ("30192700", "09310000")


def test_every_entry_of_the_reviewed_list_has_a_reason_and_a_real_code() -> None:
    entries = cpv.commodity_list()
    assert len({entry.code for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.why.endswith(".")
        assert (entry.review is not None) is entry.commodity, (
            "a line that frees has a day by which it is looked at again"
        )
        assert cpv.is_commodity([entry.code], NOW).commodity is entry.commodity


def test_a_line_that_nobody_reviewed_counts_for_a_while_and_then_frees_nothing() -> None:
    paper = cpv.standing("30197643")
    assert paper is not None
    assert paper.review is not None
    due = workdays.end_of_day(paper.review)
    assert paper not in cpv.overdue(due)
    assert paper in cpv.overdue(due + timedelta(days=1))
    last = workdays.add_months(due, policy.IN_FORCE.gate.commodity_grace_months)
    assert cpv.is_commodity(["30197643"], last).commodity
    verdict = cpv.is_commodity(["30197643"], last + timedelta(seconds=1))
    assert not verdict.commodity
    assert "was to be reviewed by Thu 22 Nov 2029, and has not been" in verdict.why


@given(st.lists(codes, min_size=1, max_size=4))
def test_adding_a_code_never_makes_a_commodity_of_what_was_none(bought: list[str]) -> None:
    if not cpv.is_commodity(bought[:-1] or bought, NOW):
        assert not cpv.is_commodity(bought, NOW)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        pytest.param("electricity", "09310000", id="a whole label"),
        pytest.param("photocopier paper", "30197643", id="two words"),
        pytest.param("softwre development", "72262000", id="a slip of the keyboard"),
        pytest.param("3019764", "30197640", id="the digits of a code"),
        pytest.param("72212000-4", "72212000", id="a code with its check digit"),
        pytest.param("electric vehicle charging", "34144900", id="most of the words where no label has all"),
        pytest.param("software", "48000000", id="what is bought and not what is excluded"),
        pytest.param("ambulance", "34114121", id="a singular for a plural"),
    ],
)
def test_the_picker_finds(words: str, first: str) -> None:
    assert first in [entry.code for entry in cpv.search(words)[:5]]


@pytest.mark.parametrize("words", ["", "  ", "of the", "zzzzqqqq"])
def test_the_picker_finds_nothing_in_nothing(words: str) -> None:
    assert cpv.search(words) == ()


@given(st.text(max_size=30))
def test_the_picker_answers_whatever_is_typed(words: str) -> None:
    assert len(cpv.search(words, limit=7)) <= 7


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("35125100", "Sensors (35125100)"),
        ("71", "Architectural, construction, engineering and inspection services (71)"),
        ("99999999", "99999999"),
        ("", ""),
    ],
)
def test_a_code_is_shown_with_what_it_means_and_an_unknown_one_as_it_is(code: str, said: str) -> None:
    assert cpv.named(code) == said
