"""The twelve runs that were made on 0.1.0, by ordinary pages and calls, to walk through the gate, talk round it or switch it off.

Each is done once more by tests that stand beside the code they are about; here it is written which, and with which reason they
are refused (or asked about, or what moves). A test that is renamed, taken out or passed over is missed here, and so is a reason
that is declared no more, or that the test does not name.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

import pytest

from market.refusals import Denial
from market.rulebook import modules, rules_of
from market.settings import ROOT


@dataclass(frozen=True)
class Held:
    """A test that does part of a run once more: its file below `tests/`, its name, and the reason it must meet; without one,
    what was done has another effect (a deadline that moves, a secret that is not sent)."""

    file: str
    test: str
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """One run on 0.1.0, in a sentence, and the tests that hold it."""

    what: str
    held: tuple[Held, ...]


GATE = "market/tenders/test_gate_attacks.py"
CHANGES = "market/tenders/test_changes.py"
PROPOSALS = "market/tenders/test_proposals.py"
CONFIRMED = "market/bids/test_confirmations.py"
APPOINTED = "market/appointments/test_appointments.py"
EFFORT = "challenges/test_effort.py"
HANDS = "market/hands/test_hands.py"
CONTRACTS = "market/contracts/changes/test_changes.py"
ARRIVAL = "market/web/test_arrival.py"
OPENING = "market/bids/test_opening.py"
POLICY = "market/test_policy.py"

RUNS: dict[int, Run] = {
    1: Run(
        "a “stop” opened the gate for what the exercise said not to buy, and the tender named no exercise at all",
        (
            Held(
                GATE, "test_the_prediction_platform_that_the_exercise_said_not_to_buy_is_refused", "tender.after-a-stop"
            ),
            Held(
                GATE, "test_after_a_stop_only_a_waiver_whose_statement_names_it_opens_the_gate", "waiver.stop-unnamed"
            ),
            Held(
                "market/tenders/test_tender_rules.py",
                "test_each_question_of_the_gate_that_stays_open_has_a_code_of_its_own",
                "tender.need-unsaid",
            ),
        ),
    ),
    2: Run(
        "a sham exercise of one person, one applicant and a penny opened it for nine hundred million, for twenty codes",
        (
            Held(GATE, "test_fifty_million_after_a_follow_on_of_one_is_refused", "tender.follow-on-exceeded"),
            Held(HANDS, "test_who_wrote_it_does_not_mark_it", "panel.drafted-it"),
            Held(EFFORT, "test_a_fee_of_a_penny_and_one_letter_texts_are_not_published"),
            Held(EFFORT, "test_one_applicant_marked_one_of_ten_is_not_short_listed"),
            Held(EFFORT, "test_a_go_after_one_pitch_stands_but_opens_nothing_and_the_gate_says_so"),
            Held("challenges/test_challenge_rules.py", "test_what_blocks_publication", "challenge.too-many-codes"),
        ),
    ),
    3: Run(
        "a contract grew from £71,400 to £100,071,400 in two clicks, in force at once",
        (
            Held(CONTRACTS, "test_forty_thousand_do_not_become_a_hundred_million_by_api", "change.gate"),
            Held(CONTRACTS, "test_a_change_takes_two_of_the_buyer_and_one_of_the_supplier", "change.same-person"),
            Held(
                CONTRACTS, "test_nothing_takes_effect_before_the_standstill_of_the_notice_is_over", "change.standstill"
            ),
            Held(CONTRACTS, "test_ten_changes_of_nine_per_cent_stop_at_the_second", "change.small"),
        ),
    ),
    4: Run(
        "one operator switched the rule off: a tier, a back-dated minister, four roles for her own second mailbox, by a token",
        (
            Held(
                "market/rulings/test_rulings.py",
                "test_one_operator_cannot_change_a_tier_alone_nor_with_her_second_mailbox",
                "ruling.same-person",
            ),
            Held(
                "market/rulings/test_rulings.py",
                "test_neither_form_nor_program_changes_a_tier_beside_the_register",
            ),
            Held(APPOINTED, "test_an_operator_cannot_make_her_second_mailbox_minister_auditor_or_operator"),
            Held(APPOINTED, "test_an_office_is_not_back_dated"),
            Held(APPOINTED, "test_a_buyer_appoints_nobody_and_neither_does_a_program"),
        ),
    ),
    5: Run(
        "“two people” were one person with two mailboxes, who released the money and held every code of an opening",
        (
            Held(HANDS, "test_who_accepted_cannot_let_somebody_in_to_release_the_money", "payment.one-pair-of-hands"),
            Held(
                HANDS,
                "test_who_names_the_officers_cannot_hold_all_codes_by_people_she_let_in",
                "tender.officers-one-hand",
            ),
            Held(
                PROPOSALS,
                "test_a_mailbox_that_the_proposer_let_in_yesterday_is_no_second_person",
                "tender.change-one-pair-of-hands",
            ),
        ),
    ),
    6: Run(
        "the gate had no threshold, and numbers of the policy were read by no rule",
        (
            Held(
                "market/tenders/test_value_actions.py",
                "test_a_department_buys_an_interpreter_for_400_pounds_without_an_exercise_and_the_log_says_why",
            ),
            Held(
                "market/tenders/test_value_actions.py",
                "test_three_of_134_thousand_in_one_class_within_a_year_bind",
                "tender.innovation-first",
            ),
            Held(POLICY, "test_every_number_is_applied_by_a_rule_or_an_act"),
            Held(
                "market/tenders/test_period.py",
                "test_a_shorter_time_is_not_had_by_a_word",
                "tender.planned-notice-wrong",
            ),
        ),
    ),
    7: Run(
        "“Lot 1 now also asks for 4,000 more homes” left sealed bids valid and questions closed",
        (
            Held(
                CHANGES,
                "test_four_thousand_more_homes_are_no_clarification_once_the_buyer_answers",
                "tender.change-is-material",
            ),
            Held(CONFIRMED, "test_of_three_sealed_bids_one_is_confirmed_one_replaced_and_one_not_counted"),
            Held(
                CONFIRMED,
                "test_a_page_opened_before_a_change_seals_nothing_until_its_reader_has_seen_the_change",
            ),
            Held(
                CONFIRMED,
                "test_a_bid_that_waits_while_the_tender_changes_is_asked_about_and_not_kept",
                "bid.changed-since",
            ),
            Held(
                PROPOSALS,
                "test_one_buyer_alone_makes_no_sealed_bid_unconfirmed_and_nobody_outside_reads_what_she_proposes",
                "tender.change-needs-two",
            ),
        ),
    ),
    8: Run(
        "a deadline of April 2049 was taken without a question and never taken back; no change was judged as a publication is",
        (
            Held(CHANGES, "test_a_deadline_of_april_2049_is_taken_back_in_public_and_only_once", "tender.deadline-far"),
            Held(
                CHANGES,
                "test_a_deadline_of_april_2049_is_mended_soon_and_never_beyond_the_law",
                "tender.slip-too-short",
            ),
            Held(CHANGES, "test_a_change_is_judged_by_the_rules_of_publication", "tender.innovation-first"),
            Held(
                CHANGES,
                "test_a_contract_does_not_begin_before_the_new_deadline_the_choice_and_the_standstill",
                "tender.contract-dates-wrong",
            ),
        ),
    ),
    9: Run(
        "a bid fifty times the lot's value was accepted without a word",
        (
            Held(
                "market/bids/test_asking.py",
                "test_the_api_says_what_to_send_and_takes_it",
                "bid.price-far",
            ),
            Held(
                "market/bids/test_asking.py",
                "test_a_bid_above_the_published_maximum_is_refused_and_no_confirmation_helps",
                "bid.above-the-maximum",
            ),
        ),
    ),
    10: Run(
        "in-time bids were refused as late, a competitor could cause it, 537 envelopes were kept, and an outage moved nothing",
        (
            Held(
                ARRIVAL,
                "test_thirty_bids_sent_before_are_kept_although_the_tender_is_held_across_the_deadline",
                "bid.too-late",
            ),
            Held(ARRIVAL, "test_headers_in_time_and_the_last_byte_late_is_late", "bid.too-late"),
            Held(ARRIVAL, "test_a_whole_body_in_time_is_kept_although_the_pool_is_empty"),
            Held(
                "journeys/test_deadline.py",
                "test_nobody_in_time_is_late_and_nobody_late_is_in_time_while_one_firm_holds_eighty_connections",
            ),
            Held(
                "journeys/test_deadline.py",
                "test_a_server_killed_before_the_deadline_loses_no_receipt_and_whoever_was_cut_off_sends_again",
            ),
            Held(
                "market/bids/test_bids.py",
                "test_a_firm_seals_ten_envelopes_for_a_lot_in_ten_minutes_and_the_last_stands",
                "bid.too-many",
            ),
            Held(
                "market/web/test_away.py", "test_without_the_database_people_and_programs_are_told_when_to_come_again"
            ),
            Held(
                "market/outages/test_outages.py",
                "test_an_outage_at_the_deadline_moves_it_and_a_bid_refused_as_late_is_sent_again",
            ),
        ),
    ),
    11: Run(
        "one supplier blocked everybody's opening with a price of fifty digits; other texts that are no bid were believed",
        (
            Held(
                OPENING,
                "test_no_hostile_envelope_stops_the_others_and_each_is_kept_with_its_reason",
                "bid.not-written-as-a-bid",
            ),
            Held(
                OPENING,
                "test_an_envelope_for_another_place_or_key_is_set_aside_and_says_so",
                "bid.for-another-place",
            ),
            Held(OPENING, "test_what_the_records_cannot_keep_is_set_aside_in_its_savepoint", "bid.not-kept"),
        ),
    ),
    12: Run(
        "the passkey script posted what the device's extensions answered, which may hold a secret",
        (Held("market/web/test_passkey_script.py", "test_what_extensions_answer_never_leaves_the_browser"),),
    ),
}


@cache
def _tests_of(file: str) -> tuple[str, dict[str, list[str]]]:
    """The text of a test file, and its tests with the text of what stands above each."""
    text = (ROOT / "tests" / file).read_text()
    return text, {
        each.name: [ast.unparse(mark) for mark in each.decorator_list]
        for each in ast.parse(text).body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
    }


@cache
def _reasons() -> set[str]:
    """Every code that something is refused or asked about with."""
    found = {each.code for module in modules() for each in rules_of(module)}
    return found | {each.code for module in modules() for each in vars(module).values() if isinstance(each, Denial)}


def test_all_twelve_are_here() -> None:
    assert sorted(RUNS) == list(range(1, 13))
    assert all(run.held for run in RUNS.values())


@pytest.mark.parametrize("number", RUNS)
def test_each_run_is_held_by_tests_that_run_and_name_their_reason(number: int) -> None:
    for held in RUNS[number].held:
        text, tests = _tests_of(held.file)
        assert held.test in tests, f"run {number}, {RUNS[number].what}: {held.file} has no {held.test}"
        assert not [mark for mark in tests[held.test] if "skip" in mark or "xfail" in mark], held.test
        if held.reason:
            assert held.reason in _reasons(), f"{held.reason} is no reason any more"
            assert held.reason in text, f"{held.file} does not name {held.reason}"
