"""What the tests of the mathematics share: the published data."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

Columns = dict[str, NDArray[np.float64]]


def read_columns(path: Path) -> Columns:
    """Return the columns of a CSV of numbers."""
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.fixture(scope="session")
def cdnow(data_folder: Path) -> Columns:
    """Give the published summary of 2,357 CDNOW customers, in weeks."""
    return read_columns(data_folder / "cdnow" / "cdnow_customers_summary.csv")


@pytest.fixture(scope="session")
def spendings(data_folder: Path) -> Columns:
    """Give counts and mean values of the 946 CDNOW customers who came back."""
    name = "cdnow_customers_summary_with_transactions.csv"
    columns = read_columns(data_folder / "cdnow" / name)
    seen = columns["x"] > 0
    return {name: column[seen] for name, column in columns.items()}


@pytest.fixture(scope="session")
def donations(data_folder: Path) -> Columns:
    """Give the 22 different histories of 11,104 donors over six years."""
    return read_columns(data_folder / "donations" / "donations.csv")
