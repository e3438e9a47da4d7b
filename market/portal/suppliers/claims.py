"""A supplier claims the record that imports made of it, after it proved control: by a code that went to an address on
record, or before an operator.

The address is one that notices gave for this supplier and for no other; the claimant sees it masked and can name none of
her own. A code is kept as its digest, counts for a time, and is worth nothing after five wrong ones. Granted, the firm
holds the record, with all spellings that are joined with it, until it is let go.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import Actor, Hat
from market.audit.actions import record
from market.columns import ALPHABET, new_ref
from market.db import find, many, transaction
from market.letters.actions import write
from market.portal import rules
from market.portal.intake import names
from market.portal.sameness import matching
from market.portal.sameness.grouping import hold, joined_with
from market.portal.suppliers import resolving
from market.portal.tables import ImportedSupplier, SupplierClaim
from market.reads import row, rows, the
from market.refusals import NotFound, Refused, insist, refusals
from market.web.limits import Limit, spend
from market.wording import N_, _

GOOD_FOR = {"email": timedelta(days=7), "post": timedelta(days=30)}
"""How long a code counts."""

BY_FIRM = Limit("claims-firm", 10, 86400)
BY_ADDRESS = Limit("claims-address", 3, 86400)

Way = Annotated[
    str,
    Meta(
        title=N_("How to prove it"),
        pattern="^(operator|(email|post):[0-9a-f]{12})$",
        description="One of the record's ways",
        examples=["operator", "email:5b1a9c0d2e3f"],
    ),
]


class Claiming(msgspec.Struct, forbid_unknown_fields=True):
    """A claim: by which firm (empty for the only one), how it is proved, and what an operator can check."""

    way: Way
    statement: Annotated[str, Meta(title=N_("How an operator can see that it is yours"), max_length=4000)] = ""
    organisation: Annotated[str, Meta(title=N_("Your firm"), max_length=16)] = ""


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """The code of the letter; gaps, dashes and small letters do not matter."""

    code: Annotated[str, Meta(title="Code", min_length=1, max_length=40, examples=["7KQ4-M2XP"])]


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """An operator's decision with its reason, which the claimant reads."""

    grant: Annotated[bool, Meta(title=N_("Whether the record is theirs"))]
    reason: Annotated[str, Meta(title="Why", min_length=10, max_length=2000)]


class Letting(msgspec.Struct, forbid_unknown_fields=True):
    """Why a record is let go."""

    reason: Annotated[str, Meta(title="Why", min_length=10, max_length=2000)]


@dataclass(frozen=True, slots=True)
class Offered:
    """One way to prove control: its name, and the address as far as the claimant may see it."""

    way: str
    kind: str
    masked: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A letter to be posted: the claim, the address, and the code, which is shown this once."""

    claim: SupplierClaim
    firm: Organisation
    record: ImportedSupplier
    lines: list[str]
    code: str


async def ways_of(group: Sequence[int]) -> list[Offered]:
    """How control over a record can be proved. An address that another record has too reaches nobody in particular."""
    return [Offered(each.way, each.kind, each.masked) for each in await _addresses(group)]


async def ask(actor: Actor, ref: str, given: Claiming) -> SupplierClaim:
    """Claim a record for one's firm. By e-mail the code is sent at once; by post an operator prints it."""
    hat = await _firm(actor, given.organisation)
    await spend(BY_FIRM, str(hat.organisation))
    async with transaction():
        await hold()
        one = await shown(ref)
        await the(int, "SELECT id FROM imported_supplier WHERE id = {} FOR UPDATE", one.id)
        group = sorted(await joined_with(one.id, "supplier_merge"))
        firm = await find(Organisation, Organisation.id == hat.organisation)
        addresses = await _addresses(group)
        reasons = [
            *refusals((rules.nobody_holds_it,), await holder_of(group), firm.id),
            *refusals((rules.not_asked_yet,), await _waiting(group, firm.id)),
            *refusals((rules.numbers_agree,), names.identifier(firm.scheme, firm.identifier), await numbers_of(group)),
            *refusals((rules.way_is_open,), given.way, ["operator", *(each.way for each in addresses)]),
            *refusals((rules.statement_is_given,), given.way, given.statement),
        ]
        if reasons:
            raise Refused(*reasons)
        chosen = next((each for each in addresses if each.way == given.way), None)
        claim = SupplierClaim(
            supplier=one.id,
            organisation=firm.id,
            way=chosen.kind if chosen else "operator",
            statement=given.statement.strip(),
            address=chosen.address if chosen else "",
            asked_at=clock.now(),
            asked_by=actor.must_be_person(),
        )
        await claim.save()
        if claim.way == "email":
            await _send(claim)
        else:
            await _tell_operators("portal/claim-waits.txt", claim=claim, one=one, firm=firm)
        await _record(
            actor, "claim.asked", claim, hat,
            facts={"way": claim.way}, private={"statement": claim.statement},
        )  # fmt: skip
    return claim


