"""Who acts: the person, the bodies she belongs to and in which roles, and what she proved at sign-in. Plain data, so that
rules can judge it and tests can build it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from market.refusals import NotFound, Refused
from market.rules import ROLE_NEEDED, SIGN_IN_FIRST, signed_in_with_a_passkey
from market.wording import N_, _, either

Role = Literal[
    "buyer",
    "evaluator",
    "contract-manager",
    "finance-officer",
    "minister",
    "supplier-admin",
    "supplier-member",
    "auditor",
    "operator",
]
"""buyer: buyer officer · evaluator · contract-manager · finance-officer · minister (of a department) · supplier-admin and -member ·
auditor (of the audit body) · operator (of the standing innovation team)."""

ROLE_WORDS: dict[str, str] = {
    "buyer": N_("buyer"),
    "evaluator": N_("evaluator"),
    "contract-manager": N_("contract manager"),
    "finance-officer": N_("finance officer"),
    "minister": N_("minister"),
    "supplier-admin": N_("supplier admin"),
    "supplier-member": N_("supplier member"),
    "auditor": N_("auditor"),
    "operator": N_("operator"),
}


def role_words(role: str) -> str:
    """The role as a sentence names it."""
    return _(ROLE_WORDS[role])


BUYER_ROLES: tuple[Role, ...] = ("buyer",)
SUPPLIER_ROLES: tuple[Role, ...] = ("supplier-admin", "supplier-member")


@dataclass(frozen=True, slots=True)
class Hat:
    """One role in one organisation, held now."""

    role: Role
    organisation: int
    organisation_ref: str
    organisation_name: str
    kind: str
    title: str = ""
    since: datetime | None = None
    lent_by: str = ""
    """The name of the body that lends her to this one; empty for its own people."""


@dataclass(frozen=True, slots=True)
class OnPaper:
    """A mandate that somebody signed on paper: its reference, and who entered it for her (her reference)."""

    ref: str
    entered_by: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody (or something) that asks for an action. `person` is the row's id, None for the system and the public."""

    ref: str
    name: str
    person: int | None = None
    hats: tuple[Hat, ...] = ()
    method: str = ""
    """What was proved: password | passkey | token | demo | paper; empty for the public."""
    proved_at: datetime | None = None
    """When this session began, which is when she proved who she is; None for a program's token."""
    touched_at: datetime | None = None
    """When this session last had its person's passkey used; None for a program's token, which has no key."""
    token: str = ""
    """The reference of the token that a program showed."""
    scopes: tuple[str, ...] | None = None
    """What that token may be used for (:mod:`market.accounts.scopes`); None where nothing limits it: for whoever is no program, and for
    tokens made before they said it."""
    on_paper: OnPaper | None = None
    """The mandate by which this is done in her name; None when she does it herself."""

    @property
    def signed_in(self) -> bool:
        """Whether this is a known person."""
        return self.person is not None

    def wears(self, *roles: Role, organisation: int | None = None) -> Hat | None:
        """The first hat with one of these roles (in that organisation, when given), or None."""
        for hat in self.hats:
            if hat.role in roles and organisation in (None, hat.organisation):
                return hat
        return None

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """The organisations (reference, name) she belongs to; the first is the one she acts for where nothing else says."""
        return list(dict.fromkeys((hat.organisation_ref, hat.organisation_name) for hat in self.hats))

    def must_wear(self, *roles: Role, organisation: int | None = None, secret: bool = False) -> Hat:
        """That hat, or a refusal: 403 with what is missing; with `secret` a 404, where even existence is not told."""
        hat = self.wears(*roles, organisation=organisation)
        if hat is not None:
            return hat
        if secret:
            raise NotFound("record")
        raise ROLE_NEEDED.refused(roles=either(map(role_words, roles)))

    def lent_to(self, organisation_ref: str) -> str:
        """The name of the body that lends her to this one (a reference); empty when she is its own, or nobody of it."""
        here = [hat for hat in self.hats if hat.organisation_ref == organisation_ref]
        return here[0].lent_by if here and all(hat.lent_by for hat in here) else ""

    def must_be_person(self) -> int:
        """The person's id; refused (401) for the public and the system."""
        if self.person is None:
            raise SIGN_IN_FIRST.refused()
        return self.person

    @property
    def by_passkey(self) -> bool:
        """Whether a passkey was proved when this session began. Sessions of a demonstration pass (outside demo mode
        nobody has one); a program's token never does."""
        return self.method in ("passkey", "demo")

    def must_have_passkey(self) -> None:
        """Refused (403) unless this session began with a passkey. Call it in every act of a minister."""
        if refusal := signed_in_with_a_passkey(self.by_passkey):
            raise Refused(refusal, status=403)

    def organisations(self, *roles: Role) -> list[int]:
        """The ids of the organisations in which one of these roles is held; all roles when none is named."""
        return list(dict.fromkeys(hat.organisation for hat in self.hats if not roles or hat.role in roles))


SYSTEM = Actor(ref="system", name="Prelude")
"""The platform itself: jobs and deadlines."""

PUBLIC = Actor(ref="public", name="")
"""Somebody who did not sign in."""
