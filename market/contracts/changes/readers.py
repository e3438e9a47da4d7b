"""What the changes of a contract are judged on, and how much of each limit they have used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from market import clock, policy
from market.actor import Actor
from market.contracts import actions
from market.contracts.changes import rules
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.rules import Part
from market.contracts.tables import Contract, ContractChange
from market.hands.readers import links_in
from market.hands.rules import Doing, Hand
from market.money import Money
from market.proof import canonical
from market.reads import row, rows, the
from market.refusals import refusals
from market.tenders import readers as tenders
from market.tenders.growth import grown


def signed(contract: Contract) -> rules.Signed:
    """The contract as both sides first signed it, from the document they signed."""
    document = canonical.decode(contract.document.encode())
    return rules.Signed(
        value=Money(document["value_minor"], document["currency"]),
        begins_on=date.fromisoformat(document["begins_on"]),
        ends_on=date.fromisoformat(document["ends_on"]),
        terms=_words(document["terms"], *(document[part]["description"] for part in ("tender", "lot"))),
    )


def _words(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


async def waiting(contract: Contract) -> str | None:
    """The reference of the change that waits to be approved or agreed to; None when none does."""
    return await row(
        str,
        "SELECT ref FROM contract_change WHERE contract = {} AND agreed_at IS NULL AND left_at IS NULL LIMIT 1",
        contract.id,
    )


async def earlier(contract: Contract) -> list[rules.Earlier]:
    """What the changes in effect have added, in their order."""
    return await rows(
        rules.Earlier,
        """
        SELECT ground, milestone_minor AS added_minor, COALESCE(new_ends_on - old_ends_on, 0) AS days FROM contract_change
        WHERE contract = {} AND agreed_at IS NOT NULL ORDER BY agreed_at, id
        """,
        contract.id,
    )


class Step(msgspec.Struct, frozen=True):
    """What the visitor may do with a change that waits, and why it cannot be agreed to yet."""

    approves: bool
    agrees: bool
    leaves: bool
    wait: str


async def deciding(
    contract: Contract, change: ContractChange, side: Literal["buyer", "supplier"], actor: Actor
) -> rules.Deciding:
    """All that is known when this actor decides about a change for a side."""
    by = await the(_Person, "SELECT ref, name FROM person WHERE id = {}", change.by)
    doing = Doing(
        "approve-change", actor.ref, [Hand("propose-change", by.ref, by.name)], await links_in(contract.buyer)
    )
    return rules.Deciding(contract, change, side, doing, clock.arrived())


class _Person(msgspec.Struct, frozen=True):
    """Who proposed a change."""

    ref: str
    name: str


async def steps(contract: Contract, actor: Actor) -> dict[str, Step]:
    """By the reference of a change that waits, what this actor may do with it."""
    side = actions.side_of(actor, contract)
    made = {}
    for change in await ContractChange.objects().where(
        (ContractChange.contract == contract.id) & ContractChange.agreed_at.is_null() & ContractChange.left_at.is_null()
    ):
        if side is None or actor.person is None:
            made[change.ref] = Step(approves=False, agrees=False, leaves=False, wait="")
            continue
        facts = await deciding(contract, change, side[0], actor)
        wait = refusals((rules.standstill_is_over,), facts)
        made[change.ref] = Step(
            approves=side[0] == "buyer" and not refusals(rules.APPROVE, facts),
            agrees=side[0] == "supplier" and not refusals(rules.AGREE, facts),
            leaves=not refusals(rules.LEAVE, facts),
            wait=wait[0].reason if wait else "",
        )
    return made


class _Tender(msgspec.Struct, frozen=True):
    """The tender of a contract, and the tier of its buyer."""

    ref: str
    tier: str


async def changing(contract: Contract, given: ChangeDraft, *, waiting: bool) -> rules.Changing:
    """All that a change is judged on."""
    typed = bool(given.milestone_title.strip() or given.milestone_due_on or given.milestone_minor)
    tender = await the(
        _Tender,
        """
        SELECT t.ref, tier_binding(b.id, t.created_at, {}) AS tier
        FROM tender t JOIN organisation b ON b.id = t.buyer WHERE t.id = {}
        """,
        clock.now(),
        contract.tender,
    )
    candidate = await tenders.candidate(tender.ref)
    kind = rules.kind_of(candidate.tender.contract_kind, candidate.codes)
    return rules.Changing(
        contract=contract,
        signed=signed(contract),
        earlier=await earlier(contract),
        waiting=waiting,
        ground=given.ground,
        text=given.text,
        reasons=given.reasons,
        clause=given.clause,
        same=given.same,
        standstill=given.standstill,
        new_ends_on=given.new_ends_on,
        added=Part(given.milestone_title, given.milestone_due_on, given.milestone_minor) if typed else None,
        notice=_words(
            candidate.tender.terms, candidate.tender.description, *(lot.description for lot in candidate.lots)
        ),
        kind=kind,
        threshold=Money(policy.IN_FORCE.thresholds.binding(tender.tier, kind), policy.IN_FORCE.currency),
        gate=grown(candidate, contract.lot, contract.value_minor + given.milestone_minor)
        if given.milestone_minor
        else None,
        now=clock.arrived(),
    )


def rested_on(judged: rules.Changing) -> dict[str, canonical.Plain]:
    """What the limits were judged on, for the log."""
    limit = judged.rests_on.limit if judged.rests_on else "none"
    allowed = rules.allowance(judged.signed, judged.earlier, limit, judged.kind)
    return {
        "signed_minor": judged.signed.value.minor,
        "signed_days": judged.signed.days,
        "kind": judged.kind,
        "limit_minor": allowed.most.minor if allowed.most else None,
        "used_minor": allowed.used.minor,
        "adds_minor": judged.money.minor,
        "adds_days": judged.days,
        "gate": judged.gate.ground if judged.gate else None,
        "gate_reference": judged.gate.reference if judged.gate else "",
    }


async def allowances(contract: Contract) -> Sequence[rules.Allowance]:
    """How much of each limit the changes of a contract have used, for its page, programs and auditors."""
    tender = await the(_Tender, "SELECT t.ref, '' AS tier FROM tender t WHERE t.id = {}", contract.tender)
    candidate = await tenders.candidate(tender.ref)
    kind = rules.kind_of(candidate.tender.contract_kind, candidate.codes)
    first, before = signed(contract), await earlier(contract)
    return [rules.allowance(first, before, limit, kind) for limit in rules.KINDS_OF_LIMIT]
