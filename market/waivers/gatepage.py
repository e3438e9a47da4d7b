"""The gate on one page, for whoever advises a minister: its questions in the order in which they are asked, in plain words,
with the numbers of the policy and the code that answers where one stays open."""

from __future__ import annotations

from market import policy
from market.money import Money
from market.refusals import first_paragraph
from market.tenders import rules as tenders
from market.waivers import rules as waivers
from market.waivers.delegations import rules as delegations

WHY = (
    "A government that writes down the answer before it has looked at the problem buys yesterday's answer. So a central body "
    "explores the problem first, in public, with firms that are paid for it, and buys what was found. The gate is the place "
    "where this is asked: no tender is published before it. It asks these questions in this order; the first that settles the "
    "matter ends it, and every question with its answer is kept with the tender, for everybody to read."
)


def as_markdown() -> list[str]:
    """The lines of the page."""
    gate, effort, number = policy.IN_FORCE.gate, policy.IN_FORCE.challenges, policy.number
    asked = (
        (
            "Is the buyer central government?",
            "If not, the rule does not bind it, and the tender opens as “not central”.",
        ),
        (
            "Is the value below the threshold of its kind of contract, VAT included?",
            "If so, the rule does not bind it, and the tender opens as “below threshold”.",
        ),
        (
            "Is it a commodity?",
            "The buyer says so in public and the reviewed list agrees, or an override that is public stands. Then it opens.",
        ),
        (
            "Did an exercise on the same need end with “stop”?",
            f"{_norm(tenders.nothing_after_a_stop)} Codes have to do with each other when they agree in {gate.exercise_digits} "
            "digits or one holds the other.",
        ),
        (
            "Which exercise does it come from?",
            "The tender names it. It is of the buyer, its department or another body of that department, ended with “go” or "
            f"“change” at most {gate.exercise_valid_months} months ago, by an approved method, and every lot agrees with one of its "
            f"codes (at most {gate.exercise_codes_most}) in {gate.exercise_digits} digits. Nothing is taken silently: what could be named is suggested.",
        ),
        (
            "Was enough done in it?",
            f"{_norm(tenders.enough_was_done)} That is at least {effort.pitches_least} teams, each paid at least "
            f"{Money(effort.fee_least)} and at least {effort.fee_per_mille} per mille of what may follow (up to "
            f"{Money(effort.fee_share_most)}), each with at least the mark that was declared beforehand "
            f"({effort.least_mark_from} to {effort.least_mark_to} of 100), after {effort.applying_working_days} working days "
            "in which anybody could apply. Every success criterion is answered with a measured value before it is concluded.",
        ),
        (
            "Is the need the same?",
            f"{_norm(tenders.the_need_is_the_same)} Each is said in at least {gate.statement_characters} characters.",
        ),
        (
            "Is it within what was said beforehand would follow?",
            f"{_norm(tenders.within_the_follow_on)} The share is {gate.follow_on_percent} per cent. A tender that is cancelled "
            "before anything was bought gives its part back.",
        ),
        (
            "Did the minister waive it?",
            "She signs with her own key, for this tender, these codes and this value, for at most "
            f"{gate.waiver_maximum_months} months, and may revoke it. {_norm(waivers.the_stop_is_named)} The request "
            "shows her the stop with its reasons before she signs. She may let a named office-holder sign for her, by an instrument "
            f"that she signs herself: for certain bodies, at most {gate.delegation_codes_most} CPV codes and a sum of money, for at "
            f"most {gate.delegation_maximum_months} months, public, hers to take back at once, and ended with her office. "
            f"A waiver is reviewed when {gate.waiver_review_percent} per cent of its life is over, or when an auditor calls for it: she "
            f"keeps, narrows or revokes it with a signature within {gate.waiver_review_days} days, or it opens nothing until she does. "
            f"{_norm(delegations.it_stays_within_the_ceiling)} {_norm(delegations.not_her_own_business)}",
        ),
    )
    lines = ["## The gate on one page", "", WHY, ""]
    lines += [f"{place}. **{question}** {answer}" for place, (question, answer) in enumerate(asked, 1)]
    codes = (
        tenders.innovation_first,
        tenders.nothing_after_a_stop,
        tenders.enough_was_done,
        tenders.the_need_is_the_same,
        tenders.within_the_follow_on,
        waivers.the_stop_is_named,
        delegations.it_stays_within_the_ceiling,
        delegations.not_her_own_business,
    )
    lines += [
        "",
        f"When it stays shut the answer is one of {', '.join(f'`{each.code}`' for each in codes)}. Where no law sets a number it is "
        f"this product's own: the share of the follow-on, for one. {number('gate.follow_on_percent').source}.",
        "",
    ]
    return lines


def _norm(rule: object) -> str:
    """The norm of a rule as its docstring says it."""
    return " ".join(first_paragraph(rule.__doc__ or "").split())
