"""Given …: the rows a test starts from, made with believable defaults; whatever matters to the test is said in the test."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeVar, get_args

import httpx
import msgspec
from litestar import Litestar
from piccolo.table import Table

from market import clock, drafts
from market.accounts.invitations import InvitationDraft
from market.accounts.scopes import SCOPES
from market.accounts.sessions import COOKIE, actor_of, begin, digest, new_token
from market.accounts.tables import ApiToken, MailDomain, Membership, Organisation, Passkey, Person, Session
from market.actor import SYSTEM, Actor, Role
from market.budgets import rules as budgets
from market.budgets.tables import Budget, BudgetLine, Listed
from market.confirming.tables import PreparedAct
from market.db import find, maybe
from market.hands import rules as hands
from market.hands.readers import doing
from market.missions.tables import Mission
from market.panels.actions import Interests
from market.panels.panel import Member
from market.refusals import refusals
from market.reviewing.matters import matter_of, seen_of
from market.reviews import actions as reviews
from market.reviews import rules as review_rules
from market.seed.authenticator import Authenticator, to64
from market.settings import settings
from market.tenders import actions as tenders
from market.tenders.changes import proposals
from market.tenders.changes.actions import Change
from market.tenders.drafts import actions as drafting
from market.tenders.evidence import Effort, Learnt, accept_evidence
from market.tenders.tables import Addendum, Tender
from market.web import crossing
from search.precedents.actions import subject_of

TODAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning without a bank holiday near it; freeze it with `clock.at(given.TODAY)`."""

_count = iter(range(1, 1_000_000))


T = TypeVar("T", bound=Table)
S = TypeVar("S", bound=msgspec.Struct)


def row(table: type[T], **facts: Any) -> T:
    """A row in memory, for rules: only what the test says, the columns' defaults for the rest, no database."""
    return table(_ignore_missing=True, **facts)


def facts(kind: type[S], /, **said: Any) -> S:
    """What rules look at, in memory: only what the test says; None for the rest where that may be, else the type's empty value."""
    rest = [each for each in msgspec.structs.fields(kind) if each.name not in said]
    return kind(**said, **{each.name: None if type(None) in get_args(each.type) else each.type() for each in rest})


async def filled(client: httpx.AsyncClient, path: str, typed: Mapping[str, Any], at: str = "") -> httpx.Response:
    """Open the page `at` (the form's own address unless said otherwise), type, and send its form to `path` as a browser
    would, with the hidden field that says what was opened."""
    page = (await client.get(at or path)).text
    hidden = re.search(r'name="version" value="(\w*)"', page)
    return await client.post(path, data={**({"version": hidden[1]} if hidden else {}), **typed})


async def as_is(kind: type[msgspec.Struct], table: type[Table], ref: str) -> str:
    """What a change of these fields of a record is written from when it is read now."""
    return drafts.version(kind, await maybe(table, table.ref == ref))  # type: ignore[attr-defined]


async def seen(kind: type[msgspec.Struct], *rows: Table) -> str:
    """What a change of these fields is written from when the rows are read now."""
    for each in rows:
        await each.refresh()
    return drafts.version(kind, *rows)


def declared(member: Member | None) -> str:
    """What a member's declaration is written from now; for who has no seat, as if there were something."""
    return drafts.version(Interests, member.seat) if member else "0" * 20


async def organisation(name: str = "", kind: str = "buyer", tier: str = "central", **facts: Any) -> Organisation:
    """A body; a central department unless said otherwise."""
    number = next(_count)
    row = Organisation(
        name=name or f"{'Department' if kind == 'buyer' else kind.title()} {number}",
        kind=kind,
        tier=tier if kind == "buyer" else "",
        created_at=clock.now(),
        **facts,
    )
    await row.save()
    return row


async def supplier(name: str = "", **facts: Any) -> Organisation:
    """A small firm with a company number."""
    number = next(_count)
    given = {
        "scheme": "GB-COH",
        "identifier": f"{number:08d}",
        "employees": 12,
        "turnover_minor": 90_000_000,
        "region": "Yorkshire and the Humber",
        **facts,
    }
    return await organisation(name or f"Small Firm {number} Ltd", kind="supplier", **given)


