"""The log with its tree, and the outbox: what happened, for ever, and what must still be told."""

from datetime import datetime

import msgspec
from piccolo.columns import BigInt, ForeignKey, OnDelete, OnUpdate, Serial, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from market.columns import belongs_to, maybe_words, moment, number, several, when, words


class Event(Table):
    """One thing somebody did, linked to the event before it (see `market.proof.chain`). Never changed, never deleted: a
    trigger refuses both.

    `body` is canonical JSON and public; it names persons and bodies by reference only. What is personal or sealed stands
    in `private_body` (salted), whose SHA-256 is inside `body`: the chain can be checked by people who may not read it.
    """

    id: Serial
    seq = BigInt(unique=True)
    """1, 2, 3 … without a gap."""
    at = when(index=True)
    actor = Varchar(length=16, index=True)
    """The person's reference, or `system`, or `public` for somebody not signed in."""
    organisation = Varchar(length=16, default="", null=False)
    """The reference of the body the person acted for; empty when for nobody."""
    verb = Varchar(length=60, index=True)
    """`noun.past-participle`, such as `tender.published`."""
    subject = Varchar(length=40, index=True)
    """`kind:reference` of the record it happened to."""
    about = several()
    """Every `kind:reference` this event belongs beside, the subject first."""
    body = words()
    private_body = maybe_words()
    body_digest = Varchar(length=64)
    hash = Varchar(length=64, unique=True)
    sealed_by = Varchar(length=40, default="", null=False)
    """`opening:tender:reference` or `publication:kind:reference`: until then the public sees only seq and hash."""


class Stored(msgspec.Struct, frozen=True):
    """An event with all that is stored of it."""

    seq: int
    at: datetime
    actor: str
    organisation: str
    verb: str
    subject: str
    about: list[str]
    body: str
    body_digest: str
    private_body: str | None
    hash: str
    sealed_by: str


class Link(msgspec.Struct, frozen=True):
    """What the next event names of the one before it, and a head of the last."""

    seq: int
    hash: str


LAST = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
"""The last event, as a :class:`Link`."""


class LogKey(Table):
    """The key this log's checkpoints are signed with, written down with the first: another key is another log. One row."""

    id: Serial
    key = words()
    """The public key as it is published, `name+number+base64`; the name is the log's origin."""
    begun_at = when()


class TreeNode(Table):
    """A complete subtree whose hash stands in a tile above the lowest: `level` 1 covers 256 events, 2 covers 65,536 … Those of
    level 0 are made from the events themselves. Append-only."""

    id: Serial
    level = number()
    place = BigInt()
    hash = Varchar(length=64)
    a_node_stands_once = Unique(["level", "place"])


class Checkpoint(Table):
    """A signed state of the tree. Append-only: no size is signed twice."""

    id: Serial
    size = BigInt(unique=True)
    root = Varchar(length=64)
    edge = several()
    """The hashes of its largest complete subtrees, from the left: from here the tree grows on."""
    note = words()
    """The signed note, without cosignatures."""
    signed_at = when()


class PublishedCheckpoint(Table):
    """That a checkpoint is kept outside of the database, and may be shown from now on. Append-only."""

    id: Serial
    checkpoint = ForeignKey(
        Checkpoint, null=False, unique=True, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict, index=False
    )
    published_at = when()


class Cosignature(Table):
    """What a witness signed: at that moment this was the longest state of this log that it had seen. Append-only."""

    id: Serial
    checkpoint = belongs_to(Checkpoint)
    witness = words()
    """The witness's public key as it was then."""
    seen_at = when()
    """The witness's own moment, which it signed."""
    line = words()
    received_at = when()
    a_word_is_kept_once = Unique(["checkpoint", "witness", "seen_at"])


class Outbox(Table):
    """A record whose public face may have changed: to be told to search, feeds and alerts. Carries ids only; the row is
    read when the entry is drained, so repeats and reorderings converge."""

    id: Serial
    subject = Varchar(length=40, index=True)
    verb = Varchar(length=60)
    at = when()
    tried = number()
    failure = words()
    done_at = moment(index=True)
