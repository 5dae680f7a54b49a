"""WeChat Pay's daily bill of the merchant's account (资金账单), read to the fen.

The file is text: a head, rows whose fields each begin with a back-tick, and two
lines that count the rows and sum them. A file that is cut short, or was mended by
hand, does not add up, and is refused: it would prove nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.errors import InvalidInputError, require_id
from wxengage.money import Fen, yuan
from wxengage.times.zones import SHANGHAI, zone

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Bill", "BillRow", "read_bill"]

Direction = Literal["out", "in"]

# Source: the columns of fundflowbill (申请资金账单), v3, basic account.
_AT: Final = "记账时间"
_FLOW: Final = "资金流水单号"
_RECEIPT: Final = "微信支付业务单号"
_BUSINESS: Final = "业务名称"
_DIRECTION: Final = "收支类型"
_AMOUNT: Final = "收支金额(元)"
_VOUCHER: Final = "业务凭证号"
_NEEDED: Final = (_AT, _FLOW, _BUSINESS, _DIRECTION, _AMOUNT, _VOUCHER)
_DIRECTIONS: Final[dict[str, Direction]] = {"支出": "out", "收入": "in"}
_SUMMARY: Final = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_COUNT: Final = re.compile(r"[0-9]{1,12}")
_HINT: Final = "download the bill anew and hand in the file as it comes"


@attrs.frozen
class BillRow:
    """One movement on the merchant's account (资金流水).

    Attributes
    ----------
    row
        Line of the file, from 1.
    at
        When, aware, in Asia/Shanghai.
    number
        The merchant's own number for it (业务凭证号): a payout's number. May be "".
    flow
        WeChat Pay's number of the movement (资金流水单号).
    business
        What it was (业务名称), in WeChat Pay's words.
    direction
        ``"out"`` of the merchant's account, or ``"in"``.
    fen
        How much, in fen.
    receipt
        WeChat Pay's number of what it was (微信支付业务单号); "" where the bill has
        no such column.
    """

    row: int
    at: dt.datetime
    number: str
    flow: str
    business: str
    direction: Direction
    fen: Fen
    receipt: str = ""


@attrs.frozen
class Bill:
    """One day's movements (资金账单).

    Attributes
    ----------
    date
        The day, in Asia/Shanghai.
    rows
        In the order of the file.
    """

    date: dt.date
    rows: tuple[BillRow, ...]


def read_bill(text: str, date: dt.date) -> Bill:
    r"""Return the bill that a file's text is.

    Parameters
    ----------
    text
        The whole file, UTF-8 decoded; a byte order mark may lead.
    date
        The day that the bill was asked for.

    Returns
    -------
    Bill
        Every row of it.

    Raises
    ------
    InvalidInputError
        If a column is missing, a field cannot be read exactly, a row is of another
        day or is there twice, or count and sums of the last line are not those of
        the rows.

    Examples
    --------
    >>> bill = read_bill(
    ...     "记账时间,资金流水单号,业务名称,收支类型,收支金额(元),业务凭证号\n"
    ...     "`2026-03-02 10:00:00,`42001,`商家转账,`支出,`8.00,`1900000109a\n"
    ...     "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n"
    ...     "`1,`0,`0.00,`1,`8.00\n",
    ...     dt.date(2026, 3, 2),
    ... )
    >>> [(row.number, row.direction, row.fen) for row in bill.rows]
    [('1900000109a', 'out', 800)]
    """
    if not isinstance(text, str):
        raise InvalidInputError("text", text, "a text", "decode the file as UTF-8")
    if not isinstance(date, dt.date) or isinstance(date, dt.datetime):
        raise InvalidInputError("date", date, "a date", "such as date(2026, 3, 2)")
    lines = [
        (number, line.removesuffix("\r"))
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1)
        if line.strip()
    ]
    # Without a head and the two lines of the summary it is no bill.
    if len(lines) < len(("head", "names", "sums")):
        raise InvalidInputError("bill", text, "a head, rows and a summary", _HINT)
    columns = _columns(lines[0][1])
    if tuple(_fields(lines[-2][1])) != _SUMMARY:
        rule = f"ended by a summary of {', '.join(_SUMMARY)}"
        raise InvalidInputError("bill", lines[-2][1], rule, _HINT)
    rows = tuple(_row(number, line, columns, date) for number, line in lines[1:-2])
    _require_once(rows)
    _require_sums(rows, _fields(lines[-1][1]))
    return Bill(date, rows)


def _fields(line: str) -> list[str]:
    """Return a line's fields; a comma in a remark does not begin another one."""
    if line.startswith("`"):
        return [field.strip() for field in line[1:].split(",`")]
    return [field.strip() for field in line.split(",")]


