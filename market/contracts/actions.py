"""Drawing contracts up, signing them, and the work under them."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from market import clock, policy
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import Actor, Hat, Role
from market.audit.actions import record
from market.awards import actions as awards
from market.awards.tables import Decision
from market.bids.tables import OpenedBid
from market.budgets import counting
from market.budgets.rules import with_vat
from market.contracts import readers, rules
from market.contracts.tables import Contract, Milestone
from market.db import find, transaction
from market.missions.tables import Mission
from market.money import Money
from market.payments.actions import owe
from market.proof import canonical
from market.reads import the
from market.refusals import Refused, insist, refusals
from market.standards.certificates import actions as certificates
from market.standards.sanctions import actions as sanctions
from market.tenders.tables import Lot, LotCriterion, Tender
from market.touch import binds
from market.wording import N_, _

MANAGERS: tuple[Role, ...] = ("contract-manager", "buyer")
"""Who acts for the buyer under a contract."""
SIGNATORIES: tuple[Role, ...] = ("supplier-admin",)
"""Who binds a supplier."""
SUPPLIERS: tuple[Role, ...] = ("supplier-admin", "supplier-member")


class MilestoneDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A part of the work: what, by when, and what it pays (minor units of the tender's currency)."""

    title: Annotated[str, Meta(title=N_("Milestone"), max_length=300)]
    due_on: Annotated[date, Meta(title=N_("Due"))]
    amount_minor: Annotated[int, Meta(title=N_("Amount"), ge=0, le=10**13)]


class ContractDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What the buyer adds to the award: dates, milestones that add up to the winning price, and what is promised beside."""

    begins_on: Annotated[date, Meta(title=N_("First day"))]
    ends_on: Annotated[date, Meta(title=N_("Last day"))]
    milestones: Annotated[list[MilestoneDraft], Meta(max_length=60)]
    title: Annotated[str, Meta(title=N_("Title"), max_length=300)] = ""
    terms: Annotated[str, Meta(title=N_("Terms"), max_length=40_000)] = ""
    indicators: Annotated[
        list[Annotated[str, Meta(max_length=400)]], Meta(title=N_("Performance indicators"), max_length=50)
    ] = []


class Signature(msgspec.Struct, forbid_unknown_fields=True):
    """A side's signature: the digest of the document it has read, and that it means it."""

    schema_name: ClassVar[str] = "ContractSignature"
    digest: Annotated[str, Meta(title=N_("Digest"), min_length=64, max_length=64)]
    agreed: Annotated[bool, Meta(title=N_("I sign"))] = False


class Delivery(msgspec.Struct, forbid_unknown_fields=True):
    """What the supplier says of a delivered milestone."""

    schema_name: ClassVar[str] = "MilestoneDelivery"
    note: Annotated[str, Meta(title=N_("What you delivered"), max_length=4000)]


class RefusedDelivery(msgspec.Struct, forbid_unknown_fields=True):
    """Why a delivery is not accepted."""

    problem: Annotated[str, Meta(title=N_("What is wrong"), max_length=4000)]


class End(msgspec.Struct, forbid_unknown_fields=True):
    """Why a contract ends before its last day, or is given up before both have signed."""

    reason: Annotated[str, Meta(title=N_("Why it ends"), max_length=4000)]


