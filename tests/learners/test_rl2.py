"""RL² on tasks that hide nothing from us: what it is fed, what it learns from, that it learns."""

import gymnasium
import numpy as np
import pytest
import torch

from learners import precision
from learners.adaptation import adapt
from learners.algorithms.rl2 import RL2
from learners.checks import fingerprint
from learners.evaluation import evaluate
from learners.rollout import Tape
from taskgen.generators.bandit import Bandit
from taskgen.vector import Lifetime

ALL = np.ones(6, dtype=bool)


def train(learner, env, tasks, *, mask=None, seed=0):
    mask = np.ones(len(tasks), dtype=bool) if mask is None else mask
    return learner.meta_train(env, tasks, mask, np.random.default_rng(seed))


def played(signs, make_learner, make_env, **settings):
    """Returns a learner that has played six lifetimes of different lengths, and its record."""
    learner = make_learner(**settings)
    tasks = [t for h in (1, 2, 4) for t in signs.tasks(2, seed=h, horizon=h, size=100.0)]
    lifetimes = learner._play(make_env(6), tasks, np.random.default_rng(0))
    return learner, lifetimes


def test_tape_grows_and_starts_anew():
    tape = Tape()
    for i in range(200):
        tape.append(x=np.array([i, -i]))
    np.testing.assert_array_equal(tape["x"][:, 0], np.arange(200))
    tape.clear()
    tape.append(x=np.array([5, 5]))
    assert tape["x"].tolist() == [[5, 5]]


def test_what_the_network_is_fed(signs, make_learner, make_env):
    learner, lifetimes = played(signs, make_learner, make_env)
    inputs, actions = learner._tape["inputs"], learner._tape["actions"]
    num_seen = signs.observation_space.n
    actions_fed, rewards_fed, starts_fed = (
        inputs[..., num_seen:-3],
        inputs[..., -3],
        inputs[..., -2],
    )
    assert not actions_fed[0].any(), "no action before the first"
    assert not rewards_fed[0].any()
    again = lifetimes.valid[1:]
    # Also across the ends of episodes: action and raw reward are those of the step before.
    np.testing.assert_array_equal(actions_fed[1:].argmax(-1)[again], actions[:-1][again])
    np.testing.assert_array_equal(actions_fed[1:].sum(-1)[again], 1.0)
    np.testing.assert_array_equal(rewards_fed[1:][again], lifetimes.rewards[:-1][again])
    assert set(np.abs(lifetimes.rewards[lifetimes.valid])) == {100.0}
    assert starts_fed[0].all()
    np.testing.assert_array_equal(
        starts_fed[1:].astype(bool)[again], lifetimes.episode_over[:-1][again]
    )
    assert lifetimes.valid.sum(axis=0).tolist() == [3, 3, 6, 6, 12, 12]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_memory_is_empty_at_a_lifetimes_start_and_cleared_nowhere_else(
    signs, make_learner, make_env, cell
):
    learner, lifetimes = played(signs, make_learner, make_env, cell=cell)
    inputs = torch.from_numpy(learner._tape["inputs"])
    with torch.no_grad():
        from_empty, _ = learner.network(inputs)
        second_episode, _ = learner.network(inputs[4:8, -2:])
    seen = learner._tape["features"]
    valid = lifetimes.valid
    np.testing.assert_allclose(seen[valid], from_empty.numpy()[valid], atol=1e-6)
    assert not seen[6:, :4].any(), "what is over for most tasks is not computed"
    assert lifetimes.episode_over[3, -2:].all(), "the second episode starts at step 4"
    assert np.abs(seen[4:8, -2:] - second_episode.numpy()).max() > 0.01


def test_the_loss_sees_scaled_rewards(signs, make_learner, make_env):
    tasks = signs.tasks(6, size=1000.0)
    outcomes, _ = train(make_learner(gamma=1.0), make_env(6), tasks)
    assert np.abs(outcomes.returns).max() >= 1000.0
    assert np.abs(outcomes.td_errors).max() < 10.0
    raw, _ = train(make_learner(gamma=1.0, normalize_rewards=False), make_env(6), tasks)
    assert np.abs(raw.td_errors).max() > 900.0


