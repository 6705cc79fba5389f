"""Policies that adapt by gradient: when they step, and on what."""

import math

import numpy as np
import pytest
import torch
from point_tasks import Goals

from learners.control_adaptation import ControlAdaptation
from learners.experience import Experience, advantages_of
from learners.features import ObservationFeatures
from learners.gradient_policy import GradientPolicy, Schedule
from learners.heads import make_head
from learners.inner_loop import InnerLoop
from learners.journal import Journal
from learners.learner import Step
from learners.policies import keyed_draw
from learners.policy_gradients import lvc
from learners.rollout import play_lifetimes
from learners.task_networks import MLP, WithConstants
from taskgen.vector import Lifetime

GOALS = Goals(num_axes=2)


def make_policy(num_tasks, *, episodes=3, early=2, late=0.5, remembers=False, greedy=False):
    head = make_head(GOALS.action_space)
    network = WithConstants(MLP(num_inputs=2, num_outputs=2, hidden_sizes=(5,)), 2)
    adaptation = ControlAdaptation(network, head, InnerLoop(), lvc)
    keys = np.arange(num_tasks, dtype=np.uint64) + 7
    return GradientPolicy(
        adaptation,
        network.initial(seed=0),
        0.1,
        ObservationFeatures(GOALS.observation_space),  # which holds millimetres within ±10
        Schedule(episodes, early, late, gamma=0.9, lambda_=1.0),
        None if greedy else keyed_draw(keys, head.num_uniforms),
        remembers=remembers,
    )


def play(policy, tasks, num_episodes):
    env = GOALS.make_vector_env(len(tasks))
    return play_lifetimes(env, tasks, policy, seed=0, lifetime=Lifetime(num_episodes=num_episodes))


def tasks_of_lengths(*horizons):
    return [GOALS.tasks(1, seed=i, horizon=h)[0] for i, h in enumerate(horizons)]


def test_a_step_is_taken_when_an_episode_begins_and_enough_are_behind():
    tasks = tasks_of_lengths(2, 4)
    for episodes, steps in ((3, 0), (4, 1), (6, 1), (7, 2), (10, 3)):
        policy = make_policy(2)
        play(policy, tasks, episodes)
        assert policy.num_steps.tolist() == [steps, steps]


def test_no_step_is_late_where_there_shall_be_none():
    policy = make_policy(1, late=0.0, remembers=True)
    play(policy, tasks_of_lengths(2), 12)
    assert policy.num_steps.tolist() == [2]
    played = policy.played(np.array([0]), np.zeros(1))
    assert [int(step.valid.sum()) for step in played.steps] == [6, 6]
    assert int(played.judged.valid.sum()) == 12, "all that comes after the last step judges it"


def test_what_is_learned_from_is_what_was_played():
    tasks = tasks_of_lengths(2, 4, 3)
    policy = make_policy(3, remembers=True, late=0.0)
    lifetimes = play(policy, tasks, 8)
    everyone = np.arange(3)
    played = policy.played(everyone, lifetimes.rewards[-1])
    for k, step in enumerate((*played.steps, played.judged)):
        for b, horizon in enumerate((2, 4, 3)):
            rows = slice(3 * k * horizon, min(3 * (k + 1), 8) * horizon)
            num = rows.stop - rows.start
            assert step.valid[b].sum() == num
            rewards = lifetimes.rewards[rows, b][None]
            starts = (np.arange(num) % horizon == 0)[None]
            wanted = advantages_of(
                step.inputs[b, :num][None].numpy(),
                rewards,
                starts,
                np.ones((1, num), dtype=bool),
                gamma=0.9,
                lambda_=1.0,
            )
            np.testing.assert_allclose(step.advantages[b, :num], wanted[0], atol=1e-5)
            assert step.episode_start[b, :num].tolist() == starts[0].tolist()
            assert not step.inputs[b, num:].any()


