"""Probabilities against values computed by hand, and what must hold of any scores."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula.prioritization import (
    Priorities,
    draw_distinct,
    draw_repeated,
    proportional_probs,
    rank_probs,
    stale_probs,
    top_k_probs,
)

RULES = ("rank", "proportional", "top_k")
finite = st.floats(-1e6, 1e6, allow_nan=False)


def exact(*weights):
    total = sum(map(Fraction, weights))
    return [float(Fraction(weight) / total) for weight in weights]


def test_ranks_by_hand():
    scores = np.array([0.3, 9.0, -1.0, 0.5])
    np.testing.assert_allclose(
        rank_probs(scores, temperature=1.0), exact("1/3", 1, "1/4", "1/2"), rtol=1e-14
    )


def test_a_temperature_is_an_exponent_of_ranks_and_not_a_divisor():
    """Divided weights are the same at every temperature once they are normalised."""
    scores = np.array([3.0, 2.0, 1.0])
    cold = rank_probs(scores, temperature=0.5)
    np.testing.assert_allclose(cold, exact(1, "1/4", "1/9"), rtol=1e-14)
    assert np.abs(cold - rank_probs(scores, temperature=1.0)).max() > 0.1


def test_ranks_begin_at_one():
    """A rank 0 would make its weight infinite."""
    probs = rank_probs(np.array([5.0, 4.0]), temperature=0.1)
    assert np.isfinite(probs).all()
    np.testing.assert_allclose(probs, exact(1, Fraction(1, 2**10)), rtol=1e-14)


def test_equal_scores_share_what_their_ranks_come_to():
    scores = np.array([1.0, 7.0, 1.0, 7.0, 0.0])
    high, low = Fraction(3, 2) / 2, (Fraction(1, 3) + Fraction(1, 4)) / 2
    np.testing.assert_allclose(
        rank_probs(scores, temperature=1.0), exact(low, high, low, high, "1/5"), rtol=1e-14
    )


def test_proportions_by_hand():
    scores = np.array([1.0, 2.0, 0.0, -4.0])
    np.testing.assert_allclose(proportional_probs(scores, 1.0), exact(1, 2, 0, 0))
    np.testing.assert_allclose(proportional_probs(scores, 0.5), exact(1, 4, 0, 0))


def test_the_highest_alone_by_hand():
    scores = np.log([2.0, 8.0, 4.0, 1.0])
    np.testing.assert_allclose(top_k_probs(scores, 1.0, k=2), exact(0, 8, 4, 0), atol=1e-16)
    np.testing.assert_allclose(top_k_probs(scores, 0.5, k=2), exact(0, 64, 16, 0), atol=1e-16)
    np.testing.assert_allclose(top_k_probs(scores, 1.0, k=9), exact(2, 8, 4, 1))
    np.testing.assert_allclose(top_k_probs(np.zeros(3), 1.0, k=1), [1 / 3] * 3)


def test_staleness_is_mixed_in_by_its_share():
    priorities = Priorities("rank", 1.0, 9, staleness_coef=0.3, staleness_temperature=1.0)
    probs = priorities.probs(np.array([9.0, 8.0]), np.array([1, 3]))
    np.testing.assert_allclose(probs, [0.7 * 2 / 3 + 0.3 / 4, 0.7 / 3 + 0.3 * 3 / 4], rtol=1e-14)


def test_where_nothing_is_stale_staleness_is_uniform():
    np.testing.assert_array_equal(stale_probs(np.zeros(4, dtype=np.int64), 1.0), [0.25] * 4)


@settings(deadline=None)
@given(
    rule=st.sampled_from(RULES),
    scores=st.lists(finite, min_size=1, max_size=40),
    temperature=st.floats(0.02, 20.0),
    coef=st.floats(0.0, 1.0),
    seed=st.integers(0, 99),
)
def test_probabilities_sum_to_one_and_do_not_depend_on_places(
    rule, scores, temperature, coef, seed
):
    priorities = Priorities(rule, temperature, 3, coef, 1.0)
    scores = np.array(scores)
    rng = np.random.default_rng(seed)
    staleness = rng.integers(0, 9, len(scores))
    probs = priorities.probs(scores, staleness)
    assert (probs >= 0).all()
    assert probs.sum() == pytest.approx(1.0, abs=1e-9)
    places = rng.permutation(len(scores))
    moved = priorities.probs(scores[places], staleness[places])
    np.testing.assert_allclose(moved, probs[places], rtol=1e-6, atol=1e-12)


@given(scores=st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_known_order_gives_the_same(scores):
    scores = np.array(scores, dtype=float)
    order = np.argsort(-scores)[::1]
    np.testing.assert_allclose(rank_probs(scores, 0.3, order), rank_probs(scores, 0.3), rtol=1e-9)


def test_distinct_draws_are_those_in_turn_from_what_is_left():
    probs = np.array([0.5, 0.3, 0.2])
    rng = np.random.default_rng(0)
    num = 40_000
    pairs = np.array([draw_distinct(probs, 2, rng) for _ in range(num)])
    for i in range(3):
        for j in range(3):
            expected = 0.0 if i == j else probs[i] * probs[j] / (1.0 - probs[i])
            share = ((pairs[:, 0] == i) & (pairs[:, 1] == j)).mean()
            assert share == pytest.approx(expected, abs=4 * 0.5 / num**0.5)


def test_no_draw_repeats_and_none_is_invented():
    rng = np.random.default_rng(0)
    probs = np.array([1.0, 0.0, 0.0, 0.0])
    assert sorted(draw_distinct(probs, 9, rng)) == [0, 1, 2, 3]
    assert draw_distinct(probs, 1, rng).tolist() == [0]
    assert draw_distinct(probs, 0, rng).tolist() == []
    assert len(set(draw_distinct(probs, 3, rng).tolist())) == 3


def test_repeated_draws_come_as_often_as_they_are_likely():
    probs = np.array([0.7, 0.0, 0.3])
    drawn = draw_repeated(probs, 40_000, np.random.default_rng(0))
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    np.testing.assert_allclose(shares, probs, atol=0.01)
    assert shares[1] == 0.0
