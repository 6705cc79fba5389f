"""What does MAML earn in 2-D navigation after 0, 1, 2 and 3 gradient steps?

As published: goals uniform in [−0.5, 0.5]², episodes of 100 steps at most, the return of an episode
undiscounted, averaged over those that follow each number of steps. −40.4, −11.7, −3.3 and −3.2 are
published, −2.3 for who knows the goal (40 goals, 40 episodes a step; Finn et al. 2017, arXiv
1703.03400, figure 4, by the data released with its code); the bar is at most 20 % worse after two.
Training is the preset's: 40 goals × 20 episodes, 100 updates.

    taskgen run point-goal-maml name=NAME seed=S
    python benchmarks/published/navigation.py NAME [--goals 400] [--episodes 40]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from curricula.campaigns.api import load_learner
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT
from curricula.statistics import mean_interval
from learners.algorithms.maml_control import MAMLControl
from learners.evaluation import by_gradient_steps, evaluate
from taskgen.batch import TaskBatch
from taskgen.generators.goals import PointGoal

PUBLISHED = (-40.4, -11.7, -3.3, -3.2)
BARS = {2: 1.2 * PUBLISHED[2]}
_GOALS_SEED, _PLAY_SEED = 10**6, 0


def goals(num: int) -> TaskBatch:
    """Returns goals of the published square, the same ones for every learner."""
    family, rng = PointGoal(), np.random.default_rng(_GOALS_SEED)
    columns = family.space.columns([family.space.complete({})] * num)
    for name in ("goal_x", "goal_y"):
        columns[name] = rng.uniform(-0.5, 0.5, num)
    return family.make_tasks(columns, np.zeros(num, dtype=np.int64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("campaign")
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--goals", type=int, default=400)
    parser.add_argument("--episodes", type=int, default=40, help="of a goal for each step")
    options = parser.parse_args()
    torch.set_num_threads(1)
    learner = load_learner(options.campaign, options.root)
    assert isinstance(learner, MAMLControl)
    learner.config = replace(learner.config, episodes_per_step=options.episodes)
    family, tasks = PointGoal(), goals(options.goals)
    num_episodes = len(PUBLISHED) * options.episodes
    with_env = family.make_vector_env(len(tasks))
    curve = evaluate(learner, with_env, tasks, num_episodes=num_episodes, seed=_PLAY_SEED)
    returns = by_gradient_steps(curve, options.episodes).outcomes.returns
    oracle = np.mean([family.oracle_return(task) for task in tasks])
    for step, published in enumerate(PUBLISHED):
        found = mean_interval(returns[:, step], np.random.default_rng(0))
        line = {
            "campaign": options.campaign,
            "gradient_steps": step,
            "return": round(found.value, 2),
            "interval": [round(found.low, 2), round(found.high, 2)],
            "published": published,
            "oracle": round(float(oracle), 2),
        }
        if step in BARS:
            line |= {"bar": BARS[step], "holds": found.value >= BARS[step]}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
