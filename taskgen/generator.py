"""The plug-in base classes: what a family of tasks has to say for itself.

A `TaskGenerator` makes tasks and can describe, draw, check and edit them. An `EnvGenerator` turns
a task into something to act in (an MDP), a `ProblemGenerator` into support and query sets. Two
methods are enough for a plug-in; everything else has a default that is right, if not fast.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.judging import Predictions
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.problems import Problems, stacked
from taskgen.splits import position_of
from taskgen.task import Task, canonical_json

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.spaces import Box, Discrete

    from taskgen.distribution import TaskDistribution
    from taskgen.recording import Episode
    from taskgen.vector import FamilyVectorEnv

KINDS = ("env", "problem")


@dataclass(frozen=True)
class Validity:
    """Whether a task can be played and solved, and the reason when it cannot."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


class TaskGenerator(ABC):
    """A family of tasks: its parameters, and how a task is made of them.

    Options that are fixed for a campaign (a number of arms, a body) are keyword arguments of the
    constructor, JSON-able, with defaults; a generator made twice with the same options is the
    same generator. A generator holds no random state and no state of play.
    """

    name: ClassVar[str]
    """Registered name with a version suffix, "maze-v1"; a change of behaviour needs a new one."""
    version: ClassVar[int] = 1
    """Version of the implementation, recorded in every task."""
    kind: ClassVar[str]
    """"env" or "problem": what the family can be played as."""
    has_success: bool = False
    """Whether reaching a goal has a meaning; where not, outcomes hold no successes."""
    space: ParameterSpace
    """The declared parameters."""
    check_ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Ends at which `check_generator` tries a parameter whose own bounds are costly to play."""

    @abstractmethod
    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a full row of parameters and a seed.

        The content is decided here, once, with randomness from `seed` alone (a
        `numpy.random.Generator` made of it, or `taskgen.randomness`); the same arguments give
        the same content on every machine.

        Raises:
            taskgen.parameter_space.OutOfSpace: if the row is not of the space.
        """

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> TaskBatch:
        """Returns the tasks of B rows and B seeds; override where arrays are faster."""
        rows = self.space.rows(params)
        made = [self.make_task(row, int(seed)) for row, seed in zip(rows, seeds, strict=True)]
        return TaskBatch(self, made)

    def varies(self, params: Columns) -> NDArray[np.bool_]:
        """Returns of which of B rows another seed makes another task, [B]; by default of all.

        A row that is one task whatever the seed is not tried again where that task will not do.
        """
        return np.ones(len(next(iter(params.values()))), dtype=bool)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns named features of the task; by default its numeric parameters."""
        return {k: float(v) for k, v in task.params.items() if not isinstance(v, str)}

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of the task, [height, width, 3]; by default a card of its text."""
        from taskgen.cards import parameter_card

        return parameter_card(task)

    def canonical(self, task: Task) -> bytes:
        """Returns what makes two tasks "the same" for splits and duplicates.

        By default the content; a family with symmetries leaves them out.
        """
        return canonical_json(task.content)

    def split_position(self, task: Task, salt: str) -> float:
        """Returns where the task lies on the line from 0 to 1 that the splits share out.

        By default a hash of its canonical form and the salt. Override it where different tasks
        share what a learner could know by heart (classes of one script), so that all that share
        it lie together; the same task and salt give the same place on every machine.
        """
        return position_of(self.canonical(task), salt)

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns a small edit of the task inside the space, None where there is no such thing."""
        del task, rng
        return None

    def mutate_tasks(
        self, tasks: Sequence[Task], num_edits: int, rng: np.random.Generator
    ) -> tuple[TaskBatch, NDArray[np.int64]]:
        """Returns each task after `num_edits` edits in a row; override where arrays are faster.

        The task that came is the parent of what becomes of it; its operator names all edits.

        Args:
            tasks: B tasks; one may come several times.
            num_edits: at least 1.
            rng: decides the edits.

        Returns:
            The edits, [K], and which of the tasks each is of, ascending, [K]; those that could not
            be edited are missing.
        """
        edits = [_edited(self, task, num_edits, rng) for task in tasks]
        which = [i for i, edit in enumerate(edits) if edit is not None]
        made = [edit for edit in edits if edit is not None]
        return TaskBatch(self, made), np.array(which, dtype=np.int64)

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the task can be played and solved; by default yes."""
        del task
        return Validity(True)

    @property
    def canonical_is_content(self) -> bool:
        """Whether `canonical` is the default, so that a batch need not make tasks to know it."""
        return type(self).canonical is TaskGenerator.canonical

    @property
    def splits_by_form(self) -> bool:
        """Whether `split_position` is the default, so that the canonical form says it all."""
        return type(self).split_position is TaskGenerator.split_position

    @property
    def all_valid(self) -> bool:
        """Whether every task of the family is valid, since `is_valid` says nothing else."""
        return type(self).is_valid is TaskGenerator.is_valid

    @property
    def has_oracle(self) -> bool:
        """Whether `oracle_return` is worth asking, since it is not the default."""
        return type(self).oracle_return is not TaskGenerator.oracle_return

    def oracle_return(self, task: Task) -> float | None:
        """Returns the best return of one episode for someone who knows the task, if known."""
        del task
        return None

    def bayes_return(self, distribution: TaskDistribution, num_episodes: int) -> float | None:
        """Returns the best expected return of a lifetime for someone who does not know the task."""
        del distribution, num_episodes
        return None

    def suites(self) -> dict[str, list[Task]]:
        """Returns named, fixed sets of tasks for tests; never trained or selected on."""
        return {}


