"""Which curriculum makes the better learner of mazes? Six of them at equal env steps.

Mazes of 13 × 13 interior cells with up to 25 walls, start and goal anywhere, 250 steps; RL² with
lifetimes of four episodes. Everything counts in the budget, play for scores alone included; the
gradient steps that are left for learning are told beside it. A learner is judged on 2,000 sealed
mazes of the family by the success of the first and the last episode, and on the generator's named
suites. Its worst tenth is told by two sets of lifetimes with seeds of their own: one picks the
mazes, the other one counts.

    python benchmarks/published/curricula_compared.py             # all runs, two at once, resumable
    python benchmarks/published/curricula_compared.py --only domain_randomization sfl --seeds 1
    python benchmarks/published/curricula_compared.py --table     # of what is there
    python benchmarks/published/curricula_compared.py --full      # see below

Each run writes one file when it ends; what has a file is not run again. `--full` is the published
protocol as far as it fits RL² (60 walls, lifetimes of one episode, 250 M env steps, 10 seeds,
10,000 mazes): sixty runs of some three and a half hours each where one core trains 20 k steps a
second, four to five days on two cores.

Published (minimax, Jiang et al. 2023, arXiv 2311.12716; Rutherford et al. 2024, arXiv 2408.15099)
are success rates of .93 to .99 for all of them, domain randomisation among the best.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.api import load_learner
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.config.files import load
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.generation.setup import Setup
from curricula.statistics import mean_interval
from learners.evaluation import evaluate
from learners.learner import Learner
from taskgen.generators.maze import Maze
from taskgen.outcomes import Outcomes
from taskgen.source import TaskSource
from taskgen.task import Task

SIZE, HORIZON = 13, 250
RESULTS = Path(__file__).parents[2] / "docs" / "results" / "curricula"
CURRICULA: dict[str, dict[str, Any]] = {
    "domain_randomization": {},
    "plr": {},
    "robust_plr": {},
    "accel": {},
    "sfl": {},
    "minimax_regret": {},
}
COUNTED = ("env_steps", "scoring_env_steps", "evaluation_env_steps", "gradient_updates", "seconds")
WORST = 0.1


@dataclass(frozen=True)
class Protocol:
    """What all runs share.

    Args:
        num_walls: of a maze, at most.
        num_episodes: of a lifetime.
        env_steps: of a run, all included.
        num_seeds: runs of each curriculum.
        num_test: sealed mazes.
    """

    num_walls: int = 25
    num_episodes: int = 4
    env_steps: int = 5_000_000
    num_seeds: int = 5
    num_test: int = 2_000


FULL = Protocol(num_walls=60, num_episodes=1, env_steps=250_000_000, num_seeds=10, num_test=10_000)


def settings(curriculum: str, seed: int, protocol: Protocol) -> CampaignConfig:
    """Returns the campaign of a run: one distribution, which nothing moves."""
    family = {
        "size": SIZE,
        "layout": "random_walls",
        "wall_density": [0.0, protocol.num_walls / SIZE**2],
        "goal_distance": [0.0, 1.0],
        "horizon_factor": HORIZON / (4 * SIZE + SIZE**2 / 2),
    }
    chosen = {"name": curriculum, "options": CURRICULA[curriculum]}
    values = {
        "name": f"{curriculum}-{seed}",
        "seed": seed,
        "start": family,
        "target": family,
        "search": "fixed",
        "curriculum": chosen,
        "learner.options.hidden_size": 128,
        "learner.options.cell": "gru",
        "learner.options.epochs": 2,  # lifetimes grow short: passes are most of the time
        "lifetime": {"num_episodes": protocol.num_episodes},
        "generation": {
            "num_candidates": 1,
            "challenger_every": 0,
            "aa_every": 0,
            "tasks_per_batch": 64,
            "branch_env_steps": protocol.env_steps // 10,
            "rung_share": 0,
        },
        "evaluation.num_monitor": 64,
        "evaluation.test_at_end": False,
        "executor": {"name": "inline", "threads": 1},
        "budget": {"env_steps": protocol.env_steps},
    }
    return load("maze-quickstart", [f"{key}={json.dumps(value)}" for key, value in values.items()])


def run(curriculum: str, seed: int, protocol: Protocol, folder: Path) -> None:
    """Trains and judges one learner, and writes what came of it.

    An interrupted run begins anew: it is minutes long, and only its end counts.
    """
    config = settings(curriculum, seed, protocol)
    with tempfile.TemporaryDirectory() as root:
        campaign = Campaign.create(config, Path(root))
        campaign.run()
        *_, record = campaign.store.records()
        learner = load_learner(config.name, Path(root))
    result: dict[str, Any] = {"protocol": asdict(protocol), "curriculum": curriculum, "seed": seed}
    result |= {name: record["totals"][name] for name in COUNTED}
    result |= judged(learner, Setup(config), protocol)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{config.name}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def judged(learner: Learner, setup: Setup, protocol: Protocol) -> dict[str, Any]:
    """Returns what a learner reaches on sealed mazes and on the named suites."""
    generator = setup.generator
    assert isinstance(generator, Maze)
    source = TaskSource(generator, "test", setup.config.splits.salt)
    rng = np.random.default_rng(10**6)  # the same mazes for all runs
    tasks = source.make_distinct(setup.start, protocol.num_test, rng)

    def successes(tasks: Sequence[Task], seed: int) -> NDArray[np.bool_]:
        env = generator.make_vector_env(len(tasks))
        curve = evaluate(learner, env, tasks, num_episodes=protocol.num_episodes, seed=seed)
        return reached(curve.outcomes)

    picked, counted = (successes(tasks, seed) for seed in (0, 1))
    worst = np.argsort(picked.mean(axis=1), kind="stable")[: int(WORST * len(picked))]
    return {
        "first_success": float(counted[:, 0].mean()),
        "last_success": float(counted[:, -1].mean()),
        "worst_success": float(counted[worst].mean()),
        "suites": {
            name: float(successes(suite, 0)[:, -1].mean())
            for name, suite in generator.suites().items()
        },
    }


def reached(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Returns which episodes reached the goal, [N, E]."""
    assert outcomes.successes is not None
    return outcomes.successes


