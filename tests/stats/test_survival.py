"""Survival with open cases: published tables, real data, laws, bad input."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stats.survival import kaplan_meier, log_rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.stats.estimates import Estimate

ORACLE = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)["sla"]["km_6mp"]
TREATED = ORACLE["inputs"]["t"], ORACLE["inputs"]["event"]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
CASES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def columns(cases: list[tuple[int, bool]]) -> tuple[list[int], list[bool]]:
    """Return durations and whether the end was seen."""
    return [time for time, _ in cases], [ended for _, ended in cases]


def ends(estimate: Estimate) -> tuple[float, float]:
    """Return the interval's ends, which must be there."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def by_hand(cases: list[tuple[int, bool]], t: float) -> float:
    """Return the product of the shares that stay, case by case."""
    share = 1.0
    for time in sorted({time for time, ended in cases if ended and time <= t}):
        open_then = sum(1 for other, _ in cases if other >= time)
        share *= 1 - sum(1 for case in cases if case == (time, True)) / open_then
    return share


def test_the_curve_equals_the_published_one() -> None:
    """Freireich's 6-MP arm: survival, Greenwood's error, log-log limits, median."""
    curve = kaplan_meier(*TREATED)
    expected = ORACLE["outputs"]

    assert expected["times"] == curve.times.tolist()
    np.testing.assert_allclose(expected["S"], curve.survival, rtol=1e-9)
    np.testing.assert_allclose(expected["S"], curve.at(expected["times"]), rtol=1e-9)
    error = curve.standard_error
    np.testing.assert_allclose(expected["greenwood_se"], error, rtol=1e-9)
    found = [ends(curve.interval(t)) for t in expected["times"]]
    limits = zip(expected["loglog_lo"], expected["loglog_hi"], strict=True)
    np.testing.assert_allclose(list(limits), found, rtol=1e-9)
    assert expected["median"] == curve.quantile(0.5)
    assert (21, 9, 35.0) == (curve.n, curve.events.sum(), curve.last)


def test_the_median_has_its_interval() -> None:
    """13 weeks to no upper limit, as the limits of the curve pass one half."""
    found = kaplan_meier(*TREATED).quantile_interval(0.5)

    assert (23, 13, math.inf) == (found.value, *ends(found))


def test_the_log_rank_statistic_is_the_published_one() -> None:
    """6-MP against placebo: 16.79 on 1 degree of freedom, 9 of 19.25 expected."""
    durations, observed = TREATED
    group = ["6-MP"] * 21 + ["placebo"] * 21
    found = log_rank(durations + PLACEBO, observed + [1] * 21, group)

    assert 16.79 == pytest.approx(found.statistic, abs=5e-3)
    assert 4.17e-5 == pytest.approx(found.p_value, abs=5e-8)
    assert (1, (9, 21), (21, 21)) == (
        found.degrees_of_freedom,
        found.observed,
        found.sizes,
    )
    assert (19.25, 10.75) == pytest.approx(found.expected, abs=5e-3)
    assert "chi2(1)=16.79 p=4.17e-05" == str(found).splitlines()[-1]


def test_churn_of_a_real_operator(data_folder: Path) -> None:
    """0.945961 stay longer than 1 month, 0.788736 longer than 24.

    Eleven customers in their month 0 are open at 0 and add nothing.
    """
    path = data_folder / "telco_churn" / "wa_churn.csv"
    with path.open(encoding="utf-8") as file:
        rows = [(float(r["tenure"]), r["churn"] == "Yes") for r in csv.DictReader(file)]
    tenure, churned = map(np.array, zip(*rows, strict=True))

    curve = kaplan_meier(tenure, churned)
    older = kaplan_meier(tenure[tenure > 0], churned[tenure > 0])

    assert [0.945961, 0.788736] == pytest.approx(curve.at([1, 24]), abs=5e-7)
    assert curve.survival.tolist() == older.survival.tolist()
    assert (7043, 11) == (curve.n, curve.n - older.n)


@given(CASES, st.integers(0, 12))
def test_the_curve_equals_the_definition(cases: list[tuple[int, bool]], t: int) -> None:
    """The vectorised curve and the product taken case by case agree."""
    found = kaplan_meier(*columns(cases)).at(t)

    if math.isnan(found):
        assert t > max(time for time, _ in cases)
    else:
        assert by_hand(cases, t) == pytest.approx(found, abs=1e-12)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=50))
