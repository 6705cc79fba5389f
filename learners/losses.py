"""The losses of clipped policy optimisation; pure functions of tensors.

All take arrays of any one shape and a mask of the steps that count; what the mask leaves out
gives neither value nor gradient, even where it is not a number.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_MOST_NATS = 20.0


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Returns the mean of the values where the mask is True; 0 where it is nowhere.

    Example:
        >>> masked_mean(torch.tensor([1.0, 3.0, float("nan")]), torch.tensor([True, True, False]))
        tensor(2.)
    """
    return values.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)


def standardize(values: Tensor, mask: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Returns (values − mean) / deviation with the moments of what the mask allows, 0 elsewhere."""
    centered = (values - masked_mean(values, mask)).masked_fill(~mask, 0.0)
    return centered / (masked_mean(centered.square(), mask).sqrt() + epsilon)


def probability_ratios(log_probs: Tensor, old_log_probs: Tensor) -> Tensor:
    """Returns ρ = π(a) / π_old(a), held within exp(±20), where its gradient is 0."""
    # A narrow normal policy can move an action by hundreds of nats, and exp(89) overflows: a
    # minimum would not choose it, but its gradient would still be 0·∞.
    return (log_probs - old_log_probs).clamp(-_MOST_NATS, _MOST_NATS).exp()


def clipped_policy_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> Tensor:
    """Returns −mean min(ρ·A, clip(ρ, 1 − ε, 1 + ε)·A) with ρ = π(a) / π_old(a).

    Args:
        log_probs: of the taken actions under the policy being trained.
        old_log_probs: of the same actions under the policy that took them.
        advantages: of these actions.
        mask: the steps that count.
        clip: ε > 0.

    Source:
        Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv:1707.06347), eq. 7.
    """
    ratios = probability_ratios(log_probs, old_log_probs)
    clipped = ratios.clamp(1.0 - clip, 1.0 + clip)
    return -masked_mean(torch.minimum(ratios * advantages, clipped * advantages), mask)


def value_loss(
    values: Tensor,
    old_values: Tensor,
    targets: Tensor,
    mask: Tensor,
    *,
    clip: float | None = None,
    huber_delta: float | None = None,
) -> Tensor:
    """Returns the mean error of the critic.

    The error of a step is ½(V − R)², or Huber's: quadratic up to `huber_delta`, linear beyond it.
    With `clip` it is the larger of that and the error of V held within ± clip of the old value.

    Args:
        values: V of the critic being trained.
        old_values: V of the critic when the steps were played.
        targets: R, what the values should be.
        mask: the steps that count.
        clip: how far a value may move, in units of the scaled reward; None: any distance.
        huber_delta: where the error turns linear; None: nowhere.
    """
    errors = _errors(values, targets, huber_delta)
    if clip is not None:
        held = old_values + (values - old_values).clamp(-clip, clip)
        errors = torch.maximum(errors, _errors(held, targets, huber_delta))
    return masked_mean(errors, mask)


def _errors(values: Tensor, targets: Tensor, huber_delta: float | None) -> Tensor:
    if huber_delta is None:
        return 0.5 * (values - targets).square()
    return functional.huber_loss(values, targets, reduction="none", delta=huber_delta)


def approximate_kl(log_probs: Tensor, old_log_probs: Tensor, mask: Tensor) -> Tensor:
    """Returns the mean of ρ − 1 − log ρ: an estimate of KL(π_old ‖ π) that is never negative."""
    log_ratios = log_probs - old_log_probs
    return masked_mean(log_ratios.exp() - 1.0 - log_ratios, mask)


def clip_share(log_probs: Tensor, old_log_probs: Tensor, mask: Tensor, clip: float) -> Tensor:
    """Returns the share of steps whose ratio lies outside 1 ± clip, in [0, 1]."""
    outside = ((log_probs - old_log_probs).exp() - 1.0).abs() > clip
    return masked_mean(outside.float(), mask)


def explained_variance(values: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Returns 1 − Var(R − V) / Var(R): 1 for a perfect critic, 0 for a constant one."""
    residuals = targets - values
    spread = masked_mean((targets - masked_mean(targets, mask)).square(), mask)
    rest = masked_mean((residuals - masked_mean(residuals, mask)).square(), mask)
    return 1.0 - rest / spread.clamp(min=1e-12)
