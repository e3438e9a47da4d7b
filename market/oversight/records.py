"""The auditor's walk: one record, the thread it hangs on, every event beside it, what it grew from and what grew from it —
and a check of all that, explained in words."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from market import clock
from market.audit import proofs
from market.audit.tables import Link, Stored
from market.audit.thread import Step, thread
from market.audit.titles import titles_of
from market.kinds import KINDS, address
from market.oversight.contracts import Found, one_contract
from market.oversight.log import READ, Entry, Read, cursor, in_words
from market.proof import canonical, chain, signing
from market.reads import row, rows, the
from market.refusals import NotFound
from market.wording import _, _n

PAGE: Final = 200

VISIBLE: Final = (
    "(CASE WHEN e.sealed_by LIKE 'opening:tender:%' THEN EXISTS (SELECT 1 FROM event o WHERE o.verb = 'tender.opened' "
    "AND o.subject = substr(e.sealed_by, 9)) WHEN e.sealed_by LIKE 'opening:challenge:%' THEN EXISTS (SELECT 1 FROM event o "
    "WHERE o.verb = 'challenge.shortlisted' AND o.subject = substr(e.sealed_by, 9)) WHEN e.sealed_by LIKE 'follower:%' "
    "THEN EXISTS (SELECT 1 FROM event o WHERE o.verb = 'tender.opened' AND o.subject = 'tender:' || substr(e.sealed_by, 10)) "
    "ELSE true END)"
)
"""Whether an auditor may see the event `e`: all, except that nobody at all may see how many bid or applied, or who follows
a tender, before the bids are opened or the short list is made."""


@dataclass(frozen=True, slots=True)
class Related:
    """A record on the same line: its kind in words, its name, its page here and its public page."""

    kind: str
    subject: str
    title: str
    walk: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Walk:
    """One record as an auditor sees it. `after` is where the next page of its events begins, None on the last."""

    subject: str
    title: str
    href: str | None
    steps: list[Step]
    events: list[Entry]
    after: int | None
    related: list[Related]
    contract: Found | None
    private: int
    """How many of its events (on all pages) were done by a person, who is named there by reference only, or have private facts."""


def place(subject: str) -> str:
    """The auditor's page of a record."""
    kind, _, ref = subject.partition(":")
    return f"/audit/records/{kind}/{ref}"


async def walk(subject: str, after: int = 0) -> Walk:
    """One record with what belongs beside it; 404 for one the log does not know (or may not tell of yet)."""
    found = await rows(
        Read,
        f"{READ} WHERE e.about @> {{}}::text[] AND e.seq > {{}} AND {VISIBLE} ORDER BY e.seq LIMIT {{}}",
        [subject],
        cursor(after),
        PAGE + 1,
    )
    if not found and not after:
        raise NotFound("Record")
    events = await in_words(found[:PAGE])
    private = await the(
        int,
        f"""
        SELECT count(*) FILTER (WHERE e.private_body IS NOT NULL OR e.actor LIKE 'P-%')
        FROM event e WHERE e.about @> {{}}::text[] AND {VISIBLE}
        """,  # noqa: S608 - constants
        [subject],
    )
    kind, _, ref = subject.partition(":")
    return Walk(
        subject=subject,
        title=(await titles_of({subject})).get(subject, ref),
        href=address(subject),
        steps=await thread(subject),
        events=events,
        after=events[-1].seq if len(found) > PAGE else None,
        related=await related(subject),
        contract=await one_contract(ref) if kind == "contract" else None,
        private=private,
    )


async def related(subject: str) -> list[Related]:
    """What the record grew from and what grew from it, by kind in the order of the walk; at most a few hundred.

    A contract or a payment names its tender; what the tender rests on (its exercise, its waiver, the opening and the bids) is
    on the same line, and so is what the exercise taught.
    """
    near = await _beside([subject])
    tenders = [each for each in {subject, *near} if each.startswith("tender:")]
    near |= await _beside(tenders, "challenge", "waiver", "opening", "bid")
    near |= await _beside([each for each in {subject, *near} if each.startswith("challenge:")], "insight_report")
    found = [each for each in near - {subject} if each.partition(":")[0] in KINDS]
    titles = await titles_of(set(found))
    order = list(KINDS)
    found.sort(key=lambda each: (order.index(each.partition(":")[0]), each))
    return [
        Related(
            KINDS[each.partition(":")[0]].heading,
            each,
            titles.get(each) or each.partition(":")[2],
            place(each),
            address(each),
        )
        for each in found
    ]