async def draw_up(actor: Actor, award_ref: str, given: ContractDraft) -> Contract:
    """The buyer draws a contract up from a decision when its standstill is over and no complaint is open.

    The document is fixed here: what both sides sign is these bytes, and nothing changes them later.
    """
    async with transaction():
        decision = await find(Decision, Decision.ref == award_ref, lock=True)
        tender = await find(Tender, Tender.id == decision.tender)
        hat = actor.must_wear(*MANAGERS, organisation=tender.buyer)
        facts = await drawing(decision, given)
        wrong, price = refusals(rules.DRAW_UP, facts), facts.price
        if wrong:
            typed = all(each.field for each in wrong)
            raise Refused(*wrong, status=422 if typed else 409)
        lot = await find(Lot, Lot.id == decision.lot)
        buyer = await find(Organisation, Organisation.id == tender.buyer)
        bid = await find(OpenedBid, OpenedBid.id == decision.winner)
        supplier = await find(Organisation, Organisation.id == bid.supplier)
        contract = Contract(
            decision=decision.id,
            tender=tender.id,
            lot=lot.id,
            buyer=buyer.id,
            supplier=supplier.id,
            mission=tender.mission,
            title=given.title.strip() or await title_of(tender, lot),
            value_minor=price.minor,
            currency=price.currency,
            begins_on=given.begins_on,
            ends_on=given.ends_on,
            terms=given.terms.strip() or tender.terms,
            drawn_up_at=clock.now(),
            drawn_up_by=actor.must_be_person(),
        )
        plain = await _document(
            contract=contract,
            decision=decision,
            tender=tender,
            lot=lot,
            buyer=buyer,
            supplier=supplier,
            bid=bid,
            given=given,
        )
        contract.document = canonical.encode(plain).decode()
        contract.digest = hashlib.sha256(contract.document.encode()).hexdigest()
        await contract.save()
        for number, each in enumerate(given.milestones, 1):
            await Milestone(
                contract=contract.id,
                number=number,
                title=each.title.strip(),
                due_on=each.due_on,
                amount_minor=each.amount_minor,
            ).save()
        decision.contract = contract.ref
        await decision.save([Decision.contract])
        await notify(contract, supplier.id, "contracts/to_sign.txt", SUPPLIERS, side="supplier")
        await notify(contract, buyer.id, "contracts/to_sign.txt", MANAGERS, side="buyer")
        await record(
            actor,
            "contract.drawn-up",
            f"contract:{contract.ref}",
            {
                "lot": lot.ref,
                "supplier": supplier.ref,
                "buyer": buyer.ref,
                "value_minor": price.minor,
                "currency": price.currency,
                "document_sha256": contract.digest,
            },
            about=await ancestors(contract),
            organisation=hat.organisation_ref,
            announce=[f"award:{decision.ref}", f"tender:{tender.ref}"],
        )
    return contract


async def title_of(tender: Tender, lot: Lot) -> str:
    """What a contract is called unless the buyer calls it something else: the tender's title, and the lot's where there are
    several lots."""
    several = await Lot.count().where(Lot.tender == tender.id) > 1
    return f"{tender.title}: {lot.title}" if several and lot.title else str(tender.title)


async def drawing(decision: Decision, given: ContractDraft | None = None) -> rules.DrawingUp:
    """What is known when a contract is drawn up; without a draft, what the rules `READY` judge before anything is typed. The
    price is zero where nothing was awarded."""
    now = clock.arrived()
    tender = await find(Tender, Tender.id == decision.tender)
    bid = await find(OpenedBid, OpenedBid.id == decision.winner) if decision.winner is not None else None
    parts = [rules.Part(each.title, each.due_on, each.amount_minor) for each in given.milestones] if given else []
    return rules.DrawingUp(
        decision=decision,
        open_complaints=await awards.open_complaints(decision),
        price=Money(bid.price_minor, bid.currency) if bid else Money(0),
        begins_on=given.begins_on if given else now.date(),
        ends_on=given.ends_on if given else now.date(),
        milestones=parts,
        indicators=given.indicators if given else (),
        now=now,
        certificate=await _certified(bid.supplier, tender) if bid else "",
    )


async def _certified(supplier: int, tender: Tender) -> str:
    """What is wrong with a supplier's certificate for the API profile of a tender, held to the gates of the day the tender was
    published: rules that became gates later do not reach back to it."""
    return await certificates.problem(
        supplier, tender.profile, clock.now(), buyer=tender.buyer, tender=tender.ref, pinned=_pinned(tender)
    )


def _pinned(tender: Tender) -> date | None:
    return tender.published_at.date() if tender.published_at else None


