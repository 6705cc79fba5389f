"""RL²: a recurrent policy whose memory learns a task while it plays it.

One lifetime, several episodes on one task with the memory kept, is to this learner what an episode
is to an ordinary one; the policy is trained over whole lifetimes by clipped policy optimisation.

Source: Duan et al. 2016, "RL²: Fast reinforcement learning via slow reinforcement learning"
(arXiv:1611.02779); Wang et al. 2016, "Learning to reinforcement learn" (arXiv:1611.05763). Here:
PPO (arXiv:1707.06347) in place of TRPO and A3C, the share of the lifetime that remains among the
inputs, rewards scaled for the loss, every lifetime recomputed from its empty memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from learners import losses
from learners.devices import device_name, device_of
from learners.features import InputFeatures
from learners.heads import ActionHead, CategoricalHead, make_head
from learners.images import PictureNetwork
from learners.learner import Learner, Metrics, Play, Stateful
from learners.networks import NetworkShape, RecurrentActorCritic
from learners.normalization import RewardScaler
from learners.policies import RecurrentPolicy, keyed_draw
from learners.ppo import ClippedOptimization, LifetimeBatch
from learners.precision import Workload, favoured, kernel_of, resolve_compute
from learners.recall import RecallShape
from learners.returns import first_returns, generalized_advantages
from learners.rl2_config import RL2Config
from learners.rollout import Lifetimes, Tape, play_lifetimes
from taskgen.outcomes import Outcomes
from taskgen.task import Task
from taskgen.vector import LifetimeVectorEnv


class RL2(Learner):
    """Meta-trains a recurrent actor-critic over whole lifetimes.

    Args:
        observation_space: of one task: Discrete, MultiBinary or Box.
        action_space: of one task: Discrete, or a Box of floats.
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
        self.spaces = (observation_space, action_space)
        self._head = make_head(action_space)
        self._rewards = RewardScaler(config.gamma, enabled=config.normalize_rewards)
        self._features = InputFeatures(
            observation_space,
            action_space,
            normalize=config.normalize_observations,
            rewards=self._rewards,
            lifetime_left=config.sees_lifetime_left,
        )
        shape = _network_shape(config, self._features, self._head)
        self.network = RecurrentActorCritic(shape, seed).to(device_of(config.device))
        self._optimization = ClippedOptimization(self.network, self._head, config)
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
    ) -> tuple[RL2Config, str]:
        """Returns the settings with cell, precision, kernel and device decided by measurement."""
        if observation_space is None or action_space is None:
            raise ValueError("RL2 acts in environments; resolve needs both spaces, got None.")
        device = str(device_of(config.device))
        if device == "cpu":
            features = InputFeatures(
                observation_space, action_space, lifetime_left=config.sees_lifetime_left
            )
            load = Workload(
                num_inputs=_network_shape(config, features, make_head(action_space)).num_encoded,
                hidden_size=config.hidden_size,
                num_acting=num_tasks,
                num_lifetimes=max(1, num_tasks // config.minibatches),
                num_passes=config.epochs * min(config.minibatches, num_tasks),
            )
            compute = resolve_compute(
                config.cell, config.precision, threads, kernel=config.kernel, load=load
            )
            option, sentence = (compute.cell, compute.precision, compute.kernel), compute.sentence
        else:
            option = favoured(config.cell, config.precision, config.kernel, device)
            sentence = f"{option[0].upper()} in {option[1]} on {device_name(device)}."
        cell, precision, kernel = option
        settled = replace(config, cell=cell, precision=precision, kernel=kernel, device=device)
        return settled, sentence

    @classmethod
    def unavailable(cls, config: RL2Config) -> str | None:
        """Returns what is missing where the settings want a graphics card and there is none."""
        if config.device == "cuda" and not torch.cuda.is_available():
            return "it learns on a graphics card (device: cuda), and torch finds none here"
        return None

    @classmethod
    def machine(cls, config: RL2Config) -> dict[str, str]:
        """Returns the device and the kernels; see `Learner.machine`."""
        found = {"device": device_name(str(device_of(config.device)))}
        if found["device"] == "cpu":
            _, precision, _ = favoured(config.cell, config.precision, config.kernel)
            found["vector unit"] = torch.backends.cpu.get_cpu_capability()
            found["precision"] = kernel_of(precision)
        return found

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> RecurrentPolicy:
        """Returns a policy with empty memory; see `Learner.policy`."""
        draw = None if greedy else keyed_draw(keys, self._head.num_uniforms)
        return RecurrentPolicy(self.network, self._features, self._head, draw)

    def parts(self) -> Mapping[str, Stateful]:
        """Returns network, optimiser, scales and counters."""
        parts: dict[str, Stateful] = {
            "network": self.network,
            "optimizer": self._optimization.optimizer,
            "rewards": self._rewards,
            "counters": self._optimization.counters,
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

        A batch in which no task could even begin changes nothing and has no metrics.

        Raises:
            TypeError: if `play` is not a `LifetimeVectorEnv`.
        """
        if not isinstance(play, LifetimeVectorEnv):
            raise TypeError(f"RL2 plays environments (kind 'env'), got a {type(play).__name__}.")
        lifetimes = self._play(play, tasks, rng)
        if not lifetimes.valid.any():
            return lifetimes.outcomes(np.zeros(lifetimes.valid.T.shape, np.float32)), {}
        learned_from = np.flatnonzero(train_mask & ~lifetimes.failed)
        self._update_scales(lifetimes, learned_from)
        batch, td_errors = self._batch(lifetimes, learned_from)
        expected, earned = self._first_values(), self._first_returns(lifetimes)
        metrics = self._optimization.learn(batch, rng)
        return lifetimes.outcomes(td_errors, expected, earned), metrics

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
    ) -> tuple[LifetimeBatch, NDArray[np.float32]]:
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
            name: torch.from_numpy(x.take(learned_from, axis=1)).to(device)
            for name, x in arrays.items()
        }
        if self._features.picture is not None:
            parts["pictures"] = torch.from_numpy(self._pictures(learned_from)).to(device)
        parts["log_probs"] = self._head.log_prob(parts.pop("outputs"), parts["actions"])
        parts["advantages"] = losses.standardize(parts["advantages"], parts["valid"])
        return LifetimeBatch(**parts), td_errors

    def _pictures(self, learned_from: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Returns the pictures of lifetimes, [H, B, …]: no copy where they are all of them."""
        pictures = self._tape["pictures"]
        is_all = len(learned_from) == pictures.shape[1]
        return pictures if is_all else pictures.take(learned_from, axis=1)

    @torch.no_grad()
    def _first_values(self) -> NDArray[np.float64]:
        """Returns what the critic expected of each lifetime at its first step, [B]."""
        device = next(self.network.parameters()).device
        features = torch.from_numpy(self._tape["features"][0]).to(device)
        return self.network.value(features).cpu().numpy().astype(np.float64)

    def _first_returns(self, lifetimes: Lifetimes) -> NDArray[np.float64]:
        """Returns what came of that, [B]."""
        return first_returns(
            self._rewards.scale(lifetimes.rewards).T,
            lifetimes.valid.T,
            lifetimes.episode_over.T,
            gamma=self.config.gamma,
            across_episodes=self.config.across_episodes,
        )


def _network_shape(config: RL2Config, features: InputFeatures, head: ActionHead) -> NetworkShape:
    cell, precision, kernel = favoured(
        config.cell, config.precision, config.kernel, str(device_of(config.device))
    )
    pictures = None
    if features.picture is not None:
        pictures = PictureNetwork(
            features.picture,
            config.picture_channels,
            config.picture_features,
            config.picture_pooling,
        )
    num_pictured = pictures.num_features if pictures else 0
    recall = RecallShape(
        num_inputs=features.num + num_pictured,
        num_observed=features.num_seen + num_pictured,
        num_actions=features.action.num if isinstance(head, CategoricalHead) else 0,
        num_places=config.recall_places,
        num_averages=config.recall_averages,
        num_units=config.recall_units,
    )
    return NetworkShape(
        num_inputs=features.num,
        num_outputs=head.num_outputs,
        num_constants=head.num_constants,
        cell=cell,
        hidden_size=config.hidden_size,
        encoder_sizes=config.encoder_sizes,
        heads_see_inputs=config.heads_see_inputs,
        precision=precision,
        kernel=kernel,
        pictures=pictures,
        recall=recall if config.recall_places else None,
    )