async def _beside(subjects: list[str], *kinds: str) -> set[str]:
    """The records that stand beside any of these in an event an auditor may see; only of these kinds, when some are named."""
    if not subjects:
        return set()
    beside = await rows(
        str,
        f"""
        SELECT DISTINCT other FROM event e, unnest(e.about) other
        WHERE e.about && {{}}::text[] AND {VISIBLE}
            AND (cardinality({{}}::text[]) = 0 OR split_part(other, ':', 1) = ANY({{}}::text[]))
        ORDER BY other LIMIT 300
        """,  # noqa: S608 - constants
        subjects,
        list(kinds),
        list(kinds),
    )
    return set(beside)


class _Private(msgspec.Struct, frozen=True):
    seq: int
    private_body: str | None
    name: str | None


async def private_facts(events: Sequence[Entry]) -> list[tuple[int, dict[str, Any]]]:
    """What is private about these events, by seq: the name of the person who acted, and the facts that are not in the public
    body. The caller has written down who read them and why."""
    kept = await rows(
        _Private,
        """
        SELECT e.seq, e.private_body, p.name FROM event e LEFT JOIN person p ON p.ref = e.actor
        WHERE e.seq = ANY({}::bigint[]) AND (e.private_body IS NOT NULL OR p.id IS NOT NULL) ORDER BY e.seq
        """,
        [each.seq for each in events],
    )
    found = []
    for each in kept:
        facts = {"person": each.name} if each.name else {}
        if each.private_body:
            facts |= canonical.decode(each.private_body.encode())
        facts.pop("salt", None)
        if facts:
            found.append((each.seq, facts))
    return found


# ── checking ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: whether it holds, what was found in words, and the number to compare, if any."""

    holds: bool
    says: str
    detail: str | None = None


@dataclass(slots=True)
class Checked:
    """What checking a record found."""

    at: datetime
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything holds."""
        return all(each.holds for each in self.checks)


async def segment(subject: str) -> tuple[int, int, list[int]]:
    """The first and last seq of a record's events that an auditor may see, and all of them."""
    mine = await rows(
        int,
        f"SELECT e.seq FROM event e WHERE e.about @> {{}}::text[] AND {VISIBLE} ORDER BY e.seq",  # noqa: S608 - constants
        [subject],
    )
    if not mine:
        raise NotFound("Record")
    return mine[0], mine[-1], mine


async def before(seq: int) -> tuple[int, str]:
    """The (seq, hash) an event follows: the one before it, or the beginning of the log."""
    if seq <= 1:
        return 0, chain.GENESIS
    link = await row(Link, "SELECT seq, hash FROM event WHERE seq = {}", seq - 1)
    return (link.seq, link.hash) if link else (seq - 1, "")


async def stretch(first: int, last: int) -> AsyncIterator[list[Stored]]:
    """The events from `first` to `last`, in batches."""
    async for batch in proofs.events(first - 1):
        kept = [event for event in batch if event.seq <= last]
        if kept:
            yield kept
        if len(kept) < len(batch):
            return


async def check(subject: str) -> Checked:
    """Recompute what the log says of a record from its first event to its last, and the documents it names."""
    first, last, mine = await segment(subject)
    made = Checked(clock.now())
    after = await before(first)
    seen = 0
    broken: chain.Break | None = None
    async for batch in stretch(first, last):
        report = chain.verify(map(proofs.as_row, batch), after=after)
        seen, after, broken = seen + report.events, (report.seq, report.hash), report.broken
        if broken is not None:
            break
    if broken is not None:
        made.checks.append(Check(False, broken.words))
    else:
        made.checks.append(
            Check(
                True,
                _n(
                    "We recomputed every event from {first} to {last}: {events}, of which {number} stands beside this "
                    "record. Each follows from the one before it, and what each says, in public and in private, is "
                    "what was written then.",
                    "We recomputed every event from {first} to {last}: {events}, of which {number} stand beside this "
                    "record. Each follows from the one before it, and what each says, in public and in private, is "
                    "what was written then.",
                    len(mine),
                    first=first,
                    last=last,
                    events=_n("{number:,} event", "{number:,} events", seen),
                ),
                after[1],
            )
        )
    made.checks += await _documents(subject)
    return made


class Document(msgspec.Struct, frozen=True):
    """A document whose digest the log names: of a contract, the register of a tender's opening, or a signed waiver."""

    kind: str
    ref: str
    text: str


async def documents(subject: str) -> list[Document]:
    """The documents on the record's line, by kind and reference."""
    line = {subject, *(each.subject for each in await related(subject))}
    refs = [sorted(each.partition(":")[2] for each in line if each.startswith(f"{kind}:")) for kind in _NAMED_AS]
    return await rows(
        Document,
        """
        SELECT 'contract' AS kind, ref, document AS text FROM contract WHERE ref = ANY({}::text[])
        UNION ALL
        SELECT 'tender', t.ref, o.register FROM opening o JOIN tender t ON t.id = o.tender WHERE t.ref = ANY({}::text[])
        UNION ALL
        SELECT 'waiver', ref, bundle FROM waiver WHERE bundle <> '' AND ref = ANY({}::text[])
        ORDER BY kind, ref
        """,
        *refs,
    )


