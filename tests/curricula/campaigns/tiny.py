"""A campaign of seconds: small mazes, a small memory, few steps; every mechanism is there."""

from __future__ import annotations

from typing import Any

from curricula.campaigns.config import CampaignConfig

TINY: dict[str, Any] = {
    "name": "tiny",
    "generator": {"name": "maze-v1"},
    "learner": {
        "name": "rl2",
        "options": {
            "cell": "gru",
            "precision": "float32",
            "device": "cpu",
            "hidden_size": 8,
            "epochs": 1,
            "minibatches": 2,
        },
    },
    "search": {"name": "optuna", "options": {"sampler": "tpe"}},
    "start": {"size": [5, 7]},
    "target": {"size": [5, 11]},
    "lifetime": {"num_episodes": 2, "train_steps": 16},
    "generation": {
        "num_candidates": 3,
        "branch_env_steps": 192,
        "tasks_per_batch": 4,
        "challenger_every": 2,
        "aa_every": 2,
    },
    "evaluation": {"num_selection": 6, "num_adoption": 6, "num_monitor": 6, "num_test": 8},
    "budget": {"generations": 3},
    "executor": {"name": "inline", "threads": 1},
    "tracking": {"num_pictures": 2},
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
