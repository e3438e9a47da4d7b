"""Notice, time to cure, access withheld, and access that returns by itself; a public register of all of it.

Whether access is withheld follows from dates (`rules.sanction`): the job only writes the letter about it. What is withheld is
applying, bidding and being paid milestones; signing in, lodging, checking and appealing never are.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from market import clock, policy, workdays
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, SYSTEM, Actor
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.reads import rows
from market.refusals import NotFound, insist
from market.standards.profiles.actions import label
from market.standards.sanctions import rules
from market.standards.tables import PublishedProfile, Service, Withholding
from market.touch import binds
from market.wording import N_, _


class Appeal(msgspec.Struct, forbid_unknown_fields=True):
    """An appeal in words."""

    words: Annotated[str, Meta(title=N_("Why this is wrong"), max_length=8000)]


class Ruling(msgspec.Struct, forbid_unknown_fields=True):
    """The operator's answer to an appeal; `upheld` gives access back."""

    words: Annotated[str, Meta(title="Answer", max_length=8000)]
    upheld: Annotated[bool, Meta(title=N_("The appeal is right"))] = False


async def withheld(supplier: int, at: datetime, *, pinned: date | None = None) -> str:
    """Why a supplier (its id) may not apply, bid or be paid a milestone at a moment; '' when it may.

    With `pinned`, the day whose gates a running contract is held to, what is withheld only for rules that became gates later
    does not count: they bind new business and never reach back.
    """
    notices = await rows(
        rules.Lapsed,
        """
        SELECT w.cure_until, w.restored_at, w.reason, r.result FROM withholding w LEFT JOIN LATERAL (
          SELECT CASE WHEN outcome = 'fail' THEN result END AS result FROM check_run
          WHERE service = w.service AND profile = w.profile ORDER BY id DESC LIMIT 1) r ON true
        WHERE w.supplier = {} AND w.cure_until < {} ORDER BY w.id
        """,
        supplier,
        at,
    )
    return rules.withheld(notices, at, pinned)


async def open_of(service: Service, profile: PublishedProfile) -> Withholding | None:
    """The notice or withholding of a service under a profile that has not been restored, None without one."""
    return await maybe(
        Withholding,
        (Withholding.service == service.id) & (Withholding.profile == profile.id) & Withholding.restored_at.is_null(),
    )


async def give_notice(service: Service, profile: PublishedProfile, reason: str) -> Withholding | None:
    """Begin the time to cure for a certificate that lapsed; None when it is running already."""
    if await open_of(service, profile) is not None:
        return None
    now = clock.now()
    supplier = await find(Organisation, Organisation.id == service.supplier)
    row = Withholding(
        supplier=supplier.id,
        service=service.id,
        profile=profile.id,
        reason=reason,
        notice_at=now,
        cure_until=workdays.add_working_days(now, policy.IN_FORCE.sanctions.cure_working_days),
    )
    await row.save()
    await _tell(row, supplier, service, profile, "standards/notice.txt")
    await _record(SYSTEM, "access.notice-given", row, supplier, service, {"cure_until": row.cure_until.isoformat()})
    return row


async def restore(service: Service, profile: PublishedProfile, because: str) -> Withholding | None:
    """End the notice or the withholding of a service: the check passed, or the service is no longer offered."""
    found = await open_of(service, profile)
    row = None if found is None else await find(Withholding, Withholding.id == found.id, lock=True)
    if row is None or row.restored_at is not None:
        return None
    return await _restore(SYSTEM, row, because)


async def _restore(actor: Actor, row: Withholding, because: str) -> Withholding:
    await _tell_withheld(row)  # when the job has not come round yet, so that letters and log tell both in their order
    now = clock.now()
    was = rules.sanction(row, now)
    row.restored_at, row.restored_because = now, because
    await row.save([Withholding.restored_at, Withholding.restored_because])
    supplier, service, profile = await _parties(row)
    template = "standards/restored.txt" if was == "withheld" else "standards/met.txt"
    await _tell(row, supplier, service, profile, template)
    verb = "access.restored" if was == "withheld" else "access.notice-met"
    await _record(actor, verb, row, supplier, service, {"because": because})
    return row


async def tell_withheld() -> int:
    """The job: write to every supplier whose time to cure has ended without a passing check, and log it; once."""
    now = clock.now()
    due = await Withholding.objects().where(
        (Withholding.cure_until < now) & Withholding.restored_at.is_null() & Withholding.told_at.is_null()
    )
    for found in due:
        async with transaction():
            await _tell_withheld(await find(Withholding, Withholding.id == found.id, lock=True))
    return len(due)


async def _tell_withheld(row: Withholding) -> None:
    now = clock.now()
    if row.told_at is not None or rules.sanction(row, now) != "withheld":
        return
    row.told_at = now
    await row.save([Withholding.told_at])
    supplier, service, profile = await _parties(row)
    await _tell(row, supplier, service, profile, "standards/withheld.txt", until=appeal_until(row))
    await _record(SYSTEM, "access.withheld", row, supplier, service, {"since": row.cure_until.isoformat()})


def appeal_until(row: Withholding) -> datetime:
    """The last moment to appeal."""
    return workdays.add_working_days(row.cure_until, policy.IN_FORCE.sanctions.appeal_working_days)


