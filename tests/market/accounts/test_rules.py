"""The rules of accounts, on plain facts and rows in memory."""

from datetime import UTC, datetime

import pytest

from market.accounts import rules
from market.accounts.tables import Invitation, Membership
from market.actor import Actor, Hat, Role
from market.refusals import refusals
from market.rules import signed_in_with_a_passkey
from tests import given

JAN, FEB, MAR = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("seven wooden kites", []),
        ("Tr0ub4dor&3-staple", []),
        ("фиолетовый чайник", []),
        ("short but sweet", []),
        ("fourteen chars", ["password.too-short"]),
        ("aaaaaaaaaaaaaaaa", ["password.guessable"]),
        ("passwordpassword", ["password.guessable"]),
        ("123456789012345", ["password.guessable"]),
        ("987654321098765", ["password.guessable"]),
        ("abcdefghijklmnop", ["password.guessable"]),
        ("qwertyuiopasdfgh", ["password.guessable"]),
        ("Bartholomew Threepwood", ["password.guessable"]),
        ("bart@threepwood.example", ["password.guessable"]),
        ("ababab", ["password.too-short", "password.guessable"]),
        ("", ["password.too-short", "password.guessable"]),
    ],
)
def test_a_password_is_long_and_not_the_first_guess(password: str, codes: list[str]) -> None:
    known = ("Bartholomew Threepwood", "bart@threepwood.example")
    assert [refusal.code for refusal in refusals(rules.PASSWORD, password, known)] == codes


@pytest.mark.parametrize(
    ("office", "codes"),
    [
        (rules.Office("buyer", "central", "buyer", "", None, None), []),
        (rules.Office("buyer", "local", "evaluator", "", None, None), []),
        (rules.Office("supplier", "", "supplier-admin", "", None, None), []),
        (rules.Office("supplier", "", "buyer", "", None, None), ["membership.role-of-another-kind"]),
        (rules.Office("buyer", "local", "supplier-member", "", None, None), ["membership.role-of-another-kind"]),
        (rules.Office("audit", "", "operator", "", None, None), ["membership.role-of-another-kind"]),
        (rules.Office("buyer", "central", "minister", "Minister for Roads", JAN, None), []),
        (rules.Office("buyer", "central", "minister", "Minister for Roads", JAN, MAR), []),
        (
            rules.Office("buyer", "central", "minister", "", None, None),
            ["membership.title-missing", "membership.first-day-missing"],
        ),
        (rules.Office("buyer", "local", "minister", "Mayor", JAN, None), ["membership.minister-elsewhere"]),
        (rules.Office("buyer", "central", "minister", "M", FEB, FEB), ["membership.ends-before-it-begins"]),
    ],
)
def test_an_office_fits_its_body_and_has_its_title_and_dates(office: rules.Office, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.INVITE, office)] == codes


def wearing(role: Role, organisation: int) -> Actor:
    return Actor("P-1", "Somebody", 1, (Hat(role, organisation, f"O-{organisation}", "Body", "buyer"),), "password")


@pytest.mark.parametrize(
    ("actor", "role", "may"),
    [
        (wearing("buyer", 1), "evaluator", True),
        (wearing("buyer", 1), "buyer", True),
        (wearing("buyer", 2), "evaluator", False),
        (wearing("evaluator", 1), "evaluator", False),
        (wearing("buyer", 1), "minister", False),
        (wearing("minister", 1), "minister", False),
        (wearing("operator", 9), "minister", True),
        (wearing("supplier-admin", 1), "supplier-member", True),
        (wearing("supplier-member", 1), "supplier-member", False),
        (wearing("auditor", 1), "auditor", True),
        (wearing("buyer", 1), "no such role", False),
        (Actor("public", ""), "buyer", False),
    ],
)
def test_who_may_give_which_role_in_body_1(actor: Actor, role: str, may: bool) -> None:
    assert rules.may_give(actor, 1, role) is may


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"accepted_at": JAN}, ["invitation.not-open"]),
        ({"withdrawn_at": JAN}, ["invitation.not-open"]),
        ({"expires_at": FEB}, ["invitation.not-open"]),
        ({"sent_at": None}, ["invitation.waits"]),
    ],
)
def test_an_invitation_is_good_once_until_it_expires_or_is_withdrawn(
    facts: dict[str, datetime], codes: list[str]
) -> None:
    invitation = given.row(
        Invitation, **{"sent_at": JAN, "accepted_at": None, "withdrawn_at": None, "expires_at": MAR, **facts}
    )
    assert [refusal.code for refusal in refusals(rules.ACCEPT, invitation, FEB)] == codes


@pytest.mark.parametrize(
    ("role", "until", "others", "codes"),
    [
        ("buyer", None, 0, []),
        ("supplier-admin", None, 1, []),
        ("supplier-admin", None, 0, ["membership.last-of-its-kind"]),
        ("operator", None, 0, ["membership.last-of-its-kind"]),
        ("minister", MAR, 0, []),
        ("minister", JAN, 0, ["membership.ended-already"]),
    ],
)
def test_a_role_ends_once_and_somebody_remains_who_can_invite(
    role: str, until: datetime | None, others: int, codes: list[str]
) -> None:
    membership = given.row(Membership, role=role, until=until)
    assert [refusal.code for refusal in refusals(rules.END, membership, others, FEB)] == codes


@pytest.mark.parametrize(
    ("kind", "tier", "codes"),
    [
        ("buyer", "central", []),
        ("buyer", "local", []),
        ("buyer", "", ["organisation.tier-missing"]),
        ("audit", "local", ["organisation.tier-of-no-buyer"]),
        ("audit", "", []),
    ],
)
def test_a_body_has_the_tier_of_its_kind(kind: str, tier: str, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.CREATE, kind, tier)] == codes


@pytest.mark.parametrize(
    ("method", "held", "codes"),
    [
        ("password", 0, []),
        ("password", 1, ["passkey.another-needs-the-first"]),
        ("passkey", 1, []),
        ("demo", 3, []),
        ("passkey", rules.MOST_PASSKEYS, ["passkey.too-many"]),
    ],
)
def test_a_passkey_vouches_for_the_next(method: str, held: int, codes: list[str]) -> None:
    actor = Actor("P-1", "Somebody", 1, method=method)
    assert [refusal.code for refusal in refusals(rules.ADD_PASSKEY, actor, held)] == codes


@pytest.mark.parametrize(("method", "codes"), [("passkey", []), ("password", ["access.passkey-needed"])])
def test_the_checklist_says_beforehand_what_a_ministers_act_needs(method: str, codes: list[str]) -> None:
    actor = Actor("P-1", "Helena", 1, method=method)
    assert [refusal.code for refusal in refusals((signed_in_with_a_passkey,), actor.by_passkey)] == codes
