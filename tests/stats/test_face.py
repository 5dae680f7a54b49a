"""The room of statistics and what stands behind it."""

from __future__ import annotations

from importlib import import_module

import pytest

import wxengage.stats


@pytest.mark.parametrize(
    "name",
    [
        "branching",
        "btyd",
        "chains",
        "counts",
        "gains",
        "intervals",
        "logistic",
        "quantiles",
        "sample_sizes",
        "scan",
        "scoring",
        "sequential",
        "shrinkage",
        "survival",
        "volumes",
    ],
)
def test_a_file_of_the_room_is_there_without_its_own_import(name: str) -> None:
    """`wx.stats.survival` works after `import wxengage as wx`."""
    assert import_module(f"wxengage.stats.{name}") is getattr(wxengage.stats, name)
    assert name in dir(wxengage.stats)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy room behaves like a plain module."""
    with pytest.raises(AttributeError, match="no attribute 'survivel'"):
        _ = getattr(wxengage.stats, "survivel")  # noqa: B009  mypy knows it is absent