def _edited(
    generator: TaskGenerator, task: Task, num_edits: int, rng: np.random.Generator
) -> Task | None:
    """Returns the task after some edits in a row; None where one failed or all came to nothing."""
    edit, operators = task, []
    for _ in range(num_edits):
        after = generator.mutate(edit, rng)
        if after is None:
            return None
        edit = after
        operators.append(edit.operator or "edit")
    return None if edit.id == task.id else edit.descended(task, operators)


class EnvGenerator(TaskGenerator):
    """A family of MDPs: tasks that are acted in.

    One observation space and one action space hold over the whole parameter space. The task's
    parameters are not in the observation.
    """

    kind = "env"
    has_success = True

    @abstractmethod
    def make_env(self, task: Task) -> gymnasium.Env[Any, Any]:
        """Returns a single environment of this task.

        `reset(seed=s)` starts an episode whose randomness depends on `s` alone. Where the family
        `has_success`, `info["success"]` of a step says whether it reached the goal. One whose
        `render_mode` is "rgb_array" can be filmed; until `render` is called that costs nothing.
        """

    def horizon(self, task: Task) -> int:
        """Returns the number of env steps after which an episode of this task ends.

        By default what the environment's own specification says.

        Raises:
            ValueError: if it says nothing.
        """
        env = self.make_env(task)
        try:
            steps = getattr(env.spec, "max_episode_steps", None)
        finally:
            env.close()
        if steps is None:
            raise ValueError(
                f"{self.name}: an episode must end; give horizon(task) or an environment whose "
                f"spec has max_episode_steps."
            )
        return int(steps)

    def make_vector_env(self, num_envs: int) -> FamilyVectorEnv:
        """Returns an environment that plays lifetimes of `num_envs` tasks at once.

        By default one `make_env` a slot, in a Python loop; override when batched is faster.
        """
        from taskgen.slotwise import SlotwiseVectorEnv

        return SlotwiseVectorEnv(self, num_envs)

    def render_lifetime(self, task: Task, episodes: Sequence[Episode]) -> NDArray[np.uint8] | None:
        """Returns a picture of how a task was played, [height, width, 3]; by default None.

        Args:
            task: that was played.
            episodes: of one lifetime, first to last.
        """
        del task, episodes
        return None

    @property
    def draws_lifetimes(self) -> bool:
        """Whether `render_lifetime` is worth asking, since it is not the default."""
        return type(self).render_lifetime is not EnvGenerator.render_lifetime

    def __getstate__(self) -> dict[str, Any]:
        """Returns what another process needs: the options, never a live environment."""
        return {key: value for key, value in vars(self).items() if key != "_specimen"}

    @cached_property
    def _specimen(self) -> gymnasium.Env[Any, Any]:
        return self.make_env(self.make_task(self.space.complete({}), seed=0))

    @cached_property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of one observation, the same for every task."""
        return self._specimen.observation_space

    @cached_property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of one action, the same for every task."""
        return self._specimen.action_space


class ProblemGenerator(TaskGenerator):
    """A family of supervised problems: regression or classification from few examples.

    What is right about an input is the task's content. Which points are shown and which are asked
    is drawn anew whenever sets are made, as an episode of an environment starts anew. The task's
    parameters are not among the inputs.
    """

    kind = "problem"
    input_space: Box
    """Of one input x, float32; the same for every task."""
    target_space: Box | Discrete
    """Of one target y: a Box of numbers, float32, is regression; Discrete(N) is classification."""

    @abstractmethod
    def make_problems(self, tasks: Sequence[Task], rng: np.random.Generator) -> Problems:
        """Returns fresh support and query sets of B tasks.

        The query points are others than the support points; of classes, all that are asked for
        were shown.
        """

    def make_keyed_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns sets that depend, for each task, on its key alone and not on the batch.

        For exams. By default `make_problems` task by task; override where arrays are faster.

        Args:
            tasks: B tasks.
            keys: one a task, [B] (`taskgen.randomness.task_keys`).
        """
        parts = [
            self.make_problems(tasks[i : i + 1], np.random.default_rng(key))
            for i, key in enumerate(keys.tolist())
        ]
        return stacked(parts)

    def make_shown_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns sets for pictures of answers: the query points where a picture needs them.

        By default those of `make_keyed_problems`.
        """
        return self.make_keyed_problems(tasks, keys)

    def render_answers(
        self, task: Task, problems: Problems, predictions: Predictions
    ) -> NDArray[np.uint8]:
        """Returns a picture of what is said of one task before adaptation and after all of it.

        By default a plot: of targets against inputs where both are one number, else of what is said
        against what is right. Where targets are classes, `render`.

        Args:
            task: whose sets they are.
            problems: one of `make_shown_problems`, B = 1.
            predictions: of its query points.
        """
        if problems.has_classes:
            return self.render(task)
        from taskgen.plots import agreement_plot, answers_plot

        is_curve = self.input_space.shape == self.target_space.shape == (1,)
        return (answers_plot if is_curve else agreement_plot)(problems, predictions)
