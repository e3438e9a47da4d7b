"""How much effort makes an exercise one that opens the gate: texts that say something, success that can be measured, a fee that
pays for the work, and a least mark, each with its number in the policy. Pure: facts in, reasons out."""

from __future__ import annotations

from challenges import meaning
from challenges.effort.facts import Draft
from challenges.rules import OWN, still_too_little
from market import policy, workdays
from market.money import Money
from market.refusals import Denial, rule
from market.wording import N_, _, _n


@rule(
    "challenge.text-says-nothing",
    field="problem",
    source=str(policy.number("challenges.problem_words").source),
)
def the_problem_says_something(draft: Draft) -> str | None:
    """The problem, who has it and how that is known say something: in enough different words, and not the same few again and
    again."""
    row = draft.challenge
    least = policy.IN_FORCE.challenges
    if row.problem.strip() and not meaning.is_problem(row.problem):
        return _(
            "Describe the problem in your own words, at least {least} different ones, and none of them again and again.",
            least=least.problem_words,
        )
    parts = ((row.who_has_it, _("who has it")), (row.evidence, _("how you know")))
    return still_too_little(words for text, words in parts if text.strip() and not meaning.is_answer(text))


@rule(
    "challenge.success-missing",
    field="measures",
    source=f"{OWN}, idea 2: how success will be measured",
)
def says_how_success_is_seen(draft: Draft) -> str | None:
    """It says in figures how everybody will see that the problem is solved: what is measured, from where, to where, by when."""
    least = policy.IN_FORCE.challenges.measures_least
    if len(draft.measures) < least:
        return _n(
            "Say how success is measured: at least {number} criterion with its target.",
            "Say how success is measured: at least {number} criteria with their targets.",
            least,
        )
    return None


@rule(
    "challenge.measure-says-nothing",
    field="measures",
    source=str(policy.number("challenges.answer_words").source),
)
def measures_say_something(draft: Draft) -> str | None:
    """Each success criterion says what is measured and how, so that somebody else would measure the same."""
    vague = (
        each.measure
        for each in draft.measures
        if not (meaning.is_answer(f"{each.measure} {each.unit}") and meaning.is_answer(each.how))
    )
    return still_too_little(vague)


@rule("challenge.measure-met-already", field="measures")
def targets_are_ahead(draft: Draft) -> str | None:
    """Not every target is met before anything is tried. One that must not get worse may stand beside the others."""
    met = [
        each.measure
        for each in draft.measures
        if each.baseline and meaning.reaches(each.baseline, each.better, each.target)
    ]
    if met and len(met) == len(draft.measures):
        return _("Where it stands already meets every target: {named}.", named="; ".join(met))
    return None


@rule("challenge.measure-due-early", field="measures")
def measures_are_due_later(draft: Draft) -> str | None:
    """A target is to be reached after suppliers have applied: by then nobody has tried anything."""
    closes = draft.challenge.closes_at
    if closes is None:
        return None
    early = [each.measure for each in draft.measures if each.due_on < workdays.local_day(closes)]
    if early:
        return _("Choose a day after applications close for: {named}.", named="; ".join(early))
    return None


SAYS = (
    the_problem_says_something,
    says_how_success_is_seen,
    measures_say_something,
    targets_are_ahead,
    measures_are_due_later,
)
"""What a challenge says, for `drafts.actions.publish`."""


@rule("challenge.fee-too-small", field="fee_minor", source=str(policy.number("challenges.fee_least").source))
def pays_a_real_fee(draft: Draft) -> str | None:
    """A pitch is paid at least what the policy asks, in the policy's currency: a fee of a penny pays nobody to think."""
    row, least = draft.challenge, Money(policy.IN_FORCE.challenges.fee_least, policy.IN_FORCE.currency)
    if row.fee_minor <= 0:
        return None
    if row.currency != least.currency:
        return _("Fees are paid in {currency} here.", currency=least.currency)
    if row.fee_minor < least.minor:
        return _("Pay at least {least} for each pitch.", least=least)
    return None


@rule(
    "challenge.fee-below-share",
    field="fee_minor",
    source=str(policy.number("challenges.fee_per_mille").source),
)
def pays_its_share(draft: Draft) -> str | None:
    """A pitch is paid at least the policy's share of what may follow, up to a ceiling. Whoever states a smaller follow-on to pay
    less opens less: the exercise opens tenders only up to what was stated."""
    row = draft.challenge
    numbers = policy.IN_FORCE.challenges
    least = numbers.fee_for(row.follow_on_minor or 0)
    if not 0 < numbers.fee_least <= row.fee_minor < least or row.currency != policy.IN_FORCE.currency:
        return None
    return _(
        "What may follow is worth {follow_on}, so a pitch is paid at least {least} ({share} per mille of it, between {floor} and "
        "{ceiling}).",
        follow_on=Money(row.follow_on_minor or 0, row.currency),
        least=Money(least, row.currency),
        share=numbers.fee_per_mille,
        floor=Money(numbers.fee_least, row.currency),
        ceiling=Money(numbers.fee_share_most, row.currency),
    )


@rule(
    "challenge.least-mark-missing",
    field="least_mark",
    source=str(policy.number("challenges.least_mark_from").source),
)
def declares_a_least_mark(draft: Draft) -> str | None:
    """It declares a least mark, within the policy's bounds, before anybody applies: nobody below it is short-listed."""
    mark = draft.challenge.least_mark
    numbers = policy.IN_FORCE.challenges
    if numbers.least_mark_from <= mark <= numbers.least_mark_to:
        return None
    return _(
        "Declare the mark of 100 below which nobody is short-listed: from {least} to {most}.",
        least=numbers.least_mark_from,
        most=numbers.least_mark_to,
    )


PAYS = (pays_a_real_fee, pays_its_share, declares_a_least_mark)
"""What a challenge pays and whom, for `drafts.actions.publish`."""


NOT_A_FIGURE = Denial(
    "challenge.not-a-figure",
    N_("Write a figure, such as 47 or 7.6, and its unit beside it."),
    norm="What is measured is a figure, so that two people can compare it.",
    field="target",
    status=422,
)