async def stranger(called: str, name: str = "") -> Person:
    """Somebody with an account who belongs to no body; `called` so with a number, unless a name is said."""
    number = next(_count)
    row = Person(name=name or f"{called} {number}", email=f"person{number}@{number}.example", created_at=clock.now())
    await row.save()
    return row


async def person(organisation: Organisation, role: Role, name: str = "", title: str = "") -> Actor:
    """Somebody with that role in that body, as the actor that actions want."""
    row = await stranger(role.title(), name)
    await Membership.insert(
        Membership(
            person=row.id,
            organisation=organisation.id,
            role=role,
            title=title,
            since=datetime(2020, 1, 1, tzinfo=UTC),
        )
    )
    return touched(await actor_of(row.id, "password"))


ALWAYS = datetime(2100, 1, 1, tzinfo=UTC)
"""When the key of a test's person was used: just now, whatever the test's clock says."""


def touched(actor: Actor) -> Actor:
    """The same person, who has just signed in and used her passkey."""
    return replace(actor, proved_at=ALWAYS, touched_at=ALWAYS)


async def also(actor: Actor, organisation: Organisation, role: Role) -> Actor:
    """The same person with another role, in that body."""
    await Membership.insert(
        Membership(person=actor.person, organisation=organisation.id, role=role, since=datetime(2020, 1, 1, tzinfo=UTC))
    )
    assert actor.person is not None
    return touched(await actor_of(actor.person, "password"))


async def domain(body: Organisation, name: str) -> MailDomain:
    """A domain of a body, proposed by one operator and confirmed by another."""
    team = await organisation(kind="operator")
    one, other = await person(team, "operator"), await person(team, "operator")
    row = MailDomain(
        organisation=body.id,
        domain=name,
        evidence="The register of public bodies names it.",
        proposed_by=one.person,
        proposed_at=clock.now(),
        confirmed_by=other.person,
        confirmed_at=clock.now(),
    )
    await row.save()
    return row


def invited(email: str, role: Role, name: str = "New Person") -> InvitationDraft:
    """An invitation that says all that a public body asks of one."""
    return InvitationDraft(
        email,
        role,
        name,
        ground="She has worked beside me since March.",
        paper="Contract of employment of 2 March 2026",
    )


async def minister(department: Organisation, name: str = "Helena Marchbanks") -> tuple[Actor, Authenticator]:
    """A minister in office with a passkey on record, and the device that holds its other half."""
    actor = await person(department, "minister", name, "Minister for Places")
    device = Authenticator(origin=settings().site_url, rp_id=settings().host)
    challenge = b"a challenge of the registration, 32"
    answer = device.register(challenge)
    await Passkey.insert(
        Passkey(
            person=actor.person,
            name="Key",
            credential_id=to64(device.credential_id),
            public_key=device.public_key,
            registration=json.dumps(
                {
                    "attestation_object": answer["response"]["attestationObject"],
                    "client_data_json": answer["response"]["clientDataJSON"],
                    "challenge": to64(challenge),
                    "bound_by": "Registered in a test.",
                }
            ),
            created_at=datetime(2020, 6, 1, tzinfo=UTC),
        )
    )
    return replace(actor, method="passkey"), device


async def mission(owner: Organisation, **facts: Any) -> Mission:
    """A published mission of a department."""
    given = {
        "title": "Safe bridges without closing roads",
        "statement": "Every bridge is inspected every year.",
        "begins_on": date(2026, 1, 1),
        "ends_on": date(2030, 12, 31),
        "published_at": clock.now(),
        **facts,
    }
    row = Mission(owner=owner.id, created_at=clock.now(), **given)
    await row.save()
    return row


