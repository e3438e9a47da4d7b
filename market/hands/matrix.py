"""The table of incompatible acts as people read it, and how many people each route needs, reckoned from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from market import policy
from market.hands.rules import ACTS, PAIRS, pair_of

ROUTES: dict[str, tuple[str, ...]] = {
    "An innovation exercise, from its draft to a paid pitch": (
        "propose-budget",
        "approve-budget",
        "draft",
        "approve-publication",
        *("mark",) * policy.IN_FORCE.panels.evaluators_minimum,
        "accept",
        "release",
    ),
    "A tender, from its draft to the first payment": (
        "propose-budget",
        "approve-budget",
        "draft",
        "approve-publication",
        "name-officers",
        *("hold-code",) * policy.IN_FORCE.tendering.opening_officers_minimum,
        *("mark",) * policy.IN_FORCE.panels.evaluators_minimum,
        "sign-buyer",
        "accept",
        "release",
    ),
    "Somebody let into a body from outside its domains, as an evaluator": ("invite", "back-invitation"),
    "A loan of a person, from proposal to agreement": ("propose-loan", "agree-loan"),
    "A domain, from proposal to a body's own": ("propose-domain", "confirm-domain"),
    "A material change of a running tender, or the correction of its deadline": (
        "propose-tender-change",
        "approve-tender-change",
    ),
    "A minister, an auditor or an operator, from proposal to office": ("propose-appointment", "confirm-appointment"),
    "A ruling that the rule binds otherwise": ("propose-ruling", "confirm-ruling"),
}
"""What somebody of the buyer has to do on each way from a problem to a payment, as often as the policy says."""


def least(route: Sequence[str]) -> tuple[int, int]:
    """How many people a route needs at least, and how many of so few may be lent by other bodies: who does nothing that is the
    body's own to do."""
    people, borrowed = len(route), 0
    for shares in _shared_out(list(route), []):
        lent = sum(not any(ACTS[act].own for act in share) for share in shares)
        if (len(shares), -lent) < (people, -borrowed):
            people, borrowed = len(shares), lent
    return people, borrowed


def _shared_out(route: list[str], shares: list[list[str]]) -> Iterator[list[list[str]]]:
    """Every way to share the acts among people so that nobody does two that do not go together."""
    if not route:
        yield shares
        return
    act, rest = route[0], route[1:]
    for place, share in enumerate(shares):
        if not any(pair_of(act, other) for other in share):
            yield from _shared_out(rest, [*shares[:place], [*share, act], *shares[place + 1 :]])
    yield from _shared_out(rest, [*shares, [act]])


def as_markdown() -> list[str]:
    """The matrix, why, and the routes."""
    days = policy.IN_FORCE.people.invited_days
    numbers = {name: number for number, name in enumerate(ACTS, 1)}
    lines = [
        "### Acts that do not go together",
        "",
        "Where a row meets a column stands the rule that refuses the second act to whoever did the first, on one record. An empty "
        "place: one person may do both. Where an act meets itself: each time it is done by another person. A star: so it is for "
        "people who count as one pair of hands, because one let the other in, or somebody let in both, or one entered the other's mandate "
        f"on paper, less than {days} days ago. So who names the officers may hold a code herself, but not two: those whom she let in lately "
        "are no others.",
        "",
        f"| | {' | '.join(str(number) for number in numbers.values())} |",
        f"|---|{'---|' * len(numbers)}",
    ]
    for name, act in ACTS.items():
        cells = [_cell(name, other) if numbers[other] <= numbers[name] else "" for other in ACTS]
        lines.append(f"| {numbers[name]} {act.words} | {' | '.join(cells)} |")
    lines += ["", "| rule | why | source |", "|---|---|---|"]
    for code, pairs in groupby(PAIRS, key=lambda pair: pair.code):
        first = next(pairs)
        lines.append(f"| `{code}` | {first.says} | {first.source} |")
    lines += [
        "",
        "### How many people it takes",
        "",
        "Reckoned from the table. A small body borrows the others from another body: whoever is lent does nothing that is the "
        "body's own to do (draft, name officers, sign, accept): it is refused where it would be written down. Of a body's people at most "
        f"{policy.IN_FORCE.people.lent_percent}% are lent.",
        "",
        "| route | people at least | of whom at most may be lent |",
        "|---|---|---|",
    ]
    for route, acts in ROUTES.items():
        people, lent = least(acts)
        lines.append(f"| {route} | {people} | {lent} |")
    return lines


def _cell(one: str, other: str) -> str:
    pair = pair_of(one, other)
    return f"`{pair.code}`{' *' if pair.near else ''}" if pair else ""
