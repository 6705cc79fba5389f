"""References that play Alchemy, many slots at once: what a learner can be held against.

- `RandomHeuristic`: random potions on random stones until these are the best, then what pays.
- `SearchOracle`: knows the chemistry, and plays the best there is.
- `IdealObserver`: knows the prior, keeps an exact belief, and plans over it for this episode.

They see observations and choose actions, as a learner does; only the oracle is told the tasks. All
suppose that time is never short: one step for every potion and every stone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.alchemy.beliefs import Beliefs, Prior
from taskgen.generators.alchemy.chemistry import BEST, SHOWN_VALUES, Chemistry
from taskgen.generators.alchemy.engine import (
    ACTIONS_PER_STONE,
    MAX_POTIONS,
    MAX_STONES,
    POTION_SIZE,
    STONE_SIZE,
    AlchemyVectorEnv,
)
from taskgen.generators.alchemy.planning import best_potions
from taskgen.task import Task
from taskgen.vector import Lifetime

_DIGITS = np.array([1, 3, 9])
_BEST_SHOWN = int(SHOWN_VALUES[BEST])


@dataclass(frozen=True)
class Scene:
    """What lies on the tables of B slots, read from observations.

    Args:
        looks: of the stones, numbers of looks, [B, 3]; −1: gone.
        values: what they show, −3 to 3, [B, 3].
        colours: of the potions, [B, 12]; −1: gone.
    """

    looks: NDArray[np.int64]
    values: NDArray[np.int64]
    colours: NDArray[np.int64]

    @staticmethod
    def of(observations: NDArray[np.float32]) -> Scene:
        """Returns the scene of observations, [B, 39]."""
        split = MAX_STONES * STONE_SIZE
        stones = observations[:, :split].reshape(-1, MAX_STONES, STONE_SIZE)
        potions = observations[:, split:].reshape(-1, MAX_POTIONS, POTION_SIZE)
        looks = np.rint(stones[:, :, :3]).astype(np.int64) + 1
        values = np.rint(3.0 * stones[:, :, 3]).astype(np.int64)
        colours = np.rint(3.0 * (potions[:, :, 0] + 1.0)).astype(np.int64)
        return Scene(
            np.where(stones[:, :, 4] > 0, -1, looks @ _DIGITS),
            values,
            np.where(potions[:, :, 1] > 0, -1, colours),
        )

    @property
    def stones(self) -> NDArray[np.bool_]:
        """Which stones there are, [B, 3]."""
        return self.looks >= 0

    def worth(self, bonus: float) -> NDArray[np.float64]:
        """Returns what the stones would pay, 0 where they are gone, [B, 3]."""
        paid = self.values + bonus * (self.values == _BEST_SHOWN)
        return np.where(self.stones, paid, 0.0)

    def counts(self) -> NDArray[np.int64]:
        """Returns how many potions there are of each colour, [B, 6]."""
        return (self.colours[:, :, None] == np.arange(6)).sum(axis=1)

    def banking(self) -> NDArray[np.int64]:
        """Returns the actions that put the next stone that pays into the cauldron, [B]; else 0."""
        pays = self.stones & (self.values > 0)
        return np.where(pays.any(axis=1), 1 + ACTIONS_PER_STONE * pays.argmax(axis=1), 0)


class Player(ABC):
    """Somebody who plays B slots of Alchemy at once."""

    @abstractmethod
    def begin(self, tasks: Sequence[Task]) -> None:
        """Begins new lifetimes, one a task; only an oracle looks at what they are."""

    @abstractmethod
    def act(
        self, observations: NDArray[np.float32], episode_start: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Returns the next action of each slot, [B].

        Args:
            observations: [B, 39].
            episode_start: whether they are the first of an episode, [B].
        """


