"""The main journey over JSON: steps 2–11 from a problem to an audited contract, as the people of one department and three
firms. Every step asks only what a program with a bearer token could ask; how the requests travel (inside the test's own
task, or over a socket to a server that is being killed) is for the caller to say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from litestar import Litestar

from market import clock, worker
from market.actor import Actor
from market.budgets.rules import year_of
from market.seed.authenticator import Authenticator
from search import outbox
from tests import given

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BEGINS = given.TODAY
SENSORS = ["35125100"]
DREDGING = ["90711500"]
PROBLEM = "We learn that a gully is blocked when the street floods"
WHY = (
    "Calderwick finished an exercise on the same problem eight weeks ago, with the same iron and the same users; asking "
    "once more would teach nobody anything."
)
SAME_NEED = (
    "The same streets and the same gullies: somebody has to learn that one no longer drains before the water stands."
)
APPLICATION = {
    "summary": "A sensor under the grate that listens.",
    "approach": "It hears the fall of the water, and says so by radio.",
    "evidence": "Forty gullies in one winter.",
    "team": "Two engineers and a plumber.",
}


@dataclass
class Cast:
    """Everybody's bearer token by name, references of people and firms, and the minister's passkey."""

    tokens: dict[str, dict[str, str]]
    people: dict[str, str]
    organisations: dict[str, str]
    device: Authenticator


async def cast() -> Cast:
    """Invite everybody; nobody has done anything yet. Tokens are made by people in their accounts, so here they are rows."""
    buyer = await given.organisation("Department for Roads", tier="central")
    office = await given.organisation("Audit Office", kind="audit")
    team = await given.organisation("The Innovation Team", kind="operator")
    firms = [await given.supplier(name) for name in ("Kestrel Ltd", "Heron Ltd", "Siân & Łukasz Ltd")]
    minister, device = await given.minister(buyer)
    actors: dict[str, Actor] = {
        "ada": await given.person(buyer, "buyer", "Ada Byrne"),
        "ben": await given.person(buyer, "buyer", "Ben Okafor"),
        "fay": await given.person(buyer, "finance-officer", "Fay Ilves"),
        "cleo": await given.person(buyer, "evaluator", "Cleo Marsh"),
        "dan": await given.person(buyer, "evaluator", "Dan Ferris"),
        "minister": minister,
        "auditor": await given.person(office, "auditor", "Ines Roth"),
        "operator": await given.person(team, "operator", "Sam Ferrier"),
    }
    for name, firm in zip(("kestrel", "heron", "sian"), firms, strict=True):
        actors[name] = await given.person(firm, "supplier-admin", f"Director of {firm.name}")
    return Cast(
        {name: await given.token(actor) for name, actor in actors.items()},
        {name: actor.ref for name, actor in actors.items()},
        {"buyer": buyer.ref, "kestrel": firms[0].ref, "heron": firms[1].ref, "sian": firms[2].ref},
        device,
    )


class Journey(ABC):
    """The journey's state: what each step learnt from the answers, and nothing else."""

    def __init__(self, people: Cast) -> None:
        self.cast = people
        self.moment = BEGINS
        self.challenge = self.question = self.report = self.pitch = self.budget = ""
        self.applications: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.tender = self.waived = self.waiver = ""
        self.lots: list[dict[str, Any]] = []
        self.receipts: dict[str, dict[str, Any]] = {}
        self.bids: dict[str, str] = {}
        self.award: dict[str, Any] = {}
        self.contract: dict[str, Any] = {}
        self.owed: list[dict[str, Any]] = []

    @abstractmethod
    async def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        """Carry one request at the journey's moment."""

    @abstractmethod
    async def searchable(self) -> None:
        """What is published can be searched from now on."""

    @abstractmethod
    async def work(self, obligation: str = "") -> None:
        """Let the worker do its jobs; when an obligation is named, until it is paid."""

    async def ask(self, who: str, method: str, path: str, body: Any = None, expect: int = 200, seen: str = "") -> Any:
        """Ask as somebody ("" for nobody); answers the decoded JSON. Any other status than the expected one fails. `seen` is
        the `etag` of what is changed."""
        changes = {"if-match": seen} if seen else {}
        headers = {"accept": "application/json", **(self.cast.tokens[who] if who else {}), **changes}
        answer = await self.send(method, path if path.startswith("/") else f"/api/v1/{path}", body, headers)
        assert answer.status_code == expect, (
            f"{who or 'nobody'} {method} {path}: {answer.status_code} {answer.text[:600]}"
        )
        return answer.json() if answer.content else None

    async def by_hand(self, who: str, path: str, typed: dict[str, str] | None = None) -> httpx.Response:
        """Send a form of a page as somebody who has just used her passkey: what no program may do."""
        headers = {"accept": "text/html", **await given.at_a_browser(self.cast.people[who])}
        return await self.send("POST", path, typed or {}, headers)

    async def change(self, who: str, path: str, body: Any) -> Any:
        """Write a section of a draft anew, naming what was read of it before."""
        record, _, section = path.rpartition("/")
        seen = (await self.ask(who, "GET", record))["etags"][section]
        return await self.ask(who, "PUT", path, body, seen=seen)

    async def refused(
        self, who: str, method: str, path: str, body: Any = None, expect: int = 409, seen: str = ""
    ) -> list[str]:
        """Ask for something that must be refused; answers the codes of the reasons."""
        answer = await self.ask(who, method, path, body, expect, seen)
        return [reason["code"] for reason in answer["reasons"]]

    def turn(self, days: float) -> None:
        """It is this many days after the beginning."""
        self.moment = BEGINS + timedelta(days=days)

    def day(self, days: float) -> str:
        """The moment that many days after the beginning, for JSON."""
        return (BEGINS + timedelta(days=days)).isoformat()

    def date(self, days: float) -> str:
        """The same as a day."""
        return (BEGINS + timedelta(days=days)).date().isoformat()

    # ── 2: challenge ────────────────────────────────────────────────────────────────────────────────────────────────

    async def draft_challenge(self) -> None:
        """A mission and the problem below it; publication is refused with everything that is missing."""
        mission = await self.ask(
            "ada",
            "POST",
            "missions",
            {
                "owner": self.cast.organisations["buyer"],
                "title": "Streets that drain",
                "statement": "No street floods because nobody knew.",
                "begins_on": "2026-01-01",
                "ends_on": "2030-12-31",
            },
            201,
        )
        measure = {"measure": "Flooded streets a year", "baseline": "312", "target": "50", "due_on": "2030-06-30"}
        await self.ask("ada", "POST", f"missions/{mission['ref']}/criteria", measure, 201)
        await self.ask("ada", "POST", f"missions/{mission['ref']}/publish")
        made = await self.ask(
            "ada",
            "POST",
            "challenges",
            {"buyer": self.cast.organisations["buyer"], "title": PROBLEM, "mission": mission["ref"]},
            201,
        )
        self.challenge = made["ref"]
        early = await self.refused("ada", "POST", f"challenges/{self.challenge}/publish")
        assert "challenge.fee-missing" in early
        await self.ask("", "GET", f"challenges/{self.challenge}", expect=404)
        at = f"challenges/{self.challenge}"
        await self.change(
            "ada",
            f"{at}/problem",
            {
                "title": PROBLEM,
                "mission": mission["ref"],
                "problem": "Crews empty gullies by the calendar; half of the visits find nothing.",
                "who_has_it": "1,140 homes in eleven streets.",
                "evidence": "312 reports last winter.",
            },
        )
        await self.change("ada", f"{at}/success", {"success": "Within two hours.", "out_of_scope": "Emptying."})
        offer = {
            "fee_minor": 400_000,
            "places": 2,
            "least_mark": 50,
            "closes_at": self.day(21),
            "pitches_by": self.day(50),
            "decision_by": self.day(60),
        }
        await self.change("ada", f"{at}/offer", offer)
        await self.change("ada", f"{at}/budget", {"budget": await self.approve_budget()})
        what_may_follow = {"follow_on_minor": 20_000_000, "follow_on_route": "tender", "follow_on_by": self.date(80)}
        await self.change("ada", f"{at}/follow-on", what_may_follow)
        terms = {"intellectual_property": "You keep it.", "data_terms": "Open.", "revenue_share": "None."}
        await self.change("ada", f"{at}/terms", terms)
        await self.change("ada", f"{at}/subject", {"cpv": SENSORS})
        measure = {
            "measure": "Hours between a gully blocking and the crew knowing",
            "unit": "hours",
            "baseline": "19.5",
            "better": "at-most",
            "target": "2",
            "due_on": self.date(80),
            "how": "From the sensor's time stamp to the crew's list.",
        }
        await self.ask("ada", "POST", f"{at}/measures", measure, 201)
        for name, weight in (("How well it would solve it", 60), ("Evidence", 40)):
            await self.ask("ada", "POST", f"{at}/criteria", {"name": name, "weight": weight}, 201)
        for who in ("cleo", "dan"):
            await self.ask("ada", "POST", f"{at}/panel", {"person": self.cast.people[who]}, 201)
        checks = await self.ask("ada", "GET", f"{at}/checklist")
        assert [each["code"] for each in checks["items"] if each["reason"]] == [
            "review.precedents-unseen",
            "review.not-approved",
            "review.team-not-approved",
        ]

    async def look(self, path: str, ref: str) -> None:
        """Read the list of what is alike and answer it; whoever is told that it changed meanwhile reads it again."""
        headers = {"accept": "application/json", **self.cast.tokens["ada"]}
        while True:
            alike = await self.ask("ada", "GET", path)
            said = {
                "seen": alike["seen"],
                "answer": "differs" if alike["shown"] else "nothing",
                "reason": f"We looked for {ref} in three registers; nobody tried it on streets like ours.",
            }
            answer = await self.send("POST", f"/api/v1/{path}", said, headers)
            if "search.list-changed" not in answer.text:
                assert answer.status_code == 201, answer.text[:600]
                return

    async def read_by_others(self, kind: str, ref: str, team: bool = False) -> None:
        """She looks who has done it already, a colleague reads it (and the innovation team), and both approve it."""
        await self.searchable()
        await self.look(f"precedents/{kind}/{ref}", ref)
        at = f"reviews/{kind}/{ref}"
        await self.ask("ada", "POST", f"{at}/requests", {"person": self.cast.people["cleo"]}, 201)
        for who in ("cleo", *(["operator"] if team else [])):
            read = await self.ask(who, "GET", at)
            assert read["lacks"] == []
            await self.ask(who, "POST", f"{at}/approvals", expect=201, seen=read["etag"])

    async def approve_budget(self) -> str:
        """What may be spent: proposed by one, approved by another. Answers its reference."""
        new = {
            "body": self.cast.organisations["buyer"],
            "purpose": "Streets that drain",
            "year": year_of((BEGINS + timedelta(days=100)).date()),
            "amount_minor": 100_000_000,
        }
        made = await self.ask("ada", "POST", "budgets", new, 201)
        self.budget, line = made["ref"], made["lines"][0]["ref"]
        await self.ask("ada", "POST", f"budgets/{self.budget}/lines/{line}/approve", expect=403)
        approved = await self.ask("fay", "POST", f"budgets/{self.budget}/lines/{line}/approve")
        assert (approved["stage"], approved["left_minor"]) == ("open", 100_000_000)
        return self.budget

    async def publish_challenge(self) -> None:
        """It opens to everybody."""
        self.turn(0.1)
        await self.read_by_others("challenge", self.challenge, team=True)
        shown = await self.ask("ada", "POST", f"challenges/{self.challenge}/publish")
        assert shown["stage"] in ("questions", "open")

    async def ask_question(self) -> None:
        """A firm asks in public, without its name."""
        self.turn(1)
        asked = await self.ask(
            "kestrel", "POST", f"challenges/{self.challenge}/questions", {"text": "Which streets?"}, 201
        )
        self.question = asked["ref"]

    async def answer_question(self) -> None:
        """The buyer answers everybody."""
        self.turn(2)
        at = f"challenges/{self.challenge}"
        await self.ask("ada", "POST", f"{at}/questions/{self.question}/answer", {"answer": "Eleven in the old town."})
        shown = await self.ask("", "GET", at)
        assert [each["answer"] for each in shown["questions"]] == ["Eleven in the old town."]

    # ── 3: apply ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def apply(self) -> None:
        """Three firms apply, each once; one changes its text. Late is refused with the reason."""
        self.turn(20)
        at = f"challenges/{self.challenge}/applications"
        seen = {}
        for name in ("kestrel", "heron", "sian"):
            sent = await self.ask(name, "POST", at, APPLICATION, 201)
            self.applications[name], seen[name] = sent["ref"], sent["etag"]
        assert "application.already-there" in await self.refused("kestrel", "POST", at, APPLICATION)
        own = f"{at}/{self.applications['heron']}"
        changed = await self.ask("heron", "PUT", own, {**APPLICATION, "team": "Six."}, seen=seen["heron"])
        assert changed["team"] == "Six."
        assert (await self.ask("", "GET", f"challenges/{self.challenge}"))["applications"] is None
        self.turn(22)
        own = f"{at}/{self.applications['sian']}"
        late = await self.refused("sian", "PUT", own, APPLICATION, seen=seen["sian"])
        assert "application.too-late" in late

    # ── 4: short list and pitches ───────────────────────────────────────────────────────────────────────────────────

    async def declare_interests(self) -> None:
        """Both evaluators declare; nobody sees an application before."""
        self.turn(22)
        for who in ("cleo", "dan"):
            at = f"challenges/{self.challenge}"
            before = await self.ask(who, "GET", f"{at}/panel")
            assert (len(before["applicants"]), before["applications"]) == (3, [])
            seen = before["declaration"]["etag"]
            await self.ask(who, "POST", f"{at}/panel/declaration", {"declared": True}, seen=seen)

    async def mark(self) -> None:
        """Each marks every application by its alias, and hands in."""
        self.turn(23)
        at = f"challenges/{self.challenge}"
        criteria = (await self.ask("", "GET", at))["criteria"]
        for who, points in (("cleo", 80), ("dan", 70)):
            own = {each["ref"]: each for each in (await self.ask(who, "GET", f"{at}/panel"))["applications"]}
            for each in (await self.ask(who, "GET", f"{at}/applications"))["items"]:
                assert (each["supplier"], bool(each["alias"])) == (None, True)
                last = each["ref"] == self.applications["sian"]
                marks = [
                    {"criterion": one["ref"], "points": 30 if last else points, "reason": "As the evidence says."}
                    for one in criteria
                ]
                etag = own[each["ref"]]["etag"]
                await self.ask(who, "PUT", f"{at}/applications/{each['ref']}/marks", {"marks": marks}, seen=etag)
            await self.ask(who, "POST", f"{at}/panel/submit")

    async def shortlist(self) -> None:
        """Two of three are invited; the third reads its marks and reasons."""
        self.turn(24)
        at = f"challenges/{self.challenge}"
        done = await self.ask("ada", "POST", f"{at}/shortlist", {})
        firms = self.cast.organisations
        assert done["shortlisted"] == sorted([firms["kestrel"], firms["heron"]])
        mine = await self.ask("sian", "GET", f"{at}/applications/{self.applications['sian']}")
        assert (mine["shortlisted"], mine["rank"]) == (False, 3)
        assert mine["feedback"][0]["marks"][0]["reason"] == "As the evidence says."

    async def pitches(self) -> None:
        """Arranged, heard: each fee is owed."""
        self.turn(25)
        at = f"challenges/{self.challenge}/pitches"
        found = (await self.ask("ada", "GET", at))["items"]
        assert len(found) == 2
        for each in found:
            when = {"scheduled_at": self.day(35), "place_or_link": "Corn Street 4"}
            await self.ask("ada", "POST", f"{at}/{each['ref']}/schedule", when, seen=each["etag"])
        self.turn(36)
        for each in found:
            await self.ask("cleo", "POST", f"{at}/{each['ref']}/deliver", {"note": "Heard."})
        ledger = (await self.ask("", "GET", "payments"))["items"]
        self.owed = [each for each in ledger if each["cause"] in {f"pitch:{one['ref']}" for one in found}]
        assert [each["amount_minor"] for each in self.owed] == [400_000, 400_000]

    async def release_fees(self) -> None:
        """A finance officer releases the money; whoever says that it was delivered may not."""
        self.turn(37)
        for each in self.owed:
            await self.ask("fay", "POST", f"payments/{each['ref']}/release")

    async def fees_paid(self) -> None:
        """The worker pays, and the firm whose money it is confirms that it arrived."""
        self.turn(38)
        for each in self.owed:
            await self.work(each["ref"])
            paid = await self.ask("", "GET", f"payments/{each['ref']}")
            assert paid["state"] == "paid"
            firm = next(name for name, ref in self.cast.organisations.items() if ref == paid["payee"])
            confirmed = await self.ask(firm, "POST", f"payments/{paid['payment']}/confirm")
            assert confirmed["confirmed_at"]

    # ── 5: conclude ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def conclude(self) -> None:
        """Go, with a report that everybody reads."""
        self.turn(40)
        at = f"challenges/{self.challenge}"
        report = {
            "title": "What we learnt about gullies",
            "tried": "Two sensors in eleven streets.",
            "worked": "Listening to falling water.",
            "evidence": "Readings of eight wet weeks.",
            "others": "Walk every street before ordering.",
        }
        await self.ask("ada", "PUT", f"{at}/report", report, seen="new")
        (measure,) = (await self.ask("", "GET", at))["measures"]
        value = {"value": "1.1", "measured_on": self.date(39), "how": "Median of 57 alarms, sensor to list."}
        await self.ask("ada", "POST", f"{at}/measures/{measure['ref']}/values", value, 201)
        ended = await self.ask("ada", "POST", f"{at}/conclude", {"decision": "go", "reasons": "It met the target."})
        assert ended["stage"] == "concluded"
        self.report = ended["insight_report"]
        assert (await self.ask("", "GET", f"insights/{self.report}"))["challenge"] == self.challenge

    # ── 6, 7: tender and waiver ─────────────────────────────────────────────────────────────────────────────────────

    async def _draft_tender(self, title: str, codes: list[str], exercise: str, lots: int) -> str:
        new = {
            "buyer": self.cast.organisations["buyer"],
            "title": title,
            "description": "Sensors that say when a gully stops draining.",
            "cpv": codes,
            "exercise": exercise,
            "contract_kind": "goods-services",
        }
        ref: str = (await self.ask("ada", "POST", "tenders", new, 201))["ref"]
        dates = {
            "questions_until": self.day(55),
            "closes_at": self.day(80),
            "contract_begins_on": self.date(110),
            "contract_ends_on": self.date(1900),
        }
        await self.change("ada", f"tenders/{ref}/dates", dates)
        if exercise:
            await self.change("ada", f"tenders/{ref}/origin", {"exercise": exercise, "same_need": SAME_NEED})
        terms = {
            "terms": "Rights stay with the supplier.",
            "undivided_reason": "" if lots > 1 else "One crew looks after all of it, with one tool.",
        }
        await self.change("ada", f"tenders/{ref}/terms", terms)
        await self.change("ada", f"tenders/{ref}/budget", {"budget": self.budget})
        for number in range(1, lots + 1):
            lot = {
                "title": f"Part {number}",
                "value_minor": 15_600_000 // lots,
                "cpv": codes,
                "description": "Eleven streets",
                "sme_suitable": True,
            }
            made = await self.ask("ada", "POST", f"tenders/{ref}/lots", lot, 201)
            quality = {"name": "What the crew will know", "weight": 60, "description": "How soon, and how sure?"}
            await self.ask("ada", "POST", f"tenders/lots/{made['ref']}/criteria", quality, 201)
            price = {"name": "Price for five years", "weight": 40, "kind": "price"}
            await self.ask("ada", "POST", f"tenders/lots/{made['ref']}/criteria", price, 201)
        for who in ("ada", "ben"):
            await self.ask("ada", "POST", f"tenders/{ref}/officers", {"person": self.cast.people[who]}, 201)
            shown = await self.by_hand(who, f"/tenders/{ref}/officers/enrol")
            assert shown.status_code == 200, shown.text
            self.codes[f"{ref}:{who}"] = shown.text.split("<code>")[1].split("</code>")[0]
        return ref

    async def draft_tender(self) -> None:
        """Two small lots, carried over from the challenge."""
        self.turn(41)
        self.tender = await self._draft_tender("Sensors for road gullies", SENSORS, self.challenge, 2)

    async def publish_tender(self) -> None:
        """The gate lets it through because of the exercise."""
        await self.read_by_others("tender", self.tender)
        shown = await self.ask("ada", "POST", f"tenders/{self.tender}/publish")
        assert (shown["ground"], shown["ground_reference"]) == ("exercise", self.challenge)
        self.lots = shown["lots"]

    async def refuse_at_the_gate(self) -> None:
        """Another tender, in other fields, is refused."""
        self.turn(42)
        self.waived = await self._draft_tender("Measuring the silt", DREDGING, "", 1)
        codes = await self.refused("ada", "POST", f"tenders/{self.waived}/publish")
        assert codes == ["tender.innovation-first"], codes

    async def ask_waiver(self) -> None:
        """The buyer asks the minister; nobody else learns of it."""
        self.turn(43)
        request = {
            "ground": "urgency",
            "statement": WHY,
            "evidence": ["Letter of Calderwick's flood lead", "https://calderwick.example/report"],
            "cost_of_waiting": "One winter of floods in 1,900 homes.",
            "valid_until": self.date(180),
            "similar": "Theirs was about gullies, not about silt.",
        }
        self.waiver = (await self.ask("ada", "POST", f"tenders/{self.waived}/waivers", request, 201))["ref"]
        await self.ask("", "GET", f"waivers/{self.waiver}", expect=404)
        await self.ask("kestrel", "GET", f"waivers/{self.waiver}", expect=404)

    async def sign_waiver(self) -> None:
        """The minister reads and signs with her passkey; nobody else can."""
        self.turn(44)
        waiting = await self.ask("minister", "GET", "waivers/requests")
        assert [each["ref"] for each in waiting["items"]] == [self.waiver]
        assert (await self.ask("ada", "GET", "waivers/requests"))["items"] == []
        await self.ask("ada", "POST", f"waivers/{self.waiver}/sign/options", expect=403)
        options = await self.ask("minister", "POST", f"waivers/{self.waiver}/sign/options")
        answer = {"credential": self.cast.device.sign(options)}
        signed = await self.ask("minister", "POST", f"waivers/{self.waiver}/sign", answer)
        assert signed["signature"]["holds"]
        await self.read_by_others("tender", self.waived)
        shown = await self.ask("ada", "POST", f"tenders/{self.waived}/publish")
        assert (shown["ground"], shown["ground_reference"]) == ("waiver", self.waiver)

    # ── 8: bids ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def bid(self, price_minor: int, lot: int = 0, words: str = "Within the hour, with a margin.") -> dict[str, Any]:
        """A complete bid for a lot of the tender."""
        answers = {each["ref"]: words for each in self.lots[lot]["criteria"] if each["kind"] == "quality"}
        return {"price_minor": price_minor, "answers": answers, "declared": True}

    async def tender_question(self) -> None:
        """A question is asked and answered for all."""
        self.turn(45)
        asked = await self.ask(
            "heron", "POST", f"tenders/{self.tender}/questions", {"text": "Which radio may be used?"}, 201
        )
        await self.ask("ada", "POST", f"tenders/questions/{asked['ref']}/answer", {"answer": "Any licensed one."})

    async def seal_bids(self) -> None:
        """Sealed on arrival; the second envelope of a firm replaces its first; nobody sees how many there are."""
        self.turn(70)
        at = f"tenders/{self.tender}/lots/{self.lots[0]['ref']}/bids"
        await self.ask("kestrel", "POST", at, self.bid(7_000_000), 201)
        self.receipts["kestrel"] = await self.ask("kestrel", "POST", at, self.bid(6_400_000), 201)
        self.receipts["heron"] = await self.ask("heron", "POST", at, self.bid(6_000_000), 201)
        assert len((await self.ask("kestrel", "GET", "bids"))["items"]) == 2
        await self.ask("", "GET", f"tenders/{self.tender}/opening", expect=404)
        early = await self.bring("ada")
        assert (early.status_code, "seconds have passed since the deadline" in early.text) == (409, True)
        self.turn(81)
        late = await self.refused("sian", "POST", at, self.bid(5_000_000))
        assert late == ["bid.too-late"]

    async def bring(self, who: str) -> httpx.Response:
        """An officer brings her code to the opening."""
        return await self.by_hand(who, f"/tenders/{self.tender}/opening", {"code": self.codes[f"{self.tender}:{who}"]})

    async def first_officer(self) -> None:
        """One secret does not open anything."""
        self.turn(81)
        assert (await self.bring("ada")).status_code == 303
        await self.ask("", "GET", f"tenders/{self.tender}/opening", expect=404)

    async def second_officer(self) -> None:
        """Two do; the register is public; a second opening is refused."""
        assert (await self.bring("ben")).status_code == 303
        assert (await self.bring("ben")).status_code == 409
        register = (await self.ask("", "GET", f"tenders/{self.tender}/opening"))["register"]
        assert {each["supplier"] for each in register} == {self.cast.organisations[name] for name in self.receipts}
        for name in ("kestrel", "heron"):
            assert self.receipts[name]["envelope_sha256"] in [each["envelope_sha256"] for each in register]
            self.bids[name] = self.receipts[name]["bid"]

    # ── 9: evaluation, award, contract ──────────────────────────────────────────────────────────────────────────────

    async def evaluate(self) -> None:
        """The panel declares, reads without prices, marks and hands in."""
        self.turn(82)
        at = f"tenders/{self.tender}/evaluation"
        for who in ("cleo", "dan"):
            await self.ask("ada", "POST", f"{at}/panel", {"person": self.cast.people[who]}, 201)
        for who in ("cleo", "dan"):
            seen = (await self.ask(who, "GET", at))["declaration"]["etag"]
            await self.ask(who, "PUT", f"{at}/declaration", {"declared": True}, seen=seen)
        for who, points in (("cleo", 80), ("dan", 84)):
            for name, bid in self.bids.items():
                content = await self.ask(who, "POST", f"{at}/bids/{bid}/read")
                assert content["price_minor"] is None
                marks = [
                    {"criterion": ref, "points": points if name == "heron" else 70, "reason": "With evidence."}
                    for ref in content["answers"]
                ]
                await self.ask(who, "PUT", f"{at}/bids/{bid}/marks", {"marks": marks}, seen=content["etag"])
        for who in ("cleo", "dan"):
            await self.ask(who, "POST", f"{at}/submit")

    async def decide(self) -> None:
        """The bid that ranks first gets the lot; the other lot had no bid."""
        self.turn(83)
        at = f"tenders/{self.tender}/evaluation/lots/{self.lots[0]['ref']}"
        ranking = await self.ask("ada", "GET", f"{at}/ranking")
        first = next(each for each in ranking["placed"] if each["rank"] == 1)
        assert first["bid"] == self.bids["heron"]
        reasons = {"reasons": "Heron shows how soon and how sure an alarm is, at the lowest price."}
        wrong = await self.refused("ada", "POST", f"{at}/decision", {**reasons, "winner": self.bids["kestrel"]})
        assert wrong
        self.award = await self.ask("ada", "POST", f"{at}/decision", {**reasons, "winner": self.bids["heron"]}, 201)
        assert self.award["supplier"] == self.cast.organisations["heron"]
        again = await self.refused("ada", "POST", f"{at}/decision", {**reasons, "winner": self.bids["heron"]})
        assert again
        shown = await self.ask("", "GET", f"awards/{self.award['ref']}")
        assert shown["ranking"]["placed"][0]["total"] >= shown["ranking"]["placed"][1]["total"]

    def _contract(self) -> dict[str, Any]:
        return {
            "award": self.award["ref"],
            "begins_on": self.date(110),
            "ends_on": self.date(475),
            "milestones": [
                {"title": "The first street", "due_on": self.date(140), "amount_minor": 2_000_000},
                {"title": "All eleven streets", "due_on": self.date(300), "amount_minor": 4_000_000},
            ],
        }

    async def draw_up(self) -> None:
        """Not within the standstill; after it, once."""
        self.turn(84)
        held = await self.refused("ada", "POST", "contracts", self._contract())
        assert any("standstill" in code for code in held), held
        self.moment = datetime.fromisoformat(self.award["standstill_ends_at"]) + HOUR
        self.contract = await self.ask("ada", "POST", "contracts", self._contract(), 201)
        await self.refused("ada", "POST", "contracts", self._contract())

    async def sign_contract(self) -> None:
        """Both sides sign the same bytes; signing twice or other bytes is refused."""
        at = f"contracts/{self.contract['ref']}"
        given_sign = {"digest": self.contract["digest"], "agreed": True}
        await self.refused("heron", "POST", f"{at}/signatures", {"digest": "0" * 64, "agreed": True})
        await self.ask("heron", "POST", f"{at}/signatures", given_sign, 201)
        await self.refused("heron", "POST", f"{at}/signatures", given_sign)

    async def countersign(self) -> None:
        """With the second signature it is in force."""
        at = f"contracts/{self.contract['ref']}"
        done = await self.ask(
            "ada", "POST", f"{at}/signatures", {"digest": self.contract["digest"], "agreed": True}, 201
        )
        assert done["buyer_signed_at"]
        assert done["supplier_signed_at"]
        self.contract = done

    async def deliver(self) -> None:
        """The supplier delivers the first milestone."""
        self.turn(140)
        first = self.contract["milestones"][0]["ref"]
        at = f"contracts/{self.contract['ref']}/milestones/{first}"
        await self.ask("heron", "POST", f"{at}/delivery", {"note": "The first street speaks."}, 201)

    async def accept(self) -> None:
        """The buyer accepts: the money is owed."""
        self.turn(141)
        first = self.contract["milestones"][0]["ref"]
        at = f"contracts/{self.contract['ref']}/milestones/{first}"
        self.contract = await self.ask("ada", "POST", f"{at}/acceptance", expect=201)
        assert self.contract["milestones"][0]["obligation"]

    async def release_milestone(self) -> None:
        """Not by the one who accepted; by a finance officer."""
        self.turn(142)
        owed = self.contract["milestones"][0]["obligation"]
        await self.ask("ada", "POST", f"payments/{owed}/release", expect=404)
        await self.ask("fay", "POST", f"payments/{owed}/release")

    async def milestone_paid(self) -> None:
        """It is paid and confirmed."""
        self.turn(143)
        owed = self.contract["milestones"][0]["obligation"]
        await self.work(owed)
        paid = await self.ask("", "GET", f"payments/{owed}")
        assert paid["state"] == "paid"
        await self.ask("heron", "POST", f"payments/{paid['payment']}/confirm")
        self.contract = await self.ask("", "GET", f"contracts/{self.contract['ref']}")
        assert self.contract["milestones"][0]["paid_at"]
        assert self.contract["milestones"][0]["confirmed_at"]


