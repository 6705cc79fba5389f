import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import trim_mean

from curricula import statistics
from curricula.statistics import Estimate, References
from taskgen.outcomes import Outcomes

numbers = arrays(float, st.integers(1, 40), elements=st.floats(-1e3, 1e3))


def test_iqm_by_hand():
    assert statistics.iqm([9, 1, 2, 3, 100, 4, 5, -50]) == pytest.approx((2 + 3 + 4 + 5) / 4)
    assert statistics.iqm([1, 2, 6]) == 3.0
    assert statistics.iqm([np.nan, 5.0]) == 5.0
    assert math.isnan(statistics.iqm([np.nan]))


@given(numbers)
def test_iqm_is_the_trimmed_mean(values):
    assert statistics.iqm(values) == pytest.approx(trim_mean(values, 0.25), abs=1e-9)


@given(numbers, st.integers(0, 5))
def test_bootstrap_equals_sorting_every_resample(values, seed):
    drawn = np.random.default_rng(seed).random((50, len(values)))
    sample = values[(drawn * len(values)).astype(int)]
    means = [statistics.iqm(row) for row in sample]
    found = statistics.iqm_interval(values, np.random.default_rng(seed), num_resamples=50)
    expected = [statistics.iqm(values), *np.quantile(means, [0.025, 0.975])]
    np.testing.assert_allclose([found.value, found.low, found.high], expected, atol=1e-9)


def test_strata_are_never_mixed():
    # Each stratum is constant, so no resample can differ from the sample.
    table = np.array([[0.0] * 4, [1.0] * 4, [2.0] * 4])
    found = statistics.iqm_interval(table, np.random.default_rng(0))
    assert found == Estimate(1.0, 1.0, 1.0)
    mixed = statistics.iqm_interval(table.ravel(), np.random.default_rng(0))
    assert mixed.low < 1.0 < mixed.high


def test_strata_of_different_sizes_after_what_is_missing():
    table = np.array([[0.0, np.nan, np.nan, np.nan], [1.0, 1.0, 1.0, 1.0], [np.nan] * 4])
    found = statistics.iqm_interval(table, np.random.default_rng(0))
    assert found == Estimate(1.0, 1.0, 1.0)


def test_interval_is_a_function_of_the_rng():
    values = np.random.default_rng(1).normal(size=128)
    first, second = (statistics.iqm_interval(values, np.random.default_rng(3)) for _ in range(2))
    assert first == second
    assert first.low < first.value < first.high


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [statistics.iqm_interval(rng.normal(size=100), rng, 400) for _ in range(300)]
    covered = np.mean([estimate.low <= 0.0 <= estimate.high for estimate in found])
    assert 0.90 <= covered <= 0.99


def test_interval_of_a_mean_is_about_two_standard_errors_wide():
    values = np.random.default_rng(0).random(400) < 0.3
    found = statistics.mean_interval(values.astype(float), np.random.default_rng(1))
    assert found.value == values.mean()
    reach = 1.96 * math.sqrt(found.value * (1 - found.value) / 400)
    assert (found.low, found.high) == pytest.approx(
        (found.value - reach, found.value + reach), abs=0.006
    )
    alone = statistics.mean_interval([np.nan, 0.5], np.random.default_rng(0))
    assert alone == statistics.Estimate(0.5, 0.5, 0.5)
    assert math.isnan(statistics.mean_interval([], np.random.default_rng(0)).low)


def test_cvar_by_hand():
    values = [5, 1, 2, 8, 9, 7, 6, 4, 3, 10, 11]
    assert statistics.cvar(values) == 1.5  # the worst ⌈1.1⌉ = 2 of 11
    assert statistics.cvar(values, share=1.0) == pytest.approx(6.0)
    assert statistics.cvar([np.nan, 4.0]) == 4.0
    assert math.isnan(statistics.cvar([]))


def test_paired_difference_by_hand():
    found = statistics.paired_difference([3, 5, 7, np.nan], [1, 1, 1, 1])
    assert (found.value, found.num) == (4.0, 3)
    assert found.se == pytest.approx(2 / math.sqrt(3))
    reach = 4.302652729911275 * 2 / math.sqrt(3)  # Student's t with 2 degrees of freedom
    assert (found.low, found.high) == pytest.approx((4 - reach, 4 + reach))


def test_one_pair_has_no_error():
    found = statistics.paired_difference([3.0], [1.0])
    assert (found.value, found.num) == (2.0, 1)
    assert math.isnan(found.se)
    assert statistics.paired_difference([np.nan], [1.0]).num == 0


def test_normalised_score_is_a_ratio_of_means():
    # Task two leaves nothing to win; a mean of ratios would divide by zero.
    assert statistics.normalised_score([1, 1], [0, 1], [2, 1]) == 0.5
    assert statistics.normalised_score([1, 9], [0, np.nan], [2, 2]) == 0.5
    assert math.isnan(statistics.normalised_score([1], [1], [1]))
    assert math.isnan(statistics.normalised_score([np.nan], [1], [2]))


