"""Do the published references score on `alchemy-v1` what they score on the published benchmark?

Ten episodes of 20 steps with one chemistry, 0 to 3 constraints equally likely, 3 stones and 12
potions, without rotation, as the released evaluation set has it. Published, of 1,000 lifetimes: a
search oracle that knows the chemistry 288.5 ± 1.5, an ideal observer 284.4 ± 1.6, a random
heuristic 145.7 (Wang et al. 2021, arXiv 2102.02926). The bar is 4 points around each. The same is
then played with all rotations, as the published training has it.

    python benchmarks/published/alchemy_scores.py [--lifetimes 6400] [--rotated 1024] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from taskgen.batch import TaskBatch
from taskgen.distribution import TaskDistribution
from taskgen.generators.alchemy import SPACE, Alchemy
from taskgen.generators.alchemy.beliefs import Prior, published_prior
from taskgen.generators.alchemy.chemistry import NUM_FULL_GRAPHS
from taskgen.generators.alchemy.optimum import expected_return
from taskgen.generators.alchemy.players import (
    IdealObserver,
    Played,
    Player,
    RandomHeuristic,
    SearchOracle,
    play,
)

PUBLISHED = {"oracle": 288.5, "ideal_observer": 284.4, "random_heuristic": 145.7}
WITHIN = 4.0
NUM_EPISODES, BATCH = 10, 64


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


def played(player: Player, batches: list[TaskBatch], seed: int) -> Played:
    parts = [play(player, tasks, NUM_EPISODES, seed) for tasks in batches]
    return Played(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("returns", "potions", "banked")
        )
    )


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
        "banked": round(float(found.banked.mean()), 2),
        "processor_s": round(seconds, 1),
    }
    if num_rotations == 1:
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
    options = parser.parse_args()
    print(json.dumps({"player": "oracle", "exact_expected_score": round(exact_oracle(), 3)}))
    for num_rotations, num in ((1, options.lifetimes), (4, options.rotated)):
        batches = lifetimes(num, num_rotations, options.seed)
        for name, make in players(options.seed, num_rotations).items():
            start = time.process_time()
            found = played(make(), batches, options.seed)
            seconds = time.process_time() - start
            print(json.dumps(line(name, found, num_rotations, seconds)), flush=True)


if __name__ == "__main__":
    main()
