"""Which two acts on one record are never done by the same pair of hands: the one table, asked by the rules of every noun.

A pair of hands is one person, or several of whom one let the other into the body lately, or entered her mandate on paper: a mailbox that somebody opened this
morning is no second person. What somebody did is read from the log, which nobody can change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from market import dates
from market.wording import N_, _


@dataclass(frozen=True, slots=True)
class Act:
    """Something done to a record that binds. `words` say it, `verbs` are what the log calls it, empty where rows tell more
    (which side somebody signed for); `own`: the body itself does it, and no person lent by another."""

    words: str
    verbs: tuple[str, ...]
    own: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two acts that the same person never does to one record; where both are one act, each time it is done by another person.
    `near`: nor do two of whom one let the other in lately. `says` is read by whoever is refused; `code` names the rule that
    refuses, `source` where the norm comes from."""

    first: str
    second: str
    near: bool
    says: str
    code: str
    source: str


ACTS: dict[str, Act] = {
    "draft": Act(
        N_("drafts it"),
        (
            *("challenge.drafted", "challenge.edited", "challenge.criterion-added", "challenge.criterion-removed"),
            *("challenge.measure-added", "challenge.measure-removed"),
            *("tender.drafted", "tender.revised", "tender.lot-added", "tender.lot-revised", "tender.lot-dropped"),
            *("tender.criterion-added", "tender.criterion-dropped", "tender.criteria-copied", "tender.changed"),
            *("build.drafted", "build.revised"),
            "tender.change-proposed",
        ),
        True,
    ),
    "approve-publication": Act(N_("approves it for publication"), ("review.approved",), False),
    "approve-for-team": Act(N_("approves it for the innovation team"), ("review.team-approved",), False),
    "mark": Act(N_("marks what was sent"), ("panel.marked", "panel.submitted"), False),
    "explain-quiet": Act(N_("says why the market stayed away"), ("challenge.quiet-stated",), True),
    "agree-quiet": Act(N_("agrees with that for the innovation team"), ("challenge.quiet-approved",), False),
    "name-officers": Act(N_("names the opening officers"), ("tender.officer-named",), True),
    "hold-code": Act(N_("holds a code of the opening"), (), False),
    "accept": Act(N_("accepts what was delivered"), ("obligation.incurred",), True),
    "release": Act(N_("releases the money for it"), ("payment.released",), False),
    "propose-change": Act(N_("proposes a change of the contract"), (), True),
    "approve-change": Act(N_("approves the change"), (), True),
    "propose-tender-change": Act(N_("proposes a change of a running tender that takes two"), (), True),
    "approve-tender-change": Act(N_("approves that change"), (), True),
    "sign-buyer": Act(N_("signs the contract for the buyer"), (), True),
    "sign-supplier": Act(N_("signs it for the supplier"), (), True),
    "ask-exemption": Act(N_("asks to be exempt from the standard"), (), True),
    "sign-exemption": Act(N_("signs the exemption"), (), True),
    "propose-budget": Act(N_("proposes a budget or a change of one"), (), True),
    "approve-budget": Act(N_("approves it"), ("budget.approved",), False),
    "ask-waiver": Act(N_("asks the minister for a waiver"), ("waiver.requested",), True),
    "sign-waiver": Act(N_("signs the waiver"), (), True),
    "invite": Act(N_("lets somebody in from outside"), (), True),
    "back-invitation": Act(N_("agrees that she is let in"), (), True),
    "propose-loan": Act(N_("proposes that a person is lent"), (), True),
    "agree-loan": Act(N_("agrees for the other body"), (), True),
    "propose-domain": Act(N_("proposes a domain as a body's own"), (), True),
    "confirm-domain": Act(N_("confirms the domain"), (), True),
    "propose-appointment": Act(N_("proposes a minister, an auditor or an operator"), (), True),
    "confirm-appointment": Act(N_("confirms who was proposed"), (), True),
    "sign-mandate": Act(N_("signs a mandate on paper"), (), True),
    "enter-mandate": Act(N_("enters that paper"), (), True),
    "propose-ruling": Act(N_("proposes that the rule binds a body otherwise"), (), True),
    "confirm-ruling": Act(N_("confirms such a ruling"), (), True),
}
"""What somebody does to a record, by the names that the pairs use."""

