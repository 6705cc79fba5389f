"""MAML for control: what an update keeps to, its settings, and that it learns to adapt."""

import numpy as np
import pytest
import torch
from point_tasks import Goals

from learners.adaptation import adapt
from learners.algorithms.maml_control import MAMLControl
from learners.checks import check_learner, fingerprint
from learners.evaluation import AdaptationCurve, by_gradient_steps, evaluate
from taskgen.generators.bandit import Bandit
from taskgen.outcomes import Outcomes
from taskgen.vector import Lifetime

GOALS = Goals(num_axes=1)
SMALL = {"hidden_sizes": (8,), "episodes_per_step": 4}


def make_learner(generator=GOALS, seed=0, **settings):
    config = MAMLControl.Config(**{**SMALL, **settings})
    return MAMLControl(generator.observation_space, generator.action_space, config, seed)


def make_env(num_envs, num_episodes=8, generator=GOALS, **bounds):
    env = generator.make_vector_env(num_envs)
    env.lifetime = Lifetime(num_episodes=num_episodes, **bounds)
    return env


def train(learner, env, tasks, seed=0, mask=None):
    mask = np.ones(len(tasks), bool) if mask is None else mask
    return learner.meta_train(env, tasks, mask, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "settings",
    [
        {"outer": "trpo", "learn_step_sizes": True, "activation": "relu"},
        {"outer": "ppo", "estimator": "dice", "inner_steps": 1, "minibatches": 2},
        {"outer": "ppo", "order": 1, "head_only": True, "learn_step_sizes": True},
    ],
)
def test_all_kinds_keep_their_promises(settings):
    config = MAMLControl.Config(**{**SMALL, "episodes_per_step": 1, **settings})
    check_learner(MAMLControl, GOALS, config).raise_if_failed()


def test_a_trust_region_is_kept_and_what_was_played_says_that_it_pays():
    learner, env, tasks = make_learner(max_kl=0.003), make_env(6), GOALS.tasks(6)
    policy, lifetimes = learner._play(env, tasks, np.random.default_rng(0))
    played = policy.played(np.arange(6), lifetimes.rewards[-1])
    update = learner._update
    with torch.no_grad():
        before = update._judged(played)
    valid = played.judged.valid
    torch.testing.assert_close(before[valid], played.judged.log_probs[valid], rtol=0, atol=1e-4)
    metrics = update.learn(played)
    assert 0.0 < metrics["kl"] <= 0.003
    assert metrics["surrogate_gain"] > 0.0
    with torch.no_grad():
        moved = update._judged(played) - before
    found = (moved.exp() - 1.0 - moved)[valid].mean()
    assert metrics["kl"] == pytest.approx(found.item(), rel=1e-2, abs=1e-5)


def test_where_no_length_of_a_step_will_do_nothing_moves():
    learner, env = make_learner(backtracks=0), make_env(4)
    learner._update._natural_step = lambda slope, played: 1e3 * slope  # uphill, and far
    before = fingerprint_of_parameters(learner)
    _, metrics = train(learner, env, GOALS.tasks(4))
    assert metrics["train/kl"] == 0.0
    assert fingerprint_of_parameters(learner) == before


def fingerprint_of_parameters(learner):
    return [value.tolist() for value in learner._parameters.leaves]


def test_clipped_updates_take_their_steps_and_stay_near():
    learner, env = make_learner(outer="ppo", epochs=3, lr=1e-3), make_env(4)
    _, metrics = train(learner, env, GOALS.tasks(4))
    assert metrics["train/gradient_updates"] == 3
    assert 0.0 < metrics["train/kl"] < 0.1
    assert 0.0 < metrics["train/inner_kl"] < 0.1


def test_minibatches_deal_out_the_tasks_each_to_one_part():
    learner, env = make_learner(outer="ppo", minibatches=3, epochs=2), make_env(5)
    policy, lifetimes = learner._play(env, GOALS.tasks(5), np.random.default_rng(0))
    played = policy.played(np.arange(5), lifetimes.rewards[-1])
    seen = []
    step = learner._update._step
    learner._update._step = lambda part: seen.append(part) or step(part)
    assert learner._update.learn(played)["gradient_updates"] == 2 * 3
    advantages = torch.cat([part.judged.advantages for part in seen[:3]])
    order = [0, 3, 1, 4, 2]
    torch.testing.assert_close(advantages, played.judged.advantages[order])
    torch.testing.assert_close(seen[1].steps[0].actions, played.steps[0].actions[[1, 4]])


def test_there_are_no_more_minibatches_than_tasks():
    learner = make_learner(outer="ppo", minibatches=8, epochs=2)
    _, metrics = train(learner, make_env(3), GOALS.tasks(3))
    assert metrics["train/gradient_updates"] == 2 * 3