_NAMED_AS: Final = {
    "contract": ("contract.drawn-up", "document_sha256"),
    "tender": ("tender.opened", "register_sha256"),
    "waiver": ("waiver.granted", "bundle"),
}
"""The event, and the fact in it, that names the digest of each kind's document."""


async def _documents(subject: str) -> list[Check]:
    checks: list[Check] = []
    for document in await documents(subject):
        ref = document.ref
        named = await _named(document)
        if document.kind == "contract":
            checks.append(_same(_("The document of contract {ref}", ref=ref), document.text, named))
        elif document.kind == "tender":
            checks.append(_same(_("The register of opening of tender {ref}", ref=ref), document.text, named))
            checks.append(await _register_is_whole(ref, document.text))
        else:
            checks.append(_signature(ref, document.text, named))
    return checks


async def _named(document: Document) -> str:
    """The digest that the log names of this document; '' when it names none."""
    verb, fact = _NAMED_AS[document.kind]
    body = await row(
        str,
        "SELECT body FROM event WHERE subject = {} AND verb = {} ORDER BY seq DESC LIMIT 1",
        f"{document.kind}:{document.ref}",
        verb,
    )
    return str(canonical.decode(body.encode()).get(fact, "")) if body else ""


def _same(what: str, text: str, named: str) -> Check:
    digest = hashlib.sha256(text.encode()).hexdigest()
    if not named:
        return Check(False, _("{what} is not named by any event of the log.", what=what), digest)
    if digest != named:
        return Check(False, _("{what} is not the one whose fingerprint the log names.", what=what), digest)
    return Check(True, _("{what} has the fingerprint that the log names.", what=what), digest)


class _Sent(msgspec.Struct, frozen=True):
    at: datetime
    organisation: str
    verb: str
    subject: str
    body: str


async def _register_is_whole(ref: str, register: str) -> Check:
    """Whether the register names exactly the envelopes that counted by what the log says of each when it was sealed."""
    events = await rows(
        _Sent,
        """
        SELECT at, organisation, verb, subject, body FROM event
        WHERE verb IN ('bid.sealed', 'bid.withdrawn') AND about @> {}::text[] ORDER BY seq
        """,
        [f"tender:{ref}"],
    )
    sent = []
    for event in events:
        said = canonical.decode(event.body.encode())
        arrived = datetime.fromisoformat(said["received_at"]) if "received_at" in said else event.at
        kept = (event.subject, said["envelope_sha256"]) if event.verb == "bid.sealed" else ("", "")
        sent.append((arrived, said["lot"], event.organisation, kept))
    last: dict[tuple[str, str], tuple[str, str]] = {}
    for _at, lot, supplier, kept in sorted(sent, key=lambda each: each[0]):
        last[lot, supplier] = kept
    counted = {each for each in last.values() if each[0]}
    named = {(f"bid:{each['bid']}", each["envelope_sha256"]) for each in canonical.decode(register.encode())}
    lost, added = sorted(counted - named), sorted(named - counted)
    if lost or added:
        wrong = ", ".join(dict.fromkeys(subject.partition(":")[2] for subject, _digest in (*lost, *added)))
        return Check(
            False,
            _(
                "The register of opening of tender {ref} and the log do not name the same bids: {wrong}.",
                ref=ref,
                wrong=wrong,
            ),
        )
    bids = _n("{number:,} bid", "{number:,} bids", len(named))
    return Check(
        True,
        _(
            "The register of opening of tender {ref} names {bids}: exactly those that the log says were "
            "sealed last and not withdrawn.",
            ref=ref,
            bids=bids,
        ),
    )


def _signature(ref: str, text: str, named: str) -> Check:
    try:
        bundle = signing.Bundle.from_text(text)
    except signing.NotABundle as error:
        return Check(False, _("Waiver {ref}: {error}", ref=ref, error=error))
    report = signing.examine(bundle)
    failed = [each.sentence for each in report.checks if not each.passed]
    if failed:
        return Check(
            False,
            _("The signature under waiver {ref} does not hold. {failed}", ref=ref, failed=" ".join(failed)),
            bundle.digest(),
        )
    if bundle.digest() != named:
        return Check(
            False, _("The signature under waiver {ref} holds, but the log names another.", ref=ref), bundle.digest()
        )
    return Check(
        True,
        _(
            "The minister's signature under waiver {ref} holds ({checks} checks of the passkey's own "
            "data), and the log names it.",
            ref=ref,
            checks=len(report.checks),
        ),
        bundle.digest(),
    )
