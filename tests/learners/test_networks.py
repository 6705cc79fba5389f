"""Heads, inputs and the recurrent network."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiBinary
from hypothesis import given, settings
from hypothesis import strategies as st
from step_by_step import step_by_step

from learners import precision
from learners.features import InputFeatures, SpaceFeatures
from learners.heads import CategoricalHead
from learners.learner import Step
from learners.networks import NetworkShape, RecurrentActorCritic, stretches
from learners.normalization import RewardScaler
from learners.precision import Workload, favoured, has_bfloat16_unit, resolve_compute


def network(seed=0, **changes):
    sizes = {"num_inputs": 5, "num_outputs": 3, "cell": "lstm", "hidden_size": 16}
    return RecurrentActorCritic(NetworkShape(**{**sizes, **changes}), seed)


def test_categorical_draws_have_the_frequencies_of_the_softmax():
    head = CategoricalHead(Discrete(3))
    logits = torch.tensor([1.0, 0.0, -1.0])
    uniforms = torch.from_numpy(np.random.default_rng(0).random((100_000, 3)))
    drawn = head.choose(logits.expand(100_000, 3), uniforms)
    frequencies = torch.bincount(drawn, minlength=3) / 100_000
    torch.testing.assert_close(frequencies, logits.softmax(0), atol=0.005, rtol=0)
    assert head.choose(logits[None], None).tolist() == [0]


def test_draws_survive_the_ends_of_the_unit_interval():
    head = CategoricalHead(Discrete(2))
    logits = torch.tensor([[0.0, 0.0]])
    for uniforms, drawn in (([0.0, 0.5], 1), ([1.0, 0.5], 0), ([0.5, 1.0], 1)):
        assert head.choose(logits, torch.tensor([uniforms])).tolist() == [drawn]


def test_log_probabilities_and_entropy_by_hand():
    head = CategoricalHead(Discrete(2, start=4))
    outputs = torch.tensor([[0.75, 0.25]]).log()
    assert head.log_prob(outputs, torch.tensor([1])).exp().item() == pytest.approx(0.25)
    expected = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    assert head.entropy(outputs).item() == pytest.approx(expected)
    assert head.to_env(torch.tensor([1])).tolist() == [5]


@pytest.mark.parametrize(
    ("space", "values", "written"),
    [
        (Discrete(3, start=1), np.array([1, 3]), [[1, 0, 0], [0, 0, 1]]),
        (Box(0, 255, (1, 2), np.uint8), np.array([[[0, 255]]], np.uint8), [[0, 1]]),
        (Box(0, 1, (2,), np.uint8), np.array([[0, 1]], np.uint8), [[0, 1]]),
        (Box(-9, 9, (2,), np.float32), np.array([[-9.0, 3.5]]), [[-9, 3.5]]),
        (MultiBinary(2), np.array([[1, 0]], np.int8), [[1, 0]]),
    ],
)
def test_values_of_a_space_become_rows(space, values, written):
    features = SpaceFeatures(space)
    out = np.full((len(values), features.num), 7.0, dtype=np.float32)
    features.write(out, values)
    np.testing.assert_array_equal(out, np.array(written, dtype=np.float32))


def test_spaces_and_values_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="flatten it first"):
        SpaceFeatures(gymnasium.spaces.Dict({"a": Discrete(2)}))
    with pytest.raises(ValueError, match="made for values of 3 numbers, got 2"):
        SpaceFeatures(Box(0, 1, (3,))).write(np.zeros((1, 3), np.float32), np.zeros((1, 2)))


def test_what_is_left_of_the_lifetime_can_be_left_out():
    whole = InputFeatures(Discrete(2), Discrete(3))
    blind = InputFeatures(Discrete(2), Discrete(3), lifetime_left=False)
    left = np.array([0.25], np.float32)
    yes = np.ones(1, dtype=bool)
    step = Step(np.array([1]), np.array([0.5]), yes, left, yes)
    rows = [np.full((1, f.num), 7.0, dtype=np.float32) for f in (whole, blind)]
    whole.write(rows[0], step, np.array([2]))
    blind.write(rows[1], step, np.array([2]))
    np.testing.assert_array_equal(rows[0], [[0, 1, 0, 0, 1, 0.5, 1, 0.25]])
    np.testing.assert_array_equal(rows[1], rows[0][:, :-1])


def test_a_row_holds_observation_action_reward_start_and_what_is_left():
    features = InputFeatures(Discrete(2), Discrete(3))
    step = Step(
        np.array([1, 0]),
        np.array([-50.0, 0.5]),
        np.array([True, False]),
        np.array([0.25, 1.0], np.float32),
        np.ones(2, dtype=bool),
    )
    out = np.full((2, features.num), 7.0, dtype=np.float32)
    features.write(out, step, None)
    np.testing.assert_array_equal(out[0], [0, 1, 0, 0, 0, -50, 1, 0.25])
    features.write(out, step, np.array([2, 0]))
    np.testing.assert_array_equal(out[:, 2:5], [[0, 0, 1], [1, 0, 0]])
    scaler = RewardScaler(gamma=1.0)
    scaler.update(np.array([[3.0, -4.0]]), np.ones((1, 2), dtype=bool))
    InputFeatures(Discrete(2), Discrete(3), rewards=scaler).write(out, step, None)
    np.testing.assert_allclose(out[:, 5], step.rewards / np.sqrt(12.5), rtol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    ("precision", "kernel"), [("float32", "torch"), ("float32", "fused"), ("bfloat16", "torch")]
)
def test_step_by_step_equals_the_whole_lifetime(cell, precision, kernel):
    model = network(
        cell=cell, precision=precision, kernel=kernel, encoder_sizes=(6,), heads_see_inputs=True
    )
    inputs = torch.rand(20, 4, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole, last = model(inputs)
    steps, state = step_by_step(model, inputs)
    assert whole.dtype == torch.float32
    assert whole.shape == (20, 4, 16 + 6)
    tolerance = 1e-6 if precision == "float32" else 1e-2
    torch.testing.assert_close(steps, whole, atol=tolerance, rtol=0)
    torch.testing.assert_close(state[0], last[0], atol=tolerance, rtol=0, check_dtype=False)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_stretches_cover_every_step_of_every_lifetime(lengths):
    lengths = sorted(lengths, reverse=True)
    parts = stretches(lengths)
    assert [part[0] for part in parts] == [0] + [part[1] for part in parts[:-1]]
    assert parts[-1][1] == lengths[0]
    for start, stop, num in parts:
        assert stop > start
        assert num == sum(length > start for length in lengths)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("kernel", ["torch", "fused"])
def test_dropping_lifetimes_on_the_way_changes_neither_features_nor_gradients(cell, kernel):
    lengths = [90, 60, 31, 30, 12]
    valid = torch.arange(90)[:, None] < torch.tensor(lengths)
    inputs = torch.rand(90, 5, 5, generator=torch.Generator().manual_seed(0))
    assert len(stretches(lengths)) > 2
    results = []
    for whole in (True, False):
        model = network(cell=cell, kernel=kernel, encoder_sizes=(6,))
        features = model.whole_lifetimes(inputs, lengths) if whole else model(inputs)[0]
        kept = features * valid[..., None]
        kept.square().sum().backward()
        results.append((kept, [p.grad for p in model.memory.parameters()]))
    torch.testing.assert_close(results[0], results[1], atol=1e-4, rtol=1e-4)


def test_bfloat16_is_close_to_float32_and_is_not_it():
    inputs = torch.rand(20, 4, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exact, rounded = (network(precision=p)(inputs)[0] for p in ("float32", "bfloat16"))
    assert 0.0 < (exact - rounded).abs().max().item() < 0.05


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_parameters_come_from_the_seed_alone(cell):
    before = torch.get_rng_state()
    first, second, other = (network(seed, cell=cell).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["memory.weight_hh_l0"], other["memory.weight_hh_l0"])


def test_initial_weights_are_orthogonal_and_the_first_policy_is_nearly_uniform():
    model = network(cell="gru")
    for gate in model.memory.weight_hh_l0.split(16):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)
    features, _ = model(torch.rand(3, 2, 5))
    assert model.policy(features).softmax(-1).sub(1 / 3).abs().max().item() < 0.01


SMALL = Workload(
    num_inputs=4, hidden_size=8, num_acting=2, num_lifetimes=2, num_passes=4, num_steps=4
)


def test_what_is_configured_is_not_measured():
    compute = resolve_compute("gru", "float32", threads=1, kernel="fused")
    assert (compute.cell, compute.precision, compute.kernel) == ("gru", "float32", "fused")
    assert compute.threads == 1
    assert compute.sentence == "GRU in float32, fused kernel, with 1 thread, as configured."


def test_the_fused_kernel_is_measured_in_float32_alone():
    compute = resolve_compute("lstm", "bfloat16", threads=1)
    assert compute.kernel == "torch"
    opened = resolve_compute("lstm", "float32", load=SMALL)
    assert "torch" in opened.sentence
    assert "fused" in opened.sentence


def test_what_is_open_is_measured_and_said():
    compute = resolve_compute(load=SMALL)
    assert compute.cell in ("lstm", "gru")
    assert compute.precision == "float32" or has_bfloat16_unit()
    assert "against" in compute.sentence
    assert compute.sentence.startswith(compute.cell.upper())


def test_candidates_take_turns_and_the_best_turn_of_each_counts(monkeypatch):
    """The machine is busy in one turn: it must not matter whose turn that hits most."""
    turns = []

    def pass_seconds(network, load):
        turns.append(network.shape.kernel)
        busy = len(turns) in (3, 4, 5)
        return {"torch": 2.0, "fused": 1.0}[network.shape.kernel] * (50 if busy else 1)

    monkeypatch.setattr(precision, "_pass_seconds", pass_seconds)
    monkeypatch.setattr(precision, "_step_seconds", lambda *_: 0.0)
    chosen = resolve_compute("lstm", "float32", load=SMALL)
    assert turns[:6] == ["fused", "torch"] * 3
    assert chosen.kernel == "fused"
    assert ": 4000 ms for 4 steps of 2 lifetimes" in chosen.sentence
    assert "(against torch 8000 ms)" in chosen.sentence


@pytest.mark.parametrize(("num_passes", "kernel"), [(1, "torch"), (3, "fused"), (5, "fused")])
def test_acting_counts_as_often_as_it_comes_in_an_update(monkeypatch, num_passes, kernel):
    """Fused learns a second faster a pass, and acts a second slower a step: 4 steps an update.

    With three passes it is a tenth slower, which is as good as fast, and it comes first.
    """
    is_fused = {"torch": 0.0, "fused": 1.0}
    passes = lambda network, _: 2.0 - is_fused[network.shape.kernel]  # noqa: E731
    steps = lambda network, _: 1.0 + is_fused[network.shape.kernel]  # noqa: E731
    monkeypatch.setattr(precision, "_pass_seconds", passes)
    monkeypatch.setattr(precision, "_step_seconds", steps)
    load = replace(SMALL, num_passes=num_passes)
    assert resolve_compute("lstm", "float32", load=load).kernel == kernel


def test_without_a_measurement_bfloat16_needs_its_unit_and_float32_is_fused():
    expected = ("bfloat16", "torch") if has_bfloat16_unit() else ("float32", "fused")
    assert favoured("auto", "auto", "auto") == ("lstm", *expected)
    assert favoured("auto", "auto", "fused") == ("lstm", "float32", "fused")
    assert favoured("gru", "auto", "auto") == ("gru", "float32", "fused")
    assert favoured("gru", "float32", "auto", "cuda") == ("gru", "float32", "torch")
