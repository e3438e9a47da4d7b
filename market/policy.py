"""The numbers a jurisdiction sets: days, thresholds, percentages — each in one file, each with its source.

`fixtures/reference/policy.yaml` holds value, unit, source and a plain sentence for every number; this module gives them
types. A rule reads `policy.IN_FORCE.award.standstill_working_days`; a page or a letter that has to say why asks
:func:`number` for the sentence and the source. What is not law says so in its source: “Own default”.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from market.applied import applied_by
from market.money import Money

REFERENCE: Final = Path(__file__).resolve().parent.parent / "fixtures" / "reference"
"""Where reference data lives: code lists and numbers that change by law and not by use."""


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the policy file: the value, its unit, the law and section it comes from, and what it means."""

    value: int | str
    unit: str
    source: str
    says: str

    @property
    def own(self) -> bool:
        """Whether this is a choice of the product and not law."""
        return self.source.startswith("Own default")

    def __str__(self) -> str:
        if self.unit.startswith("minor units"):
            return str(Money(int(self.value), "EUR" if self.unit.endswith("EUR") else "GBP"))
        if self.unit == "bytes":
            return f"{int(self.value) // 1024 // 1024} MiB"
        return f"{self.value} {self.unit}" if isinstance(self.value, int) else self.value or "none"


class WorkingDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which days do not count."""

    bank_holidays: str
    extra_days: str


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long an exercise or a waiver opens the gate, how near its subject must be to the tender's, up to what value, and
    what has to be said of it."""

    exercise_valid_months: int
    overlap_digits: int
    exercise_digits: int
    exercise_codes_most: int
    exercise_code_digits_least: int
    follow_on_percent: int
    statement_characters: int
    waiver_default_months: int
    waiver_maximum_months: int
    waiver_reason_characters: int
    waiver_review_percent: int
    waiver_review_days: int
    delegation_maximum_months: int
    delegation_codes_most: int
    commodity_grace_months: int


