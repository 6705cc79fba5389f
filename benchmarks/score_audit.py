"""What do the scores of curricula measure? Each against exact regret and measured learnability.

A learner is trained on mazes of 13 × 13 interior cells with 25 walls until it reaches the goal in
half of its episodes. Then it plays one lifetime of four episodes in each of 1,000 fresh mazes of
the same kind, and every score says of that one lifetime how much there is to learn. The yardsticks
take far more: many further lifetimes of each maze, played by the same frozen learner.

- regret: the oracle's return, which is exact, minus the mean return of all these episodes;
- learnability: p·(1 − p), p the share of these episodes that reached the goal;
- learnability of the first episode, before anything could be learned of the maze, alike;
- room to adapt: the oracle's return minus the mean return of the last episodes.

Told is the rank correlation (Spearman) over mazes with its 95 % interval (bootstrap over mazes);
and, as `agrees`, that of a score with itself in another lifetime of the same mazes: what does not
agree with itself is noise, whatever it was meant to measure.

    python benchmarks/score_audit.py [--seed 0] [--mazes 1000] [--lifetimes 16] [--markdown]
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import ConstantInputWarning, spearmanr

from curricula.oracles import oracle_returns
from curricula.scores import SCORES, max_monte_carlo
from harness import report
from learners.algorithms.rl2 import RL2, RL2Config
from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze
from taskgen.outcomes import Outcomes
from taskgen.source import TaskSource
from taskgen.task import Task
from taskgen.vector import Lifetime

SIZE, NUM_WALLS, HORIZON, NUM_EPISODES = 13, 25, 250, 4
BATCH, MAX_UPDATES = 64, 200
HALF = 0.5
"""The share of episodes that reach the goal, of the last three batches, at which training ends."""
LEFT_OUT = ("winsorized_return",)
"""Scores that differ from another one only in a mean over tasks."""

Scores = dict[str, NDArray[np.float64]]


def family() -> TaskDistribution:
    """Returns the mazes of the published protocols: 25 random walls, start and goal anywhere."""
    regions = {
        "size": SIZE,
        "layout": "random_walls",
        "wall_density": NUM_WALLS / SIZE**2,
        "goal_distance": [0.0, 1.0],
        "horizon_factor": HORIZON / (4 * SIZE + SIZE**2 / 2),
    }
    return TaskDistribution.make(Maze.space, regions)


class Player:
    """A learner and its mazes.

    Args:
        seed: of both.
        num_mazes: at once, at most.
    """

    def __init__(self, seed: int, num_mazes: int) -> None:
        self.generator = Maze()
        self.rng = np.random.default_rng(seed)
        spaces = self.generator.observation_space, self.generator.action_space
        config = RL2Config(
            hidden_size=128, encoder_sizes=(64,), sees_lifetime_left=False, lr=2e-3, cell="gru"
        )
        self.learner = RL2(*spaces, config, seed=seed)
        self._env = self.generator.make_vector_env(max(num_mazes, BATCH))
        self._env.lifetime = Lifetime(num_episodes=NUM_EPISODES)

    def train(self) -> tuple[float, int]:
        """Trains until half of the episodes reach the goal; returns their share, and env steps."""
        source = TaskSource(self.generator, "train", "")
        rates: list[float] = []
        num_steps = 0
        while len(rates) < MAX_UPDATES and np.mean(rates[-3:] or [0.0]) < HALF:
            tasks = source.make(family(), BATCH, self.rng)
            outcomes = self.play(tasks, learn=True)
            rates.append(float(reached(outcomes).mean()))
            num_steps += outcomes.num_env_steps
        return float(np.mean(rates[-3:])), num_steps

    def play(self, tasks: Sequence[Task], *, learn: bool = False) -> Outcomes:
        """Plays one lifetime of each maze, as a curriculum sees it."""
        everyone = np.full(len(tasks), learn)
        outcomes, _ = self.learner.meta_train(self._env, tasks, everyone, self.rng)
        return outcomes


def reached(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Returns which episodes reached the goal, [M, E]."""
    assert outcomes.successes is not None
    return outcomes.successes