def test_the_interval_of_a_score_draws_whole_tasks():
    references = References(np.array([0.0, 0.5, np.nan]), np.array([1.0, 1.5, 9.0]))
    rng = np.random.default_rng(0)
    found = statistics.normalised_interval(references, [0.75, 0.75, 9.0], rng)
    # One task has the score 0.75, the other 0.25; a resample has both, or one of them twice.
    assert found == statistics.Estimate(0.5, 0.25, 0.75)
    nothing = statistics.normalised_interval(references, [np.nan, np.nan, 1.0], rng)
    assert all(math.isnan(x) for x in (nothing.value, nothing.low, nothing.high))


def test_resamples_without_room_above_random_are_left_out():
    references = References(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    found = statistics.normalised_interval(references, [0.5, 1.0], np.random.default_rng(0))
    assert found == statistics.Estimate(0.5, 0.5, 0.5)


def test_measures_against_references_by_hand():
    references = References(np.array([0.0, 0.0, 1.0, 0.0]), np.array([4.0, 2.0, np.nan, 9.0]))
    plain = statistics.measures(played(), np.random.default_rng(0), 0.8)
    found = statistics.measures(played(), np.random.default_rng(0), 0.8, references)
    assert {key: found[key] for key in plain} == plain
    # The third task has no oracle, the fourth was never ended: (2 + 1) / (4 + 2).
    assert found["score"] == [0.5, 0.5, 0.5]
    assert found["oracle_regret"] == 1.5  # the mean of 4 − 2 and 2 − 1
    assert found["oracle_regret_interval"] == [1.0, 2.0]
    assert (found["num_tasks"], found["num_scored"]) == (3, 2)
    unknown = References(references.random, np.full(4, np.nan))
    assert statistics.measures(played(), np.random.default_rng(0), 0.8, unknown) == plain


def test_a_lifetime_counts_with_all_its_units():
    estimate, low, high = statistics.lifetime_estimate(played(), np.random.default_rng(0))
    assert (estimate, low, high) == (2.0, 2.0, 2.0)  # 0 + 2 and 1 + 1; the others were cut


def played(**changes):
    fields = {
        "returns": np.array([[0.0, 2.0], [1.0, 1.0], [3.0, 9.0], [9.0, 9.0]]),
        "lengths": np.array([[5, 3], [4, 4], [2, 9], [9, 9]]),
        "successes": np.array([[0, 1], [1, 1], [1, 0], [1, 1]], dtype=bool),
        "complete": np.array([[1, 1], [1, 1], [1, 0], [0, 0]], dtype=bool),
        "valid": np.ones((4, 10), dtype=bool),
    }
    return Outcomes(**{**fields, **changes})


def test_mastered_is_a_share_of_the_units():
    assert statistics.mastered_share(played(), 0.8) == pytest.approx(2 / 3)
    assert statistics.mastered_share(played(), 0.5) == 1.0


def test_measures_by_hand():
    found = statistics.measures(played(), np.random.default_rng(0), success_threshold=0.8)
    estimate, low, high = found.pop("return_iqm")
    assert estimate == 2.0  # of the last complete returns 2, 1, 3
    assert 1.0 <= low <= estimate <= high <= 3.0
    low, high = found.pop("adaptation_gain_interval")
    assert 0.0 <= low < found["adaptation_gain"] < high <= 2.0
    low, high = found.pop("length_gain_interval")
    assert 0.0 <= low < found["length_gain"] < high <= 2.0
    assert found == {
        "return_mean": 2.0,
        "success_rate": 1.0,
        "success_rate_interval": [1.0, 1.0],
        "adaptation_gain": pytest.approx((2 + 0 + 0) / 3),
        "length_gain": pytest.approx((2 + 0 + 0) / 3),
        "mastered_share": pytest.approx(2 / 3),
        "return_cvar10": 1.0,
        "curve": {
            "returns": [pytest.approx(4 / 3), 1.5],
            "returns_iqm": [pytest.approx(4 / 3), 1.5],
            "successes": [pytest.approx(2 / 3), 1.0],
            "lengths": [pytest.approx(11 / 3), 3.5],
            "unit": "episodes",
        },
        "num_tasks": 3,
    }


def test_the_middle_of_a_curve_does_not_follow_one_task():
    returns = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, -1e12]]).T
    shown = {name: np.ones((4, 2), bool) for name in ("complete", "successes", "valid")}
    curve = statistics.adaptation_curve(
        Outcomes(returns=returns, lengths=np.ones((4, 2), int), **shown)
    )
    assert curve["returns"] == [2.5, (6.0 - 1e12) / 4]
    assert curve["returns_iqm"] == [2.5, 1.5]


def test_what_cannot_be_measured_is_none():
    nothing = statistics.measures(
        played(complete=np.zeros((4, 2), bool), successes=None), np.random.default_rng(0), 0.8
    )
    assert nothing["return_iqm"] == [None, None, None]
    for name in ("success_rate", "adaptation_gain", "length_gain"):
        assert nothing[name] is None
        assert nothing[f"{name}_interval"] is None
    assert nothing["curve"]["successes"] is None
    assert nothing["curve"]["returns"] == [None, None]
    assert nothing["num_tasks"] == 0