class RandomHeuristic(Player):
    """Puts a random stone that is not the best yet into a random potion, as long as it can.

    Then it puts every stone that pays into the cauldron.

    Args:
        rng: decides stones and potions.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def begin(self, tasks: Sequence[Task]) -> None:
        """Begins new lifetimes; nothing is remembered."""

    def act(
        self, observations: NDArray[np.float32], episode_start: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Returns a random potion for a random stone, or what is left to be banked."""
        del episode_start
        scene = Scene.of(observations)
        stone, any_stone = self._one_of(scene.stones & (scene.values < _BEST_SHOWN))
        potion, any_potion = self._one_of(scene.colours >= 0)
        mixing = 2 + ACTIONS_PER_STONE * stone + potion
        return np.where(any_stone & any_potion, mixing, scene.banking())

    def _one_of(self, which: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Returns one of those that are True in each row, and whether there is one."""
        luck = self._rng.random(which.shape)
        return np.where(which, luck, -1.0).argmax(axis=1), which.any(axis=1)


def planned(
    scene: Scene, beliefs: Beliefs, bonus: float, far: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the best actions by some beliefs, [B], and what is mixed: slot, stone and colour.

    Where no potion helps any more, what pays is put into the cauldron.
    """
    counts = scene.counts()
    can = (scene.stones & (scene.values < _BEST_SHOWN)).any(axis=1) & counts.any(axis=1)
    slots = np.flatnonzero(can)
    chosen = best_potions(slots, scene.looks, scene.worth(bonus), counts, beliefs, bonus, far)
    mixing = chosen[:, 0] >= 0
    slots, chosen = slots[mixing], chosen[mixing]
    potions = (scene.colours[slots] == chosen[:, 1:]).argmax(axis=1)
    actions = scene.banking()
    actions[slots] = 2 + ACTIONS_PER_STONE * chosen[:, 0] + potions
    return actions, np.column_stack([slots, chosen])


class IdealObserver(Player):
    """Keeps the exact belief over chemistries, and takes the best potion by it; see `planning`.

    As the published one it looks no farther than the end of the episode: it does not experiment
    for the sake of episodes to come.

    Args:
        prior: which chemistries there may be.
        bonus: of the best stone.
        far: with how many possible chemistries at most to look two potions ahead.
    """

    def __init__(self, prior: Prior, bonus: float = 12.0, far: int = 1000) -> None:
        self.prior, self._bonus, self._far = prior, bonus, far
        self.begin(())

    def begin(self, tasks: Sequence[Task]) -> None:
        """Forgets everything but the prior."""
        self.beliefs = Beliefs(len(tasks), self.prior.chemistries, self.prior.weights)
        self._mixed: NDArray[np.int64] = np.zeros((0, 3), dtype=np.int64)
        self._before: Scene | None = None

    def act(
        self, observations: NDArray[np.float32], episode_start: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Learns from what the last potions did, and returns the best next actions."""
        scene = Scene.of(observations)
        self._learn(scene, episode_start)
        actions, self._mixed = planned(scene, self.beliefs, self._bonus, self._far)
        self._before = scene
        return actions

    def _learn(self, scene: Scene, episode_start: NDArray[np.bool_]) -> None:
        begun = np.flatnonzero(episode_start)
        self.beliefs.see(begun, scene.looks, scene.values)
        slots, stones, colours = self._mixed[~episode_start[self._mixed[:, 0]]].T
        if len(slots):
            assert self._before is not None
            before, after = self._before.looks[slots, stones], scene.looks[slots, stones]
            values = scene.values[slots, stones]
            self.beliefs.see_change(slots, colours, before, after, values)


class SearchOracle(Player):
    """Knows the chemistry of every task, and plays the best plan there is.

    Args:
        bonus: of the best stone.
    """

    def __init__(self, bonus: float = 12.0) -> None:
        self._bonus = bonus

    def begin(self, tasks: Sequence[Task]) -> None:
        """Takes the chemistries from the tasks."""
        keys = ("graph", "potion_map", "stone_map", "rotation")
        known = [Chemistry(*(task.content[key] for key in keys)) for task in tasks]
        self._beliefs = Beliefs.certain(known)

    def act(
        self, observations: NDArray[np.float32], episode_start: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Returns the next potion of the best plan, or what is left to be banked."""
        del episode_start
        return planned(Scene.of(observations), self._beliefs, self._bonus)[0]


@dataclass(frozen=True)
class Played:
    """What came of lifetimes.

    Args:
        returns: of each episode, [B, E].
        potions: how many were used, [B, E].
        banked: how many stones were put into the cauldron, [B, E].
    """

    returns: NDArray[np.float64]
    potions: NDArray[np.int64]
    banked: NDArray[np.int64]


def play(player: Player, tasks: Sequence[Task], num_episodes: int, seed: int) -> Played:
    """Returns what a player makes of B lifetimes.

    Args:
        player: who plays.
        tasks: B tasks of one horizon, stones and potions of which time allows to use all.
        num_episodes: of a lifetime, E.
        seed: of what is laid out, as everywhere keyed by the task.

    Raises:
        ValueError: if the horizons differ, or time may be short.
    """
    horizon = _common_horizon(tasks)
    env = AlchemyVectorEnv(len(tasks))
    lifetime = Lifetime(num_episodes=num_episodes)
    options: dict[str, Any] = {"tasks": tasks, "lifetime": lifetime}
    observations, infos = env.reset(seed=seed, options=options)
    player.begin(tasks)
    returns = np.zeros((len(tasks), num_episodes))
    potions, banked = np.zeros((2, len(tasks), num_episodes), dtype=np.int64)
    for step in range(num_episodes * horizon):
        actions = player.act(observations, infos["episode_start"])
        observations, rewards, _, _, infos = env.step(actions)
        into_cauldron = actions % ACTIONS_PER_STONE == 1
        returns[:, step // horizon] += rewards
        potions[:, step // horizon] += (actions > 0) & ~into_cauldron
        banked[:, step // horizon] += into_cauldron
    return Played(returns, potions, banked)


def _common_horizon(tasks: Sequence[Task]) -> int:
    contents = [task.content for task in tasks]
    horizons = {content["horizon"] for content in contents}
    needed = max(content["num_stones"] + content["num_potions"] for content in contents)
    if len(horizons) != 1 or min(horizons) < needed:
        raise ValueError(
            f"references play tasks of one horizon that leaves time for every potion and stone "
            f"(at least {needed} steps here), got {sorted(horizons)}."
        )
    return int(min(horizons))