class Panels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many judge, by which scale, and how far apart they may lie; for challenges and tenders alike."""

    evaluators_minimum: int
    highest_mark: int
    spread_points: int


class Challenges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times and places of a challenge, and how much effort makes it an exercise."""

    applying_working_days: int
    days_left_after_change: int
    places_minimum: int
    shortlist_ties: str
    fee_least: int
    fee_per_mille: int
    fee_share_most: int
    pitches_least: int
    least_mark_from: int
    least_mark_to: int
    measures_least: int
    problem_words: int
    answer_words: int
    word_repeats: int
    quiet_words: int

    def fee_for(self, follow_on: int) -> int:
        """The least fee of a pitch, in minor units, for a follow-on of this value: its share, with the floor and the ceiling."""
        share = -(-follow_on * self.fee_per_mille // 1000)
        return max(self.fee_least, min(share, self.fee_share_most))


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When public questions close, by when they are answered, how many one organisation asks, and how often letters tell of
    them; for challenges and tenders alike."""

    close_percent: int
    answer_working_days_before_close: int
    most_in_a_day: int
    letters_hours_apart: int


class Tendering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shortest periods of Procurement Act 2023 section 54, and what else a tender needs before it may be opened."""

    days_electronic_all_documents: int
    days_electronic_or_all_documents: int
    days_after_planned_notice: int
    planned_notice_days: int
    planned_notice_months: int
    days_urgent: int
    urgency_reason_characters: int
    days_left_after_change: int
    slip_hours: int
    lots_reason_characters: int
    opening_officers_minimum: int


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Estimated values, VAT included and in minor units, from which the Act or its notices apply."""

    central: int
    sub_central: int
    works: int
    utilities: int
    light_touch: int
    concession: int
    notice_central: int
    notice_other: int
    vat_percent: int
    same_class_digits: int
    same_class_months: int
    near_percent: int

    def binding(self, tier: str, kind: str) -> int:
        """From which estimated value the Act covers a contract of this kind for a body of this tier (Schedule 1): goods and
        services differ by tier, the other kinds do not. A kind that is not of the list is refused (KeyError)."""
        goods = self.central if tier == "central" else self.sub_central
        return {
            "goods-services": goods,
            "works": self.works,
            "light-touch": self.light_touch,
            "concession": self.concession,
            "utilities": self.utilities,
        }[kind]


class Bids(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large a sealed envelope may be, how often one is replaced, when they are opened, and when a supplier is reminded of
    an unconfirmed bid."""

    envelopes_most: int
    envelopes_minutes: int
    opening_wait_seconds: int
    confirm_reminder_hours: int
    envelope_bytes: int


class Asks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From where on a price, a date or a sum looks like a slip, and is asked about once more before it is kept."""

    price_times: int
    deadline_days: int
    contract_years: int
    lot_value_from: int
    lot_value_under: int
    pitch_fee_from: int


class Award(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of criteria, limits on lots, what looks abnormally low, and the standstill."""

    weights_total: int
    price_weight_minimum: int
    price_weight_maximum: int
    price_weight_maximum_commodity: int
    lots_share_percent: int
    low_percent_under_mean: int
    low_percent_under_next: int
    low_reply_working_days: int
    standstill_working_days: int
    claims_days: int

    def lots_limit(self, lots: int) -> int:
        """How many of so many lots one supplier may be awarded: the share rounded up, and never less than one."""
        return max(1, -(-lots * self.lots_share_percent // 100)) if lots > 1 else 1


class Contracts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a contract of some size must have, and how far it may be changed."""

    kpi_value: int
    kpi_minimum: int
    change_term_percent: int
    change_percent: int
    change_works_percent: int
    change_grounds_percent: int
    change_near_percent: int
    change_standstill_working_days: int
    change_reason_characters: int
    change_clause_characters: int


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a financial year begins, and for how many years ahead money is set aside."""

    year_begins_month: int
    year_begins_day: int
    years_ahead: int


class Payments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By when money is paid."""

    terms_days: int
    pitch_fee_days: int


class Sanctions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time to put right what broke the platform's rules, and to appeal."""

    cure_working_days: int
    appeal_working_days: int


class Standards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long an API certificate and an exemption last, and how often a certified API is checked again."""

    certificate_days: int
    recheck_days: int
    exemption_maximum_months: int


class Outages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a deadline moves because the service was away, how far, and how often; for challenges and tenders alike."""

    minutes_least: int
    window_hours: int
    longer_working_days: int
    moves_most: int


class People(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When two people are two, and how two appoint a third."""

    invited_days: int
    appointment_hours: int
    instrument_characters: int
    loan_days: int
    lent_percent: int
    touch_minutes: int
    prepared_hours: int
    mandate_days: int


class Reviews(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is read by a second person before it is published, and how what others have done is answered for."""

    team_exercises: int
    reason_characters: int
    precedent_days: int
    precedent_characters: int
    make_or_buy_characters: int


class Rulings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How what decides whom the rule binds is changed: how long auditors can object, and how much has to be said."""

    wait_working_days: int
    ground_characters: int
    deploy_days: int


class SmallFirms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is a small or medium-sized enterprise; the finer classes only where the definition has them (0: it has not)."""

    staff_fewer_than: int
    turnover_at_most: int
    balance_at_most: int
    small_staff_fewer_than: int = 0
    small_money_at_most: int = 0
    micro_staff_fewer_than: int = 0
    micro_money_at_most: int = 0


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All numbers of one jurisdiction."""

    jurisdiction: str
    currency: str
    zone: str
    calendar: WorkingDays
    gate: Gate
    challenges: Challenges
    panels: Panels
    questions: Questions
    tendering: Tendering
    thresholds: Thresholds
    bids: Bids
    asks: Asks
    award: Award
    contracts: Contracts
    budgets: Budgets
    payments: Payments
    sanctions: Sanctions
    standards: Standards
    outages: Outages
    people: People
    reviews: Reviews
    rulings: Rulings
    small_firms_uk: SmallFirms
    small_firms_eu: SmallFirms


def file() -> Path:
    """The policy file that this program reads."""
    return Path(os.environ.get("PRELUDE_POLICY", REFERENCE / "policy.yaml"))


def entries(tree: dict[str, Any]) -> dict[str, Number]:
    """Every entry of a policy file as it was parsed, by its dotted name, in the file's order."""
    found: dict[str, Number] = {}
    for group, within in tree.items():
        if "value" in within:
            found[group] = msgspec.convert(within, Number)
        else:
            for name, entry in within.items():
                found[f"{group}.{name}"] = msgspec.convert(entry, Number)
    return found


@lru_cache
def numbers(path: Path | None = None) -> dict[str, Number]:
    """Every entry of the policy file by its dotted name, such as `award.standstill_working_days`, in the file's order."""
    return entries(yaml.safe_load((path or file()).read_text(encoding="utf-8")))


def number(name: str) -> Number:
    """One entry with its source and sentence, for a page or letter that says why. Unknown names are refused (KeyError)."""
    return numbers()[name]


def load(path: Path | None = None) -> Policy:
    """The numbers of `path`, or of the file named by PRELUDE_POLICY, or of the one that comes with the product.

    A missing, misspelt or wrongly typed number is refused (msgspec.ValidationError): a law is not guessed.
    """
    tree: dict[str, Any] = {}
    for name, entry in numbers(path).items():
        group, _, leaf = name.partition(".")
        if leaf:
            tree.setdefault(group, {})[leaf] = entry.value
        else:
            tree[group] = entry.value
    return msgspec.convert(tree, Policy)


def as_markdown() -> str:
    """The document `docs/policy.md`: every number with its source and meaning."""
    lines = [
        "# The numbers, and where they come from",
        "",
        "Generated from `fixtures/reference/policy.yaml` by `python -m market.policy > docs/policy.md`; a test keeps it",
        "current. *Own default* marks a choice of this product that no law makes; an operator may set another by pointing",
        "`PRELUDE_POLICY` at a file of the same shape. Beside each number stand the rules of `docs/rules.md` that apply it, found",
        "in the code, or the function where no rule is met on the way; a number that nothing applies is not published.",
    ]
    group, applied = "", applied_by()
    for name, entry in numbers(REFERENCE / "policy.yaml").items():
        here = name.partition(".")[0] if "." in name else "jurisdiction"
        if here != group:
            group = here
            lines += ["", f"## {group.replace('_', ' ').capitalize()}", ""]
            lines += ["| number | value | what it means | source | applied by |", "|---|---|---|---|---|"]
        by = ", ".join(applied.get(name, ("every page that names the law",)))
        lines.append(f"| `{name}` | {entry} | {entry.says} | {entry.source} | {by} |")
    return "\n".join(lines) + "\n"


IN_FORCE: Final = load()
"""The numbers in force."""

if __name__ == "__main__":
    print(as_markdown(), end="")
