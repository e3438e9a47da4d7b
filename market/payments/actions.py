"""What is owed and how it is paid. The nouns above call :func:`owe`; nothing here knows what the money is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from market import clock, workdays
from market.accounts.people import holders, tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, SYSTEM, Actor, Role
from market.audit.actions import record
from market.db import find, many, maybe, transaction
from market.hands import readers as hands
from market.hands.rules import Hand
from market.letters.actions import write
from market.money import Money
from market.payments import holds, rules
from market.payments.providers import Declined, Order, Outcome, Paid, Provider, Simulated, Unanswered, Unreachable
from market.payments.stripe import Stripe
from market.payments.tables import Entry, Obligation, Payment, PayoutAccount, ProviderEvent
from market.reads import row, rows, the
from market.refusals import insist
from market.settings import settings
from market.touch import binds
from market.wording import N_, _

TRY_AGAIN = timedelta(minutes=1)
"""How long an unanswered payment waits before the same order is sent again."""

ASKED_FOR = timedelta(days=60)
"""How long the provider is asked of itself whether an account that was begun can receive money; later only what the
provider tells us opens it."""

RELEASERS: tuple[Role, ...] = ("finance-officer",)
"""Who may release the payer's money, unless she accepted the delivery."""

INVITERS: tuple[Role, ...] = ("buyer",)
"""Who is told where nobody may, so that she invites somebody."""

NEVER_SENT = N_("It was released while payments were simulated, so no money was sent. Release it again.")


def provider() -> Provider:
    """Who moves the money: Stripe when it is configured, else the simulation."""
    key = settings().stripe_key
    return Stripe(key) if key else Simulated()


async def owe(
    actor: Actor,
    *,
    cause: str,
    payer: int,
    payee: int,
    amount: Money,
    purpose: str,
    about: str,
    ancestors: Sequence[str] = (),
    days: int,
) -> Obligation:
    """Write down that `payer` owes `payee` because of `cause` (`pitch:PI-…`, `milestone:MS-…`), due at the end of the
    `days`-th day from now. Those of the payer who may release the money are told by letter.

    The same cause is owed once: asked again, the first obligation is answered and nothing is written. `about` is the
    challenge or contract; `ancestors` what that grew from. `actor` accepted the deliverable and so may not release the
    money. Runs inside the caller's transaction.
    """
    async with transaction():
        known = await maybe(Obligation, Obligation.cause == cause, lock=True)
        if known is not None:
            return known
        now = clock.now()
        obligation = Obligation(
            cause=cause,
            payer=payer,
            payee=payee,
            amount_minor=amount.minor,
            currency=amount.currency,
            purpose=purpose,
            about=about,
            ancestors=list(dict.fromkeys([cause, about, *ancestors])),
            accepted_by=actor.ref,
            incurred_at=now,
            due_at=workdays.add_days(now, days),
        )
        await obligation.save()
        debtor = await find(Organisation, Organisation.id == payer)
        creditor = await find(Organisation, Organisation.id == payee)
        await record(
            actor,
            "obligation.incurred",
            f"obligation:{obligation.ref}",
            {
                "amount_minor": amount.minor,
                "cause": cause,
                "currency": amount.currency,
                "payee": creditor.ref,
                "payer": debtor.ref,
                "purpose": purpose,
            },
            about=obligation.ancestors,
            organisation=debtor.ref,
        )
        await _tell_releasers(actor, obligation, creditor)
    return obligation


async def _tell_releasers(actor: Actor, obligation: Obligation, creditor: Organisation) -> None:
    """Two persons for public money: the second is told. Where there is none those are who can invite one."""
    others = [each for each in await holders(obligation.payer, *RELEASERS) if each.ref != actor.ref]
    for person in others or await holders(obligation.payer, *INVITERS):
        await write(
            person.email,
            person.name,
            "payments/to-release.txt",
            person=person.ref,
            for_people_of=obligation.payer,
            about=obligation.about,
            obligation=obligation,
            amount=Money(obligation.amount_minor, obligation.currency),
            payee=creditor,
            alone=not others,
        )


