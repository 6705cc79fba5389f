"""The published algorithms for tabular MDPs: posteriors, bonuses and plans by hand; returns."""

import math

import numpy as np
import pytest

from taskgen.generators.references.beliefs import FREQUENCIES, Beliefs, Prior
from taskgen.generators.references.mdps import BEB, PSRL, UCRL2, EpsilonGreedyMDP, KnownMDP
from taskgen.generators.references.plans import hopeful, plan, plan_by_samples, plan_hopefully
from taskgen.generators.references.play import RandomPlay, play
from taskgen.generators.tabular import TabularMDP
from taskgen.generators.tabular.contents import MDPs
from taskgen.generators.tabular.planning import best_values


def mdps(num, family, **values):
    row = family.space.complete(values)
    return family.make_tasks(family.space.columns([row] * num), 10**6 + np.arange(num))


def one(value):
    return np.array([value])


def test_posteriors_by_hand():
    beliefs = Beliefs(Prior(), (1, 2, 2))
    for reward, after in ((3.0, 1), (2.0, 1), (1.0, 0), (4.0, None)):
        led_to = None if after is None else one(after)
        beliefs.learn(one(0), one(1), one(reward), led_to)
    # Dirichlet(1, 1) and three transitions; Normal(1, 1) and four payments of sum 10.
    assert beliefs.transitions[0, 0, 1].tolist() == [2 / 5, 3 / 5]
    assert beliefs.rewards[0, 0, 1] == pytest.approx((1.0 + 10.0) / 5.0)
    assert beliefs.reward_precisions[0, 0, 1] == 5.0
    assert beliefs.transitions[0, 1, 0].tolist() == [0.5, 0.5]
    assert beliefs.rewards[0, 1, 0] == 1.0


def test_frequencies_hardly_have_a_prior():
    beliefs = Beliefs(FREQUENCIES, (1, 2, 2))
    beliefs.learn(one(0), one(1), one(3.0), one(1))
    assert beliefs.rewards[0, 0] == pytest.approx([0.0, 3.0], abs=1e-3)
    assert beliefs.transitions[0, 0, 1] == pytest.approx([0.0, 1.0], abs=1e-3)
    assert beliefs.transitions[0, 0, 0].tolist() == [0.5, 0.5]


def test_a_plan_promises_the_optimum_of_the_family():
    family = TabularMDP(max_states=4, max_actions=3)
    tables = MDPs.of(mdps(7, family, horizon=5).contents)
    promises = np.zeros((7, 5, 4, 3))
    plan(tables.transitions, tables.rewards, np.zeros_like(tables.rewards), promises)
    assert promises[:, 0].max(axis=2) == pytest.approx(best_values(tables))


def test_bonuses_count_for_the_steps_that_are_left():
    stay = np.ones((1, 1, 1, 1))
    promises = np.zeros((1, 3, 1, 1))
    plan(stay, np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.5), promises)
    # 0 left at the last step, then 1, then 2: 0, 0.5, and 1 more.
    assert promises[0, :, 0, 0].tolist() == [1.5, 0.5, 0.0]


def test_hope_moves_probability_from_the_worst_to_the_best():
    chances, order = np.array([0.2, 0.5, 0.3]), np.array([1, 0, 2])
    assert hopeful(chances, 0.4, order) == pytest.approx([0.2, 0.3, 0.5])
    assert hopeful(chances, 1.2, order) == pytest.approx([0.1, 0.0, 0.9])
    assert hopeful(chances, 9.0, order) == pytest.approx([0.0, 0.0, 1.0])
    assert hopeful(chances, 0.0, order) == pytest.approx(chances)
    assert chances.tolist() == [0.2, 0.5, 0.3]


def test_hopeful_plans_without_a_radius_are_plans():
    tables = MDPs.of(mdps(3, TabularMDP(4, 3), horizon=4).contents)
    nothing = np.zeros_like(tables.rewards)
    plain, hoped = np.zeros((2, 3, 4, 4, 3))
    plan(tables.transitions, tables.rewards, nothing, plain)
    plan_hopefully(tables.transitions, tables.rewards, nothing, False, hoped)
    assert hoped == pytest.approx(plain)
    plan_hopefully(tables.transitions, tables.rewards, nothing + 0.3, False, hoped)
    assert (hoped >= plain - 1e-12).all()
    assert (hoped[:, 0] > plain[:, 0]).all()