def test_one_unit_is_all_that_the_network_does_not_see_of_a_reward(signs, make_learner, make_env):
    tasks = [task for size in (2.0, 50.0) for task in signs.tasks(3, size=size)]
    learner, env = make_learner(), make_env(6)
    typical = np.sqrt((2.0**2 + 50.0**2) / 2)
    for unit in (1.0, typical, typical):  # the first batch is what the unit is measured on
        train(learner, env, tasks)
        fed = np.abs(learner._tape["inputs"][1:, :, -3])
        np.testing.assert_allclose(fed[:, :3], 2.0 / unit, rtol=1e-6)
        np.testing.assert_allclose(fed[:, 3:], 50.0 / unit, rtol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    ("precision", "kernel", "tolerance"),
    [("float32", "torch", 1e-5), ("float32", "fused", 1e-5), ("bfloat16", "torch", 1e-2)],
)
def test_rollout_and_training_agree_on_the_first_pass(
    signs, make_learner, make_env, cell, precision, kernel, tolerance
):
    settings = {"cell": cell, "precision": precision, "kernel": kernel}
    learner = make_learner(**settings, lr=1e-2, hidden_size=32)
    env = make_env(6)
    for update in range(3):
        _, metrics = train(learner, env, signs.tasks(6, seed=update, horizon=8), seed=update)
        assert metrics["train/first_ratio_deviation"] < tolerance
    assert metrics["train/ratio_deviation"] > tolerance, "later passes must move"


@pytest.mark.parametrize("across_episodes", [True, False])
def test_what_came_is_what_was_expected_and_all_surprises(
    signs, make_learner, make_env, across_episodes
):
    learner = make_learner(gamma=0.9, across_episodes=across_episodes)
    tasks = [t for h in (1, 2, 4) for t in signs.tasks(2, seed=h, horizon=h)]
    outcomes, _ = train(learner, make_env(6), tasks)
    last = outcomes.valid.shape[1] if across_episodes else outcomes.lengths[:, :1]
    counts = np.arange(outcomes.valid.shape[1]) < last
    discounts = 0.9 ** np.arange(outcomes.valid.shape[1])
    surprises = (outcomes.td_errors * counts * discounts).sum(axis=1)
    np.testing.assert_allclose(
        outcomes.discounted_returns, outcomes.expected_returns + surprises, atol=1e-4
    )
    assert np.abs(surprises).min() > 1e-3


def test_padding_is_out_of_the_loss(signs, make_learner, make_env):
    prints = []
    for garbage in (None, 1e3):
        learner, lifetimes = played(signs, make_learner, make_env)
        batch, td_errors = learner._batch(lifetimes, np.arange(6))
        if garbage:
            waiting = ~batch.valid
            for name in ("inputs", "values", "log_probs", "advantages", "targets"):
                getattr(batch, name)[waiting] = garbage
        learner._optimization.learn(batch, np.random.default_rng(1))
        assert not td_errors[~lifetimes.valid.T].any()
        prints.append(fingerprint(learner))
    assert prints[0] == prints[1]


def test_a_minibatch_is_cut_to_its_longest_lifetime(signs, make_learner, make_env):
    learner, lifetimes = played(signs, make_learner, make_env)
    batch, _ = learner._batch(lifetimes, np.arange(6))
    part = batch.select(np.array([3, 0]))
    assert part.inputs.shape[:2] == (6, 2)
    assert part.valid.sum(dim=0).tolist() == [6, 3]


def test_tasks_that_are_masked_have_no_say(signs, make_learner, make_env):
    mask = np.array([True, False] * 3)
    kept = signs.tasks(6)
    prints = []
    for size in (1.0, 1000.0):
        others = signs.tasks(6, seed=1, size=size, horizon=3)
        tasks = [a if m else b for a, b, m in zip(kept, others, mask, strict=True)]
        learner = make_learner()
        outcomes, _ = train(learner, make_env(6), tasks, mask=mask)
        assert outcomes.complete.all()
        prints.append(fingerprint(learner))
    assert prints[0] == prints[1]


def test_an_update_counts_its_gradient_steps(signs, make_learner, make_env):
    learner = make_learner(epochs=3, minibatches=2)
    _, metrics = train(learner, make_env(6), signs.tasks(6))
    assert metrics["train/gradient_updates"] == 6
    assert learner.state_dict()["counters"] == {"updates": 1, "gradient_updates": 6}