async def budget(
    body: Organisation, minor: int = 10**12, year: int | None = None, currency: str = "GBP", approved: bool = True
) -> Budget:
    """A budget of a body, of ten thousand million unless said otherwise, for the present financial year: proposed by one and
    approved by another, as those acts leave it."""
    row = Budget(
        body=body.id,
        year=budgets.year_of(clock.now().date()) if year is None else year,
        purpose="What this body buys",
        currency=currency,
        created_at=clock.now(),
    )
    await row.save()
    one, other = await stranger("Proposer"), await stranger("Approver")
    await BudgetLine.insert(
        BudgetLine(
            budget=row.id,
            kind="open",
            amount_minor=minor,
            proposed_at=clock.now(),
            proposed_by=one.id,
            approved_at=clock.now() if approved else None,
            approved_by=other.id if approved else None,
        )
    )
    return row


def naming(needed_minor: int = 0, **facts_: Any) -> budgets.Naming:
    """A draft of the body 1 that names an approved budget of ten thousand million pounds, in memory."""
    stated = {
        "ref": "BU-1",
        "body": 1,
        "year": 2026,
        "currency": "GBP",
        "amount_minor": 10**12,
        "created_at": TODAY,
        "opened_at": TODAY,
        "waiting": "",
        **facts_,
    }
    return budgets.Naming(facts(Listed, **stated), 1, "GBP", needed_minor, TODAY.date())


CODES = ["35125100", "71700000"]
"""Sensors and monitoring services: nothing of it is a commodity."""

QUALITY = drafting.CriterionDraft("What the crew will know", 60, "quality", "How soon, and how sure, is an alarm?")
PRICE = drafting.CriterionDraft("Price for five years", 40, "price")


@dataclass
class Tendering:
    """A tender with the two officers who drafted it, and their opening codes in the order of `officers`."""

    tender: Tender
    buyer: Organisation
    officers: list[Actor]
    codes: list[str]

    @property
    def ref(self) -> str:
        """The tender's reference."""
        return str(self.tender.ref)

    async def publish(self) -> Tender:
        """Publish it as the first officer, read by a second person as it is now."""
        await approved("tender", self.ref, self.officers[0], self.officers[1])
        self.tender = await tenders.publish(self.officers[0], self.ref)
        return self.tender


async def changed(officers: Sequence[Actor], ref: str, change: Change, confirmed: Collection[str] = ()) -> Addendum:
    """Change a running tender as the first officer; what takes two people the second one approves."""
    sent = await proposals.send(officers[0], ref, change, confirmed)
    return sent if isinstance(sent, Addendum) else await proposals.approve(officers[1], ref, str(sent.ref))


SAME = "Forty towns have the gullies that were tried, of the same iron, and the same streets that flood after rain."
"""Why a need is the one that was explored, at the length the policy asks for."""


ENOUGH = Effort(pitches=3, pitches_least=2, measures=1, statement="", falls_short="")
"""What an exercise rests on that opens the gate."""


async def exercise(
    buyer: Organisation,
    reference: str = "CH-SENSORS",
    codes: list[str] | None = None,
    outcome: Literal["go", "change", "stop"] = "go",
    follow_on_minor: int | None = 100_000_000,
    payer: Organisation | None = None,
    effort: Effort = ENOUGH,
) -> str:
    """Evidence that this body concluded an exercise today, with a follow-on of a million that it pays for itself unless said
    otherwise; answers its reference."""
    await accept_evidence(
        SYSTEM,
        ground="exercise",
        reference=reference,
        buyer=buyer.id,
        cpv=codes or CODES,
        signed_by="The buyer",
        completed_at=clock.now(),
        learnt=Learnt(
            outcome=outcome,
            title="We learn that a drain is blocked when the street floods",
            problem="Crews empty gullies by the calendar; half of the visits find nothing.",
            reasons="It met its target.",
            follow_on_minor=follow_on_minor,
            currency="GBP",
            route="tender",
            payer=(payer or buyer).id,
            effort=effort,
        ),
    )
    return reference


