"""Losses of power (断电): what was answered is there, and nobody is paid twice.

The provider's machine has power all the time, so what it knows is the truth that the
reopened store is held to; what is due is counted apart from the library.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

import pytest

from tests.torture.power_lives import BrokenPromiseError, Life
from wxengage.stores.errors import StoreDamagedError, StoreError
from wxengage.testing.power import FileSystem
from wxengage.testing.power_sqlite import reach_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# What SQLite promises on which file system; with a rollback journal it relies on
# syncing the folder itself, which it was built without on the strict one.
SAFE = [
    *[("WAL+FULL", names) for names in get_args(FileSystem)],
    *[("PERSIST+FULL", names) for names in ("journalled", "posix")],
]


@pytest.fixture(autouse=True)
def sqlite_in_reach() -> None:
    """Skip where the SQLite of this Python cannot be reached."""
    try:
        reach_sqlite()
    except StoreError as error:
        pytest.skip(str(error))


def live(
    folder: Path, seeds: range, setting: str, names: FileSystem, losses: int
) -> Iterator[Life]:
    """Yield lives that lost power and were found in order."""
    for seed in seeds:
        own = folder / f"{setting}-{names}-{seed}"
        own.mkdir()
        life = Life(own, seed, setting, names)
        with life.disk:
            life.lose(losses)
            life.finish()
        yield life


def say(numbers: str) -> None:
    """Print numbers; ``-s`` shows them."""
    print(f"\nT4: {numbers}")  # noqa: T201


def summed(counts: Iterable[Counter[str]]) -> Counter[str]:
    """Return the sum of counts."""
    found: Counter[str] = Counter()
    for one in counts:
        found.update(one)
    return found


def told(what: str, lives: list[Life]) -> str:
    """Return the numbers of some lives in a line."""
    losses = [loss for life in lives for loss in life.losses]
    struck = summed(life.struck for life in lives)
    done = summed(life.done for life in lives)
    changes = sum(loss.lost for loss in losses)
    return (
        f"{what}: {len(losses)} losses of power took {changes} changes on their way; "
        f"0 events of {done['events']} lost, {done['payments']} payments of "
        f"{done['fen']} fen once each, {done['messages']} messages at most once; "
        f"struck while {dict(struck.most_common())}"
    )


@pytest.mark.parametrize(("setting", "names"), SAFE)
def test_what_was_answered_survives_losses_of_power(
    setting: str, names: FileSystem, tmp_path: Path
) -> None:
    """Forty losses in all, eight on each: books and provider agree to the fen."""
    first = 10 * SAFE.index((setting, names))
    lives = list(live(tmp_path, range(first, first + 2), setting, names, 4))

    say(told(f"{setting} on {names}", lives))
    assert 8 == sum(len(life.losses) for life in lives)
    assert 0 < sum(loss.lost for life in lives for loss in life.losses)


@pytest.mark.torture
@pytest.mark.parametrize(("setting", "names"), SAFE)
def test_what_was_answered_survives_a_thousand_losses_of_power(
    setting: str, names: FileSystem, tmp_path: Path
) -> None:
    """Two hundred losses on each, ten in the life of a desk."""
    first = 1000 * (1 + SAFE.index((setting, names)))
    lives = list(live(tmp_path, range(first, first + 20), setting, names, 10))

    say(told(f"{setting} on {names}", lives))
    assert 200 == sum(len(life.losses) for life in lives)
    done = summed(life.done for life in lives)
    acts = {"record", "record_many", "record_unacked", "publish", "amend", "dispatch"}
    assert acts <= {act for act, count in done.items() if count}
    assert 0 < done["payments"]


def harm(folder: Path, seed: int, setting: str) -> str:
    """Return what one loss of power did to a desk: "none", "lost" or "damaged"."""
    own = folder / f"{setting}-{seed}"
    own.mkdir()
    life = Life(own, seed, setting)
    try:
        with life.disk:
            life.lose(1)
    except BrokenPromiseError as error:
        return "damaged" if str(error).startswith("verify") else "lost"
    except StoreDamagedError:
        return "damaged"
    return "none"


UNSAFE = [("WAL+NORMAL", "lost"), ("DELETE+OFF", "damaged")]


@pytest.mark.parametrize(("setting", "worst"), UNSAFE)
def test_settings_that_are_not_safe_are_found_out(
    setting: str, worst: str, tmp_path: Path
) -> None:
    """The harness sees losses where there are some: it would see ours."""
    seen = Counter(harm(tmp_path, seed, setting) for seed in range(8))

    say(f"{setting}: {dict(seen)}")
    assert 0 < seen[worst]


@pytest.mark.torture
@pytest.mark.parametrize(("setting", "worst"), UNSAFE)
def test_settings_that_are_not_safe_are_found_out_most_of_the_time(
    setting: str, worst: str, tmp_path: Path
) -> None:
    """Of sixty losses of power many are losses of what was answered, or damage."""
    seen = Counter(harm(tmp_path, seed, setting) for seed in range(60))

    say(f"{setting}: {dict(seen)}")
    assert 10 < seen[worst]
    assert 10 < seen["lost"] + seen["damaged"]


def test_a_seed_tells_a_life_again(tmp_path: Path) -> None:
    """The same seed does the same work, and loses power at the same steps."""
    folders = [tmp_path / "first", tmp_path / "again"]
    lives: list[Life] = []
    for folder in folders:
        folder.mkdir()
        lives += live(folder, range(5, 6), "WAL+FULL", "posix", 3)

    first, again = lives
    assert first.losses == again.losses
    assert (first.done, first.struck) == (again.done, again.struck)
    assert first.provider.paid == again.provider.paid