class Inside(Journey):
    """The journey inside this task: the clock is frozen round every request, and the worker's jobs run when asked."""

    def __init__(self, people: Cast, app: Litestar) -> None:
        super().__init__(people)
        self.client = given.browser(app)
        self.under_the_lock: list[str] = []

    async def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        with clock.at(self.moment):
            sent = {"json": body} if path.startswith("/api/") else {"data": body}
            return await self.client.request(method, path, headers=headers, **sent)

    async def searchable(self) -> None:
        with clock.at(self.moment):
            await outbox.reindex()

    async def work(self, obligation: str = "") -> None:
        with clock.at(self.moment):
            await worker.once()


STEPS = (
    "draft_challenge",
    "publish_challenge",
    "ask_question",
    "answer_question",
    "apply",
    "declare_interests",
    "mark",
    "shortlist",
    "pitches",
    "release_fees",
    "fees_paid",
    "conclude",
    "draft_tender",
    "publish_tender",
    "refuse_at_the_gate",
    "ask_waiver",
    "sign_waiver",
    "tender_question",
    "seal_bids",
    "first_officer",
    "second_officer",
    "evaluate",
    "decide",
    "draw_up",
    "sign_contract",
    "countersign",
    "deliver",
    "accept",
    "release_milestone",
    "milestone_paid",
)
"""The steps in their order; whoever is killed is killed between two of them."""