async def prove(actor: Actor, ref: str, given: Code) -> SupplierClaim:
    """Type the code. A wrong one is counted, whatever else happens."""
    now, wrong = clock.arrived(), False
    async with transaction():
        await hold()
        claim, hat = await _own(actor, ref)
        insist(rules.OPEN, claim)
        insist((rules.code_was_sent,), claim)
        insist((rules.code_in_time,), claim, now)
        insist((rules.tries_are_left,), claim)
        if hmac.compare_digest(claim.code_hash, _digest(claim.ref, given.code)):
            await _grant(actor, claim, hat, None, "")
        else:
            wrong, claim.tries = True, claim.tries + 1
            await claim.save([SupplierClaim.tries])
    insist((rules.code_is_right,), not wrong, rules.MOST_TRIES - claim.tries)
    return claim


async def send_again(actor: Actor, ref: str) -> SupplierClaim:
    """Send another code to the same address; the one before counts no more."""
    async with transaction():
        claim, hat = await _own(actor, ref)
        insist(rules.SEND_AGAIN, claim)
        await _send(claim)
        await _record(actor, "claim.code-sent", claim, hat, {"way": claim.way})
    return claim


async def print_letter(actor: Actor, ref: str) -> Printed:
    """As an operator, make the letter that goes by post. Its code is shown this once; printed again it is another one."""
    hat = actor.must_wear("operator")
    async with transaction():
        claim = await find(SupplierClaim, SupplierClaim.ref == ref, lock=True)
        insist(rules.PRINT, claim)
        insist((rules.not_her_own,), claim.organisation, actor.organisations())
        one, firm = await sides(claim)
        code = await _new_code(claim)
        await _record(actor, "claim.code-sent", claim, hat, {"way": claim.way})
    return Printed(claim, firm, one, claim.address.split("\n"), code)


async def decide(actor: Actor, ref: str, given: Verdict) -> SupplierClaim:
    """As an operator, say whether the record is theirs."""
    hat = actor.must_wear("operator")
    async with transaction():
        await hold()
        claim = await find(SupplierClaim, SupplierClaim.ref == ref, lock=True)
        insist(rules.OPEN, claim)
        insist((rules.not_her_own,), claim.organisation, actor.organisations())
        if given.grant:
            await _grant(actor, claim, hat, actor.person, given.reason)
        else:
            claim.granted, claim.answered_at, claim.answered_by = False, clock.now(), actor.person
            claim.reason = given.reason
            await claim.save(
                [SupplierClaim.granted, SupplierClaim.answered_at, SupplierClaim.answered_by, SupplierClaim.reason]
            )
            await _tell_firm("portal/claim-refused.txt", claim)
            await _record(actor, "claim.refused", claim, hat, private={"reason": given.reason})
    return claim


