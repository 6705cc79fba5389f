"""The outer loop over policies that adapt by gradient: one update from one batch of lifetimes.

The inner steps are taken again on what was played, this time differentiably, and the initialisation
moves so that what comes after them earns more. `TrustRegionUpdate` takes one natural step that is
as long as the divergence allows; `ClippedUpdate` takes several with Adam.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from learners.control_adaptation import ControlAdaptation, MetaExperience
from learners.inner_loop import Parameters, StepSizes
from learners.learner import Stateful
from learners.policy_gradients import clipped, divergences, lvc
from learners.settings import require
from learners.trust_region import conjugate_gradient, fisher_product, gradient


@dataclass(frozen=True, kw_only=True)
class OuterConfig:
    """The settings of the outer loop.

    Args:
        outer: "trpo": one natural gradient step; "ppo": clipped ratios (ProMP).
        max_kl: trpo: how far the adapted policies may move in an update, in nats, mean over tasks.
        cg_steps: trpo: steps of conjugate gradients.
        cg_damping: trpo: what is added to the Fisher matrix's diagonal.
        fisher_share: trpo: share of the episodes that the Fisher matrix is made of; the gradient
            and the check of the step see all of them.
        backtracks: trpo: how often a step that is too long is shortened.
        backtrack_factor: trpo: by what, in (0, 1).
        lr: ppo: Adam's step size.
        epochs: ppo: how often an update goes through what was played.
        minibatches: ppo: how many parts the tasks are dealt into, one gradient step for each.
        clip: ppo: ε of the clipped objective, in (0, 1).
        inner_kl_coef: ppo: weight of how far the policies before each inner step move, in nats.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    outer: str = "trpo"
    max_kl: float = 0.01
    cg_steps: int = 10
    cg_damping: float = 1e-5
    fisher_share: float = 0.2
    backtracks: int = 15
    backtrack_factor: float = 0.8
    lr: float = 1e-3
    epochs: int = 5
    minibatches: int = 1
    clip: float = 0.3
    inner_kl_coef: float = 5e-4

    def __post_init__(self) -> None:
        require(self.outer in ("trpo", "ppo"), "outer must be trpo or ppo", self.outer)
        for name in ("max_kl", "cg_steps", "lr", "epochs", "minibatches", "clip"):
            require(getattr(self, name) > 0, f"{name} must be above 0", getattr(self, name))
        for name in ("cg_damping", "backtracks", "inner_kl_coef"):
            require(getattr(self, name) >= 0, f"{name} must be 0 or more", getattr(self, name))
        shares = self.fisher_share, self.backtrack_factor
        require(0.0 < shares[0] <= 1.0, "fisher_share must lie in (0, 1]", shares[0])
        require(0.0 < shares[1] < 1.0, "backtrack_factor must lie in (0, 1)", shares[1])


class MetaParameters:
    """What the outer loop moves: the initialisation, and step sizes where they are learned.

    Args:
        initialization: of all tasks.
        step_sizes: learned ones; {}: none.
        inner_lr: the step size where none is learned.
    """

    def __init__(
        self, initialization: nn.ParameterDict, step_sizes: nn.ParameterDict, inner_lr: float
    ) -> None:
        self.initialization = initialization
        self.step_sizes = step_sizes
        self._inner_lr = inner_lr

    @property
    def leaves(self) -> list[Tensor]:
        """The tensors that move, in a fixed order."""
        return [*self.initialization.values(), *self.step_sizes.values()]

    @property
    def start(self) -> Parameters:
        """The initialisation by name."""
        return dict(self.initialization.items())

    @property
    def sizes(self) -> StepSizes:
        """The step sizes, as the inner loop takes them."""
        return dict(self.step_sizes.items()) or self._inner_lr


class OuterUpdate(ABC):
    """Moves the meta-parameters by what a batch of lifetimes says.

    Args:
        adaptation: how the tasks were adapted to.
        parameters: what is moved.
        config: the settings.
    """

    def __init__(
        self, adaptation: ControlAdaptation, parameters: MetaParameters, config: OuterConfig
    ) -> None:
        self._adaptation = adaptation
        self._parameters = parameters
        self._config = config

    @abstractmethod
    def learn(self, played: MetaExperience) -> dict[str, float]:
        """Takes one update and returns its metrics, `gradient_updates` among them.

        Raises:
            FloatingPointError: if the outer gradient is not finite.
        """

    def parts(self) -> Mapping[str, Stateful]:
        """Returns what has a state of its own."""
        return {}

    def _path(self, played: MetaExperience, *, first_order: bool = False) -> list[Parameters]:
        adaptation = self._adaptation.first_order() if first_order else self._adaptation
        return adaptation.path(self._parameters.start, self._parameters.sizes, played)

    def _judged(self, played: MetaExperience, *, first_order: bool = False) -> Tensor:
        """Returns log π of what was judged, under the policies adapted anew, [B, N]."""
        adapted = self._path(played, first_order=first_order)[-1]
        return self._adaptation.log_probs(adapted, played.judged)


