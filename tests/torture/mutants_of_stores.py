"""What is made wrong in the stores and where money is paid (存储与支付的变异)."""

from __future__ import annotations

from typing import Final

from tests.torture.mutating import Mutant

__all__ = ["OF_PAY", "OF_STORES"]

_POWER: Final = "torture/test_power.py::test_what_was_answered_survives_losses_of_power"
_RACES: Final = "stores/test_races.py::"
_MEMORY: Final = "stores/test_memory.py::TestMemory::"
_PAY: Final = "adapters/test_pay.py::"
_ANSWERS: Final = "adapters/test_pay_answers.py::"
_NOTICES: Final = "adapters/test_pay_notices.py::"
_STORM: Final = "adapters/test_pay_storm.py::test_in_a_storm_everybody_is_paid_once"

OF_STORES: Final = (
    Mutant(
        "Postgres write skew at the 3rd invite",
        "Two friends follow at the same moment on PostgreSQL: each transaction sees "
        "two of three, and nobody gets the reward.",
        "wxengage/stores/postgres_rows.py",
        [
            (
                "        if numbers:\n            sql",
                "        if False:\n            sql",
            )
        ],
        [
            (
                "torture/test_interleavings.py::"
                "test_the_third_invite_of_two_friends_at_once[postgres_url-commit]"
            ),
            _RACES + "test_with_a_lock_exactly_one_of_two_invites_at_once_is_the_third",
        ],
    ),
    Mutant(
        "forget dedupe",
        "An event that is told again takes the place of the first, and counts as new.",
        "wxengage/stores/sql.py",
        [
            (
                'keep_old: str = " ON CONFLICT ({key}) DO NOTHING"',
                (
                    'keep_old: str = " ON CONFLICT ({key}) DO UPDATE '
                    'SET {first} = excluded.{first}"'
                ),
            )
        ],
        ["desk/test_recording.py::test_an_event_told_three_times_happened_once"],
    ),
    Mutant(
        "reads before it has the file",
        "Two processes read the same balance of a SQLite file, and one of them cannot "
        "write.",
        "wxengage/stores/sqlite.py",
        [('sql = "BEGIN IMMEDIATE" if write else "BEGIN"', 'sql = "BEGIN"')],
        [
            (
                "torture/test_interleavings.py::"
                "test_keeping_compares_before_it_sets[sqlite-first write]"
            ),
            "stores/test_sqlite.py::test_every_statement_can_be_seen",
        ],
    ),
    Mutant(
        "two threads at once",
        "Two threads work on one connection, and one commits half of what the other "
        "has done.",
        "wxengage/stores/turns.py",
        [
            (
                "if not self._lock.acquire(timeout=self._wait):",
                "if not threading.Lock().acquire(timeout=self._wait):",
            ),
            ("                self._lock.release()\n", "                pass\n"),
        ],
        ["stores/test_memory.py::test_one_thread_works_after_the_other"],
    ),
    Mutant(
        "synchronous NORMAL",
        "The power fails, and what WeChat was told was taken is gone.",
        "wxengage/stores/sqlite_files.py",
        [('"synchronous = FULL"', '"synchronous = NORMAL"')],
        [_POWER, "stores/test_sqlite.py::test_what_is_committed_is_on_the_disk"],
    ),
    Mutant(
        "the name of the log is not on the disk",
        "The power fails, and the file system has forgotten that there was a log.",
        "wxengage/stores/sqlite.py",
        [("                sync_folder(self._path)\n", "                pass\n")],
        [_POWER],
    ),
    Mutant(
        "half of a transaction stays",
        "Something fails in the middle, and what was done before it is kept.",
        "wxengage/stores/memory.py",
        [("                if not done:\n", "                if False:\n")],
        [_MEMORY + "test_what_raises_is_undone"],
    ),
    Mutant(
        "an error passed over",
        "A statement failed, somebody caught the error, and the rest is committed as "
        "if nothing had been.",
        "wxengage/stores/checked.py",
        [("        self._failure = error\n", "")],
        [_MEMORY + "test_a_failure_cannot_be_passed_over"],
    ),
    Mutant(
        "no floor below the library",
        "Whatever the library does wrong, the database would have refused a balance "
        "below zero; now it does not.",
        "wxengage/stores/sql.py",
        [("    if table.floor:\n        value", "    if False:\n        value")],
        [_RACES + "test_a_floor_is_held_below_the_library_too"],
    ),
    Mutant(
        "damaged rows are believed",
        "A bit on the disk turns over, and 8 yuan have become 80.",
        "wxengage/stores/sql.py",
        [
            (
                "return checked(layout, rows) if layout.table.sealed else rows",
                "return [row[:-1] for row in rows] if layout.table.sealed else rows",
            )
        ],
        [
            (
                "stores/test_damage.py::"
                "test_money_on_a_damaged_disk_is_never_silently_different"
            )
        ],
    ),
    Mutant(
        "a commit that may be there is done again",
        "The server's answer to a commit got lost, and the work is done a second time.",
        "wxengage/stores/served.py",
        [
            (
                "passes = isinstance(error, (StoreBusyError, StoreUnreachableError))",
                "passes = True",
            )
        ],
        [
            (
                "stores/test_served.py::"
                "test_a_commit_that_arrives_and_whose_answer_is_lost_is_unknown"
            )
        ],
    ),
    Mutant(
        "a commit that is not on the disk",
        "PostgreSQL is set to answer before it writes, and the library lets it.",
        "wxengage/stores/postgres.py",
        [("WHEN 'off' THEN 'on'", "WHEN 'off' THEN 'off'")],
        ["stores/test_postgres.py::test_a_commit_is_answered_when_it_is_on_the_disk"],
    ),
)

