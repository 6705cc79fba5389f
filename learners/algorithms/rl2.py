"""RL²: a recurrent policy whose memory learns a task while it plays it.

One lifetime, several episodes on one task with the memory kept, is to this learner what an episode
is to an ordinary one; the policy is trained over whole lifetimes by clipped policy optimisation.

Source: Duan et al. 2016, "RL²: Fast reinforcement learning via slow reinforcement learning"
(arXiv:1611.02779); Wang et al. 2016, "Learning to reinforcement learn" (arXiv:1611.05763). Here:
PPO (arXiv:1707.06347) in place of TRPO and A3C, the share of the lifetime that remains among the
inputs, rewards scaled for the loss alone, every lifetime recomputed from its empty memory.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners import losses
from learners.features import InputFeatures
from learners.heads import make_head
from learners.learner import Learner, Metrics, Play, Stateful
from learners.networks import NetworkShape, RecurrentActorCritic
from learners.normalization import RewardScaler
from learners.policies import RecurrentPolicy, keyed_draw
from learners.precision import favoured_cell, resolve_compute
from learners.returns import generalized_advantages
from learners.rollout import Lifetimes, Tape, play_lifetimes
from taskgen.outcomes import Outcomes
from taskgen.task import Task
from taskgen.vector import LifetimeVectorEnv

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RL2Config:
    """The settings of RL².

    Args:
        cell: of the memory: "lstm", "gru" or "auto" (what the machine's precision favours).
        precision: of encoder and memory: "float32", "bfloat16" or "auto" (bfloat16 where the
            processor has a unit for it). Heads, losses and returns are float32 always.
        device: "cpu", "cuda" or "auto" (cuda where there is one).
        hidden_size: units of the memory.
        encoder_sizes: units of the layers before the memory; () feeds it the inputs themselves.
        heads_see_inputs: whether policy and critic see the encoded inputs beside the memory.
        normalize_observations: standardise observations of float spaces by running moments.
        normalize_rewards: scale rewards, for the loss alone, by the deviation of the return.
        lr: Adam's step size at the start.
        lr_decay_updates: `meta_train` calls over which it falls linearly to `decay_floor` of
            itself; None: it stays.
        entropy_coef: weight of the policy's entropy, in units of the scaled return a nat.
        entropy_decay_updates: the same for that weight.
        decay_floor: the share of a decayed setting that remains at the end, in [0, 1].
        epochs: passes over the lifetimes of a batch.
        minibatches: parts of a batch, whole lifetimes in each, one gradient step a part.
        clip: ε of the clipped objective, in (0, 1).
        value_coef: weight of the critic's loss.
        value_clip: how far a value may move in a batch, in scaled reward; None: any distance.
        gamma: discount of one env step, in [0, 1].
        lambda_: weight of later TD errors in the advantage, in [0, 1].
        across_episodes: let credit flow across the ends of episodes inside a lifetime.
        max_grad_norm: longest gradient, Euclidean.
        adam_epsilon: Adam's ε.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    cell: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    hidden_size: int = 128
    encoder_sizes: tuple[int, ...] = ()
    heads_see_inputs: bool = False
    normalize_observations: bool = True
    normalize_rewards: bool = True
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
    gamma: float = 0.99
    lambda_: float = 0.95
    across_episodes: bool = True
    max_grad_norm: float = 1.0
    adam_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoder_sizes", tuple(self.encoder_sizes))
        _require_choice("cell", self.cell, ("auto", "lstm", "gru"))
        _require_choice("precision", self.precision, ("auto", "float32", "bfloat16"))
        _require_choice("device", self.device.split(":")[0], ("auto", "cpu", "cuda"))
        for name in ("hidden_size", "epochs", "minibatches", "lr", "clip", "max_grad_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}.")
        for name in ("gamma", "lambda_", "decay_floor"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")


@dataclass(frozen=True)
class _Batch:
    """What one update learns from; time first, only the lifetimes that may be learned from."""

    inputs: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    targets: Tensor
    valid: Tensor

    @property
    def lengths(self) -> list[int]:
        """Env steps of each lifetime."""
        lengths: list[int] = self.valid.sum(dim=0).tolist()
        return lengths

    def select(self, lifetimes: NDArray[np.int64]) -> _Batch:
        """Returns some lifetimes, the longest first, cut to its length."""
        lengths = self.valid.sum(dim=0)[torch.from_numpy(lifetimes)]
        index = torch.from_numpy(lifetimes)[lengths.argsort(descending=True, stable=True)]
        num_steps = int(lengths.max())
        parts = {name: x[:num_steps].index_select(1, index) for name, x in vars(self).items()}
        return _Batch(**parts)


class Counters:
    """Counts that are saved with a learner: updates asked for, gradient steps taken."""

    def __init__(self) -> None:
        self.updates = 0
        self.gradient_updates = 0

    def state_dict(self) -> dict[str, Any]:
        """Returns the counts."""
        return dict(vars(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes the counts back."""
        vars(self).update(state_dict)


class RL2(Learner):
    """Meta-trains a recurrent actor-critic over whole lifetimes.

    Args:
        observation_space: of one task: Discrete, MultiBinary or Box.
        action_space: of one task: Discrete.
        config: the settings.
        seed: of the initial parameters.
    """

    kinds = frozenset({"env"})
    Config = RL2Config

    def __init__(
        self,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        config: RL2Config,
        seed: int,
    ) -> None:
        self.config = config
        self._head = make_head(action_space)
        self._features = InputFeatures(
            observation_space, action_space, normalize=config.normalize_observations
        )
        self.network = RecurrentActorCritic(self._shape(), seed).to(_device(config.device))
        self._optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.lr, eps=config.adam_epsilon, fused=True
        )
        self._rewards = RewardScaler(config.gamma, enabled=config.normalize_rewards)
        self._counters = Counters()
        self._tape = Tape()

    @classmethod
    def resolve(
        cls,
        config: RL2Config,
        observation_space: gymnasium.Space[Any] | None,
        action_space: gymnasium.Space[Any] | None,
        *,
        num_tasks: int,
        threads: int,
    ) -> RL2Config:
        """Returns the settings with cell, precision and device decided by a measurement here."""
        if observation_space is None or action_space is None:
            raise ValueError("RL2 acts in environments; resolve needs both spaces, got None.")
        device = str(_device(config.device))
        if device == "cpu":
            compute = resolve_compute(
                config.cell,
                config.precision,
                threads,
                num_inputs=InputFeatures(observation_space, action_space).num,
                hidden_size=config.hidden_size,
                num_lifetimes=max(1, num_tasks // config.minibatches),
            )
            _log.info("RL2 computes with %s", compute.sentence)
            cell, precision = compute.cell, compute.precision
        else:
            cell, precision = favoured_cell(config.cell, config.precision)
        return replace(config, cell=cell, precision=precision, device=device)

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> RecurrentPolicy:
        """Returns a policy with empty memory; see `Learner.policy`."""
        draw = None if greedy else keyed_draw(keys, self._head.num_uniforms)
        return RecurrentPolicy(self.network, self._features, self._head, draw)

    def parts(self) -> Mapping[str, Stateful]:
        """Returns network, optimiser, scales and counters."""
        parts: dict[str, Stateful] = {
            "network": self.network,
            "optimizer": self._optimizer,
            "rewards": self._rewards,
            "counters": self._counters,
        }
        if self._features.normalizer is not None:
            parts["observations"] = self._features.normalizer
        return parts

    def meta_train(
        self,
        play: Play,
        tasks: Sequence[Task],
        train_mask: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[Outcomes, Metrics]:
        """Plays one lifetime of each task and learns from those that the mask allows.

        Raises:
            TypeError: if `play` is not a `LifetimeVectorEnv`.
        """
        if not isinstance(play, LifetimeVectorEnv):
            raise TypeError(f"RL2 plays environments (kind 'env'), got a {type(play).__name__}.")
        lifetimes = self._play(play, tasks, rng)
        learned_from = np.flatnonzero(train_mask & ~lifetimes.failed)
        self._update_scales(lifetimes, learned_from)
        batch, td_errors = self._batch(lifetimes, learned_from)
        metrics = self._learn(batch, rng)
        return lifetimes.outcomes(td_errors), metrics

    def _play(
        self, env: LifetimeVectorEnv, tasks: Sequence[Task], rng: np.random.Generator
    ) -> Lifetimes:
        shape = (len(tasks), self._head.num_uniforms)
        self._tape.clear()
        policy = RecurrentPolicy(
            self.network,
            self._features,
            self._head,
            draw=lambda _: rng.random(shape, dtype=np.float32),
            tape=self._tape,
        )
        return play_lifetimes(env, tasks, policy, seed=int(rng.integers(2**31)))

    def _update_scales(self, lifetimes: Lifetimes, learned_from: NDArray[np.int64]) -> None:
        valid = lifetimes.valid[:, learned_from]
        self._rewards.update(lifetimes.rewards[:, learned_from].T, valid.T)
        if self._features.normalizer is not None:
            # Only what is fed later changes: the batch is learned from as it was played.
            self._features.normalizer.update(self._tape["observations"][:, learned_from][valid])

    @torch.no_grad()
    def _batch(
        self, lifetimes: Lifetimes, learned_from: NDArray[np.int64]
    ) -> tuple[_Batch, NDArray[np.float32]]:
        """Returns what to learn from, and the TD errors of all lifetimes, [B, H]."""
        config, tape, valid = self.config, self._tape, lifetimes.valid
        device = next(self.network.parameters()).device
        values = self.network.value(torch.from_numpy(tape["features"]).to(device)).cpu().numpy()
        advantages, td_errors = generalized_advantages(
            self._rewards.scale(lifetimes.rewards).T,
            values.T,
            valid.T,
            lifetimes.episode_over.T,
            gamma=config.gamma,
            lambda_=config.lambda_,
            across_episodes=config.across_episodes,
        )
        arrays = {
            "inputs": tape["inputs"],
            "outputs": tape["outputs"],
            "actions": tape["actions"],
            "values": values,
            "advantages": advantages.T,
            "targets": advantages.T + values,
            "valid": valid,
        }
        parts = {
            name: torch.from_numpy(x[:, learned_from]).to(device) for name, x in arrays.items()
        }
        parts["log_probs"] = self._head.log_prob(parts.pop("outputs"), parts["actions"])
        parts["advantages"] = losses.standardize(parts["advantages"], parts["valid"])
        return _Batch(**parts), td_errors

    def _learn(self, batch: _Batch, rng: np.random.Generator) -> Metrics:
        """Takes the gradient steps of one update."""
        self._set_decayed()
        rows = [self._step(part) for part in self._minibatches(batch, rng)]
        metrics = {"train/gradient_updates": float(len(rows))}
        if rows:
            self._counters.updates += 1
            self._counters.gradient_updates += len(rows)
            means = {k: torch.stack([row[k] for row in rows]).mean() for k in rows[0]}
            metrics |= {f"train/{name}": float(mean) for name, mean in means.items()}
            metrics["train/first_ratio_deviation"] = float(rows[0]["ratio_deviation"])
        return metrics

    def _minibatches(self, batch: _Batch, rng: np.random.Generator) -> Iterator[_Batch]:
        """Yields the parts of each epoch: lifetimes shuffled anew, split evenly."""
        num_lifetimes = batch.valid.shape[1]
        num_parts = min(self.config.minibatches, num_lifetimes)
        for _ in range(self.config.epochs if num_parts else 0):
            for part in np.array_split(rng.permutation(num_lifetimes), num_parts):
                yield batch.select(part)

    def _step(self, batch: _Batch) -> dict[str, Tensor]:
        """Takes one gradient step and returns its metrics."""
        config, valid = self.config, batch.valid
        features = self.network.whole_lifetimes(batch.inputs, batch.lengths)
        outputs, values = self.network.policy(features), self.network.value(features)
        log_probs = self._head.log_prob(outputs, batch.actions)
        policy_loss = losses.clipped_policy_loss(
            log_probs, batch.log_probs, batch.advantages, valid, config.clip
        )
        value_loss = losses.value_loss(
            values, batch.values, batch.targets, valid, clip=config.value_clip
        )
        entropy = losses.masked_mean(self._head.entropy(outputs), valid)
        loss = policy_loss + config.value_coef * value_loss - self._entropy_coef * entropy
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
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_grad_norm)
        self._optimizer.step()
        return norm

    def _set_decayed(self) -> None:
        config, updates = self.config, self._counters.updates
        for group in self._optimizer.param_groups:
            group["lr"] = _decayed(config.lr, config.lr_decay_updates, updates, config.decay_floor)
        self._entropy_coef = _decayed(
            config.entropy_coef, config.entropy_decay_updates, updates, config.decay_floor
        )

    def _shape(self) -> NetworkShape:
        config = self.config
        cell, precision = favoured_cell(config.cell, config.precision)
        return NetworkShape(
            num_inputs=self._features.num,
            num_outputs=self._head.num_outputs,
            cell=cell,
            hidden_size=config.hidden_size,
            encoder_sizes=config.encoder_sizes,
            heads_see_inputs=config.heads_see_inputs,
            precision=precision,
        )


def _decayed(start: float, decay_updates: int | None, updates: int, floor: float) -> float:
    """Returns a setting after so many updates of its linear fall.

    Example:
        >>> [_decayed(1.0, 10, updates, 0.1) for updates in (0, 5, 10, 20)]
        [1.0, 0.55, 0.1, 0.1]
    """
    if decay_updates is None:
        return start
    left = max(0.0, 1.0 - updates / decay_updates)
    return start * (floor + (1.0 - floor) * left)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
