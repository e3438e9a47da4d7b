"""What is kept of other portals: the sources, every item as it was published, what was made of it, and what is in doubt."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Bytea, Serial, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import (
    belongs_to,
    currency,
    may_belong_to,
    maybe_minor_units,
    moment,
    number,
    octets,
    reference,
    several,
    when,
    words,
    yes_or_no,
)
from market.kinds import KINDS


class Source(Table):
    """A portal that publishes notices. The rows follow `fixtures/reference/portal-sources.yaml`; only `every_hours`, which
    the operator sets, and what is reckoned after a run are kept here alone."""

    id: Serial
    ref = reference(KINDS["source"].prefix)
    name = Varchar(length=60, unique=True)
    """Short and stable: it is part of every notice's address."""
    title = words()
    url = words()
    """Where fetching begins; empty for a portal whose files are brought by hand."""
    home = words()
    """The portal's own front page, for people."""
    format = Varchar(length=8, default="ocds", null=False)
    """`ocds` or `table` (CSV by a mapping of `portal-tables.yaml`)."""
    mapping = Varchar(length=60, default="", null=False)
    cadence = words()
    """How often the portal itself publishes, in words."""
    every_hours = number()
    """How often it is fetched; 0 is by hand."""
    licence = words()
    licence_url = words()
    paging = words()
    """How one page leads to the next, as JSON: `{"by": "links.next"}`, `{"by": "cursor", …}` or empty for a single file."""
    notice_link = words()
    """The address of a notice at the portal, with `{ocid}` in it, for portals whose releases do not carry one."""
    quality = words()
    """The last quality report as JSON; see `market.portal.intake.quality.plain`."""
    quality_at = moment()


class ImportRun(Table):
    """One reading of one file, folder or address. The counts and the position are written with each batch, in the
    transaction that writes the batch, so a run that was killed goes on where its last batch ended."""

    id: Serial
    ref = reference(KINDS["import_run"].prefix)
    source = belongs_to(Source)
    origin = words()
    """The file, folder or address as it was named."""
    started_at = when(index=True)
    ended_at = moment()
    position = words()
    """How far it has come, as JSON; see `market.portal.intake.importing.Position`."""
    read = number()
    new = number()
    changed = number()
    unchanged = number()
    rejected = number()
    failure = words()
    """Why the run ended early, in plain words; empty when it came to the end."""


class RawItem(Table):
    """One release, record or table row exactly as it was published. Never altered, and nothing is published from it
    but through :class:`ImportedNotice`."""

    id: Serial
    source = belongs_to(Source, index=False)
    ocid = words()
    digest = Bytea(null=False, default=b"")
    """SHA-256 of the bytes as published."""
    content = octets()
    """Those bytes, zlib-compressed (RFC 1950)."""
    kind = Varchar(length=8)
    """`release`, `compiled`, `record`, or `row` for a row of a table."""
    package = words()
    """What the package around it said of itself, as JSON."""
    position = words()
    """Where it stood: file, archive member, place in the package."""
    fetched_at = when()

    an_item_is_kept_once = Unique(["source", "digest"])


class Quarantined(Table):
    """Something that could not be read, with its bytes, its place and the reason in plain words. When it has been mended
    the row stays and says so."""

    id: Serial
    ref = reference(KINDS["quarantined"].prefix)
    source = belongs_to(Source, index=False)
    run = belongs_to(ImportRun)
    digest = Bytea(null=False, default=b"")
    """SHA-256 of place, reason and bytes: the same defect is kept once however often it is read."""
    content = octets()
    """The bytes at fault, zlib-compressed; empty when there are none (a file of zero bytes)."""
    position = words()
    reason = words()
    kind = Varchar(length=8, default="", null=False)
    package = words()
    at = when()
    mended_at = moment(index=True)
    mended_by = may_belong_to(Person)

    a_defect_is_kept_once = Unique(["source", "digest"])


class ImportedNotice(Table):
    """One procurement at one portal, as all its releases together describe it. Everything in it follows from the raw items
    of the same source and ocid and can be made anew from them.

    `facts` is the public view (`market.portal.intake.notices.Notice`) as JSON; the columns beside it repeat what is asked for.
    """

    id: Serial
    ref = reference(KINDS["notice"].prefix)
    """Made from source and ocid, so that a notice keeps its address when it is imported anew elsewhere."""
    source = belongs_to(Source, index=False)
    ocid = words()
    title = words()
    buyer = words()
    value_minor = maybe_minor_units()
    currency = currency()
    published_at = moment()
    updated_at = moment(index=True)
    opens_at = moment()
    closes_at = moment()
    reached = Varchar(length=10)
    cancelled = yes_or_no()
    test = yes_or_no()
    facts = words()
    compiled = octets()
    """The OCDS compiled release as JSON, zlib-compressed."""
    history = words()
    """Each release in its order, as JSON: id, date, tags and what it changed."""
    notes = words()
    """What was mended on the way in, as JSON."""
    note_codes = several()
    changed_at = when()
    matched_at = moment()
    """When it was last compared with its likes; empty while that is still to do."""
    shown_as = may_belong_to("self", index=True)
    """The notice under which it is shown, when it is the same procurement; empty when it is shown itself."""

    a_procurement_is_kept_once_for_each_source = Unique(["source", "ocid"])


class NoticeKey(Table):
    """Under what a notice is filed so that its likes are found: notices without a common key are never compared."""

    id: Serial
    notice = belongs_to(ImportedNotice)
    source = belongs_to(Source, index=False)
    key = BigInt(index=True)
    """Of the SHA-256 of a key of `market.portal.sameness.matching.procurement_keys` the first eight bytes; even when the key is a
    number, which is the only thing that two notices of one portal are compared for."""


