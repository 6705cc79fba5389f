"""Do the published references score on `alchemy-v1` what they score on the published benchmark?

Ten episodes of 20 steps with one chemistry, 0 to 3 constraints equally likely, 3 stones and 12
potions, without rotation, as the released evaluation set has it. Published, of 1,000 lifetimes: a
search oracle that knows the chemistry 288.5 ± 1.5, an ideal observer 284.4 ± 1.6, a random
heuristic 145.7 (Wang et al. 2021, arXiv 2102.02926). The bar is 4 points around each. The same is
then played with all rotations, as the published training has it.

    python benchmarks/published/alchemy_scores.py [--lifetimes 6400] [--rotated 1024] [--seed 0]
    python benchmarks/published/alchemy_scores.py --learner CAMPAIGN

The second plays a trained campaign on the same lifetimes; published are 155 for a learner that does
not adapt (V-MPO) and 273 for one that does (A2C with an episodic planning network).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from curricula.campaigns.api import load_learner
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT
from learners.evaluation import evaluate
from learners.learner import Learner, Policy, Step
from taskgen.batch import TaskBatch
from taskgen.distribution import TaskDistribution
from taskgen.generators.alchemy import SPACE, Alchemy
from taskgen.generators.alchemy.beliefs import Prior, published_prior
from taskgen.generators.alchemy.chemistry import NUM_FULL_GRAPHS
from taskgen.generators.alchemy.engine import ACTIONS_PER_STONE
from taskgen.generators.alchemy.optimum import expected_return
from taskgen.generators.alchemy.players import (
    IdealObserver,
    Played,
    Player,
    RandomHeuristic,
    Scene,
    SearchOracle,
    play,
)

PUBLISHED = {"oracle": 288.5, "ideal_observer": 284.4, "random_heuristic": 145.7}
WITHIN = 4.0
NUM_EPISODES, HORIZON, BATCH = 10, 20, 64


def players(seed: int, num_rotations: int) -> dict[str, Callable[[], Player]]:
    prior = Prior(published_prior(), num_rotations=num_rotations)
    return {
        "oracle": SearchOracle,
        "ideal_observer": lambda: IdealObserver(prior),
        "random_heuristic": lambda: RandomHeuristic(np.random.default_rng([seed, 1])),
    }


def lifetimes(num: int, num_rotations: int, seed: int) -> list[TaskBatch]:
    """Returns batches of tasks of the published prior, the same for every player."""
    family, rng = Alchemy(), np.random.default_rng([seed, 0])
    where = TaskDistribution.make(
        SPACE, {"num_constraints": [0, 3], "num_rotations": num_rotations}
    )
    sizes = [min(BATCH, num - start) for start in range(0, num, BATCH)]
    return [
        family.make_tasks(where.sample(size, rng), rng.integers(2**62, size=size)) for size in sizes
    ]


def played(make: Callable[[], Player], seed: int, batches: list[TaskBatch]) -> Played:
    """Returns what a reference makes of the lifetimes."""
    player = make()
    parts = [play(player, tasks, NUM_EPISODES, seed) for tasks in batches]
    return Played(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("returns", "potions", "banked")
        )
    )


class Counting(Policy):
    """Counts what a policy does that changes anything: potions used, stones put in the cauldron."""

    def __init__(self, inner: Policy) -> None:
        self._inner = inner
        self.potions: list[NDArray[np.bool_]] = []
        self.banked: list[NDArray[np.bool_]] = []

    def act(self, step: Step) -> NDArray[Any]:
        """Returns the actions of the policy."""
        actions = self._inner.act(step)
        scene, rows = Scene.of(step.observations), np.arange(len(actions))
        stone, kind = np.divmod(np.maximum(actions - 1, 0), ACTIONS_PER_STONE)
        does = (actions > 0) & scene.stones[rows, stone]
        self.banked.append(does & (kind == 0))
        self.potions.append(does & (kind > 0) & (scene.colours[rows, kind - 1] >= 0))
        return actions


class CountedLearner:
    """A learner whose policies count; `last` is the newest of them."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> Policy:
        """Returns a policy that counts."""
        self.last = Counting(self._learner.policy(keys, greedy=greedy))
        return self.last


