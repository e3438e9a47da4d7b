"""What is refused whichever noun it is about: who asks, what arrives, and what is not there."""

from __future__ import annotations

from datetime import datetime, timedelta

from market import policy
from market.arrival import Arrival
from market.refusals import Denial, rule
from market.wording import N_, _, _n

_HTTP = "RFC 9110, section 15.5"

# ── who asks ───────────────────────────────────────────────────────────────────────────────────────────────────────

SIGN_IN_FIRST = Denial(
    "access.sign-in-needed",
    N_("Sign in first."),
    norm="What a person does is done by somebody known.",
    status=401,
)

ROLE_NEEDED = Denial(
    "access.role-needed",
    N_("This needs the role of {roles} in the organisation concerned."),
    norm="Who acts has the role for it, in the body that it concerns.",
    status=403,
)


@rule("access.passkey-needed", source="Design card, idea 17: keys on the person's own device")
def signed_in_with_a_passkey(by_passkey: bool) -> str | None:
    """A minister acts only when she signed in with a passkey: a password can be told, phished or guessed, and a program
    holds no passkey."""
    if by_passkey:
        return None
    return _("This needs your passkey. Sign out, sign in again with your passkey, and come back to this page.")


@rule("touch.needed", source="Design card, idea 17: keys on the person's own device")
def touched_freshly(touched_at: datetime | None, at: Arrival) -> str | None:
    """What binds others is done by a person who has just used her own key: a copied session, a password that was told and a
    program hold none."""
    minutes = policy.IN_FORCE.people.touch_minutes
    if touched_at is not None and at <= touched_at + timedelta(minutes=minutes):
        return None
    return _n(
        "This binds others, so it needs your passkey, used within the last minute. Nothing was done.",
        "This binds others, so it needs your passkey, used within the last {number} minutes. Nothing was done.",
        minutes,
    )


FORM_EXPIRED = Denial(
    "access.form-expired",
    N_("This form has expired or came from another site. Go back, reload the page and send it again."),
    norm="What changes something was sent from a page of this site that was shown to whoever sends it.",
    status=403,
)

TOO_MANY_TRIES = Denial(
    "access.too-many-tries",
    N_("Too many tries. Wait {time} and try again."),
    norm="Nobody tries more often than a person or a polite program would.",
    status=429,
)

# ── what arrives ───────────────────────────────────────────────────────────────────────────────────────────────────

INVALID = Denial("form.invalid", "{why}", norm="Each field can be read as what it asks for.", status=422)

TOO_DEEP = Denial(
    "form.too-deep",
    N_("This is nested too deeply to be read."),
    norm="What is sent nests no deeper than people write.",
    status=400,
)

NOT_TEXT = Denial("form.not-text", N_("This is not text in UTF-8."), norm="Text is UTF-8.", status=400)

SENT_TWICE = Denial(
    "form.sent-twice",
    N_("This was sent before, and how that ended is not known. Look whether it is done before you send it again."),
    norm="What is sent twice is done once.",
)

KEY_REUSED = Denial(
    "form.key-reused",
    N_("This Idempotency-Key was sent with something else. Use a new one for a new request."),
    norm="A key of idempotency stands for one request.",
    status=422,
)

NOT_STORABLE = Denial(
    "web.not-storable",
    N_("This holds a sign or a number that cannot be kept."),
    norm="What is to be kept can be kept: no zero byte, no number beyond its column.",
    status=400,
)

CURSOR_UNKNOWN = Denial(
    "web.cursor-unknown",
    N_("This page of the list is not known. Begin at the first."),
    norm="A page of a list is asked for by the `next` of the page before it.",
    field="after",
    status=400,
)

# ── what HTTP refuses by itself ────────────────────────────────────────────────────────────────────────────────────

NOT_FOUND = Denial(
    "web.not-found",
    N_("There is nothing here, or nothing that you may see."),
    norm="What may not be seen is answered like what is not there.",
    status=404,
)

FAILED = Denial(
    "web.failed",
    N_("Something failed on our side. Nothing you confirmed is lost."),
    norm="A fault of ours tells nothing of its inside, and undoes what it interrupted.",
    status=500,
)

AWAY = Denial(
    "web.database-away",
    N_("Our records cannot be reached for the moment. Nothing was changed. Try again in {seconds} seconds."),
    norm="Who cannot be answered is told at once that the fault is ours, that nothing was changed, and when to come again.",
    source="RFC 9110, sections 15.6.4 and 10.2.3",
    status=503,
)

NOT_KNOWN = Denial(
    "web.not-known-whether-kept",
    N_(
        "The connection to our records broke while this was being kept, so we do not know whether it was. Look whether it is "
        "there before you send it again."
    ),
    norm="What may have been kept is never called failed.",
    source="RFC 9110, section 15.6.4",
    status=503,
)

BY_STATUS = {
    each.status: each
    for each in (
        Denial("web.bad-request", "{why}", norm="A request can be read.", source=f"{_HTTP}.1", status=400),
        Denial("web.forbidden", "{why}", norm="What is not allowed is not done.", source=f"{_HTTP}.4", status=403),
        Denial(
            "web.method-not-allowed", "{why}", norm="An address does what it says.", source=f"{_HTTP}.6", status=405
        ),
        Denial("web.request-timeout", "{why}", norm="All of it comes.", source=f"{_HTTP}.9", status=408),
        Denial("web.request-entity-too-large", "{why}", norm="It is small enough.", source=f"{_HTTP}.14", status=413),
        Denial(
            "web.request-uri-too-long", "{why}", norm="Its address is short enough.", source=f"{_HTTP}.15", status=414
        ),
        Denial(
            "web.unsupported-media-type", "{why}", norm="It is of a kind we read.", source=f"{_HTTP}.16", status=415
        ),
        Denial(
            "web.requested-range-not-satisfiable", "{why}", norm="The part exists.", source=f"{_HTTP}.17", status=416
        ),
        Denial("web.unprocessable-entity", "{why}", norm="It can be understood.", source=f"{_HTTP}.21", status=422),
        Denial(
            "web.too-many-requests", "{why}", norm="Nobody asks too fast.", source="RFC 6585, section 4", status=429
        ),
        Denial(
            "web.internal-server-error", FAILED.words, norm="A server answers.", source="RFC 9110, 15.6.1", status=500
        ),
        Denial(
            "web.service-unavailable", FAILED.words, norm="A server is there.", source="RFC 9110, 15.6.4", status=503
        ),
    )
}
"""What a status says by itself, whoever answers it; its words are those of the server that refuses, or of RFC 9110."""

LENT = Denial(
    "access.lent",
    N_("{lender} lends you here. This is the body's own to do, so somebody of its own has to."),
    norm="Whoever is lent to a body marks, holds a code and releases money; what is the body's own to do it does itself.",
    status=403,
)