LOOKED = "Three reports on gullies were found; none of them speaks of our streets."
"""What a drafter says of others' work, at the length the policy asks for."""


async def looked(kind: str, ref: str, drafter: Actor) -> None:
    """The drafter looked who has done it already, as the search leaves it."""
    subject = await subject_of(kind, ref)
    assert drafter.person is not None
    await reviews.keep_answer(
        subject.id,
        subject.buyer,
        drafter.person,
        text=subject.text,
        found=0,
        answer="nothing",
        reason=f"{LOOKED} {ref}",
    )


async def approved(kind: str, ref: str, drafter: Actor, reviewer: Actor | None = None) -> None:
    """A draft that was looked for among others' work and approved as it is now, where it is not already: by `reviewer`, or by
    somebody else of the body when she wrote part of it; and by the innovation team where it reads it."""
    matter = await matter_of(kind, ref)
    ready = (await seen_of(matter)).ready
    if ready.looked is None or ready.looked.version != ready.words:
        await looked(kind, ref, drafter)
    if matter.published or not refusals((review_rules.a_second_person_approved, review_rules.the_team_approved), ready):
        return
    if reviewer is None or hands.both(await doing("approve-publication", reviewer.ref, matter.subject, matter.body)):
        body = await maybe(Organisation, Organisation.id == matter.body)
        assert body is not None
        reviewer = await person(body, "evaluator")
    await reviews.ask(drafter, matter, reviews.ReviewRequest(reviewer.ref))
    await reviews.approve(reviewer, matter, matter.version)
    if matter.team:
        team = await person(await organisation("The Innovation Team", kind="operator"), "operator")
        await reviews.approve(team, matter, matter.version)