async def _document(
    contract: Contract,
    decision: Decision,
    tender: Tender,
    lot: Lot,
    buyer: Organisation,
    supplier: Organisation,
    bid: OpenedBid,
    given: ContractDraft,
) -> dict[str, Any]:
    """What is signed, as plain data: the parties, the lot, the price, dates, terms, milestones, and what the winning bid
    promised under each criterion."""
    answers = canonical.decode(bid.answers.encode()) if bid.answers else {}
    promised = [
        {"criterion": each.name, "asked": each.description, "promised": answers[each.ref]}
        for each in await LotCriterion.objects().where(LotCriterion.lot == lot.id).order_by(LotCriterion.place)
        if answers.get(each.ref)
    ]
    return {
        "contract": contract.ref,
        "title": contract.title,
        "award": decision.ref,
        "tender": {"ref": tender.ref, "title": tender.title, "description": tender.description},
        "lot": {"ref": lot.ref, "number": lot.number, "title": lot.title, "description": lot.description},
        "buyer": _party(buyer),
        "supplier": _party(supplier),
        "value_minor": contract.value_minor,
        "currency": contract.currency,
        "begins_on": contract.begins_on.isoformat(),
        "ends_on": contract.ends_on.isoformat(),
        "terms": contract.terms,
        "payment_days": policy.IN_FORCE.payments.terms_days,
        "api_profile": tender.profile,
        "milestones": [
            {
                "number": number,
                "title": each.title.strip(),
                "due_on": each.due_on.isoformat(),
                "amount_minor": each.amount_minor,
            }
            for number, each in enumerate(given.milestones, 1)
        ],
        "promises": promised,
        "indicators": [each.strip() for each in given.indicators if each.strip()],
        "drawn_up_at": contract.drawn_up_at.isoformat(),
    }


def _party(organisation: Organisation) -> dict[str, str]:
    return {
        "ref": organisation.ref,
        "name": organisation.name,
        "scheme": organisation.scheme,
        "identifier": organisation.identifier,
        "country": organisation.country,
    }


async def ancestors(contract: Contract) -> list[str]:
    """What a contract grew from, for the log's `about`: award, tender, exercise, mission."""
    decision = await find(Decision, Decision.id == contract.decision)
    tender = await find(Tender, Tender.id == contract.tender)
    mission = await find(Mission, Mission.id == contract.mission) if contract.mission else None
    return [
        f"award:{decision.ref}",
        *awards.ancestors(tender),
        *([f"mission:{mission.ref}"] if mission else []),
    ]


async def notify(contract: Contract, organisation: int, template: str, roles: tuple[Role, ...], **facts: Any) -> None:
    """Write a letter about a contract to those of a side who wear one of the roles."""
    await tell(organisation, template, roles=roles, about=f"contract:{contract.ref}", contract=contract, **facts)


# ── signing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def side_of(actor: Actor, contract: Contract) -> tuple[rules.Side, Hat] | None:
    """For which side the actor may sign: the buyer's officer or contract manager, or the supplier's administrator."""
    if hat := actor.wears(*MANAGERS, organisation=contract.buyer):
        return "buyer", hat
    if hat := actor.wears(*SIGNATORIES, organisation=contract.supplier):
        return "supplier", hat
    return None


def must_have_side(actor: Actor, contract: Contract) -> tuple[rules.Side, Hat]:
    """The same; 403 for whoever signs for neither side."""
    return side_of(actor, contract) or ("supplier", actor.must_wear(*SIGNATORIES, organisation=contract.supplier))


@binds(N_("sign a contract"))
async def sign(actor: Actor, contract_ref: str, given: Signature) -> Contract:
    """A side signs: an authenticated act with the digest of the document in the log. The order is free; with the second
    signature the contract is in force."""
    async with transaction():
        drawn = await find(Contract, Contract.ref == contract_ref)
        await find(
            Decision, Decision.id == drawn.decision, lock=True
        )  # whoever complains locks it too, and goes first or last
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        side, hat = must_have_side(actor, contract)
        person = actor.must_be_person()
        missing = await _certified(contract.supplier, await find(Tender, Tender.id == contract.tender))
        other = contract.supplier_signed_by if side == "buyer" else contract.buyer_signed_by
        insist(rules.SIGN, await signing(contract, side, given, signed_other_side=other == person, certificate=missing))
        now = clock.now()
        if side == "buyer":
            contract.buyer_signed_at, contract.buyer_signed_by = now, person
            await contract.save([Contract.buyer_signed_at, Contract.buyer_signed_by])
        else:
            contract.supplier_signed_at, contract.supplier_signed_by = now, person
            await contract.save([Contract.supplier_signed_at, Contract.supplier_signed_by])
        in_force = contract.buyer_signed_at is not None and contract.supplier_signed_at is not None
        for organisation, roles in ((contract.buyer, MANAGERS), (contract.supplier, SUPPLIERS)):
            await notify(
                contract,
                organisation,
                "contracts/in_force.txt" if in_force else "contracts/signed.txt",
                roles,
                side=side,
            )
        about = await ancestors(contract)
        await record(
            actor,
            "contract.signature-given",
            f"contract:{contract.ref}",
            {"side": side, "document_sha256": contract.digest},
            about=about,
            organisation=hat.organisation_ref,
        )
        if in_force:
            await _record_in_force(actor, hat, contract, about)
            await _count(actor, contract, with_vat(contract.value_minor), "signed")
    return contract


