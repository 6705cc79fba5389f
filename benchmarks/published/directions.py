"""Which way does a body run, and how fast, before and after 1, 2 and 3 gradient steps?

Half of the lifetimes ask for forward, half for backward; each unit of episodes is played by the
policy as the steps before it left it. For the half-cheetah −50.7, 293.2, 313.5 and 315.7 are
published after 0 to 3 steps, over both ways (Finn et al. 2017, arXiv 1703.03400, figure 5, by the
data released with its code; 20 episodes a step, another version of the body, 442.7 for a policy
that is told the way).

    taskgen run cheetah-direction-maml name=NAME seed=S
    python benchmarks/published/directions.py NAME [--lifetimes 20] [--episodes 5]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from curricula.campaigns.api import load_learner
from curricula.campaigns.config.plugins import make_generator
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_folder
from curricula.statistics import mean_interval
from learners.algorithms.maml_control import MAMLControl
from learners.evaluation import by_gradient_steps, evaluate
from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator

DIRECTIONS = ("forward", "backward")
PUBLISHED = (-50.7, 293.2, 313.5, 315.7)
_PLAY_SEED = 0


def bodies(family: EnvGenerator, direction: str, num: int) -> TaskBatch:
    """Returns bodies that are to run one way; they differ by no more than 1 % of their mass."""
    columns = family.space.columns([family.space.complete({"direction": direction})] * num)
    columns["mass"] = np.linspace(0.99, 1.01, num)
    return family.make_tasks(columns, np.zeros(num, dtype=np.int64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("campaign")
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--lifetimes", type=int, default=20, help="of each direction")
    parser.add_argument("--episodes", type=int, help="for each step; by default as in training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    store = CampaignStore(campaign_folder(options.campaign, options.root))
    family = make_generator(store.config().generator)
    learner = load_learner(options.campaign, options.root)
    assert isinstance(learner, MAMLControl)
    assert isinstance(family, EnvGenerator)
    episodes = options.episodes or learner.config.episodes_per_step
    learner.config = replace(learner.config, episodes_per_step=episodes)
    num_episodes = len(PUBLISHED) * episodes
    both = []
    for direction in DIRECTIONS:
        tasks = bodies(family, direction, options.lifetimes)
        env = family.make_vector_env(len(tasks))
        curve = evaluate(learner, env, tasks, num_episodes=num_episodes, seed=_PLAY_SEED)
        both.append(by_gradient_steps(curve, episodes).outcomes.returns)
        tell(options.campaign, direction, both[-1])
    tell(options.campaign, "both", np.concatenate(both), published=PUBLISHED)


def tell(
    campaign: str, direction: str, returns: np.ndarray, published: tuple[float, ...] = ()
) -> None:
    """Prints the return of an episode after each number of steps."""
    for step in range(returns.shape[1]):
        found = mean_interval(returns[:, step], np.random.default_rng(0))
        line = {
            "campaign": campaign,
            "direction": direction,
            "gradient_steps": step,
            "return": round(found.value, 1),
            "interval": [round(found.low, 1), round(found.high, 1)],
            "lowest": round(float(returns[:, step].min()), 1),
        }
        print(json.dumps(line | ({"published": published[step]} if published else {})), flush=True)


if __name__ == "__main__":
    main()