class Doubt:
    """What is kept of a question whether two are one, whatever they are: a person answers it, once."""

    score = number()
    """How likely they are the same, in thousandths."""
    evidence = words()
    """The reasons for and against, as JSON."""
    found_at = when()
    same = Boolean(null=True, default=None)
    """The answer; empty while nobody has decided."""
    answered_at = moment(index=True)
    answered_by = may_belong_to(Person)


class Joining:
    """What is kept of two that are shown as one. Undoing it is remembered, so that the same joining is not made again by
    itself."""

    score = number()
    evidence = words()
    at = when()
    by = may_belong_to(Person)
    """Who decided; empty when it followed from the two themselves."""
    undone_at = moment()
    undone_by = may_belong_to(Person)


class DoubtfulPair(Doubt, Table):
    """Two notices that may be one procurement: a person decides, once. The answer stands until she changes it."""

    id: Serial
    ref = reference("DP")
    one = belongs_to(ImportedNotice)
    other = belongs_to(ImportedNotice)

    a_pair_is_asked_about_once = Unique(["one", "other"])


class NoticeMerge(Joining, Table):
    """Two notices that are shown as one, and why. Undoing one shows them apart again and is remembered, so that the same
    merge is not made again by itself."""

    id: Serial
    ref = reference("NM")
    one = belongs_to(ImportedNotice)
    other = belongs_to(ImportedNotice)

    a_pair_is_merged_once = Unique(["one", "other"])


class ImportedSupplier(Table):
    """A supplier as notices of other portals name it: one spelling of name, number and place. Those that are one firm are
    shown as one, under the spelling that was met first; nothing is moved, so a joining can be undone."""

    id: Serial
    ref = reference(KINDS["imported_supplier"].prefix)
    """Made from the spelling, so that its address stays when it is imported anew elsewhere."""
    key = Bytea(null=False, default=b"", unique=True)
    """SHA-256 of the spelling: name, number and place."""
    name = words()
    scheme = Varchar(length=20, default="", null=False)
    """A register of org-id.guide; empty when no number on one was given."""
    identifier = words()
    place = words()
    scale = words()
    """`sme`, `micro`, `large` … as a portal says, empty when none does."""
    buyers = several()
    """For whom it worked, in plain words: a sign by which spellings are recognised."""
    cpv = several()
    """The kinds of work (CPV, three digits) it was awarded: another sign."""
    emails = several()
    """Addresses that notices name as its contact. Never shown: a code is sent there to who claims the record."""
    addresses = several()
    """Postal addresses that notices give, one text each; never shown but to the operator who posts a code."""
    first_seen_at = when()
    shown_as = may_belong_to("self", index=True)
    """The spelling under which it is shown; empty when it is shown itself."""


class SupplierMention(Table):
    """A notice that names a supplier by one of its spellings."""

    id: Serial
    supplier = belongs_to(ImportedSupplier, index=False)
    notice = belongs_to(ImportedNotice)

    a_notice_names_a_spelling_once = Unique(["supplier", "notice"])


class SupplierKey(Table):
    """Under what a spelling is filed so that its likes are found."""

    id: Serial
    supplier = belongs_to(ImportedSupplier)
    key = BigInt(index=True)
    """Of the SHA-256 of a key of `market.portal.suppliers.resolving.keys` the first eight bytes."""


class DoubtfulSuppliers(Doubt, Table):
    """Two spellings that may be one supplier: a person decides, once."""

    id: Serial
    ref = reference("DS")
    one = belongs_to(ImportedSupplier)
    other = belongs_to(ImportedSupplier)

    two_spellings_are_asked_about_once = Unique(["one", "other"])


class SupplierMerge(Joining, Table):
    """Two spellings that are shown as one supplier, and why. Undoing one is remembered, so that it is not made again."""

    id: Serial
    ref = reference("SM")
    one = belongs_to(ImportedSupplier)
    other = belongs_to(ImportedSupplier)

    two_spellings_are_merged_once = Unique(["one", "other"])


class SupplierClaim(Table):
    """A registered supplier says that a record made by imports is its own, and how it proves control: by a code sent to an
    address on record, or before an operator. Granted, it holds the record until it is let go."""

    id: Serial
    ref = reference(KINDS["claim"].prefix)
    supplier = belongs_to(ImportedSupplier)
    """The spelling under which the record was shown when it was claimed."""
    organisation = belongs_to(Organisation)
    way = Varchar(length=8)
    """`email`, `post` or `operator`."""
    statement = words()
    """What the claimant says for herself; for operators only."""
    address = words()
    """The address on record the code goes to; empty for an operator's check. Never shown to the claimant in full."""
    asked_at = when()
    asked_by = belongs_to(Person)
    code_hash = Varchar(length=64, default="", null=False)
    """SHA-256 of the claim's reference and the code; empty until a code was made."""
    code_sent_at = moment()
    code_until = moment()
    tries = number()
    """Wrong codes so far."""
    answered_at = moment(index=True)
    """When it was granted or refused."""
    granted = Boolean(null=True, default=None)
    answered_by = may_belong_to(Person)
    """The operator who decided; empty when the code did."""
    reason = words()
    """Why an operator granted or refused it."""
    withdrawn_at = moment()
    released_at = moment()
    """When a granted record was let go again."""
    released_by = may_belong_to(Person)
    release_reason = words()
