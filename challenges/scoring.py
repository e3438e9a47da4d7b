"""The panel's reckoning: marks given to aliases, averaged, weighted, ranked, and cut at the number of paid places.

Evaluators mark every criterion from 0 to the highest mark without knowing whom: each application bears an alias that
says nothing of who applied, when, or in which order (:func:`aliases`). Who has a conflict of interest in an application
is left out of it altogether, whatever she may have marked before. Points are rounded once, half up, to hundredths for each
criterion, and totals add up what is printed — the same arithmetic as for bids (`market.awards.scoring`).
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from market import policy
from market.awards.scoring import average, decimal, hundredths, shown, weights_add_up

_NAMES: Final = """
    Avocet Bittern Blackbird Brambling Bullfinch Bunting Buzzard Chaffinch Chiffchaff Chough Coot Cormorant Corncrake
    Crane Crossbill Cuckoo Curlew Dipper Dotterel Dunlin Dunnock Eider Fieldfare Firecrest Fulmar Gadwall Gannet Garganey
    Godwit Goldcrest Goldeneye Goldfinch Goosander Goshawk Grebe Greenfinch Guillemot Harrier Hawfinch Heron Hobby Hoopoe
    Jackdaw Jay Kestrel Kingfisher Kite Kittiwake Knot Lapwing Linnet Magpie Mallard Martin Merlin Moorhen Nightingale
    Nightjar Nuthatch Oriole Osprey Ouzel Owl Partridge Peregrine Petrel Pintail Pipit Plover Pochard Ptarmigan Puffin
    Quail Redpoll Redshank Redstart Redwing Robin Rook Sanderling Sandpiper Serin Shearwater Shelduck Shoveler Shrike
    Siskin Skylark Smew Snipe Sparrow Spoonbill Starling Stonechat Swallow Swift Teal Tern Thrush Treecreeper Turnstone
    Twite Wagtail Warbler Waxwing Wheatear Whimbrel Whinchat Wigeon Woodcock Woodlark Wren Wryneck"""
BIRDS: Final = tuple(_NAMES.split())
"""Words of the aliases: birds of Britain, none of which stands above another."""

RULES: Final = {
    "aliases": "The panel knows applications by shuffled aliases until every mark is locked.",
    "conflicts": "An evaluator with a conflict of interest in an application does not mark it, and marks she gave before "
    "are left out.",
    "average": "Points are the average of the evaluators' marks divided by the highest mark, times the criterion's weight.",
    "rounding": "Points are rounded half up to hundredths for each criterion; totals add up the rounded points.",
    "cut": "The best totals are short-listed up to the number of paid places; when applications are level across the last "
    "place, all of them are taken and all of them are paid.",
    "cut_strict": "The best totals are short-listed up to the number of paid places; applications level across the last "
    "place that would make it too many are none of them taken.",
}
"""The rules in the words of the challenge's page and of the letters."""


class Criterion(msgspec.Struct, frozen=True):
    """What applications are scored on; the weights of a challenge make 100."""

    id: str
    name: str
    weight: int


class Mark(msgspec.Struct, frozen=True):
    """What one evaluator gave one application, by its alias, on one criterion."""

    evaluator: str
    alias: str
    criterion: str
    points: int


class Line(msgspec.Struct, frozen=True):
    """One criterion of one application: the exact mean as a sentence, `points` in hundredths, `spread` between the lowest
    and highest mark, and `apart` when that is so wide that the panel should talk about it."""

    criterion: str
    name: str
    weight: int
    points: int
    spread: int
    apart: bool
    says: str


class Standing(msgspec.Struct, frozen=True):
    """One application in the panel's ranking. Equal totals share a rank, and the ranks after them are left out: 1, 2, 2, 4.
    `total` is in hundredths of a point; `evaluators` are those whose marks counted."""

    alias: str
    rank: int
    total: int
    shortlisted: bool
    lines: tuple[Line, ...]
    evaluators: tuple[str, ...]

    @property
    def says(self) -> tuple[str, ...]:
        """Everything reckoned about this application in sentences, ready to be quoted."""
        total = f"Total: {shown(self.total)} of 100 points from {len(self.evaluators)} evaluators, rank {self.rank}."
        return (*(line.says for line in self.lines), total)

    @property
    def apart(self) -> tuple[str, ...]:
        """The names of the criteria on which the evaluators lie far apart."""
        return tuple(line.name for line in self.lines if line.apart)


class Panel(msgspec.Struct, frozen=True):
    """The panel's ranking, best first; `tied_over_the_cut` when more are short-listed than there are places."""

    standings: tuple[Standing, ...]
    places: int
    rules: tuple[str, ...]

    @property
    def shortlist(self) -> tuple[str, ...]:
        """The aliases that pitch and are paid."""
        return tuple(standing.alias for standing in self.standings if standing.shortlisted)

    @property
    def tied_over_the_cut(self) -> bool:
        """Whether a tie at the last place takes in more teams than were announced, so more fees than planned are owed."""
        return len(self.shortlist) > self.places


