"""Red flags: facts about a contract that deserve a second look. None of them is an accusation, and each says why it is up.

Every flag is a pure function of :class:`Facts` that answers a sentence, or None. The codes beside them (R003 …) are those of
the Open Contracting Partnership's guide “Red Flags in Public Procurement” and its tool Cardinal; where the guide's flag
compares a whole market with statistics, ours uses one contract and a plain threshold, because here it must be explained
to the person whose contract it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from market import policy
from market.contracts.changes.rules import Allowance
from market.money import Money
from market.wording import N_, _

OVER_ESTIMATE: Final = 30
"""Percent above the estimate from which a value is flagged; the DIGIWHIST and Prozorro risk lists use the same figure."""
DISCOUNT: Final = 30
"""Percent below the next valid bid from which a winning price is flagged."""
REPEATED: Final = 3
"""Contracts of one buyer with one supplier from which repetition is looked at."""
REPEATED_SHARE: Final = 50
"""Percent of the buyer's contracts that these must be as well."""
REPEATED_MONTHS: Final = 24
"""The months before the signature in which they are counted."""
EXCLUDED_LEAST: Final = 3
"""Bids excluded from which many exclusions are flagged, when they are also half of all."""

_GUIDE = N_("Open Contracting Partnership, Red Flags in Public Procurement")


@dataclass(frozen=True, slots=True)
class BidFact:
    """One opened bid for the lot: whose, its price, and whether it was excluded or could not be read."""

    supplier: str
    price_minor: int
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the flags look at: one contract with its lot, its tender, its bids, and how often the two have contracted."""

    supplier: str
    """The reference of the supplier that won."""
    value_minor: int
    estimate_minor: int
    currency: str = "GBP"
    bids: Sequence[BidFact] = ()
    price_only: bool = False
    """Whether the price was the only criterion."""
    published_at: datetime | None = None
    closes_at: datetime | None = None
    ground: str = ""
    """exercise | waiver | commodity | below-threshold | not-central: why the gate let the tender pass."""
    near_threshold: bool = False
    """Whether its value, added up with like purchases, stayed just below the threshold at publication."""
    changes: int = 0
    """Changes after the award that both sides agreed."""
    signed_minor: int = 0
    """The value as both sides first signed it."""
    allowances: Sequence[Allowance] = ()
    """How much of each limit on changes is used."""
    with_this_supplier: int = 1
    """The buyer's contracts with this supplier in the months looked at, this one included."""
    of_this_buyer: int = 1
    """All the buyer's contracts in the same months."""

    @property
    def valid(self) -> list[BidFact]:
        """The bids that were not excluded, the cheapest first."""
        return sorted((bid for bid in self.bids if not bid.excluded), key=lambda bid: bid.price_minor)

    def money(self, minor: int) -> str:
        """An amount in words."""
        return str(Money(minor, self.currency))


@dataclass(frozen=True, slots=True)
class Flag:
    """A kind of flag: its code, its name, what it means and where it comes from, and the rule."""

    code: str
    title: str
    norm: str
    source: str
    raised: Callable[[Facts], str | None]


@dataclass(frozen=True, slots=True)
class Raised:
    """A flag that is up for a contract, and why, in one sentence."""

    code: str
    title: str
    says: str
    source: str


FLAGS: list[Flag] = []
"""Every flag, in the order in which they are shown."""


def flag(
    code: str, title: str, *, source: str
) -> Callable[[Callable[[Facts], str | None]], Callable[[Facts], str | None]]:
    """List a rule as a flag; its docstring is what the flag means."""

    def listed(rule: Callable[[Facts], str | None]) -> Callable[[Facts], str | None]:
        FLAGS.append(Flag(code, title, " ".join((rule.__doc__ or "").split()), source, rule))
        return rule

    return listed


def raised(facts: Facts) -> list[Raised]:
    """The flags that are up for these facts."""
    return [
        Raised(each.code, _(each.title), says, each.source)
        for each in FLAGS
        if (says := each.raised(facts)) is not None
    ]