@binds(N_("release public money"))
async def release(actor: Actor, obligation_ref: str) -> Payment:
    """Release the money for an obligation: a finance officer of the payer, who did not accept the delivery.

    Only writes the order, with the account it goes to; a job sends it, at once or, where both acts came from one device, when an
    auditor has looked (:mod:`market.payments.holds`). After a refusal a new release makes a new attempt
    with a new key.
    """
    async with transaction():
        obligation = await find(Obligation, Obligation.ref == obligation_ref, lock=True)
        hat = actor.must_wear(*RELEASERS, organisation=obligation.payer, secret=True)
        facts = await release_facts(actor, obligation)
        insist(rules.RELEASE, facts)
        paying = provider()
        account = await payout_account(obligation.payee, paying)
        payment = Payment(
            obligation=obligation.id,
            attempt=len(facts.attempts) + 1,
            provider=paying.name,
            destination=account.account if account else "",
            state="due",
            approved_by=actor.ref,
            asked_at=clock.now(),
        )
        await payment.save()
        await record(
            actor,
            "payment.released",
            f"payment:{payment.ref}",
            {"attempt": payment.attempt, "provider": payment.provider},
            about=[f"obligation:{obligation.ref}", *obligation.ancestors],
            organisation=hat.organisation_ref,
        )
        await holds.hold(actor, obligation, payment, hat.organisation_ref)
    return payment


async def release_facts(actor: Actor, obligation: Obligation) -> rules.Release:
    """What the rules of a release judge, for the action and the page alike."""
    paying = provider()
    account = await payout_account(obligation.payee, paying)
    able = account is not None or paying.name == "simulated"
    before = await hands.doing("release", actor.ref, f"obligation:{obligation.ref}", obligation.payer)
    named = await rows(str, "SELECT name FROM person WHERE ref = {}", obligation.accepted_by)
    accepted = [
        Hand("accept", obligation.accepted_by, name) for name in named
    ]  # what is owed says it too, and never changes
    doing = replace(before, hands=[*before.hands, *accepted])
    return rules.Release(obligation, await attempts_of(obligation), doing, able)


async def attempts_of(obligation: Obligation) -> list[Payment]:
    """The attempts to pay an obligation, oldest first."""
    return await Payment.objects().where(Payment.obligation == obligation.id).order_by(Payment.attempt)


async def payout_account(organisation: int, paying: Provider) -> PayoutAccount | None:
    """Where a body receives money at this provider, when it can."""
    return await maybe(
        PayoutAccount,
        (PayoutAccount.organisation == organisation)
        & (PayoutAccount.provider == paying.name)
        & (PayoutAccount.active_at.is_not_null()),
    )


async def pay_waiting() -> int:
    """Send one released payment to the provider and write down the answer; answers 1, or 0 when none waits.

    The row says `unknown` before the provider is called, and the call is outside every transaction: whoever dies in
    between, the next run sends the same order with the same key and learns what became of it. An order goes to the
    provider it was released to and to no other: what was released to Stripe waits while Stripe is not configured, and what
    was released to the simulation is never sent as real money.
    """
    now, paying = clock.now(), provider()
    async with transaction():
        payment = (
            await Payment.objects()
            .where(
                Payment.provider.is_in([paying.name, Simulated.name])
                & holds.not_held()
                & ((Payment.state == "due") | ((Payment.state == "unknown") & (Payment.tried_at < now - TRY_AGAIN)))
            )
            .order_by(Payment.id)
            .first()
            .lock_rows("UPDATE", skip_locked=True)
        )
        if payment is None:
            return 0
        payment.state, first = "unknown", payment.sent_at
        payment.sent_at = payment.sent_at or now
        payment.tried_at = now
        await payment.save([Payment.state, Payment.sent_at, Payment.tried_at])
        obligation = await find(Obligation, Obligation.id == payment.obligation)
    outcome: Outcome = Declined(_(NEVER_SENT))
    if payment.provider == paying.name:
        outcome = await paying.pay(
            Order(
                key=payment.ref,
                amount_minor=obligation.amount_minor,
                currency=obligation.currency,
                destination=payment.destination,
                purpose=obligation.purpose,
                obligation=obligation.ref,
                first_sent_at=first,
            )
        )
    if not isinstance(outcome, Unanswered):
        await _answered(payment.id, outcome)
    return 1