def _columns(head: str) -> list[str]:
    columns = _fields(head)
    missing = [name for name in _NEEDED if columns.count(name) != 1]
    if missing:
        rule = f"one that has each of {', '.join(missing)} once"
        raise InvalidInputError("bill head", head, rule, _HINT)
    return columns


def _row(number: int, line: str, columns: Sequence[str], date: dt.date) -> BillRow:
    name = f"bill line {number}"
    fields = _fields(line)
    if not line.startswith("`") or len(fields) != len(columns):
        rule = f"{len(columns)} fields, each after a back-tick"
        raise InvalidInputError(name, line, rule, _HINT)
    told = dict(zip(columns, fields, strict=True))
    direction = _DIRECTIONS.get(told[_DIRECTION])
    if direction is None:
        rule = "支出 or 收入"
        raise InvalidInputError(f"{name}, {_DIRECTION}", told[_DIRECTION], rule)
    require_id(f"{name}, {_FLOW}", told[_FLOW])
    if told[_VOUCHER]:
        require_id(f"{name}, {_VOUCHER}", told[_VOUCHER])
    return BillRow(
        number,
        _instant(f"{name}, {_AT}", told[_AT], date),
        told[_VOUCHER],
        told[_FLOW],
        told[_BUSINESS],
        direction,
        _amount(f"{name}, {_AMOUNT}", told[_AMOUNT]),
        told.get(_RECEIPT, ""),
    )


def _instant(name: str, told: str, date: dt.date) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(told) if _INSTANT.fullmatch(told) else None
    except ValueError:
        at = None
    if at is None:
        raise InvalidInputError(name, told, "a time such as 2026-03-02 10:00:00", _HINT)
    if at.date() != date:
        raise InvalidInputError(name, told, f"on {date}", "is it the day asked for?")
    return at.replace(tzinfo=zone(SHANGHAI))


def _amount(name: str, told: str) -> Fen:
    try:
        return yuan(told)
    except InvalidInputError as error:
        raise InvalidInputError(name, told, error.rule, _HINT) from None


def _require_once(rows: tuple[BillRow, ...]) -> None:
    first: dict[str, int] = {}
    for row in rows:
        if first.setdefault(row.flow, row.row) != row.row:
            rule = f"there once; line {first[row.flow]} has it too"
            raise InvalidInputError(f"bill line {row.row}, {_FLOW}", row.flow, rule)


def _require_sums(rows: tuple[BillRow, ...], told: list[str]) -> None:
    """Refuse a bill whose last line is not about its rows."""
    if len(told) != len(_SUMMARY):
        rule = f"{len(_SUMMARY)} numbers"
        raise InvalidInputError("bill summary", told, rule, _HINT)
    ins = [row.fen for row in rows if row.direction == "in"]
    outs = [row.fen for row in rows if row.direction == "out"]
    wanted = (len(rows), len(ins), sum(ins), len(outs), sum(outs))
    for name, value, want in zip(_SUMMARY, told, wanted, strict=True):
        if name.endswith("金额"):
            got = _amount(f"bill summary, {name}", value)
        elif _COUNT.fullmatch(value):
            got = int(value)
        else:
            raise InvalidInputError(f"bill summary, {name}", value, "a count", _HINT)
        if got != want:
            rule = f"{want} as its rows have it"
            raise InvalidInputError(f"bill summary, {name}", got, rule, _HINT)