async def withdraw(actor: Actor, ref: str) -> SupplierClaim:
    """Take one's claim back."""
    async with transaction():
        claim, hat = await _own(actor, ref)
        insist(rules.OPEN, claim)
        claim.withdrawn_at = clock.now()
        await claim.save([SupplierClaim.withdrawn_at])
        await _record(actor, "claim.withdrawn", claim, hat)
    return claim


async def release(actor: Actor, ref: str, given: Letting) -> SupplierClaim:
    """Let a record go: as its holder, or as an operator who learnt that it was not theirs. It can be claimed again."""
    async with transaction():
        await hold()
        claim = await find(SupplierClaim, SupplierClaim.ref == ref, lock=True)
        hat = actor.wears("supplier-admin", organisation=claim.organisation) or actor.wears("operator")
        if hat is None:
            raise NotFound("claim")
        insist(rules.RELEASE, claim)
        claim.released_at, claim.released_by, claim.release_reason = clock.now(), actor.must_be_person(), given.reason
        await claim.save([SupplierClaim.released_at, SupplierClaim.released_by, SupplierClaim.release_reason])
        await _tell_firm("portal/claim-released.txt", claim)
        await _record(actor, "claim.released", claim, hat, private={"reason": given.reason})
    return claim


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def shown(ref: str) -> ImportedSupplier:
    """The record with this reference; that of a spelling is the one it is shown under."""
    one = await find(ImportedSupplier, ImportedSupplier.ref == ref)
    return one if one.shown_as is None else await find(ImportedSupplier, ImportedSupplier.id == one.shown_as)


async def holder_of(group: Sequence[int]) -> int | None:
    """The organisation that holds a record, told by all its spellings; None when nobody does."""
    return await row(
        int,
        """
        SELECT organisation FROM supplier_claim
        WHERE supplier = ANY({}::int[]) AND granted AND released_at IS NULL
        ORDER BY answered_at LIMIT 1
        """,
        list(group),
    )


class _Number(msgspec.Struct, frozen=True):
    scheme: str
    identifier: str


async def numbers_of(group: Sequence[int]) -> list[tuple[str, str]]:
    """The register numbers that a record's spellings have."""
    numbers = await rows(
        _Number,
        """
        SELECT DISTINCT scheme, identifier FROM imported_supplier
        WHERE id = ANY({}::int[]) AND identifier <> '' ORDER BY scheme, identifier
        """,
        list(group),
    )
    return [(each.scheme, each.identifier) for each in numbers]


async def seen_by(actor: Actor, ref: str) -> SupplierClaim:
    """A claim, for the firm that made it and for operators and auditors; to others it does not exist."""
    claim = await find(SupplierClaim, SupplierClaim.ref == ref)
    if actor.wears("operator", "auditor") is None:
        actor.must_wear("supplier-admin", "supplier-member", organisation=claim.organisation, secret=True)
    return claim


class Listed(msgspec.Struct, frozen=True):
    """A claim in a list: the record, the firm, and how it stands."""

    ref: str
    way: str
    asked_at: datetime
    granted: bool | None
    withdrawn_at: datetime | None
    released_at: datetime | None
    record: str
    record_ref: str
    firm: str
    firm_ref: str


LISTED = """
SELECT c.ref, c.way, c.asked_at, c.granted, c.withdrawn_at, c.released_at, s.name AS record, s.ref AS record_ref,
    o.name AS firm, o.ref AS firm_ref
FROM supplier_claim c
JOIN imported_supplier s ON s.id = c.supplier
JOIN organisation o ON o.id = c.organisation
"""


async def waiting() -> list[Listed]:
    """What operators have to decide or post, the longest waiting first."""
    return await rows(
        Listed,
        LISTED + "WHERE c.answered_at IS NULL AND c.withdrawn_at IS NULL AND c.way <> 'email' ORDER BY c.id LIMIT 100",
    )


