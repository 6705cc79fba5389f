"""Advantages against hand computation and against the definition written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.returns import discounted_sums_so_far, generalized_advantages

REWARDS = np.array([[1.0, 0.0, 2.0, 4.0]])
VALUES = np.array([[0.5, 1.0, 1.5, 2.0]])
PLAYED = np.ones((1, 4), dtype=bool)
OVER = np.array([[False, True, False, True]])  # two episodes of two steps


def advantages(**changes):
    arguments = {
        "rewards": REWARDS,
        "values": VALUES,
        "valid": PLAYED,
        "episode_over": OVER,
        "gamma": 0.5,
        "lambda_": 0.5,
    } | changes
    return generalized_advantages(**arguments)


def test_credit_flows_across_the_end_of_an_episode():
    # δ = 1+.5−.5, 0+.75−1, 2+1−1.5, 4−2; A₃=2, A₂=1.5+.25·2, A₁=−.25+.25·2, A₀=1+.25·.25
    result, td_errors = advantages()
    np.testing.assert_allclose(td_errors, [[1.0, -0.25, 1.5, 2.0]])
    np.testing.assert_allclose(result, [[1.0625, 0.25, 2.0, 2.0]])


def test_the_switch_cuts_credit_at_the_end_of_an_episode():
    # The second step ends an episode: δ₁ = 0 − 1 and A₁ = δ₁.
    result, td_errors = advantages(across_episodes=False)
    np.testing.assert_allclose(td_errors, [[1.0, -1.0, 1.5, 2.0]])
    np.testing.assert_allclose(result, [[0.75, -1.0, 2.0, 2.0]])


def test_the_end_of_a_lifetime_is_terminal_also_in_the_middle_of_an_episode():
    valid = np.array([[True, True, True, False]])
    values = np.array([[0.5, 1.0, 1.5, 1e9]])
    result, td_errors = advantages(valid=valid, values=values)
    np.testing.assert_allclose(td_errors, [[1.0, -0.25, 0.5, 0.0]])
    np.testing.assert_allclose(result, [[1.0 - 0.25 * 0.125, -0.125, 0.5, 0.0]])


@pytest.mark.parametrize("garbage", [1e9, np.nan])
def test_padding_changes_nothing_and_comes_out_as_zero(garbage):
    padded = np.array([[True, True, True, True, False, False]])
    rewards = np.append(REWARDS, [[garbage, garbage]], axis=1)
    values = np.append(VALUES, [[garbage, garbage]], axis=1)
    over = np.append(OVER, [[True, False]], axis=1)
    long, long_errors = advantages(rewards=rewards, values=values, valid=padded, episode_over=over)
    short, short_errors = advantages()
    np.testing.assert_array_equal(long, np.append(short, [[0, 0]], axis=1))
    np.testing.assert_array_equal(long_errors, np.append(short_errors, [[0, 0]], axis=1))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    gamma=st.floats(0, 1),
    lambda_=st.floats(0, 1),
    across=st.booleans(),
)
def test_equals_the_definition_written_out(seed, gamma, lambda_, across):
    rng = np.random.default_rng(seed)
    num_tasks, num_steps = rng.integers(1, 4), rng.integers(1, 9)
    lengths = rng.integers(0, num_steps + 1, size=num_tasks)
    valid = np.arange(num_steps) < lengths[:, None]
    rewards, values = rng.normal(size=(2, num_tasks, num_steps))
    over = rng.random((num_tasks, num_steps)) < 0.3
    result, _ = generalized_advantages(
        rewards, values, valid, over, gamma=gamma, lambda_=lambda_, across_episodes=across
    )
    for b, length in enumerate(lengths):
        for t in range(length):
            total, weight = 0.0, 1.0
            for k in range(t, length):
                goes_on = k + 1 < length and (across or not over[b, k])
                following = gamma * values[b, k + 1] if goes_on else 0.0
                total += weight * (rewards[b, k] + following - values[b, k])
                if not goes_on:
                    break
                weight *= gamma * lambda_
            assert result[b, t] == pytest.approx(total, abs=1e-5)


def test_with_lambda_one_an_advantage_is_the_discounted_return_less_the_value():
    result, _ = advantages(gamma=1.0, lambda_=1.0)
    np.testing.assert_allclose(result + VALUES, [[7.0, 6.0, 6.0, 4.0]])


def test_discounted_sums_so_far_look_back():
    sums = discounted_sums_so_far(REWARDS, gamma=0.5)
    np.testing.assert_allclose(sums, [[1.0, 0.5, 2.25, 5.125]])
