from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box

from taskgen.checks import check_generator
from taskgen.checks.effects import why_without_effect
from taskgen.checks.problem_features import content_features
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float
from taskgen.problems import Problems, stacked
from tests.taskgen.lines_family import Halves, Lines


@pytest.mark.parametrize("family", [Lines, Halves])
def test_sound_families_pass(family):
    check_generator(family()).raise_if_failed()


class WithoutSpaces(Lines):
    """Does not say what its targets are."""

    target_space = None


class BeyondItsSpace(Lines):
    """Says that inputs lie in a smaller box than they do."""

    input_space = Box(-0.5, 0.5, (1,))


class AlwaysTheSame(Lines):
    """Takes its randomness from nowhere."""

    def make_problems(self, tasks, rng):
        return super().make_problems(tasks, np.random.default_rng(0))


class Neighbourly(Lines):
    """Gives a task other points where it stands in a batch of others."""

    def make_keyed_problems(self, tasks, keys):
        return self.make_problems(tasks, np.random.default_rng(int(keys[0])))


class Remembering(Lines):
    """Shifts its targets by how often it was asked."""

    calls = 0

    def make_problems(self, tasks, rng):
        type(self).calls += 1
        made = super().make_problems(tasks, rng)
        return replace(made, query_y=made.query_y + np.float32(self.calls))


class Leaking(Lines):
    """Asks what it has shown."""

    def make_problems(self, tasks, rng):
        made = super().make_problems(tasks, rng)
        query_x, query_y = made.query_x.copy(), made.query_y.copy()
        query_x[:, 0], query_y[:, 0] = made.support_x[:, 0], made.support_y[:, 0]
        return replace(made, query_x=query_x, query_y=query_y)


class NeverShown(Halves):
    """Shows one class and asks for both."""

    def make_problems(self, tasks, rng):
        made = super().make_problems(tasks, rng)
        return replace(made, support_y=np.zeros_like(made.support_y))


class ModestOracle(Lines):
    """Calls a large error the least possible."""

    def oracle_return(self, task):
        return -100.0


class NeverVaries(Lines):
    """Takes a task for fixed whose content is drawn."""

    def make_task(self, params, seed):
        task = super().make_task(params, seed)
        return replace(task, content={**task.content, "draw": seed})

    def varies(self, params):
        return np.zeros(len(params["slope"]), dtype=bool)


class OneTooFew(Lines):
    """Leaves the last task of a batch out."""

    def make_problems(self, tasks, rng):
        return super().make_problems(tasks[: max(len(tasks) - 1, 1)], rng)


@pytest.mark.parametrize(
    ("family", "check", "reason"),
    [
        (WithoutSpaces, "name, kind and finite bounds", "target_space must be"),
        (BeyondItsSpace, "one input and target space over the whole space", "inputs lie outside"),
        (OneTooFew, "one input and target space over the whole space", "problems for"),
        (AlwaysTheSame, "fresh sets, made from the rng alone", "another rng gave the same"),
        (Neighbourly, "keyed sets, whatever the batch", "depends on the batch"),
        (Remembering, "no trace of the tasks of before", "query_y is other"),
        (Leaking, "query points are others than support points", "one of its support points"),
        (NeverShown, "query points are others than support points", "never shown"),
        (NeverVaries, "rows that do not vary are one task", "two tasks with two seeds"),
        (ModestOracle, "nobody who guesses beats the oracle", "worth"),
    ],
)
def test_a_defect_is_found_for_what_it_is(family, check, reason):
    failed = {r.name: r.reason for r in check_generator(family(), only=[check]).failed}
    assert reason in failed[check]


def test_a_parameter_that_is_never_felt_is_found():
    class Ignoring(Lines):
        space = ParameterSpace({**Lines.space, "frequency": Float(low=0.1, high=9.0, default=1.0)})

    assert "cannot be told apart" in why_without_effect(Ignoring(), "frequency")


def test_how_targets_go_with_inputs_is_an_effect():
    # Slopes of ±3 differ in nothing but that: means and spreads of both are the same.
    class Signs(Lines):
        space = ParameterSpace({**Lines.space, "intercept": Float(low=-1e-6, high=1e-6, default=0)})

    assert why_without_effect(Signs(), "slope") == ""


def test_keyed_sets_by_default_are_those_of_one_task_at_a_time():
    family = Lines()
    rows = [family.space.complete({"shots": shots}) for shots in (2, 8)]
    tasks = family.make_tasks(family.space.columns(rows), np.arange(2))
    keys = np.array([5, 6], dtype=np.uint64)
    alone = [
        family.make_problems(tasks[i : i + 1], np.random.default_rng(int(key)))
        for i, key in enumerate(keys)
    ]
    together, both = family.make_keyed_problems(tasks, keys), stacked(alone)
    assert np.array_equal(together.support_x, both.support_x)
    assert np.array_equal(together.query_y, both.query_y)


def test_the_scatter_of_a_class_by_hand():
    x = np.array([0.0, 2.0, 10.0, 10.0, 99.0], np.float32).reshape(1, 5, 1)
    y = np.array([[0, 0, 1, 1, 0]])
    mask = np.array([[True, True, True, True, False]])  # the last is padding
    found = content_features(Problems(x, y, x[:, :4], y[:, :4], mask))
    for name in ("support", "query"):
        # (0 − 1)² + (2 − 1)² within the classes; around 5.5 it is 2 · 4.5² + 5.5² + 3.5².
        assert found[f"{name} scatter"] == pytest.approx([2.0 / 83.0])
        assert found[f"{name} scatter of means"] == pytest.approx([np.sqrt(2.0 / 4.0)])
    numbers = Problems(x, x, x, x, mask)
    assert not any("scatter" in name for name in content_features(numbers))