@flag("single-bid", N_("Single bid"), source=f"{_GUIDE}, R018: single bid received")
def single_bid(facts: Facts) -> str | None:
    """Only one bid came, so nothing was compared. The specification may have fitted one firm, or others did not hear of it."""
    return _("Only one bid was opened for this lot.") if len(facts.bids) == 1 else None


@flag(
    "short-tendering",
    N_("Short time to bid"),
    source=f"{_GUIDE}, R003: short submission period; Procurement Act 2023 section 54",
)
def short_tendering(facts: Facts) -> str | None:
    """Bids could be sent for fewer days than the law's ordinary shortest period. Urgency or an earlier notice may allow it."""
    if facts.published_at is None or facts.closes_at is None:
        return None
    least = policy.IN_FORCE.tendering.days_electronic_all_documents
    given = (facts.closes_at - facts.published_at).days
    return (
        _("Bids could be sent for {given} days; the ordinary shortest period is {least}.", given=given, least=least)
        if given < least
        else None
    )


@flag("waiver", N_("Waiver used"), source="Innovation first: the rule of this market")
def waiver_used(facts: Facts) -> str | None:
    """A minister let the tender pass without an innovation exercise. The waiver's ground and signature are on record."""
    return _("The tender passed with a minister's waiver instead of an exercise.") if facts.ground == "waiver" else None


@flag(
    "near-threshold",
    N_("Just below the threshold"),
    source="Procurement Act 2023 section 4(3): no subdividing to evade",
)
def just_below_the_threshold(facts: Facts) -> str | None:
    """The value, VAT and like purchases of the same body included, stayed so little below the threshold that the estimate or
    the way it was divided deserves a second look."""
    if not (facts.near_threshold and facts.ground == "below-threshold"):
        return None
    return _(
        "It passed as below the threshold by less than {percent}%.", percent=policy.IN_FORCE.thresholds.near_percent
    )


@flag("over-estimate", N_("Far above the estimate"), source="DIGIWHIST indicators; Prozorro risk indicators")
def far_above_the_estimate(facts: Facts) -> str | None:
    """The contract is worth at least 30% more than the buyer had estimated before it saw any bid."""
    if facts.estimate_minor <= 0 or 100 * facts.value_minor < (100 + OVER_ESTIMATE) * facts.estimate_minor:
        return None
    over = 100 * (facts.value_minor - facts.estimate_minor) // facts.estimate_minor
    return _(
        "{value} is {over}% above the estimate of {estimate}.",
        value=facts.money(facts.value_minor),
        over=over,
        estimate=facts.money(facts.estimate_minor),
    )


@flag(
    "only-winner-valid",
    N_("All but the winner excluded"),
    source=f"{_GUIDE}, R035: all except winning bid disqualified",
)
def all_but_the_winner_excluded(facts: Facts) -> str | None:
    """Several bids came and every one but the winner's was excluded, so again nothing was compared."""
    others = [bid for bid in facts.bids if bid.supplier != facts.supplier]
    if not others or not all(bid.excluded for bid in others):
        return None
    return _("{bids} bids were opened, and all but the winner's were excluded.", bids=len(facts.bids))


@flag("lowest-excluded", N_("Lowest price excluded"), source=f"{_GUIDE}, R036: lowest bid disqualified")
def lowest_excluded(facts: Facts) -> str | None:
    """The price alone decided, and the cheapest bid was excluded."""
    if not facts.price_only or len(facts.bids) < 2:
        return None
    lowest = min(facts.bids, key=lambda bid: bid.price_minor)
    return (
        _("The lowest bid, {money}, was excluded.", money=facts.money(lowest.price_minor)) if lowest.excluded else None
    )


@flag("many-excluded", N_("Many bids excluded"), source=f"{_GUIDE}, R038: excessive disqualified bids")
def many_excluded(facts: Facts) -> str | None:
    """At least three bids, and at least half of all, were excluded."""
    out = sum(bid.excluded for bid in facts.bids)
    return (
        _("{out} of {bids} bids were excluded.", out=out, bids=len(facts.bids))
        if out >= EXCLUDED_LEAST and 2 * out >= len(facts.bids)
        else None
    )


