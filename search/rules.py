"""What must hold when a buyer answers for what others have done, invites suppliers, and when suppliers write to each other."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from market import policy
from market.refusals import Denial, rule
from market.wording import N_, _

INVITED_AT_ONCE = 50
LISTED_MOST = 200
LETTERS_A_DAY = 10
"""Letters of contact one supplier may send in a day."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An answer about a draft: `shown` are the ids that are alike now, `seen` says whether they are those the buyer saw, `copied`
    whether the body gave the same words for another draft."""

    published: bool
    shown: tuple[str, ...]
    seen: bool
    answer: str
    chosen: str
    reason: str
    copied: bool


@dataclass(frozen=True, slots=True)
class Invitations:
    """Suppliers to be told of a record: the names of those told before, and of those with nobody here to write to."""

    open: bool
    suppliers: int
    already: tuple[str, ...]
    unreachable: tuple[str, ...]


class Contact(msgspec.Struct, frozen=True):
    """One supplier writing to another. `wrote_first` says that the receiver once wrote to the sender."""

    own: bool
    open_to_partners: bool
    wrote_first: bool
    today: int
    to_them_today: int
    name: str


@rule("search.published-already")
def it_is_still_a_draft(facts: Comparison) -> str | None:
    """What was looked at before publication is answered for before publication; afterwards it stays as it is."""
    return _("This is published. What was looked at before stays as it is.") if facts.published else None


@rule("search.list-changed")
def she_answers_for_what_she_saw(facts: Comparison) -> str | None:
    """The record keeps what the buyer saw when she answered, so she answers for the list as it is now."""
    return None if facts.seen else _("The list has changed since you opened this page. Read it again, then answer.")


@rule("search.answer-fits-not", field="answer")
def the_answer_fits_the_list(facts: Comparison) -> str | None:
    """Where something alike was shown the answer is about it; where nothing was, there is nothing to reuse or to join."""
    if facts.shown and facts.answer == "nothing":
        return _("Something alike is listed. Say that you reuse it, join it, or how yours differs.")
    if not facts.shown and facts.answer in ("reuse", "join"):
        return _("Nothing is listed that you could reuse or join.")
    return None


@rule("search.chosen-missing", field="chosen")
def what_is_reused_or_joined_is_named(facts: Comparison) -> str | None:
    """Who reuses or joins says which of the things shown."""
    if facts.answer in ("reuse", "join") and facts.shown and facts.chosen not in facts.shown:
        return _("Choose which of those above it is.")
    return None


@rule("search.difference-missing", field="reason", source=str(policy.number("reviews.precedent_characters").source))
def the_answer_is_explained(facts: Comparison) -> str | None:
    """Public money is not spent twice on the same question without saying why. (Procurement Act 2023, section 12(1):
    value for money, public benefit.)"""
    least = policy.IN_FORCE.reviews.precedent_characters
    if len(facts.reason.strip()) >= least:
        return None
    if facts.answer == "differs":
        return _("Say how it differs, in {least} characters or more. It is published.", least=least)
    if facts.answer == "nothing":
        return _(
            "Say what you looked for, and where else, in {least} characters or more. It is published.", least=least
        )
    return _("Say what you take over and what you add, in {least} characters or more. It is published.", least=least)


@rule("search.answer-copied", field="reason")
def the_answer_is_about_this_draft(facts: Comparison) -> str | None:
    """What is said of others' work is said of this draft: an answer that stands word for word at another draft of the body
    answers for neither."""
    if facts.copied:
        return _("You said exactly this of another draft. Say what you found for this one.")
    return None


COMPARE = (
    it_is_still_a_draft,
    she_answers_for_what_she_saw,
    the_answer_fits_the_list,
    what_is_reused_or_joined_is_named,
    the_answer_is_explained,
    the_answer_is_about_this_draft,
)


@rule("search.not-open", field="record")
def it_is_open_to_all(facts: Invitations) -> str | None:
    """Only what is published and takes answers from everybody can be pointed out to somebody."""
    return None if facts.open else _("It is not open: publish it first, or choose another.")


@rule("search.nobody-chosen", field="suppliers")
def somebody_is_chosen(facts: Invitations) -> str | None:
    """At least one supplier, and not the whole market at once: that is what alerts are for."""
    if not facts.suppliers:
        return _("Choose at least one supplier.")
    if facts.suppliers > INVITED_AT_ONCE:
        return _("Choose at most {invited_at_once} at once.", invited_at_once=INVITED_AT_ONCE)
    return None


@rule("search.invited-already", field="suppliers")
def nobody_is_invited_twice(facts: Invitations) -> str | None:
    """A supplier is told of a record once; no more letters than everybody else gets."""
    return _("Told already: {already}.", already=", ".join(facts.already)) if facts.already else None


@rule("search.nobody-to-write-to", field="suppliers")
def somebody_reads_the_letter(facts: Invitations) -> str | None:
    """An invitation that nobody gets is not recorded as one."""
    return (
        _("Nobody is registered here for {unreachable}.", unreachable=", ".join(facts.unreachable))
        if facts.unreachable
        else None
    )


INVITE = (it_is_open_to_all, somebody_is_chosen, nobody_is_invited_twice, somebody_reads_the_letter)


@rule("search.own-firm")
def it_is_another_firm(facts: Contact) -> str | None:
    """Nobody writes to herself."""
    return _("This is your own firm.") if facts.own else None


@rule("search.not-open-to-partners")
def they_want_to_be_written_to(facts: Contact) -> str | None:
    """A supplier is written to when it said that it is open to bidding together, or when it wrote first."""
    if facts.open_to_partners or facts.wrote_first:
        return None
    return _("{name} has not said that it is open to bidding together.", name=facts.name)


@rule("search.too-many-letters", field="text")
def letters_are_few(facts: Contact) -> str | None:
    """Ten letters a day, and one a day to the same firm."""
    if facts.to_them_today:
        return _("You wrote to {name} today. Wait for the answer.", name=facts.name)
    if facts.today >= LETTERS_A_DAY:
        return _("Your firm sent {letters_a_day} letters today. Go on tomorrow.", letters_a_day=LETTERS_A_DAY)
    return None


CONTACT = (it_is_another_firm, they_want_to_be_written_to, letters_are_few)


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

UNKNOWN_KIND = Denial(
    "search.unknown-kind",
    N_("There are no results of the kind “{kind}”."),
    norm="A search is for a kind of record that there is.",
    status=400,
)

UNKNOWN_ORDER = Denial(
    "search.unknown-order", N_("“{order}” is not an order."), norm="Results come in an order that there is.", status=400
)

UNKNOWN_PERIOD = Denial(
    "search.unknown-period",
    N_("Closing within 7, 14, 30 or 90 days."),
    norm="What closes soon is asked for by the periods there are.",
    field="within",
    status=400,
)

NOT_AN_AMOUNT = Denial("search.not-an-amount", "{why}", norm="A value is asked for as money.", status=400)

BAD_CURSOR = Denial(
    "search.bad-cursor",
    "{why}",
    norm="A page of results is asked for by the address of the page before it.",
    field="cursor",
    status=400,
)

UNAVAILABLE = Denial(
    "search.unavailable",
    N_("The search is being put right. Try again soon."),
    norm="While the index is away nothing is found, and it is said so.",
    status=503,
)

# ── what is kept ───────────────────────────────────────────────────────────────────────────────────────────────────

SHORTLIST_FULL = Denial(
    "search.shortlist-full",
    N_("A short list holds {most}. Take somebody off first."),
    norm="A short list is short enough to be read.",
)

TOO_MANY_SAVED = Denial(
    "search.too-many-saved",
    N_("You saved {most} searches. Stop one before you save another."),
    norm="Saved searches are as many as a person reads letters of.",
)

COMPARE_TWO_TO_FOUR = Denial(
    "search.compare-two-to-four",
    N_("Choose two, three or four suppliers to compare."),
    norm="As many suppliers are compared as fit beside each other.",
    status=400,
)
