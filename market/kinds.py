"""The kinds of record there are: for each its words, its address, what its references begin with, and what the log says of it.

One row for each kind, read by every floor above. A row is data: names of columns and sentences, and SQL that other floors
run; nothing is imported. What needs a noun's code is kept where that code may be reached, keyed by the kind's name: the public
face (`search.faces.FACES`), and where a record stands (`search.standing.STANDINGS`). How a kind is added stands in
`docs/conventions.md`; `tests/architecture/test_kinds.py` names what is missing for one, in words.
"""

from __future__ import annotations

from typing import Final

from market.kind import Kind
from market.wording import N_, _

ROWS: Final = (
    Kind(
        "mission",
        N_("a mission"),
        N_("missions"),
        prefix="M",
        address="/missions/",
        part_of=(),
        titles="SELECT ref, title FROM mission WHERE published_at IS NOT NULL AND ref = ANY({}::text[])",
        deeds={
            "mission.drafted": N_("began to draft the mission {it}"),
            "mission.edited": N_("wrote the draft mission {it} anew"),
            "mission.criterion-removed": N_("took a success criterion out of the draft mission {it}"),
            "mission.criterion-added": N_("added a success criterion to the mission {it}"),
            "mission.published": N_("published the mission {it}"),
        },
    ),
    Kind(
        "challenge",
        N_("a challenge"),
        N_("challenges"),
        prefix="CH",
        address="/challenges/",
        tab=N_("Challenges"),
        titles="SELECT ref, title FROM challenge WHERE published_at IS NOT NULL AND ref = ANY({}::text[])",
        public="SELECT ref FROM challenge WHERE published_at IS NOT NULL",
        turns="SELECT ref, unnest(ARRAY[questions_until, closes_at]) AS at FROM challenge WHERE published_at IS NOT NULL",
        steps=("challenge.published", "challenge.concluded", "challenge.cancelled"),
        appears="challenge.published",
        deeds={
            "challenge.drafted": N_("began to draft the challenge {it}"),
            "challenge.edited": N_("edited the draft of the challenge {it}"),
            "challenge.criterion-added": N_("added a criterion to the challenge {it}"),
            "challenge.criterion-removed": N_("took a criterion out of the challenge {it}"),
            "challenge.measure-added": N_("added a success criterion to the challenge {it}"),
            "challenge.measure-removed": N_("took a success criterion out of the challenge {it}"),
            "challenge.published": N_("published the challenge {it}"),
            "challenge.deadline-moved": N_("moved the deadline of the challenge {it}, because the service was away"),
            "challenge.changed": N_("changed the published challenge {it}"),
            "challenge.cancelled": N_("cancelled the challenge {it}"),
            "challenge.question-asked": N_("asked a question about the challenge {it}"),
            "challenge.question-answered": N_("answered a question about the challenge {it}"),
            "challenge.shortlisted": N_("made the short list of the challenge {it}"),
            "challenge.measured": N_("wrote down what was measured in the challenge {it}"),
            "challenge.quiet-stated": N_("said why few teams pitched in the challenge {it}"),
            "challenge.quiet-approved": N_("agreed why few teams pitched in the challenge {it}"),
            "challenge.quiet-refused": N_("did not agree why few teams pitched in the challenge {it}"),
            "challenge.concluded": N_("concluded the challenge {it} with a decision"),
        },
    ),
    Kind(
        "application",
        N_("an application"),
        N_("applications"),
        prefix="AP",
        part_of=("challenge",),
        deeds={
            "application.submitted": N_("applied to a challenge with {it}"),
            "application.edited": N_("edited the application {it}"),
            "application.withdrawn": N_("withdrew the application {it}"),
            "application.read": N_("read the application {it}"),
        },
    ),
    Kind(
        "pitch",
        N_("a pitch"),
        N_("pitches"),
        prefix="PI",
        part_of=("challenge",),
        behind="SELECT 'supplier:' || o.ref AS subject FROM pitch p JOIN organisation o ON o.id = p.supplier WHERE "
        "p.ref = {}",
        deeds={
            "pitch.scheduled": N_("arranged the pitch {it}"),
            "pitch.delivered": N_("marked the pitch {it} as delivered"),
            "pitch.missed": N_("noted that the pitch {it} was not given"),
        },
    ),
    Kind(
        "insight_report",
        N_("an insight report"),
        N_("insight reports"),
        prefix="IR",
        address="/insights/",
        part_of=("challenge",),
        tab=N_("What was learnt"),
        endless=True,
        titles="SELECT ref, title FROM insight_report WHERE published_at IS NOT NULL AND ref = ANY({}::text[])",
        public="SELECT ref FROM insight_report WHERE published_at IS NOT NULL",
        behind="SELECT 'supplier:' || o.ref AS subject FROM insight_report r JOIN pitch p ON p.challenge = "
        "r.challenge JOIN organisation o ON o.id = p.supplier WHERE r.ref = {}",
        steps=("insight_report.published",),
        appears="insight_report.published",
        deeds={
            "insight_report.drafted": N_("wrote the insight report {it}"),
            "insight_report.published": N_("published what was learnt, {it}"),
        },
    ),
    Kind(
        "tender",
        N_("a tender"),
        N_("tenders"),
        prefix="T",
        address="/tenders/",
        tab=N_("Tenders"),
        titles="SELECT ref, title FROM tender WHERE published_at IS NOT NULL AND ref = ANY({}::text[])",
        public="SELECT ref FROM tender WHERE published_at IS NOT NULL",
        turns="SELECT ref, unnest(ARRAY[questions_until, closes_at]) AS at FROM tender WHERE published_at IS NOT NULL",
        steps=("tender.published", "tender.cancelled", "tender.opened"),
        appears="tender.published",
        deeds={
            "tender.drafted": N_("began to draft the tender {it}"),
            "tender.draft-read": N_("read the draft of the tender {it}"),
            "tender.revised": N_("edited the draft of the tender {it}"),
            "tender.lot-added": N_("added a lot to the tender {it}"),
            "tender.lot-revised": N_("edited a lot of the tender {it}"),
            "tender.lot-dropped": N_("took a lot out of the tender {it}"),
            "tender.criterion-added": N_("added an award criterion to the tender {it}"),
            "tender.criterion-dropped": N_("took an award criterion out of the tender {it}"),
            "tender.criteria-copied": N_("copied award criteria within the tender {it}"),
            "tender.commodity-proposed": N_("proposed to let the buyer's statement stand that {it} buys a commodity"),
            "tender.commodity-confirmed": N_("confirmed that the tender {it} buys a commodity"),
            "tender.officer-named": N_("named an opening officer for the tender {it}"),
            "tender.officer-enrolled": N_("made an opening officer's code for the tender {it}"),
            "tender.officer-dropped": N_("released an opening officer of the tender {it}"),
            "tender.published": N_("published the tender {it}"),
            "tender.change-proposed": N_("proposed a change of the published tender {it} to a second person"),
            "tender.change-left": N_("left a proposed change of the tender {it} as it was"),
            "tender.changed": N_("changed the published tender {it}"),
            "tender.deadline-moved": N_("moved the deadline of the tender {it}, because the service was away"),
            "tender.cancelled": N_("cancelled the tender {it}"),
            "tender.question-asked": N_("asked a question about the tender {it}"),
            "tender.question-answered": N_("answered a question about the tender {it}"),
            "tender.followed": N_("began to follow the tender {it}"),
            "tender.unfollowed": N_("stopped following the tender {it}"),
            "opening.contributed": N_("entered an opening officer's code for the tender {it}"),
            "tender.opened": N_("opened the bids of the tender {it}"),
            "review.asked": N_("asked somebody to read {it} before it is published"),
            "review.approved": N_("approved {it} for publication"),
            "review.sent-back": N_("asked for edits of {it} before it is published"),
            "review.team-approved": N_("approved {it} for the innovation team"),
            "review.team-sent-back": N_("asked for edits of {it} for the innovation team"),
            "panel.named": N_("named an evaluator for {it}"),
            "panel.excused": N_("excused an evaluator of {it}"),
            "panel.declared": N_("declared an evaluator's interests for {it}"),
            "panel.marked": N_("gave an evaluator's marks to {it}"),
            "panel.submitted": N_("handed in an evaluator's marks for {it}"),
            "panel.explained": N_("wrote down what a panel says of its differences over {it}"),
        },
    ),
    Kind("lot", N_("a lot"), N_("lots"), prefix="LT"),
    Kind(
        "build",
        N_("a decision to make or to buy"),
        N_("decisions to make or to buy"),
        prefix="MB",
        address="/make-or-buy/",
        part_of=(),
        titles="SELECT ref, title FROM build WHERE published_at IS NOT NULL AND ref = ANY({}::text[])",
        deeds={
            "build.drafted": N_("began to write down the decision {it} to make or to buy"),
            "build.revised": N_("edited the draft of the decision {it} to make or to buy"),
            "build.published": N_("published the decision {it} to make or to buy"),
        },
    ),
    Kind(
        "waiver",
        N_("a waiver"),
        N_("waivers"),
        prefix="W",
        address="/waivers/",
        tab=N_("Waivers"),
        titles="SELECT w.ref, t.title FROM waiver w JOIN tender t ON t.id = w.tender WHERE w.decided_at IS NOT NULL "
        "AND w.ref = ANY({}::text[])",
        public="SELECT ref FROM waiver WHERE decided_at IS NOT NULL",
        turns="SELECT ref, unnest(ARRAY[valid_until, suspends_at]) + interval '1 second' AS at FROM waiver WHERE decided_at IS NOT NULL",
        steps=("waiver.requested", "waiver.granted", "waiver.refused", "waiver.revoked"),
        deeds={
            "waiver.requested": N_("asked a minister for the waiver {it}"),
            "waiver.request-read": N_("read the request for the waiver {it}"),
            "waiver.withdrawn": N_("withdrew the request for the waiver {it}"),
            "waiver.granted": N_("signed the waiver {it} with a passkey"),
            "waiver.refused": N_("refused the waiver {it}"),
            "waiver.revoked": N_("revoked the waiver {it}"),
            "waiver.published": N_("published the waiver {it}"),
            "waiver.review-called": N_("called for a review of the waiver {it}"),
            "waiver.review-written": N_("wrote down an answer to the review of the waiver {it}"),
            "waiver.reviewed": N_("answered the review of the waiver {it} with a signature"),
        },
    ),
    Kind(
        "delegation",
        N_("a delegation of waivers"),
        N_("delegations of waivers"),
        prefix="DL",
        address="/waivers/delegations/",
        part_of=(),
        titles="SELECT d.ref, p.name || ', ' || o.name AS title FROM delegation d JOIN person p ON p.id = d.delegate JOIN organisation o "
        "ON o.id = d.department WHERE d.signed_at IS NOT NULL AND d.ref = ANY({}::text[])",
        deeds={
            "delegation.drafted": N_("drafted the delegation of waivers {it}"),
            "delegation.dropped": N_("dropped the delegation of waivers {it} unsigned"),
            "delegation.signed": N_("signed the delegation of waivers {it} with a passkey"),
            "delegation.published": N_("published the delegation of waivers {it}"),
            "delegation.revoked": N_("revoked the delegation of waivers {it}"),
        },
    ),
    Kind(
        "bid",
        N_("a bid"),
        N_("bids"),
        prefix="B",
        part_of=("tender",),
        titles="SELECT b.ref, b.ref || ', ' || s.name || ', lot ' || l.number AS title FROM bid b JOIN lot l ON l.id "
        "= b.lot JOIN organisation s ON s.id = b.supplier JOIN tender t ON t.id = b.tender WHERE t.opened_at "
        "IS NOT NULL AND b.ref = ANY({}::text[])",
        deeds={
            "bid.sealed": N_("sealed the bid {it}"),
            "bid.confirmed": N_("confirmed a sealed bid after a change, {it}"),
            "bid.withdrawn": N_("withdrew a sealed bid, {it}"),
            "bid.set-aside": N_("opened the bid {it}, which cannot be evaluated"),
            "bid.read": N_("read the opened bid {it}"),
            "price.questioned": N_("asked a bidder to explain a price, {it}"),
            "price.explained": N_("explained a price, {it}"),
        },
    ),
    Kind(
        "opening",
        N_("an opening"),
        N_("openings"),
        prefix="OP",
        part_of=("tender",),
    ),
    Kind(
        "award",
        N_("an award"),
        N_("awards"),
        prefix="A",
        address="/awards/",
        titles="SELECT d.ref, t.title || ', lot ' || l.number AS title FROM decision d JOIN lot l ON l.id = d.lot "
        "JOIN tender t ON t.id = d.tender WHERE d.ref = ANY({}::text[])",
        behind="SELECT 'tender:' || t.ref AS subject FROM decision d JOIN tender t ON t.id = d.tender WHERE d.ref = {}",
        steps=("award.decided", "award.set-aside"),
        deeds={
            "award.decided": N_("decided the award {it}"),
            "award.set-aside": N_("set the award {it} aside"),
            "award.standstill-moved": N_(
                "moved the end of the standstill of the award {it}, because a day no longer counts"
            ),
        },
    ),
    Kind(
        "complaint",
        N_("a complaint"),
        N_("complaints"),
        prefix="CP",
        part_of=("award",),
        deeds={
            "complaint.lodged": N_("lodged the complaint {it}"),
            "complaint.answered": N_("answered the complaint {it}"),
        },
    ),
    Kind(
        "contract",
        N_("a contract"),
        N_("contracts"),
        prefix="C",
        address="/contracts/",
        tab=N_("Contracts"),
        titles="SELECT ref, title FROM contract WHERE ref = ANY({}::text[])",
        public="SELECT ref FROM contract WHERE buyer_signed_at IS NOT NULL AND supplier_signed_at IS NOT NULL",
        behind="SELECT 'supplier:' || o.ref AS subject FROM contract c JOIN organisation o ON o.id = c.supplier "
        "WHERE c.ref = {} UNION ALL SELECT 'tender:' || t.ref FROM contract c JOIN tender t ON t.id = "
        "c.tender WHERE c.ref = {}",
        turns="SELECT ref, (ends_on + 1)::timestamp AT TIME ZONE (SELECT zone FROM turning) AS at FROM contract",
        steps=("contract.drawn-up", "contract.signed", "contract.changed", "contract.ended"),
        appears="contract.signed",
        deeds={
            "contract.drawn-up": N_("drew up the contract {it}"),
            "contract.signature-given": N_("signed the contract {it} for one side"),
            "contract.signed": N_("put the contract {it} into force: both sides have signed"),
            "contract.change-proposed": N_("proposed a change to the contract {it}"),
            "contract.change-approved": N_("approved a change to the contract {it} and published its notice"),
            "contract.change-left": N_("left a proposed change of the contract {it} as it was"),
            "contract.changed": N_("agreed to a change of the contract {it}"),
            "contract.ended": N_("ended the contract {it} early"),
            "contract.given-up": N_("gave the contract {it} up before both had signed"),
        },
    ),
    Kind(
        "milestone",
        N_("a milestone"),
        N_("milestones"),
        prefix="MS",
        part_of=("contract",),
        titles="SELECT ref, title FROM milestone WHERE ref = ANY({}::text[])",
        deeds={
            "milestone.delivered": N_("delivered the milestone {it}"),
            "milestone.accepted": N_("accepted the milestone {it}"),
            "milestone.refused": N_("did not accept the milestone {it}"),
        },
    ),
    Kind(
        "obligation",
        N_("an obligation to pay"),
        N_("obligations to pay"),
        prefix="OB",
        part_of=("contract", "challenge"),
        titles="SELECT ref, purpose AS title FROM obligation WHERE ref = ANY({}::text[])",
        steps=("obligation.incurred",),
        deeds={
            "obligation.incurred": N_("now owes money: {it}"),
        },
    ),
    Kind(
        "payment",
        N_("a payment"),
        N_("payments"),
        prefix="PY",
        address="/payments/",
        part_of=("contract", "challenge"),
        titles="SELECT p.ref, o.purpose AS title FROM payment p JOIN obligation o ON o.id = p.obligation WHERE p.ref "
        "= ANY({}::text[])",
        steps=("payment.paid",),
        deeds={
            "payment.released": N_("released the payment {it}"),
            "payment.paid": N_("made the payment {it}"),
            "payment.refused": N_("was told that the payment {it} was refused"),
            "payment.confirmed": N_("confirmed that the payment {it} arrived"),
        },
    ),
    Kind(
        "supplier",
        N_("a supplier"),
        N_("suppliers"),
        prefix="O",
        address="/suppliers/",
        tab=N_("Suppliers"),
        endless=True,
        titles="SELECT ref, name AS title FROM organisation WHERE ref = ANY({}::text[])",
        public="SELECT ref FROM organisation WHERE kind = 'supplier'",
        deeds={
            "payout-account.opened": N_("opened an account to be paid on, for {it}"),
            "payout-account.ready": N_("learnt from the payment provider that {it} can be paid"),
            "payout-account.stopped": N_("learnt from the payment provider that {it} cannot be paid just now"),
            "supplier.registered": N_("registered as a supplier, {it}"),
            "profile.updated": N_("told the market about itself, {it}"),
            "supplier.approached": N_("wrote about bidding together to {it}"),
        },
    ),
    Kind(
        "organisation",
        N_("a body"),
        N_("bodies"),
        prefix="O",
        titles="SELECT ref, name AS title FROM organisation WHERE ref = ANY({}::text[])",
        behind="SELECT 'supplier:' || ref AS subject FROM organisation WHERE ref = {} AND kind = 'supplier'",
        deeds={
            "organisation.changed": N_("changed what is told of {it}"),
            "organisation.created": N_("entered the body {it}"),
            "membership.began": N_("took up a role, {it}"),
            "membership.ended": N_("laid down a role, {it}"),
            "appointment.proposed": N_("proposed somebody as minister, auditor or operator of {it}"),
            "appointment.confirmed": N_("confirmed who was proposed as minister, auditor or operator of {it}"),
            "appointment.withdrawn": N_("stopped an appointment at {it}"),
            "invitation.proposed": N_("proposed to let in somebody whose address is outside, {it}"),
            "invitation.backed": N_("agreed to let in somebody whose address is outside, {it}"),
            "invitation.sent": N_("invited somebody to join, {it}"),
            "invitation.withdrawn": N_("withdrew an invitation, {it}"),
            "loan.proposed": N_("proposed that a person is lent, {it}"),
            "loan.agreed": N_("agreed that a person is lent, {it}"),
            "loan.ended": N_("ended the loan of a person, {it}"),
            "domain.proposed": N_("proposed a domain as its own, {it}"),
            "domain.confirmed": N_("confirmed a domain as its own, {it}"),
            "domain.withdrawn": N_("withdrew a domain, {it}"),
        },
    ),
    Kind(
        "person",
        N_("a person"),
        N_("people"),
        prefix="P",
        deeds={
            "person.signed-in": N_("signed in, {it}"),
            "person.touched": N_("used a key to confirm what binds, {it}"),
            "act.prepared": N_("had a program prepare what binds, {it}"),
            "act.confirmed": N_("confirmed what a program prepared, {it}"),
            "act.refused": N_("confirmed what a program prepared, and was refused, {it}"),
            "act.withdrawn": N_("withdrew what a program prepared, {it}"),
            "person.acts-for": N_("chose for which organisation to act in a session of {it}"),
            "person.signed-out": N_("signed out, {it}"),
            "person.password-changed": N_("changed a password, {it}"),
            "person.sessions-ended": N_("ended other sessions, {it}"),
            "person.left": N_("closed an account, {it}"),
            "passkey.registered": N_("added a passkey, {it}"),
            "passkey.renamed": N_("renamed a passkey, {it}"),
            "passkey.revoked": N_("revoked a passkey, {it}"),
            "token.made": N_("made a token for a program, {it}"),
            "token.revoked": N_("revoked a token, {it}"),
            "search.saved": N_("keeps a search, {it}"),
            "search.stopped": N_("no longer follows the search {it}"),
        },
    ),
    Kind(
        "service",
        N_("a service"),
        N_("services"),
        prefix="S",
        address="/components/",
        behind="SELECT 'component:' || ref AS subject FROM service WHERE ref = {} UNION ALL SELECT 'supplier:' || "
        "o.ref FROM service s JOIN organisation o ON o.id = s.supplier WHERE s.ref = {}",
        turns="SELECT s.ref, i.valid_until AS at FROM issued_certificate i JOIN service s ON s.id = i.service "
        "WHERE i.revoked_at IS NULL",
        deeds={
            "service.listed": N_("listed the service {it} in the catalogue"),
            "service.revised": N_("changed what it says of the service {it}"),
            "service.withdrawn": N_("withdrew the service {it} from the catalogue"),
            "service.lodged": N_("lodged an API description for the service {it}"),
            "service.checked": N_("checked the API of the service {it}"),
            "service.tried": N_("checked the running API of the service {it}"),
            "service.sandbox-named": N_("named a sandbox of the service {it}"),
            "service.sandbox-dropped": N_("took away the sandbox of the service {it}"),
            "certificate.issued": N_("certified the API of the service {it}"),
            "certificate.revoked": N_("ended a certificate of the service {it}"),
            "access.notice-given": N_("gave notice to {it}: its API no longer passes"),
            "access.notice-met": N_("settled a notice in time, {it}"),
            "access.withheld": N_("withheld access from {it} until its API passes"),
            "access.restored": N_("gave access back to {it}"),
            "access.appealed": N_("appealed against a notice, {it}"),
            "access.appeal-answered": N_("answered an appeal of {it}"),
        },
    ),
    Kind(
        "component",
        N_("a component"),
        N_("components"),
        prefix="S",
        address="/components/",
        tab=N_("Components"),
        endless=True,
        public="SELECT ref FROM service WHERE withdrawn_at IS NULL",
    ),
    Kind(
        "exemption",
        N_("an exemption"),
        N_("exemptions"),
        prefix="X",
        address="/standards/exemptions/",
        behind="SELECT 'component:' || s.ref AS subject FROM exemption x JOIN service s ON s.id = x.service WHERE "
        "x.ref = {}",
        turns="SELECT ref, expires_at AS at FROM exemption WHERE ground = 'private' AND signed_at IS NOT NULL",
        deeds={
            "exemption.asked": N_("asked for and signed the exemption {it}"),
            "exemption.signed": N_("signed the exemption {it} for the standard"),
            "exemption.refused": N_("refused the exemption {it}"),
            "exemption.ended": N_("ended the exemption {it} early"),
        },
    ),
    Kind(
        "standard",
        N_("a standards profile"),
        N_("standards profiles"),
        deeds={
            "standard.published": N_("published the standards profile {it}"),
        },
    ),
    Kind(
        "import_run",
        N_("an import"),
        N_("imports"),
        prefix="IM",
        deeds={
            "import.finished": N_("took over notices from another portal, {it}"),
        },
    ),
    Kind(
        "notice",
        N_("a notice"),
        N_("notices of other portals"),
        prefix="N",
        address="/notices/",
        tab=N_("Other portals"),
        public="SELECT ref FROM imported_notice WHERE shown_as IS NULL AND NOT test ORDER BY id",
        turns="SELECT ref, at FROM imported_notice, turning, unnest(ARRAY[opens_at, closes_at, updated_at + interval '365 days']) "
        "AS at WHERE shown_as IS NULL AND at > changed_at AND at > now - interval '30 days' AND (closes_at > now - interval "
        "'30 days' OR opens_at > now - interval '30 days' OR updated_at BETWEEN now - interval '395 days' AND now - interval "
        "'365 days')",
        deeds={
            "notice.joined": N_("joined notices that are one procurement, {it}"),
            "notice.kept-apart": N_("judged two notices to be different procurements, {it}"),
            "notice.parted": N_("took joined notices apart, {it}"),
        },
    ),
    Kind(
        "imported_supplier",
        N_("a supplier of other portals"),
        N_("suppliers of other portals"),
        prefix="IS",
        address="/portals/suppliers/",
        deeds={
            "imported_supplier.joined": N_("joined two names that are one supplier, {it}"),
            "imported_supplier.kept-apart": N_("judged two names to be different suppliers, {it}"),
            "imported_supplier.parted": N_("took joined names of suppliers apart, {it}"),
        },
    ),
    Kind(
        "claim",
        N_("a claim to a supplier's record"),
        N_("claims to suppliers' records"),
        prefix="CL",
        deeds={
            "claim.asked": N_("claimed a record of other portals as its own, {it}"),
            "claim.code-sent": N_("had a code sent for the claim {it}"),
            "claim.granted": N_("granted the claim {it}: it was proved"),
            "claim.refused": N_("refused the claim {it}"),
            "claim.withdrawn": N_("withdrew the claim {it}"),
            "claim.released": N_("let the record of the claim {it} go"),
        },
    ),
    Kind(
        "quarantined",
        N_("a broken item of another portal"),
        N_("broken items of other portals"),
        prefix="BI",
        deeds={
            "quarantined.mended": N_("mended and brought in {it} from another portal"),
        },
    ),
    Kind(
        "source",
        N_("another portal"),
        N_("other portals"),
        prefix="PS",
        deeds={
            "source.scheduled": N_("set how often the portal {it} is read"),
        },
    ),
    Kind(
        "ruling",
        N_("a ruling"),
        N_("rulings"),
        prefix="RU",
        address="/rulings/",
        part_of=(),
        titles="SELECT r.ref, COALESCE(o.name, r.about) AS title FROM ruling r LEFT JOIN organisation o ON o.id = r.organisation "
        "WHERE r.ref = ANY({}::text[])",
        deeds={
            "ruling.proposed": N_("proposed that the rule binds otherwise, {it}"),
            "ruling.confirmed": N_("confirmed the ruling {it}"),
            "ruling.objected": N_("objected to the ruling {it}"),
            "ruling.objection-lifted": N_("lifted the objection to the ruling {it}"),
            "ruling.withdrawn": N_("withdrew the ruling {it}"),
            "ruling.lapsed": N_("changed the draft that the ruling {it} was about, so that it no longer holds"),
            "ruling.in-force": N_("noted that the ruling {it} holds now"),
        },
    ),
    Kind("search", N_("a saved search"), N_("saved searches"), prefix="SS"),
    Kind(
        "letter",
        N_("a letter"),
        N_("letters"),
        prefix="L",
        deeds={
            "letter.sent-again": N_("had the letter {it} sent again"),
            "letter.address-died": N_("marked an address as dead because of the letter {it}"),
            "letter.address-revived": N_("marked an address as alive because of the letter {it}"),
        },
    ),
)

