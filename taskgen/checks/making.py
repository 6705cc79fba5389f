"""Checks of how tasks are made: what holds before anything is played.

Each returns "" or the reason why it fails.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
from gymnasium.spaces import Box, Discrete

from taskgen.checks.specimens import Specimens
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator
from taskgen.parameter_space import OutOfSpace, Row
from taskgen.parameters import Categorical
from taskgen.task import MAX_CONTENT_BYTES, Task, canonical_json, content_id

_CHILD = "from taskgen.checks.making import answer_from_another_process as answer; answer()"


def declared(specimens: Specimens) -> str:
    """Refuses a generator without name, kind or finite bounds."""
    generator = specimens.generator
    if not isinstance(getattr(generator, "name", None), str) or "-v" not in generator.name:
        return 'name must be a string with a version suffix, like "maze-v1"'
    if not isinstance(generator, EnvGenerator | ProblemGenerator):
        return "it must be an EnvGenerator or a ProblemGenerator"
    if isinstance(generator, ProblemGenerator) and (reason := _target_reason(generator)):
        return reason
    if not generator.space:
        return "the space has no parameter"
    for name, parameter in generator.space.items():
        if not isinstance(parameter, Categorical):
            low, high = parameter.low, parameter.high
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                return f"{name} must have finite bounds low < high, got [{low}, {high}]"
    return ""


def _target_reason(generator: ProblemGenerator) -> str:
    x, y = (getattr(generator, name, None) for name in ("input_space", "target_space"))
    if not isinstance(x, Box) or x.dtype != np.float32:
        return f"input_space must be a Box of float32, got {x}"
    if isinstance(y, Discrete):
        return "" if y.start == 0 else f"classes must start at 0, got {y}"
    if isinstance(y, Box) and y.dtype == np.float32:
        return ""
    return f"target_space must be a Box of float32 or Discrete(N), got {y}"


def travels(specimens: Specimens) -> str:
    """Tasks survive JSON, fit into 64 KiB, and say what they were made from."""
    generator = specimens.generator
    for task, row, seed in zip(specimens.tasks(), specimens.rows, specimens.seeds, strict=True):
        size = len(canonical_json(task.content))
        if size > MAX_CONTENT_BYTES:
            return f"the content of {row} has {size} bytes, more than {MAX_CONTENT_BYTES}"
        if Task.from_json(json.loads(json.dumps(task.to_json()))) != task:
            return f"the task of {row} is another after a round trip through JSON"
        made_as = (generator.name, generator.version, row, seed)
        if (task.generator, task.version, task.params, task.seed) != made_as:
            return f"a task made from {made_as} says {task.to_json()}"
        generator.space.validate(task.params)
    return ""


def deterministic(specimens: Specimens) -> str:
    """The same row and seed give the same content twice."""
    once, again = specimens.tasks(), specimens.tasks()
    for a, b, row in zip(once, again, specimens.rows, strict=True):
        if a.id != b.id:
            return f"{row} with seed {a.seed} gave two different contents"
    return ""


def constant(specimens: Specimens) -> str:
    """Rows that are said not to vary are one task, whatever the seed."""
    generator = specimens.generator
    varies = generator.varies(generator.space.columns(specimens.rows))
    if varies.shape != (len(specimens.rows),):
        return f"varies must say it of each row, got {varies.shape}"
    for row, seed, can in zip(specimens.rows, specimens.seeds, varies, strict=True):
        one, other = (generator.make_task(dict(row), s).id for s in (seed, seed + 1))
        if not can and one != other:
            return f"{row} does not vary by what it says, and gave two tasks with two seeds"
    return ""


def same_elsewhere(specimens: Specimens) -> str:
    """A fresh interpreter makes the same tasks."""
    request = pickle.dumps((specimens.generator, specimens.rows, specimens.seeds))
    path = os.pathsep.join(dict.fromkeys([os.getcwd(), *filter(None, sys.path)]))
    # Another salt of hash() than any parent is likely to have.
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "20260"}
    child = subprocess.run(
        [sys.executable, "-c", _CHILD], input=request, capture_output=True, env=environment
    )
    if child.returncode:
        return f"the other process failed: {child.stderr.decode().strip().splitlines()[-1]}"
    there = json.loads(child.stdout.splitlines()[-1])
    for here, other, row in zip(_fingerprints(specimens), there, specimens.rows, strict=True):
        if here != other:
            return f"{row} gives another task in another process"
    return ""


def _fingerprints(specimens: Specimens) -> list[list[str]]:
    generator, fingerprints = specimens.generator, []
    for task in specimens.tasks():
        place = generator.split_position(task, "salt").hex()
        fingerprints.append([task.id, generator.canonical(task).hex(), place])
    return fingerprints


def one_side(specimens: Specimens) -> str:
    """Tasks of one canonical form have one place on the line of the splits, and forms differ."""
    generator, tasks = specimens.generator, specimens.tasks()
    places: dict[bytes, float] = {}
    for task in tasks:
        place = generator.split_position(task, "salt")
        if not 0.0 <= place < 1.0:
            return f"split_position must be in [0, 1), got {place} for {task.params}"
        if places.setdefault(generator.canonical(task), place) != place:
            return f"{task.params} and a task of the same canonical form may lie on two sides"
    if len(places) == 1 < len({task.id for task in tasks}):
        return f"{len(tasks)} different tasks have one canonical form, so none can be held out"
    return ""


def batch_equals_single(specimens: Specimens) -> str:
    """`make_tasks` gives the tasks of `make_task`, and knows their ids and forms."""
    generator, tasks = specimens.generator, specimens.tasks()
    columns = generator.space.columns(specimens.rows)
    batch = generator.make_tasks(columns, np.array(specimens.seeds))
    forms = [generator.canonical(task) for task in tasks]
    places = [generator.split_position(task, "salt") for task in tasks]
    valid = [bool(generator.is_valid(task)) for task in tasks]
    half = batch.select(np.arange(0, len(tasks), 2))
    for what, there, here in (
        ("tasks", list(batch), tasks),
        ("ids", batch.ids, [task.id for task in tasks]),
        ("canonical forms", batch.canonicals, forms),
        ("split positions", batch.split_positions("salt").tolist(), places),
        ("validity", batch.validity.tolist(), valid),
        ("selected ids", half.ids, [task.id for task in tasks[::2]]),
        ("joined ids", batch.extended([half]).ids, [task.id for task in [*tasks, *tasks[::2]]]),
    ):
        if there != here:
            return f"{what} of make_tasks differ from those of make_task"
    return ""


def refuses(specimens: Specimens) -> str:
    """Rows that are not of the space raise `OutOfSpace`."""
    generator = specimens.generator
    good = generator.space.complete({})
    bad: list[Row] = [{**good, "no such parameter": 1}]
    for name, parameter in generator.space.items():
        bad.append({k: v for k, v in good.items() if k != name})
        if isinstance(parameter, Categorical):
            bad.append({**good, name: "no such choice"})
        else:
            beyond = parameter.high + max(1, getattr(parameter, "step", 0))
            bad += [{**good, name: beyond}, {**good, name: math.nan}]
    for row in bad:
        try:
            generator.make_task(row, 0)
        except OutOfSpace:
            continue
        return f"make_task accepted {row}; call self.space.validate(params) first"
    return ""


def shown(specimens: Specimens) -> str:
    """`describe` is finite and `render` gives a picture."""
    generator = specimens.generator
    for task in specimens.some(8):
        for name, value in generator.describe(task).items():
            if not math.isfinite(value):
                return f"describe gave {name} = {value} for {task.params}"
        picture = generator.render(task)
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            return f"render must give uint8 [h, w, 3], got {picture.dtype} {picture.shape}"
    return ""


def edits(specimens: Specimens) -> str:
    """`mutate` leaves its task alone, and edits lie in the space and name their parent."""
    generator = specimens.generator
    rng = np.random.default_rng(2)
    num_useful = 0
    for task in specimens.some(8) * 4:
        before = task.id
        edited = generator.mutate(task, rng)
        if content_id(task.generator, task.content) != before:
            return "mutate changed the task it was given; edit a copy"
        if edited is None:
            continue
        generator.space.validate(edited.params)
        if edited.parents != (task.id,) or not edited.operator:
            return f"an edit must name its parent and its operator, got {edited.to_json()}"
        if len(canonical_json(edited.content)) > MAX_CONTENT_BYTES:
            return f"an edit has more than {MAX_CONTENT_BYTES} bytes"
        num_useful += edited.id != task.id and bool(generator.is_valid(edited))
    if flaw := _edited_at_once(generator, specimens.some(8), rng):
        return flaw
    edits = type(generator).mutate is not TaskGenerator.mutate
    return "no edit gave another valid task" if edits and not num_useful else ""


def _edited_at_once(
    generator: TaskGenerator, tasks: Sequence[Task], rng: np.random.Generator
) -> str:
    """`mutate_tasks` says of which task each edit is, and its edits lie in the space."""
    edits, which = generator.mutate_tasks(tasks, 2, rng)
    if len(edits) != len(which):
        return f"mutate_tasks gave {len(edits)} edits, and of {len(which)} whose they are"
    for edit, base in zip(edits, (tasks[i] for i in which), strict=True):
        generator.space.validate(edit.params)
        if edit.parents != (base.id,) or not edit.operator:
            return f"an edit of mutate_tasks must name its task and operators, got {edit.to_json()}"
        if edit.id != content_id(generator.name, edit.content):
            return "the id of an edit of mutate_tasks is not that of its content"
    return ""


def answer_from_another_process() -> None:
    """Makes the tasks that standard input asks for, and writes ids and forms to standard output.

    The other half of the determinism check; it reads what the parent process has written.
    """
    generator, rows, seeds = pickle.load(sys.stdin.buffer)
    print(json.dumps(_fingerprints(Specimens(generator, rows, seeds))))
