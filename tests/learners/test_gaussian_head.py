"""Actions in a box: units, draws, probabilities, and what the environment gets."""

import math

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal

from learners.boxes import UnitBox
from learners.features import InputFeatures
from learners.heads import CategoricalHead, GaussianHead, make_head
from learners.learner import Step
from learners.networks import NetworkShape, RecurrentActorCritic

INF = np.inf


def head(num=1, low=-1.0, high=1.0):
    return GaussianHead(Box(low, high, (num,), np.float32))


def deviation(c):
    return 0.5 * math.exp(3.0 * math.tanh(c / 3.0))


def test_units_of_bounded_half_bounded_unbounded_and_degenerate_axes():
    low, high = np.array([0.0, -2.0, -INF, 3.0, -1.0]), np.array([10.0, INF, INF, 3.0, 1.0])
    box = UnitBox(Box(low, high, dtype=np.float64))
    units = np.array([[0.5, -1.5, 7.0, 9.0, -1.0], [-3.0, -9.0, -7.0, 0.0, 2.0]])
    values = box.from_units(units)
    np.testing.assert_array_equal(values, [[7.5, -1.5, 7, 3, -1], [0, -2, -7, 3, 1]])
    np.testing.assert_array_equal(box.to_units(values)[:, [0, 1, 2, 4]][0], units[0, [0, 1, 2, 4]])
    assert box.num == 5


def test_the_largest_float_is_no_bound():
    largest = np.finfo(np.float32).max
    box = UnitBox(Box(-largest, largest, (1,), np.float32))
    assert box.from_units(np.array([[2.5]])).tolist() == [[2.5]]


@given(st.floats(-100, 100), st.floats(1e-3, 100), st.lists(st.floats(-50, 50), min_size=1))
def test_what_an_environment_gets_lies_in_its_space_as_it_has_it(low, width, units):
    space = Box(low, low + width, (1, 1), np.float32)
    for value in UnitBox(space).from_units(np.array(units, np.float32)[:, None]):
        assert space.contains(value)


def test_log_probability_and_entropy_by_hand():
    outputs = torch.tensor([[1.0, -0.5, 0.0, 1.5]])  # two means, two constants
    actions = torch.tensor([[1.5, 0.0]])
    first, second = 0.5, deviation(1.5)
    # One deviation above the mean, and 0.5 above it in units of the second.
    expected = -0.5 * 1.0 - math.log(first) - 0.5 * math.log(2 * math.pi)
    expected += -0.5 * (0.5 / second) ** 2 - math.log(second) - 0.5 * math.log(2 * math.pi)
    assert head(2).log_prob(outputs, actions).tolist() == pytest.approx([expected])
    entropy = math.log(first) + math.log(second) + math.log(2 * math.pi * math.e)
    assert head(2).entropy(outputs).tolist() == pytest.approx([entropy])


