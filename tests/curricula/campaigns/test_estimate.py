"""What a campaign will take: counted by hand, and never a reason not to start."""

import time

import pytest

from curricula.campaigns import estimate
from taskgen.generators.bandit import Bandit
from tests.curricula.campaigns.tiny import tiny_config

EVERY = {"num_candidates": 3, "branch_env_steps": 100, "rung_share": 0.5}


def steps(**changes) -> dict[str, float]:
    evaluation = {"num_selection": 4, "num_adoption": 8, "num_monitor": 16}
    config = tiny_config(evaluation=evaluation, **changes)
    return estimate.generation_env_steps(config, lifetime_steps=10.0)


def test_a_generation_by_hand() -> None:
    generation = {**EVERY, "challenger_every": 2, "aa_every": 4}
    # Keep, two moves, half a challenger, a quarter of an A/A copy: 3.75 branches, each examined at
    # the rung and at the end, beside the start; two play for adoption, two monitor sets.
    tasks = (2 * 3.75 + 1) * 4 + 2 * 8 + 2 * 16
    assert steps(generation=generation) == {"train": 375.0, "evaluate": tasks * 10.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"search": "fixed", "generation": EVERY},
        {"generation": {**EVERY, "num_candidates": 1}},
        {"generation": {**EVERY, "num_candidates": 0}},
    ],
)
def test_what_has_no_moves_is_one_branch_without_a_rung(changes) -> None:
    assert steps(**changes) == {"train": 100.0, "evaluate": (2 * 4 + 2 * 16) * 10.0}


class Raises(Bandit):
    """A family whose tasks cannot be made."""

    def make_tasks(self, params, seeds):
        raise RuntimeError("no tasks today")


class Hangs(Bandit):
    """A family whose tasks take for ever."""

    def make_tasks(self, params, seeds):
        time.sleep(60.0)
        return super().make_tasks(params, seeds)


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported() -> None:
    """What the short limit below must not interrupt."""
    assert estimate.estimate(tiny_config())["basis"].startswith("one batch measured")


@pytest.mark.parametrize("family", [Raises, Hangs])
def test_a_plugin_that_fails_costs_the_estimate_alone(family, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "_PATIENCE_S", 3.0)
    monkeypatch.setattr(estimate, "make_generator", lambda plugin: family())
    config = tiny_config(search="fixed", budget={"env_steps": 1000})
    config = config.model_copy(update={"start": {}, "target": None})
    assert estimate.estimate(config) == {
        "env_steps": 1000,
        "seconds": None,
        "bytes": None,
        "basis": "the budget alone",
    }


class Theirs(Bandit):
    """A family from outside."""


def test_a_generator_from_outside_is_measured_too(monkeypatch) -> None:
    monkeypatch.setattr(estimate, "make_generator", lambda plugin: Theirs(num_arms=2))
    config = tiny_config(search="fixed")
    config = config.model_copy(update={"start": {}, "target": None})
    found = estimate.estimate(config)
    assert found["basis"].startswith("one batch measured")
    assert found["env_steps"] > 0
    assert found["seconds"] > 0
