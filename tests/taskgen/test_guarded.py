"""A task whose sets cannot be made costs itself, in this process and in a watched one."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from taskgen.guarded import GuardedProblems, without_failed
from taskgen.isolation import UnexplainedFault
from taskgen.judging import GRADIENT_STEPS, Predictions, outcomes_of
from tests.taskgen.lines_family import Lines

BAD = 2.5
"""The slope of lines that are at fault."""


class Raising(Lines):
    def make_problems(self, tasks, rng):
        rng.random()
        if any(task.content["slope"] == BAD for task in tasks):
            raise RuntimeError("this slope is too much")
        return super().make_problems(tasks, rng)


class Hanging(Lines):
    def make_problems(self, tasks, rng):
        while any(task.content["slope"] == BAD for task in tasks):
            time.sleep(0.01)
        return super().make_problems(tasks, rng)


class Killing(Lines):
    def make_problems(self, tasks, rng):
        if any(task.content["slope"] == BAD for task in tasks):
            os._exit(7)
        return super().make_problems(tasks, rng)


class NotANumber(Lines):
    def make_problems(self, tasks, rng):
        made = super().make_problems(tasks, rng)
        bad = np.array([task.content["slope"] == BAD for task in tasks])
        return replace(made, query_y=np.where(bad[:, None, None], np.float32(np.nan), made.query_y))


class OnlyAlone(Lines):
    def make_problems(self, tasks, rng):
        if len(tasks) > 1:
            raise RuntimeError("one at a time, please")
        return super().make_problems(tasks, rng)


class Poor(Lines):
    def make_problems(self, tasks, rng):
        raise MemoryError


def tasks_of(*slopes):
    rows = [Lines.space.complete({"slope": slope}) for slope in slopes]
    return Lines().make_tasks(Lines.space.columns(rows), np.arange(len(rows)))


def rng(seed=0):
    return np.random.default_rng(seed)


def same(one, other):
    return all(np.array_equal(value, getattr(other, name)) for name, value in vars(one).items())


@pytest.mark.parametrize("watched", [False, True], ids=["inline", "watched"])
def test_sound_batches_are_those_of_the_generator(watched):
    tasks, keys = tasks_of(0.5, 1.0, 2.0), np.arange(3, dtype=np.uint64)
    guarded, mine, theirs = GuardedProblems(Lines(), 5.0, watched=watched), rng(), rng()
    for _ in range(2):  # the rng goes on as if it had been asked directly
        assert same(guarded.make_problems(tasks, mine), Lines().make_problems(tasks, theirs))
    assert same(guarded.make_keyed_problems(tasks, keys), Lines().make_keyed_problems(tasks, keys))
    assert guarded.failures == {}
    assert (guarded.name, guarded.input_space) == (Lines.name, Lines.input_space)
    guarded.close()


@pytest.mark.parametrize(
    ("family", "watched", "reason"),
    [
        (Raising, False, "this slope is too much"),
        (Raising, True, "this slope is too much"),
        (Hanging, False, "did not return within"),
        (NotANumber, False, "not a finite number"),
    ],
)
def test_a_task_at_fault_costs_itself(family, watched, reason, monkeypatch):
    monkeypatch.setattr("taskgen.guarded.first_limit_s", lambda limit_s: limit_s)
    tasks, sound = tasks_of(0.5, BAD, 1.0, 2.0), [0, 2, 3]
    guarded = GuardedProblems(family(), 0.3 if family is Hanging else 60.0, watched=watched)
    keys = np.arange(4, dtype=np.uint64)
    made = guarded.make_keyed_problems(tasks, keys)
    assert list(guarded.failures) == [tasks[1].id]
    assert reason in guarded.failures[tasks[1].id]
    assert same(made.select(sound), family().make_keyed_problems(tasks.select(sound), keys[sound]))
    assert same(made.select([1]), made.select([0]))
    made = guarded.make_problems(tasks, rng())
    assert len(made) == 4
    # What is made of a whole batch, and cleared of one task, was drawn for that one too.
    others = tasks if family is NotANumber else tasks.select(sound)
    expected = family().make_problems(others, rng()).select(sound if len(others) == 4 else range(3))
    assert same(made.select(sound), expected)
    guarded.make_problems(tasks.select([0, 2]), rng())
    assert guarded.failures == {}
    guarded.close()


def test_a_task_that_kills_its_process_costs_itself():
    tasks, keys = tasks_of(0.5, BAD), np.arange(2, dtype=np.uint64)
    guarded = GuardedProblems(Killing(), 60.0, watched=True)
    made = guarded.make_keyed_problems(tasks, keys)
    guarded.close()
    assert list(guarded.failures) == [tasks[1].id]
    assert "7" in guarded.failures[tasks[1].id]
    assert same(made.select([0]), Lines().make_keyed_problems(tasks.select([0]), keys[:1]))


def test_what_failed_is_in_no_score_and_no_budget():
    tasks = tasks_of(0.5, BAD, 1.0)
    guarded = GuardedProblems(Raising(), 5.0)
    made = guarded.make_problems(tasks, rng())
    said = Predictions(np.zeros((3, 2, 6, 1), np.float32), GRADIENT_STEPS)
    whole = outcomes_of(made, said)
    outcomes = without_failed(whole, tasks, guarded)
    assert outcomes.complete.tolist() == [[True, True], [False, False], [True, True]]
    assert outcomes.returns[1].tolist() == [0.0, 0.0]
    assert outcomes.num_env_steps == 2 * (4 + 6)
    guarded.make_problems(tasks.select([0]), rng())
    assert without_failed(whole, tasks, guarded) is whole


@pytest.mark.parametrize(
    ("family", "slopes", "error", "message"),
    [
        (Raising, [BAD] * 9, UnexplainedFault, "each alone fails too"),
        (OnlyAlone, [0.5, 1.0], UnexplainedFault, "each alone can"),
        (NotANumber, [BAD], UnexplainedFault, "no task of 1 has sets of finite numbers"),
        (Poor, [0.5, 1.0], MemoryError, None),
    ],
)
def test_what_is_no_tasks_fault_is_raised(family, slopes, error, message):
    with pytest.raises(error, match=message):
        GuardedProblems(family(), 5.0).make_problems(tasks_of(*slopes), rng())