async def _count(actor: Actor, contract: Contract, committed: int, cause: str) -> None:
    """A contract in force takes so much from the budget of its tender, VAT included, and its lot no longer reserves anything."""
    tender = await find(Tender, Tender.id == contract.tender)
    lot = await find(Lot, Lot.id == contract.lot)
    about, part = f"tender:{tender.ref}", f"contract:{contract.ref}"
    await counting.keep(actor, about, f"lot:{lot.ref}", reserved=0, committed=0, cause=cause)
    await counting.keep(actor, about, part, reserved=0, committed=committed, cause=cause)


async def signing(
    contract: Contract, side: rules.Side, given: Signature, *, signed_other_side: bool, certificate: str
) -> rules.Signing:
    """What is known when a side signs, for the action and the page alike."""
    decision = await find(Decision, Decision.id == contract.decision)
    return rules.Signing(
        contract=contract,
        side=side,
        digest=given.digest,
        signed_other_side=signed_other_side,
        agreed=given.agreed,
        open_complaints=await awards.open_complaints(decision),
        set_aside=decision.set_aside_at is not None,
        certificate=certificate,
    )


async def _record_in_force(actor: Actor, hat: Hat, contract: Contract, about: list[str]) -> None:
    around = await readers.around(contract)
    await record(
        actor,
        "contract.signed",
        f"contract:{contract.ref}",
        {
            "title": contract.title,
            "lot": around.lot,
            "buyer": around.buyer,
            "supplier": around.supplier,
            "value_minor": contract.value_minor,
            "currency": contract.currency,
            "begins_on": contract.begins_on.isoformat(),
            "ends_on": contract.ends_on.isoformat(),
            "document_sha256": contract.digest,
            "sme": around.small_firm,
        },
        about=about,
        organisation=hat.organisation_ref,
        announce=[*about, f"supplier:{around.supplier}"],
    )


# ── milestones ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _milestone(contract_ref: str, milestone_ref: str) -> tuple[Contract, Milestone]:
    contract = await find(Contract, Contract.ref == contract_ref, lock=True)
    return contract, await find(
        Milestone, (Milestone.ref == milestone_ref) & (Milestone.contract == contract.id), lock=True
    )


async def _working(contract: Contract, milestone: Milestone, words: str) -> rules.Working:
    tender = await find(Tender, Tender.id == contract.tender)
    return rules.Working(
        contract,
        milestone,
        words,
        certificate=await _certified(contract.supplier, tender),
        withheld=await sanctions.withheld(contract.supplier, clock.now(), pinned=_pinned(tender)),
    )


async def deliver(actor: Actor, contract_ref: str, milestone_ref: str, given: Delivery) -> Milestone:
    """The supplier marks a milestone delivered, with a note; again after a refusal."""
    async with transaction():
        contract, milestone = await _milestone(contract_ref, milestone_ref)
        hat = actor.must_wear(*SUPPLIERS, organisation=contract.supplier)
        insist(rules.DELIVER, await _working(contract, milestone, given.note))
        milestone.delivered_at, milestone.delivered_by = clock.now(), actor.must_be_person()
        milestone.delivery_note, milestone.refused_reason = given.note.strip(), ""
        await milestone.save(
            [Milestone.delivered_at, Milestone.delivered_by, Milestone.delivery_note, Milestone.refused_reason]
        )
        await notify(contract, contract.buyer, "contracts/delivered.txt", MANAGERS, milestone=milestone)
        await _record_milestone(actor, hat, contract, milestone, "milestone.delivered", milestone.delivery_note)
    return milestone