def test_tasks_that_are_masked_have_no_say():
    mask, kept = np.array([True, False] * 3), GOALS.tasks(6)
    prints = []
    for seed in (1, 2):
        others = GOALS.tasks(6, seed=seed, horizon=4)
        tasks = [a if m else b for a, b, m in zip(kept, others, mask, strict=True)]
        learner = make_learner()
        outcomes, _ = train(learner, make_env(6), tasks, mask=mask)
        assert outcomes.complete.all()
        prints.append(fingerprint(learner))
    assert prints[0] == prints[1]


def test_lifetimes_that_are_too_short_have_fewer_steps():
    tasks = [*GOALS.tasks(2, horizon=2), *GOALS.tasks(2, horizon=8)]
    learner = make_learner()
    _, metrics = train(learner, make_env(4, None, num_steps=14), tasks)
    # Seven episodes of two steps, or one of eight and a cut one.
    assert metrics["train/inner_steps"] == 0.5
    assert metrics["train/gradient_updates"] == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"estimator": "best"}, "estimator must be one of plain, lvc, dice, got 'best'"),
        ({"outer": "sgd"}, "outer must be trpo or ppo, got 'sgd'"),
        ({"episodes_per_step": 0}, "episodes_per_step must be above 0"),
        ({"fisher_share": 0.0}, r"fisher_share must lie in \(0, 1\]"),
        ({"gamma": 1.5}, r"gamma must lie in \[0, 1\]"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_learner(**settings)


def test_it_plays_environments_alone():
    with pytest.raises(TypeError, match="plays environments"):
        make_learner().meta_train(object(), [], np.ones(0, bool), np.random.default_rng(0))


def test_a_curve_over_gradient_steps_by_hand():
    returns = np.array([[1.0, 3.0, 5.0, 7.0, 100.0], [2.0, 2.0, 4.0, 0.0, 0.0]])
    complete = np.array([[True] * 5, [True, True, True, False, False]])
    valid = np.ones((2, 20), bool)
    outcomes = Outcomes(returns, np.full((2, 5), 4) * complete, complete, complete, valid)
    curve = by_gradient_steps(AdaptationCurve(("a", "b"), outcomes), episodes_per_step=2)
    assert curve.outcomes.returns.tolist() == [[2.0, 6.0], [2.0, 0.0]]
    assert curve.outcomes.complete.tolist() == [[True, True], [True, False]]
    assert curve.outcomes.lengths.tolist() == [[8, 8], [8, 0]]
    assert curve.outcomes.unit == "gradient steps"
    assert curve.num_env_steps == 40


@pytest.fixture(scope="module", params=["trpo", "ppo"])
def trained(request):
    """A learner after some seconds of learning."""
    settings = {"outer": request.param, "lr": 2e-2, "inner_lr": 0.5, "max_kl": 0.03}
    learner = make_learner(hidden_sizes=(16,), episodes_per_step=8, **settings)
    env = make_env(16, 16)
    for update in range(15):
        _, metrics = train(learner, env, GOALS.tasks(16, seed=update), seed=update)
    assert all(np.isfinite(value) for value in metrics.values())
    return learner


def test_a_gradient_step_pays(trained):
    tasks = GOALS.tasks(100, seed=9_999)
    curve = evaluate(trained, GOALS.make_vector_env(100), tasks, num_episodes=24, seed=0)
    returns = by_gradient_steps(curve, episodes_per_step=8).outcomes.returns
    gained = returns[:, 1:] - returns[:, :1]
    errors = gained.std(axis=0) / np.sqrt(len(tasks))
    assert (gained.mean(axis=0) > 5 * errors).all()
    # Who cannot know the goal does best by standing still.
    assert returns[:, 2].mean() > GOALS.blind_return(horizon=4)


def test_it_adapts_to_one_environment(trained):
    task = GOALS.tasks(1, seed=3)[0]
    policy = adapt(trained, GOALS.make_env(task), num_episodes=9)
    assert len(policy.returns) == 9
    assert policy._policy.num_steps.tolist() == [1]
    action = policy.start(np.zeros(1, np.float32))
    assert GOALS.action_space.contains(action)


def test_a_step_finds_the_better_arms_of_bandits():
    bandit = Bandit(num_arms=3)
    row = bandit.space.complete({"pulls": 10})
    learner = make_learner(bandit, inner_lr=10.0)
    env = make_env(64, 8, bandit)
    for update in range(3):
        tasks = [bandit.make_task(row, seed=100 * update + i) for i in range(64)]
        outcomes, _ = train(learner, env, tasks, seed=update)
    gained = outcomes.returns[:, 4:].mean() - outcomes.returns[:, :4].mean()
    assert gained > 0.5, "of the 2.5 that lie between chance and the best arm"
