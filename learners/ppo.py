"""Clipped policy optimisation over whole lifetimes: minibatches, gradient steps, what is decayed.

Every pass recomputes whole lifetimes from their empty memory, so that no stored state can be
stale. Minibatches are drawn over lifetimes, never over steps.

Source: Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv:1707.06347).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners import losses
from learners.heads import ActionHead
from learners.learner import Metrics
from learners.networks import RecurrentActorCritic
from learners.settings import Counters, decayed, require


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """The settings of clipped policy optimisation.

    Args:
        lr: Adam's step size at the start.
        lr_decay_updates: updates (`meta_train` calls) over which it falls linearly to
            `decay_floor` of itself; None: it stays.
        entropy_coef: weight of the policy's entropy, in units of the standardised advantage a nat;
            where actions are A numbers, every one of them has its own nats.
        entropy_decay_updates: updates over which that weight falls likewise; None: it stays.
        decay_floor: the share of a decayed setting that remains at the end, in [0, 1].
        epochs: passes over the lifetimes of a batch.
        minibatches: parts of a batch, whole lifetimes in each, one gradient step a part.
        clip: ε of the clipped objective, in (0, 1).
        value_coef: weight of the critic's loss.
        value_clip: how far a value may move in a batch, in scaled reward; None: any distance.
        value_huber_delta: error, in scaled reward, beyond which the critic's loss is linear;
            None: it is quadratic everywhere.
        max_grad_norm: longest gradient, Euclidean.
        adam_epsilon: Adam's ε.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    lr: float = 1e-3
    lr_decay_updates: int | None = None
    entropy_coef: float = 0.01
    entropy_decay_updates: int | None = None
    decay_floor: float = 0.02
    epochs: int = 4
    minibatches: int = 4
    clip: float = 0.2
    value_coef: float = 0.5
    value_clip: float | None = None
    value_huber_delta: float | None = None
    max_grad_norm: float = 1.0
    adam_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("epochs", "minibatches", "lr", "clip", "max_grad_norm"):
            require(getattr(self, name) > 0, f"{name} must be above 0", getattr(self, name))
        for name in ("lr_decay_updates", "entropy_decay_updates", "value_clip"):
            value = getattr(self, name)
            require(value is None or value > 0, f"{name} must be above 0 or null", value)
        in_unit = 0.0 <= self.decay_floor <= 1.0
        require(in_unit, "decay_floor must lie in [0, 1]", self.decay_floor)


@dataclass(frozen=True)
class LifetimeBatch:
    """What one update learns from: lifetimes of different lengths, time first, each [H, B, …].

    Args:
        inputs: rows that the network is fed, [H, B, D].
        actions: as the action head counts them.
        log_probs: of the actions, under the policy that took them.
        values: of the critic then, in scaled reward.
        advantages: standardised.
        targets: what the values should be.
        valid: which steps were played, the True ones first.
        pictures: beside the rows, bytes; None: there are none.
    """

    inputs: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    targets: Tensor
    valid: Tensor
    pictures: Tensor | None = None

    @property
    def lengths(self) -> list[int]:
        """Env steps of each lifetime."""
        lengths: list[int] = self.valid.sum(dim=0).tolist()
        return lengths

    def select(self, lifetimes: NDArray[np.int64]) -> LifetimeBatch:
        """Returns some lifetimes, the longest first, cut to its length."""
        lengths = self.valid.sum(dim=0)[torch.from_numpy(lifetimes)]
        index = torch.from_numpy(lifetimes)[lengths.argsort(descending=True, stable=True)]
        num_steps = int(lengths.max())
        parts = {
            name: x[:num_steps].index_select(1, index)
            for name, x in vars(self).items()
            if x is not None
        }
        return LifetimeBatch(**parts)