def test_fewer_tasks_than_slots_or_minibatches(signs, make_learner, make_env):
    outcomes, metrics = train(make_learner(minibatches=4), make_env(6), signs.tasks(2))
    assert outcomes.num_tasks == 2
    assert metrics["train/gradient_updates"] == 4 * 2


def test_settings_fall_linearly_to_their_floor(signs, make_learner, make_env):
    learner = make_learner(lr=0.01, lr_decay_updates=4, decay_floor=0.1, entropy_decay_updates=2)
    env, seen = make_env(6), []
    for _ in range(6):
        train(learner, env, signs.tasks(6))
        optimization = learner._optimization
        seen.append((optimization.optimizer.param_groups[0]["lr"], optimization.entropy_coef))
    rates, entropies = zip(*seen, strict=True)
    np.testing.assert_allclose(rates, [0.01, 0.00775, 0.0055, 0.00325, 0.001, 0.001])
    np.testing.assert_allclose(entropies, [0.01, 0.0055, 0.001, 0.001, 0.001, 0.001])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "rnn"}, "cell must be auto, lstm or gru, got 'rnn'"),
        ({"cell": "lstn"}, r"got 'lstn' \(did you mean lstm\?\)"),
        ({"precision": "float16"}, "precision must be auto, float32 or bfloat16"),
        ({"kernel": "fused", "precision": "bfloat16"}, "computes in float32; .*, got 'bfloat16'"),
        ({"gamma": 1.5}, r"gamma must lie in \[0, 1\], got 1.5"),
        ({"epochs": 0}, "epochs must be above 0, got 0"),
    ],
)
def test_bad_settings_are_refused(make_learner, settings, message):
    with pytest.raises(ValueError, match=message):
        make_learner(**settings)


def test_resolving_leaves_nothing_open(signs, make_learner):
    learner = make_learner()
    spaces = signs.observation_space, signs.action_space
    opened = type(learner).Config(hidden_size=8)
    settled, why = type(learner).resolve(opened, *spaces, num_tasks=4, threads=1)
    assert "auto" not in (settled.cell, settled.precision, settled.kernel, settled.device)
    computed = f"{settled.cell.upper()} in {settled.precision}, {settled.kernel} kernel"
    assert why.startswith(f"{computed}, with 1 thread: ")
    again, why = type(learner).resolve(settled, *spaces, num_tasks=4, threads=1)
    assert again == settled
    assert "as configured" in why


@pytest.mark.parametrize("unit", [True, False])
def test_what_computes_bfloat16_is_told(make_learner, monkeypatch, unit):
    monkeypatch.setattr(precision, "has_bfloat16_unit", lambda: unit)
    learner = type(make_learner())
    settings = learner.Config(hidden_size=8, cell="lstm", precision="bfloat16", device="cpu")
    assert ("in a unit of its own" in learner.machine(settings)["precision"]) == unit
    chosen = precision.resolve_compute("lstm", "bfloat16", 1)
    assert ("no unit" in chosen.sentence) != unit


