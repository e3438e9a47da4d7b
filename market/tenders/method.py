"""How bids are scored and ranked, in the words that the tender states before anybody bids and the award repeats after.

The reckoning itself is `market/awards/scoring.py`; it carries these sentences with every result.
"""

from __future__ import annotations

from typing import Final

from market.tenders.facts import Candidate
from market.wording import N_, _

RULES: Final = {
    "proportional": N_(
        "Price points are the lowest valid price divided by the bid's price, times the weight of the price."
    ),
    "linear": N_(
        "Price points fall in a straight line from the full weight at the lowest valid price to none at twice it."
    ),
    "quality": N_(
        "Quality points are the average of the evaluators' marks divided by the highest mark, times the weight."
    ),
    "minimum": N_(
        "A bid whose average mark is under the minimum of a criterion is excluded before prices are compared."
    ),
    "rounding": N_("Points are rounded half up to hundredths for each criterion; totals add up the rounded points."),
    "ties": N_(
        "Equal totals are parted by higher quality points, then by lower price, then by a lot draw anybody can repeat."
    ),
    "low": N_(
        "A price far under the others is marked so that the supplier can be asked to explain it; it excludes nobody."
    ),
    "lots": N_(
        "A supplier ahead in more lots than she may have keeps those with the greatest lead over the next bid and gives "
        "up the others to the next bid; a greater estimated value, then the lower lot number, decides between equal leads."
    ),
}
"""Each rule in a sentence. Bids are priced by the proportional one."""


def stated(candidate: Candidate) -> tuple[str, ...]:
    """The rules that apply to a tender with these criteria (of all its lots) and its limit on lots."""
    criteria = [criterion for lot in candidate.criteria.values() for criterion in lot]
    codes = ["quality"] if any(criterion.kind == "quality" for criterion in criteria) else []
    if any(criterion.minimum for criterion in criteria):
        codes.append("minimum")
    if any(criterion.kind == "price" for criterion in criteria):
        codes.append("proportional")
    codes += ["rounding", "ties", "low"]
    if candidate.tender.lots_per_supplier is not None:
        codes.append("lots")
    return tuple(_(RULES[code]) for code in codes)