@binds(N_("accept a delivery, which makes its price due"))
async def accept(actor: Actor, contract_ref: str, milestone_ref: str) -> Milestone:
    """The buyer accepts a delivered milestone: from this moment its amount is owed."""
    async with transaction():
        contract, milestone = await _milestone(contract_ref, milestone_ref)
        hat = actor.must_wear(*MANAGERS, organisation=contract.buyer)
        insist(rules.ACCEPT, await _working(contract, milestone, ""))
        milestone.accepted_at, milestone.accepted_by = clock.now(), actor.must_be_person()
        await milestone.save([Milestone.accepted_at, Milestone.accepted_by])
        about = await ancestors(contract)
        obligation = await owe(
            actor,
            cause=f"milestone:{milestone.ref}",
            payer=contract.buyer,
            payee=contract.supplier,
            amount=Money(milestone.amount_minor, contract.currency),
            purpose=f"{contract.title}: {milestone.title}",
            about=f"contract:{contract.ref}",
            ancestors=about,
            days=policy.IN_FORCE.payments.terms_days,
        )
        await notify(
            contract,
            contract.supplier,
            "contracts/accepted.txt",
            SUPPLIERS,
            milestone=milestone,
            due_at=obligation.due_at,
        )
        await _record_milestone(actor, hat, contract, milestone, "milestone.accepted", None)
    return milestone


async def refuse(actor: Actor, contract_ref: str, milestone_ref: str, given: RefusedDelivery) -> Milestone:
    """The buyer does not accept a delivery and says what is wrong; the supplier can deliver again."""
    async with transaction():
        contract, milestone = await _milestone(contract_ref, milestone_ref)
        hat = actor.must_wear(*MANAGERS, organisation=contract.buyer)
        insist(rules.REFUSE, await _working(contract, milestone, given.problem))
        milestone.refused_reason = given.problem.strip()
        await milestone.save([Milestone.refused_reason])
        await notify(contract, contract.supplier, "contracts/refused.txt", SUPPLIERS, milestone=milestone)
        await _record_milestone(actor, hat, contract, milestone, "milestone.refused", milestone.refused_reason)
    return milestone


async def _record_milestone(
    actor: Actor, hat: Hat, contract: Contract, milestone: Milestone, verb: str, words: str | None
) -> None:
    await record(
        actor,
        verb,
        f"milestone:{milestone.ref}",
        {"number": milestone.number, "amount_minor": milestone.amount_minor, "currency": contract.currency},
        private={"words": words} if words else None,
        about=[f"contract:{contract.ref}", *await ancestors(contract)],
        organisation=hat.organisation_ref,
        announce=[f"contract:{contract.ref}"],
    )


# ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("end a contract"))
async def end(actor: Actor, contract_ref: str, given: End) -> Contract:
    """The buyer ends a contract in force with a reason. One that is not in force yet is given up, and the decision behind it
    is set aside, so that the lot can be decided again."""
    async with transaction():
        found = await find(Contract, Contract.ref == contract_ref)
        decision = await find(Decision, Decision.id == found.decision, lock=True)
        contract = await find(Contract, Contract.id == found.id, lock=True)
        hat = actor.must_wear(*MANAGERS, organisation=contract.buyer)
        insist(rules.END, rules.Ending(contract, given.reason))
        in_force = contract.buyer_signed_at is not None and contract.supplier_signed_at is not None
        contract.ended_at, contract.ended_reason = clock.now(), given.reason.strip()
        contract.ended_by = actor.must_be_person()
        await contract.save([Contract.ended_at, Contract.ended_reason, Contract.ended_by])
        if not in_force:
            decision.contract = ""
            await decision.save([Decision.contract])
            given_up = awards.TakingBack(_("Its contract was given up: {reason}", reason=given.reason))
            await awards.set_aside(actor, decision.ref, given_up, MANAGERS)
        for organisation, roles in ((contract.buyer, MANAGERS), (contract.supplier, SUPPLIERS)):
            await notify(contract, organisation, "contracts/ended.txt", roles, in_force=in_force)
        await record(
            actor,
            "contract.ended" if in_force else "contract.given-up",
            f"contract:{contract.ref}",
            private={"reason": contract.ended_reason},
            about=await ancestors(contract),
            organisation=hat.organisation_ref,
        )
        if in_force:
            await _count(actor, contract, with_vat(await _delivered(contract)), "ended")
    return contract


async def _delivered(contract: Contract) -> int:
    """What was delivered until a contract ended, in minor units: it can still be accepted, and is then paid."""
    return await the(
        int,
        """
        SELECT COALESCE(sum(amount_minor), 0)::bigint FROM milestone
        WHERE contract = {} AND (delivered_at IS NOT NULL OR accepted_at IS NOT NULL)
        """,
        contract.id,
    )
