"""One learner out of several: averaged, pooled, and the rest from the winner."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from learners.merging import averaged, merged_parts
from learners.normalization import ObservationNormalizer, RunningMoments, pooled_moments


def tensors(**values):
    return {name: torch.tensor(value) for name, value in values.items()}


def test_parameters_are_the_parents_and_the_weighted_differences():
    parent = tensors(w=[1.0, 2.0], steps=3)
    branches = [tensors(w=[2.0, 2.0], steps=5), tensors(w=[1.0, 6.0], steps=7)]
    merged = averaged(parent, branches, [0.75, 0.25], winner=1)
    # 1 + 0.75 · 1 + 0.25 · 0 and 2 + 0.75 · 0 + 0.25 · 4
    assert merged["w"].tolist() == [1.75, 3.0]
    assert merged["w"].dtype == torch.float32
    assert merged["steps"].item() == 7, "what is counted in whole numbers is the winner's"
    assert parent["w"].tolist() == [1.0, 2.0]


def test_all_the_weight_on_one_branch_is_that_branch_bit_for_bit():
    generator = torch.Generator().manual_seed(0)
    parent, one, other = ({"w": torch.randn(1000, generator=generator)} for _ in range(3))
    merged = averaged(parent, [one, other], [0.0, 1.0], winner=0)
    assert torch.equal(merged["w"], other["w"])


def moments_of(*parts):
    moments = RunningMoments((2,))
    for part in parts:
        moments.update(part)
    return moments


@given(st.integers(0, 50), st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(0, 9))
def test_pooled_moments_are_those_of_everything_that_was_seen(num_before, nums, seed):
    rng = np.random.default_rng(seed)
    before = rng.normal(3.0, 2.0, size=(num_before, 2))
    parts = [rng.normal(i, 1.0 + i, size=(num, 2)) for i, num in enumerate(nums)]
    parent = moments_of(before).state_dict()
    pooled = pooled_moments(parent, [moments_of(before, part).state_dict() for part in parts])
    whole = np.concatenate([before, *parts])
    assert pooled["count"] == len(whole)
    if len(whole):
        np.testing.assert_allclose(pooled["mean"].numpy(), whole.mean(axis=0), atol=1e-9)
        squares = len(whole) * whole.var(axis=0)
        np.testing.assert_allclose(pooled["squares"].numpy(), squares, rtol=1e-7, atol=1e-7)


def test_a_normalizer_pools_by_counts_whatever_the_weights_are():
    normalizer = ObservationNormalizer(1)
    states = []
    for values in ([0.0, 2.0], [4.0, 4.0, 4.0, 10.0]):
        branch = ObservationNormalizer(1)
        branch.update(np.array(values)[:, None])
        states.append(branch.state_dict())
    merged = merged_parts(
        {"observations": normalizer},
        {"observations": normalizer.state_dict()},
        [{"observations": state} for state in states],
        [1.0, 0.0],
        0,
    )
    normalizer.load_state_dict(merged["observations"])
    features = np.array([[4.0]], dtype=np.float32)
    normalizer.apply(features)
    assert features[0, 0] == pytest.approx(0.0)  # (0 + 2 + 4 + 4 + 4 + 10) / 6
    assert merged["observations"]["squares"].item() == pytest.approx(56.0)


def trained(learner, parent, env, tasks, seed):
    learner.load_state_dict(parent)
    rng = np.random.default_rng(seed)
    learner.meta_train(env, tasks, np.ones(len(tasks), dtype=bool), rng)
    return {name: clone(part) for name, part in learner.state_dict().items()}


def clone(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {k: clone(v) for k, v in value.items()}
    return [clone(v) for v in value] if isinstance(value, list) else value


def test_a_learner_merges_its_branches_and_trains_on(signs, make_learner, make_env):
    learner, env = make_learner(), make_env(4, num_episodes=2)
    tasks = signs.tasks(4)
    parent = clone(learner.state_dict())
    branches = [trained(learner, parent, env, tasks, seed) for seed in (1, 2)]
    before = clone(learner.state_dict())
    merged = learner.merged_state(parent, branches, [0.25, 0.75], winner=0)
    for name, value in merged["network"].items():
        one, other = (branch["network"][name].double() for branch in branches)
        torch.testing.assert_close(value.double(), 0.25 * one + 0.75 * other, atol=1e-6, rtol=0)
    assert merged["optimizer"] is branches[0]["optimizer"]
    assert merged["counters"] == branches[0]["counters"]
    for moments in ("returns", "squares"):
        played = [branch["rewards"][moments]["count"] for branch in branches]
        assert merged["rewards"][moments]["count"] == sum(played) > max(played)
    for name, value in learner.state_dict()["network"].items():
        assert torch.equal(value, before["network"][name]), "merging leaves the learner alone"
    learner.load_state_dict(merged)
    _, metrics = learner.meta_train(env, tasks, np.ones(4, dtype=bool), np.random.default_rng(3))
    assert np.isfinite(list(metrics.values())).all()