def aliases(applications: Collection[str], seed: str) -> dict[str, str]:
    """An alias such as “Kestrel 47” for each application: the same for the same seed, in no order anybody could read.

    The seed is a secret of the challenge, drawn at random when it closes: who knew it could reckon aliases back. Words
    repeat only when there are more applications than birds, and then the numbers tell them apart. The answer is in the
    order of the aliases, which is the only order a list shown to the panel should have. An empty seed is refused.
    """
    if not seed:
        raise ValueError("aliases need a secret seed")

    def digest(*parts: str) -> bytes:
        return hmac.digest(seed.encode(), "\n".join(parts).encode(), "sha256")

    birds = sorted(BIRDS, key=lambda bird: digest("bird", bird))
    shuffled = sorted(set(applications), key=lambda application: digest("application", application))
    given: dict[str, str] = {}
    taken: set[str] = set()
    for place, application in enumerate(shuffled):
        number = 11 + int.from_bytes(digest("number", application)[:8]) % 89
        while (alias := f"{birds[place % len(birds)]} {number}") in taken:
            number += 1
        taken.add(alias)
        given[application] = alias
    return dict(sorted(given.items(), key=lambda pair: pair[1]))


def gaps(
    criteria: Sequence[Criterion],
    applications: Collection[str],
    evaluators: Collection[str],
    marks: Sequence[Mark],
    conflicts: Mapping[str, Collection[str]],
    *,
    minimum: int = policy.UK.challenges.evaluators_minimum,
    highest_mark: int = policy.UK.challenges.highest_mark,
) -> tuple[str, ...]:
    """What keeps the panel from ranking, as sentences; empty when nothing does.

    `conflicts` names for each evaluator the aliases she may not mark. Asked for: weights that make 100, every mark of
    every evaluator without a conflict, marks within bounds and given once, and enough evaluators for each application.
    """
    found = []
    if not weights_add_up(criterion.weight for criterion in criteria):
        found.append("The weights of the criteria do not add up to 100.")
    given: dict[tuple[str, str, str], int] = {}
    for mark in marks:
        key = (mark.evaluator, mark.alias, mark.criterion)
        if key in given:
            found.append(f"{mark.evaluator} marked {mark.alias} twice on one criterion.")
        given[key] = mark.points
        if not 0 <= mark.points <= highest_mark:
            found.append(f"A mark of {mark.evaluator} for {mark.alias} is outside 0 to {highest_mark}.")
    for alias in sorted(applications):
        panel = _panel(alias, evaluators, conflicts)
        if len(panel) < minimum:
            found.append(
                f"{alias} needs at least {minimum} evaluators without a conflict of interest and has {len(panel)}."
            )
        for evaluator in panel:
            missing = [each.name for each in criteria if (evaluator, alias, each.id) not in given]
            if missing:
                found.append(f"{evaluator} has not marked {alias} on {', '.join(missing)}.")
    return tuple(found)


def rank(
    criteria: Sequence[Criterion],
    applications: Collection[str],
    evaluators: Collection[str],
    marks: Sequence[Mark],
    conflicts: Mapping[str, Collection[str]],
    places: int,
    *,
    ties: str = policy.UK.challenges.shortlist_ties,
    minimum: int = policy.UK.challenges.evaluators_minimum,
    highest_mark: int = policy.UK.challenges.highest_mark,
    spread_points: int = policy.UK.challenges.spread_points,
) -> Panel:
    """The panel's ranking and short list by the rules in :data:`RULES`; the order of the inputs changes nothing.

    An application with no points at all is never short-listed, however many places are free. `ties` is `take-all` or
    `take-none`. Refused (ValueError): whatever :func:`gaps` finds, no place at all, another rule for ties.
    """
    found = gaps(criteria, applications, evaluators, marks, conflicts, minimum=minimum, highest_mark=highest_mark)
    if places < 1:
        found = (*found, "There is no paid place.")
    if ties not in {"take-all", "take-none"}:
        found = (*found, f"{ties} is not a rule for ties.")
    if found:
        raise ValueError(" ".join(found))
    given = {(mark.evaluator, mark.alias, mark.criterion): mark.points for mark in marks}
    totals: dict[str, int] = {}
    lines: dict[str, tuple[Line, ...]] = {}
    for alias in sorted(set(applications)):
        panel = _panel(alias, evaluators, conflicts)
        lines[alias] = tuple(
            _line(each, [given[evaluator, alias, each.id] for evaluator in panel], highest_mark, spread_points)
            for each in criteria
        )
        totals[alias] = sum(line.points for line in lines[alias])
    order = sorted(totals, key=lambda alias: (-totals[alias], alias))
    ahead = {alias: sum(total > totals[alias] for total in totals.values()) for alias in order}
    level = {alias: sum(total >= totals[alias] for total in totals.values()) for alias in order}
    reach = ahead if ties == "take-all" else {alias: count - 1 for alias, count in level.items()}
    standings = tuple(
        Standing(
            alias,
            ahead[alias] + 1,
            totals[alias],
            reach[alias] < places and totals[alias] > 0,
            lines[alias],
            _panel(alias, evaluators, conflicts),
        )
        for alias in order
    )
    cut = RULES["cut"] if ties == "take-all" else RULES["cut_strict"]
    rules = (RULES["aliases"], RULES["conflicts"], RULES["average"], RULES["rounding"], cut)
    return Panel(standings, places, rules)


def _panel(alias: str, evaluators: Collection[str], conflicts: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    return tuple(sorted(each for each in set(evaluators) if alias not in conflicts.get(each, ())))


def _line(criterion: Criterion, marks: Sequence[int], highest_mark: int, spread_points: int) -> Line:
    mean = average(marks)
    points = hundredths(mean / highest_mark * Fraction(criterion.weight))
    spread = max(marks) - min(marks)
    each = ", ".join(str(mark) for mark in sorted(marks))
    return Line(
        criterion.id,
        criterion.name,
        criterion.weight,
        points,
        spread,
        spread >= spread_points,
        f"{criterion.name}: average mark {decimal(mean)} of {highest_mark} (marks {each}), weight {criterion.weight}: "
        f"{shown(points)} of {criterion.weight} points.",
    )
