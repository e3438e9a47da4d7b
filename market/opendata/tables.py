"""What was published as open contracting data: every release as its bytes, and each process compiled."""

from piccolo.columns import BigInt, Serial, Varchar
from piccolo.table import Table

from market.columns import several, when, words


class Release(Table):
    """One release, exactly as it was published. Written by one job in the order of the log, so that `id` is an order in
    which a reader can follow without missing any."""

    id: Serial
    key = Varchar(length=80, unique=True)
    """The release id: the event it announces."""
    ocid = Varchar(length=80, index=True)
    event = BigInt(unique=True)
    """The seq of the event it announces."""
    at = when(index=True)
    tags = several()
    body = words()


class Process(Table):
    """One contracting process: all its releases merged. `last` is its newest release's id and moves it to the end of the
    list of records whenever something happens."""

    id: Serial
    ocid = Varchar(length=80, unique=True)
    subject = Varchar(length=40, unique=True)
    """`challenge:…` or `tender:…`"""
    last = BigInt(unique=True)
    changed_at = when()
    compiled = words()
