"""What a tender is worth where the law asks: with VAT, against the threshold of its kind of contract. Pure, like the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import yaml

from market import policy
from market.budgets.rules import with_vat
from market.money import Money
from market.tenders import cpv
from market.tenders.facts import Candidate
from market.wording import _, together


class ContractKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of contract. `codes` are the leading digits of the CPV codes it can have, none where codes do not tell it;
    `owes_reason` wants the buyer's reason, in public; `never_central` is not for central government."""

    label: str
    says: str
    codes: tuple[str, ...]
    source: str
    owes_reason: bool = False
    never_central: bool = False


@lru_cache(maxsize=1)
def kinds() -> dict[str, ContractKind]:
    """Every kind of contract by its code, in the order of the list."""
    tree = yaml.safe_load((policy.REFERENCE / "contract_kinds.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(tree, dict[str, ContractKind])


def kind_label(code: str) -> str:
    """What a kind of contract is called; the code itself when a list of later years no longer has it."""
    found = kinds().get(code)
    return found.label if found else code


def strangers(kind: str, codes: Sequence[str]) -> list[str]:
    """The codes that a contract of this kind cannot have: works are division 45 and nothing else."""
    of_the_kind = kinds()[kind].codes
    return [code for code in codes if of_the_kind and not code.startswith(of_the_kind)]


def misfit(candidate: Candidate) -> str | None:
    """Why the kind that the tender states is not its kind, in words; None where it may be. A kind with a higher threshold
    is believed only as far as the codes, the body and a public reason carry it."""
    tender = candidate.tender
    kind = kinds().get(tender.contract_kind)
    if kind is None:
        return _("The tender does not say which kind of contract it is, so no threshold can be told.")
    if others := strangers(tender.contract_kind, candidate.codes):
        return _(
            "“{kind}” does not fit {codes}. Say goods or services, or put what is of another kind into a tender of its own.",
            kind=kind.label,
            codes=together([cpv.named(code) for code in others]),
        )
    if kind.never_central and candidate.tender.buyer_tier == "central":
        return _("“{kind}” is not for central government. Say goods or services.", kind=kind.label)
    if kind.owes_reason and not tender.contract_kind_reason.strip():
        return _("Say why this is “{kind}”. The reason is published with the tender.", kind=kind.label)
    return None


@dataclass(frozen=True, slots=True)
class Worth:
    """What the law compares, with VAT: `total` is this tender's, `together` with what the same body bought or drafts in the
    same classes of the CPV; from `threshold` on the Act binds the body. `why` says why none can be told, empty where it can."""

    total: Money
    together: Money
    threshold: Money
    why: str

    @property
    def below(self) -> bool:
        """Whether the whole stays below the threshold. What cannot be told is not below."""
        return not self.why and self.together < self.threshold

    @property
    def near(self) -> bool:
        """Whether it stays below by so little that auditors should look."""
        least = self.threshold.minor * (100 - policy.IN_FORCE.thresholds.near_percent)
        return self.below and self.together.minor * 100 >= least


def worth(candidate: Candidate) -> Worth:
    """What this tender is worth with VAT, and the threshold that binds its buyer for its kind of contract. Where that cannot
    be told (no lot, a lot without a value, no kind or a wrong one, another currency than the law's) it says why."""
    tender, home = candidate.tender, policy.IN_FORCE.currency
    total = Money(with_vat(candidate.value.minor), tender.currency)
    why = misfit(candidate) or ""
    limit = policy.IN_FORCE.thresholds.binding(tender.buyer_tier, "goods-services" if why else tender.contract_kind)
    if not candidate.lots or any(lot.value_minor <= 0 for lot in candidate.lots):
        why = _("Not every lot has an estimated value, so nothing can be added up.")
    elif tender.currency != home:
        why = _("The thresholds are in {home}, the tender is in {currency}.", home=home, currency=tender.currency)
    together = Money(with_vat(candidate.value.minor + tender.alike_minor), tender.currency)
    return Worth(total, together, Money(limit, home), why)


def notice(found: Worth, tier: str) -> str:
    """Which notice the law asks for before the market is asked: `tender` (Procurement Act 2023 section 21),
    `below-threshold` (section 87), or `none`. Every tender is published here; the notice says what it is."""
    numbers = policy.IN_FORCE.thresholds
    if not found.below:
        return "tender"
    least = numbers.notice_central if tier == "central" else numbers.notice_other
    return "below-threshold" if found.total.minor >= least else "none"


def below_threshold(candidate: Candidate) -> tuple[bool, str]:
    """The gate's question about the value: whether it is below the threshold, and the answer in words with both sums."""
    found = worth(candidate)
    if found.why:
        return False, found.why
    words: dict[str, object] = {
        "total": found.total,
        "vat": policy.IN_FORCE.thresholds.vat_percent,
        "kind": kind_label(candidate.tender.contract_kind).lower(),
        "threshold": found.threshold,
    }
    if candidate.tender.alike_minor:
        digits, months = policy.IN_FORCE.thresholds.same_class_digits, policy.IN_FORCE.thresholds.same_class_months
        words |= {"together": found.together, "digits": digits, "months": months}
        words["others"] = together([*candidate.tender.alike, _("drafts")]) if candidate.tender.alike else _("drafts")
        if found.below:
            return True, _(
                "With {vat}% VAT it is worth {total}; with what the same body bought or drafts under the same first {digits} digits "
                "of the CPV within {months} months ({others}) {together}, below the threshold of {threshold} for {kind}.",
                **words,
            )
        return False, _(
            "With {vat}% VAT it is worth {total}; with what the same body bought or drafts under the same first {digits} digits of "
            "the CPV within {months} months ({others}) {together}. The threshold for {kind} is {threshold}.",
            **words,
        )
    if found.below:
        return True, _("With {vat}% VAT it is worth {total}, below the threshold of {threshold} for {kind}.", **words)
    return False, _("With {vat}% VAT it is worth {total}; the threshold for {kind} is {threshold}.", **words)