def test_hope_that_is_kept_adds_up():
    # Two states, one action, even odds; state 1 pays. Each step moves 0.1 more of them there, the
    # last one too, though what follows is worth nothing.
    even, paid = np.full((1, 2, 1, 2), 0.5), np.array([[[0.0], [1.0]]])
    radii = np.full((1, 2, 1), 0.2)
    fresh, kept = np.zeros((2, 1, 3, 2, 1))
    plan_hopefully(even, paid, radii, False, fresh)
    plan_hopefully(even, paid, radii, True, kept)
    assert fresh[0, :, 0, 0] == pytest.approx([0.4 * 0.6 + 0.6 * 1.6, 0.6, 0.0])
    assert kept[0, :, 0, 0] == pytest.approx([0.2 * 0.7 + 0.8 * 1.7, 0.7, 0.0])
    assert (even == 0.5).all()


def test_a_sure_belief_is_sampled_as_it_is_and_several_samples_promise_more():
    tables = MDPs.of(mdps(3, TabularMDP(4, 3), horizon=4).contents)
    plain, sampled, several = np.zeros((3, 3, 4, 4, 3))
    plan(tables.transitions, tables.rewards, np.zeros_like(tables.rewards), plain)
    rng = np.random.default_rng(0)
    sure = 1e9 * np.maximum(tables.transitions, 1e-9)
    plan_by_samples(rng, sure, tables.rewards, 1e-6 + np.zeros_like(tables.rewards), 1, sampled)
    assert sampled == pytest.approx(plain, abs=1e-3)
    vague = np.ones_like(sure), tables.rewards, np.ones_like(tables.rewards)
    plan_by_samples(np.random.default_rng(1), *vague, 1, sampled)
    plan_by_samples(np.random.default_rng(1), *vague, 5, several)
    assert several.mean() > sampled.mean() + 1.0


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        # One visit of (0, 1) that paid 2 and led to 1, one step of two left; S = 2, N = 1.
        (BEB(6.0, Prior()), {"seen": 1.5 + 1 / (1 + 2), "bonus": 6.0 / (1 + 2 + 1)}),
        (UCRL2(0.5), {"seen": 2.0 + 0.5 * math.sqrt(4 * math.log(2 * 2 * 2 * 1 / 0.05))}),
    ],
)
def test_bonuses_by_hand(policy, expected):
    family = TabularMDP(max_states=2, max_actions=2)
    policy.begin(mdps(1, family, horizon=2), np.random.default_rng(0))
    policy.beliefs.learn(one(0), one(1), one(2.0), one(1))
    promises = np.zeros((1, 2, 2, 2))
    policy.plan(promises)
    last, first = promises[0, 1], promises[0, 0]
    assert last[0, 1] == pytest.approx(expected["seen"], abs=1e-3)
    if "bonus" in expected:
        ahead = last.max(axis=1) @ [1 / 3, 2 / 3]
        assert first[0, 1] == pytest.approx(expected["seen"] + expected["bonus"] + ahead)


def test_the_last_step_of_an_episode_leads_nowhere():
    policy = EpsilonGreedyMDP()
    policy.begin(mdps(1, TabularMDP(2, 2), horizon=2), np.random.default_rng(0))
    seen = np.array([[1, 0]])
    for over in (False, True):
        policy.learn(seen, one(0), one(1.0), seen, one(over))
    assert policy.beliefs.num_paid[0, 0, 0] == 2
    assert policy.beliefs.counts.sum() == 1
    assert policy.num_episodes == 1


def test_what_they_earn_is_in_order_and_the_optimum_is_the_oracle():
    """600 of the published MDPs, ten episodes; the optimum is some 217, at random it is 100."""
    family = TabularMDP()
    tasks = mdps(600, family)
    earned = {
        name: play(policy, family, tasks, 10, seed=1).sum(axis=1)
        for name, policy in {
            "random": RandomPlay(5),
            "greedy": EpsilonGreedyMDP(),
            "psrl": PSRL(),
            "beb": BEB(1.0, Prior()),
            "known": KnownMDP(),
        }.items()
    }
    means = {name: values.mean() for name, values in earned.items()}
    assert means["random"] == pytest.approx(100.0, abs=4.0)
    assert 100 < means["greedy"] < means["beb"] < means["known"]
    assert means["psrl"] > 120
    oracle = 10 * best_values(MDPs.of(tasks.contents))[:, 0]
    gaps = earned["known"] - oracle
    assert abs(gaps.mean()) < 4 * gaps.std() / math.sqrt(600)


def test_the_same_seed_is_the_same_play():
    family = TabularMDP(4, 3)
    tasks = mdps(5, family)
    runs = [play(PSRL(2), family, tasks, 3, seed=seed) for seed in (1, 1, 2)]
    assert (runs[0] == runs[1]).all()
    assert (runs[0] != runs[2]).any()
