"""Whether a document was signed within the instrument it names: a minister lets somebody sign for her, a stranger checks it.

The instrument is itself a signed bundle (:mod:`market.proof.signing`), whose document says who may sign, for which bodies and
things, up to what value, from when until when. A document that a delegate signs names it in `under`: its reference and the
digest of its bundle. What no two files show is how much of the ceiling others have used, and whether the minister took the
instrument back before: that stands in the public log and the register of delegations.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from market.proof import canonical, signing
from market.proof.signing import Bundle, Check
from market.proof.spelling import moment

PURPOSE = "delegation.sign"


def names_one(bundle: Bundle) -> bool:
    """Whether the document says that it was signed under an instrument."""
    try:
        return isinstance(canonical.decode(bundle.document).get("under"), dict)
    except (canonical.NotCanonical, AttributeError):
        return False


def examine(signed: Bundle, instrument: Bundle | None) -> tuple[Check, ...]:
    """Make every check of a document that a delegate signed (`signed`, whose own signature is checked elsewhere) against the
    instrument, None when it is not at hand. Never raises, whatever the two hold."""
    if instrument is None:
        return (Check("instrument", False, "The instrument that it was signed under is not at hand."),)
    report = signing.examine(instrument)
    made = signing.examine(signed)
    if report.verified is None:
        failed = " ".join(each.sentence for each in report.checks if not each.passed)
        return (Check("instrument", False, f"The signature under the instrument does not hold. {failed}"),)
    if made.verified is None:
        return (Check("instrument", False, "The document's own signature does not hold, so nobody signed within it."),)
    found = [
        Check(
            "instrument",
            report.verified.purpose == PURPOSE,
            f"{report.verified.signer.name}, {report.verified.signer.office}, signed the instrument."
            if report.verified.purpose == PURPOSE
            else "The instrument was signed for something else.",
        )
    ]
    said, under = made.verified.document, report.verified.document
    looked = (
        (
            "same-instrument",
            lambda: said["under"]["bundle"] == instrument.digest(),
            "The document names this very instrument by its digest.",
            "The document names another instrument.",
        ),
        (
            "delegate",
            lambda: under["delegate"]["ref"] == made.verified.signer.person,
            "The instrument names the signer.",
            "The instrument names somebody else.",
        ),
        (
            "delegated-time",
            lambda: _within(made.verified.signed_at, under),
            "It was signed in the time that the instrument gives.",
            "It was not signed in the time that the instrument gives.",
        ),
        (
            "delegated-body",
            lambda: said["buyer"]["ref"] in [each["ref"] for each in under["bodies"]],
            "The instrument names the body that asked.",
            "The instrument does not name the body that asked.",
        ),
        (
            "delegated-codes",
            lambda: all(covers(under["cpv"], lot["cpv"]) for lot in said["tender"]["lots"]),
            "Every CPV code lies below one that the instrument names.",
            "A CPV code lies below none that the instrument names.",
        ),
        (
            "delegated-value",
            lambda: (
                said["tender"]["currency"] == under["currency"]
                and said["tender"]["value_minor"] <= under["ceiling_minor"]
            ),
            "Its value alone is within the ceiling of the instrument.",
            "Its value is beyond the ceiling of the instrument.",
        ),
    )
    for name, look, good, bad in looked:
        try:
            passed = bool(look())
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            passed = False
        found.append(Check(name, passed, good if passed else bad))
    return tuple(found)


def covers(named: Sequence[str], codes: Sequence[str]) -> bool:
    """Whether each of these CPV codes (8 digits) is one that was named, or lies below one: trailing zeros say nothing, two
    digits always count."""
    starts = tuple(code[:2] + code[2:].rstrip("0") for code in named)
    return bool(codes) and all(code.startswith(starts) for code in codes)


def _within(at: datetime, under: dict[str, Any]) -> bool:
    return moment(under["begins_at"]) <= at and at.replace(microsecond=0) <= moment(under["until"])
