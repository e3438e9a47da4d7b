"""What the web floor keeps: allowances against guessing and flooding, and what was sent, so that it is done once."""

from piccolo.columns import Bytea, Real, Varchar
from piccolo.table import Table

from market.columns import when


class Allowance(Table):
    """A token bucket shared by all processes: how many `tries` the key has left, and when that was reckoned."""

    key = Varchar(length=200, primary_key=True)
    tries = Real(default=0.0, null=False)
    at = when()


class Posted(Table):
    """Something that was sent with a token of its own and acted on: see `market.web.once`. Deleted after a day."""

    key = Varchar(length=64, primary_key=True)
    """SHA-256 of whose it is, where it went and its token; the token itself is not kept."""
    body = Varchar(length=64)
    """SHA-256 of what was sent."""
    attempt = Varchar(length=16)
    """Which of two requests at the same moment did it."""
    at = when(index=True)
    answer = Bytea(null=True, default=None)
    """What was answered, encrypted with a key that follows from the token; NULL until it went out."""
