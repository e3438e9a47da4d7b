"""Column defaults that are safe for records of law and money: keys never cascade, moments are aware, refs are unguessable."""

from __future__ import annotations

import secrets
from typing import Any

from piccolo.columns import (
    Array,
    BigInt,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    OnDelete,
    OnUpdate,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and capitals without look-alikes: what references are spelt with."""


def belongs_to(table: type[Table] | str, *, index: bool = True) -> ForeignKey[Any]:
    """A key that must be there, and whose target cannot be deleted or renumbered while this row points at it."""
    return ForeignKey(table, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict, index=index)


def may_belong_to(table: type[Table] | str, *, index: bool = False) -> ForeignKey[Any]:
    """A key that may be absent; like :func:`belongs_to` it never cascades."""
    return ForeignKey(
        table, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict, index=index
    )


def new_ref(prefix: str) -> str:
    """A fresh public reference such as `T-7KQ4M2X`: seven letters of an alphabet without look-alikes (about 34 bits), so
    that it can be read over the telephone and tells nobody how many records there are."""
    return f"{prefix}-" + "".join(secrets.choice(ALPHABET) for _ in range(7))


class Reference(Varchar):
    """The public name of a row: unique, made by :func:`new_ref` when the row is made, and what URLs carry."""

    value_type = str

    def __init__(self, prefix: str = "R", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs = {"length": 16, "unique": True, "null": False, "default": "", **kwargs, "prefix": prefix}
        super().__init__(**kwargs)

    @property
    def column_type(self) -> str:
        """A plain VARCHAR in the database."""
        return "VARCHAR(16)"

    @property
    def ddl(self) -> str:
        """Without a default: one in the database would give every row the same name."""
        return super().ddl.partition(" DEFAULT ")[0]

    def get_default_value(self) -> Any:
        """A fresh reference for each row made in memory."""
        return new_ref(self.prefix)


def reference(prefix: str) -> Any:
    """The column of a row's public reference, such as `T-7KQ4M2X` for the prefix `T`."""
    return Reference(prefix=prefix)


def words(default: str = "") -> Text:
    """Text of any length; empty rather than NULL when nothing was said."""
    return Text(default=default, null=False)


def maybe_words() -> Text:
    """Text that may be absent, where absence means something else than empty."""
    return Text(default=None, null=True)


def moment(*, index: bool = False) -> Timestamptz:
    """An aware moment (UTC) that has not come yet while it is NULL."""
    return Timestamptz(null=True, default=None, index=index)


def when(*, index: bool = False) -> Timestamptz:
    """An aware moment (UTC) that every row has; the action sets it from the clock."""
    return Timestamptz(null=False, default=None, index=index, required=True)


def day() -> Date:
    """A calendar day that may be absent."""
    return Date(null=True, default=None)


def minor_units() -> BigInt:
    """An amount in minor units of the row's `currency`; zero when nothing was said."""
    return BigInt(default=0, null=False)


def maybe_minor_units() -> BigInt:
    """An amount in minor units that may be unknown."""
    return BigInt(default=None, null=True)


def currency() -> Varchar:
    """An ISO 4217 code; pounds sterling unless said otherwise."""
    return Varchar(length=3, default="GBP", null=False)


def number(default: int = 0) -> Integer:
    """A whole number."""
    return Integer(default=default, null=False)


def maybe_number() -> Integer:
    """A whole number that may be unknown."""
    return Integer(default=None, null=True)


def yes_or_no(default: bool = False) -> Boolean:
    """True or false, never unknown."""
    return Boolean(default=default, null=False)


def several() -> Array:
    """A list of short texts (codes, regions); empty rather than NULL."""
    return Array(base_column=Text(), default=list, null=False)


def maybe_several() -> Array:
    """A list of short texts; NULL in rows from before it was kept."""
    return Array(base_column=Text(), default=None, null=True)


def octets() -> Bytea:
    """Bytes exactly as they came."""
    return Bytea(null=False, default=b"")
