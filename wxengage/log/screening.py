"""Which rows of an engine's frame can be used, and what is wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw

from wxengage.errors import INVISIBLE, LONGEST_ID, InvalidLogError
from wxengage.log.expressions import EARLIEST, LATEST
from wxengage.log.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log.spec import Spec

__all__ = ["fault_of", "with_conflicts", "with_kinds"]

# As wxengage.errors has it, in the notation that all engines read; their strings
# hold no lone surrogates.
_HIDDEN: Final = "".join(
    sign if sign == "-" else f"\\x{{{ord(sign):X}}}"
    for sign in INVISIBLE.replace("\ud800-\udfff", "")
)


def with_kinds(frame: nw.LazyFrame[Any], spec: Spec) -> nw.LazyFrame[Any]:
    """Turn the source's words into our kinds; an unknown word into null."""
    if spec.constant is not None:
        return frame.with_columns(
            kind=nw.lit(spec.constant), _word=nw.lit(spec.constant)
        )
    kind_type = frame.collect_schema()["kind"]
    if kind_type != nw.String:
        name = f"column {spec.names['kind']!r}"
        raise InvalidLogError(name, kind_type, "text", "cast it in the engine first")
    words: dict[str, list[str]] = {}
    own_words = {w: name for w, name in spec.kinds.items() if isinstance(w, str)}
    for word, name in ({name: name for name in KINDS} | own_words).items():
        words.setdefault(name, []).append(word)
    plain = [name for name, own in words.items() if own == [name]]
    kind: nw.Expr = nw.when(nw.col("kind").is_in(plain)).then(nw.col("kind"))
    for name, own in words.items():
        if name not in plain:
            kind = nw.when(nw.col("kind").is_in(own)).then(nw.lit(name)).otherwise(kind)
    return frame.with_columns(_word=nw.col("kind"), kind=kind)


def fault_of(frame: nw.LazyFrame[Any], spec: Spec) -> nw.Expr:
    """Return the first fault of each row, or null."""
    us, user = nw.col("_us"), nw.col("user")
    schema = frame.collect_schema()
    checks: list[tuple[nw.Expr, str]] = [(user.is_null(), "missing_user")]
    if schema["user"] == nw.String:
        length = user.str.len_chars()
        blank = ~user.str.contains(r"\S")
        hidden = user.str.contains(f"[{_HIDDEN}]")
        checks.append((blank | (length > LONGEST_ID) | hidden, "bad_user"))
    elif schema["user"].is_integer():
        checks.append((user < 0, "bad_user"))
    else:
        name = f"column {spec.names['user']!r}"
        hint = "cast it in the engine first"
        raise InvalidLogError(name, schema["user"], "text or whole numbers", hint)
    checks += [
        (nw.col("_word").is_null(), "missing_kind"),
        (nw.col("kind").is_null(), "unknown_kind"),
        (nw.col("at").is_null(), "missing_time"),
        (us.is_null(), "no_such_time"),
        ((us < EARLIEST) | (us >= LATEST), "time_out_of_range"),
    ]
    if spec.latest is not None:
        checks.append((us > spec.latest, "future_time"))
    for role in ("value", "duration"):
        if role in spec.names:
            if not schema[role].is_numeric():
                raise InvalidLogError(
                    f"column {spec.names[role]!r}", schema[role], "numbers"
                )
            number = nw.col(role).cast(nw.Float64())
            checks.append((~number.is_null() & ~number.is_finite(), "bad_number"))
            checks.append((number < 0, "negative_number"))
    if "id" in spec.names:
        checks.append((nw.col("id").is_null(), "missing_id"))
    fault = nw.lit(None, nw.String())
    for condition, name in reversed(checks):
        fault = nw.when(condition).then(nw.lit(name)).otherwise(fault)
    return fault


def with_conflicts(frame: nw.LazyFrame[Any], roles: Sequence[str]) -> nw.LazyFrame[Any]:
    """Use every event id once, and none that stands for two events."""
    content = [role for role in roles if role != "id"]
    fine = frame.filter(nw.col("_fault").is_null())
    distinct = fine.select("id", *content).unique(subset=["id", *content])
    torn = distinct.group_by("id").agg(_contents=nw.len())
    copy = nw.col("_us").cum_count().over("id", order_by="_us")
    fine = fine.with_columns(_copy=copy).join(torn, on="id", how="left")
    fault = nw.when(nw.col("_contents") > 1).then(nw.lit("conflicting_id"))
    again = nw.when(nw.col("_copy") > 1).then(nw.lit("duplicate"))
    fine = fine.with_columns(_fault=fault.otherwise(again)).drop("_copy", "_contents")
    return nw.concat([fine, frame.filter(~nw.col("_fault").is_null())], how="vertical")
