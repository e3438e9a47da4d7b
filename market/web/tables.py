"""What the web floor keeps: allowances against guessing and flooding."""

from piccolo.columns import Real, Varchar
from piccolo.table import Table

from market.columns import when


class Allowance(Table):
    """A token bucket shared by all processes: how many `tries` the key has left, and when that was reckoned."""

    key = Varchar(length=200, primary_key=True)
    tries = Real(default=0.0, null=False)
    at = when()
