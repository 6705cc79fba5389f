"""The search for the best plan against brute force, and against values that are known."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskgen.generators.goals import beliefs
from taskgen.generators.goals.beliefs import HiddenGoal, most_steps_on_goal, moves


def brute_force(weights, horizon, num_episodes):
    """The best expected number of steps on the goal over all policies, by expectimax.

    Nothing is taken for granted: every action is tried at every belief, after the goal was found
    too. A belief is the set of cells where the goal may still be.
    """
    size = len(weights)
    there, chance = moves(size).tolist(), weights.ravel()
    cells = frozenset(np.flatnonzero(chance).tolist())

    @functools.cache
    def value(step, position, belief):
        if step == horizon * num_episodes:
            return 0.0
        position = 0 if step % horizon == 0 else position
        total = sum(chance[cell] for cell in belief)
        options = []
        for cell in there[position]:
            found = chance[cell] / total if cell in belief else 0.0
            worth = 0.0
            if found > 0:
                worth += found * (1.0 + value(step + 1, cell, frozenset([cell])))
            if belief - {cell}:
                worth += (1.0 - found) * value(step + 1, cell, belief - {cell})
            options.append(worth)
        return max(options)

    return value(0, 0, cells)


def uniform(size, barred):
    weights = np.ones((size, size))
    weights[:barred, :barred] = 0.0
    return weights / weights.sum()


def published():
    weights = np.ones((5, 5))
    weights[:2, :2] = 0.0
    return weights / 21


@pytest.mark.parametrize("horizon", [1, 2, 3, 4])
@pytest.mark.parametrize("num_episodes", [1, 2, 3])
def test_two_by_two_is_brute_force(horizon, num_episodes):
    weights = uniform(2, 1)
    problem = HiddenGoal(weights, horizon, num_episodes)
    assert most_steps_on_goal(problem) == pytest.approx(brute_force(weights, horizon, num_episodes))


def test_two_by_two_by_hand():
    # Three cells, two steps, one episode. Up, then right: the first cell pays with both steps, the
    # second with one, the third was never seen: (2 + 1) / 3.
    assert most_steps_on_goal(HiddenGoal(uniform(2, 1), 2, 1)) == pytest.approx(1.0)
    # Once more from the start: what was found pays 2, or 1 for the cell that is two steps away;
    # the third cell is seen first of all and pays 2. (2 + 2) / 3 + (1 + 1) / 3 + (0 + 2) / 3.
    assert most_steps_on_goal(HiddenGoal(uniform(2, 1), 2, 2)) == pytest.approx(8 / 3)


@pytest.mark.parametrize(("horizon", "num_episodes"), [(4, 2), (6, 2), (5, 3), (9, 1)])
def test_three_by_three_is_brute_force(horizon, num_episodes):
    weights = uniform(3, 1)
    problem = HiddenGoal(weights, horizon, num_episodes)
    assert most_steps_on_goal(problem) == pytest.approx(brute_force(weights, horizon, num_episodes))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=9, max_size=9).filter(any),
    st.integers(1, 6),
    st.integers(1, 2),
)
def test_any_chances_are_brute_force(chances, horizon, num_episodes):
    """Whatever cells are likelier, the one under the start among them."""
    weights = np.array(chances, dtype=float).reshape(3, 3) / sum(chances)
    problem = HiddenGoal(weights, horizon, num_episodes)
    assert most_steps_on_goal(problem) == pytest.approx(brute_force(weights, horizon, num_episodes))


def test_the_published_grid_reaches_what_nobody_can_exceed():
    """One new cell a step from the second on, then every goal at its distance.

    No plan sees more, and there is one that leaves just the seven cells of one shortest way.
    """
    x, y = np.divmod(np.arange(25), 5)
    cells = (np.maximum(x, y) >= 2).nonzero()[0]
    at_once = (16 - (x + y)[cells]).mean()
    first = sum(16 - step for step in range(2, 16)) / 21
    steps = most_steps_on_goal(HiddenGoal(published(), 15, 4))
    assert steps == pytest.approx(first + 3 * at_once)
    assert 1.1 * steps - 0.1 * 60 == pytest.approx(37.2142857)
    assert 1.1 * most_steps_on_goal(HiddenGoal(published(), 15, 1)) - 1.5 == pytest.approx(4.0)


def test_what_cannot_be_seen_in_time_is_worth_nothing():
    weights = np.zeros((3, 3))
    weights[2, 2] = 1.0
    assert most_steps_on_goal(HiddenGoal(weights, 3, 5)) == 0.0
    assert most_steps_on_goal(HiddenGoal(weights, 4, 5)) == 5.0


def test_a_search_that_is_too_narrow_goes_again_or_gives_up(monkeypatch):
    """Following one belief a step is no proof, so it is followed by a wider search."""
    problem = HiddenGoal(uniform(4, 2), 7, 2)
    best = most_steps_on_goal(problem)
    monkeypatch.setattr(beliefs, "_FIRST_WIDTH", 1)
    assert most_steps_on_goal(problem) == best
    monkeypatch.setattr(beliefs, "_LAST_WIDTH", 1)
    assert most_steps_on_goal(problem) is None


def test_more_cells_than_a_key_has_bits_are_refused():
    assert most_steps_on_goal(HiddenGoal(uniform(8, 1), 16, 1)) is None
