"""Who may read what of an evaluation and of a decision, for people and for programs."""

from __future__ import annotations

from market.actor import BUYER_ROLES, SUPPLIER_ROLES, Actor
from market.awards import actions, evaluation
from market.awards.evaluation import Evaluation
from market.awards.tables import Decision
from market.panels import actions as panels
from market.panels.panel import Member
from market.panels.tables import Seat
from market.proof import canonical
from market.refusals import NotFound
from market.tenders.readers import published
from market.tenders.tables import Tender


def is_buyer(actor: Actor, tender: Tender) -> bool:
    """Whether the actor is an officer of the buyer."""
    return actor.wears(*BUYER_ROLES, organisation=tender.buyer) is not None


async def standing_for(actor: Actor, ref: str, *, ranking: bool = False) -> tuple[Evaluation, Member | None]:
    """The evaluation of a tender for somebody who may see it: the buyer's officers, the panel, auditors; 404 for others.
    The `ranking` is not for those who were excused from the panel."""
    actor.must_be_person()
    tender = await published(ref)
    standing = await evaluation.of(tender)
    insider = is_buyer(actor, tender) or actor.wears("auditor") is not None
    member = standing.panel.member(actor.person) if insider else panels.seated(actor, standing.panel)
    if ranking and not insider and member and member.seat.excused_at:
        raise NotFound("Ranking")
    return standing, member


async def reads_everything(actor: Actor, tender: Tender) -> bool:
    """Whether somebody sees every bidder's reasons: the buyer's officers, the panel, auditors."""
    if is_buyer(actor, tender) or actor.wears("auditor"):
        return True
    if actor.person is None or not actor.wears(*panels.ROLES, organisation=tender.buyer):
        return False
    mine = (Seat.panel == f"tender:{tender.ref}") & (Seat.person == actor.person) & Seat.excused_at.is_null()
    return bool(await Seat.exists().where(mine))


async def shown_reasons(actor: Actor, tender: Tender, decision: Decision) -> set[str]:
    """The bids whose evaluators' reasons the actor may read: the winner's for everybody, her own firm's, all for insiders."""
    protocol = canonical.decode(decision.ranking.encode())
    if await reads_everything(actor, tender):
        return {each["bid"] for each in protocol["placed"]}
    winner = await actions.winner_of(decision)
    mine = {hat.organisation_ref for hat in actor.hats if hat.role in SUPPLIER_ROLES}
    return {
        each["bid"]
        for each in protocol["placed"]
        if each["supplier"] in mine or (winner is not None and each["supplier"] == winner.ref)
    }