PAIRS: tuple[Pair, ...] = (
    Pair(
        "accept",
        "release",
        near=True,
        says=N_("Whoever accepted the delivery does not release its money, so somebody else has to release it."),
        code="payment.same-person",
        source="Own default: two persons for public money, after HM Treasury, Managing Public Money, annex 4.5",
    ),
    *(
        Pair(
            first,
            second,
            near=True,
            says=N_("Whoever wrote this, or approved it before, does not approve it. Somebody else has to."),
            code="review.same-person",
            source="Own default: two persons behind every binding act, after HM Treasury, Managing Public Money, annex 4.5",
        )
        for first, second in (
            ("draft", "approve-publication"),
            ("draft", "approve-for-team"),
            ("approve-publication", "approve-for-team"),
        )
    ),
    Pair(
        "draft",
        "mark",
        near=False,
        says=N_("Whoever wrote this does not mark what is sent for it. Somebody else has to."),
        code="panel.drafted-it",
        source="Procurement Act 2023 section 12: suppliers are treated alike; who wrote the question does not judge the answers",
    ),
    Pair(
        "draft",
        "agree-quiet",
        near=True,
        says=N_(
            "Whoever wrote this challenge does not agree that the market stayed away from it. Somebody else has to."
        ),
        code="quiet.same-person",
        source="Own default: that nobody came is easily said by whoever asked nobody, so somebody else looks at it",
    ),
    Pair(
        "explain-quiet",
        "agree-quiet",
        near=True,
        says=N_("Whoever says why the market stayed away does not agree with it. Somebody else has to."),
        code="quiet.same-person",
        source="Own default: that nobody came is easily said by whoever asked nobody, so somebody else looks at it",
    ),
    Pair(
        "hold-code",
        "hold-code",
        near=True,
        says=N_("One pair of hands holds one code of an opening. Somebody else has to hold the other."),
        code="tender.officers-one-hand",
        source="Policy: tendering.opening_officers_minimum; nobody opens bids alone",
    ),
    Pair(
        "mark",
        "mark",
        near=False,
        says=N_("Each evaluator is another person."),
        code="panel.named-already",
        source="Policy: panels.evaluators_minimum; Procurement Act 2023 section 12",
    ),
    Pair(
        "propose-change",
        "approve-change",
        near=True,
        says=N_("Whoever proposed this change does not approve it, so somebody else of your body has to approve it."),
        code="change.same-person",
        source="Own default: two persons for public money, after HM Treasury, Managing Public Money, annex 4.5",
    ),
    Pair(
        "propose-tender-change",
        "approve-tender-change",
        near=True,
        says=N_("Whoever proposed this change does not publish it, so somebody else of your body has to approve it."),
        code="tender.change-same-person",
        source="Own default: one person alone makes no sealed bid unconfirmed",
    ),
    Pair(
        "sign-buyer",
        "sign-supplier",
        near=False,
        says=N_("Nobody signs a contract with herself. Somebody else has to sign for the other side."),
        code="contract.both-sides",
        source="Own default: a contract has two sides",
    ),
    Pair(
        "ask-exemption",
        "sign-exemption",
        near=False,
        says=N_("Whoever asks for an exemption does not sign it. Somebody else has to."),
        code="exemption.two-people",
        source="Own default: an exception is looked at by somebody who does not need it",
    ),
    Pair(
        "ask-waiver",
        "sign-waiver",
        near=False,
        says=N_(
            "Whoever asked for a waiver does not sign it. Somebody else has to ask, or another minister has to sign."
        ),
        code="waiver.same-person",
        source="Own default: an exception is looked at by somebody who does not need it",
    ),
    Pair(
        "propose-budget",
        "approve-budget",
        near=True,
        says=N_("Whoever proposed this does not approve it, so another finance officer has to."),
        code="budget.same-person",
        source="Own default: two persons for public money, after HM Treasury, Managing Public Money, annex 4.5",
    ),
    Pair(
        "invite",
        "back-invitation",
        near=True,
        says=N_("Whoever spoke for her already does not agree a second time. Somebody else has to."),
        code="invitation.same-person",
        source="Own default: a mailbox that anybody can open shows nobody, so others who know her say so",
    ),
    Pair(
        "propose-loan",
        "agree-loan",
        near=True,
        says=N_("Whoever proposed this loan does not agree to it. Somebody of the other body has to."),
        code="loan.same-person",
        source="Own default: each body says so itself, by somebody else than the one who is lent",
    ),
    Pair(
        "propose-domain",
        "confirm-domain",
        near=True,
        says=N_("Whoever proposed this domain does not confirm it. Somebody else has to."),
        code="domain.same-person",
        source="Own default: whoever says which addresses are a body's own says who is let in without others",
    ),
    Pair(
        "propose-appointment",
        "confirm-appointment",
        near=True,
        says=N_("Whoever proposed somebody does not confirm her. Somebody else has to."),
        code="appointment.same-person",
        source="Own default: nobody makes by herself those who decide, oversee or run the site",
    ),
    Pair(
        "sign-mandate",
        "enter-mandate",
        near=True,
        says=N_("Nobody enters her own mandate. Somebody else of your body has to."),
        code="mandate.same-person",
        source="Own default: who has no device shows a paper, which only another person can have seen",
    ),
    Pair(
        "propose-ruling",
        "confirm-ruling",
        near=True,
        says=N_("Whoever proposed that the rule binds otherwise does not confirm it. Somebody else has to."),
        code="ruling.same-person",
        source="Own default: nobody decides by herself that the rule does not bind",
    ),
)
"""The table. Acts that are in no pair together may be done by one person."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody (her reference and name) who did an act on a record."""

    act: str
    person: str
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    """Two people of a body of whom one let the other in, or entered her mandate; until this moment they count as one pair of
    hands."""

    inviter: str
    invited: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Doing:
    """What is known when a person (her reference) is about to do an act on a record: who did what to it before, and who of the
    body let whom in lately."""

    act: str
    person: str
    hands: Sequence[Hand]
    links: Sequence[Link]


