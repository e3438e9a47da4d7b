"""Stripe, and the only module that imports it (stripe-python 16, API version 2026-10-28.endive).

Suppliers are Accounts v2 with the recipient configuration; a released payment is one Transfer from the platform's balance
to the supplier's account. A Transfer has no state: it was created or it was refused. The idempotency key is the payment's
reference, frozen with its parameters; Stripe keeps keys for a day only, so an older unanswered try is looked up first.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import stripe

from market import clock
from market.payments.providers import Declined, Order, Outcome, Paid, Unanswered, Unreachable

stripe.enable_telemetry = False

log = logging.getLogger("prelude.payments")

KEYS_LAST = timedelta(hours=23)
"""Stripe may forget an idempotency key after a day; an hour is kept for clocks that disagree."""

_REFUSED = (
    stripe.InvalidRequestError,
    stripe.CardError,
    stripe.PermissionError,
    stripe.AuthenticationError,
)


class Stripe:
    """Pays by Transfer. `base` addresses another server than Stripe's, for tests."""

    name = "stripe"

    def __init__(self, key: str, base: str | None = None) -> None:
        addresses: dict[str, str] = {"api": base, "connect": base, "files": base} if base else {}
        self._key = key
        self._addresses = addresses

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[stripe.StripeClient]:
        """A client for one conversation. It does not try again by itself: the order's row says when to."""
        http = stripe.HTTPXClient(timeout=15)
        try:
            yield stripe.StripeClient(
                self._key,
                base_addresses=self._addresses,  # type: ignore[arg-type]
                max_network_retries=0,
                http_client=http,
            )
        finally:
            await http.close_async()  # type: ignore[no-untyped-call]

    async def pay(self, order: Order) -> Outcome:
        """Create the Transfer. What Stripe refuses is final for this order; what it does not answer is unknown."""
        async with self._client() as client:
            try:
                return await self._sent(client, order)
            except _REFUSED as error:
                return Declined(str(error.user_message or error))
            except stripe.StripeError as error:
                return Unanswered(str(error.user_message or error))

    async def _sent(self, client: stripe.StripeClient, order: Order) -> Outcome:
        """The Transfer of this order: the one an old unanswered try made, or a new one. Stripe may say that the key was
        used with other parameters: then an earlier try got through, or nobody knows, and it must never be called refused."""
        if order.first_sent_at is not None and clock.now() - order.first_sent_at > KEYS_LAST:
            known = await self._found(client, order)
            if known is not None:
                return Paid(known)
        try:
            made = await client.v1.transfers.create_async(
                {
                    "amount": order.amount_minor,
                    "currency": order.currency.lower(),
                    "destination": order.destination,
                    "transfer_group": order.obligation,
                    "description": order.purpose[:500],
                    "metadata": {"payment": order.key, "obligation": order.obligation},
                },
                {"idempotency_key": order.key},
            )
        except stripe.IdempotencyError as error:
            log.error("payment %s was sent before with other facts: %s", order.key, error)
            known = await self._found(client, order)
            return Paid(known) if known is not None else Unanswered(str(error.user_message or error))
        return Paid(made.id)

    async def _found(self, client: stripe.StripeClient, order: Order) -> str | None:
        """The Transfer an earlier try made, looked up by its group and metadata."""
        listed = await client.v1.transfers.list_async({"transfer_group": order.obligation, "limit": 100})
        for transfer in listed.data:
            if transfer.metadata and transfer.metadata.to_dict().get("payment") == order.key:
                return str(transfer.id)
        return None

    async def open_account(self, key: str, name: str, email: str, country: str, entity: str) -> str:
        """Make a recipient account for a supplier (`entity`: company or individual); answers its id. The same `key` within
        a day answers the same account."""
        async with self._asking() as client:
            account = await client.v2.core.accounts.create_async(
                {
                    "display_name": name,
                    "contact_email": email,
                    "dashboard": "express",
                    "identity": {"country": country.lower(), "entity_type": entity},
                    "configuration": {
                        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
                    },
                    "defaults": {
                        "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
                    },
                },
                {"idempotency_key": key},
            )
            return account.id

    async def setup_page(self, account: str, returns_to: str) -> str:
        """The address, good for minutes, where Stripe asks the supplier for what it still lacks."""
        async with self._asking() as client:
            link = await client.v2.core.account_links.create_async(
                {
                    "account": account,
                    "use_case": {
                        "type": "account_onboarding",
                        "account_onboarding": {"return_url": returns_to, "refresh_url": returns_to},
                    },
                }
            )
            return str(link.url)

    async def can_receive(self, account: str) -> bool:
        """Whether transfers to this account are active now, asked of Stripe itself; an account that is gone cannot."""
        async with self._asking() as client:
            try:
                found: Any = await client.v2.core.accounts.retrieve_async(
                    account, {"include": ["configuration.recipient"]}
                )
            except (stripe.InvalidRequestError, stripe.PermissionError):
                return False
            recipient = getattr(getattr(found, "configuration", None), "recipient", None)
            transfers = getattr(
                getattr(getattr(recipient, "capabilities", None), "stripe_balance", None), "stripe_transfers", None
            )
            return getattr(transfers, "status", "") == "active"

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[stripe.StripeClient]:
        """A client for what moves no money: every failure is :class:`Unreachable`, to be asked again."""
        async with self._client() as client:
            try:
                yield client
            except stripe.StripeError as error:
                raise Unreachable(str(error.user_message or error)) from error


def read_event(body: bytes, signature: str, secret: str) -> tuple[str, str, bool]:
    """The id, kind and live mode of a webhook call whose signature holds; ValueError otherwise (Stripe's two kinds of
    body, snapshot and thin, are both read)."""
    try:
        stripe.WebhookSignature.verify_header(body.decode(), signature, secret, 300)
    except stripe.SignatureVerificationError as error:
        raise ValueError("the signature does not hold") from error
    told = msgspec.json.decode(body)
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        raise ValueError("this is not an event")
    return told["id"], str(told.get("type", "")), bool(told.get("livemode", False))
