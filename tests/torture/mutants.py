"""What is made wrong on purpose, in the words of who would suffer from it (变异清单).

Each mutant is a mistake that somebody has made, or would. Each test that is named with
it must fail where the mistake is in the package; ``test_mutants.py`` sees to that.
The mistakes of the ledger and of the outbox are here, the others in files beside it.
"""

from __future__ import annotations

from typing import Final

from tests.torture.mutants_of_desks import OF_DESK
from tests.torture.mutants_of_stores import OF_PAY, OF_STORES
from tests.torture.mutating import Mutant

__all__ = ["MUTANTS", "QUICK", "TWELVE"]

_PAYOUTS: Final = "ledger/test_payouts.py::"
_BOOK: Final = "ledger/test_book.py::"
_OUTBOX: Final = "delivery/test_outbox.py::"
_ANSWERS: Final = "delivery/test_outbox_answers.py::"
_STORM: Final = (
    "delivery/test_outbox_storm.py::test_nothing_is_lost_and_nothing_goes_twice"
)
_DISPATCHING: Final = "desk/test_dispatching.py::"
_PAYING: Final = "desk/test_dispatching_payouts.py::"

_OF_LEDGER: Final = (
    Mutant(
        "a number made of chance",
        "Asked again after a restart, a reward is paid under another bill number, and "
        "WeChat Pay pays it a second time.",
        "wxengage/delivery/payouts.py",
        [("str(generation))\n    return", "str(generation), str(id(re)))\n    return")],
        [_PAYOUTS + "test_a_number_is_the_same_for_ever"],
    ),
    Mutant(
        "a new number while the old one may pay",
        "A payout whose answer got lost is begun anew under another number.",
        "wxengage/ledger/records.py",
        [
            (
                "over = self.state in OVER and",
                "over = self.state in {*OVER, State.UNKNOWN} and",
            ),
            ("over and (self.confirmed or self.attempts == 0)", "over"),
        ],
        [
            _PAYOUTS + "test_only_what_surely_failed_gets_another_number",
            "desk/test_settling.py::test_a_number_that_may_still_pay_is_not_renewed",
        ],
    ),
    Mutant(
        'stale "unknown" overwrites "paid"',
        "A notice has told that the money arrived; then the time-out of the request "
        "comes in, and the payout is in doubt again.",
        "wxengage/ledger/states.py",
        [
            (
                "State.PAID: _stays(State.PAID) |",
                "State.PAID: _stays(State.PAID) | {Move.UNKNOWN: State.UNKNOWN} |",
            )
        ],
        [
            _PAYOUTS + "test_what_has_arrived_is_in_no_doubt_again",
            _PAYING + "test_a_late_time_out_puts_nothing_in_doubt_that_has_arrived",
        ],
    ),
    Mutant(
        "a guess needs no lease",
        "A worker whose lease went to another tells what it thinks of its own request, "
        "and the books take it for the other's.",
        "wxengage/ledger/records.py",
        [("event.fence != record.fence", "event.fence > record.fence")],
        [_PAYOUTS + "test_only_the_latest_lease_may_guess"],
    ),
    Mutant(
        "a second refusal ends the first request",
        "The first request may have paid; the second is refused, and the money goes "
        "back to the budget.",
        "wxengage/ledger/states.py",
        [
            (
                "Move.PARKED: State.PARKED},\n        State.PARKED",
                (
                    "Move.PARKED: State.PARKED, Move.REFUSED: State.FAILED},\n"
                    "        State.PARKED"
                ),
            )
        ],
        [
            _PAYOUTS + "test_unknown_is_left_only_by_what_the_provider_tells_about_"
            "the_number",
            _PAYING + "test_a_refusal_in_doubt_does_not_end_what_may_have_been_paid",
        ],
    ),
    Mutant(
        "no reservation, only paid money counted",
        "The last 8 yuan of a budget are promised to everybody who asks before the "
        "first one is paid.",
        "wxengage/ledger/states.py",
        [
            ("State.RESERVED: Role.RESERVED,", "State.RESERVED: None,"),
            ("State.SUBMITTING: Role.PAYABLE,", "State.SUBMITTING: None,"),
            ("State.ACCEPTED: Role.PAYABLE,", "State.ACCEPTED: None,"),
            ("State.AWAITING_USER: Role.PAYABLE,", "State.AWAITING_USER: None,"),
            ("State.UNKNOWN: Role.PAYABLE,", "State.UNKNOWN: None,"),
        ],
        [
            _BOOK + "test_the_last_money_is_promised_once",
            (
                "desk/test_recording.py::"
                "test_a_budget_is_never_oversold_and_what_it_lacks_is_unfunded"
            ),
        ],
    ),
    Mutant(
        "an account below zero",
        "A campaign promises more than it was given.",
        "wxengage/ledger/book.py",
        [("if after < 0 and account.role not in BELOW_ZERO:", "if False:")],
        [_BOOK + "test_an_account_that_holds_too_little_refuses_and_nothing_is_posted"],
    ),
    Mutant(
        "an entry posted twice",
        "A step that is done again after a crash moves the money again.",
        "wxengage/ledger/book.py",
        [("return known is not None\n", "return False\n")],
        [_BOOK + "test_an_entry_is_posted_once"],
    ),
    Mutant(
        "a success of something else is booked",
        "An answer that names another bill, or a tenth of the amount, counts as paid.",
        "wxengage/ledger/events.py",
        [("if not _is_about(payout, event.outcome):", "if False:")],
        [
            _PAYOUTS + "test_an_answer_about_something_else_is_unknown",
            _PAYING + "test_letter_and_books_agree_on_every_answer",
        ],
    ),
    Mutant(
        "a refund that is under way has come back",
        "Money that WeChat is only about to give back is promised to the next user.",
        "wxengage/ledger/providers.py",
        [
            (
                '"RFUND_ING": State.AWAITING_USER',
                '"RFUND_ING": State.EXPIRED_REFUNDED',
            )
        ],
        [_PAYOUTS + "test_a_providers_word_leads_to_its_state"],
    ),
    Mutant(
        "room in a limit is never given back",
        "A reward that was called off still counts against its user's limit.",
        "wxengage/ledger/moves.py",
        [("    elif target in OVER:", "    elif False:")],
        [_BOOK + "test_what_is_called_off_gives_its_room_back"],
    ),
    Mutant(
        "money that left unseen is no alarm",
        "The bill has a payment that the books do not know, and the reconciliation "
        "says that all is well.",
        "wxengage/ledger/reconciling.py",
        [('"bill_only", False, number, ""', '"bill_only", True, number, ""')],
        [
            (
                "ledger/test_reconciling.py::"
                "test_money_that_left_without_a_record_is_an_alarm"
            ),
        ],
    ),
)

