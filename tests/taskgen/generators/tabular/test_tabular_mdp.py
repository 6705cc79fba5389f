"""Random MDPs: what they are drawn from, how they play, when two are the same, their edits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from taskgen.generators.tabular import TabularMDP
from taskgen.generators.tabular.contents import MILLION, in_millionths
from taskgen.generators.tabular.engine import _uniform
from taskgen.randomness import uniform_at
from taskgen.task import Task
from taskgen.vector import Lifetime

FAMILY = TabularMDP()


def batch(num, family=FAMILY, **values):
    row = family.space.complete(values)
    return family.make_tasks(family.space.columns([row] * num), np.arange(num))


def played(tasks, action, num_episodes, seed=0):
    """States [H, B] and rewards [H, B] under one action."""
    env = FAMILY.make_vector_env(len(tasks))
    options = {"tasks": tasks, "lifetime": Lifetime(num_episodes=num_episodes)}
    observations, _ = env.reset(seed=seed, options=options)
    states, rewards = [], []
    while env.playing.any():
        states.append(observations.argmax(axis=1))
        observations, paid, *_ = env.step(np.full(len(tasks), action))
        rewards.append(paid)
    return np.array(states), np.array(rewards)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).filter(lambda x: sum(x) > 1e-6))
def test_millionths_are_whole_and_sum_to_a_million(shares):
    shares = np.array(shares) / sum(shares)
    parts = in_millionths(shares)
    assert parts.sum() == MILLION
    assert (parts >= 0).all()
    assert np.abs(parts - shares * MILLION).max() <= 1.0 + 1e-6


def test_transitions_are_flat_dirichlet_and_payments_normal():
    contents = batch(400).contents
    shares = contents["transitions"] / MILLION
    assert (contents["transitions"].sum(axis=3) == MILLION).all()
    # One share of a flat Dirichlet over ten is Beta(1, 9).
    assert stats.kstest(shares[:, 3, 2, 7], stats.beta(1, 9).cdf).pvalue > 1e-3
    assert stats.kstest(contents["rewards"].ravel()[::7], stats.norm(1, 1).cdf).pvalue > 1e-3


def test_concentration_decides_how_even_transitions_are():
    for alpha in (0.05, 0.3, 8.0):
        shares = batch(200, concentration=alpha).contents["transitions"] / MILLION
        # The expected sum of squares of a symmetric Dirichlet: (α + 1) / (n·α + 1).
        assert (shares**2).sum(axis=3).mean() == pytest.approx(
            (alpha + 1) / (10 * alpha + 1), rel=0.03
        )


def test_fewer_states_and_actions_leave_the_rest_empty():
    contents = batch(5, states=3, actions=2).contents
    transitions, rewards = contents["transitions"], contents["rewards"]
    assert (transitions[:, :3, :2, :3].sum(axis=3) == MILLION).all()
    assert transitions[:, 3:].sum() == transitions[:, :, 2:].sum() == 0
    assert (rewards[:, :3, :2] != 0).all()
    assert not rewards[:, 3:].any()
    assert not rewards[:, :, 2:].any()
    assert batch(1, states=1).validity.tolist() == [True]  # a bandit


def test_actions_beyond_the_number_do_what_the_first_ones_do():
    tasks = batch(4, actions=2)
    for name, again in ((0, 2), (1, 3), (0, 4)):
        for one, other in zip(played(tasks, name, 3), played(tasks, again, 3), strict=True):
            assert (one == other).all()


def test_play_follows_the_table():
    task = batch(1, states=3, concentration=2.0)[0]
    states, rewards = (part[:, 0] for part in played([task], 1, num_episodes=2000))
    rewards_of = np.array(task.content["rewards"])[:, 1]
    follows = states.reshape(2000, 10)[:, :-1].ravel(), states.reshape(2000, 10)[:, 1:].ravel()
    for state in range(3):
        here = follows[0] == state
        seen = np.bincount(follows[1][here], minlength=3) / here.sum()
        expected = np.array(task.content["transitions"][state][1][:3]) / MILLION
        assert seen == pytest.approx(expected, abs=4 * np.sqrt(0.25 / here.sum()))
        paid = rewards[states == state]
        assert paid.mean() == pytest.approx(rewards_of[state], abs=4 / np.sqrt(len(paid)))
        assert paid.std() == pytest.approx(1.0, abs=0.05)
    assert (states.reshape(2000, 10)[:, 0] == 0).all()


def test_payments_without_noise_are_the_means():
    task = batch(1, noise=0.0)[0]
    states, rewards = (part[:, 0] for part in played([task], 3, num_episodes=2))
    assert rewards.tolist() == np.array(task.content["rewards"])[states, 3].tolist()


def test_the_compiled_stream_is_that_of_the_project():
    keys = np.array([5, 2**63 + 11], dtype=np.uint64)
    for counter in (0, 1, 77):
        expected = uniform_at(keys, counter)
        assert [_uniform(key, counter) for key in keys] == expected.tolist()


def test_nothing_to_gain_is_not_valid():
    task = batch(1, states=2, actions=2)[0]
    table = np.zeros_like(task.content["rewards"])
    table[:2, :2] = 1.5
    dull = task.edited({**task.content, "rewards": table.tolist()}, "flatten")
    assert FAMILY.is_valid(task)
    assert not FAMILY.is_valid(dull)
    assert "no action is better" in FAMILY.is_valid(dull).reason


def renamed(task, states, actions):
    """The same MDP with states and actions in another order."""
    content = {**task.content}
    moves, paid = np.array(content["transitions"]), np.array(content["rewards"])
    content["transitions"] = moves[np.ix_(states, actions, states)].tolist()
    content["rewards"] = paid[np.ix_(states, actions)].tolist()
    return task.edited(content, "rename")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_names_make_no_difference_and_numbers_do(seed):
    rng = np.random.default_rng(seed)
    task = batch(1)[0]
    other = renamed(task, [0, *rng.permutation(np.arange(1, 10))], rng.permutation(5))
    assert FAMILY.canonical(other) == FAMILY.canonical(task)
    assert FAMILY.oracle_return(other) == pytest.approx(FAMILY.oracle_return(task))
    assert FAMILY.canonical(FAMILY.mutate(task, rng)) != FAMILY.canonical(task)
    start_moved = renamed(task, [1, 0, *range(2, 10)], range(5))
    assert FAMILY.canonical(start_moved) != FAMILY.canonical(task)


def test_states_out_of_reach_and_the_horizon_make_no_difference():
    task = batch(1, states=3)[0]
    content = {**task.content, "horizon": 3, "states": 4}
    moves = np.array(content["transitions"])
    moves[3] = 0
    moves[3, :, 1] = MILLION
    content["transitions"] = moves.tolist()
    assert FAMILY.canonical(task.edited(content, "add")) == FAMILY.canonical(task)


def test_names_in_one_state_alone_are_no_mere_names():
    task = batch(1)[0]
    content = {**task.content}
    for key in ("transitions", "rewards"):
        table = np.array(content[key])
        table[4] = table[4, [1, 0, 2, 3, 4]]
        content[key] = table.tolist()
    assert FAMILY.canonical(task.edited(content, "swap")) != FAMILY.canonical(task)


def test_edits_stay_tables():
    task, operators = batch(1, states=4, actions=3)[0], set()
    rng = np.random.default_rng(0)
    for _ in range(60):
        task = FAMILY.mutate(task, rng)
        operators.add(task.operator)
        moves = np.array(task.content["transitions"])
        assert (moves[:4, :3].sum(axis=2) == MILLION).all()
        assert moves.sum() == 12 * MILLION
        assert moves.min() >= 0
    assert operators == {"nudge_reward", "redirect", "swap_actions"}
    assert isinstance(task, Task)


def test_a_table_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="64 KiB"):
        TabularMDP(max_states=60, max_actions=5)
    with pytest.raises(ValueError, match="at least 2 states"):
        TabularMDP(max_states=1)