@flag("identical-prices", N_("Identical prices"), source=f"{_GUIDE}, R028: identical bid prices")
def identical_prices(facts: Facts) -> str | None:
    """Bids of different firms have the same price to the penny, which seldom happens by chance."""
    owners: dict[int, set[str]] = {}
    for bid in facts.bids:
        owners.setdefault(bid.price_minor, set()).add(bid.supplier)
    same = sorted(price for price, firms in owners.items() if price > 0 and len(firms) > 1)
    return _("Bids of different firms are all {money}.", money=facts.money(same[0])) if same else None


@flag("heavy-discount", N_("Heavily discounted"), source=f"{_GUIDE}, R058: heavily discounted bid")
def heavily_discounted(facts: Facts) -> str | None:
    """The winner asked at least 30% less than the next valid bid: it may not be able to deliver, or count on changes."""
    won = next((bid.price_minor for bid in facts.valid if bid.supplier == facts.supplier), None)
    next_ = next((bid.price_minor for bid in facts.valid if bid.supplier != facts.supplier), None)
    if not won or not next_ or 100 * won > (100 - DISCOUNT) * next_:
        return None
    under = 100 * (next_ - won) // next_
    return _(
        "The winner asked {asked}, {under}% less than the next valid bid of {following}.",
        asked=facts.money(won),
        under=under,
        following=facts.money(next_),
    )


@flag(
    "changed",
    N_("Changed after the award"),
    source="Procurement Act 2023 sections 74 and 75: changes to a contract are notified",
)
def changed_after_award(facts: Facts) -> str | None:
    """What was agreed is not what was competed for any more. Each change is on record with its ground."""
    if not facts.changes:
        return None
    return (
        _("It was changed once after the award.")
        if facts.changes == 1
        else _("It was changed {changes} times after the award.", changes=facts.changes)
    )


@flag(
    "changes-near-limit",
    N_("Changes near their limit"),
    source="Procurement Act 2023 section 74 and Schedule 8; when a limit is near is an own default",
)
def changes_near_limit(facts: Facts) -> str | None:
    """Changes in effect have used most of what the law lets them add to a contract, or of the days by which they may move its
    end. The next one may be a purchase of its own."""
    for each in facts.allowances:
        if each.near and each.most is not None:
            return _(
                "Changes have added {used} of the {most} that may be added, and moved the end by {days} days.",
                used=each.used,
                most=each.most,
                days=each.days_used,
            )
    return None


@flag(
    "changes-without-limit",
    N_("Grew on grounds without a limit"),
    source="Procurement Act 2023 Schedule 8 paragraphs 1 and 2, which name no limit; half of the value is an own default",
)
def changes_without_limit(facts: Facts) -> str | None:
    """What the contract provided for and what is urgent may add without a limit in the Act. More than half of the value first
    signed deserves the question whether it was one purchase from the beginning."""
    percent = policy.IN_FORCE.contracts.change_grounds_percent
    added = sum(each.used.minor for each in facts.allowances if each.most is None)
    if not facts.signed_minor or added * 100 <= facts.signed_minor * percent:
        return None
    return _(
        "Changes without a limit have added {added} to the {signed} first signed.",
        added=facts.money(added),
        signed=facts.money(facts.signed_minor),
    )


@flag("repeated-winner", N_("Same winner again and again"), source=f"{_GUIDE}: concentration of a buyer's contracts")
def repeated_winner(facts: Facts) -> str | None:
    """One supplier has at least three of the buyer's contracts within two years, and at least half of them all."""
    mine, all_ = facts.with_this_supplier, facts.of_this_buyer
    if mine < REPEATED or 100 * mine < REPEATED_SHARE * all_:
        return None
    return _(
        "{mine} of the buyer's {all} contracts in {repeated_months} months are with this supplier.",
        mine=mine,
        all=all_,
        repeated_months=REPEATED_MONTHS,
    )
