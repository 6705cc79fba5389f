"""The losses against hand computation; what the mask leaves out has no say."""

import math

import pytest
import torch

from learners import losses

MASK = torch.tensor([True, True, True, False])


def test_policy_loss_is_clipped_on_the_side_that_would_gain():
    # ρ = 2, 2, .5 with A = 1, −1, −1 and ε = .2: min gives 1.2, −2, −.8.
    ratios = torch.tensor([2.0, 2.0, 0.5, 7.0])
    advantages = torch.tensor([1.0, -1.0, -1.0, 1e6])
    loss = losses.clipped_policy_loss(ratios.log(), torch.zeros(4), advantages, MASK, clip=0.2)
    assert loss.item() == pytest.approx((2.0 + 0.8 - 1.2) / 3)


def test_policy_gradient_stops_where_the_ratio_is_clipped():
    log_probs = torch.log(torch.tensor([2.0, 1.0, 2.0, 1.0])).requires_grad_()
    advantages = torch.tensor([1.0, 1.0, -1.0, 1.0])
    losses.clipped_policy_loss(log_probs, torch.zeros(4), advantages, MASK, clip=0.2).backward()
    torch.testing.assert_close(log_probs.grad, torch.tensor([0.0, -1 / 3, 2 / 3, 0.0]))


@pytest.mark.parametrize("advantage", [1.0, -1.0])
@pytest.mark.parametrize("nats", [-500.0, 500.0])
def test_a_ratio_that_would_overflow_has_a_finite_loss_and_no_gradient(nats, advantage):
    log_probs = torch.tensor([nats, 0.0], requires_grad=True)
    advantages, mask = torch.tensor([advantage, 0.0]), torch.tensor([True, True])
    loss = losses.clipped_policy_loss(log_probs, torch.zeros(2), advantages, mask, clip=0.2)
    loss.backward()
    assert torch.isfinite(loss)
    assert log_probs.grad.tolist() == [0.0, 0.0]


def test_value_loss_by_hand():
    values = torch.tensor([1.0, 3.0, 0.0, 9.0])
    old = torch.tensor([0.0, 0.0, 0.0, 0.0])
    targets = torch.tensor([2.0, 2.0, 0.5, 1e9])
    plain = losses.value_loss(values, old, targets, MASK)
    assert plain.item() == pytest.approx((0.5 + 0.5 + 0.125) / 3)
    # Held within ±1 of 0 the second value is 1, no worse than 3; the first stays 1.
    clipped = losses.value_loss(values, old, targets, MASK, clip=0.5)
    assert clipped.item() == pytest.approx((1.125 + 1.125 + 0.125) / 3)
    huber = losses.value_loss(values, old, targets, MASK, huber_delta=0.5)
    assert huber.item() == pytest.approx((0.375 + 0.375 + 0.125) / 3)


@pytest.mark.parametrize("garbage", [math.nan, math.inf])
def test_masked_out_garbage_gives_neither_value_nor_gradient(garbage):
    values = torch.tensor([1.0, 2.0, 3.0, garbage], requires_grad=True)
    mean = losses.masked_mean(values, MASK)
    mean.backward()
    assert mean.item() == pytest.approx(2.0)
    torch.testing.assert_close(values.grad, torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.0]))


def test_mean_over_nothing_is_zero():
    assert losses.masked_mean(torch.ones(3), torch.zeros(3, dtype=torch.bool)).item() == 0.0


def test_standardize_has_the_moments_of_what_counts():
    result = losses.standardize(torch.tensor([1.0, 2.0, 3.0, 1e6]), MASK)
    root = math.sqrt(1.5)
    torch.testing.assert_close(result, torch.tensor([-root, 0.0, root, 0.0]))


def test_diagnostics_by_hand():
    log_ratios = torch.tensor([2.0, 1.0, 0.5, 50.0]).log()
    zeros = torch.zeros(4)
    kl = losses.approximate_kl(log_ratios, zeros, MASK)
    assert kl.item() == pytest.approx((1 - math.log(2) + 0 - 0.5 + math.log(2)) / 3)
    assert losses.clip_share(log_ratios, zeros, MASK, 0.2).item() == pytest.approx(2 / 3)
    targets = torch.tensor([1.0, 2.0, 3.0, -1e6])
    assert losses.explained_variance(targets, targets, MASK).item() == 1.0
    assert losses.explained_variance(zeros, targets, MASK).item() == pytest.approx(0.0)