@pytest.mark.parametrize("num", [1, 6])
@pytest.mark.parametrize("shape", [(4,), (7, 4)])
def test_probabilities_are_those_of_torch_step_by_step(num, shape):
    rng = torch.Generator().manual_seed(0)
    outputs = 3.0 * torch.randn(*shape, 2 * num, generator=rng)
    actions = torch.randn(*shape, num, generator=rng)
    mean, constants = outputs[..., :num], outputs[..., num:]
    normal = Normal(mean, 0.5 * (3.0 * (constants / 3.0).tanh()).exp())
    log_probs, entropies = head(num).log_prob(outputs, actions), head(num).entropy(outputs)
    assert log_probs.shape == entropies.shape == shape
    torch.testing.assert_close(log_probs, normal.log_prob(actions).sum(-1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(entropies, normal.entropy().sum(-1))


def test_draws_are_normal_and_each_number_of_an_action_has_its_own():
    outputs = torch.tensor([0.3, -0.2, 0.0, 1.0]).expand(200_000, 4)
    uniforms = torch.from_numpy(np.random.default_rng(0).random((200_000, 2), dtype=np.float32))
    drawn = head(2).choose(outputs, uniforms).double()
    scaled = (drawn - torch.tensor([0.3, -0.2])) / torch.tensor([0.5, deviation(1.0)])
    for power, moment, tolerance in ((1, 0.0, 0.01), (2, 1.0, 0.02), (3, 0.0, 0.05), (4, 3.0, 0.1)):
        torch.testing.assert_close(
            (scaled**power).mean(0), torch.full((2,), moment).double(), atol=tolerance, rtol=0
        )
    assert abs(torch.corrcoef(scaled.T)[0, 1]) < 0.01
    below = (scaled < 1.0).double().mean(0)
    torch.testing.assert_close(below, torch.full((2,), 0.841345).double(), atol=0.004, rtol=0)


def test_draws_are_a_rising_function_of_the_uniforms_and_finite_at_their_ends():
    uniforms = torch.tensor([[0.0], [1e-9], [0.1], [0.5], [0.9], [1.0 - 2.0**-24], [1.0]])
    drawn = head().choose(torch.zeros(7, 2), uniforms).squeeze(1)
    assert torch.isfinite(drawn).all()
    assert (drawn.diff() >= 0).all()
    assert drawn[3] == 0.0
    assert drawn[4].item() == pytest.approx(0.5 * 1.2815516, rel=1e-5)
    assert drawn[0].item() == pytest.approx(-0.5 * 5.42, abs=0.01)


def test_the_likeliest_action_is_the_mean():
    outputs = torch.tensor([[0.7, -5.0, 1.0, 1.0]])
    assert torch.equal(head(2).choose(outputs, None), outputs[:, :2])


def test_the_deviation_is_bounded_and_its_parameter_can_always_move():
    constants = torch.tensor([-1e3, -9.0, 0.0, 9.0, 1e3], requires_grad=True)
    outputs = torch.stack([torch.zeros(5), constants], dim=-1)
    entropies = head().entropy(outputs)
    deviations = (entropies - 0.5 * math.log(2 * math.pi * math.e)).exp()
    assert deviations.tolist() == pytest.approx(
        [0.5 * math.exp(-3), deviation(-9), 0.5, deviation(9), 0.5 * math.exp(3)]
    )
    entropies.sum().backward()
    assert constants.grad[1:4].abs().min() > 0.005


def test_an_action_outside_the_box_keeps_its_own_probability():
    box = Box(np.array([[0], [-4]], np.float32), np.array([[2], [4]], np.float32))
    outer = GaussianHead(box)
    outputs = torch.tensor([[0.0, 0.0, 0.0, 0.0]])
    far = torch.tensor([[3.0, -0.25]])
    at_the_bound = torch.tensor([[1.0, -0.25]])
    given = outer.to_env(far)
    assert given.tolist() == [[[2.0], [-1.0]]]
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, outer.to_env(at_the_bound))
    assert outer.log_prob(outputs, far) < outer.log_prob(outputs, at_the_bound)


def test_the_network_is_fed_the_clipped_action_in_units():
    space = Box(np.float32(0.0), np.float32(10.0), (2,))
    features = InputFeatures(Box(-1, 1, (1,), np.float32), space)
    step = Step(
        np.zeros((1, 1), np.float32),
        np.array([-5.0]),
        np.array([False]),
        np.array([0.5], np.float32),
        np.ones(1, dtype=bool),
    )
    out = np.full((1, features.num), 7.0, dtype=np.float32)
    taken = GaussianHead(space).to_env(torch.tensor([[0.5, 4.0]]))
    assert taken.tolist() == [[7.5, 10.0]]
    features.write(out, step, taken)
    np.testing.assert_array_equal(out, [[0.0, 0.5, 1.0, -5.0, 0.0, 0.5]])
    features.write(out, step, None)
    np.testing.assert_array_equal(out[:, 1:3], 0.0)


def test_spaces_find_their_heads():
    assert isinstance(make_head(gymnasium.spaces.Discrete(2)), CategoricalHead)
    assert isinstance(make_head(Box(-1, 1, (2,), np.float64)), GaussianHead)
    for space in (Box(0, 255, (2,), np.uint8), gymnasium.spaces.MultiBinary(3)):
        with pytest.raises(TypeError, match="Discrete action space or a Box of floats"):
            make_head(space)
    with pytest.raises(TypeError, match="must be a Box of floats"):
        UnitBox(Box(0, 255, (2,), np.uint8))


def test_constants_are_the_same_at_every_step_and_learn():
    shape = NetworkShape(num_inputs=3, num_outputs=4, num_constants=2, cell="gru", hidden_size=8)
    network = RecurrentActorCritic(shape, seed=0)
    features, _ = network(torch.rand(5, 7, 3))
    outputs = network.policy(features)
    assert outputs.shape == (5, 7, 4)
    assert outputs[0, 0, :2].ne(outputs[4, 6, :2]).all()
    assert not outputs[..., 2:].any()
    head(2).entropy(outputs).sum().backward()
    # d(entropy)/dc is 1 at c = 0, for each of 35 steps.
    assert network.policy_constants.grad.tolist() == pytest.approx([35.0, 35.0])
    assert not network.policy_head.weight.grad.any()
    plain = RecurrentActorCritic(
        NetworkShape(num_inputs=3, num_outputs=4, cell="gru", hidden_size=8), seed=0
    )
    assert "policy_constants" not in plain.state_dict()