OF_PAY: Final = (
    Mutant(
        "new bill number on retry",
        "The answer to a red packet got lost, wechatpy makes a number of its own for "
        "the next request, and the user is paid twice.",
        "wxengage/adapters/pay/redpackets.py",
        [("out_trade_no=payout.number,", "out_trade_no=None,")],
        [_PAY + "test_the_same_number_is_paid_once", _STORM],
    ),
    Mutant(
        "time-out = failed, money released",
        "No answer came in time; that is taken for a failure, the money is promised "
        "to the next user, and then WeChat pays the first.",
        "wxengage/adapters/pay/paying.py",
        [
            (
                'action="retry")\n    return Unknown(came.because)',
                (
                    'action="retry")\n'
                    '    return Refused(payout.number, "late", final=True, '
                    'action="mend")'
                ),
            )
        ],
        [_PAY + "test_what_nobody_can_tell_is_unknown_and_then_asked", _STORM],
    ),
    Mutant(
        "SYSTEMERROR = failed",
        "WeChat says SYSTEMERROR and pays a moment later; by then the money has been "
        "promised to somebody else.",
        "wxengage/adapters/pay/refusals.py",
        [
            (
                "    action = codes.get(code)\n",
                (
                    '    if code.replace("_", "") == "SYSTEMERROR":\n'
                    '        return Refused(number, code, final=True, action="mend")\n'
                    "    action = codes.get(code)\n"
                ),
            )
        ],
        [_PAY + "test_what_nobody_can_tell_is_unknown_and_then_asked", _STORM],
    ),
    Mutant(
        "trusts any body",
        "A proxy's error page, or an answer about another bill, counts as a payment "
        "that is on its way.",
        "wxengage/adapters/pay/packets.py",
        [
            (
                'return Unknown("the answer is neither a success nor a refusal")',
                "return None",
            ),
            (
                "return Unknown(fault) if fault is not None else Accepted(number, now)",
                "return Accepted(number, now)",
            ),
        ],
        [
            _ANSWERS + "test_a_packet_of_somebody_else_is_not_ours",
            _ANSWERS + "test_a_refusal_that_is_not_plain_is_none",
            _PAY + "test_what_nobody_can_tell_is_unknown_and_then_asked",
        ],
    ),
    Mutant(
        "not found = failed",
        "The number is not found yet, so it is given up; a moment later WeChat pays.",
        "wxengage/adapters/pay/refusals.py",
        [
            (
                "code, number)\n    return Unknown(_told(code))",
                (
                    "code, number)\n"
                    '    return Refused(number, code, final=True, action="mend")'
                ),
            )
        ],
        [_PAY + "test_a_number_that_is_not_found_may_be_paid_yet"],
    ),
    Mutant(
        "good news from anybody",
        "Whoever can answer in WeChat's place says that it was paid, and signs "
        "nothing.",
        "wxengage/adapters/pay/packets.py",
        [("    if signed is None:\n", "    if False:\n")],
        [_ANSWERS + "test_only_good_news_needs_a_signature"],
    ),
    Mutant(
        "somebody else has it",
        "Another user has opened the packet, and ours is booked as paid.",
        "wxengage/adapters/pay/packets.py",
        [('if received[0].get("openid") != recipient:', "if False:")],
        [_ANSWERS + "test_received_by_whom_must_be_told"],
    ),
    Mutant(
        "a forged notice is news",
        "Anybody on the internet tells the shop what became of a bill.",
        "wxengage/adapters/pay/notices.py",
        [("if not self._keys.verifies(serial, message, signature):", "if False:")],
        [_NOTICES + "test_what_wechat_did_not_sign_is_rejected"],
    ),
    Mutant(
        "an old notice is news",
        "A notice that somebody has overheard is sent again a year later.",
        "wxengage/adapters/pay/notices.py",
        [("if abs(at - int(stamp) * _MICROS) >", "if at - at >")],
        [_NOTICES + "test_a_notice_is_good_for_five_minutes"],
    ),
)