KINDS: Final = {kind.name: kind for kind in ROWS}
"""Every kind by its name, in the order in which they are listed."""

DEEDS: Final = {
    **{verb: words for kind in ROWS for verb, words in kind.deeds.items()},
    # of whichever kind
    "evidence.accepted": N_("accepted evidence that opens the gate, {it}"),
    "draft.compared": N_("looked at what others had done before publishing {it}"),
    "supplier.invited": N_("told suppliers by letter of {it}"),
    "search.shortlisted": N_("put suppliers on the short list of {it}"),
    "search.unlisted": N_("took a supplier off the short list of {it}"),
    "private.read": N_("read private facts beside {it}, as an auditor"),
}
"""Every verb of the log in words."""


def address(subject: str) -> str | None:
    """The public page of `kind:reference`, None for kinds without one."""
    name, _colon, ref = subject.partition(":")
    kind = KINDS.get(name)
    return f"{kind.address}{ref}" if kind and kind.address else None


def sentence(verb: str, it: str) -> str:
    """What was done, with the record's name in its place. A verb nobody has put into words yet is shown as it is."""
    if verb not in DEEDS:
        return _("did “{verb}” to {it}", verb=verb, it=it)
    return _(DEEDS[verb], it=it)


def parts(verb: str) -> tuple[str, str]:
    """The words before and after the record, for a page that makes a link of it."""
    before, _it, after = sentence(verb, "\0").partition("\0")
    return before, after
