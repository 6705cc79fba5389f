"""Losses of each task that lower as its policy earns more; they differ in what they can be asked.

All have the policy gradient −E[∇log π(a)·A] as their gradient. Whoever learns to adapt by such a
gradient differentiates it once more, and there they part: by which terms of the true Hessian of
the expected return they keep.

    ∇²J = E Σₜ [∇²log πₜ + ∇log πₜ·∇log πₜᵀ + ∇log πₜ·sₜᵀ + sₜ·∇log πₜᵀ]·Aₜ,   sₜ = Σ_{k<t} ∇log π_k

- `plain` keeps the first term alone: what an action changes of its own probability is left out.
- `lvc` keeps the first two: what earlier actions change of where one comes is left out. Biased
  where an episode has more than one step, but of low variance.
- `dice` keeps all, at every order, where λ = 1; the longer an episode, the noisier.

Source: plain as in MAML (Finn et al. 2017, arXiv:1703.03400); lvc, the low variance curvature
estimator, of ProMP (Rothfuss et al. 2019, arXiv:1810.06784); dice, the infinitely differentiable
Monte Carlo estimator (Foerster et al. 2018, arXiv:1802.05098), in the form with advantages of
Loaded DiCE (Farquhar, Whiteson and Foerster 2019, arXiv:1909.10549).
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from learners.experience import Experience
from learners.losses import probability_ratios
from learners.targets import task_means

Estimator: TypeAlias = Callable[[Tensor, Experience], Tensor]
"""From log π(a), [B, N], and what was played to the loss of each task, [B]."""


def plain(log_probs: Tensor, played: Experience) -> Tensor:
    """Returns −mean log π(a)·A of each task, [B]."""
    return -task_means(log_probs * played.advantages, played.valid)


def lvc(log_probs: Tensor, played: Experience) -> Tensor:
    """Returns −mean ρ·A of each task with ρ = π(a) / π_played(a), [B].

    Where π is no longer the policy that played, ρ corrects for that, step by step.
    """
    ratios = probability_ratios(log_probs, played.log_probs)
    return -task_means(ratios * played.advantages, played.valid)


def dice(log_probs: Tensor, played: Experience) -> Tensor:
    """Returns −mean (□ₜ − □ₜ₋₁)·A of each task, [B]: a number that is 0, and has all derivatives.

    □ₜ = exp(Wₜ − ⊥Wₜ), Wₜ the sum of log π of the episode so far, ⊥ what is not differentiated.
    """
    changes = (log_probs - log_probs.detach()).masked_fill(~played.valid, 0.0)
    before = _sums_before(changes, played.episode_start)
    boxes = before.exp() * torch.expm1(changes)
    return -task_means(boxes * played.advantages, played.valid)


def _sums_before(values: Tensor, episode_start: Tensor) -> Tensor:
    """Returns the sum of the earlier values of the same episode, [B, N]."""
    sums = values.cumsum(dim=1) - values
    index = torch.arange(values.shape[1]).expand_as(values)
    started = torch.where(episode_start, index, 0).cummax(dim=1).values
    return sums - sums.gather(1, started)


ESTIMATORS = MappingProxyType({"plain": plain, "lvc": lvc, "dice": dice})


def clipped(log_probs: Tensor, played: Experience, clip: float) -> Tensor:
    """Returns −mean min(ρ·A, clip(ρ, 1 − ε, 1 + ε)·A) of each task, [B].

    Args:
        log_probs: of the actions, [B, N].
        played: with the log-probabilities of the policy that played.
        clip: ε > 0.

    Source:
        Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv:1707.06347), eq. 7.
    """
    ratios = probability_ratios(log_probs, played.log_probs)
    held = ratios.clamp(1.0 - clip, 1.0 + clip)
    lowest = torch.minimum(ratios * played.advantages, held * played.advantages)
    return -task_means(lowest, played.valid)


def divergences(log_probs: Tensor, played: Experience) -> Tensor:
    """Returns the mean of ρ − 1 − log ρ of each task, [B]: KL(π_played ‖ π) from what was done.

    Never negative, and 0 with its gradient where the policies are one.
    """
    ratios = probability_ratios(log_probs, played.log_probs)
    return task_means(ratios - 1.0 - (log_probs - played.log_probs), played.valid)