async def appeal(actor: Actor, ref: str, given: Appeal) -> Withholding:
    """The supplier says why the sanction is wrong; the operator answers."""
    async with transaction():
        row = await find(Withholding, Withholding.ref == ref, lock=True)
        actor.must_wear(*SUPPLIER_ROLES, organisation=row.supplier)
        insist(rules.APPEAL, rules.Appealing(row, appeal_until(row), given.words, clock.arrived()))
        row.appeal, row.appealed_at, row.appealed_by = given.words.strip(), clock.arrived(), actor.must_be_person()
        await row.save([Withholding.appeal, Withholding.appealed_at, Withholding.appealed_by])
        supplier, service, _ = await _parties(row)
        for operator in await Organisation.objects().where(Organisation.kind == "operator"):
            await tell(
                operator.id,
                "standards/appealed.txt",
                roles=("operator",),
                about=f"supplier:{supplier.ref}",
                row=row,
                supplier=supplier,
                service=service,
            )
        await _record(
            actor, "access.appealed", row, supplier, service, {}, private={"appeal": row.appeal}, by=str(supplier.ref)
        )
    return row


@binds(N_("decide an appeal against a sanction"))
async def answer(actor: Actor, ref: str, given: Ruling) -> Withholding:
    """The operator answers an appeal with reasons; one that is right gives access back at once."""
    hat = actor.must_wear("operator")
    async with transaction():
        row = await find(Withholding, Withholding.ref == ref, lock=True)
        insist(rules.ANSWER, row, given.words)
        row.answer, row.answered_at, row.answered_by = given.words.strip(), clock.now(), actor.must_be_person()
        row.upheld = given.upheld
        await row.save([Withholding.answer, Withholding.answered_at, Withholding.answered_by, Withholding.upheld])
        supplier, service, profile = await _parties(row)
        await _tell(row, supplier, service, profile, "standards/answered.txt")
        await _record(
            actor,
            "access.appeal-answered",
            row,
            supplier,
            service,
            {"upheld": given.upheld},
            private={"answer": row.answer},
            by=hat.organisation_ref,
        )
        if given.upheld and row.restored_at is None:
            await _restore(actor, row, _("The appeal was right."))
    return row


async def _parties(row: Withholding) -> tuple[Organisation, Service, PublishedProfile]:
    return (
        await find(Organisation, Organisation.id == row.supplier),
        await find(Service, Service.id == row.service),
        await find(PublishedProfile, PublishedProfile.id == row.profile),
    )


async def _tell(
    row: Withholding, supplier: Organisation, service: Service, profile: PublishedProfile, template: str, **facts: Any
) -> None:
    await tell(
        supplier.id,
        template,
        roles=SUPPLIER_ROLES,
        about=f"service:{service.ref}",
        row=row,
        service=service,
        profile=profile,
        **facts,
    )


async def _record(
    actor: Actor,
    verb: str,
    row: Withholding,
    supplier: Organisation,
    service: Service,
    facts: dict[str, Any],
    *,
    private: dict[str, Any] | None = None,
    by: str = "",
) -> None:
    profile = await find(PublishedProfile, PublishedProfile.id == row.profile)
    await record(
        actor,
        verb,
        f"supplier:{supplier.ref}",
        {"notice": row.ref, "service": service.ref, "profile": label(profile), "reason": row.reason, **facts},
        private=private,
        about=[f"service:{service.ref}"],
        organisation=by,
    )


class Sanctioned(rules.Dates, frozen=True):
    """A notice or withholding of the public register."""

    ref: str
    reason: str
    notice_at: datetime
    restored_because: str
    appealed_at: datetime | None
    answer: str
    answered_at: datetime | None
    upheld: bool | None
    supplier_ref: str
    supplier_name: str
    service_ref: str
    title: str
    private: bool
    profile: str

    @property
    def state(self) -> rules.Sanction:
        """Where it stands now."""
        return rules.sanction(self, clock.now())


async def register(supplier: int | None = None) -> list[Sanctioned]:
    """The newest notices and withholdings there were, of everybody or of one supplier (its id), newest first."""
    return await rows(
        Sanctioned,
        """
        SELECT w.ref, w.reason, w.notice_at, w.cure_until, w.restored_at, w.restored_because, w.appealed_at, w.answer,
          w.answered_at, w.upheld, o.ref AS supplier_ref, o.name AS supplier_name, s.ref AS service_ref, s.title, s.private,
          p.name || '@' || p.version AS profile
        FROM withholding w JOIN organisation o ON o.id = w.supplier JOIN service s ON s.id = w.service
          JOIN published_profile p ON p.id = w.profile
        WHERE {}::int IS NULL OR w.supplier = {} ORDER BY w.id DESC LIMIT 500
        """,
        supplier,
        supplier,
    )


async def seen_by(actor: Actor, ref: str) -> Withholding:
    """One sanction with its appeal, for the supplier, the operator and auditors; to others it does not exist."""
    row = await find(Withholding, Withholding.ref == ref)
    if not (actor.wears(*SUPPLIER_ROLES, organisation=row.supplier) or actor.wears("operator", "auditor")):
        raise NotFound("Withholding")
    return row
