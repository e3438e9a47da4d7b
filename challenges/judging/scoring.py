"""The short list: marks given to aliases, averaged, weighted, ranked, and cut at the number of paid places.

Evaluators mark without knowing whom: each application bears an alias that says nothing of who applied, when, or in which
order (:func:`aliases`). Whose marks count is the panel's to say, and their arithmetic is `market.panels.arithmetic`.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from market import policy
from market.panels.arithmetic import Line, line, shown, weights_add_up
from market.wording import N_, _

_NAMES: Final = """
    avocet bittern blackbird brambling bullfinch bunting buzzard chaffinch chiffchaff chough coot cormorant corncrake
    crane crossbill cuckoo curlew dipper dotterel dunlin dunnock eider fieldfare firecrest fulmar gadwall gannet garganey
    godwit goldcrest goldeneye goldfinch goosander goshawk grebe greenfinch guillemot harrier hawfinch heron hobby hoopoe
    jackdaw jay kestrel kingfisher kite kittiwake knot lapwing linnet magpie mallard martin merlin moorhen nightingale
    nightjar nuthatch oriole osprey ouzel owl partridge peregrine petrel pintail pipit plover pochard ptarmigan puffin
    quail redpoll redshank redstart redwing robin rook sanderling sandpiper serin shearwater shelduck shoveler shrike
    siskin skylark smew snipe sparrow spoonbill starling stonechat swallow swift teal tern thrush treecreeper turnstone
    twite wagtail warbler waxwing wheatear whimbrel whinchat wigeon woodcock woodlark wren wryneck"""
BIRDS: Final = tuple(name.capitalize() for name in _NAMES.split())
"""Words of the aliases: birds of Britain, none of which stands above another."""

RULES: Final = {
    "aliases": N_("The panel knows applications by shuffled aliases until every mark is locked."),
    "conflicts": N_(
        "An evaluator with a conflict of interest in an application does not mark it, and marks she "
        "gave before are left out."
    ),
    "average": N_(
        "Points are the average of the evaluators' marks divided by the highest mark, times the criterion's weight."
    ),
    "rounding": N_("Points are rounded half up to hundredths for each criterion; totals add up the rounded points."),
    "cut": N_(
        "The best totals are short-listed up to the number of paid places; when applications are level "
        "across the last place, all of them are taken and all of them are paid."
    ),
    "cut_strict": N_(
        "The best totals are short-listed up to the number of paid places; applications level across "
        "the last place that would make it too many are none of them taken."
    ),
}
"""The rules in the words of the challenge's page and of the letters."""


class Criterion(msgspec.Struct, frozen=True):
    """What applications are scored on; the weights of a challenge make 100."""

    id: str
    name: str
    weight: int


class Standing(msgspec.Struct, frozen=True):
    """One application in the panel's ranking. Equal totals share a rank, and the ranks after them are left out: 1, 2, 2, 4.
    `total` is in hundredths of a point; `evaluators` are how many marked it."""

    alias: str
    rank: int
    total: int
    shortlisted: bool
    lines: tuple[Line, ...]
    evaluators: int

    @property
    def says(self) -> tuple[str, ...]:
        """Everything reckoned about this application in sentences, ready to be quoted."""
        total = _(
            "Total: {total} of 100 points from {evaluators} evaluators, rank {rank}.",
            total=shown(self.total),
            evaluators=self.evaluators,
            rank=self.rank,
        )
        return (*(line.says for line in self.lines), total)


class Ranking(msgspec.Struct, frozen=True):
    """The ranking, best first; `tied_over_the_cut` when more are short-listed than there are places."""

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


def aliases(applications: Collection[str], seed: str, called: Collection[str] = ()) -> dict[str, str]:
    """An alias such as “Kestrel 47” for each application: the same for the same seed, in no order anybody could read.

    The seed is a secret of the challenge, drawn at random when it closes: who knew it could reckon aliases back. Words
    repeat only when there are more applications than birds, and then the numbers tell them apart. The answer is in the
    order of the aliases, which is the only order a list shown to the panel should have. No bird is taken that is found in one
    of the names in `called`, whole or in part: “Heron 49” would be thought to be Heron Surveys. An empty seed is refused.
    """
    if not seed:
        raise ValueError("aliases need a secret seed")

    def digest(*parts: str) -> bytes:
        return hmac.digest(seed.encode(), "\n".join(parts).encode(), "sha256")

    names = "\n".join(called).casefold()
    free = [bird for bird in BIRDS if bird.casefold() not in names] or [_("Application")]
    birds = sorted(free, key=lambda bird: digest("bird", bird))
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


def rank(
    criteria: Sequence[Criterion],
    marks: Mapping[str, Mapping[str, Sequence[int]]],
    places: int,
    *,
    least: int = 0,
    ties: str = policy.IN_FORCE.challenges.shortlist_ties,
) -> Ranking:
    """The ranking and short list by the rules in :data:`RULES`, of the marks that count by alias and criterion; the order of
    the inputs changes nothing.

    An application whose total is below `least` (points of 100), or with no points at all, is never short-listed, however many
    places are free. `ties` is `take-all` or
    `take-none`. Refused (ValueError): weights that do not make 100, a criterion without a mark, a mark outside the scale, no
    place at all, another rule for ties.
    """
    if marks and not weights_add_up(criterion.weight for criterion in criteria):
        raise ValueError("The weights of the criteria do not add up to 100.")
    if places < 1:
        raise ValueError("There is no paid place.")
    if ties not in {"take-all", "take-none"}:
        raise ValueError(f"{ties} is not a rule for ties.")
    lines = {
        alias: tuple(line(each.id, each.name, each.weight, given.get(each.id, ())) for each in criteria)
        for alias, given in marks.items()
    }
    totals = {alias: sum(each.points for each in held) for alias, held in lines.items()}
    order = sorted(totals, key=lambda alias: (-totals[alias], alias))
    ahead = {alias: sum(total > totals[alias] for total in totals.values()) for alias in order}
    level = {alias: sum(total >= totals[alias] for total in totals.values()) for alias in order}
    reach = ahead if ties == "take-all" else {alias: count - 1 for alias, count in level.items()}
    standings = tuple(
        Standing(
            alias,
            ahead[alias] + 1,
            totals[alias],
            reach[alias] < places and totals[alias] > 0 and totals[alias] >= least * 100,
            lines[alias],
            max(len(given) for given in marks[alias].values()),
        )
        for alias in order
    )
    cut = "cut" if ties == "take-all" else "cut_strict"
    rules = tuple(_(RULES[code]) for code in ("aliases", "conflicts", "average", "rounding", cut))
    if least:
        words = _(
            "Nobody with fewer than {least} points of 100 is short-listed, however many places are free.", least=least
        )
        rules = (*rules, words)
    return Ranking(standings, places, rules)