def test_without_open_cases_it_is_the_plain_share(times: list[int]) -> None:
    """All ends seen: the share of cases that lasted longer, and binomial errors."""
    curve = kaplan_meier(times, [True] * len(times))
    moments = np.arange(25)
    share = np.array([sum(time > t for time in times) for t in moments]) / len(times)

    np.testing.assert_allclose(share, curve.at(moments), atol=1e-12)
    inside = curve.survival > 0
    s = curve.survival[inside]
    expected = np.sqrt(s * (1 - s) / len(times))
    np.testing.assert_allclose(expected, curve.standard_error[inside], rtol=1e-9)


@given(CASES, st.data())
def test_weights_are_repetitions(
    cases: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """A row that stands for three is three rows; for none, no row."""
    times, ended = columns(cases)
    size = len(cases)
    weights = data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))

    weighted = kaplan_meier(times, ended, weights=weights)
    repeated = kaplan_meier(np.repeat(times, weights), np.repeat(ended, weights))

    assert (repeated.n, repeated.last) == (weighted.n, weighted.last)
    for name, column in repeated.columns.items():
        np.testing.assert_array_equal(column, weighted.columns[name])


@given(CASES, st.sampled_from([60.0, 1 / 1440, 7.0]))
def test_another_unit_of_time_rescales_times_alone(
    cases: list[tuple[int, bool]], unit: float
) -> None:
    """Minutes or days: the same shares, the same statistic."""
    times, ended = columns(cases)
    other = np.array(times) * unit
    one, two = kaplan_meier(times, ended), kaplan_meier(other, ended)

    np.testing.assert_allclose(one.times * unit, two.times)
    np.testing.assert_array_equal(one.survival, two.survival)
    np.testing.assert_array_equal(one.standard_error, two.standard_error)


@given(CASES, st.floats(0.01, 0.99), st.floats(0.5, 0.99))
def test_intervals_hold_their_estimate(
    cases: list[tuple[int, bool]], q: float, level: float
) -> None:
    """Shares stay in 0 to 1, quantiles are times of the table, never above."""
    curve = kaplan_meier(*columns(cases))
    for t in range(13):
        found = curve.interval(t, level=level)
        if found.low is not None:
            low, high = ends(found)
            assert 0 <= low <= high <= 1
    time = curve.quantile_interval(q, level=level)
    assert curve.quantile(q) == time.value
    if time.value is not None:
        assert curve.at(time.value) <= 1 - q + 1e-9
        assert ends(time)[0] <= time.value <= ends(time)[1]


def test_breach_grows_with_age_and_is_certain_at_the_end() -> None:
    """A case open at 10 is likelier to be open at 22 than a new one."""
    curve = kaplan_meier(*TREATED)
    found = curve.breach(22, [0, 6, 10, 22, 30])

    expected = [0.5378151, 0.5378151 / 0.8571429, 0.5378151 / 0.7529412, 1, 1]
    assert expected == pytest.approx(found.tolist(), abs=1e-6)
    assert found[2] == curve.breach(22, 10)
    assert (np.diff(found) >= 0).all()


def test_breach_beyond_what_was_watched_is_unknown() -> None:
    """Nobody was watched to 40, and nobody of these is open after 5."""
    assert math.isnan(kaplan_meier(*TREATED).breach(40, 10))
    assert 1 == kaplan_meier(*TREATED).breach(40, 40)
    closed = kaplan_meier([3, 5], [True, True])
    assert [0.0, 0.0, 1.0] == closed.breach(6, [0, 3, 6]).tolist()
    assert math.isnan(closed.breach(8, 6))


def test_dropping_open_cases_is_what_this_mends() -> None:
    """Lognormal answers, watched for up to 5 hours: the true p90 is found."""
    rng = np.random.default_rng(5)
    answers = rng.lognormal(math.log(30), 1, 20_000)
    watched = rng.uniform(0, 300, 20_000)
    seen = answers <= watched

    curve = kaplan_meier(np.minimum(answers, watched), seen)
    true = 30 * math.exp(1.2815515655)

    assert true == pytest.approx(curve.quantile(0.9), rel=0.06)
    assert np.quantile(answers[seen], 0.9) < 0.85 * true


