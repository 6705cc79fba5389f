"""What do the published algorithms, and our learners, earn in the tables of RL²?

Bandits of 5, 10 and 50 Bernoulli arms, uniform on [0, 1], for 10, 100 and 500 pulls; random MDPs
of 10 states and 5 actions for 10 to 100 episodes of 10 steps: `bandit-v1` and `tabular-mdp-v1`,
against tables 1 and 2 of Duan et al. 2016, arXiv 1611.02779, which are means of 1,000 instances. A
row holds if ours is within three of their standard errors + 0.05 (half a unit of what table 1
prints): then the families are the same. Constants that the paper tuned without telling are the best
of a small grid (`TUNED`), found on other instances.

    python benchmarks/published/rl2_tables.py [--table bandit|mdp] [--instances 20000]
    python benchmarks/published/rl2_tables.py --learner CAMPAIGN [--instances 20000]

The second plays a trained campaign on `bandit-v1` or `tabular-mdp-v1`, always with the likeliest
action, for the lifetime it was trained on. It holds if it earns 99.5 % of the exact optimum where
that is known, elsewhere the published RL² less two of its standard errors. One line a value, as
JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator
from taskgen.generators.bandit import Bandit
from taskgen.generators.references.bandits import (
    UCB1,
    EpsilonGreedy,
    Gittins,
    LikeliestThompson,
    Thompson,
)
from taskgen.generators.references.beliefs import Prior
from taskgen.generators.references.mdps import BEB, PSRL, UCRL2, EpsilonGreedyMDP, KnownMDP
from taskgen.generators.references.play import RandomPlay, ReferencePolicy, play
from taskgen.generators.tabular import TabularMDP
from taskgen.generators.tabular.contents import MDPs
from taskgen.generators.tabular.planning import best_values

BANDIT_ROWS = ("random", "gittins", "ts", "ots", "ucb1", "epsilon_greedy", "greedy", "rl2")
BANDITS = {
    (10, 5): (5.0, 6.6, 5.7, 6.5, 6.7, 6.6, 6.6, 6.7),
    (10, 10): (5.0, 6.6, 5.5, 6.2, 6.7, 6.6, 6.6, 6.7),
    (10, 50): (5.1, 6.5, 5.2, 5.5, 6.6, 6.5, 6.5, 6.8),
    (100, 5): (49.9, 78.3, 74.7, 77.9, 78.0, 75.4, 74.8, 78.7),
    (100, 10): (49.9, 82.8, 76.7, 81.4, 82.4, 77.4, 77.1, 83.5),
    (100, 50): (49.8, 85.2, 64.5, 67.7, 84.3, 78.3, 78.0, 84.9),
    (500, 5): (249.8, 405.8, 402.0, 406.7, 405.8, 388.2, 380.6, 401.6),
    (500, 10): (249.0, 437.8, 429.5, 438.9, 437.1, 408.0, 395.0, 432.5),
    (500, 50): (249.6, 463.7, 427.2, 437.6, 457.6, 413.6, 402.8, 438.9),
}
MDP_ROWS = ("random", "psrl", "opsrl", "ucrl2", "beb", "epsilon_greedy", "greedy", "rl2")
MDPS = {
    10: (100.1, 138.1, 144.1, 146.6, 150.2, 132.8, 134.8, 156.2),
    25: (250.2, 408.8, 425.2, 424.1, 427.8, 377.3, 368.8, 445.7),
    50: (499.7, 904.4, 930.7, 918.9, 917.8, 823.3, 769.3, 936.1),
    75: (749.9, 1417.1, 1449.2, 1427.6, 1422.6, 1293.9, 1172.9, 1428.8),
    100: (999.4, 1939.5, 1973.9, 1942.1, 1935.1, 1778.2, 1578.5, 1913.7),
}
EXACT = {(10, 5): 6.660, (10, 10): 6.714, (10, 50): 6.714}
"""The Bayes optimum, by `Bandit.bayes_return`; beyond ten arms an eleventh is never pulled."""
TUNED = {
    "discount": {10: 0.8, 100: 0.98, 500: 0.995},
    "ucb1_width": {10: 0.1, 100: 0.2, 500: 0.2},
    "bandit_epsilon": {10: 0.01, 100: 0.01, 500: 0.05},
    "ots_draws": 20,
    "opsrl_tables": 10,
    "ucrl2_width": 0.4,
    "beb_bonus": 3.0,
    "told_beb_bonus": 0.5,
    "mdp_epsilon": 0.1,
}
PUBLISHED_INSTANCES = 1000
_SLACK = 0.05
_CHUNK = 1000
_FIRST_SEED = 2 * 10**6
_PULLS_AN_EPISODE = 100


def bandit_policies(num_pulls: int, num_arms: int) -> dict[str, ReferencePolicy]:
    """Returns the policies of table 1 by row."""
    k = num_arms
    return {
        "random": RandomPlay(k),
        "gittins": Gittins(k, num_pulls, TUNED["discount"][num_pulls]),
        "ts": Thompson(k),
        "ots": LikeliestThompson(k, TUNED["ots_draws"]),
        "ucb1": UCB1(k, TUNED["ucb1_width"][num_pulls]),
        "epsilon_greedy": EpsilonGreedy(k, TUNED["bandit_epsilon"][num_pulls]),
        "greedy": EpsilonGreedy(k),
    }


def mdp_policies() -> dict[str, ReferencePolicy]:
    """Returns the policies of table 2 by row, and some that it has not."""
    return {
        "random": RandomPlay(5),
        "psrl": PSRL(),
        "opsrl": PSRL(TUNED["opsrl_tables"]),
        "ucrl2": UCRL2(TUNED["ucrl2_width"], keeps_hope=True),
        "beb": BEB(TUNED["beb_bonus"]),
        "epsilon_greedy": EpsilonGreedyMDP(TUNED["mdp_epsilon"]),
        "greedy": EpsilonGreedyMDP(),
        "ucrl2_by_its_paper": UCRL2(TUNED["ucrl2_width"]),
        "psrl_told_the_prior": PSRL(prior=Prior()),
        "beb_told_the_prior": BEB(TUNED["told_beb_bonus"], Prior()),
        "known_mdp": KnownMDP(),
    }


def instances(family: EnvGenerator, num: int, first: int, **values: Any) -> TaskBatch:
    """Returns tasks of one row of parameters, the seeds from `first` on."""
    row = family.space.complete(values)
    seeds = _FIRST_SEED + first + np.arange(num)
    return family.make_tasks(family.space.columns([row] * num), seeds)


def chunks(num: int) -> Iterator[tuple[int, int]]:
    """Yields number and first index of each chunk of instances."""
    for first in range(0, num, _CHUNK):
        yield min(_CHUNK, num - first), first


def line(setting: str, row: str, totals: NDArray[np.float64], published: float | None) -> None:
    """Prints one value of a published algorithm beside what it earned there."""
    printed = measured(setting, row, totals)
    if published is not None:
        room = 3.0 * published_error(totals) + _SLACK
        holds = abs(printed["value"] - published) <= room
        printed |= {"published": published, "room": round(room, 2), "holds": holds}
    print(json.dumps(printed), flush=True)


def learner_line(setting: str, row: str, totals: NDArray[np.float64], key: Any) -> None:
    """Prints what a learner earns beside the published RL² and the bar."""
    printed = measured(setting, row, totals)
    known = MDPS.get(key) or BANDITS.get(key)
    if known is not None:
        bar = 0.995 * EXACT[key] if key in EXACT else known[-1] - 2.0 * published_error(totals)
        holds = printed["value"] >= bar
        printed |= {"published": known[-1], "bar": round(bar, 3), "holds": holds}
    print(json.dumps(printed), flush=True)


def measured(setting: str, row: str, totals: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "setting": setting,
        "policy": row,
        "value": round(float(totals.mean()), 3),
        "standard_error": round(float(totals.std(ddof=1)) / math.sqrt(len(totals)), 3),
        "instances": len(totals),
    }


def published_error(totals: NDArray[np.float64]) -> float:
    """Returns the standard error of the published means, which the paper does not print."""
    return float(totals.std(ddof=1)) / math.sqrt(PUBLISHED_INSTANCES)


def bandit_table(options: argparse.Namespace) -> None:
    for (num_pulls, num_arms), published in BANDITS.items():
        if options.pulls not in (None, num_pulls) or options.arms not in (None, num_arms):
            continue
        setting = f"bandit, {num_pulls} pulls, {num_arms} arms"
        family, known = Bandit(num_arms), dict(zip(BANDIT_ROWS, published, strict=True))
        pulls = min(num_pulls, _PULLS_AN_EPISODE)
        for row, policy in bandit_policies(num_pulls, num_arms).items():
            if options.rows and row not in options.rows:
                continue
            totals = []
            for num, first in chunks(options.instances):
                tasks = instances(family, num, first, pulls=pulls)
                returns = play(policy, family, tasks, num_pulls // pulls, options.seed + first)
                totals.append(returns.sum(axis=1))
            line(setting, row, np.concatenate(totals), known[row])
        if (num_pulls, num_arms) in EXACT:
            optimum = {
                "setting": setting,
                "policy": "bayes_optimum",
                "value": EXACT[num_pulls, num_arms],
            }
            print(json.dumps(optimum), flush=True)


def mdp_table(options: argparse.Namespace) -> None:
    family, lengths = TabularMDP(), sorted(MDPS)
    for row, policy in mdp_policies().items():
        if options.rows and row not in options.rows:
            continue
        parts = []
        for num, first in chunks(options.instances):
            tasks = instances(family, num, first)
            returns = play(policy, family, tasks, lengths[-1], options.seed + first)
            parts.append(np.cumsum(returns, axis=1)[:, np.array(lengths) - 1])
        for length, totals in zip(lengths, np.concatenate(parts).T, strict=True):
            known = dict(zip(MDP_ROWS, MDPS[length], strict=True))
            line(f"mdp, {length} episodes", row, totals, known.get(row))
    exact = [
        best_values(MDPs.of(instances(family, num, first).contents))[:, 0]
        for num, first in chunks(options.instances)
    ]
    line("mdp, an episode", "exact_optimum", np.concatenate(exact), None)


def learner_table(options: argparse.Namespace) -> None:
    import torch

    from curricula.campaigns.api import load_learner
    from curricula.campaigns.config.plugins import make_generator
    from curricula.campaigns.store.checkpoint import CampaignStore, campaign_folder
    from learners.evaluation import evaluate

    torch.set_num_threads(1)
    config = CampaignStore(campaign_folder(options.learner, options.root)).config()
    family = make_generator(config.generator)
    learner = load_learner(options.learner, options.root)
    num_episodes = config.lifetime.num_episodes
    if isinstance(family, Bandit):
        values = {"pulls": int(config.start["pulls"])}
        num_pulls = values["pulls"] * num_episodes
        setting = f"bandit, {num_pulls} pulls, {family.num_arms} arms"
        key: Any = (num_pulls, family.num_arms)
    elif isinstance(family, TabularMDP):
        values, setting = {}, f"mdp, {num_episodes} episodes"
        key = num_episodes
    else:
        raise SystemExit(f"{config.generator.name} is in neither table.")
    env, totals = family.make_vector_env(_CHUNK), []
    for num, first in chunks(options.instances):
        tasks = instances(family, num, first, **values)
        curve = evaluate(
            learner, env, tasks, num_episodes=num_episodes, seed=options.seed, greedy=True
        )
        totals.append(curve.outcomes.returns.sum(axis=1))
    learner_line(setting, f"rl2: {options.learner}", np.concatenate(totals), key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", choices=["bandit", "mdp"], help="by default both")
    parser.add_argument("--instances", type=int, default=20_000, help="of each cell")
    parser.add_argument(
        "--pulls", type=int, choices=[10, 100, 500], help="of bandits; by default all"
    )
    parser.add_argument("--arms", type=int, choices=[5, 10, 50], help="by default all")
    parser.add_argument("--rows", nargs="*", help="policies; by default all")
    parser.add_argument("--seed", type=int, default=0, help="of the play; instances are the same")
    parser.add_argument("--learner", help="a campaign to play in place of the published algorithms")
    parser.add_argument("--root", type=Path, help="where campaigns lie")
    options = parser.parse_args()
    start = time.process_time()
    if options.learner:
        from curricula.campaigns.store.checkpoint import DEFAULT_ROOT

        options.root = options.root or DEFAULT_ROOT
        learner_table(options)
    else:
        for name, table in (("bandit", bandit_table), ("mdp", mdp_table)):
            if options.table in (None, name):
                table(options)
    print(json.dumps({"processor_s": round(time.process_time() - start, 1)}))


if __name__ == "__main__":
    main()
