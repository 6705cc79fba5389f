"""Pictures: what counts as one, how they are read, and that RL² learns from them."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from picture_tasks import SIDE, STEPS, Halves

from learners import images
from learners.adaptation import adapt
from learners.algorithms.rl2 import RL2
from learners.checks import check_learner
from learners.evaluation import evaluate
from learners.images import PictureEncoder, PictureNetwork, picture_shape
from learners.networks import NetworkShape, RecurrentActorCritic
from taskgen.vector import Lifetime

SMALL = {"hidden_size": 16, "picture_channels": (8, 8), "picture_features": 16}


def pictures(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (Box(0, 255, (64, 64, 3), np.uint8), (64, 64, 3)),
        (Box(0, 255, (8, 9, 1), np.uint8), (8, 9, 1)),
        (Box(0, 255, (64, 64, 12), np.uint8), None),
        (Box(0, 255, (7, 64, 3), np.uint8), None),
        (Box(0, 1, (64, 64, 3), np.float32), None),
        (Box(0, 255, (64,), np.uint8), None),
        (Discrete(3), None),
        (None, None),
    ],
)
def test_pictures_are_bytes_in_rows_columns_and_channels(space, shape):
    assert picture_shape(space) == shape


def test_frames_are_read_one_by_one_whatever_the_axes():
    encoder = PictureEncoder(PictureNetwork((9, 12, 3), (4, 8), 5))
    frames = pictures(2, 3, 9, 12, 3)
    features = encoder(frames)
    assert features.shape == (2, 3, 5)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features[1, 2], encoder(frames[1, 2][None])[0])


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (9, 11)])
def test_pooled_pictures_are_means_of_squares(rows, columns):
    """What is left over at an edge is a smaller square; the others do not change."""
    pooled = PictureEncoder(PictureNetwork((rows, columns, 3), (4, 8), 5, pooling=4))
    plain = PictureEncoder(PictureNetwork((-(-rows // 4), -(-columns // 4), 3), (4, 8), 5))
    plain.load_state_dict(pooled.state_dict())
    frames = pictures(6, rows, columns, 3)
    means = torch.empty(6, -(-rows // 4), -(-columns // 4), 3)
    for i in range(means.shape[1]):
        for j in range(means.shape[2]):
            square = frames[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
            means[:, i, j] = square.float().mean((1, 2))
    torch.testing.assert_close(pooled(frames), plain(means))


def test_parts_computed_twice_give_the_gradient_of_the_whole(monkeypatch):
    encoder = PictureEncoder(PictureNetwork((8, 8, 3), (4,), 5))
    frames = pictures(10, 8, 8, 3)
    gradients = []
    for at_once in (512, 3):
        monkeypatch.setattr(images, "_FRAMES_AT_ONCE", at_once)
        encoder.zero_grad()
        encoder(frames).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in encoder.parameters()])
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, parts)
        assert whole.abs().sum() > 0


@pytest.mark.parametrize("kernel", ["torch", "fused"])
def test_lifetimes_of_pictures_are_the_same_at_once_and_step_by_step(kernel):
    shape = NetworkShape(
        num_inputs=4,
        num_outputs=2,
        cell="gru",
        hidden_size=6,
        kernel=kernel,
        pictures=PictureNetwork((8, 8, 3), (4,), 5),
    )
    network = RecurrentActorCritic(shape, seed=0)
    inputs, frames = torch.randn(40, 3, 4), pictures(40, 3, 8, 8, 3)
    lengths = [40, 20, 20]
    whole = network.whole_lifetimes(inputs, lengths, frames)
    state, steps = None, []
    for t in range(40):
        features, state = network(inputs[t : t + 1], state, frames[t : t + 1])
        steps.append(features)
    alone = torch.cat(steps)
    torch.testing.assert_close(whole[:, 0], alone[:, 0])
    torch.testing.assert_close(whole[:20], alone[:20])
    other = network.whole_lifetimes(inputs, lengths, frames.flip(0))
    assert (other[0] - whole[0]).abs().max() > 1e-4


def halves_learner(**settings):
    family = Halves()
    config = RL2.Config(cell="gru", precision="float32", **{**SMALL, **settings})
    return RL2(family.observation_space, family.action_space, config, seed=0)


def test_pictures_stay_bytes_and_out_of_the_rows():
    learner, family = halves_learner(), Halves()
    env = family.make_vector_env(5)
    env.lifetime = Lifetime(num_episodes=2)
    before = [p.detach().clone() for p in learner.network.sight.parameters()]
    mask = np.array([True, True, False, True, True])
    learner.meta_train(env, family.tasks(5), mask, np.random.default_rng(0))
    tape = learner._tape
    assert tape["pictures"].dtype == np.uint8
    assert tape["pictures"].shape == (2 * STEPS, 5, SIDE, SIDE, 3)
    assert tape["inputs"].shape[2] == 2 + 3
    assert tape["pictures"].max() > 200
    after = learner.network.sight.parameters()
    assert all((a != b).any() for a, b in zip(after, before, strict=True))


def test_what_was_acted_on_is_what_is_learned_from():
    learner, family = halves_learner(epochs=1, minibatches=1), Halves()
    env = family.make_vector_env(4)
    env.lifetime = Lifetime(num_episodes=2)
    rng = np.random.default_rng(0)
    _, metrics = learner.meta_train(env, family.tasks(4), np.ones(4, bool), rng)
    assert metrics["train/first_ratio_deviation"] < 1e-5


def test_rl2_learns_from_pictures():
    learner, family = halves_learner(lr=5e-3, epochs=2), Halves()
    env = family.make_vector_env(32)
    env.lifetime = Lifetime(num_episodes=1)
    rng = np.random.default_rng(0)
    for batch in range(8):
        learner.meta_train(env, family.tasks(32, seed=batch), np.ones(32, bool), rng)
    curve = evaluate(learner, env, family.tasks(32, seed=999), num_episodes=1, seed=0)
    assert curve.outcomes.returns.mean() > 4.0  # 6 at best; who sees nothing earns 0


def test_a_policy_of_pictures_adapts_on_an_environment_of_ones_own():
    learner, family = halves_learner(), Halves()
    env = family.make_env(family.tasks(1)[0])
    adapted = adapt(learner, env, num_episodes=2)
    observation, _ = env.reset(seed=0)
    assert adapted.start(observation) in (0, 1)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_rl2_keeps_its_promises_with_pictures(cell):
    config = RL2.Config(cell=cell, precision="float32", epochs=2, minibatches=2, **SMALL)
    check_learner(RL2, Halves(), config).raise_if_failed()
