"""Checks of how problems are made of tasks.

Each returns "" or the reason why it fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.checks.specimens import Specimens
from taskgen.generator import ProblemGenerator
from taskgen.judging import guessed, returns_of
from taskgen.problems import Problems, stacked
from taskgen.randomness import task_keys
from taskgen.task import Task, content_id


def one_space(specimens: Specimens) -> str:
    """Every task has sets of the generator's spaces, one row a task, all numbers finite."""
    generator = _problem_generator(specimens)
    tasks = specimens.some(len(specimens.rows))
    for some in (tasks, tasks[:1]):
        problems = _made(generator, some)
        if len(problems) != len(some):
            return f"make_problems gave {len(problems)} problems for {len(some)} tasks"
        for which, mask in (
            ("support", problems.mask),
            ("query", np.ones(problems.query_x.shape[:2], bool)),
        ):
            x, y = getattr(problems, f"{which}_x"), getattr(problems, f"{which}_y")
            if reason := _outside(generator, x[mask], y[mask]):
                return f"{which} {reason}"
    return ""


def fresh(specimens: Specimens) -> str:
    """The same rng gives the same sets, another rng others."""
    generator, tasks = _problem_generator(specimens), specimens.some(8)
    once, again, other = (_made(generator, tasks, seed) for seed in (0, 0, 1))
    if name := _difference(once, again):
        return f"{name} differs between two calls with the same rng"
    if not _difference(once, other):
        return "another rng gave the same sets; draw which points are shown and asked from rng"
    return ""


def keyed(specimens: Specimens) -> str:
    """`make_keyed_problems` gives a task the sets of its key, in any batch and order."""
    generator, tasks = _problem_generator(specimens), specimens.some(8)
    keys = task_keys(3, [task.id for task in tasks])
    together = generator.make_keyed_problems(tasks, keys)
    order = np.random.default_rng(3).permutation(len(tasks))
    moved = generator.make_keyed_problems([tasks[i] for i in order], keys[order])
    apart = stacked([generator.make_keyed_problems([t], k) for t, k in _pairs(tasks, keys)])
    for other in (moved.select(np.argsort(order)), apart):
        if name := _difference(_trimmed(together), _trimmed(other)):
            return f"{name} of a task depends on the batch that it is in"
    if len(tasks) > 1 and not _difference(
        together, generator.make_keyed_problems(tasks, keys + np.uint64(1))
    ):
        return "other keys gave the same sets"
    return ""


def no_trace(specimens: Specimens) -> str:
    """Tasks A, then B, then A: A has the same sets as before, and is as it was."""
    generator, tasks = _problem_generator(specimens), specimens.some(8)
    half = max(len(tasks) // 2, 1)
    before = _made(generator, tasks[:half])
    _made(generator, tasks[half:] or tasks)
    if name := _difference(before, _made(generator, tasks[:half])):
        return f"{name} is other after the problems of other tasks were made"
    changed = [t for t in tasks if content_id(t.generator, t.content) != t.id]
    return f"make_problems changed the content of {changed[0].params}" if changed else ""


def apart(specimens: Specimens) -> str:
    """What is asked was not shown, and of classes what is asked for was."""
    generator, tasks = _problem_generator(specimens), specimens.some(32)
    problems = _made(generator, tasks)
    for b, (task, mask) in enumerate(zip(tasks, problems.mask, strict=True)):
        shown = {x.tobytes() for x in problems.support_x[b][mask]}
        if any(x.tobytes() in shown for x in problems.query_x[b]):
            return f"a query point of {task.params} is one of its support points"
        if problems.has_classes:
            missing = set(problems.query_y[b].tolist()) - set(problems.support_y[b][mask].tolist())
            if missing:
                return f"the classes {sorted(missing)} of {task.params} are asked for, never shown"
    return ""


def oracle_is_best(specimens: Specimens) -> str:
    """The mean of the support targets, or no answer at all, is not worth more than the oracle."""
    generator = _problem_generator(specimens)
    tasks = specimens.some(64 if specimens.thorough else 16)
    best = [generator.oracle_return(task) for task in tasks]
    known = [i for i, value in enumerate(best) if value is not None]
    if not known:
        return ""
    space = generator.target_space
    problems = _made(generator, tasks)
    guess = guessed(problems, int(space.n) if isinstance(space, Discrete) else None)
    extra = (returns_of(problems, guess)[:, 0] - np.array(best, dtype=float))[known]
    # A guess may be lucky, so it takes more than four standard errors.
    slack = 4.0 * extra.std() / np.sqrt(len(extra)) + 1e-6
    if extra.mean() > slack:
        return f"guessing is worth {extra.mean():.3g} more than oracle_return on average"
    return ""


def _problem_generator(specimens: Specimens) -> ProblemGenerator:
    assert isinstance(specimens.generator, ProblemGenerator)
    return specimens.generator


def _made(generator: ProblemGenerator, tasks: Sequence[Task], seed: int = 0) -> Problems:
    return generator.make_problems(tasks, np.random.default_rng(seed))


def _pairs(
    tasks: Sequence[Task], keys: NDArray[np.uint64]
) -> list[tuple[Task, NDArray[np.uint64]]]:
    return [(task, keys[i : i + 1]) for i, task in enumerate(tasks)]


def _outside(generator: ProblemGenerator, x: NDArray[np.float32], y: NDArray[np.float32]) -> str:
    """Returns what of P points is not in the generator's spaces, x [P, *x] and y [P, *y]."""
    inputs, targets = generator.input_space, generator.target_space
    if reason := _outside_box("inputs", inputs, x):
        return reason
    if isinstance(targets, Box):
        return _outside_box("targets", targets, y)
    if y.dtype != np.int64:
        return f"targets must be classes, int64, got {y.dtype}"
    if y.min() < 0 or y.max() >= targets.n:
        return f"classes must be in [0, {targets.n}), got {y.min()} to {y.max()}"
    return ""


def _outside_box(what: str, box: Box, values: NDArray[np.float32]) -> str:
    if values.dtype != np.float32:
        return f"{what} must be float32, got {values.dtype}"
    if values.shape[1:] != box.shape:
        return f"{what} must have the shape {box.shape}, got {values.shape[1:]}"
    if not np.isfinite(values).all():
        return f"{what} hold what is not a finite number"
    inside = (values >= box.low) & (values <= box.high)
    return "" if inside.all() else f"{what} lie outside {box}: {values[~inside][0]}"


def _trimmed(problems: Problems) -> Problems:
    """Returns the problems without support points that count nowhere, the others' padding 0."""
    width, mask = int(problems.num_shots.max()), problems.mask
    x, y = (
        np.where(mask.reshape(mask.shape + (1,) * (v.ndim - 2)), v, 0)[:, :width]
        for v in (problems.support_x, problems.support_y)
    )
    return Problems(x, y, problems.query_x, problems.query_y, mask[:, :width])


def _difference(one: Problems, other: Problems) -> str:
    """Returns the name of the first array that differs, "" if none does."""
    for field in fields(Problems):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if not np.array_equal(a, b):
            return field.name
    return ""
