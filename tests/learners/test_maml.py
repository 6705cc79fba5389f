"""MAML on lines and halves: what its kin are, that they learn, and what is refused."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from learners import one_graph, unroll_memory
from learners.algorithms.maml import MAML
from learners.checks import check_learner, fingerprint
from learners.inner_loop import adapt, spread
from learners.problem_adaptation import as_sets
from learners.problem_evaluation import evaluate_problems
from learners.unroll_memory import NoRoom
from taskgen.generators.bandit import Bandit
from taskgen.judging import GRADIENT_STEPS, returns_of

sys.path.append(str(Path(__file__).parents[1] / "taskgen"))
from lines_family import Halves, Lines

FAMILIES = {"numbers": Lines(), "classes": Halves()}
KIN = {
    "second order": {},
    "first order": {"order": 1, "inner_steps": 3},
    "Meta-SGD": {"learn_step_sizes": True},
    "ANIL with momentum": {"head_only": True, "inner_momentum": 0.5, "inner_steps": 2},
    "ANIL, Meta-SGD": {"head_only": True, "learn_step_sizes": True},
    "Reptile": {"outer": "reptile", "inner_steps": 3},
    "normalised": {"normalize": True, "activation": "tanh", "late_step_scale": 0.5},
}
SMALL = {"hidden_sizes": (8,), "test_steps": 3, "inner_lr": 0.1, "device": "cpu"}


def make(family, seed=0, **settings):
    config = MAML.Config(**{**SMALL, **settings})
    return MAML(family.input_space, family.target_space, config, seed)


def tasks_of(family, num, seed=0, **ranges):
    rng = np.random.default_rng(seed)
    columns = dict(family.space.columns([family.space.complete({})] * num))
    for name, (low, high) in ranges.items():
        columns[name] = rng.uniform(low, high, num)
    return family.make_tasks(columns, rng.integers(2**31, size=num))


def train(learner, family, num_updates, mask=None, **ranges):
    metrics = {}
    for update in range(num_updates):
        tasks = tasks_of(family, 8, seed=update, **ranges)
        everyone = np.ones(8, dtype=bool) if mask is None else mask
        _, metrics = learner.meta_train(family, tasks, everyone, np.random.default_rng(update))
    return metrics


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("settings", KIN.values(), ids=KIN)
def test_all_of_its_kin_keep_their_promises(settings, family):
    check_learner(MAML, family, MAML.Config(**SMALL, **settings)).raise_if_failed()


def test_images_are_read_by_convolutions():
    class Pictures(Halves):
        name = "pictures-v1"
        input_space = Box(0.0, 1.0, (8, 8))

        def make_problems(self, tasks, rng):
            problems = super().make_problems(tasks, rng)
            wide = {
                name: np.tile(getattr(problems, name)[..., None], (8, 8))
                for name in ("support_x", "query_x")
            }
            return replace(problems, **wide)

    config = MAML.Config(network="conv", filters=(3, 4), test_steps=2, device="cpu")
    check_learner(MAML, Pictures(), config).raise_if_failed()


@pytest.mark.parametrize("settings", KIN.values(), ids=KIN)
def test_the_steps_of_training_help_more_after_it(settings):
    family, ranges = FAMILIES["numbers"], {"intercept": (-2.0, 2.0), "slope": (-3.0, 3.0)}
    exam = tasks_of(family, 64, seed=999, **ranges)
    learner = make(family, **settings, lr=0.01)
    errors = []
    for num_updates in (0, 300):
        train(learner, family, num_updates, **ranges)
        curve = evaluate_problems(learner, family, exam, seed=0)
        errors.append(-curve.outcomes.returns.mean(axis=0)[learner.config.inner_steps])
    assert errors[1] < 0.9 * errors[0]


def test_an_update_is_adams_on_the_gradient_of_what_is_left_after_adapting():
    family, learner = FAMILIES["numbers"], make(FAMILIES["numbers"], inner_steps=2)
    tasks, rng = tasks_of(family, 5, slope=(-3.0, 3.0)), np.random.default_rng(3)
    sets = as_sets(family.make_problems(tasks, np.random.default_rng(3)))
    start = {n: v.detach().clone().requires_grad_() for n, v in learner.initialization.items()}
    adaptation = learner._adaptation
    after = adapt(
        spread(start, 5),
        adaptation.support_loss,
        sets,
        step_sizes=0.1,
        num_steps=2,
        inner_loop=adaptation.inner_loop,
    )
    loss = adaptation.query_loss(adaptation.network(after, sets["query_x"]), sets).mean()
    loss.backward()
    torch.optim.Adam(start.values(), lr=learner.config.lr).step()
    _, metrics = learner.meta_train(family, tasks, np.ones(5, dtype=bool), rng)
    assert metrics["train/query_loss"] == pytest.approx(loss.item(), rel=1e-6)
    for name, value in start.items():
        torch.testing.assert_close(learner.initialization[name].detach(), value.detach())


def test_masked_tasks_are_played_and_have_no_say():
    family = FAMILIES["numbers"]
    mask = np.array([True, False] * 3)
    prints, returns = [], []
    for slope in (1.0, -3.0):
        learner = make(family)
        columns = dict(family.space.columns([family.space.complete({})] * 6))
        columns["slope"] = np.where(mask, 1.0, slope)
        tasks = family.make_tasks(columns, np.arange(6))
        outcomes, _ = learner.meta_train(family, tasks, mask, np.random.default_rng(0))
        prints.append(fingerprint(learner))
        returns.append(outcomes.returns)
    assert prints[0] == prints[1]
    assert outcomes.unit == GRADIENT_STEPS
    np.testing.assert_allclose(returns[0][mask], returns[1][mask], rtol=1e-5)
    assert not np.allclose(returns[0][~mask], returns[1][~mask])


def test_an_exam_shows_every_step_and_scales_those_beyond_training():
    family = FAMILIES["numbers"]
    problems = family.make_problems(tasks_of(family, 4), np.random.default_rng(0))
    plain = make(family, inner_steps=1, test_steps=4, late_step_scale=1.0).predict(problems)
    late = make(family, inner_steps=1, test_steps=4, late_step_scale=0.5).predict(problems)
    assert plain.values.shape == (4, 5, 6, 1)
    np.testing.assert_array_equal(plain.values[:, :2], late.values[:, :2])
    assert np.abs(plain.values[:, 2:] - late.values[:, 2:]).min() > 0.0
    returns = returns_of(problems, plain)
    assert (np.diff(returns.mean(axis=0)) > 0.0).all(), "every step helps"


def test_learned_step_sizes_start_alike_and_become_their_own():
    learner = make(FAMILIES["numbers"], learn_step_sizes=True, head_only=True)
    assert set(learner.step_sizes.keys()) == {"weight_1", "bias_1"}
    assert all((size == 0.1).all() for size in learner.step_sizes.values())
    metrics = train(learner, FAMILIES["numbers"], 3, slope=(-3.0, 3.0))
    assert learner.step_sizes["weight_1"].std() > 0.0
    assert metrics["train/mean_step_size"] != pytest.approx(0.1, abs=1e-6)


def test_many_tasks_are_predicted_in_parts(monkeypatch):
    family, learner = FAMILIES["classes"], make(FAMILIES["classes"])
    problems = family.make_problems(tasks_of(family, 7), np.random.default_rng(0))
    whole = learner.predict(problems).values
    monkeypatch.setattr("learners.algorithms.maml._MOST_NUMBERS", 100)
    np.testing.assert_allclose(learner.predict(problems).values, whole, rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_tried(monkeypatch):
    family = FAMILIES["numbers"]
    monkeypatch.setattr(unroll_memory, "available_bytes", lambda: 1_000_000)
    train(make(family), family, 1)
    long = make(family, inner_steps=2000)
    with pytest.raises(NoRoom, match="8 tasks by 2000 gradient steps on 8 points"):
        train(long, family, 1)
    train(make(family, inner_steps=500, order=1), family, 1)
    spaces = family.input_space, family.target_space
    with pytest.raises(NoRoom, match="100000 tasks"):
        MAML.resolve(MAML.Config(), *spaces, num_tasks=100_000, threads=1)
    settled, _ = MAML.resolve(MAML.Config(), *spaces, num_tasks=4, threads=1)
    assert settled.device in ("cpu", "cuda")


def test_a_loss_that_is_no_number_stops_it():
    learner = make(FAMILIES["numbers"], inner_lr=1e20, inner_steps=3)
    with pytest.raises(FloatingPointError, match="lower inner_lr"):
        train(learner, FAMILIES["numbers"], 1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"inner_steps": 0}, "inner_steps must be above 0, got 0"),
        ({"order": 3}, "order must be 1 or 2, got 3"),
        ({"network": "rnn"}, "network must be mlp or conv"),
        ({"hidden_sizes": (4, 0)}, "hidden_sizes must be above 0"),
        ({"filters": ()}, "filters must name one"),
        ({"inner_momentum": 1.0}, "inner_momentum must lie in"),
        ({"lr": 0.0}, "lr must be above 0"),
        ({"lr_decay_updates": 0}, "lr_decay_updates must be above 0 or null"),
        ({"decay_floor": 2.0}, "decay_floor must lie in"),
        ({"outer": "reptile"}, "inner_steps must be 2 or more"),
        ({"outer": "reptile", "inner_steps": 5, "learn_step_sizes": True}, "must be false"),
    ],
)
def test_settings_out_of_range_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        MAML.Config(**settings)


def test_it_plays_problems_of_known_targets_alone():
    bandit = Bandit(num_arms=3)
    with pytest.raises(TypeError, match="target space"):
        MAML(Discrete(3), Box(0, 1, (2,), np.int64), MAML.Config(), 0)
    learner = make(FAMILIES["numbers"])
    with pytest.raises(TypeError, match="solves problems"):
        learner.meta_train(bandit, [], np.ones(0, dtype=bool), np.random.default_rng(0))
    with pytest.raises(ValueError, match="set network to mlp"):
        make(FAMILIES["numbers"], network="conv")


def test_what_decides_its_last_bits_and_what_is_missing(monkeypatch):
    compiled = MAML.Config(compile=True, device="cpu")
    assert set(MAML.machine(MAML.Config(device="cpu"))) == {"device", "vector unit"}
    assert set(MAML.machine(compiled)) == {"device", "vector unit", "compiler"}
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "compiler" in MAML.unavailable(compiled)
    assert MAML.unavailable(MAML.Config(device="cpu")) is None


@pytest.mark.slow
@pytest.mark.skipif(one_graph.compiler_command() is None, reason="needs a compiler for C++")
@pytest.mark.parametrize("settings", [{}, {"learn_step_sizes": True, "inner_steps": 2}])
def test_a_compiled_update_is_the_same_up_to_rounding(settings):
    family = FAMILIES["numbers"]
    plain, compiled = (make(family, compile=on, **settings) for on in (False, True))
    for learner in (plain, compiled):
        train(learner, family, 5, slope=(-3.0, 3.0))
    for name, value in plain.initialization.items():
        torch.testing.assert_close(compiled.initialization[name], value, rtol=1e-4, atol=1e-5)
    check_learner(MAML, family, compiled.config).raise_if_failed()