_OF_OUTBOX: Final = (
    Mutant(
        "lease never expires",
        "What a worker had in its hands when it died waits for ever.",
        "wxengage/delivery/outbox/rows.py",
        [("and at < self.lease_until <= longest", "and at < longest")],
        [
            _OUTBOX + "test_a_worker_that_dies_while_sending_leaves_a_doubt",
            _STORM,
            _DISPATCHING + "test_a_lease_that_ran_out_leaves_a_message_in_doubt",
        ],
    ),
    Mutant(
        "sends before it commits",
        "A worker dies right after the request, the outbox on disk does not know of "
        "it, and the message goes a second time.",
        "wxengage/delivery/outbox/dispatching.py",
        [("check=check)\n        commit(outbox)\n", "check=check)\n")],
        ["delivery/test_dispatch.py::test_the_power_may_go_at_any_moment"],
    ),
    Mutant(
        "whoever lost the lease begins",
        "A worker was away for an hour, another one has the letter by now, and both "
        "send it.",
        "wxengage/delivery/outbox/leasing.py",
        [
            (
                "if row.fence != fence or not row.held(at, policy) or row.state",
                "if row.state",
            )
        ],
        [
            _OUTBOX + "test_a_letter_is_leased_to_one_worker",
            "delivery/test_dispatch.py::test_a_worker_that_halted_too_long_does_not_send",
        ],
    ),
    Mutant(
        "leased while somebody has it",
        "A second worker takes a letter that the first is about to send.",
        "wxengage/delivery/outbox/leasing.py",
        [
            (
                "if row.state not in WAITING or row.lease_until is not None:",
                "if row.state not in WAITING:",
            )
        ],
        [_OUTBOX + "test_a_letter_is_leased_to_one_worker"],
    ),
    Mutant(
        "an old worker's guess counts",
        "A time-out of an hour ago puts in doubt what another worker does right now.",
        "wxengage/delivery/outbox/recording.py",
        [
            (
                "elif fence == row.fence and row.state in _OPEN:",
                "elif row.state in _OPEN:",
            )
        ],
        [_ANSWERS + "test_guesses_need_the_fence_and_facts_do_not"],
    ),
    Mutant(
        "a message without a key is repeated",
        "The answer to a customer message got lost; it goes again, and the user reads "
        "it twice.",
        "wxengage/delivery/outbox/rows.py",
        [
            ("if is_message and self.letter.channel not in policy.keyed:", "if False:"),
            (
                "if span is None or self.late(at):\n            return False",
                "if span is None:\n            return True",
            ),
        ],
        [_ANSWERS + "test_a_message_without_a_key_is_never_repeated", _STORM],
    ),
    Mutant(
        "a key that WeChat has forgotten",
        "WeChat knows the key of a mass message for a day; after that the repetition "
        "is a second message.",
        "wxengage/delivery/outbox/rows.py",
        [
            (
                'return 0 <= at - first <= span_micros("keyed", span) - spare',
                "return 0 <= at - first + spare",
            )
        ],
        [
            _ANSWERS + "test_a_message_with_a_key_is_asked_about_and_then_sent_under_"
            "the_same_key"
        ],
    ),
    Mutant(
        "the gate is not asked when it goes",
        "A message that was planned yesterday goes to somebody who has opted out "
        "since.",
        "wxengage/delivery/outbox/leasing.py",
        [("if check is not None and isinstance(body, Send):", "if False:")],
        [
            "delivery/test_dispatch.py::test_the_gate_is_asked_at_send_time",
            "desk/test_sending.py::test_a_freeze_holds_letters_that_are_in_already",
        ],
    ),
    Mutant(
        "who wants no more gets more",
        "Somebody who refuses messages is written to again and again.",
        "wxengage/delivery/outbox/leasing.py",
        [("if suppression_of(row.letter) in outbox.suppressed:", "if False:")],
        [
            _ANSWERS + "test_who_refuses_messages_gets_no_more_of_them",
            _DISPATCHING + "test_a_refusal_for_good_suppresses_the_recipient",
        ],
    ),
    Mutant(
        "a stop that stops nothing",
        "The account is banned, and every letter in the outbox still goes.",
        "wxengage/delivery/outbox/box.py",
        [("            if place in self.breakers:\n", "            if False:\n")],
        [
            (
                "delivery/test_outbox_stops.py::"
                "test_a_stop_that_only_a_person_lifts_stays_until_lifted"
            ),
            _DISPATCHING + "test_a_stop_is_told_and_lifted_by_a_person",
        ],
    ),
)

#: All of them, in the order in which the documentation has them.
MUTANTS: Final = (*_OF_LEDGER, *_OF_OUTBOX, *OF_DESK, *OF_STORES, *OF_PAY)
#: Mistakes of which no one technique of testing has found all.
TWELVE: Final = (
    "new bill number on retry",
    "mark paid before the call",
    "time-out = failed, money released",
    "SYSTEMERROR = failed",
    "event and entitlement in two transactions",
    "lease never expires",
    "no reservation, only paid money counted",
    'stale "unknown" overwrites "paid"',
    "ack before commit",
    "trusts any body",
    "gives up silently",
    "Postgres write skew at the 3rd invite",
)
#: Those that are tried each time, by the first of their tests.
QUICK: Final = (
    "lease never expires",
    "no reservation, only paid money counted",
    'stale "unknown" overwrites "paid"',
)