def test_a_graphics_card_that_is_not_there_is_missed(make_learner, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    learner = type(make_learner())
    assert "finds none here" in learner.unavailable(learner.Config(device="cuda"))
    assert learner.unavailable(learner.Config(device="cpu")) is None


def test_lifetimes_cut_in_steps_leave_their_last_episode_incomplete(signs, make_learner, make_env):
    tasks = [signs.tasks(1, horizon=h)[0] for h in (2, 4)]
    outcomes, _ = train(make_learner(), make_env(2, num_steps=7), tasks)
    assert outcomes.complete.tolist() == [[True, True, True], [True, False, False]]
    assert outcomes.lengths.tolist() == [[2, 2, 2], [4, 0, 0]]
    assert outcomes.num_env_steps == 14
    assert not outcomes.returns[1, 1:].any()


def test_outcomes_add_up(signs, make_learner, make_env):
    _, lifetimes = played(signs, make_learner, make_env)
    outcomes = lifetimes.outcomes()
    assert outcomes.returns.shape == (6, 3)
    np.testing.assert_allclose(outcomes.returns.sum(axis=1), lifetimes.rewards.sum(axis=0))
    assert outcomes.lengths.tolist() == [[h] * 3 for h in (1, 1, 2, 2, 4, 4)]
    last = lifetimes.rewards[3::4, 4] > 0  # each episode's last step, horizon 4
    assert outcomes.successes[4].tolist() == last.tolist()


class Raises:
    """In place of `advance`: the third task fails in its second step."""

    def __init__(self, env):
        self._advance = env.advance
        self._env, self._steps = env, 0

    def __call__(self, actions, playing):
        self._advance(actions, playing)
        self._steps += 1
        if self._steps == 2:
            self._env.rewards[2] = np.nan


def test_a_task_that_fails_costs_itself_alone(signs, make_learner, make_env):
    env, learner = make_env(6), make_learner()
    env.advance = Raises(env)
    tasks = [task for i in range(6) for task in signs.tasks(1, size=1.0 + i)]
    outcomes, metrics = train(learner, env, tasks)
    assert outcomes.complete.tolist() == [[index != 2] * 3 for index in range(6)]
    assert all(np.isfinite(value) for value in metrics.values())
    state = learner.network.state_dict()
    assert all(torch.isfinite(parameter).all() for parameter in state.values())
    masked = make_learner()
    train(masked, make_env(6), tasks, mask=np.arange(6) != 2)
    assert fingerprint(masked) == fingerprint(learner)


def test_it_learns_to_remember_what_paid_and_to_use_it(signs, make_learner, make_env):
    learner = make_learner(hidden_size=16, lr=1e-2, gamma=0.95, entropy_coef=0.001)
    env = make_env(64, num_episodes=2)
    for update in range(25):
        train(learner, env, signs.tasks(64, seed=update, horizon=2), seed=update)
    tasks = signs.tasks(200, seed=999, horizon=2)
    curve = evaluate(learner, env, tasks, num_episodes=2, seed=0, greedy=True)
    # The first action is a guess, all others can be right: 0 + 1 and 1 + 1.
    np.testing.assert_allclose(curve.outcomes.returns.mean(axis=0), [1.0, 2.0], atol=0.2)
    assert curve.outcomes.successes[:, 1].mean() > 0.98
    assert curve.num_env_steps == 200 * 4
    single = signs.make_env(signs.make_task({"horizon": 2, "size": 1.0}, seed=3))
    before = fingerprint(learner)
    policy = adapt(learner, single, num_episodes=1, seed=0, greedy=True)
    observation, _ = single.reset()
    chosen = policy.start(observation)
    assert single.step(chosen)[1] == 1.0
    assert len(policy.returns) == 1
    assert policy.lengths == [2]
    assert fingerprint(learner) == before


@pytest.mark.parametrize("changes", [{"action": 5}, {"observation": 7}])
def test_adapting_refuses_an_environment_of_other_spaces(signs, make_learner, changes):
    learner = make_learner(hidden_size=4)
    observation, action = learner.spaces
    single = signs.make_env(signs.make_task({"horizon": 2, "size": 1.0}, seed=3))
    if "action" in changes:
        single.action_space = gymnasium.spaces.Discrete(changes["action"])
    else:
        single.observation_space = gymnasium.spaces.Box(-1, 1, (changes["observation"],))
    with pytest.raises(ValueError, match="the learner was made for"):
        adapt(learner, single, num_episodes=1)
    assert (observation, action) == learner.spaces


def test_a_bandit_is_learned_from_pulls_alone():
    bandit = Bandit(num_arms=2)
    row = bandit.space.complete({"alpha": 0.1, "beta": 0.1})
    env = bandit.make_vector_env(256)
    env.lifetime = Lifetime(num_episodes=6)
    rng = np.random.default_rng(0)

    def tasks(num):
        return bandit.make_tasks(bandit.space.columns([row] * num), rng.integers(2**40, size=num))

    config = RL2.Config(hidden_size=16, cell="gru", lr=1e-2, gamma=1.0, lambda_=0.3)
    learner = RL2(bandit.observation_space, bandit.action_space, config, seed=0)
    for _ in range(25):
        learner.meta_train(env, tasks(256), np.ones(256, dtype=bool), rng)
    curve = evaluate(learner, env, tasks(2000), num_episodes=6, seed=0, greedy=True)
    assert curve.outcomes.successes is None
    first, *_, last = curve.outcomes.returns.mean(axis=0)
    assert first == pytest.approx(0.5, abs=0.05)
    assert last > 0.67  # 0.73 is the best arm's mean
