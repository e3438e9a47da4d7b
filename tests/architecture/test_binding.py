"""Every act says whether it binds; those that do are refused without a key, and every door to them is described as it is."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from market.actor import Actor
from market.confirming.described import acts_of
from market.rulebook import ACTING, acts
from market.touch import ACTS, TouchNeeded
from tests.architecture.trees import SOURCES, parsed, place

IN_SOME_CASES = {
    "market.accounts.invitations.invite": "not into a firm (tests/market/confirming/test_touching.py)",
    "market.accounts.memberships.end": "not one's own, nor in a firm",
    "market.accounts.passkeys.register": "not the first, which who has just signed in makes",
}
"""Acts that bind in some cases: each asks for itself, and has its tests."""

DRAFTED = "a draft: nothing binds before it is published or approved"
OWN = "of one's own account or things: binds nobody else"
FIRM = "a firm's: whoever has no device must be able to apply, bid, deliver, complain and be paid"
JUDGED = "one opinion among several; the act that rests on it binds"
SAID = "said or looked at: binds nobody"
STOPS = "stops or holds back something: nobody is hurried into looking for a key"
WITHIN = "a part of an act that is asked, or of the platform's own"
SIGNED = "signed with a passkey, over the very words"
TENDED = "tends the copies of other portals, letters and services, and is mended as easily"

DOES_NOT_BIND = {
    "market.accounts.actions": OWN,
    "market.accounts.invitations": OWN,
    "market.admissions.actions.withdraw_domain": STOPS,
    "market.rulings.actions.propose": WITHIN,
    "market.rulings.actions.lapse": WITHIN,
    "market.waivers.delegations.actions.draft": DRAFTED,
    "market.waivers.delegations.actions.drop": DRAFTED,
    "market.waivers.delegations.actions.sign": SIGNED,
    "market.accounts.memberships.begin": WITHIN,
    "market.accounts.passkeys": OWN,
    "market.awards.actions.read_bid": SAID,
    "market.awards.actions.ask_about_price": SAID,
    "market.awards.actions.explain_price": FIRM,
    "market.awards.actions.complain": FIRM,
    "market.bids.confirmations.confirm": FIRM,
    "market.bids.reading": WITHIN,
    "market.budgets.counting.keep": WITHIN,
    "market.budgets.actions.propose": DRAFTED,
    "market.budgets.actions.change": DRAFTED,
    "market.budgets.actions.leave": STOPS,
    "market.builds.actions.draft": DRAFTED,
    "market.builds.actions.edit": DRAFTED,
    "market.confirming.actions": WITHIN,
    "market.contracts.actions.draw_up": DRAFTED,
    "market.contracts.actions.deliver": FIRM,
    "market.contracts.actions.refuse": STOPS,
    "market.contracts.changes.actions.propose": DRAFTED,
    "market.contracts.changes.actions.leave": STOPS,
    "market.confirming.paper": WITHIN,
    "market.mandates.actions.withdraw": STOPS,
    "market.missions.actions": DRAFTED,
    "market.oversight.actions": SAID,
    "market.panels.actions": JUDGED,
    "market.payments.actions.owe": WITHIN,
    "market.payments.actions.confirm": FIRM,
    "market.portal": TENDED,
    "market.postroom.actions": TENDED,
    "market.questions.actions": SAID,
    "market.standards.components.actions": FIRM,
    "market.standards.exemptions.actions.ask": SAID,
    "market.standards.exemptions.actions.refuse": STOPS,
    "market.standards.sanctions.actions.appeal": FIRM,
    "market.standards.sandboxes.actions": TENDED,
    "market.suppliers.actions": FIRM,
    "market.tenders.actions.ask": SAID,
    "market.tenders.actions.answer": SAID,
    "market.tenders.actions.follow": OWN,
    "market.tenders.changes.actions.publish": WITHIN,
    "market.tenders.changes.proposals": DRAFTED,
    "market.tenders.drafts.actions": DRAFTED,
    "market.tenders.evidence": WITHIN,
    "market.tenders.log": WITHIN,
    "market.waivers.actions.ask": SAID,
    "market.waivers.actions.withdraw": STOPS,
    "market.waivers.actions.sign": SIGNED,
    "market.waivers.reviews.actions.write": DRAFTED,
    "market.waivers.reviews.actions.sign": SIGNED,
    "challenges.actions.ask": SAID,
    "challenges.actions.answer": SAID,
    "challenges.applications.actions": FIRM,
    "challenges.drafts.actions": DRAFTED,
    "challenges.insights.actions": DRAFTED,
    "challenges.judging.actions": JUDGED,
    "challenges.pitches.actions": JUDGED,
    "challenges.quiet.actions.state": SAID,
    "market.reviews.actions.ask": SAID,
    "market.reviews.actions.ask_for_edits": STOPS,
    "search": OWN,
}
"""Acts, or all others of a module, that do not bind, and why."""


def functions() -> Iterator[str]:
    """Every public function that changes something, with who acts as its first argument."""
    for path in SOURCES:
        if "seed" in path.parts or path.name in ("pages.py", "api.py"):
            continue
        for node in parsed(path).body:
            if not isinstance(node, ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if [each.arg for each in node.args.args[:1]] != ["actor"]:
                continue
            called = {
                getattr(each.func, "id", getattr(each.func, "attr", ""))
                for each in ast.walk(node)
                if isinstance(each, ast.Call)
            }
            if called & {"record", "_record", "revise", "transaction"}:
                yield f"{place(path).removesuffix('.py').replace('/', '.')}.{node.name}"


def answered(name: str, table: dict[str, str]) -> bool:
    """Whether the table has this name, its module or a folder of it."""
    return any(name == each or name.startswith(f"{each}.") for each in table)


def test_every_act_says_whether_it_binds() -> None:
    binding = {act.name for act in acts()}
    assert len(binding) > 30
    unsaid = [name for name in functions() if name not in binding and not answered(name, DOES_NOT_BIND)]
    assert unsaid == [], "decorate it with @binds (market/touch.py), or say here why it binds nobody"
    assert sorted(binding & set(DOES_NOT_BIND)) == []


DECORATED = sorted({act.name for act in acts()} - set(IN_SOME_CASES))


@pytest.mark.parametrize("method", ["password", "passkey", "demo", "token"])
@pytest.mark.parametrize("name", DECORATED)
async def test_an_act_that_binds_is_refused_before_anything_else_happens(name: str, method: str) -> None:
    module, _, function = name.rpartition(".")
    act: Any = getattr(importlib.import_module(module), function)
    with pytest.raises(TouchNeeded) as refused:
        await act(Actor("P-1", "Somebody", 1, method=method))
    assert (refused.value.status, refused.value.act) == (403, ACTS[name])


def test_the_rule_book_finds_every_module_in_which_an_act_is_declared() -> None:
    declaring = {
        place(path).removesuffix(".py").replace("/", ".").rpartition(".")[2]
        for path in SOURCES
        if "from market.touch import" in path.read_text()
        and ("binds(" in path.read_text() or "declared(" in path.read_text())
    }
    assert declaring <= {*ACTING, "touch"}


def test_acts_that_bind_in_some_cases_are_few_and_known() -> None:
    bare = [name for name in ACTS if not hasattr(_function(name), "__wrapped__")]
    assert sorted(bare) == sorted(IN_SOME_CASES)


def _function(name: str) -> Any:
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def doors(app: Litestar) -> Iterator[tuple[str, HTTPRoute, HTTPRouteHandler]]:
    """Every method at every path, with its handler."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in sorted(route.route_handler_map.items()):
                yield method, route, handler


def test_every_door_to_an_act_that_binds_is_described_as_preparing_it_and_leads_to_no_secret(app: Litestar) -> None:
    paths = app.openapi_schema.to_schema()["paths"]
    wrong, reached = [], set()
    for method, route, handler in doors(app):
        found = acts_of(handler.fn)
        reached |= {act.name for act in found}
        if not handler.resolve_include_in_schema():
            continue
        said = "202" in paths[route.path_format][method.lower()]["responses"]
        if said != bool(found) or not all(act.prepared for act in found):
            wrong.append(f"{method} {route.path}: {[act.name for act in found]}")
    assert wrong == []
    assert sorted(set(ACTS) - reached) == [], "no page leads there"
