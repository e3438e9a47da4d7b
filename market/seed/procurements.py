"""Tenders, waivers, bids, awards and contracts of the story as acts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from market import drafts
from market.accounts.people import tell_person
from market.awards import actions as awards
from market.awards import evaluation
from market.awards.tables import Decision
from market.bids import actions as bids
from market.bids import confirmations
from market.bids.tables import Bid, OpenedBid
from market.contracts import actions as contracts
from market.contracts.changes import actions as contract_changes
from market.contracts.changes import readers as changing
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Contract, Milestone
from market.db import find
from market.panels import actions as panels
from market.panels.tables import Seat
from market.proof import sealing
from market.questions import actions as questions
from market.questions.tables import PublicQuestion
from market.seed import reading
from market.seed.budgets import named as named_budget
from market.seed.cast import Cast
from market.seed.exercises import receive, release
from market.seed.script import REFS, Act, Script
from market.tenders import actions
from market.tenders.changes import actions as changes
from market.tenders.changes import proposals
from market.tenders.drafts import actions as drafting
from market.tenders.readers import addenda_of, tender_of
from market.tenders.tables import Lot, Tender
from market.waivers import actions as waivers
from market.waivers.reviews import actions as reviews
from market.waivers.reviews.readers import reviews_of, version

GROUNDS = {"same-exercise-elsewhere": "equivalent-exercise", "urgency": "urgency"}
"""The story's words for the grounds of `fixtures/reference/waiver_grounds.yaml`."""


def tenders(script: Script, cast: Cast) -> Iterator[Act]:
    """Every tender as far as it has come, with its waiver."""
    asked = {each["tender"]: each for each in script["waivers"]}
    for each in script["tenders"]:
        yield from Procurement(script, cast, each, asked.get(each["key"])).acts()


