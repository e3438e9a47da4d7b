"""Every verb of the log in plain words. A test reads the code and fails when a verb has no sentence here."""

from __future__ import annotations

from typing import Final

SENTENCES: Final = {
    # problems and exercises
    "mission.drafted": "began to draft the mission {it}",
    "mission.criterion-added": "added a success criterion to the mission {it}",
    "mission.published": "published the mission {it}",
    "challenge.drafted": "began to draft the challenge {it}",
    "challenge.edited": "edited the draft of the challenge {it}",
    "challenge.criterion-added": "added a criterion to the challenge {it}",
    "challenge.criterion-removed": "took a criterion out of the challenge {it}",
    "challenge.published": "published the challenge {it}",
    "challenge.cancelled": "cancelled the challenge {it}",
    "challenge.question-asked": "asked a question about the challenge {it}",
    "challenge.question-answered": "answered a question about the challenge {it}",
    "challenge.evaluator-named": "named an evaluator for the challenge {it}",
    "challenge.evaluator-excused": "excused an evaluator of the challenge {it}",
    "challenge.interests-declared": "declared an evaluator's interests for the challenge {it}",
    "challenge.marks-handed-in": "handed in an evaluator's marks for the challenge {it}",
    "challenge.shortlisted": "made the short list of the challenge {it}",
    "challenge.concluded": "concluded the challenge {it} with a decision",
    "application.submitted": "applied to a challenge with {it}",
    "application.edited": "edited the application {it}",
    "application.withdrawn": "withdrew the application {it}",
    "application.read": "read the application {it}",
    "application.scored": "scored the application {it}",
    "pitch.scheduled": "arranged the pitch {it}",
    "pitch.delivered": "marked the pitch {it} as delivered",
    "pitch.missed": "noted that the pitch {it} was not given",
    "insight_report.drafted": "wrote the insight report {it}",
    "insight_report.published": "published what was learnt, {it}",
    # the gate
    "evidence.accepted": "accepted evidence that opens the gate, {it}",
    "waiver.requested": "asked a minister for the waiver {it}",
    "waiver.request-read": "read the request for the waiver {it}",
    "waiver.withdrawn": "withdrew the request for the waiver {it}",
    "waiver.granted": "signed the waiver {it} with a passkey",
    "waiver.refused": "refused the waiver {it}",
    "waiver.published": "published the waiver {it}",
    # tenders
    "tender.drafted": "began to draft the tender {it}",
    "tender.draft-read": "read the draft of the tender {it}",
    "tender.revised": "edited the draft of the tender {it}",
    "tender.lot-added": "added a lot to the tender {it}",
    "tender.lot-revised": "edited a lot of the tender {it}",
    "tender.lot-dropped": "took a lot out of the tender {it}",
    "tender.criterion-added": "added an award criterion to the tender {it}",
    "tender.criterion-dropped": "took an award criterion out of the tender {it}",
    "tender.criteria-copied": "copied award criteria within the tender {it}",
    "tender.commodity-confirmed": "confirmed that the tender {it} buys a commodity",
    "tender.officer-named": "named an opening officer for the tender {it}",
    "tender.officer-enrolled": "took an opening officer's secret for the tender {it}",
    "tender.officer-dropped": "released an opening officer of the tender {it}",
    "tender.published": "published the tender {it}",
    "tender.changed": "changed the published tender {it}",
    "tender.cancelled": "cancelled the tender {it}",
    "tender.question-asked": "asked a question about the tender {it}",
    "tender.question-answered": "answered a question about the tender {it}",
    "tender.followed": "began to follow the tender {it}",
    "tender.unfollowed": "stopped following the tender {it}",
    # bids and awards
    "bid.sealed": "sealed the bid {it}",
    "bid.withdrawn": "withdrew a sealed bid, {it}",
    "opening.contributed": "brought an opening officer's secret for the tender {it}",
    "tender.opened": "opened the bids of the tender {it}",
    "panel.named": "named an evaluator of bids for {it}",
    "panel.excused": "excused an evaluator of bids for {it}",
    "panel.declared": "declared an evaluator's interests for {it}",
    "panel.submitted": "handed in an evaluator's scores for {it}",
    "bid.read": "read the opened bid {it}",
    "bid.scored": "scored the opened bid {it}",
    "price.questioned": "asked a bidder to explain a price, {it}",
    "price.explained": "explained a price, {it}",
    "award.decided": "decided a lot, {it}",
    "award.set-aside": "set the award {it} aside",
    "complaint.lodged": "lodged the complaint {it}",
    "complaint.answered": "answered the complaint {it}",
    # contracts and money
    "contract.drawn-up": "drew up the contract {it}",
    "contract.signature-given": "signed the contract {it} for one side",
    "contract.signed": "put the contract {it} into force: both sides have signed",
    "contract.change-proposed": "proposed a change to the contract {it}",
    "contract.changed": "agreed to a change of the contract {it}",
    "contract.ended": "ended the contract {it} early",
    "contract.given-up": "gave the contract {it} up before both had signed",
    "milestone.delivered": "delivered the milestone {it}",
    "milestone.accepted": "accepted the milestone {it}",
    "milestone.refused": "did not accept the milestone {it}",
    "obligation.incurred": "came to owe money, {it}",
    "payment.released": "released the payment {it}",
    "payment.paid": "made the payment {it}",
    "payment.refused": "was told that the payment {it} was refused",
    "payment.confirmed": "confirmed that the payment {it} arrived",
    "payout-account.opened": "opened an account to be paid on, for {it}",
    # people and bodies
    "organisation.created": "entered the body {it}",
    "supplier.registered": "registered as a supplier, {it}",
    "profile.updated": "told the market about itself, {it}",
    "membership.began": "took up a role, {it}",
    "membership.ended": "laid down a role, {it}",
    "invitation.sent": "invited somebody to join, {it}",
    "invitation.withdrawn": "withdrew an invitation, {it}",
    "person.signed-in": "signed in, {it}",
    "person.signed-out": "signed out, {it}",
    "person.password-changed": "changed a password, {it}",
    "person.sessions-ended": "ended other sessions, {it}",
    "person.left": "closed an account, {it}",
    "passkey.registered": "added a passkey, {it}",
    "passkey.renamed": "renamed a passkey, {it}",
    "passkey.revoked": "revoked a passkey, {it}",
    "token.made": "made a token for a program, {it}",
    "token.revoked": "revoked a token, {it}",
    # other portals and oversight
    "import.finished": "took over notices from another portal, {it}",
    "private.read": "read private facts beside {it}, as an auditor",
}
"""Verb → what was done, after the name of the body that did it; `{it}` stands for the record."""

KINDS: Final = {
    "mission": "Missions",
    "challenge": "Challenges",
    "application": "Applications",
    "pitch": "Pitches",
    "insight_report": "Insight reports",
    "tender": "Tenders",
    "lot": "Lots",
    "waiver": "Waivers",
    "bid": "Bids",
    "opening": "Openings",
    "award": "Awards",
    "complaint": "Complaints",
    "contract": "Contracts",
    "milestone": "Milestones",
    "obligation": "Obligations to pay",
    "payment": "Payments",
    "supplier": "Suppliers",
    "organisation": "Bodies",
    "person": "People",
    "service": "Services",
    "import_run": "Imports",
}
"""The kinds of records the log speaks of, in words."""


def sentence(verb: str, it: str) -> str:
    """What was done, with the record's name in its place. A verb nobody has put into words yet is shown as it is."""
    return SENTENCES.get(verb, f"did “{verb}” to {{it}}").replace("{it}", it)


def parts(verb: str) -> tuple[str, str]:
    """The words before and after the record, for a page that makes a link of it."""
    before, _, after = sentence(verb, "\0").partition("\0")
    return before, after
