"""A draft as a whole: everything that it would publish, the words that others' work is compared with, and whether it is ready."""

from __future__ import annotations

import msgspec

from market import drafts
from market.accounts.tables import Organisation
from market.db import find
from market.reviews import readers as reviews
from market.reviews import whole
from market.reviews.actions import Matter
from market.reviews.rules import Ready
from market.tenders import cpv
from market.tenders.drafts import actions
from market.tenders.log import ancestors
from market.tenders.readers import lots_of
from market.tenders.tables import Lot, LotCriterion, Tender
from market.wording import N_, _

TITLES: dict[type[msgspec.Struct], str] = {
    actions.About: N_("What is bought"),
    actions.Origin: N_("Where it comes from"),
    actions.Dates: N_("Dates"),
    actions.Terms: N_("Terms"),
    actions.Budget: N_("Budget"),
}
"""What the sections of a draft are called where it is read as a whole."""


async def parts_of(tender: Tender) -> list[whole.Part]:
    """Every field of every form of the draft, with what it says: what a reviewer reads and approves."""
    shown = {actions.About: await actions.shown_about(tender), actions.Budget: await actions.shown_budget(tender)}
    found = [
        whole.part(
            _(TITLES[kind]),
            kind,
            drafts.stored(kind, tender, **shown.get(kind, {})),
            tender.currency,
        )
        for kind in actions.SECTIONS
    ]
    for lot in await Lot.objects().where(Lot.tender == tender.id).order_by(Lot.number):
        title = _("Lot {number}: {title}", number=lot.number, title=lot.title)
        found.append(whole.part(title, actions.LotDraft, drafts.stored(actions.LotDraft, lot), tender.currency))
        for each in await LotCriterion.objects().where(LotCriterion.lot == lot.id).order_by(LotCriterion.place):
            criterion = drafts.stored(actions.CriterionDraft, each)
            title = _("Criterion of lot {number}: {name}", number=lot.number, name=each.name)
            found.append(whole.part(title, actions.CriterionDraft, criterion, tender.currency))
    return found


async def words_of(tender: Tender) -> str:
    """What others' work is compared with: its words and those of its lots, the title twice as the weightiest."""
    lots = await lots_of(tender)
    codes = dict.fromkeys([*tender.cpv, *(code for lot in lots for code in lot.cpv)])
    labels = [cpv.label(code) for code in codes if cpv.known(code)]
    texts = [tender.title, tender.title, tender.description, *(f"{lot.title}\n{lot.description}" for lot in lots)]
    return "\n".join([*texts, *labels])


async def matter_of(tender: Tender) -> Matter:
    """The draft as it is reviewed. The innovation team reads exercises, not tenders."""
    body = await find(Organisation, Organisation.id == tender.buyer)
    return Matter(
        kind="tender",
        ref=tender.ref,
        title=tender.title,
        body=body.id,
        body_ref=body.ref,
        parts=await parts_of(tender),
        published=tender.published_at is not None,
        team=False,
        about=await ancestors(tender),
    )


async def ready_of(tender: Tender) -> Ready:
    """What publication asks beside the rules of tenders."""
    return await reviews.ready(
        f"tender:{tender.ref}",
        version=whole.version(await parts_of(tender)),
        words=whole.digest_of(await words_of(tender)),
        team=False,
    )