@pytest.mark.parametrize(
    ("durations", "observed", "said"),
    [
        ([], [], "undefined n=0 (no cases)"),
        ([5], [False], "undefined n=1 (none watched past 5)"),
        ([5, 9], [False, False], "1 n=2"),
        ([5], [True], "0 n=1"),
        ([0, 9], [True, False], "0.50 [0.006, 0.91] n=2"),
    ],
)
def test_the_few_cases_have_an_answer_in_words(
    durations: list[float], observed: list[bool], said: str
) -> None:
    """No cases, all open, all ended, an end at 0: each is told apart at 7."""
    assert said == str(kaplan_meier(durations, observed).interval(7))


def test_nobody_ended_means_no_quantile() -> None:
    """All open: the curve is 1 as far as anybody was watched, no median."""
    curve = kaplan_meier([5, 9], [False, False])

    assert [1.0, 1.0] == curve.at([0, 9]).tolist()
    assert math.isnan(curve.at(9.5))
    assert curve.quantile(0.5) is None
    told = "undefined n=2 (not reached: 100% were open when last seen)"
    assert told == str(curve.quantile_interval(0.5))
    assert "undefined n=0 (no cases)" == str(
        kaplan_meier([], []).quantile_interval(0.5)
    )


def test_a_median_on_the_edge_is_found_in_spite_of_rounding() -> None:
    """Half of each even crowd has ended at its middle: no rounding hides it."""
    for n in range(2, 200, 2):
        curve = kaplan_meier(np.arange(1, n + 1), np.ones(n, dtype=bool))
        assert n // 2 == curve.quantile(0.5)


def test_a_curve_prints_as_a_table() -> None:
    """Ten rows and how many more; the undefined error is a dash."""
    curve = kaplan_meier(np.arange(12), np.ones(12))
    short = kaplan_meier([2], [True])

    assert "(2 more)" == str(curve).splitlines()[-1]
    assert ["2", "1", "1", "0.0000", "-"] == str(short).splitlines()[-1].split()
    assert "<SurvivalCurve n=1 events=1 median=2>" == repr(short)
    assert "&lt;" not in short._repr_html_()
    assert short._repr_html_().startswith("<pre>times")
    with pytest.raises(ValueError, match="read-only"):
        short.survival[0] = 1


@pytest.mark.parametrize(
    ("durations", "observed", "weights", "said"),
    [
        ([1, -1], [1, 1], None, r"durations\[1\] must be at least 0"),
        ([1, math.nan], [1, 1], None, r"durations\[1\] must be finite"),
        ([math.inf], [1], None, r"durations\[0\] must be finite"),
        ([[1.0]], [1], None, "one-dimensional"),
        (["1"], [1], None, "durations must be numbers"),
        (np.array([1], dtype="timedelta64[s]"), [1], None, "must be numbers"),
        ([1], [1, 0], None, "observed must be as many as durations, 1, got 2"),
        ([1, 2], [1, 2], None, r"observed\[1\] must be True or False, got 2"),
        ([1, 2], [True, None], None, r"observed\[1\] must be True or False"),
        ([1], ["Yes"], None, r"observed\[0\] must be True or False, got 'Yes'"),
        ([1], [math.nan], None, r"observed\[0\] must be True or False"),
        ([1], [[1]], None, "one-dimensional"),
        ([1], [1], [0.5], r"weights\[0\] must be a whole number"),
        ([1], [1], [-1], r"weights\[0\] must be a whole number"),
        ([1], [1], [1, 1], "weights must be as many as the rows, 1, got 2"),
        ([1, 1], [1, 1], [2**53, 2**53], "at most"),
    ],
)
def test_what_is_no_case_is_named_by_its_row(
    durations: Any, observed: Any, weights: Any, said: str
) -> None:
    """Each column says what it must hold."""
    with pytest.raises(InvalidInputError, match=said):
        kaplan_meier(durations, observed, weights=weights)


def test_questions_without_sense_are_refused() -> None:
    """Negative times, times that are none, shares that are none."""
    curve = kaplan_meier(*TREATED)

    with pytest.raises(InvalidInputError, match=r"t\[1\] must be at least 0"):
        curve.at([1, -1])
    with pytest.raises(InvalidInputError, match="t must be finite"):
        curve.at(math.inf)
    with pytest.raises(InvalidInputError, match="one time"):
        curve.interval([1, 2])  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(InvalidInputError, match="sla must be at least 0"):
        curve.breach(-1, 1)
    with pytest.raises(InvalidInputError, match="one time"):
        curve.breach([1, 2], 1)  # type: ignore[call-overload]  # the mistake under test
    for q in (0, 1, math.nan, True):
        with pytest.raises(InvalidInputError, match="q must be between"):
            curve.quantile(q)