def table(folder: Path) -> str:
    """Returns the results that are there, the mean over seeds with its interval."""
    results = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    columns = ("first_success", "last_success", "worst_success", "gradient_updates")
    lines = [f"| curriculum | seeds | {' | '.join(columns)} | suites, last episode |"]
    lines.append("| --- " * (len(columns) + 3) + "|")
    for curriculum in CURRICULA:
        rows = [result for result in results if result["curriculum"] == curriculum]
        if rows:
            cells = [_cell([row[column] for row in rows]) for column in columns]
            suites = _cell([float(np.mean(list(row["suites"].values()))) for row in rows])
            lines.append(f"| `{curriculum}` | {len(rows)} | {' | '.join(cells)} | {suites} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    mean = float(np.mean(values))
    if mean > 1:
        return f"{mean:,.0f}"
    if len(values) < 3:
        return f"{mean:.3f}"
    found = mean_interval(values, np.random.default_rng(0))
    return f"{mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=CURRICULA, default=list(CURRICULA))
    parser.add_argument("--seeds", type=int, help="how many, the first ones")
    parser.add_argument("--processes", type=int, default=2, help="runs at once, one core each")
    parser.add_argument("--table", action="store_true", help="show what is there, run nothing")
    parser.add_argument("--full", action="store_true", help="the published protocol: days")
    options = parser.parse_args()
    protocol = FULL if options.full else Protocol()
    folder = RESULTS / "full" if options.full else RESULTS
    if not options.table:
        seeds = range(options.seeds or protocol.num_seeds)
        missing = [
            (name, seed, protocol, folder)
            for seed in seeds
            for name in options.only
            if not (folder / f"{name}-{seed}.json").exists()
        ]
        context = multiprocessing.get_context("spawn")
        with context.Pool(options.processes, maxtasksperchild=1) as pool:
            pool.starmap(run, missing, chunksize=1)
    print(table(folder))


if __name__ == "__main__":
    main()
