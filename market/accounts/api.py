"""People and organisations for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody

from market import drafts
from market.accounts import bodies, guards, invitations, marks, memberships, scopes
from market.accounts.bodies import Body, Offer
from market.accounts.tables import Invitation, Organisation
from market.refusals import NotFound
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class RoleView(msgspec.Struct):
    """A role one holds now; `organisation` is its reference."""

    role: str
    organisation: str
    organisation_name: str
    title: str
    since: datetime | None


class MeView(msgspec.Struct):
    """Who the token acts as, and by which `scopes` it may be used; one made before tokens had scopes has all of them."""

    ref: str
    name: str
    roles: list[RoleView]
    scopes: list[str]


class OrganisationView(msgspec.Struct):
    """What is public of a body. `tier`, which binds it now, is empty unless it buys (`tier_entered`: the
    one it was entered with, until a ruling confirms it); `department` is the reference of the department that
    answers for it; `identifier` is its number in the register `scheme` (a code of org-id.guide); `etag` is what a change
    names as If-Match."""

    ref: str
    name: str
    kind: str
    tier: str
    tier_entered: str
    department: str | None
    country: str
    scheme: str
    identifier: str
    region: str
    website: str
    etag: str


class MemberView(msgspec.Struct):
    """A role somebody holds in a body; `id` is needed to end it. `mark` is what stands beside her name: `outside` when her address
    is in none of the body's verified domains, else empty. `inviter`, `ground` and `paper` say on whose word she was let in, how she
    was known and which paper is kept; they are empty for who gives no roles there, and where nothing was kept."""

    id: int
    person: str
    name: str
    role: str
    title: str
    since: datetime
    until: datetime | None
    mark: str
    inviter: str
    ground: str
    paper: str


class InvitationView(msgspec.Struct):
    """An invitation. Its token is in the letter only; while `waits` is true the address is outside the body's domains, and others
    have to agree before the letter goes."""

    ref: str
    email: str
    name: str
    role: str
    expires_at: datetime
    waits: bool


def view(body: Body) -> OrganisationView:
    """A body as everybody may see it."""
    return OrganisationView(
        ref=body.ref,
        name=body.name,
        kind=body.kind,
        tier=body.tier,
        tier_entered=body.tier_entered,
        department=body.department_ref,
        country=body.country,
        scheme=body.scheme,
        identifier=body.identifier,
        region=body.region,
        website=body.website,
        etag=drafts.version_read(memberships.OrganisationChange, Organisation, body),
    )


def invitation_view(invitation: Invitation | Offer) -> InvitationView:
    """An invitation without its token."""
    return InvitationView(
        ref=invitation.ref,
        email=invitation.email,
        name=invitation.name,
        role=invitation.role,
        expires_at=invitation.expires_at,
        waits=invitation.sent_at is None,
    )


class MeApi(Controller):
    """Who is asking."""

    path = "/api/v1/me"
    tags = ["People and organisations"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="Read who the token acts as",
        operation_id="readMe",
        opt=scopes.ANY,
    )
    async def me(self, request: Visitor) -> MeView:
        """The person, the roles she holds now, and what the token may be used for; every token may ask."""
        actor = request.user
        roles = [
            RoleView(hat.role, hat.organisation_ref, hat.organisation_name, hat.title, hat.since) for hat in actor.hats
        ]
        return MeView(actor.ref, actor.name, roles, scopes.held_by(actor))


class OrganisationsApi(Controller):
    """Bodies and the people in them."""

    path = "/api/v1/organisations"
    tags = ["People and organisations"]

    @get(
        "/",
        guards=[guards.public],
        summary="List public bodies",
        operation_id="listOrganisations",
    )
    async def index(self) -> Items[OrganisationView]:
        """Buyers, audit bodies and operators by name; suppliers have a list of their own."""
        return Items([view(body) for body in await bodies.everybody_but_suppliers()])

    @post(
        "/",
        guards=[guards.operator],
        summary="Enter an organisation",
        operation_id="createOrganisation",
        responses=problem_responses(409),
    )
    async def create(self, request: Visitor, data: JSONBody[memberships.OrganisationDraft]) -> OrganisationView:
        """Enter a buyer, an audit body or an operator."""
        made = await memberships.create_organisation(request.user, data)
        return view(await bodies.body(made.ref))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an organisation",
        operation_id="readOrganisation",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> OrganisationView:
        """What is public of any body, suppliers included."""
        return view(await bodies.body(ref))

    @put(
        "/{ref:str}",
        guards=[guards.operator],
        summary="Change an organisation",
        operation_id="changeOrganisation",
        responses=problem_responses(404, 409, 428),
    )
    async def change(
        self,
        request: Visitor,
        ref: FromPath[str],
        data: JSONBody[memberships.OrganisationChange],
        if_match: IfMatch = "",
    ) -> OrganisationView:
        """Change what is told of a buyer, an audit body or an operator; its kind and its number stay."""
        await memberships.change_organisation(request.user, ref, data, if_match)
        return view(await bodies.body(ref))

    @get(
        "/{ref:str}/people",
        guards=[guards.signed_in],
        summary="List the people of an organisation",
        operation_id="listPeople",
        responses=problem_responses(404),
    )
    async def people(self, request: Visitor, ref: FromPath[str]) -> Items[MemberView]:
        """For its own members, operators and auditors."""
        body = await bodies.body(ref)
        if not memberships.may_see_people(request.user, body.id):
            raise NotFound("Organisation")
        marked, gives = await marks.marks_of(body.id), bool(memberships.roles_to_give(request.user, body))
        return Items(
            [
                MemberView(
                    id=member.id,
                    person=member.ref,
                    name=member.name,
                    role=member.role,
                    title=member.title,
                    since=member.since,
                    until=member.until,
                    mark=marked.get(member.ref, ""),
                    inviter=member.inviter if gives else "",
                    ground=member.ground if gives else "",
                    paper=member.paper if gives else "",
                )
                for member in await bodies.members_of(body.id)
            ]
        )

    @post(
        "/{ref:str}/invitations",
        guards=[guards.signed_in],
        summary="Invite somebody",
        operation_id="invitePerson",
        responses=problem_responses(404, 409, 429),
    )
    async def invite(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[invitations.InvitationDraft]
    ) -> InvitationView:
        """Invite somebody, by her full name, to a role, by a letter to her own address; into a public body with how she is known
        and the paper that is kept. An address outside the body's domains waits for others."""
        invitation, _ = await invitations.invite(request.user, ref, data)
        return invitation_view(invitation)

    @get(
        "/{ref:str}/invitations",
        guards=[guards.signed_in],
        summary="List open invitations",
        operation_id="listInvitations",
        responses=problem_responses(404),
    )
    async def invitations(self, request: Visitor, ref: FromPath[str]) -> Items[InvitationView]:
        """Those that may still be accepted, the newest first; for who may invite there."""
        body = await bodies.body(ref)
        if not memberships.roles_to_give(request.user, body):
            raise NotFound("Organisation")
        return Items([invitation_view(offer) for offer in await bodies.invitations_of(body.id)])

    @post(
        "/{ref:str}/invitations/{invitation:str}/withdraw",
        status_code=200,
        guards=[guards.signed_in],
        summary="Withdraw an invitation",
        operation_id="withdrawInvitation",
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str], invitation: FromPath[str]) -> InvitationView:
        """Take an invitation back: its letter no longer opens anything."""
        return invitation_view(await invitations.withdraw_invitation(request.user, ref, invitation))

    @post(
        "/{ref:str}/people/{membership:int}/end",
        status_code=200,
        guards=[guards.signed_in],
        summary="End a role",
        operation_id="endMembership",
        responses=problem_responses(404, 409),
    )
    async def end(self, request: Visitor, ref: FromPath[str], membership: FromPath[int]) -> Items[MemberView]:
        """End a role now; answers nothing more of it."""
        await memberships.end(request.user, ref, membership)
        return Items([])
