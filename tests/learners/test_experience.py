"""Advantages of what was played, with a line of each task's own as the baseline."""

import numpy as np
import pytest
import torch

from learners.experience import (
    Experience,
    advantages_of,
    baseline_features,
    linear_values,
    standardized,
)


def padded(lengths, num_steps):
    return np.arange(num_steps) < np.array(lengths)[:, None]


def test_features_by_hand():
    inputs = np.array([[[2.0], [-3.0], [20.0], [7.0]]])
    starts = np.array([[True, False, True, False]])
    found = baseline_features(inputs, starts, padded([3], 4))
    assert found.tolist() == [
        [
            [2.0, 4.0, 0.0, 0.0, 0.0, 1.0],
            [-3.0, 9.0, 1.0, 1.0, 1.0, 1.0],
            [10.0, 100.0, 0.0, 0.0, 0.0, 1.0],
            [0.0] * 6,
        ]
    ]


def test_lines_are_those_of_each_task_alone():
    rng = np.random.default_rng(0)
    valid = padded([30, 7, 50], 50)
    features = np.where(valid[..., None], rng.normal(size=(3, 50, 4)), 0.0)
    targets = rng.normal(size=(3, 50))
    found = linear_values(features, targets, valid)
    for b, length in enumerate((30, 7, 50)):
        rows = features[b, :length]
        weights, *_ = np.linalg.lstsq(rows, targets[b, :length], rcond=None)
        np.testing.assert_allclose(found[b, :length], rows @ weights, atol=1e-4)
        assert not found[b, length:].any()


def test_a_line_that_fits_leaves_no_advantage():
    # What comes is t + 1 times 2 less than at the start: a line in t, whatever is drawn.
    starts = np.tile([True, False, False, False], (1, 3))
    rewards = np.full((1, 12), 2.0)
    inputs, valid = np.zeros((1, 12, 2)), np.ones((1, 12), dtype=bool)
    features = baseline_features(inputs, starts, valid)
    returns = np.tile([8.0, 6.0, 4.0, 2.0], (1, 3))
    np.testing.assert_allclose(linear_values(features, returns, valid), returns, atol=1e-3)
    rewards[0, 5] = 9.0
    found = advantages_of(inputs, rewards, starts, valid, gamma=1.0, lambda_=1.0)
    # Of the second episode alone, and not of what follows the lucky step.
    assert found[0, [4, 5]].min() > 1.0
    assert found[0].argmax() in (4, 5)
    assert found[0, [6, 7, 10, 11]] == pytest.approx([found[0, 10], found[0, 11]] * 2, abs=1e-3)


def test_rewards_of_one_scale_are_those_of_another_and_padding_counts_nowhere():
    rng = np.random.default_rng(1)
    inputs, rewards = rng.normal(size=(2, 20, 3)), rng.normal(size=(2, 20))
    starts = np.tile(np.arange(20) % 5 == 0, (2, 1))
    valid = padded([20, 13], 20)
    settings = {"gamma": 0.9, "lambda_": 0.8}
    found = advantages_of(inputs, rewards, starts, valid, **settings)
    scaled = advantages_of(inputs, 1000.0 * rewards, starts, valid, **settings)
    np.testing.assert_allclose(scaled, found, atol=1e-3)
    alone = advantages_of(
        inputs[1:, :13], rewards[1:, :13], starts[1:, :13], valid[1:, :13], **settings
    )
    np.testing.assert_allclose(found[1, :13], alone[0], atol=1e-5)
    assert not found[1, 13:].any()
    assert found[valid].reshape(-1).std() == pytest.approx(1.0, abs=1e-3)


def test_what_does_not_vary_is_no_advantage():
    assert not standardized(np.array([[4.0]]), np.array([[True]])).any()
    assert not standardized(np.ones((1, 3)), np.zeros((1, 3), dtype=bool)).any()


def test_first_episodes_are_a_share_of_each_task():
    valid = torch.from_numpy(padded([6, 4, 1], 6))
    starts = torch.tensor(
        [
            [True, False, True, False, True, False],
            [True, False, False, False, False, False],
            [True, False, False, False, False, False],
        ]
    )
    zeros = torch.zeros(3, 6)
    played = Experience(torch.zeros(3, 6, 2), zeros, zeros, zeros, starts, valid)
    some = played.first_episodes(0.5)
    assert some.valid.sum(dim=1).tolist() == [4, 4, 1]
    assert some.inputs.shape == (3, 4, 2)
    assert played.first_episodes(0.01).valid.sum(dim=1).tolist() == [2, 4, 1]
    assert torch.equal(played.first_episodes(1.0).valid, valid)
