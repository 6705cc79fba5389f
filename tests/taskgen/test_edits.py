"""Edits of many tasks at once: as one by one, within the split, and a faulty one costs itself."""

import numpy as np
import pytest

from curricula.checks.specimens import START, Marks
from taskgen.source import TaskSource
from taskgen.splits import split_of

SALT = "edits"


def source(generator=None):
    return TaskSource(generator or Marks(), "train", SALT)


def tasks(n=12):
    return list(source().make(START, n, np.random.default_rng(0)))


def test_each_task_gets_its_own_edit_of_the_split():
    bases = tasks()
    edits = source().mutate_tasks(bases, 2, np.random.default_rng(1))
    assert [edit.parents for edit in edits] == [(base.id,) for base in bases]
    assert {edit.operator for edit in edits} == {"reseed+reseed"}
    assert {split_of(Marks().canonical(edit), SALT) for edit in edits} == {"train"}


def test_one_edit_is_what_mutate_makes():
    (base,) = tasks(1)
    one = source().mutate(base, np.random.default_rng(3))
    assert source().mutate_tasks([base], 1, np.random.default_rng(3)) == [one]


class Stubborn(Marks):
    """Small marks raise, middling ones cannot be edited."""

    def mutate(self, task, rng):
        if task.params["size"] == 5:
            raise OSError("no ink")
        return None if task.params["size"] == 7 else super().mutate(task, rng)


def test_what_raises_or_has_no_edit_costs_itself_alone():
    bases, drawn = tasks(24), source(Stubborn())
    edits = drawn.mutate_tasks(bases, 1, np.random.default_rng(0), tries=3)
    sizes = [base.params["size"] for base in bases]
    assert {5, 7, 9} == set(sizes)
    assert [edit is not None for edit in edits] == [size == 9 for size in sizes]
    for base, edit in zip(bases, edits, strict=True):
        assert edit is None or edit.parents == (base.id,)
    assert "no ink" in repr(drawn.draws.reasons)


def test_an_edit_that_comes_to_nothing_is_none():
    class Idle(Marks):
        def mutate(self, task, rng):
            return task.edited(task.content, "nothing")

    assert source(Idle()).mutate_tasks(tasks(2), 1, np.random.default_rng(0)) == [None, None]


@pytest.mark.parametrize("n", [0, 1])
def test_few_are_fine(n):
    assert len(source().mutate_tasks(tasks(n), 1, np.random.default_rng(0))) == n
