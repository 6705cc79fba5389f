"""A bad generator costs tasks, never the campaign."""

import time

import gymnasium
import numpy as np
import pytest

from curricula.campaigns.campaign import Campaign
from taskgen.generator import EnvGenerator, Validity
from taskgen.parameters import Float, ParameterSpace
from taskgen.task import Task
from tests.curricula.campaigns.tiny import tiny_config


class Rough(gymnasium.Env):
    """Pays for action 1; misbehaves as its task says."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, fault):
        self.fault = fault

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.fault == "reset raises":
            raise RuntimeError("no such place")
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action):
        if self.fault == "step raises":
            raise RuntimeError("broken leg")
        if self.fault == "hangs":
            time.sleep(3600)
        reward = float("nan") if self.fault == "nan" else float(action == 1)
        observation = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return observation, reward, False, False, {"success": bool(action == 1)}


class RoughGenerator(EnvGenerator):
    """One task in eight has the fault that the class names."""

    name = "rough-v1"
    space = ParameterSpace({"x": Float(low=0.0, high=1.0, default=0.5)})
    fault = ""

    def make_task(self, params, seed):
        fault = self.fault if seed % 8 == 1 else ""
        if fault == "make raises":
            raise RuntimeError("out of clay")
        return Task(self.name, 1, params, seed, {"x": params["x"], "seed": seed, "fault": fault})

    def make_env(self, task):
        return Rough(task.content["fault"])

    def horizon(self, task):
        return 4

    def is_valid(self, task):
        return Validity(task.content["fault"] != "unsolvable", "has no way out")

    def make_vector_env(self, num_envs):
        envs = super().make_vector_env(num_envs)
        envs._timeout_s = 0.2
        return envs


class StepRaises(RoughGenerator):
    fault = "step raises"


class ResetRaises(RoughGenerator):
    fault = "reset raises"


class MakeRaises(RoughGenerator):
    fault = "make raises"


class Hangs(RoughGenerator):
    fault = "hangs"


class Nan(RoughGenerator):
    fault = "nan"


class Unsolvable(RoughGenerator):
    fault = "unsolvable"


def run(tmp_path, generator):
    config = tiny_config(
        generator={"name": f"tests.curricula.campaigns.test_faults:{generator.__name__}"},
        movable=["x"],
        budget={"generations": 1},
        generation={"num_candidates": 2, "branch_env_steps": 64, "aa_every": 0},
    ).model_copy(update={"start": {"x": [0.4, 0.6]}, "target": {"x": [0.0, 1.0]}})
    campaign = Campaign.create(config, tmp_path)
    return campaign.run()["record"]


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        (StepRaises, "broken leg"),
        (ResetRaises, "no such place"),
        (Hangs, "did not return within"),
        (Nan, "finite"),
    ],
)
def test_task_that_misbehaves_is_quarantined_with_its_reason(tmp_path, generator, reason):
    record = run(tmp_path, generator)
    assert record["generation"] == 1
    assert record["quarantine"]
    assert all(reason in why for why in record["quarantine"].values())


def test_parameters_that_cannot_be_made_are_counted_with_their_reason(tmp_path):
    record = run(tmp_path, MakeRaises)
    assert record["draws"]["failed"] > 0
    assert any("out of clay" in why for why in record["quarantine"].values())


def test_unsolvable_tasks_are_never_played(tmp_path):
    record = run(tmp_path, Unsolvable)
    assert record["draws"]["invalid"] > 0
    assert not record["quarantine"]
    assert not any(task["content"]["fault"] for task in record["tasks"])
