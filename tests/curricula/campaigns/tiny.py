"""A campaign of seconds: small mazes, a small memory, few steps; every mechanism is there.

The first generation has a challenger and an A/A pair and prunes; the second one warm-starts its
search. Goals are near, so that an untrained learner finds some of them, and the steps of learning
are large, so that branches differ: were all gains zero, equal campaigns would prove little.
"""

from __future__ import annotations

from typing import Any

from curricula.campaigns.config.schema import CampaignConfig

TINY: dict[str, Any] = {
    "name": "tiny",
    "generator": {"name": "maze-v1"},
    "learner": {
        "name": "rl2",
        "options": {
            "cell": "gru",
            "precision": "float32",
            "kernel": "torch",
            "device": "cpu",
            "hidden_size": 8,
            "epochs": 1,
            "minibatches": 2,
            "lr": 0.03,
        },
    },
    "search": {"name": "optuna", "options": {"sampler": "tpe"}},
    "start": {"size": [5, 7], "goal_distance": 0.1, "horizon_factor": 0.5},
    "target": {"size": [5, 9]},
    "lifetime": {"num_episodes": 2, "train_steps": 16},
    "generation": {
        "num_candidates": 3,
        "branch_env_steps": 192,
        "tasks_per_batch": 4,
        "challenger_every": 2,
        "aa_every": 2,
        "prune_sd": 0.6,
    },
    "evaluation": {
        "num_selection": 6,
        "num_adoption": 6,
        "num_monitor": 6,
        "num_test": 8,
        "score": "mean_return",  # resolved: some tests make no campaign of it
    },
    "budget": {"generations": 2},
    "executor": {"name": "inline", "threads": 1},
    "tracking": {"num_pictures": 2, "films": False},
}


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Returns a copy of a nested dict with the changes laid over it."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        nested = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if nested else value
    return result


def tiny_config(**changes: Any) -> CampaignConfig:
    """Returns the tiny campaign's configuration, changed where told."""
    return CampaignConfig.model_validate(merged(TINY, changes))