def learned(learner: Learner, seed: int, greedy: bool, batches: list[TaskBatch]) -> Played:
    """Returns what a learner makes of the lifetimes."""
    env, player, parts = Alchemy().make_vector_env(BATCH), CountedLearner(learner), []
    for tasks in batches:
        curve = evaluate(player, env, tasks, num_episodes=NUM_EPISODES, seed=seed, greedy=greedy)
        counts = [
            np.array(done).reshape(NUM_EPISODES, HORIZON, -1).sum(axis=1).T
            for done in (player.last.potions, player.last.banked)
        ]
        parts.append((curve.outcomes.returns, *counts))
    return Played(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def line(name: str, found: Played, num_rotations: int, seconds: float) -> dict[str, object]:
    """Returns what there is to say of one player."""
    scores = found.returns.sum(axis=1)
    error = float(scores.std(ddof=1) / np.sqrt(len(scores)))
    errors = found.returns.std(axis=0, ddof=1) / np.sqrt(len(scores))
    said: dict[str, object] = {
        "player": name,
        "rotations": num_rotations,
        "lifetimes": len(scores),
        "score": round(float(scores.mean()), 2),
        "standard_error": round(error, 2),
        "by_episode": found.returns.mean(axis=0).round(2).tolist(),
        "their_standard_errors": errors.round(2).tolist(),
        "potions": round(float(found.potions.mean()), 2),
        "potions_by_episode": found.potions.mean(axis=0).round(2).tolist(),
        "banked": round(float(found.banked.mean()), 2),
        "processor_s": round(seconds, 1),
    }
    if num_rotations == 1 and name in PUBLISHED:
        published = PUBLISHED[name]
        holds = abs(float(scores.mean()) - published) <= WITHIN
        said |= {"published": published, "bar": f"± {WITHIN:g}", "holds": holds}
    return said


def exact_oracle() -> float:
    """Returns the expected score of the oracle over the prior, without sampling."""
    graphs = range(NUM_FULL_GRAPHS)
    returns = np.array([expected_return(graph, 3, 12, 20, 12.0) for graph in graphs])
    return float(NUM_EPISODES * returns @ published_prior()[:NUM_FULL_GRAPHS])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lifetimes", type=int, default=6_400)
    parser.add_argument("--rotated", type=int, default=1_024, help="lifetimes with all rotations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learner", help="a campaign to play in place of the references")
    parser.add_argument("--greedy", action="store_true", help="the learner's likeliest actions")
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="where campaigns lie")
    options = parser.parse_args()
    torch.set_num_threads(1)
    who = f"the campaign {options.learner}" if options.learner else "the references"
    print(json.dumps({"plays": who, "exact_score_of_the_oracle": round(exact_oracle(), 3)}))
    for num_rotations, num in ((1, options.lifetimes), (4, options.rotated)):
        batches = lifetimes(num, num_rotations, options.seed)
        for name, play_all in contestants(options, num_rotations).items():
            start = time.process_time()
            found = play_all(batches)
            seconds = time.process_time() - start
            print(json.dumps(line(name, found, num_rotations, seconds)), flush=True)


def contestants(
    options: argparse.Namespace, num_rotations: int
) -> dict[str, Callable[[list[TaskBatch]], Played]]:
    """Returns who plays, and how: a learner, or the references."""
    seed = options.seed
    if options.learner:
        learner = load_learner(options.learner, options.root)
        return {options.learner: partial(learned, learner, seed, options.greedy)}
    references = players(seed, num_rotations)
    return {name: partial(played, make, seed) for name, make in references.items()}


if __name__ == "__main__":
    main()