async def tendering(
    buyer: Organisation | None = None,
    *,
    lots: int = 2,
    codes: list[str] | None = None,
    exercised: bool = True,
    title: str = "Sensors for road gullies",
) -> Tendering:
    """A draft that lacks nothing for publication, approved by the second officer: made through the actions, closing in 35 days of the clock's moment; its lots
    are worth £156,000 together, so that the rule binds a central buyer.
    With `exercised` False a central buyer's gate is still shut."""
    now = clock.now()
    body = buyer or await organisation()
    officers = [await person(body, "buyer"), await person(body, "buyer")]
    named = await exercise(body, f"CH-{next(_count):07d}", codes) if exercised and body.tier == "central" else ""
    new = drafting.NewTender(
        title,
        "Sensors that say when a gully stops draining.",
        codes or CODES,
        exercise=named,
        contract_kind="goods-services",
    )
    tender = await drafting.draft(officers[0], body.id, new)
    if named:
        origin = drafting.Origin(exercise=named, same_need=SAME)
        await drafting.explain_origin(officers[0], tender.ref, origin, drafts.version(drafting.Origin, tender))
        await tender.refresh()
    for number in range(1, lots + 1):
        wanted = drafting.LotDraft(f"Lot {number}", 15_600_000 // lots, codes or CODES, "Eleven streets", True)
        lot = await drafting.add_lot(officers[0], tender.ref, wanted)
        await drafting.add_criterion(officers[0], lot.ref, QUALITY)
        await drafting.add_criterion(officers[0], lot.ref, PRICE)
    closes = now + timedelta(days=35)
    begins, ends = (closes + timedelta(days=30)).date(), (closes + timedelta(days=1800)).date()
    dates = drafting.Dates(now + timedelta(days=14), closes, begins, ends)
    await drafting.set_dates(officers[0], tender.ref, dates, drafts.version(drafting.Dates, tender))
    reason = "" if lots > 1 else "One crew looks after all of it, with one tool."
    paid_from = drafting.Budget((await budget(body)).ref)
    await drafting.name_budget(officers[0], tender.ref, paid_from, drafts.version(drafting.Budget, tender))
    terms = drafting.Terms("Rights stay with the supplier.", "", None, reason)
    await drafting.set_terms(officers[0], tender.ref, terms, drafts.version(drafting.Terms, tender))
    secrets = []
    for officer in officers:
        await drafting.name_officer(officers[0], tender.ref, officer.ref)
        secrets.append((await drafting.enrol(officer, tender.ref)).code)
    await approved("tender", tender.ref, officers[0], officers[1])
    return Tendering(tender, body, officers, secrets)


async def origin(made: Tendering, exercise: str, same_need: str = SAME, what_changed: str = "") -> None:
    """The first officer names the exercise the draft comes from, and says why the need is the same."""
    said = drafting.Origin(exercise=exercise, same_need=same_need, what_changed=what_changed)
    await drafting.explain_origin(made.officers[0], made.ref, said, await as_is(drafting.Origin, Tender, made.ref))


class Client(httpx.AsyncClient):
    """A browser or a program. What binds is only prepared for a program: here its person confirms it at once, and the program
    is answered what the act answers, unless `confirms` is False."""

    confirms = True

    async def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        """Ask, and confirm what was prepared."""
        answer = await super().request(method, url, **more)
        return await confirmed(self, answer) if self.confirms else answer


async def confirmed(client: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """What the act answers that a program prepared, confirmed by its person on the page; anything else as it is."""
    if answer.status_code != 202 or "/me/prepared/" not in answer.headers.get("location", ""):
        return answer
    ref = answer.json()["ref"]
    row = await find(PreparedAct, PreparedAct.ref == ref)
    page = {**await _session(row.person), "accept": "text/html"}
    sent = client.build_request("POST", f"/prepared/{ref}/confirm", data={"digest": row.digest}, headers=page)
    for name in ("authorization", "cookie"):
        sent.headers.pop(name, None)
    sent.headers["cookie"] = page["cookie"]
    shown = await client.send(sent)
    await row.refresh()
    assert row.status is not None, f"{shown.status_code}: {shown.text[:2000]}"
    headers = {"content-type": "application/json" if row.status < 400 else "application/problem+json"}
    told = httpx.Response(row.status, content=row.answer or "", headers=headers, request=answer.request)
    told.elapsed = answer.elapsed
    return told


async def at_a_browser(ref: str) -> dict[str, str]:
    """The headers of a browser in which this person is signed in, with a key that was just used."""
    return await _session((await find(Person, Person.ref == ref)).id)


async def _session(person: int) -> dict[str, str]:
    session = await begin(person, "password", ALWAYS)
    # The clock of whoever is asked may be far from the test's.
    await Session.update({Session.expires_at: ALWAYS}).where(Session.token_hash == digest(session))
    return {
        "cookie": f"{crossing.cookie_name(COOKIE)}={session}",
        "x-csrf-token": crossing.token_for(digest(session)),
    }


def browser(app: Litestar, *, confirms: bool = True) -> Client:
    """A browser without scripts, talking to the app in this test's own task (so a frozen clock reaches the handlers)."""
    made = Client(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://localhost:8000",
        headers={"accept": "text/html", "origin": "http://localhost:8000"},
    )
    made.confirms = confirms
    return made


async def signed_in(
    client: httpx.AsyncClient, actor: Actor, method: str = "password", touched_at: datetime | None = ALWAYS
) -> httpx.AsyncClient:
    """The same browser, signed in, with a key that was just used unless said otherwise; posts of :func:`post` then carry the
    right form token."""
    assert actor.person is not None
    token = await begin(actor.person, method, touched_at)
    client.cookies.set(crossing.cookie_name(COOKIE), token)
    client.headers["x-csrf-token"] = crossing.token_for(digest(token))
    return client


async def token(actor: Actor, *scopes: str) -> dict[str, str]:
    """The headers of a program that acts as this person, within these scopes; within all of them when none is named."""
    assert actor.person is not None
    made = new_token("prelude_")
    await ApiToken.insert(
        ApiToken(
            person=actor.person,
            name="test",
            token_hash=digest(made),
            scopes=list(scopes or SCOPES),
            created_at=clock.now(),
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )
    )
    return {"authorization": f"Bearer {made}", "accept": "application/json"}