class Procurement:
    """One tender of the story."""

    def __init__(self, script: Script, cast: Cast, text: dict[str, Any], waiver: dict[str, Any] | None) -> None:
        self.script, self.cast, self.text, self.waiver = script, cast, text, waiver
        self.key = text["key"]
        self.lots: dict[str, str] = {}
        self.criteria: dict[tuple[str, str], str] = {}
        self.secrets: dict[str, sealing.OfficerSecret] = {}

    @property
    def ref(self) -> str:
        """Its reference, once it was drafted."""
        return REFS[f"tender:{self.key}"]

    def act(self, at: str, what: str, do: Any, *, refused: bool = False, after: timedelta = timedelta(0)) -> Act:
        """An act of this tender."""
        return Act(self.script.moment(at) + after, f"{what} {self.key}", do, refused)

    def acts(self) -> Iterator[Act]:
        """Everything that happened, in the order of telling."""
        text, cast = self.text, self.cast
        yield self.act(text["drafted_at"], "draft", self.draft)
        for attempt in text.get("publish_attempts", []):
            yield self.act(attempt["at"], "attempt", lambda attempt=attempt: self.attempt(attempt), refused=True)
        if self.waiver is not None:
            yield self.act(self.waiver["requested_at"], "waiver", self.ask_waiver)
            decided = self.waiver.get("decision")
            if decided:
                yield self.act(decided["at"], decided["outcome"], self.decide_waiver)
            if reviewed := self.waiver.get("review"):
                yield self.act(reviewed["at"], "review", lambda: self.answer_review(reviewed))
        if "published_at" in text:
            sent, read = -timedelta(minutes=40), -timedelta(minutes=10)
            yield self.act(
                text["published_at"], "sending", lambda: reading.send(cast, "tender", self.ref, text), after=sent
            )
            yield self.act(
                text["published_at"], "reading", lambda: reading.approve(cast, "tender", self.ref, text), after=read
            )
            yield self.act(text["published_at"], "publish", self.publish)
        elif "review" in text:
            yield self.act(text["review"]["at"], "sending", lambda: reading.send(cast, "tender", self.ref, text))
            if "edits" in text["review"]:
                at = text["review"]["edits_at"]
                yield self.act(at, "edits", lambda: reading.send_back(cast, "tender", self.ref, text))
        for question in text.get("questions", []):
            yield self.act(question["at"], "question", lambda question=question: self.ask(question))
            if question.get("answer"):
                yield self.act(question["answered_at"], "answer", lambda question=question: self.answer(question))
        for addendum in text.get("addenda", []):
            if "proposed_at" in addendum:
                yield self.act(addendum["proposed_at"], "proposal", lambda addendum=addendum: self.propose(addendum))
            yield self.act(addendum["at"], "addendum", lambda addendum=addendum: self.amend(addendum))
        for bid in text.get("bids", []):
            if bid.get("first_sealed_at"):
                yield self.act(bid["first_sealed_at"], "bid", lambda bid=bid: self.bid(bid))
            yield self.act(bid["submitted_at"], "bid", lambda bid=bid: self.bid(bid))
            if bid.get("confirmed_at"):
                yield self.act(bid["confirmed_at"], "confirmation", lambda bid=bid: self.confirm_bid(bid))
        if "cancelled" in text:
            yield self.act(text["cancelled"]["at"], "cancel", self.cancel)
        if "opened_at" in text:
            yield self.act(text["opened_at"], "opening", self.open)
            yield from self.judged()

    def judged(self) -> Iterator[Act]:
        """The panel, the awards, the contracts."""
        text = self.text
        if text.get("evaluators"):
            yield self.act(text["opened_at"], "panel", self.name_panel, after=timedelta(minutes=20))
        for member in text.get("evaluators", []):
            if member.get("declared_at"):
                yield self.act(member["declared_at"], "declaration", lambda member=member: self.declare(member))
        # Where only the price counts there is nothing to mark: they hand in after declaring.
        last = {each["person"]: each["declared_at"] for each in text.get("evaluators", []) if each.get("declared_at")}
        for score in text.get("scores", []):
            yield self.act(score["at"], "score", lambda score=score: self.score(score))
            if self.script.moment(score["at"]) >= self.script.moment(last[score["by"]]):
                last[score["by"]] = score["at"]
        if text.get("awards"):
            for who, at in last.items():
                yield self.act(at, "handing-in", lambda who=who: self.hand_in(who), after=timedelta(minutes=2))
        for attempt in text.get("award_attempts", []):
            yield self.act(attempt["at"], "attempt", lambda attempt=attempt: self.decide(attempt), refused=True)
        for award in text.get("awards", []):
            yield self.act(award["decided_at"], "award", lambda award=award: self.decide(award))
        for contract in text.get("contracts", []):
            yield from self.contracted(contract)

    def contracted(self, contract: dict[str, Any]) -> Iterator[Act]:
        """One contract with its milestones."""
        moments = sorted(
            self.script.moment(contract[name])
            for name in ("buyer_signed_at", "supplier_signed_at")
            if contract.get(name)
        )
        yield Act(moments[0] - timedelta(minutes=40), f"contract {self.key}", lambda: self.draw_up(contract))
        yield self.act(contract["buyer_signed_at"], "signature", lambda: self.sign(contract, "buyer"))
        yield self.act(contract["supplier_signed_at"], "signature", lambda: self.sign(contract, "supplier"))
        for number, part in enumerate(contract["milestones"], 1):
            if part.get("delivered_at"):
                yield self.act(part["delivered_at"], "delivery", lambda n=number, p=part: self.deliver(contract, n, p))
            if part.get("accepted_at"):
                yield self.act(part["accepted_at"], "acceptance", lambda n=number, p=part: self.accept(contract, n, p))
            if part.get("paid_at"):
                yield self.act(part["paid_at"], "payment", lambda n=number, p=part: self.pay(contract, n, p))
            if part.get("receipt_confirmed_at"):
                yield self.act(part["receipt_confirmed_at"], "receipt", lambda n=number: self.confirm(contract, n))
        for change in contract.get("changes", []):
            yield from self.changed(contract, change)

    def changed(self, contract: dict[str, Any], change: dict[str, Any]) -> Iterator[Act]:
        """A change of a contract: refused when it is proposed, or approved by a second person and agreed to."""
        refused = bool(change.get("refused"))
        yield self.act(change["proposed_at"], "change", lambda: self.propose_change(contract, change), refused=refused)
        if not refused:
            yield self.act(change["approved_at"], "approval", lambda: self.approve_change(contract, change))
            yield self.act(change["agreed_at"], "agreement", lambda: self.agree_to_change(contract))

    async def draft(self) -> None:
        """The buyer writes everything the story knows of the draft, and names its opening officers."""
        text, script = self.text, self.script
        actor = await self.cast.actor(text["drafted_by"])
        buyer = self.cast.organisations[text["buyer"]]
        cpv = list(dict.fromkeys(code for lot in text["lots"] for code in lot["cpv"]))
        exercise = REFS[f"challenge:{text['challenge']}"] if text["basis"] == "exercise" else ""
        mission = REFS[f"mission:{text['mission']}"] if text.get("mission") else ""
        tender = await drafting.draft(
            actor,
            buyer.id,
            drafting.NewTender(
                title=text["title"],
                description=text["description"].strip(),
                cpv=cpv,
                region=text.get("region", ""),
                mission=mission,
                exercise=exercise,
                terms=text.get("terms", "").strip(),
                contract_kind=text["contract_kind"],
            ),
        )
        REFS[f"tender:{self.key}"] = tender.ref
        if exercise or text["basis"] == "commodity":
            commodity = text["basis"] == "commodity"
            origin = drafting.Origin(
                exercise=exercise,
                same_need=text.get("same_need", "").strip(),
                what_changed=text.get("what_changed", "").strip(),
                commodity_claimed=commodity,
                commodity_statement=text["commodity_statement"].strip() if commodity else "",
            )
            await drafting.explain_origin(actor, tender.ref, origin, drafts.version(drafting.Origin, tender))
            await tender.refresh()
        closes = next(
            (each["previous_closes_at"] for each in text.get("addenda", []) if each.get("previous_closes_at")), ""
        )
        await drafting.name_budget(
            actor,
            tender.ref,
            drafting.Budget(named_budget(script, text)),
            drafts.version(drafting.Budget, tender),
        )
        await drafting.set_dates(
            actor,
            tender.ref,
            drafting.Dates(
                questions_until=script.moment(text["questions_until"]) if text.get("questions_until") else None,
                closes_at=script.moment(closes or text["closes_at"]) if text.get("closes_at") else None,
                contract_begins_on=script.day(text["contract_begins"]) if text.get("contract_begins") else None,
                contract_ends_on=script.day(text["contract_ends"]) if text.get("contract_ends") else None,
            ),
            drafts.version(drafting.Dates, tender),
        )
        await drafting.set_terms(
            actor,
            tender.ref,
            drafting.Terms(
                terms=text.get("terms", "").strip(),
                profile=text.get("profile", ""),
                lots_per_supplier=text.get("max_lots_per_supplier"),
                undivided_reason=text.get("not_divided_reason", "").strip(),
            ),
            drafts.version(drafting.Terms, tender),
        )
        for lot in text["lots"]:
            await self._lot(actor, tender.ref, lot)
        for who in text.get("opening_officers", []):
            officer = await self.cast.actor(who)
            await drafting.name_officer(actor, tender.ref, officer.ref)
            self.secrets[who] = await drafting.enrol(officer, tender.ref)

    async def _lot(self, actor: Any, ref: str, lot: dict[str, Any]) -> None:
        row = await drafting.add_lot(
            actor,
            ref,
            drafting.LotDraft(
                title=lot["title"],
                value_minor=lot["value_minor"],
                cpv=list(lot["cpv"]),
                description=lot["description"].strip(),
                sme_suitable=True,
                maximum_minor=lot.get("maximum_minor"),
            ),
        )
        self.lots[lot["key"]] = row.ref
        for each in lot["criteria"]:
            made = await drafting.add_criterion(
                actor,
                row.ref,
                drafting.CriterionDraft(
                    each["name"], each["weight"], each["kind"], (each.get("question") or "").strip()
                ),
            )
            self.criteria[lot["key"], each["key"]] = made.ref

    async def attempt(self, attempt: dict[str, Any]) -> None:
        """A publication that the gate stops; an exercise in other fields may have been offered for it."""
        actor = await self.cast.actor(attempt["by"])
        offered = attempt.get("with_challenge")
        if offered:
            seen = drafts.version(drafting.Origin, await find(Tender, Tender.ref == self.ref))
            await drafting.explain_origin(actor, self.ref, drafting.Origin(REFS[f"challenge:{offered}"]), seen)
        await actions.publish(actor, self.ref)

    async def ask_waiver(self) -> None:
        """The buyer asks the minister."""
        if self.waiver is None:
            return
        said = self.waiver
        statement = said["statement"].strip()
        for key in said.get("names", []):
            statement = statement.replace("{" + key + "}", REFS[f"challenge:{key}"])
        evidence = []
        for each in said["evidence"]:
            ref = REFS[f"challenge:{each['challenge']}"] if each.get("challenge") else ""
            ref = ref or (REFS.get(f"tender:{each['tender']}", "") if each.get("tender") else "")
            evidence.append(f"{ref} – {each['note'].strip()}" if ref else each["note"].strip())
        waiver = await waivers.ask(
            await self.cast.actor(said["requested_by"]),
            self.ref,
            waivers.WaiverRequest(
                ground=GROUNDS[said["ground"]],
                statement=statement,
                evidence=evidence,
                cost_of_waiting=said["cost_of_waiting"].strip(),
                valid_until=self.script.day(said["valid_until"]),
                similar=said.get("similar", "").strip(),
            ),
        )
        REFS[f"waiver:{said['key']}"] = waiver.ref

    async def decide_waiver(self) -> None:
        """The minister signs with her own key, or refuses with a reason."""
        if self.waiver is None:
            return
        decision, ref = self.waiver["decision"], REFS[f"waiver:{self.waiver['key']}"]
        minister = await self.cast.actor(decision["by"])
        if decision["outcome"] == "refused":
            await waivers.refuse(minister, ref, waivers.Reason(decision["reason"].strip()))
            return
        options = await waivers.begin_signing(minister, ref)
        await waivers.sign(minister, ref, json.dumps(self.cast.devices[decision["by"]].sign(options)))

    async def answer_review(self, text: dict[str, Any]) -> None:
        """When half its time is over, the minister looks at the waiver again and signs what she finds."""
        if self.waiver is None:
            return
        ref, minister = REFS[f"waiver:{self.waiver['key']}"], await self.cast.actor(text["by"])
        (review,) = await reviews_of(ref)
        ends = self.script.day(text["ends_on"]) if "ends_on" in text else None
        answer = reviews.AnswerDraft(text["answer"], text["says"].strip(), ends, None)
        await reviews.write(minister, ref, review.ref, answer, version(review))
        (written,) = await reviews_of(ref)
        options = await reviews.begin_signing(minister, ref, review.ref, version(written))
        await reviews.sign(minister, ref, review.ref, json.dumps(self.cast.devices[text["by"]].sign(options)))

    async def publish(self) -> None:
        """It opens to bids. The officers of a tender that nobody opens in the story find their codes among their letters, so that
        a visitor of the demonstration can."""
        tender = await actions.publish(await self.cast.actor(self.text["drafted_by"]), self.ref)
        if "opened_at" in self.text or "cancelled" in self.text:
            return
        for who, secret in self.secrets.items():
            officer = await self.cast.actor(who)
            await tell_person(
                officer.must_be_person(),
                "bids/demonstration_code.txt",
                about=f"tender:{self.ref}",
                tender=tender,
                code=secret.code,
            )

    async def ask(self, question: dict[str, Any]) -> None:
        """A supplier asks."""
        await actions.ask(
            await self.cast.firm(question["asked_by"]), self.ref, questions.QuestionDraft(question["text"].strip())
        )

    async def answer(self, question: dict[str, Any]) -> None:
        """The buyer answers."""
        row = await find(PublicQuestion, PublicQuestion.text == question["text"].strip())
        actor = await self.cast.actor(question["answered_by"])
        await actions.answer(actor, self.ref, row.ref, questions.AnswerDraft(question["answer"].strip()))

    async def propose(self, addendum: dict[str, Any]) -> None:
        """A change that takes two people waits for the second."""
        await proposals.propose(await self.cast.actor(addendum["by"]), self.ref, await self.as_told(addendum))

    async def amend(self, addendum: dict[str, Any]) -> None:
        """A dated change, perhaps with a later deadline; approved by a second person where it takes two."""
        if "approved_by" in addendum:
            approver = await self.cast.actor(addendum["approved_by"])
            waiting = await proposals.waiting((await tender_of(self.ref)).id)
            await proposals.approve(approver, self.ref, waiting)
        else:
            await changes.change(await self.cast.actor(addendum["by"]), self.ref, await self.as_told(addendum))

    async def as_told(self, addendum: dict[str, Any]) -> changes.Change:
        """The change that the script tells of."""
        moved = self.script.moment(self.text["closes_at"]) if addendum.get("previous_closes_at") else None
        text = f"{addendum['title']}. {addendum['text'].strip()}"
        earlier = await addenda_of(await tender_of(self.ref))
        return changes.Change(
            text=text,
            kind=addendum["kind"],
            alters_offer="yes" if addendum["kind"] == "material" else "no",
            new_closes_at=moved,
            last=earlier[-1].ref if earlier else "",
        )

    async def bid(self, bid: dict[str, Any]) -> None:
        """A supplier seals a bid."""
        answers = {self.criteria[bid["lot"], key]: text.strip() for key, text in bid["answers"].items()}
        changed = await bids.last_change((await tender_of(self.ref)).id)
        given = bids.BidDraft(bid["price_minor"], answers, True, changed.ref if changed else "")
        await bids.submit(await self.cast.firm(bid["supplier"]), self.ref, self.lots[bid["lot"]], given)

    async def confirm_bid(self, bid: dict[str, Any]) -> None:
        """A supplier confirms its bid after a change."""
        firm = await self.cast.firm(bid["supplier"])
        tender = await tender_of(self.ref)
        sent = next(each for each in await bids.mine(firm, tender.id) if each.latest and each.unconfirmed)
        await confirmations.confirm(firm, self.ref, sent.lot_ref, confirmations.Word(sent.digest, sent.unconfirmed))

    async def cancel(self) -> None:
        """It is cancelled."""
        end = self.text["cancelled"]
        await actions.cancel(await self.cast.actor(end["by"]), self.ref, actions.Ending(end["reason"].strip()))

    async def open(self) -> None:
        """Two officers bring their secrets."""
        for who, secret in list(self.secrets.items())[:2]:
            await bids.contribute(await self.cast.actor(who), self.ref, secret.code)

    async def name_panel(self) -> None:
        """The buyer names the evaluators."""
        actor = await self.cast.actor(self.text["drafted_by"])
        for member in self.text["evaluators"]:
            person = await self.cast.actor(member["person"])
            await panels.name(actor, evaluation.panel(self.ref), panels.Naming(person.ref))

    async def declare(self, member: dict[str, Any]) -> None:
        """An evaluator declares."""
        interest = member.get("interest", "none")
        given = panels.Declaration(statement="" if interest == "none" else interest.strip(), declared=True)
        actor = await self.cast.actor(member["person"])
        seat = await find(Seat, (Seat.panel == f"tender:{self.ref}") & (Seat.person == actor.must_be_person()))
        await panels.declare(actor, evaluation.panel(self.ref), given, drafts.version(panels.Interests, seat))

    async def _opened(self, lot: str, supplier: str) -> str:
        """The reference of the supplier's bid that was opened."""
        row = await find(Lot, Lot.ref == self.lots[lot])
        firm = self.cast.organisations[supplier]
        opened = await find(OpenedBid, (OpenedBid.lot == row.id) & (OpenedBid.supplier == firm.id))
        return str((await find(Bid, Bid.id == opened.bid)).ref)

    async def score(self, score: dict[str, Any]) -> None:
        """She reads and marks a bid."""
        actor = await self.cast.actor(score["by"])
        opened = await self._opened(score["lot"], score["bid"])
        marks = [
            panels.MarkGiven(self.criteria[score["lot"], key], mark["score"], mark["reason"].strip())
            for key, mark in score["marks"].items()
        ]
        await awards.read_bid(actor, self.ref, opened)
        await panels.mark(actor, evaluation.panel(self.ref), f"bid:{opened}", panels.Marks(marks), drafts.NOTHING)

    async def hand_in(self, who: str) -> None:
        """She locks her marks."""
        await panels.lock(await self.cast.actor(who), evaluation.panel(self.ref))

    async def decide(self, award: dict[str, Any]) -> None:
        """The buyer awards a lot."""
        opened = await self._opened(award["lot"], award["supplier"])
        actor = await self.cast.actor(award["decided_by"])
        given = awards.DecisionDraft(reasons=award["reason"].strip(), winner=opened)
        await awards.decide(actor, self.ref, self.lots[award["lot"]], given)

    async def draw_up(self, contract: dict[str, Any]) -> None:
        """The contract is drawn up after the standstill."""
        lot = await find(Lot, Lot.ref == self.lots[contract["lot"]])
        decision = await find(Decision, (Decision.lot == lot.id) & (Decision.set_aside_at.is_null()))
        given = contracts.ContractDraft(
            begins_on=self.script.day(contract["starts"]),
            ends_on=self.script.day(contract["ends"]),
            milestones=[
                contracts.MilestoneDraft(each["title"], self.script.day(each["due"]), each["amount_minor"])
                for each in contract["milestones"]
            ],
        )
        await contracts.draw_up(await self.cast.actor(self.text["drafted_by"]), decision.ref, given)

    async def _contract(self, contract: dict[str, Any]) -> Contract:
        lot = await find(Lot, Lot.ref == self.lots[contract["lot"]])
        return await find(Contract, Contract.lot == lot.id)

    async def sign(self, contract: dict[str, Any], side: str) -> None:
        """One side signs."""
        row = await self._contract(contract)
        actor = (
            await self.cast.actor(contract["buyer_signed_by"])
            if side == "buyer"
            else await self.cast.firm(contract["supplier"])
        )
        await contracts.sign(actor, row.ref, contracts.Signature(row.digest, True))

    async def propose_change(self, contract: dict[str, Any], change: dict[str, Any]) -> None:
        """One of the buyer proposes a change."""
        row, added = await self._contract(contract), change["milestone"]
        draft = ChangeDraft(
            change["ground"],
            change["text"].strip(),
            change["reasons"].strip(),
            same=change.get("same", False),
            milestone_title=added["title"],
            milestone_due_on=self.script.day(added["due"]),
            milestone_minor=added["amount_minor"],
        )
        await contract_changes.propose(await self.cast.actor(change["proposed_by"]), row.ref, draft)

    async def approve_change(self, contract: dict[str, Any], change: dict[str, Any]) -> None:
        """A colleague approves it."""
        row = await self._contract(contract)
        waits = await changing.waiting(row) or ""
        await contract_changes.approve(await self.cast.actor(change["approved_by"]), row.ref, waits)

    async def agree_to_change(self, contract: dict[str, Any]) -> None:
        """The supplier agrees."""
        row = await self._contract(contract)
        waits = await changing.waiting(row) or ""
        await contract_changes.agree(await self.cast.firm(contract["supplier"]), row.ref, waits)

    async def _part(self, contract: dict[str, Any], number: int) -> tuple[Contract, Milestone]:
        row = await self._contract(contract)
        return row, await find(Milestone, (Milestone.contract == row.id) & (Milestone.number == number))

    async def deliver(self, contract: dict[str, Any], number: int, part: dict[str, Any]) -> None:
        """The supplier delivers a milestone."""
        row, milestone = await self._part(contract, number)
        note = contracts.Delivery((part.get("note") or f"Delivered: {part['title']}").strip())
        await contracts.deliver(await self.cast.firm(contract["supplier"]), row.ref, milestone.ref, note)

    async def accept(self, contract: dict[str, Any], number: int, part: dict[str, Any]) -> None:
        """The buyer accepts it: the money is owed."""
        row, milestone = await self._part(contract, number)
        await contracts.accept(await self.cast.actor(part["accepted_by"]), row.ref, milestone.ref)

    async def pay(self, contract: dict[str, Any], number: int, part: dict[str, Any]) -> None:
        """Somebody else releases it."""
        _, milestone = await self._part(contract, number)
        await release(self.cast, self.text["buyer"], part["accepted_by"], f"milestone:{milestone.ref}")

    async def confirm(self, contract: dict[str, Any], number: int) -> None:
        """The supplier says that it arrived."""
        _, milestone = await self._part(contract, number)
        await receive(self.cast, contract["supplier"], f"milestone:{milestone.ref}")
