"""Who may come in at all. Every route names one of these (`public` included); what exactly she may do there is decided by
the action, which knows the record."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from market.actor import Actor, Role
from market.settings import settings

Connection = ASGIConnection[Any, Actor, Any, Any]


async def public(connection: Connection, handler: BaseRouteHandler) -> None:
    """Everybody, signed in or not."""


async def signed_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """Anybody with an account."""
    connection.user.must_be_person()


def reader(connection: Connection, handler: BaseRouteHandler) -> None:
    """Anybody with an account, for what was written to her; in demo mode everybody."""
    if not settings().demo:
        connection.user.must_be_person()


def _wearing(*roles: Role) -> Any:
    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        connection.user.must_be_person()
        connection.user.must_wear(*roles)

    guard.__name__ = "_or_".join(role.replace("-", "_") for role in roles)
    return guard


buyer = _wearing("buyer")
"""Buyer officers."""
buying_side = _wearing("buyer", "evaluator", "contract-manager")
"""Everybody on the buying side."""
paying_side = _wearing("finance-officer")
"""Those who approve budgets and release money."""
spending_side = _wearing("buyer", "finance-officer")
"""Those who propose what may be spent, and those who approve it."""
supplier = _wearing("supplier-admin", "supplier-member")
"""People of a supplier."""
supplier_admin = _wearing("supplier-admin")
"""Those who may invite and change the supplier's record."""
minister = _wearing("minister")
"""Ministers in office."""
auditor = _wearing("auditor")
"""People of the audit body."""
operator = _wearing("operator")
"""The standing innovation team."""
overseer = _wearing("auditor", "operator")
"""Auditors and operators."""