async def made_by(organisations: Sequence[int]) -> list[Listed]:
    """The claims of these firms, newest first."""
    return await rows(
        Listed, LISTED + "WHERE c.organisation = ANY({}::int[]) ORDER BY c.id DESC LIMIT 100", list(organisations)
    )


def state(granted: bool | None, withdrawn_at: datetime | None, released_at: datetime | None) -> str:
    """How a claim stands, in a word."""
    if released_at is not None:
        return "let go"
    if withdrawn_at is not None:
        return "withdrawn"
    return "waits" if granted is None else "granted" if granted else "refused"


def masked(claim: SupplierClaim) -> str:
    """The address the code goes to, as far as the claimant may see it."""
    return {"email": _masked, "post": _place}[claim.way](claim.address) if claim.address else ""


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Address:
    way: str
    kind: str
    address: str
    masked: str


class _Contacts(msgspec.Struct, frozen=True):
    emails: list[str]
    addresses: list[str]


async def _addresses(group: Sequence[int]) -> list[_Address]:
    contacts = await rows(
        _Contacts,
        "SELECT emails, addresses FROM imported_supplier WHERE id = ANY({}::int[]) ORDER BY id",
        list(group),
    )
    emails = dict.fromkeys(email for each in contacts for email in each.emails)
    posts = dict.fromkeys(address for each in contacts for address in each.addresses)
    shared = await rows(
        str,
        """
        SELECT DISTINCT unnest(emails) AS email FROM imported_supplier
        WHERE NOT id = ANY({}::int[]) AND emails && {}::text[]
        """,
        list(group),
        list(emails),
    )
    taken = set(shared)
    found = [_Address(_way("email", each), "email", each, _masked(each)) for each in emails if each not in taken]
    return [*found, *(_Address(_way("post", each), "post", each, _place(each)) for each in posts)]


def _way(kind: str, address: str) -> str:
    return f"{kind}:{hashlib.sha256(address.encode()).hexdigest()[:12]}"


def _masked(email: str) -> str:
    local, _, domain = email.partition("@")
    return f"{local[0]}…@{domain}"


def _place(address: str) -> str:
    """The last lines of a postal address, without the street."""
    return ", ".join(address.split("\n")[1:])


async def _firm(actor: Actor, ref: str) -> Hat:
    """The firm for which somebody acts: the one she names, or her first."""
    actor.must_be_person()
    if not ref:
        return actor.must_wear("supplier-admin")
    return actor.must_wear("supplier-admin", organisation=(await find(Organisation, Organisation.ref == ref)).id)


async def _own(actor: Actor, ref: str) -> tuple[SupplierClaim, Hat]:
    claim = await find(SupplierClaim, SupplierClaim.ref == ref, lock=True)
    return claim, actor.must_wear("supplier-admin", organisation=claim.organisation, secret=True)


async def _waiting(group: Sequence[int], organisation: int) -> str | None:
    return await row(
        str,
        """
        SELECT ref FROM supplier_claim
        WHERE supplier = ANY({}::int[]) AND organisation = {} AND answered_at IS NULL AND withdrawn_at IS NULL
        """,
        list(group),
        organisation,
    )


