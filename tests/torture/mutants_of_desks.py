"""What is made wrong in the desk (运营台的变异): transactions, locks, what is told."""

from __future__ import annotations

from typing import Final

from tests.torture.mutating import Mutant

__all__ = ["OF_DESK"]

_RECORDING: Final = "desk/test_recording.py::"
_PAYING: Final = "desk/test_dispatching_payouts.py::"
_MET: Final = "torture/test_interleavings.py::"
_DISPATCHES: Final = "torture/test_interleaved_dispatches.py::"
_STORM: Final = (
    "torture/test_simulation.py::test_a_storm_loses_nothing_and_pays_nothing_twice"
)

OF_DESK: Final = (
    Mutant(
        "event and entitlement in two transactions",
        "A process dies between the two: the third friend is on disk, told again it "
        "is a repeat, and nobody ever grants the reward.",
        "wxengage/desk/recording.py",
        [
            (
                "    _require_same(unit, rows, new)\n",
                (
                    "    _require_same(unit, rows, new)\n"
                    '    if hasattr(unit.tx, "execute"):\n'
                    '        unit.tx.execute("COMMIT")\n'
                    '        unit.tx.execute("BEGIN IMMEDIATE")\n'
                ),
            )
        ],
        [_RECORDING + "test_wherever_a_telling_breaks_off_the_next_one_grants_all"],
    ),
    Mutant(
        "ack before commit",
        "WeChat is told that an event was taken, the process dies, and the event was "
        "never on disk.",
        "wxengage/desk/recording.py",
        [
            (
                "            receipts = self._kept(events, instant, within)\n",
                (
                    "            receipts = tuple(\n"
                    "                _receipt(str(one.id), (), True, is_new=True)\n"
                    "                for one in events\n"
                    "            )\n"
                    '            late = getattr(self, "_late", ())\n'
                    "            self._late = events\n"
                    "            if late:\n"
                    "                self._kept(late, instant, within)\n"
                ),
            )
        ],
        [_STORM, _RECORDING + "test_a_sqlite_file_keeps_what_it_was_told"],
    ),
    Mutant(
        "durable before the application commits",
        "The receipt says that the event is on disk while the application may still "
        "roll back.",
        "wxengage/desk/recording.py",
        [("durable = within is None and self._store", "durable = self._store")],
        [_RECORDING + "test_an_applications_transaction_takes_the_event_with_it"],
    ),
    Mutant(
        "an event without an id is new each time",
        "WeChat tells the same follow three times, and it happened three times.",
        "wxengage/desk/rows.py",
        [
            (
                'return fingerprint("event", str(event.user), str(at),',
                'return fingerprint("event", __import__("uuid").uuid4().hex, str(at),',
            )
        ],
        [_RECORDING + "test_an_event_without_an_id_is_known_by_its_content"],
    ),
    Mutant(
        "subjects are not held",
        "Two friends follow at the same moment, and neither is the third.",
        "wxengage/desk/recording.py",
        [
            (
                '        unit.lock(\n            f"subject:',
                '        tuple(\n            f"subject:',
            )
        ],
        [_MET + "test_the_third_invite_of_two_friends_at_once[postgres_url-commit]"],
    ),
    Mutant(
        "a campaign is published between two looks",
        "An event is kept while its campaign is published: each misses the other, and "
        "the invite is never counted.",
        "wxengage/desk/launching.py",
        [("        nobody_tells(unit)\n", "")],
        [
            _MET + "test_publishing_while_something_is_recorded[postgres_url-commit]",
            _MET + "test_recording_while_something_is_published[postgres_url-commit]",
        ],
    ),
    Mutant(
        "books are not held",
        "Two processes promise the last 8 yuan of a budget to two users.",
        "wxengage/desk/books.py",
        [('        unit.lock([f"books:{campaign}"])\n', "")],
        [_MET + "test_the_last_budget_goes_to_one[postgres_url-commit]"],
    ),
    Mutant(
        "a payout from before the lock",
        "Somebody waits for the books and then goes by what he had read before: a "
        "reward that was called off meanwhile is set aside again.",
        "wxengage/desk/books.py",
        [('        unit.forget("payout")\n', "")],
        [_MET + "test_releasing_while_it_is_voided[postgres_url-first write]"],
    ),
    Mutant(
        "letters are not held",
        "Two processes put the same message in, and both say that it is new.",
        "wxengage/desk/outboxes.py",
        [('    unit.lock(f"letter:{key}" for key in keys)\n', "")],
        [_MET + "test_putting_one_letter_in_twice_at_once[postgres_url-first write]"],
    ),
    Mutant(
        "the outbox is not held",
        "A channel is down, and two workers try it with a letter each.",
        "wxengage/desk/outboxes.py",
        [('    unit.lock(["outbox"])\n    _mind', "    _mind")],
        [
            _DISPATCHES + "test_two_workers_try_a_place_in_trouble_with_one_letter"
            "[commit-postgres_url]"
        ],
    ),
    Mutant(
        "users are not held",
        "Two messages to one user ask the gate at the same moment, and both pass a "
        "cap of one a day.",
        "wxengage/desk/dispatching.py",
        [
            (
                '        unit.lock([f"user:{body.user}"])\n        unit.forget',
                "        unit.forget",
            )
        ],
        [
            _DISPATCHES + "test_two_letters_of_one_user_pass_one_cap_once"
            "[commit-postgres_url]"
        ],
    ),
    Mutant(
        "mark paid before the call",
        "The books say paid before WeChat was asked; if the request never leaves, the "
        "user never gets it.",
        "wxengage/desk/dispatching.py",
        [
            (
                "        paid_fence = book(unit, record, Leased(now)).fence\n",
                (
                    "        paid_fence = book(unit, record, Leased(now)).fence\n"
                    "        fen = record.payout.reward.fen\n"
                    '        told = Paid(record.payout.number, now, "", fen)\n'
                    "        book(unit, record, Answered(now, told, paid_fence))\n"
                ),
            )
        ],
        [_PAYING + "test_letter_and_books_agree_on_every_answer", _STORM],
    ),
    Mutant(
        "a worker that was away sends all the same",
        "A process stands still for an hour between begin and request, and then sends "
        "what another one has sent since.",
        "wxengage/desk/sending.py",
        [('if begun.row.held(micros("now", now), settings.outbox):', "if True:")],
        [
            (
                "desk/test_dispatching.py::"
                "test_a_worker_that_was_away_for_too_long_sends_nothing"
            )
        ],
    ),
    Mutant(
        "the books do not hear of a lost request",
        "A worker dies while it pays: the outbox is in doubt, and the books say that "
        "the request is on its way.",
        "wxengage/desk/dispatching.py",
        [("    if row.state is State.SENDING:\n", "    if False:\n")],
        [
            _PAYING + "test_a_worker_that_dies_while_it_pays_leaves_a_doubt_in_letter_"
            "and_books"
        ],
    ),
    Mutant(
        "gives up silently",
        "After too many answers that say nothing a payout is asked about no more, and "
        "nobody is told.",
        "wxengage/desk/paying.py",
        [("if row.is_final and record.state is Standing.UNKNOWN:", "if False:")],
        [_PAYING + "test_a_doubt_that_nobody_clears_is_parked"],
    ),
    Mutant(
        "a paused campaign pays",
        "Somebody stops a campaign that is being farmed, and it goes on paying.",
        "wxengage/desk/granting.py",
        [('one.state != "paused" for one', "bool(one.state) for one")],
        [_PAYING + "test_a_paused_campaign_pays_nothing"],
    ),
    Mutant(
        "what was withdrawn is paid",
        "The friend has left before the reward was asked for; it is paid all the same.",
        "wxengage/desk/granting.py",
        [("    if known.state in _WAITING:\n", "    if False:\n")],
        [_RECORDING + "test_a_reward_withdrawn_before_it_is_asked_for_is_called_off"],
    ),
)