def pair_of(one: str, other: str) -> Pair | None:
    """The row of the table for these two acts, in whichever order; None where one person may do both."""
    return next((each for each in PAIRS if {each.first, each.second} == {one, other}), None)


def _against(doing: Doing) -> Iterator[tuple[Hand, Pair]]:
    for hand in doing.hands:
        pair = pair_of(hand.act, doing.act)
        if pair is not None and pair.first != pair.second:
            yield hand, pair


def both(doing: Doing) -> str | None:
    """Why this person may not do this act, having done another before; None when she may."""
    return next((_(pair.says) for hand, pair in _against(doing) if hand.person == doing.person), None)


def as_one(doing: Doing) -> str | None:
    """Why this person counts as one with somebody who did the other act: one let the other in, or entered her mandate on paper, or
    both were let in by the same person of the body, within the policy's days. None when she does not."""
    for hand, pair in _against(doing):
        if not pair.near or hand.person == doing.person:
            continue
        until = one_until(hand.person, doing.person, doing.links)
        if until is not None:
            return _(
                "{says} Until {day} you and {name} count as one pair of hands: one of you let the other in here, or "
                "somebody let in both, or one entered the other's paper.",
                says=_(pair.says),
                day=dates.day(until),
                name=hand.name,
            )
    return None


def one_until(one: str, other: str, links: Iterable[Link]) -> datetime | None:
    """Until when two people count as one pair of hands, however many invitations lie between them: as long as every link of the
    longest-lasting chain does. None when no chain leads from one to the other."""
    groups: dict[str, str] = {}
    for link in sorted(links, key=lambda each: each.until, reverse=True):
        groups[_head(groups, link.inviter)] = _head(groups, link.invited)
        if _head(groups, one) == _head(groups, other):
            return link.until
    return None


def pairs_of_hands(people: Iterable[str], links: Sequence[Link]) -> int:
    """How many pairs of hands these people are."""
    counted = list(dict.fromkeys(people))
    groups: dict[str, str] = {}
    for one, other in combinations(counted, 2):
        if one_until(one, other, links) is not None:
            groups[_head(groups, one)] = _head(groups, other)
    return len({_head(groups, each) for each in counted})


def _head(groups: dict[str, str], person: str) -> str:
    while person in groups and groups[person] != person:
        person = groups[person]
    return person
