"""How well one supplier is recognised under its many names, on labelled pairs.

Run: `python bench/matching.py` (add `--fit` to find the weights anew). The pairs are 3,498 names under which 696 parent
companies sold to the government of Canada, from `../shared/data/matching/ca-vendor-name-variants.csv` (or
`$PRELUDE_SHARED_DATA`). A name is looked up among the parents: *automatic* is what is matched without asking, *doubtful*
what an operator is asked. Precision is the share of automatic answers that are right; recall the share of names answered
automatically and rightly. Told twice: with every parent known, and with only half of them known, so that half of the
names ought to find nobody. The weights were fitted on the parents of one half ("seen"); the other half is "unseen". Last, as
the import asks: only half are known, in four halvings, and a name that stands alone must be nearly the same.
No other evidence than the name is used: no register number, no place.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import math
import os
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from rapidfuzz import fuzz, process  # noqa: E402

from market.portal.intake.names import words  # noqa: E402
from market.portal.sameness import matching  # noqa: E402
from market.portal.sameness.matching import Match, Supplier, Suppliers  # noqa: E402

PAIRS = (
    Path(os.environ.get("PRELUDE_SHARED_DATA", HERE.parent / "shared" / "data"))
    / "matching"
    / "ca-vendor-name-variants.csv"
)


def pairs() -> list[tuple[str, str]]:
    """(name variant, parent) as labelled."""
    with PAIRS.open(newline="") as file:
        return [(row["company_name"], row["parent_company"]) for row in csv.DictReader(file)]


def half(parent: str, which: int) -> int:
    """0 or 1, by the digest of the name; `which` picks one of several independent halvings."""
    return hashlib.sha256(parent.encode()).digest()[which] % 2


def known(parents: Iterable[str]) -> Suppliers:
    """The parents as known suppliers."""
    return Suppliers(Supplier(name, (name,)) for name in sorted(set(parents)))


def judged(labelled: list[tuple[str, str]], suppliers: Suppliers, present: set[str], *, young: bool = False) -> str:
    """One row of the table; `young` as the import asks."""
    right = wrong = asked = reachable = ought = 0
    for name, parent in labelled:
        found: tuple[Match, ...] = suppliers.resolve(Supplier("?", (name,)), young=young)
        ought += parent in present
        if found and found[0].verdict == "same":
            right += found[0].other == parent
            wrong += found[0].other != parent
        elif found:
            asked += 1
            reachable += any(each.other == parent for each in found[:5])
    return (
        f"{len(labelled):6} names  precision {right / max(1, right + wrong):.3f}  recall {right / max(1, ought):.3f}  "
        f"asked {asked / len(labelled):.2f} (the right one among the first five: {reachable / max(1, asked):.2f})"
    )


def plain(labelled: list[tuple[str, str]], parents: list[str]) -> str:
    """The baseline: the best token_set_ratio at 90, ties broken by the plain ratio."""
    right = wrong = 0
    for name, parent in labelled:
        best = process.extract(name, parents, scorer=fuzz.token_set_ratio, score_cutoff=90, limit=10)
        if best:
            chosen = max(best, key=lambda each: (each[1], fuzz.ratio(name, each[0])))[0]
            right += chosen == parent
            wrong += chosen != parent
    return f"{len(labelled):6} names  precision {right / (right + wrong):.3f}  recall {right / len(labelled):.3f}"


def fit(labelled: list[tuple[str, str]]) -> dict[str, float]:
    """Logistic regression (AdaGrad) over the candidates of the names of the "seen" parents."""
    suppliers = known(parent for _, parent in labelled)
    rows: list[tuple[list[float], float]] = []
    for name, parent in labelled:
        if half(parent, 0):
            continue
        asked = Supplier("?", (name,))
        scored = [(suppliers.features(name, each.names[0]), each.key) for each in suppliers.candidates(asked)]
        scored.sort(key=lambda each: -(each[0]["theirs"] + each[0]["mine"] + each[0]["whole"] + each[0]["within"]))
        rows += [(list(found.values()), float(key == parent)) for found, key in scored[:6]]
    names = list(matching.WEIGHTS)
    weights, squares, chance = [0.0] * len(names), [1e-8] * len(names), random.Random(1)
    for _ in range(40):
        chance.shuffle(rows)
        for found, label in rows:
            odds = sum(weight * value for weight, value in zip(weights, found, strict=True))
            error = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds)))) - label
            for place, value in enumerate(found):
                if value:
                    step = error * value + 1e-5 * weights[place]
                    squares[place] += step * step
                    weights[place] -= 0.3 * step / math.sqrt(squares[place])
    return {name: round(weight, 2) for name, weight in zip(names, weights, strict=True)}


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fit", action="store_true", help="find the weights anew, print them, and use them")
    chosen = options.parse_args()
    if not PAIRS.is_file():
        raise SystemExit(f"The labelled pairs are not on this machine ({PAIRS}).")
    labelled = pairs()
    if chosen.fit:
        matching.WEIGHTS.update(fit(labelled))
        print(f"WEIGHTS = {matching.WEIGHTS}")
    everyone = {parent for _, parent in labelled}
    started = time.perf_counter()
    words.cache_clear()
    suppliers = known(everyone)
    print(
        f"{len(everyone)} suppliers known; automatic from {matching.AUTOMATIC} with a lead of {matching.LEAD}, doubtful from {matching.DOUBTFUL}"
    )
    for title, wanted in (("all", (0, 1)), ("seen", (0,)), ("unseen", (1,))):
        some = [each for each in labelled if half(each[1], 0) in wanted]
        print(f"every supplier known, {title:7}", judged(some, suppliers, everyone))
    took = time.perf_counter() - started
    present = {parent for parent in everyone if half(parent, 1)}
    fewer = known(present)
    for title, wanted in (("all", (0, 1)), ("unseen", (1,))):
        some = [each for each in labelled if half(each[1], 0) in wanted]
        print(f"half of them known,   {title:7}", judged(some, fewer, present))
    print(f"\nas the import asks, a name alone from {matching.ALONE}:")
    for which in range(1, 5):
        present = {parent for parent in everyone if half(parent, which)}
        print(f"half of them, {which}           ", judged(labelled, known(present), present, young=True))
    print()
    print("plain token_set ≥ 90, all     ", plain(labelled, sorted(everyone)))
    print(f"{2 * len(labelled) / took:,.0f} names a second among {len(everyone)} suppliers")


if __name__ == "__main__":
    main()