class TrustRegionUpdate(OuterUpdate):
    """One step along the natural gradient of what the adapted policies earn.

    The step is √(2·max_kl / (xᵀ F x))·x with F x = ∇L, shortened until the adapted policies are
    within max_kl of those that played and earn more by the estimate from what was played; if no
    length does, nothing moves.

    Source:
        TRPO as the outer loop: Finn et al. 2017 (arXiv:1703.03400). Here F is that of the actions
        that were taken, from a share of the episodes as in TRPO's own appendix C.
    """

    def learn(self, played: MetaExperience) -> dict[str, float]:
        """Takes one update; see `OuterUpdate.learn`."""
        leaves = self._parameters.leaves
        loss = lvc(self._judged(played), played.judged).mean()
        slope = finite(gradient(loss, leaves))
        step = self._natural_step(slope, played)
        before = nn.utils.parameters_to_vector(leaves).detach()
        found = self._search(before, step, loss.item(), played)
        return {"gradient_updates": 1.0, "grad_norm": float(slope.norm()), **found}

    def _natural_step(self, slope: Tensor, played: MetaExperience) -> Tensor:
        """Returns the longest step that the divergence allows to second order, [P]."""
        config = self._config
        some = played.first_episodes(config.fisher_share)
        valid = some.judged.valid
        weights = valid / (valid.sum(dim=1, keepdim=True).clamp(min=1) * len(valid))
        log_probs = self._judged(some)
        product = fisher_product(log_probs, weights, self._parameters.leaves, config.cg_damping)
        direction = conjugate_gradient(product, -slope, config.cg_steps)
        squared = direction @ product(direction)
        return direction * (2.0 * config.max_kl / squared.clamp(min=1e-30)).sqrt()

    @torch.no_grad()
    def _search(
        self, before: Tensor, step: Tensor, loss: float, played: MetaExperience
    ) -> dict[str, float]:
        """Takes the longest of ever shorter steps that keeps to the rules, or none."""
        config, leaves = self._config, self._parameters.leaves
        for backtrack in range(config.backtracks + 1):
            nn.utils.vector_to_parameters(
                before + config.backtrack_factor**backtrack * step, leaves
            )
            log_probs = self._judged(played, first_order=True)
            gained = loss - float(lvc(log_probs, played.judged).mean())
            moved = float(divergences(log_probs, played.judged).mean())
            if gained > 0.0 and moved <= config.max_kl:
                return {"kl": moved, "surrogate_gain": gained, "backtracks": float(backtrack)}
        nn.utils.vector_to_parameters(before, leaves)
        return {"kl": 0.0, "surrogate_gain": 0.0, "backtracks": float(config.backtracks + 1)}


class ClippedUpdate(OuterUpdate):
    """Several steps of Adam on the clipped objective of the adapted policies.

        L = mean_b [−min(ρ·A, clip(ρ)·A) + η·Σ_k KL_k]

    where KL_k is how far the policy before the k-th inner step is from the one that played then: as
    long as those are close, what was played tells where the inner steps lead.

    Source:
        Rothfuss et al. 2019, "ProMP: Proximal meta-policy search" (arXiv:1810.06784), with a fixed
        weight η.
    """

    def __init__(
        self, adaptation: ControlAdaptation, parameters: MetaParameters, config: OuterConfig
    ) -> None:
        super().__init__(adaptation, parameters, config)
        self._optimizer = torch.optim.Adam(parameters.leaves, lr=config.lr, fused=True)

    def parts(self) -> Mapping[str, Stateful]:
        """Returns the optimiser."""
        return {"optimizer": self._optimizer}

    def learn(self, played: MetaExperience) -> dict[str, float]:
        """Takes one update; see `OuterUpdate.learn`."""
        num_parts = min(self._config.minibatches, len(played.judged.valid))
        parts = [played.of_tasks(slice(k, None, num_parts)) for k in range(num_parts)]
        rows = [self._step(part) for _ in range(self._config.epochs) for part in parts]
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
        return {"gradient_updates": float(len(rows)), **means}

    def _step(self, played: MetaExperience) -> dict[str, float]:
        leaves, coef = self._parameters.leaves, self._config.inner_kl_coef
        *before, adapted = self._path(played)
        log_probs = self._adaptation.log_probs(adapted, played.judged)
        loss = clipped(log_probs, played.judged, self._config.clip).mean()
        inner_kl = torch.zeros(())
        for point, step in zip(before, played.steps, strict=True):
            inner_kl = inner_kl + divergences(self._adaptation.log_probs(point, step), step).mean()
        slope = finite(gradient(loss + coef * inner_kl, leaves))
        sizes = [leaf.numel() for leaf in leaves]
        for leaf, part in zip(leaves, slope.split(sizes), strict=True):
            leaf.grad = part.view_as(leaf)
        self._optimizer.step()
        return {
            "kl": float(divergences(log_probs.detach(), played.judged).mean()),
            "inner_kl": inner_kl.item(),
            "policy_loss": loss.item(),
            "grad_norm": float(slope.norm()),
        }


def finite(slope: Tensor) -> Tensor:
    """Returns the gradient.

    Raises:
        FloatingPointError: if it is not finite.
    """
    if not torch.isfinite(slope).all():
        raise FloatingPointError(
            f"the outer gradient must be finite, got a norm of {slope.norm().item()}; lower "
            f"inner_lr, or look at the rewards of the tasks."
        )
    return slope


OUTER_UPDATES: Mapping[str, type[OuterUpdate]] = {"trpo": TrustRegionUpdate, "ppo": ClippedUpdate}
