"""Budgets as they are read: how much each is, what is promised from it, and its story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from market import clock, workdays
from market.actor import Actor
from market.budgets import rules
from market.budgets.tables import Level, Line, Listed, Use
from market.reads import row, rows, the

_LISTED = """
SELECT b.id, b.ref, b.body, o.ref AS body_ref, o.name AS body_name, b.year, b.purpose, b.currency, b.created_at,
  l.amount_minor, e.reserved_minor, e.committed_minor, COALESCE((
    SELECT sum(ob.amount_minor) FROM obligation ob
    WHERE ob.about IN (SELECT about FROM budget_entry WHERE budget = b.id UNION SELECT part FROM budget_entry WHERE budget = b.id)
      AND EXISTS (SELECT 1 FROM payment p WHERE p.obligation = ob.id AND p.state = 'paid')
  ), 0)::bigint AS paid_minor, l.opened_at, l.closed_at, l.waiting
FROM budget b JOIN organisation o ON o.id = b.body, LATERAL (
  SELECT COALESCE(sum(CASE WHEN kind = 'lower' THEN -amount_minor ELSE amount_minor END)
      FILTER (WHERE approved_at IS NOT NULL), 0)::bigint AS amount_minor,
    min(approved_at) FILTER (WHERE kind = 'open') AS opened_at, min(approved_at) FILTER (WHERE kind = 'close') AS closed_at,
    COALESCE(min(ref) FILTER (WHERE approved_at IS NULL AND left_at IS NULL), '') AS waiting
  FROM budget_line WHERE budget = b.id
) l, LATERAL (
  SELECT COALESCE(sum(amount_minor) FILTER (WHERE kind = 'reserved'), 0)::bigint AS reserved_minor,
    COALESCE(sum(amount_minor) FILTER (WHERE kind = 'committed'), 0)::bigint AS committed_minor
  FROM budget_entry WHERE budget = b.id
) e
"""


def today() -> date:
    """The day by which financial years are judged."""
    return workdays.local_day(clock.now())


async def listed(bodies: Sequence[int] | None) -> list[Listed]:
    """The budgets of these bodies (ids), or of all: the latest year first, then the newest."""
    return await rows(
        Listed,
        _LISTED + "WHERE {}::int[] IS NULL OR b.body = ANY({}::int[]) ORDER BY b.year DESC, b.id DESC LIMIT 500",
        *[list(bodies) if bodies is not None else None] * 2,
    )


async def one(ref: str) -> Listed:
    """The budget of this reference; NotFound without one."""
    return await the(Listed, _LISTED + "WHERE b.ref = {}", ref)


async def by_id(budget: int | None) -> Listed | None:
    """The budget of this id, None for None."""
    return None if budget is None else await row(Listed, _LISTED + "WHERE b.id = {}", budget)


async def known(body: int, ref: str) -> int | None:
    """The id of a budget of this body (its id) that is named by its reference, None where none is named. Refused: one that is
    not of the body, or that does not exist."""
    if not ref:
        return None
    found = await rows(int, "SELECT id FROM budget WHERE ref = {} AND body = {}", ref, body)
    if not found:
        raise rules.UNKNOWN.refused()
    return found[0]


async def naming(budget: int | None, body: int, currency: str, needed_minor: int) -> rules.Naming:
    """What the rules judge of a draft of this body (its id) that names this budget (its id)."""
    return rules.Naming(await by_id(budget), body, currency, needed_minor, today())


async def to_name(body: int, currency: str) -> list[tuple[str, str]]:
    """The budgets that a draft of this body may name, as options: reference, and what each is with what is left."""
    day = today()
    return [
        (each.ref, f"{each.ref}: {each.purpose}, {rules.year_words(each.year)}, {each.left}")
        for each in await listed([body])
        if rules.may_be_named(each, currency, day)
    ]


async def lines_of(budget: int) -> list[Line]:
    """The lines of a budget (its id), oldest first."""
    return await rows(
        Line,
        """
        SELECT l.ref, l.kind, l.amount_minor, l.reason, l.proposed_at, p.name AS proposer, l.approved_at,
          COALESCE(a.name, '') AS approver, l.left_at, COALESCE(x.name, '') AS leaver
        FROM budget_line l JOIN person p ON p.id = l.proposed_by LEFT JOIN person a ON a.id = l.approved_by
        LEFT JOIN person x ON x.id = l.left_by WHERE l.budget = {} ORDER BY l.id
        """,
        budget,
    )


async def uses_of(budget: int) -> list[Use]:
    """What each challenge and tender takes from a budget (its id), the first first."""
    return await rows(
        Use,
        """
        SELECT about, COALESCE(sum(amount_minor) FILTER (WHERE kind = 'reserved'), 0)::bigint AS reserved_minor,
          COALESCE(sum(amount_minor) FILTER (WHERE kind = 'committed'), 0)::bigint AS committed_minor
        FROM budget_entry WHERE budget = {} GROUP BY about ORDER BY min(id)
        """,
        budget,
    )


async def levels(about: str) -> list[Level]:
    """What each part of a challenge or tender (`kind:reference`) takes from its budget now."""
    return await rows(
        Level,
        """
        SELECT budget, about, part, COALESCE(sum(amount_minor) FILTER (WHERE kind = 'reserved'), 0)::bigint AS reserved_minor,
          COALESCE(sum(amount_minor) FILTER (WHERE kind = 'committed'), 0)::bigint AS committed_minor
        FROM budget_entry WHERE about = {} GROUP BY budget, about, part ORDER BY min(id)
        """,
        about,
    )


async def of_record(about: str) -> Listed | None:
    """The budget that a published challenge or tender (`kind:reference`) is paid from; None for one published before budgets
    were asked for."""
    found = await levels(about)
    return await by_id(found[0].budget) if found else None


def bodies_of(actor: Actor) -> list[int] | None:
    """Whose budgets a person's list shows: those of her bodies; None, which is all, for auditors and operators."""
    return None if actor.wears("auditor", "operator") else actor.organisations()
