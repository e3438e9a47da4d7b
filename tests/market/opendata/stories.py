"""Procurements made up for the tests: one told in full, and as many as wanted from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from market.money import Money
from market.opendata.facts import (
    Award,
    BidCount,
    Challenge,
    Change,
    Contract,
    Document,
    Exercise,
    Lot,
    Milestone,
    Organisation,
    Payment,
    Pitch,
    Publisher,
    Step,
    Tender,
    Waiver,
)

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
PUBLISHER = Publisher(
    name="Prelude",
    prefix="ocds-prelud",
    site="https://prelude.example",
    license="https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    policy="https://prelude.example/open-data/policy",
    scheme="GB-COH",
    uid="00000000",
)
BUYER = Organisation(
    "7", "Department for Coasts", "GB-GOR", "D999", "1 Quay", "Hull", "Yorkshire", "ZZ1 1ZZ", "England"
)
SMALL = Organisation("8", "Tidewatch Ltd", "GB-COH", "09990008", locality="Whitby", scale="micro")
OTHER = Organisation("9", "Groyne & Daughters", scale="sme")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


CHALLENGE = Challenge(
    key="sea-walls",
    title="Seeing sea walls fail before they do",
    problem="Breaches are found after storms, when repair costs ten times as much.",
    buyer=BUYER,
    method="Open challenge",
    published_at=day(0),
    opens_at=day(0),
    closes_at=day(30),
    fee=Money(750_000),
    places=2,
    success=("Nine of ten weak sections named a month ahead.",),
    evidence="Storm report 2025.",
    mission="Safe coasts by 2035",
    mission_key="safe-coasts",
    cpv=("71351500", "38221000"),
    category="services",
    milestones=(Milestone("show", "Show and tell", "engagement", day(45)),),
    pitches=(
        Pitch(
            "p1",
            SMALL,
            Money(750_000),
            day(35),
            day(40),
            (Payment("pay-1", Money(750_000), day(43), BUYER, SMALL, "r-1"),),
        ),
        Pitch("p2", OTHER, Money(750_000), day(35)),
    ),
    documents=(
        Document("insight", "needsAssessment", "What we learnt", "https://prelude.example/insights/1", day(60)),
    ),
    decision="go",
    concluded_at=day(60),
)

TENDER = Tender(
    key="sea-walls-watch",
    title="A watch on the sea walls",
    description="Two years of watching 40 km of wall.",
    buyer=BUYER,
    published_at=day(70),
    closes_at=day(100),
    lots=(
        Lot("1", "North", "12 km", Money(12_000_001), ("71351500",), day(130), day(860), True, (("Quality", 60), ("Price", 40))),
        Lot("2", "South", "28 km", Money(20_000_033), ("71351500",), day(130), day(860), True, unsuccessful_at=day(109)),
    ),
    category="services",
    method_details="Open procedure",
    exercise=Exercise("ocds-prelud-challenge-sea-walls", CHALLENGE.title, "https://prelude.example/challenges/sea-walls"),
    questions_close_at=day(85),
    has_questions=True,
    sme_suitable=True,
    most_lots_awarded=1,
    documents=(Document("spec", "biddingDocuments", "What we ask", "https://prelude.example/d/1", day(70), lots=("1", "2")),),
    bids=(BidCount("1", day(101), 4, 3, 2), BidCount("2", day(101), 0)),
    awards=(Award("a1", "North", ("1",), (SMALL,), Money(11_500_010), day(110), "Found the most weak sections.", day(122)),),
    contracts=(
        Contract(
            "c1", "a1", "North", Money(11_500_010), day(130), day(860), day(125),
            milestones=(Milestone("m1", "First map", "delivery", day(160), day(158)), Milestone("m2", "Second map", "delivery", day(250))),
            payments=(Payment("pay-2", Money(1_000_001), day(165), BUYER, SMALL, "https://prelude.example/payments/2"),),
            changes=(Change("ch1", day(170), "A storm moved the baseline."),),
        ),
    ),
)  # fmt: skip

WAIVER = Waiver(
    "w1", "Waiver of the exercise", "Another department ran one.", "https://prelude.example/waivers/w1", day(60)
)


def step(key: str, number: float, *tags: str) -> Step:
    return Step(key, day(number), tags)


def many(count: int, seed: int = 1) -> Iterator[tuple[Challenge | Tender, Step]]:
    """`count` procurements of every sort the facts allow, each with the step that announces it."""
    chance = random.Random(seed)
    for number in range(count):
        first = chance.uniform(0, 300)
        buyer = chance.choice((BUYER, Organisation(f"b{number % 50}", f"Council {number % 50}")))
        team = Organisation(f"s{number}", f"Firm {number}", *chance.choice((("GB-COH", f"{number:08}"), (None, None))), scale=chance.choice(("micro", "sme", "large", None)))  # fmt: skip
        if chance.random() < 0.4:
            yield _challenge(chance, number, first, buyer, team)
        else:
            yield _tender(chance, number, first, buyer, team)


def _challenge(
    chance: random.Random, number: int, first: float, buyer: Organisation, team: Organisation
) -> tuple[Challenge, Step]:
    fee = Money(chance.randrange(1, 10**7), chance.choice(("GBP", "JPY", "KWD")))
    paid = chance.random() < 0.5
    pitch = Pitch(
        "1",
        team,
        fee,
        day(first + 40),
        day(first + 45),
        (Payment("1", fee, day(first + 50), buyer, team),) if paid else (),
    )
    challenge = Challenge(
        f"c{number}", f"Challenge {number}", "A problem.", buyer, "Accelerator", day(first), day(first), day(first + 30), fee,
        chance.randrange(1, 9),
        cpv=tuple(chance.sample(("71351500", "38221000", "72000000"), chance.randrange(0, 4))),
        category=chance.choice(("goods", "services", "works", None)),
        pitches=(pitch,) if chance.random() < 0.7 else (),
        decision=chance.choice(("go", "change", "stop", None)),
        concluded_at=day(first + 90) if chance.random() < 0.5 else None,
        cancelled_at=day(first + 20) if chance.random() < 0.1 else None,
    )  # fmt: skip
    return challenge, step(f"e{number}", first + chance.uniform(0, 120), chance.choice(("planning", "planningUpdate")))


def _tender(
    chance: random.Random, number: int, first: float, buyer: Organisation, team: Organisation
) -> tuple[Tender, Step]:
    at = first + chance.uniform(-5, 200)
    lots = tuple(
        Lot(str(each), f"Lot {each}", "Work.", Money(chance.randrange(10**9)) if chance.random() < 0.8 else None, ("72000000",)[: chance.randrange(2)],
            unsuccessful_at=day(first + 50) if chance.random() < 0.2 else None, cancelled_at=day(first + 60) if chance.random() < 0.1 else None)
        for each in range(1, chance.randrange(2, 6))
    )  # fmt: skip
    award = Award("a", "Award", ("1",), (team,), Money(chance.randrange(10**9)), day(first + 45), withdrawn_at=day(first + 48) if chance.random() < 0.1 else None)  # fmt: skip
    signed = day(first + 70) if chance.random() < 0.7 else None
    contract = Contract("c", "a", "Contract", award.value, day(first + 80), day(first + 180), signed, day(first + 100) if chance.random() < 0.1 else None)  # fmt: skip
    awarded = at >= 45
    tender = Tender(
        f"t{number}", f"Tender {number}", "What.", buyer, day(first), day(first + 30), lots,
        method=chance.choice(("open", "selective", "limited", "direct")),
        exercise=Exercise(f"ocds-prelud-challenge-c{number}", "Before") if chance.random() < 0.5 else None,
        waiver=WAIVER if chance.random() < 0.3 else None,
        bids=(BidCount("1", day(first + 31), chance.randrange(20)),) if at >= first + 31 else (),
        awards=(award,) if awarded else (),
        contracts=(contract,) if awarded and chance.random() < 0.8 else (),
        cancelled_at=day(first + 10) if chance.random() < 0.05 else None,
        cancelled_because="No longer needed." if chance.random() < 0.5 else None,
    )  # fmt: skip
    return tender, step(f"e{number}", at, "tender")
