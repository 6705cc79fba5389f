"""A trained learner on an environment of one's own: adapt to it, then use what was adapted.

No generator is involved, any `gymnasium.Env` with the learner's spaces will do:

    policy = adapt(learner, env, num_episodes=3)
    observation, _ = env.reset()
    action = policy.start(observation)
    observation, reward, *_ = env.step(action)
    action = policy.act(observation, reward)
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from learners.learner import Learner, Policy, Step
from taskgen.randomness import mix


class AdaptedPolicy:
    """A policy with what it learned about one environment, one step a call.

    It goes on adapting while it is used. To it, using is the last episode of a lifetime, however
    often that episode is begun anew.

    Args:
        policy: of one task, with empty memory.
        num_episodes: of the adaptation.
        horizon: env steps of an episode at most; None where nobody knows.

    `returns` and `lengths` hold one number for each episode of the adaptation; `last_reward` is
    what the newest action earned, as far as the policy was told.
    """

    def __init__(self, policy: Policy, num_episodes: int, horizon: int | None) -> None:
        self._policy = policy
        self._num_episodes = num_episodes
        self._horizon = horizon
        self._episode = -1
        self._episode_steps = 0
        self.returns: list[float] = []
        self.lengths: list[int] = []
        self.last_reward = 0.0

    def start(self, observation: Any, reward: float | None = None) -> Any:
        """Returns the first action of an episode.

        Args:
            observation: as `env.reset` gave it.
            reward: of the last action of the episode before, raw: memory goes across an
                episode's end. None: `last_reward`, which after the adaptation is the right one.
        """
        self._episode += 1
        self._episode_steps = 0
        return self._act(observation, self.last_reward if reward is None else reward, start=True)

    def act(self, observation: Any, reward: float) -> Any:
        """Returns the next action of an episode.

        Args:
            observation: as `env.step` gave it; the last one of an episode needs no action.
            reward: of the action before, raw.

        Raises:
            RuntimeError: if no episode was started.
        """
        if self._episode < 0:
            raise RuntimeError("act needs an episode: give its first observation to start.")
        return self._act(observation, reward, start=False)

    def _act(self, observation: Any, reward: float, *, start: bool) -> Any:
        self.last_reward = float(reward)
        step = Step(
            observations=np.asarray(observation)[None],
            rewards=np.array([reward], dtype=np.float64),
            episode_start=np.array([start]),
            lifetime_left=np.array([self._lifetime_left()], dtype=np.float32),
            playing=np.ones(1, dtype=bool),
        )
        self._episode_steps += 1
        # A copy: an environment may write into the action that the policy remembers.
        return self._policy.act(step)[0].copy()

    def _lifetime_left(self) -> float:
        """Returns the share of the lifetime that remains, [0, 1]; the last episode is the use."""
        episode = min(max(self._episode, 0), self._num_episodes)
        share = min(1.0, self._episode_steps / self._horizon) if self._horizon else 0.0
        return 1.0 - (episode + share) / (self._num_episodes + 1)


def adapt(
    learner: Learner,
    env: gymnasium.Env[Any, Any],
    num_episodes: int = 3,
    seed: int = 0,
    *,
    greedy: bool = False,
) -> AdaptedPolicy:
    """Plays some episodes on one environment with the memory kept, and returns who remembers them.

    Args:
        learner: read, not changed; while the policy is in use, do not train it further.
        env: with the spaces that the learner was made for; every episode of it must end.
        num_episodes: to adapt for, at least 0.
        seed: of the actions and of the environment.
        greedy: take the likeliest action always.

    Returns:
        A policy for the same environment; its `returns` tell what each episode earned.

    Raises:
        ValueError: if `num_episodes` is negative, or the environment's spaces are others.
    """
    if num_episodes < 0:
        raise ValueError(f"num_episodes must be at least 0, got {num_episodes}.")
    _require_spaces(learner, env)
    keys = mix(np.array([seed], dtype=np.uint64))
    horizon = env.spec.max_episode_steps if env.spec is not None else None
    policy = AdaptedPolicy(learner.policy(keys, greedy=greedy), num_episodes, horizon)
    for episode in range(num_episodes):
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        rewards = _play_episode(policy, env, observation)
        policy.last_reward = rewards[-1]
        policy.returns.append(sum(rewards))
        policy.lengths.append(len(rewards))
    return policy


def _require_spaces(learner: Learner, env: gymnasium.Env[Any, Any]) -> None:
    """Refuses an environment whose values the learner would take for others; bounds may differ."""
    for ours, theirs in zip(
        learner.spaces or (), (env.observation_space, env.action_space), strict=False
    ):
        if _form(ours) != _form(theirs):
            raise ValueError(
                f"the learner was made for {ours} and the environment has {theirs}; wrap it so "
                f"that observations and actions are those of the tasks it was trained on."
            )


def _form(space: gymnasium.Space[Any]) -> tuple[Any, ...]:
    """Returns the kind of a space, its shape, kind of number and number of choices."""
    kind = None if space.dtype is None else np.dtype(space.dtype).kind
    return type(space), space.shape, kind, getattr(space, "n", None)


def _play_episode(
    policy: AdaptedPolicy, env: gymnasium.Env[Any, Any], observation: Any
) -> list[float]:
    """Returns the rewards of one episode."""
    action = policy.start(observation)
    rewards: list[float] = []
    while True:
        observation, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
        if terminated or truncated:
            return rewards
        action = policy.act(observation, rewards[-1])
