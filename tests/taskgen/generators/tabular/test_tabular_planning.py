"""What a table is worth and how far apart its states are, by hand and by brute force."""

import itertools

import numpy as np
import pytest

from taskgen.generators.tabular.contents import MDPs
from taskgen.generators.tabular.planning import (
    NEVER,
    best_values,
    first_actions,
    random_values,
    spectral_gap,
    travel_times,
)


def mdps(transitions, rewards, horizon, num_states=None, num_actions=None):
    transitions, rewards = np.array([transitions], float), np.array([rewards], float)
    _, S, A = rewards.shape
    return MDPs(
        transitions,
        rewards,
        np.zeros(1),
        np.array([horizon]),
        np.array([num_states or S]),
        np.array([num_actions or A]),
    )


def luck(shape, seed=0):
    return np.random.default_rng(seed).random(shape)


STAY, GO = [1.0, 0.0], [0.0, 1.0]


def test_values_of_two_states_by_hand():
    # Stay in 0 for 1 a step, or go to 1 for nothing, where staying pays 3.
    two = mdps([[STAY, GO], [GO, STAY]], [[1.0, 0.0], [3.0, 0.0]], horizon=1)
    assert best_values(two).tolist() == [[1.0, 3.0]]
    assert first_actions(two).tolist() == [[0, 0]]
    longer = mdps([[STAY, GO], [GO, STAY]], [[1.0, 0.0], [3.0, 0.0]], horizon=3)
    assert best_values(longer).tolist() == [[6.0, 9.0]]
    assert first_actions(longer).tolist() == [[1, 0]]
    # At random: 0.5 and 1.5 a step, and both states alike after the first.
    assert random_values(longer).tolist() == [[0.5 + 2 * 1.0, 1.5 + 2 * 1.0]]


def test_padding_is_never_taken_even_where_all_is_negative():
    bad = mdps([[STAY, STAY, STAY], [GO, GO, GO]], [[-2, -1, 0], [-2, -1, 0]], 2, num_actions=2)
    assert best_values(bad).tolist() == [[-2.0, -2.0]]
    assert random_values(bad).tolist() == [[-3.0, -3.0]]
    assert first_actions(bad).tolist() == [[1, 1]]


def test_values_equal_brute_force_over_all_plans():
    """Every policy of time and state: 3 states, 2 actions, 2 steps."""
    transitions = luck((3, 2, 3))
    transitions /= transitions.sum(axis=2, keepdims=True)
    rewards = luck((3, 2), seed=1)
    worth = []
    for plan in itertools.product(range(2), repeat=6):
        values = np.zeros(3)
        for actions in (plan[3:], plan[:3]):
            pick = np.arange(3), np.array(actions)
            values = rewards[pick] + transitions[pick] @ values
        worth.append(values[0])
    assert best_values(mdps(transitions, rewards, 2))[0, 0] == pytest.approx(max(worth))


def test_each_task_of_a_batch_has_its_own_horizon():
    one = mdps([[STAY, GO], [GO, STAY]], [[1.0, 0.0], [3.0, 0.0]], horizon=1)
    many = MDPs(
        *(np.repeat(getattr(one, name), 3, axis=0) for name in ("transitions", "rewards", "noise")),
        np.array([3, 1, 2]),
        *(np.repeat(getattr(one, name), 3, axis=0) for name in ("num_states", "num_actions")),
    )
    assert best_values(many)[:, 0].tolist() == [6.0, 1.0, 3.0]


def test_travel_times_on_a_ring_and_where_there_is_no_way():
    ring = np.zeros((4, 2, 4))
    for state in range(4):
        ring[state, 0, (state + 1) % 4] = ring[state, 1, (state - 1) % 4] = 1.0
    assert travel_times(ring)[0] == pytest.approx([0, 1, 2, 1], rel=1e-5)
    # A coin that moves on heads: two throws on average; and there is no way back.
    coin = np.array([[[0.5, 0.5]], [[0.0, 1.0]]])
    assert travel_times(coin)[0, 1] == pytest.approx(2.0, rel=1e-5)
    assert travel_times(coin)[1, 0] == pytest.approx(NEVER)


def test_spectral_gap_of_a_coin_and_of_two_islands():
    assert spectral_gap(np.full((2, 1, 2), 0.5)) == pytest.approx(1.0)
    assert spectral_gap(np.eye(2)[:, None]) == 0.0
    lazy = np.array([[[0.9, 0.1]], [[0.1, 0.9]]])  # λ₂ = 0.8
    assert spectral_gap(lazy) == pytest.approx(0.2)
