"""What the trees of who invited whom promise."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.virality import forest
from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

TOTAL = Ladder({3: 800, 6: 1500}, pays="total")
EACH = Ladder({3: 800, 6: 1500}, pays="each")


@st.composite
def parents(draw: st.DrawFn) -> dict[int, int]:
    """Return who invited each user, in some order of ids: no circles."""
    n = draw(st.integers(1, 25))
    names = draw(st.permutations(range(n)))
    found = {}
    for place in range(1, n):
        above = draw(st.none() | st.integers(0, place - 1))
        if above is not None:
            found[names[place]] = names[above]
    return found


def path_up(parent: dict[int, int], user: int) -> list[int]:
    """Return a user and everybody above."""
    path = [user]
    while path[-1] in parent:
        path.append(parent[path[-1]])
    return path


@given(parents())
def test_trees_are_those_of_a_walk_from_user_to_user(parent: dict[int, int]) -> None:
    """Size, depth, width and mean distance, each by its own definition."""
    users = sorted(set(parent) | set(parent.values()))
    paths = {user: path_up(parent, user) for user in users}

    found = forest([(above, user) for user, above in parent.items()])

    assert users == found.user.tolist()
    assert [len(paths[user]) - 1 for user in users] == found.level.tolist()
    invited = Counter(parent.values())
    assert [invited[user] for user in users] == found.invites.tolist()
    for row, root in enumerate(found.root.tolist()):
        members = [user for user in users if paths[user][-1] == root]
        levels = Counter(len(paths[user]) - 1 for user in members)
        assert [len(members), max(levels), max(levels.values())] == [
            found.size[row],
            found.depth[row],
            found.width[row],
        ]
        distances = [
            len(set(paths[a]) ^ set(paths[b]))
            for a, b in itertools.combinations(members, 2)
        ]
        assert pytest.approx(np.mean(distances)) == found.structural_virality[row]
    assert sorted(u for u in users if u not in parent) == found.root.tolist()


@pytest.mark.parametrize("n", [2, 3, 1000, 4096])
def test_a_star_and_a_chain_have_the_known_shapes(n: int) -> None:
    """2 (n - 1) / n of a broadcast, (n + 1) / 3 of a chain."""
    star = forest([(0, user) for user in range(1, n)])
    chain = forest([(user, user + 1) for user in range(n - 1)])

    assert [n, 1, n - 1] == [star.size[0], star.depth[0], star.width[0]]
    assert pytest.approx(2 * (n - 1) / n) == star.structural_virality[0]
    assert [n, n - 1, 1] == [chain.size[0], chain.depth[0], chain.width[0]]
    assert pytest.approx((n + 1) / 3) == chain.structural_virality[0]


def test_edges_may_come_in_any_form() -> None:
    """Pairs, arrays, columns, frames; texts and numbers."""
    pd = pytest.importorskip("pandas")
    pairs = [("ann", "bob"), ("bob", "cid"), ("dan", "eve")]
    columns = dict(zip(("inviter", "invitee"), zip(*pairs, strict=True), strict=True))
    forms: list[object] = [pairs, np.array(pairs), columns, pd.DataFrame(columns)]

    found = [forest(form) for form in forms]

    assert [[["ann", "dan"], [3, 2]]] * 4 == [
        [one.root.tolist(), one.size.tolist()] for one in found
    ]


def test_sparse_ids_are_counted_like_dense_ones() -> None:
    """Sorted or looked up, negative too."""
    pairs = [(5, 3), (3, -9), (5, 4)]
    far = [(a * 10**12, b * 10**12) for a, b in pairs]

    assert forest(pairs).size.tolist() == forest(far).size.tolist() == [4]
    assert forest(pairs).level.tolist() == forest(far).level.tolist()
    assert [5 * 10**12] == forest(far).root.tolist()


def test_users_without_invites_are_trees_of_one() -> None:
    """Whom to count is said, not guessed."""
    found = forest([("ann", "bob")], roots=["ann", "zoe"])

    assert ["ann", "zoe"] == found.root.tolist()
    assert [[2, 1], [1, 0], [1, 1]] == [
        found.size.tolist(),
        found.depth.tolist(),
        found.width.tolist(),
    ]
    assert [1.0, 0.0] == found.structural_virality.tolist()
    assert 0 == len(forest([]))
    assert [1, 1] == forest([], roots=[7, 9]).size.tolist()


def test_a_forest_prints_and_becomes_a_frame() -> None:
    """One row a tree."""
    found = forest([("ann", "bob"), ("bob", "cid")])

    assert "<Forest of 3 users in 1 trees>" == repr(found)
    assert "ann      3      2" in str(found)
    assert "<td>ann</td>" in found._repr_html_()
    assert ["ann"] == found.to_frame()["root"].tolist()
    assert [7] == forest([(7, 8)]).to_frame()["root"].tolist()
    pytest.importorskip("pandas")
    assert [3] == found.to_frame("pandas")["size"].tolist()


def test_real_reposts_are_a_forest_of_invites(data_folder: Path) -> None:
    """Thirty cascades of Weibo; later reposts of the same user are dropped."""
    edges, users = [], 0
    text = (data_folder / "weibo_casflow" / "dataset.txt").read_text("utf-8")
    for line in text.splitlines():
        cascade, root, *_, paths = line.split("\t")
        seen = {root}
        for step in paths.split(" "):
            for pair in itertools.pairwise(step.split(":")[0].split("/")):
                if pair[1] not in seen:
                    seen.add(pair[1])
                    edges.append(tuple(f"{cascade}/{user}" for user in pair))
        users += len(seen)

    found = forest(edges)

    assert users == found.size.sum()
    assert 30 == len(found)
    assert len(edges) == found.invites.sum() == users - 30
    assert found.depth.max() > 2
    assert (found.structural_virality >= 1).all()
    total, each = (ladder.entitlement(found.invites) for ladder in (TOTAL, EACH))
    some = (found.invites >= 6).sum()
    assert 800 * some == (each - total).sum()
    assert some > 0


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ([(1, 2), (2, 3), (3, 1)], "edges must be free of circles"),
        ([(1, 1)], "a circle of 1"),
        ([(9, 1), (1, 2), (2, 1)], "inviter of 1 must be one user, got [9, 2]"),
        ([("a", "c"), ("b", "c")], "inviter of 'c' must be one user"),
        ([("a", "c"), ("a", "c")], "keep the first invite of each user (rows 0, 1)"),
        ([(0, i) for i in range(1, 9)] + [(20, 21), (21, 20)], "a circle of 2"),
        ([(1, 2, 3)], "edges[0] must be a pair"),
        ([7], "edges[0] must be a pair"),
        (7, "edges must be rows of inviter and invitee"),
        (np.zeros((3, 3)), "edges.shape must be (n, 2)"),
        (np.zeros((3, 2)), "inviter must be whole numbers or texts"),
        ([(1.0, 2)], "inviter[0] must be all whole numbers"),
        ([(True, 2)], "inviter[0] must be all whole numbers"),
        ([(1, 2), ("a", 3)], "inviter[1] must be all whole numbers"),
        ([(None, 2)], "inviter[0] must be all whole"),
        ([("a", 2)], "1 is not '1'"),
        ([(2**63, 2)], "below 2**63"),
        ({"inviter": [1]}, "edges must be with 'invitee'"),
        ({"inviter": [1, 2], "invitee": [3]}, "invitee must be as many as inviters"),
        ({"inviter": np.zeros((1, 1), np.int64), "invitee": [3]}, "inviter.shape"),
        ({"inviter": "ab", "invitee": [3]}, "inviter must be a column of ids"),
        (
            {"inviter": np.array([1], np.uint64), "invitee": np.array([2])},
            "edges must be of one integer type",
        ),
    ],
)
def test_what_is_no_forest_is_refused(edges: Any, said: str) -> None:
    """The message names the users, the rows and the mend."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        forest(edges)