class ClippedOptimization:
    """Takes the gradient steps of each update.

    Args:
        network: to be trained.
        head: of its actions.
        config: the settings.

    `optimizer` and `counters` have a state that belongs to the learner's; `entropy_coef` is what
    has become of that setting.
    """

    def __init__(self, network: RecurrentActorCritic, head: ActionHead, config: PPOConfig) -> None:
        self._network = network
        self._head = head
        self._config = config
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=config.lr, eps=config.adam_epsilon, fused=True
        )
        self.counters = Counters()
        self.entropy_coef = config.entropy_coef

    def learn(self, batch: LifetimeBatch, rng: np.random.Generator) -> Metrics:
        """Takes the gradient steps of one update, and returns their mean metrics.

        A batch of no lifetimes changes nothing.
        """
        self._set_decayed()
        rows = [self._step(part) for part in self._minibatches(batch, rng)]
        metrics = {"train/gradient_updates": float(len(rows))}
        if rows:
            self.counters.updates += 1
            self.counters.gradient_updates += len(rows)
            means = {k: torch.stack([row[k] for row in rows]).mean() for k in rows[0]}
            metrics |= {f"train/{name}": float(mean) for name, mean in means.items()}
            metrics["train/first_ratio_deviation"] = float(rows[0]["ratio_deviation"])
        return metrics

    def _minibatches(
        self, batch: LifetimeBatch, rng: np.random.Generator
    ) -> Iterator[LifetimeBatch]:
        """Yields the parts of each epoch: lifetimes shuffled anew, split evenly."""
        num_lifetimes = batch.valid.shape[1]
        num_parts = min(self._config.minibatches, num_lifetimes)
        for _ in range(self._config.epochs if num_parts else 0):
            for part in np.array_split(rng.permutation(num_lifetimes), num_parts):
                yield batch.select(part)

    def _step(self, batch: LifetimeBatch) -> dict[str, Tensor]:
        """Takes one gradient step and returns its metrics."""
        config, valid = self._config, batch.valid
        features = self._network.whole_lifetimes(batch.inputs, batch.lengths, batch.pictures)
        outputs, values = self._network.policy(features), self._network.value(features)
        log_probs = self._head.log_prob(outputs, batch.actions)
        policy_loss = losses.clipped_policy_loss(
            log_probs, batch.log_probs, batch.advantages, valid, config.clip
        )
        value_loss = losses.value_loss(
            values,
            batch.values,
            batch.targets,
            valid,
            clip=config.value_clip,
            huber_delta=config.value_huber_delta,
        )
        entropy = losses.masked_mean(self._head.entropy(outputs), valid)
        loss = policy_loss + config.value_coef * value_loss - self.entropy_coef * entropy
        grad_norm = self._descend(loss)
        with torch.no_grad():
            ratios = (log_probs - batch.log_probs).exp()
            return {
                "policy_loss": policy_loss.detach(),
                "value_loss": value_loss.detach(),
                "entropy": entropy.detach(),
                "grad_norm": grad_norm,
                "approx_kl": losses.approximate_kl(log_probs, batch.log_probs, valid),
                "clip_share": losses.clip_share(log_probs, batch.log_probs, valid, config.clip),
                "explained_variance": losses.explained_variance(batch.values, batch.targets, valid),
                "ratio_deviation": losses.masked_mean((ratios - 1.0).abs(), valid),
            }

    def _descend(self, loss: Tensor) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._config.max_grad_norm)
        if not torch.isfinite(norm):
            raise FloatingPointError(
                f"the gradient of the loss must be finite, got a norm of {norm.item()}; "
                f"lower lr or max_grad_norm, or look at the rewards of the tasks."
            )
        self.optimizer.step()
        return norm

    def _set_decayed(self) -> None:
        config, updates = self._config, self.counters.updates
        for group in self.optimizer.param_groups:
            group["lr"] = decayed(config.lr, config.lr_decay_updates, updates, config.decay_floor)
        self.entropy_coef = decayed(
            config.entropy_coef, config.entropy_decay_updates, updates, config.decay_floor
        )