async def _answered(payment_id: int, outcome: Paid | Declined) -> None:
    async with transaction():
        payment = await find(Payment, Payment.id == payment_id, lock=True)
        if payment.state != "unknown":
            return
        obligation = await find(Obligation, Obligation.id == payment.obligation)
        payer = await find(Organisation, Organisation.id == obligation.payer)
        payee = await find(Organisation, Organisation.id == obligation.payee)
        now = clock.now()
        facts: dict[str, Any] = {
            "amount_minor": obligation.amount_minor,
            "currency": obligation.currency,
            "payee": payee.ref,
            "payer": payer.ref,
            "provider": payment.provider,
        }
        shown = {
            "obligation": obligation,
            "payment": payment,
            "amount": Money(obligation.amount_minor, obligation.currency),
            "payer": payer,
            "payee": payee,
        }
        if isinstance(outcome, Paid):
            payment.state, payment.provider_ref, payment.paid_at = "paid", outcome.reference, now
            facts["days"] = days_to_pay(obligation.incurred_at, now)
            await tell(payee.id, "payments/paid.txt", roles=SUPPLIER_ROLES, about=obligation.about, **shown)
        else:
            payment.state, payment.refusal = "refused", outcome.reason
            await tell(payer.id, "payments/refused.txt", roles=RELEASERS, about=obligation.about, **shown)
        await payment.save([Payment.state, Payment.provider_ref, Payment.paid_at, Payment.refusal])
        await record(
            SYSTEM,
            "payment.paid" if isinstance(outcome, Paid) else "payment.refused",
            f"payment:{payment.ref}",
            facts,
            about=[f"obligation:{obligation.ref}", *obligation.ancestors],
            organisation=payer.ref,
            announce=[obligation.about],
        )


async def confirm(actor: Actor, payment_ref: str) -> Payment:
    """The payee says that the money arrived."""
    async with transaction():
        payment = await find(Payment, Payment.ref == payment_ref, lock=True)
        obligation = await find(Obligation, Obligation.id == payment.obligation)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=obligation.payee, secret=True)
        insist(rules.CONFIRM, payment)
        payment.confirmed_at, payment.confirmed_by = clock.now(), actor.ref
        await payment.save([Payment.confirmed_at, Payment.confirmed_by])
        await record(
            actor,
            "payment.confirmed",
            f"payment:{payment.ref}",
            about=[f"obligation:{obligation.ref}", *obligation.ancestors],
            organisation=hat.organisation_ref,
        )
    return payment


LEDGER = """
SELECT o.ref, o.cause, o.purpose, o.about, o.amount_minor, o.currency, o.incurred_at, o.due_at, o.payer, o.payee,
    payer.name AS payer_name, payer.ref AS payer_ref, payee.name AS payee_name, payee.ref AS payee_ref,
    p.ref AS payment, p.state, p.provider, p.refusal, p.paid_at, p.confirmed_at,
    (SELECT h.until FROM hold h WHERE h.payment = p.id AND h.looked_at IS NULL AND p.state = 'due') AS held_until
FROM obligation o JOIN organisation payer ON payer.id = o.payer JOIN organisation payee ON payee.id = o.payee
LEFT JOIN LATERAL (SELECT * FROM payment WHERE payment.obligation = o.id ORDER BY attempt DESC LIMIT 1) p ON true
"""


async def ledger(
    organisations: Sequence[int] | None = None, about: str | None = None, *, before: str = "", limit: int = 500
) -> list[Entry]:
    """What is owed, newest first, each with its last attempt to pay: of these bodies (as payer or payee), about this
    challenge or contract, or all. `before` is the reference of an obligation: those made before it."""
    return await rows(
        Entry,
        LEDGER  # noqa: S608 - constants
        + """
        WHERE ({}::int[] IS NULL OR o.payer = ANY({}::int[]) OR o.payee = ANY({}::int[]))
            AND ({}::text IS NULL OR o.about = {})
            AND ({} = '' OR o.id < (SELECT id FROM obligation WHERE ref = {}))
        ORDER BY o.id DESC LIMIT {}
        """,
        *[list(organisations) if organisations is not None else None] * 3,
        about,
        about,
        before,
        before,
        limit,
    )


