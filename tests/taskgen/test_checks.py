import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from taskgen.checks import CheckFailed, check_generator
from taskgen.checks.effects import critical_gap, largest_gap, why_without_effect
from taskgen.generators.gymnasium_env import GymnasiumEnv

_HERE = Path(__file__).parent
if str(_HERE) not in sys.path:  # so that a fresh process can import it as well
    sys.path.insert(0, str(_HERE))
broken = importlib.import_module("broken_generators")

EFFECTS = {"speed has an effect", "steps has an effect"}


def failures(generator, only=None):
    return {result.name: result.reason for result in check_generator(generator, only=only).failed}


def test_a_sound_generator_passes_with_a_line_for_every_check():
    report = check_generator(broken.Sound())
    assert report.ok, str(report)
    assert {result.name for result in report.results} >= EFFECTS
    assert len(str(report).splitlines()) == 1 + len(report.results)
    report.raise_if_failed()


ONE_SIDE = "tasks of one form lie on one side of the split"


@pytest.mark.parametrize(
    ("generator", "check", "reason"),
    [
        (broken.NoOpParameter, "gravity has an effect", "cannot be told apart"),
        (broken.GlobalNumpy, "no global randomness", "numpy's global"),
        (broken.GlobalPython, "no global randomness", "Python's global"),
        (broken.ClockContent, "the same parameters and seed give the same task", "two different"),
        (broken.SaltedHash, "the same task in another process", "another process"),
        (
            broken.VaryingSpace,
            "one observation and action space over the whole space",
            "observation space of",
        ),
        (
            broken.LateEscape,
            "observations stay in their space to the end",
            "steps with one action held an observation",
        ),
        (broken.BatchEscape, "observations stay in their space to the end", "after 5 steps with"),
        (broken.SilentSuccess, "success is told", "no step of 8 episodes had"),
        (broken.HalfSuccess, "success is told", "is False, that of make_vector_env is True"),
        (broken.LeakyState, "no trace of the tasks played before", "after others were played"),
        (broken.SlotReward, "vector equals single, whatever the slot", "depends on its slot"),
        (broken.VectorPaysTwice, "vector equals single, whatever the slot", "other than make_env"),
        (broken.InfiniteBounds, "name, kind and finite bounds", "finite bounds"),
        (broken.AcceptsAnything, "what is out of the space is refused", "accepted"),
        (broken.ModestOracle, "nobody beats the oracle", "more than oracle_return"),
        (broken.WrongBatch, "a batch of tasks equals its tasks one by one", "differ from those"),
        (broken.SaltedSide, "the same task in another process", "another process"),
        (broken.PartedTwins, ONE_SIDE, "may lie on two sides"),
        (broken.BeyondTheSplits, ONE_SIDE, "must be in [0, 1)"),
        (broken.OneForm, ONE_SIDE, "none can be held out"),
        (broken.NotJson, "tasks are plain, small, and travel as JSON", "round trip"),
        (broken.EndlessFeature, "features are finite, pictures are pictures", "difficulty = inf"),
        (broken.OrphanEdits, "edits stay valid and inside the space", "name its parent"),
    ],
)
def test_a_defect_is_found_for_what_it_is(generator, check, reason):
    assert reason in failures(generator(), only=[check])[check]


def test_only_the_defect_is_found_and_raised():
    report = check_generator(broken.NoOpParameter())
    assert [result.name for result in report.failed] == ["gravity has an effect"]
    with pytest.raises(CheckFailed, match="cannot be told apart"):
        report.raise_if_failed()


def test_an_attribute_that_the_environment_ignores_has_no_effect():
    class Ignored(GymnasiumEnv):
        def apply(self, env, values):
            env.gravity_of_nothing = values["gravity"]

    generator = Ignored("CartPole-v1", {"gravity": {"low": 2.0, "high": 20.0, "default": 9.8}})
    assert "cannot be told apart" in why_without_effect(generator, "gravity")


def test_a_parameter_that_only_reshuffles_random_content_has_no_effect():
    class Reshuffled(broken.Sound):
        space = broken.NoOpParameter.space

        def content(self, params, seed):
            return super().content(params, seed + round(1000 * params["gravity"]))

    assert "cannot be told apart" in why_without_effect(Reshuffled(), "gravity")
    assert why_without_effect(Reshuffled(), "speed") == ""


def test_gap_of_two_samples_by_hand():
    assert largest_gap(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 4])) == 0.0
    assert largest_gap(np.array([1.0, 2]), np.array([3.0, 4])) == 1.0
    assert largest_gap(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == 0.5


def test_equal_samples_pass_the_critical_gap_as_rarely_as_said():
    rng = np.random.default_rng(0)
    limit = critical_gap(48, 48, alpha=0.05)
    passed = np.mean([largest_gap(*rng.normal(size=(2, 48))) > limit for _ in range(2000)])
    assert passed <= 0.05
