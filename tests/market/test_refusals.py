"""One rule, three readers."""

from dataclasses import replace

import pytest

from market.refusals import AskedOnceMore, Denial, Refusal, Refused, ask, checklist, insist, refusals, rule


@rule("number.negative", field="number", source="Arithmetic")
def not_negative(number: int) -> str | None:
    """A count is not negative."""
    return "Count from zero." if number < 0 else None


@rule("number.odd")
def even(number: int) -> str | None:
    """Gloves come in pairs."""
    return "Add one." if number % 2 else None


COUNT = (not_negative, even)


@pytest.mark.parametrize(
    ("number", "codes"),
    [(2, []), (3, ["number.odd"]), (-2, ["number.negative"]), (-1, ["number.negative", "number.odd"])],
)
def test_every_reason_is_given_in_the_rules_order(number: int, codes: list[str]) -> None:
    assert [each.code for each in refusals(COUNT, number)] == codes
    if codes:
        with pytest.raises(Refused) as refused:
            insist(COUNT, number)
        assert [each.code for each in refused.value.reasons] == codes
    else:
        insist(COUNT, number)


def test_a_reason_carries_its_field_and_the_checklist_its_norm() -> None:
    assert not_negative(-1) == Refusal("number.negative", "Count from zero.", "number")
    assert [(each.__doc__, answer) for each, answer in checklist(COUNT, 2)] == [
        ("A count is not negative.", None),
        ("Gloves come in pairs.", None),
    ]


NAMED_ALREADY = Denial("number.named-already", "{name} is named already.", norm="A name is given once.", field="name")


def test_a_denial_says_its_facts_beside_its_field_with_its_status() -> None:
    assert NAMED_ALREADY.refusal(name="Two") == Refusal("number.named-already", "Two is named already.", "name")
    refused = replace(NAMED_ALREADY, status=422).refused(beside="other", name="{Two}")
    assert (refused.status, refused.reasons[0].field, str(refused)) == (422, "other", "{Two} is named already.")


def test_a_denial_without_one_of_its_facts_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        NAMED_ALREADY.refused(nobody="Two")


def test_who_lost_a_race_hears_what_the_rule_says_of_the_facts_as_they_are_since() -> None:
    assert even.refused(3).reasons == (Refusal("number.odd", "Add one."),)
    with pytest.raises(ValueError, match="holds"):
        even.refused(2)


@rule("number.large", field="number", asks=True)
def not_large(number: int) -> str | None:
    """A count is one that people count to."""
    return f"Did you mean {number}?" if number > 100 else None


def test_what_looks_like_a_slip_is_asked_and_done_when_that_very_sentence_is_confirmed() -> None:
    assert ask((not_large,), (), 100) == []
    with pytest.raises(AskedOnceMore) as asked:
        ask((not_large,), (), 1000)
    (question,) = asked.value.reasons
    assert (question.code, question.reason, question.field) == ("number.large", "Did you mean 1000?", "number")
    assert ask((not_large,), {question.confirm}, 1000) == ["number.large"]


def test_a_confirmation_of_one_figure_is_none_of_another_and_a_code_alone_confirms_nothing() -> None:
    with pytest.raises(AskedOnceMore) as asked:
        ask((not_large,), (), 1000)
    for said in (asked.value.reasons[0].confirm, "number.large", "number.large:", "*"):
        with pytest.raises(AskedOnceMore):
            ask((not_large,), {said}, 100_000)


def test_what_is_refused_can_be_confirmed_by_nothing() -> None:
    assert not_negative.asks is False
    assert [each.confirm for each in refusals(COUNT, -1)] == ["", ""]
