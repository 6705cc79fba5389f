from dataclasses import replace

import numpy as np
import pytest

from curricula import scores
from taskgen.outcomes import Outcomes


def outcomes(returns, complete=None, successes=None, **more):
    returns = np.array(returns, dtype=float)
    complete = np.ones(returns.shape, bool) if complete is None else np.array(complete, bool)
    successes = None if successes is None else np.array(successes, bool)
    lengths = np.full(returns.shape, 2, dtype=np.int64)
    valid = more.pop("valid", np.ones((len(returns), 4), bool))
    return Outcomes(returns, lengths, successes, complete, valid, **more)


THREE = outcomes(
    returns=[[1, 2, 6], [4, 3, 99], [99, 99, 99]],
    complete=[[1, 1, 1], [1, 1, 0], [0, 0, 0]],
    successes=[[0, 1, 1], [1, 0, 1], [1, 1, 1]],
)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (scores.last_return, [6, 3, np.nan]),
        (scores.first_return, [1, 4, np.nan]),
        (scores.mean_return, [3, 3.5, np.nan]),
        (scores.adaptation_gain, [5, -1, np.nan]),
        (scores.last_success, [1, 0, np.nan]),
        (scores.first_success, [0, 1, np.nan]),
        (scores.success_gain, [1, -1, np.nan]),
        (scores.success_rate, [2 / 3, 1 / 2, np.nan]),
        (scores.learnability, [2 / 9, 1 / 4, np.nan]),
    ],
)
def test_what_is_not_complete_is_in_no_score(score, expected):
    np.testing.assert_allclose(score(THREE), expected)


def test_the_worst_hundredth_counts_as_the_next_worst():
    returns = -np.arange(1.0, 202.0)[:, None]  # 201 tasks: the worst three are raised
    returns[7] = -1e12
    diverged = scores.winsorized_return(outcomes(returns.tolist()))
    expected = np.maximum(returns[:, 0], -199.0)
    np.testing.assert_array_equal(diverged, expected)
    np.testing.assert_array_equal(scores.winsorized_return(THREE), [6.0, 6.0, np.nan])
    none = replace(THREE, complete=np.zeros((3, 3), bool))
    np.testing.assert_array_equal(scores.winsorized_return(none), [np.nan] * 3)


def test_learnability_of_returns_is_their_variance_over_complete_units():
    played = replace(THREE, successes=None)
    np.testing.assert_allclose(scores.learnability(played), [14 / 3, 1 / 4, np.nan])
    np.testing.assert_allclose(scores.return_variance(THREE), [14 / 3, 1 / 4, np.nan])


def test_of_returns_0_and_1_both_learnabilities_are_the_same():
    won = [[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]]
    by_returns, by_success = outcomes(won), outcomes(won, successes=won)
    np.testing.assert_allclose(scores.learnability(by_returns), scores.learnability(by_success))


def test_steps_saved_are_first_minus_last():
    lengths = np.array([[9, 5, 4], [3, 8, 1], [7, 7, 7]])
    np.testing.assert_array_equal(
        scores.length_gain(replace(THREE, lengths=lengths)), [5.0, -5.0, np.nan]
    )


def test_where_the_first_unit_takes_no_steps_there_are_none_to_save():
    lengths = np.array([[0, 10, 0], [3, 8, 1], [0, 0, 0]])
    np.testing.assert_array_equal(
        scores.length_gain(replace(THREE, lengths=lengths)), [np.nan, -5.0, np.nan]
    )


def test_regret_is_what_the_oracle_had_more():
    np.testing.assert_allclose(scores.regret(THREE, np.array([7.0, 3.0, 1.0])), [1.0, 0.0, np.nan])


def test_positive_value_loss_by_hand():
    errors = np.array([[1, -2, 4, 0], [-1, -1, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
    valid = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    played = outcomes([[0.0]] * 3, td_errors=errors, valid=valid)
    # With discount · trace = 1/2 the advantages are 1 − 1 + 1, −2 + 2 and 4.
    value = scores.positive_value_loss(played, discount=0.5, trace=1.0)
    np.testing.assert_allclose(value, [(1 + 0 + 4) / 3, 0.0, np.nan])


def test_value_losses_by_hand():
    errors = np.array([[1, -2, 4, 0], [-1, -1, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
    valid = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    played = outcomes([[0.0]] * 3, td_errors=errors, valid=valid)
    # With discount · trace = 1/2 the advantages are 1 − 1 + 1, −2 + 2, 4; and −1 − 1/2, −1.
    value = scores.l1_value_loss(played, discount=0.5, trace=1.0)
    np.testing.assert_allclose(value, [(1 + 0 + 4) / 3, (1.5 + 1) / 2, np.nan])
    np.testing.assert_allclose(scores.td_error(played), [7 / 3, 1.0, np.nan])


def test_what_the_critic_expected_is_held_against_the_best_that_came():
    played = outcomes(
        [[0.0]] * 2,
        valid=np.array([[True], [False]]),
        expected_returns=np.array([1.0, 1.0]),
        discounted_returns=np.array([3.0, 0.0]),
    )
    np.testing.assert_array_equal(scores.expected_return(played), [1.0, np.nan])
    np.testing.assert_array_equal(scores.discounted_return(played), [3.0, np.nan])
    best, expected = np.array([3.0, 0.5]), np.array([1.0, 2.0])
    np.testing.assert_array_equal(scores.max_monte_carlo(best, expected), [2.0, -1.5])


@pytest.mark.parametrize("name", ["expected_return", "discounted_return"])
def test_expectations_need_a_critic(name):
    with pytest.raises(ValueError, match="needs a critic"):
        scores.SCORES[name](outcomes([[1.0]]))


def test_several_scores_are_told_as_columns():
    told = scores.scores_told(("last_return", "first_return"), THREE)
    np.testing.assert_array_equal(told, [[6, 1], [3, 4], [np.nan, np.nan]])
    np.testing.assert_array_equal(scores.scores_told("mean_return", THREE), [3, 3.5, np.nan])
    np.testing.assert_array_equal(scores.scores_told(None, THREE), np.zeros(3))


def test_positive_value_loss_ignores_what_stands_in_waiting_slots():
    valid = np.array([[True, True, False, False]])
    clean = outcomes([[0.0]], td_errors=np.array([[1, 1, 0, 0]], np.float32), valid=valid)
    dirty = outcomes([[0.0]], td_errors=np.array([[1, 1, 9, 9]], np.float32), valid=valid)
    np.testing.assert_array_equal(
        scores.positive_value_loss(clean), scores.positive_value_loss(dirty)
    )


@pytest.mark.parametrize("name", ["last_success", "success_rate"])
def test_success_without_meaning_is_refused(name):
    with pytest.raises(ValueError, match="success has no meaning"):
        scores.SCORES[name](outcomes([[1.0]]))


def test_positive_value_loss_needs_a_critic():
    with pytest.raises(ValueError, match="no critic"):
        scores.positive_value_loss(outcomes([[1.0]]))


def test_every_registered_score_gives_one_number_a_task():
    played = outcomes(
        [[1.0, 2.0]] * 5,
        successes=[[0, 1]] * 5,
        td_errors=np.ones((5, 4), np.float32),
        expected_returns=np.ones(5),
        discounted_returns=np.ones(5),
    )
    for score in scores.SCORES.values():
        assert score(played).shape == (5,)
        assert np.isfinite(score(played)).all()
