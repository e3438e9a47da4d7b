"""Reading forms: every mistake at once, beside its field, nothing lost."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from market.refusals import AskedOnceMore, Refusal, Refused
from market.web.forms import Form, blank, typed


class Draft(msgspec.Struct):
    """An input with every kind of field."""

    title: Annotated[str, Meta(title="Title", min_length=5, max_length=20)]
    fee_minor: Annotated[int, Meta(title="Fee", ge=0)]
    places: Annotated[int, Meta(title="Places", ge=1, le=50)]
    closes_at: datetime
    starts_on: date
    kind: Literal["open", "closed"] = "open"
    cpv: list[str] = []
    agreed: bool = False
    note: str = ""


GOOD = {
    "title": ["Safe bridges"],
    "fee_minor": ["£1,500.50"],
    "places": ["3"],
    "closes_at": ["2026-07-01T17:00"],
    "starts_on": ["2026-08-01"],
}


def test_a_good_form_is_converted_as_people_mean_it() -> None:
    form = Form(Draft, {**GOOD, "cpv": ["71631450\r\n72000000, 73000000"], "agreed": ["yes"], "kind": ["closed"]})
    assert form.errors == {}
    assert form.data == Draft(
        "Safe bridges",
        150_050,
        3,
        datetime(2026, 7, 1, 16, tzinfo=UTC),
        date(2026, 8, 1),
        "closed",
        ["71631450", "72000000", "73000000"],
        True,
    )


def test_a_line_of_words_is_one_entry_with_its_commas() -> None:
    lines = "Letter of the flood lead, 3 March\r\n\r\nhttps://calderwick.example/a,b"
    assert Form(Draft, {**GOOD, "cpv": [lines]}).data.cpv == [
        "Letter of the flood lead, 3 March",
        "https://calderwick.example/a,b",
    ]


def test_what_rules_say_stands_beside_the_mistakes_and_hides_none_of_them() -> None:
    form = Form(Draft, {**GOOD, "title": ["No"]})
    assert form.found["places"] == 3
    form.beside([Refusal("x.places", "Three are too few.", "places"), Refusal("x.title", "Another word.", "title")])
    assert form.errors == {"title": "Title must be at least 5 characters long", "places": "Three are too few."}
    good = Form(Draft, GOOD)
    good.beside([Refusal("x.places", "Three are too few.", "places")])
    assert good.errors == {}


def test_limits_of_money_are_said_in_money_and_a_wrong_format_by_example() -> None:
    class Priced(msgspec.Struct):
        fee_minor: Annotated[int, Meta(title="Fee", le=1_000_000_00)]
        website: Annotated[str, Meta(title="Website", pattern="^https://", examples=["https://firm.example"])]

    form = Form(Priced, {"fee_minor": ["1,000,001"], "website": ["firm"]})
    assert form.errors == {
        "fee_minor": "Fee must be £1,000,000 or less",
        "website": "Website must look like https://firm.example",
    }


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Enter the title"),
        ("title", "Abc", "Title must be at least 5 characters long"),
        ("title", "A" * 21, "Title must be 20 characters or fewer"),
        ("fee_minor", "lots", "Enter an amount in pounds, like 1,500 or 1500.50"),
        ("places", "three", "Places must be a whole number, like 12"),
        ("places", "0", "Places must be 1 or more"),
        ("places", "51", "Places must be 50 or less"),
        ("closes_at", "31/02/2026", "Closes at must be a real date and time"),
        ("starts_on", "2026-20-16", "Starts on must be a real date"),
        ("kind", "ajar", "Choose the kind from the list"),
    ],
)
def test_each_mistake_is_said_in_words_beside_its_field(field: str, value: str, words: str) -> None:
    form = Form(Draft, {**GOOD, field: [value]})
    assert words in form.errors[field]
    assert form.values["title"] is not None
    with pytest.raises(Refused) as refused:
        _ = form.data
    assert refused.value.status == 422


def test_all_mistakes_come_at_once() -> None:
    form = Form(Draft, {"note": ["kept"]})
    assert set(form.errors) == {"title", "fee_minor", "places", "closes_at", "starts_on"}
    assert form.values["note"] == "kept"


def test_a_refused_action_puts_its_reasons_beside_their_fields() -> None:
    form = Form(Draft, GOOD)
    with form.acting():
        raise Refused(Refusal("fee.too-low", "Pay more.", "fee_minor"), Refusal("draft.late", "Too late."))
    assert form.failed
    assert form.status == 409
    assert form.errors == {"fee_minor": "Pay more.", "": "Too late."}


def test_what_is_asked_once_more_is_no_mistake_and_its_answer_is_read_beside_the_fields() -> None:
    form = Form(Draft, GOOD)
    question = Refusal("fee.far", "Is it £1?", "fee_minor", "fee.far:1")
    with form.acting():
        raise AskedOnceMore(question)
    assert (form.status, form.errors, form.asks) == (409, {}, (question,))
    assert Form(Draft, {**GOOD, "confirm": ["fee.far:1", "fee.late:2"]}).confirmed == {"fee.far:1", "fee.late:2"}
    assert blank(Draft).confirmed == form.confirmed == frozenset()


def test_what_forbids_entry_is_not_swallowed_by_the_form() -> None:
    form = Form(Draft, GOOD)
    with pytest.raises(Refused), form.acting():
        raise Refused(Refusal("access.role-needed", "No."), status=403)


def test_stored_values_are_shown_as_they_are_typed() -> None:
    form = blank(Draft, fee_minor=150_050, closes_at=datetime(2026, 7, 1, 16, tzinfo=UTC), agreed=True, cpv=["1", "2"])
    assert form.values == {"fee_minor": "1500.50", "closes_at": "2026-07-01T17:00", "agreed": "yes", "cpv": ["1", "2"]}
    assert typed(date(2026, 8, 1)) == "2026-08-01"