def _digest(ref: str, code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(f"{ref}\n{plain}".encode()).hexdigest()


async def _new_code(claim: SupplierClaim) -> str:
    code, now = "".join(secrets.choice(ALPHABET) for _ in range(8)), clock.now()
    claim.code_hash, claim.tries = _digest(claim.ref, code), 0
    claim.code_sent_at, claim.code_until = now, now + GOOD_FOR[claim.way]
    await claim.save(
        [SupplierClaim.code_hash, SupplierClaim.tries, SupplierClaim.code_sent_at, SupplierClaim.code_until]
    )
    return f"{code[:4]}-{code[4:]}"


async def sides(claim: SupplierClaim) -> tuple[ImportedSupplier, Organisation]:
    """The record that is claimed, and the firm that claims it."""
    return (
        await find(ImportedSupplier, ImportedSupplier.id == claim.supplier),
        await find(Organisation, Organisation.id == claim.organisation),
    )


async def _send(claim: SupplierClaim) -> None:
    one, firm = await sides(claim)
    await spend(BY_ADDRESS, hashlib.sha256(claim.address.encode()).hexdigest())
    code = await _new_code(claim)
    await write(
        claim.address, one.name, "portal/claim-code.txt", secret=True,
        claim=claim, one=one, firm=firm, code=code, until=claim.code_until,
    )  # fmt: skip


async def _grant(actor: Actor, claim: SupplierClaim, hat: Hat, by: int | None, reason: str) -> None:
    one = await find(ImportedSupplier, ImportedSupplier.id == claim.supplier, lock=True)
    group = sorted(await joined_with(one.id, "supplier_merge"))
    insist((rules.nobody_holds_it,), await holder_of(group), claim.organisation)
    claim.granted, claim.answered_at, claim.answered_by, claim.reason = True, clock.now(), by, reason
    await claim.save(
        [SupplierClaim.granted, SupplierClaim.answered_at, SupplierClaim.answered_by, SupplierClaim.reason]
    )
    await _join_held(claim, one, clock.now())
    await _tell_firm("portal/claim-granted.txt", claim)
    await _record(
        actor, "claim.granted", claim, hat,
        facts={"way": claim.way, "by": "operator" if by else "code"}, private={"reason": reason} if reason else None,
    )  # fmt: skip


async def _join_held(claim: SupplierClaim, one: ImportedSupplier, now: datetime) -> None:
    """Show the records that one firm holds as one; an operator may take them apart again."""
    held = await rows(
        int,
        """
        SELECT DISTINCT supplier FROM supplier_claim
        WHERE organisation = {} AND granted AND released_at IS NULL AND supplier <> {}
        """,
        claim.organisation,
        one.id,
    )
    said = msgspec.json.encode(
        [matching.Evidence("claim.same", _("One supplier proved control of both."), 8.0)]
    ).decode()  # fmt: skip
    for supplier in held:
        first, second = sorted((supplier, int(one.id)))
        await many(
            "INSERT INTO supplier_merge (ref, one, other, score, evidence, at) VALUES ({}, {}, {}, 999, {}, {}) "
            "ON CONFLICT (one, other) DO NOTHING",
            new_ref("SM"), first, second, said, now,
        )  # fmt: skip
        await resolving.regroup([first])


async def _tell_firm(template: str, claim: SupplierClaim) -> None:
    one, firm = await sides(claim)
    await tell(
        firm.id, template, roles=("supplier-admin",), about=f"supplier:{firm.ref}", claim=claim, one=one, firm=firm
    )  # fmt: skip


async def _tell_operators(template: str, **facts: Any) -> None:
    for body in await rows(int, "SELECT id FROM organisation WHERE kind = 'operator' ORDER BY id"):
        await tell(body, template, roles=("operator",), **facts)


async def _record(
    actor: Actor,
    verb: str,
    claim: SupplierClaim,
    hat: Hat,
    facts: dict[str, Any] | None = None,
    private: dict[str, Any] | None = None,
) -> None:
    one, firm = await sides(claim)
    await record(
        actor,
        verb,
        f"claim:{claim.ref}",
        facts or {},
        private=private,
        about=[f"imported_supplier:{one.ref}", f"supplier:{firm.ref}"],
        organisation=hat.organisation_ref,
        announce=[f"supplier:{firm.ref}"],
    )


async def claim_of(group: Sequence[int]) -> SupplierClaim | None:
    """The granted claim by which a record is held."""
    claim = await row(
        int,
        """
        SELECT id FROM supplier_claim
        WHERE supplier = ANY({}::int[]) AND granted AND released_at IS NULL
        ORDER BY answered_at LIMIT 1
        """,
        list(group),
    )
    return None if claim is None else await find(SupplierClaim, SupplierClaim.id == claim)
