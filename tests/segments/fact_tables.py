"""Facts about points as tables of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.frames.engines import need, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxengage.segments.points.facts import Fact

__all__ = ["columns_of", "fact_table"]


def columns_of(users: Mapping[Any, Sequence[Fact]]) -> dict[str, list[Any]]:
    """Return facts as columns."""
    facts = [(user, fact) for user, mine in users.items() for fact in mine]
    return {
        "user": [user for user, _ in facts],
        "kind": [type(fact).__name__.lower() for _, fact in facts],
        "id": [fact.id for _, fact in facts],
        "at": [fact.at for _, fact in facts],
        "points": [getattr(fact, "points", None) for _, fact in facts],
        "of": [getattr(fact, "of", None) for _, fact in facts],
    }


def fact_table(rows: Sequence[dict[str, Any]], engine: str) -> Any:
    """Return rows as one kind of table in memory."""
    need(engine)
    if engine in {"records", "arrays"}:
        return table(rows, engine)
    import pyarrow as pa  # noqa: PLC0415  an extra

    arrow = pa.Table.from_pylist(list(rows))
    if engine == "pandas":
        return arrow.to_pandas()
    if engine == "polars":
        import polars as pl  # noqa: PLC0415  an extra

        return pl.DataFrame(arrow)
    return arrow