def plain_log_rank(
    time: NDArray[np.int64], ended: NDArray[np.bool_], group: NDArray[np.int64]
) -> float | None:
    """Return the two-group statistic by a loop over the times."""
    excess = variance = 0.0
    for t in np.unique(time[ended]):
        r, r1 = (time >= t).sum(), ((time >= t) & (group == 1)).sum()
        dead = (time == t) & ended
        d, d1 = dead.sum(), (dead & (group == 1)).sum()
        excess += d1 - d * r1 / r
        if r > 1:
            variance += d * r1 / r * (1 - r1 / r) * (r - d) / (r - 1)
    return excess**2 / variance if variance > 1e-12 else None


@given(CASES, st.randoms(use_true_random=False))
def test_two_groups_equal_the_textbook_loop(
    cases: list[tuple[int, bool]], chance: Any
) -> None:
    """The matrix form gives what the loop over times gives."""
    group = np.array([chance.randrange(2) for _ in cases])
    assume(len(set(group.tolist())) == 2)
    times, ended = map(np.array, columns(cases))

    found = log_rank(times, ended, group)

    assert plain_log_rank(times, ended, group) == pytest.approx(found.statistic)
    assert sum(found.observed) == pytest.approx(sum(found.expected))


@given(CASES, st.randoms(use_true_random=False))
def test_names_of_groups_do_not_matter(
    cases: list[tuple[int, bool]], chance: Any
) -> None:
    """Labels and their order change no statistic, for three groups too."""
    group = [chance.choice("abc") for _ in cases]
    assume(len(set(group)) > 1)
    other = [{"a": 7, "b": 3, "c": 5}[label] for label in group]
    one, two = log_rank(*columns(cases), group), log_rank(*columns(cases), other)

    assert one.degrees_of_freedom == two.degrees_of_freedom
    assert one.statistic == pytest.approx(two.statistic, abs=1e-9)


def test_p_values_are_even_where_groups_are_alike() -> None:
    """Three groups of one law: 5 of 100 tests are below 0.05."""
    rng = np.random.default_rng(11)
    low = 0
    for _ in range(600):
        time = rng.exponential(1, 90)
        watched = rng.uniform(0.2, 3, 90)
        found = log_rank(np.minimum(time, watched), time <= watched, np.arange(90) % 3)
        assert found.degrees_of_freedom == 2
        assert found.p_value is not None
        low += found.p_value < 0.05

    assert 0.025 <= low / 600 <= 0.085


def test_groups_that_nothing_tells_apart_have_no_statistic() -> None:
    """No ends, or all at one moment: None, not 0 and not NaN."""
    for ended in ([False, False], [True, True]):
        found = log_rank([5, 5], ended, ["a", "b"])
        assert (None, None, 0) == (
            found.statistic,
            found.p_value,
            found.degrees_of_freedom,
        )
        assert "<LogRank undefined: no end tells the groups apart>" == repr(found)


def test_a_group_that_says_nothing_takes_no_degree_of_freedom() -> None:
    """Cases left off before the first end cannot be compared."""
    times, ended = [1, 1, 4, 5, 6, 7], [0, 0, 1, 1, 0, 1]
    three = log_rank(times, ended, list("ccabab"))
    two = log_rank(times[2:], ended[2:], list("abab"))

    assert 1 == three.degrees_of_freedom
    assert two.statistic == pytest.approx(three.statistic)


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (["a", "a"], "at least two groups"),
        (["a"], r"group.shape must be \(2,\)"),
        (["a", None], r"group\[1\] must be a label"),
        ([1.0, math.nan], r"group\[1\] must be a label"),
        (np.array([1, "a"], dtype=object), "labels that can be put in order"),
    ],
)
def test_labels_that_are_none_are_refused(group: Any, said: str) -> None:
    """Fewer than two groups are no comparison."""
    with pytest.raises(InvalidInputError, match=said):
        log_rank([1, 2], [1, 0], group)


def test_hostile_labels_are_text() -> None:
    """A label that looks like markup is escaped."""
    found = log_rank([1, 2], [1, 0], ["<script>", "b"])

    assert "<script" not in found._repr_html_()