def yardsticks(
    played: list[Outcomes], oracle: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Returns what is to be foretold, of M mazes, from all that was played in them, [M] each."""
    returns = np.stack([outcomes.returns for outcomes in played])  # [lifetimes, M, E]
    successes = np.stack([reached(outcomes) for outcomes in played])
    p, first = successes.mean(axis=(0, 2)), successes[:, :, 0].mean(axis=0)
    return {
        "regret": oracle - returns.mean(axis=(0, 2)),
        "learnability": p * (1.0 - p),
        "learnability of the first episode": first * (1.0 - first),
        "room to adapt": oracle - returns[:, :, -1].mean(axis=0),
    }


def scores_of(outcomes: Outcomes, before: list[Outcomes], oracle: NDArray[np.float64]) -> Scores:
    """Returns every score of one lifetime in each maze.

    Args:
        outcomes: of that lifetime.
        before: of others; the best of them and this one is what a buffer would remember.
        oracle: what the best policy earns.
    """
    scores = {name: fn(outcomes) for name, fn in SCORES.items() if name not in LEFT_OUT}
    best = np.max([SCORES["discounted_return"](each) for each in [outcomes, *before]], axis=0)
    scores["max_monte_carlo"] = max_monte_carlo(best, scores["expected_return"])
    scores["exact regret of one lifetime"] = oracle - SCORES["mean_return"](outcomes)
    return scores


def correlation(a: NDArray[np.float64], b: NDArray[np.float64], rng: np.random.Generator) -> Any:
    """Returns Spearman's ρ over mazes and its 95 % interval; NaN where one of them is constant."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan, (np.nan, np.nan)
    draws = rng.integers(len(a), size=(500, len(a)))
    warnings.simplefilter("ignore", ConstantInputWarning)  # of few successes, a draw may hold none
    resampled = [spearmanr(a[draw], b[draw]).statistic for draw in draws]
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return float(spearmanr(a, b).statistic), (float(low), float(high))


def audit(seed: int, num_mazes: int, num_lifetimes: int, tell: Callable[..., None]) -> None:
    """Trains, plays and tells every correlation."""
    player = Player(seed, num_mazes)
    rate, num_steps = player.train()
    report("success when training ended", [rate], "1", env_steps=num_steps, seed=seed)
    source = TaskSource(player.generator, "validation", "")
    tasks = source.make_distinct(family(), num_mazes, player.rng)
    oracle = oracle_returns(player.generator, tasks)
    one, two, *before = (player.play(tasks) for _ in range(6))
    played = [player.play(tasks) for _ in range(num_lifetimes)]
    wanted = yardsticks(played, oracle)
    again = scores_of(two, before, oracle)
    rng = np.random.default_rng(seed)
    for name, score in scores_of(one, before, oracle).items():
        found = {each: correlation(score, values, rng) for each, values in wanted.items()}
        tell(name, found, correlation(score, again[name], rng)[0])


def as_json(name: str, found: dict[str, Any], agreement: float) -> None:
    """Prints the correlations of a score as JSON lines."""
    for yardstick, (rho, interval) in found.items():
        report(
            f"{name} against {yardstick}", [rho], "Spearman", interval=interval, agrees=agreement
        )


def as_markdown(name: str, found: dict[str, Any], agreement: float) -> None:
    """Prints them as a row of a table."""
    cells = [f"{rho:+.2f} [{low:+.2f}, {high:+.2f}]" for rho, (low, high) in found.values()]
    print(f"| `{name}` | {' | '.join(cells)} | {agreement:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mazes", type=int, default=1000)
    parser.add_argument("--lifetimes", type=int, default=16)
    parser.add_argument("--markdown", action="store_true", help="rows of a table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tell = as_markdown if options.markdown else as_json
    audit(options.seed, options.mazes, options.lifetimes, tell)


if __name__ == "__main__":
    main()