def test_the_parameters_are_those_of_a_loop_over_tasks():
    tasks = tasks_of_lengths(2, 4)
    policy = make_policy(2, remembers=True, late=0.0)
    lifetimes = play(policy, tasks, 7)
    played = policy.played(np.arange(2), lifetimes.rewards[-1])
    network, head = policy._adaptation.network, policy._adaptation.head
    for b in range(2):
        theta = {n: v.clone().requires_grad_() for n, v in network.initial(seed=0).items()}
        for step in played.steps:
            num = int(step.valid[b].sum())
            hidden = torch.relu(step.inputs[b, :num] @ theta["weight_0"] + theta["bias_0"])
            mean = hidden @ theta["weight_1"] + theta["bias_1"]
            deviation = torch.exp(math.log(0.5) + 3.0 * torch.tanh(theta["constants"] / 3.0))
            normal = torch.distributions.Normal(mean, deviation)
            logs = normal.log_prob(step.actions[b, :num]).sum(dim=-1)
            torch.testing.assert_close(step.log_probs[b, :num], logs.detach())
            loss = -(logs * step.advantages[b, :num]).mean()
            slope = torch.autograd.grad(loss, theta.values())
            theta = {
                n: (v - 0.1 * g).detach().requires_grad_()
                for (n, v), g in zip(theta.items(), slope, strict=True)
            }
        for name, value in theta.items():
            torch.testing.assert_close(policy.parameters[name][b], value.detach())
    outputs = network(policy.parameters, played.judged.inputs)
    now = head.log_prob(outputs, played.judged.actions)
    valid = played.judged.valid
    torch.testing.assert_close(now[valid], played.judged.log_probs[valid])


def test_late_steps_are_shorter():
    moved = []
    for early in (2, 1):
        policy = make_policy(1, early=early, late=0.25)
        play(policy, tasks_of_lengths(2), 4)
        first = {n: v.clone() for n, v in policy.parameters.items()}
        policy = make_policy(1, early=early, late=0.25)
        play(policy, tasks_of_lengths(2), 7)
        moved.append({n: policy.parameters[n] - first[n] for n in first})
    for name in moved[0]:
        torch.testing.assert_close(0.25 * moved[0][name], moved[1][name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("greedy", [False, True])
def test_forgetting_changes_nothing(greedy):
    tasks, returns = tasks_of_lengths(2, 4), []
    for remembers in (False, True):
        policy = make_policy(2, early=9, remembers=remembers, greedy=greedy)
        returns.append(play(policy, tasks, 20).rewards)
    np.testing.assert_array_equal(returns[0], returns[1])


def test_a_journal_forgets_what_all_have_read():
    journal = Journal(2, forgets=True)
    everyone, first = np.arange(2), np.array([0])
    for t in range(9_000):
        journal.append(np.ones(2, bool), x=np.array([t, -t]))
        if t % 100 == 99:
            journal.close(first if t % 200 == 99 else everyone)
        if t % 100 == 50:
            ends, starts = journal.lengths, journal.read
            found = journal.unread(everyone)
            for b, sign in ((0, 1), (1, -1)):
                wanted = sign * np.arange(starts[b], ends[b])
                np.testing.assert_array_equal(found["x"][b][found["valid"][b]], wanted)
    assert len(journal._tape) < 1500


def test_it_goes_on_for_as_long_as_it_is_used():
    policy = make_policy(1, early=1)
    step = Step(np.zeros((1, 2)), np.ones(1), np.array([True]), np.ones(1), np.array([True]))
    for _ in range(1_300):  # episodes of one step
        policy.act(step)
    assert policy.num_steps[0] == 1_299 // 3
    assert all(torch.isfinite(value).all() for value in policy.parameters.values())


def test_experience_has_gradients_of_its_own():
    """What was recorded without gradients can be differentiated afterwards."""
    policy = make_policy(1, remembers=True, late=0.0)
    lifetimes = play(policy, tasks_of_lengths(3), 4)
    played = policy.played(np.array([0]), lifetimes.rewards[-1])
    assert isinstance(played.judged, Experience)
    assert not played.judged.log_probs.requires_grad
    start = {n: v.requires_grad_() for n, v in policy._adaptation.network.initial(0).items()}
    path = policy._adaptation.path(start, 0.1, played)
    policy._adaptation.loss(path[-1], played.judged).sum().backward()
    assert start["weight_0"].grad.abs().sum() > 0
