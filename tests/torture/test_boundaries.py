"""A desk dies before every statement and around every request, and goes on.

A fixed story is told once: a campaign is published, events are told one by one and
together, payouts and messages go to a provider that fails in every way, somebody
pauses and amends. Each instant of it at which a process may die is a beginning: whoever
comes after it repeats what was not acknowledged, and must come to the same end.
"""

from __future__ import annotations

import time
from typing import Literal

import pytest

from tests.torture.workers.places import a_folder
from tests.torture.workers.tales import Tale, finish

Processes = Literal["one", "many"]


def go_on(processes: Processes, every: int) -> tuple[int, int]:
    """Tell the story, and go on from each so-manieth of its instants.

    Return how many instants there were, and from how many was gone on.
    """
    began = time.monotonic()
    with a_folder() as folder:
        tale = Tale(folder, processes)
    chosen = tale.pictures[::every]
    for picture in chosen:
        with a_folder() as folder:
            try:
                finish(picture, folder, processes)
            except AssertionError as error:
                instant = f"killed at {picture.number}, before {picture.before[:80]!r}"
                error.add_note(instant)
                raise
    kinds = ", ".join(f"{count} {kind}" for kind, count in tale.kinds.most_common())
    print(  # noqa: T201  numbers
        f"{processes} process(es): {tale.instants} boundaries ({kinds}), which leave "
        f"{len(tale.pictures)} different states; gone on from {len(chosen)} in "
        f"{time.monotonic() - began:.1f} s"
    )
    return tale.instants, len(chosen)


def test_a_desk_that_dies_at_some_boundary_comes_to_the_same_end() -> None:
    """Every sixteenth state that a death can leave."""
    instants, gone_on = go_on("one", every=16)

    assert 900 < instants
    assert 7 <= gone_on


def test_who_acknowledges_too_early_is_found_out() -> None:
    """The story itself is tried: an event that was acknowledged first is missed."""
    with a_folder() as folder:
        tale = Tale(folder, too_early=True, steps=5)
    # Told and not yet kept: the first such instant will do.
    told = next(one for one in tale.pictures if one.done > 3)
    with a_folder() as folder, pytest.raises(AssertionError, match="is lost"):
        finish(told, folder)


@pytest.mark.torture
@pytest.mark.parametrize("processes", ["one", "many"])
def test_a_desk_that_dies_at_any_boundary_comes_to_the_same_end(
    processes: Processes,
) -> None:
    """Every state that a death can leave, with a log and with a rollback journal."""
    instants, gone_on = go_on(processes, every=1)

    assert 900 < instants
    assert 100 < gone_on