async def entry(ref: str) -> Entry:
    """One obligation with its last attempt to pay, by its own reference or a payment's."""
    return await the(
        Entry,
        LEDGER + "WHERE o.ref = {} OR o.id IN (SELECT obligation FROM payment WHERE ref = {})",  # noqa: S608 - constants
        ref,
        ref,
    )


async def of_cause(cause: str) -> Entry | None:
    """What is owed for one fact (`pitch:PI-…`), with its last attempt to pay; None while nothing is owed for it."""
    return await row(Entry, LEDGER + "WHERE o.cause = {}", cause)


class _Sum(msgspec.Struct, frozen=True):
    currency: str
    paid: bool
    minor: int


async def received_by(organisations: Sequence[int]) -> tuple[list[Money], list[Money]]:
    """What these bodies are owed still and what they were paid, each as one sum for every currency."""
    sums = await rows(
        _Sum,
        """
        SELECT o.currency, paid.is_so AS paid, sum(o.amount_minor)::bigint AS minor
        FROM obligation o, LATERAL
            (SELECT EXISTS (SELECT 1 FROM payment p WHERE p.obligation = o.id AND p.state = 'paid') AS is_so) paid
        WHERE o.payee = ANY({}::int[]) GROUP BY o.currency, paid.is_so ORDER BY o.currency
        """,
        list(organisations),
    )
    return (
        [Money(each.minor, each.currency) for each in sums if not each.paid],
        [Money(each.minor, each.currency) for each in sums if each.paid],
    )


def days_to_pay(owed: datetime, paid: datetime) -> int:
    """Whole days from the fact to the payment: the time-to-pay that is recorded and published."""
    return (paid - owed).days


class Settled(msgspec.Struct, frozen=True):
    """How many payments were made, and how many by the day they were due; how many of them for pitches, and the median of whole
    days from the delivered pitch to the payment."""

    paid: int
    in_time: int
    pitches: int
    days: int | None


async def settled() -> Settled:
    """How much was paid, and how fast."""
    return await the(
        Settled,
        """
        SELECT count(*) AS paid, count(*) FILTER (WHERE p.paid_at <= o.due_at) AS in_time,
            count(*) FILTER (WHERE o.cause LIKE 'pitch:%') AS pitches, (percentile_disc(0.5) WITHIN GROUP
            (ORDER BY floor(EXTRACT(EPOCH FROM (p.paid_at - o.incurred_at)) / 86400))
            FILTER (WHERE o.cause LIKE 'pitch:%'))::int AS days
        FROM payment p JOIN obligation o ON o.id = p.obligation WHERE p.state = 'paid'
        """,
    )


class Fees(msgspec.Struct, frozen=True):
    """What was paid to pitch for one record."""

    about: str
    minor: int


async def pitch_fees(currency: str) -> dict[str, int]:
    """What was paid to pitch, in minor units of this currency, by the `challenge:reference` it was for."""
    paid = await rows(
        Fees,
        """
        SELECT o.about, sum(o.amount_minor)::bigint AS minor FROM payment p JOIN obligation o ON o.id = p.obligation
        WHERE p.state = 'paid' AND o.cause LIKE 'pitch:%' AND o.currency = {} GROUP BY o.about
        """,
        currency,
    )
    return {fees.about: fees.minor for fees in paid}


async def told(provider_name: str, event_id: str, kind: str, payload: str) -> bool:
    """Keep what a provider told us, once; answers whether it was new. A job acts on it."""
    new = await many(
        "INSERT INTO provider_event (provider, event_id, kind, payload, received_at) VALUES ({}, {}, {}, {}, {}) "
        "ON CONFLICT (event_id) DO NOTHING RETURNING id",
        provider_name,
        event_id,
        kind,
        payload,
        clock.now(),
    )
    return bool(new)


