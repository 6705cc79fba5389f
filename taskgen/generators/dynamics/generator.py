"""The plug-in: supervised problems of a family of environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator, ProblemGenerator, Validity
from taskgen.generators.dynamics.actions import RandomActions
from taskgen.generators.dynamics.batch import DynamicsBatch
from taskgen.generators.dynamics.references import NoChange, Ridge
from taskgen.generators.dynamics.scales import Scales, measured
from taskgen.generators.dynamics.sets import Layout
from taskgen.generators.dynamics.space import OWN, source_of, space_of
from taskgen.generators.dynamics.transitions import played
from taskgen.judging import returns_of
from taskgen.parameter_space import Columns, Row
from taskgen.parameters import Scalar
from taskgen.problems import Problems
from taskgen.randomness import fold, task_keys
from taskgen.task import Task

_CONTENT = {*OWN, "source", "task"}
_MAX_EDITS = 10


class DynamicsPrediction(ProblemGenerator):
    """How does this body move? The next observation, from a few transitions of the same task.

    An input is an observation and an action, a target the change of the observation, both in units
    of the source's default task (`scales`). Points come from short episodes, each from an initial
    state of its own, under random actions; support and query set have episodes of their own.

    Args:
        source: a family of environments, or what one is registered as (`module:Class` too).
        source_options: of the source, where it is given by name.
        fixed: parameters of the source that are held at these values and are none of this family:
            what only the reward knows (a goal), and what no transition tells.
        num_query: transitions that are asked for, of each problem, Q.
        episode_steps: transitions of an episode, contiguous; the last one of a set is cut.

    Raises:
        ValueError: if an option is out of range, or the source does not fit.

    Example:
        >>> family = DynamicsPrediction("pendulum-swing-up-v1", fixed={"fault_step": 0})
        >>> heavy = family.make_task(family.space.complete({"mass": 2.0, "shots": 20}), seed=0)
        >>> problems = family.make_problems([heavy], np.random.default_rng(0))
        >>> problems.support_x.shape, problems.query_y.shape  # cos, sin, speed and action; changes
        ((1, 20, 4), (1, 32, 3))
    """

    name = "dynamics-prediction-v1"

    def __init__(
        self,
        source: str | EnvGenerator,
        source_options: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Scalar] | None = None,
        num_query: int = 32,
        episode_steps: int = 16,
    ) -> None:
        for name, value in (("num_query", num_query), ("episode_steps", episode_steps)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        self.source = source_of(source, source_options or {})
        self.num_query, self.episode_steps = num_query, episode_steps
        self.fixed: Row = dict(fixed or {})
        self.space = space_of(self.source, self.fixed)
        self.check_ranges = {**self.source.check_ranges, "shots": (1, 2 * episode_steps)}  # type: ignore[misc]

    @cached_property
    def input_space(self) -> Box:  # type: ignore[override]
        """Of an observation and an action: O + F numbers."""
        num_features = RandomActions(self.source.action_space).num_features
        return Box(-np.inf, np.inf, (len(self.scales.middle) + num_features,))

    @cached_property
    def target_space(self) -> Box:  # type: ignore[override]
        """Of the change of an observation: O numbers."""
        return Box(-np.inf, np.inf, self.scales.change.shape)

    @cached_property
    def scales(self) -> Scales:
        """The units of inputs and targets, which turn predictions into observations as well."""
        default = self.source.make_task(self._source_row(self.space.complete({})), seed=0)
        return measured(self.source, default, self.episode_steps)

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of the source with so many shots."""
        row = self.space.complete(params)
        self.space.validate(params)
        return self.around(self.source.make_task(self._source_row(row), seed), row, seed)

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> DynamicsBatch:
        """Returns the tasks of B rows and B seeds, as the source keeps them."""
        inside = self.source.make_tasks(self._source_columns(params), seeds)
        return DynamicsBatch(self, params, seeds, inside)

    def around(self, inside: Task, params: Row, seed: int) -> Task:
        """Returns the task of prediction that a task of the source makes."""
        own = {name: int(params[name]) for name in OWN}
        content = {**own, "source": self.source.name, "task": inside.content}
        return Task(self.name, self.version, params, seed, content)

    def inside(self, task: Task) -> Task:
        """Returns the task of the source that a task of prediction is about."""
        row = self._source_row(task.params)
        return Task(self.source.name, self.source.version, row, task.seed, task.content["task"])

    def make_problems(self, tasks: Sequence[Task], rng: np.random.Generator) -> Problems:
        """Returns transitions of fresh episodes of B tasks."""
        return self.make_keyed_problems(
            tasks, rng.integers(2**63, size=len(tasks), dtype=np.uint64)
        )

    def make_keyed_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns transitions of B tasks that depend on each task's key alone.

        Every episode of every task has a slot of its own, and all of them are stepped at once.

        Raises:
            taskgen.generators.dynamics.transitions.NotPlayable: if a task of the source fails.
        """
        inside, shots, holds = self._arrays(tasks)
        layout = Layout(shots, self.num_query, self.episode_steps)
        owners = layout.owners
        moves = played(
            self.source,
            inside.select(owners),
            fold(keys[owners], layout.places),
            self.episode_steps,
            holds[owners],
        )
        return layout.problems(
            self.scales.inputs(moves.before, moves.actions),
            self.scales.changes(moves.before, moves.after),
        )

    def varies(self, params: Columns) -> NDArray[np.bool_]:
        """Returns of which of B rows another seed makes another task, as the source says."""
        return self.source.varies(self._source_columns(params))

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the source's task is valid."""
        content = task.content
        if not isinstance(content, dict) or set(content) != _CONTENT:
            return Validity(False, f"its content must have {', '.join(sorted(_CONTENT))}")
        if content["source"] != self.source.name:
            return Validity(False, f"it is of {content['source']}, not of {self.source.name}")
        return self.source.is_valid(self.inside(task))

    def canonical(self, task: Task) -> bytes:
        """Returns the form of the source's task: how much is shown of it makes no other body."""
        return self.source.canonical(self.inside(task))

    def split_position(self, task: Task, salt: str) -> float:
        """Returns where the source's task lies."""
        return self.source.split_position(self.inside(task), salt)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns what the source knows of the task, and the errors of two references.

        `no_change_error` says how much it moves (the default task: 1), `ridge_error` what a linear
        fit to the support set leaves of it; both of sets that belong to the task.
        """
        problems = self.make_keyed_problems([task], task_keys(0, [task.id]))
        errors = {
            f"{name}_error": -float(returns_of(problems, who.predict(problems))[0, 0])
            for name, who in (("no_change", NoChange()), ("ridge", Ridge()))
        }
        return {**self.source.describe(self.inside(task)), **errors}

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns the source's picture."""
        return self.source.render(self.inside(task))

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns an edit of the source's task that leaves alone what is fixed."""
        inside = self.inside(task)
        for _ in range(_MAX_EDITS):
            edited = self.source.mutate(inside, rng)
            if edited is None:
                return None
            if edited.id != inside.id and self._is_of_family(edited):
                params = {**task.params, **self._own_part(edited.params)}
                content = {**task.content, "task": edited.content}
                return task.edited(content, edited.operator or "edit", params)
        return None

    def oracle_return(self, task: Task) -> float:
        """Returns 0: nobody makes less than no error.

        Who knows the task makes none where an observation tells the whole state, and more where it
        is noisy or an earlier action is still to act.
        """
        del task
        return 0.0

    @property
    def regions(self) -> dict[str, list[dict[str, Any]]]:
        """The source's named regions, those that lie in this family."""
        found = {name: self._boxes(region) for name, region in self._source_regions.items()}
        return {name: boxes for name, boxes in found.items() if boxes}

    def suites(self) -> dict[str, list[Task]]:
        """Returns the source's suites as far as they lie in this family, with default shots."""
        own = {name: parameter.default for name, parameter in OWN.items()}
        return {
            name: [
                self.around(task, {**self._own_part(task.params), **own}, task.seed)
                for task in tasks
            ]
            for name, tasks in self.source.suites().items()
            if all(self._is_of_family(task) for task in tasks)
        }

    @property
    def _source_regions(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return getattr(self.source, "regions", {})

    def _boxes(self, region: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Returns the boxes of a region without what is fixed; none, if one has it elsewhere."""
        if any(
            box[name] != value
            for box in region
            for name, value in self.fixed.items()
            if name in box
        ):
            return []
        return [{k: v for k, v in box.items() if k not in self.fixed} for box in region]

    def _is_of_family(self, inside: Task) -> bool:
        return all(inside.params[name] == value for name, value in self.fixed.items())

    def _own_part(self, source_row: Row) -> Row:
        return {name: value for name, value in source_row.items() if name in self.space}

    def _source_row(self, row: Row) -> Row:
        whole = {**row, **self.fixed}
        return {name: whole[name] for name in self.source.space}

    def _source_columns(self, params: Columns) -> Columns:
        num = len(params["shots"])
        whole = {**params, **{name: np.array([value] * num) for name, value in self.fixed.items()}}
        return {name: whole[name] for name in self.source.space}

    def _arrays(
        self, tasks: Sequence[Task]
    ) -> tuple[TaskBatch, NDArray[np.int64], NDArray[np.int64]]:
        """Returns the source's tasks, how many shots each has, and how long it holds an action."""
        if isinstance(tasks, DynamicsBatch):
            return tasks.inside, tasks.params["shots"], tasks.params["hold"]
        inside = TaskBatch(self.source, [self.inside(task) for task in tasks])
        shots, holds = (np.array([task.content[name] for task in tasks]) for name in OWN)
        return inside, shots, holds