async def accounts_of(organisations: Sequence[int]) -> dict[int, PayoutAccount]:
    """The accounts these bodies have at the present provider, whether or not money can be sent to them yet."""
    accounts = (
        await PayoutAccount.objects()
        .where(PayoutAccount.organisation.is_in(list(organisations)) & (PayoutAccount.provider == provider().name))
        .order_by(PayoutAccount.id, ascending=False)
        if organisations
        else []
    )
    return {each.organisation: each for each in accounts}


async def open_account(actor: Actor, organisation: int, returns_to: str) -> str:
    """Begin a supplier's account at the provider, or go on with the one it has; answers the address where the provider
    asks for the rest. Refused while payments are simulated: no account is needed then."""
    actor.must_wear("supplier-admin", organisation=organisation)
    paying = provider()
    if not isinstance(paying, Stripe):
        raise rules.SIMULATED.refused()
    firm = await find(Organisation, Organisation.id == organisation)
    known = (await accounts_of([organisation])).get(organisation)
    try:
        account = known.account if known else await _new_account(actor, firm, paying)
        return await paying.setup_page(account, returns_to)
    except Unreachable:
        raise rules.UNREACHABLE.refused() from None


async def _new_account(actor: Actor, firm: Organisation, paying: Stripe) -> str:
    """One account for each supplier, whoever else asks at the same moment: the provider is asked with the firm's key, and
    the row is made once."""
    entity = "company" if firm.identifier else "individual"
    account = await paying.open_account(f"account:{firm.ref}", firm.name, firm.email, firm.country, entity)
    async with transaction():
        await find(Organisation, Organisation.id == firm.id, lock=True)
        known = (await accounts_of([firm.id])).get(firm.id)
        if known is not None:
            return known.account
        await PayoutAccount.insert(
            PayoutAccount(organisation=firm.id, provider=paying.name, account=account, created_at=clock.now())
        )
        await record(
            actor, "payout-account.opened", f"supplier:{firm.ref}", private={"account": account}, organisation=firm.ref
        )
    return account


async def read_provider() -> int:
    """Act on one thing a provider told us: events are hints, so the account is asked for again, outside any transaction,
    and kept as it is now."""
    event = await ProviderEvent.objects().where(ProviderEvent.done_at.is_null()).order_by(ProviderEvent.id).first()
    if event is None:
        return 0
    if event.kind.startswith("v2.core.account"):
        rows = await PayoutAccount.objects().where(PayoutAccount.provider == event.provider)
        await _refresh([row for row in rows if f'"{row.account}"' in event.payload])
    await ProviderEvent.update({ProviderEvent.done_at: clock.now()}).where(ProviderEvent.id == event.id)
    return 1


async def look_after_accounts() -> int:
    """A job: ask the provider about accounts that were begun and cannot receive money yet, since what it tells may not
    have come through; answers how many can now."""
    waiting = (
        await PayoutAccount.objects()
        .where(
            (PayoutAccount.provider == provider().name)
            & PayoutAccount.active_at.is_null()
            & (PayoutAccount.created_at > clock.now() - ASKED_FOR)
        )
        .order_by(PayoutAccount.id)
        .limit(50)
    )
    return await _refresh(waiting)


async def _refresh(accounts: Sequence[PayoutAccount]) -> int:
    """Keep whether each account can receive money now; answers how many became able to."""
    paying, able = provider(), 0
    if not isinstance(paying, Stripe):
        return 0
    for account in accounts:
        can = await paying.can_receive(account.account)
        if can == (account.active_at is not None):
            continue
        able += can
        async with transaction():
            account.active_at = clock.now() if can else None
            await account.save([PayoutAccount.active_at])
            firm = await find(Organisation, Organisation.id == account.organisation)
            await record(
                SYSTEM,
                "payout-account.ready" if can else "payout-account.stopped",
                f"supplier:{firm.ref}",
                private={"account": account.account},
                organisation=firm.ref,
            )
            template = "payments/account-ready.txt" if can else "payments/account-stopped.txt"
            await tell(firm.id, template, roles=SUPPLIER_ROLES, about=f"supplier:{firm.ref}", firm=firm)
    return able
