"""Where tasks come from: a generator, a distribution and one side of the split.

A `TaskSource` is all that a curriculum sees of a generator: it draws rows of parameters and makes
tasks of them, tries again what lies on another side, and counts what failed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.distribution import TaskDistribution
from taskgen.draws import (
    MAX_FAULTS,
    REPEAT,
    REPEAT_APART,
    Choice,
    Drawn,
    Draws,
    Tries,
    joined,
    merged,
)
from taskgen.generator import TaskGenerator
from taskgen.parameter_space import Columns
from taskgen.sieve import Sieve
from taskgen.splits import SHARES, Split
from taskgen.task import Task
from taskgen.watchdog import TookTooLong, time_limit

_MAX_DRAW = 4096
_MAX_DISTINCT_ROUNDS = 16
_MAX_TRIES_PER_TASK = 2048
_MIN_BATCH = 32
_NUM_BROKEN = 8
"""How many rows give up before a generator that never made anything counts as broken."""

_FIRST_LIMIT_S = 300.0
_FIRST_TRIES = 8
_warm: set[type[TaskGenerator]] = set()
"""Classes that have made a task in this process: what they compile on first use is compiled."""
_warm_for_edits: set[type[TaskGenerator]] = set()
"""The same of edits."""


class TooFewTasks(RuntimeError):
    """A distribution holds too few valid tasks of a split to draw as many as were asked for."""


class Rows(Protocol):
    """Where rows of parameters come from: a `TaskDistribution`, or a law within one."""

    def sample(self, n: int, rng: np.random.Generator) -> Columns:
        """Returns n rows as columns, [n] each."""


class TaskSource:
    """Makes tasks of one split from a distribution.

    Rows of parameters are drawn first, and a row whose task lies on another side of the split, is
    not valid or fails is tried again with other seeds: so parameters are distributed in every
    split as the distribution says. A row of which no task of the split is found (many seeds, or
    several that all give one form) is given up, counted, and another one drawn.

    A parameter row that makes the generator raise or hang, or a task that is not valid, not
    JSON-able or too large, costs that task: it is counted in `draws` and another is made. The
    first task of a generator's class in a process has five minutes, since it may compile.

    Args:
        generator: makes the tasks.
        split: which split to keep; None keeps all (a family too small to split).
        salt: of the split; whatever is compared shares it.
        quarantine: ids of tasks that must not be played.
        timeout_s: the longest one call of the generator may take, in seconds.
    """

    def __init__(
        self,
        generator: TaskGenerator,
        split: Split | None,
        salt: str,
        quarantine: Iterable[str] = (),
        timeout_s: float = 20.0,
    ) -> None:
        self.generator = generator
        self.split = split
        self.salt = salt
        self.quarantine = set(quarantine)
        self.timeout_s = timeout_s
        self.draws = Draws()
        self._sieve = Sieve(generator, split, salt, self.quarantine, timeout_s, self.draws)

    def make(self, distribution: Rows, n: int, rng: np.random.Generator) -> TaskBatch:
        """Returns n valid tasks of the split, drawn from the distribution.

        Args:
            distribution: where to draw; a curriculum may give a law of its own within one.
            n: how many.
            rng: decides the tasks.

        Raises:
            TooFewTasks: if many draws in a row hold hardly any; the message has the counts.
        """
        tasks = self._drawn(distribution, n, rng).tasks
        self.draws.accepted += n
        return tasks

    def make_distinct(
        self,
        distribution: Rows,
        n: int,
        rng: np.random.Generator,
        apart_from: Iterable[bytes] = (),
    ) -> TaskBatch:
        """Returns n tasks as `make` does, no two of one canonical form where that is possible.

        A task whose form is taken is made again of the same row with other seeds, a few times;
        then it is a repeat, of this set rather than of what to stay apart from. So a family of
        few tasks repeats some, counted in `draws`, and no row is rarer for it.

        Args:
            distribution: where to draw.
            n: how many.
            rng: decides the tasks.
            apart_from: canonical forms to stay away from in the same way.

        Raises:
            TooFewTasks: as `make`.
        """
        drawn = self._drawn(distribution, n, rng)
        choice = Choice(n, apart_from)
        choice.offer(drawn.rows, drawn.forms)
        pool = [drawn.tasks]
        for _ in range(_MAX_DISTINCT_ROUNDS):
            rows = np.flatnonzero(choice.ranks)
            if not len(rows):
                break
            again = self._try_rows(_rows_of(drawn.params, rows), rng)
            choice.offer(rows[again.rows], again.forms)
            pool.append(again.tasks)
        self.draws.accepted += n
        self.draws.repeats += int((choice.ranks == REPEAT).sum())
        self.draws.repeats_apart += int((choice.ranks == REPEAT_APART).sum())
        return joined(pool).select(choice.indices)

    def mutate(self, task: Task, rng: np.random.Generator, tries: int = 10) -> Task | None:
        """Returns a valid edit of the task within the split, None if no try gave one."""
        return self.mutate_tasks([task], 1, rng, tries)[0]

    def mutate_tasks(
        self,
        tasks: Sequence[Task],
        num_edits: int,
        rng: np.random.Generator,
        tries: int = 10,
        within: TaskDistribution | None = None,
    ) -> list[Task | None]:
        """Returns of each task a valid edit within the split, None where no try gave one, [B].

        Args:
            tasks: B tasks; one may come several times.
            num_edits: how many edits in a row; only what they come to is asked whether it is valid
                and of the split.
            rng: decides the edits.
            tries: how often a task is tried.
            within: where the parameters of edits must lie; None: anywhere in the space.
        """
        found: list[Task | None] = [None] * len(tasks)
        waiting = np.arange(len(tasks))
        for _ in range(tries):
            for part, which in self._mutated([tasks[i] for i in waiting], num_edits, rng):
                for k in np.flatnonzero(self._sieve.sift(part).accepted).tolist():
                    if within is None or within.contains(part[k].params):
                        found[waiting[which[k]]] = part[k]
            waiting = np.array([i for i in waiting if found[i] is None], dtype=np.int64)
            if not len(waiting):
                break
        return found

    def _mutated(
        self, tasks: Sequence[Task], num_edits: int, rng: np.random.Generator, first: int = 0
    ) -> list[tuple[TaskBatch, NDArray[np.int64]]]:
        """Returns edits and of which task each is; what raises or hangs is halved and left out."""
        kind = type(self.generator)
        limit_s = self.timeout_s if kind in _warm_for_edits else _FIRST_LIMIT_S
        _warm_for_edits.add(kind)
        try:
            with time_limit(limit_s):
                edits, which = self.generator.mutate_tasks(tasks, num_edits, rng)
                return [(edits, which + first)]
        except Exception as error:
            if len(tasks) == 1:
                self.draws.note_failure(tasks[0].params, tasks[0].seed, error)
                return []
        half = len(tasks) // 2
        return [
            *self._mutated(tasks[:half], num_edits, rng, first),
            *self._mutated(tasks[half:], num_edits, rng, first + half),
        ]

    def valid(self, tasks: Sequence[Task]) -> list[bool]:
        """Returns which tasks can be played and solved, [B]."""
        return self._sieve.valid(TaskBatch(self.generator, tasks)) if len(tasks) else []

    def holds(self, tasks: Sequence[Task]) -> list[bool]:
        """Returns which tasks are of the split, [B]."""
        batch = TaskBatch(self.generator, tasks)
        return self._sieve.inside(batch).tolist() if len(batch) else []

    def solved_by_idling(self, tasks: Sequence[Task], idle_action: int) -> NDArray[np.bool_]:
        """Returns which tasks one episode of doing nothing solves, [B]; its steps are counted.

        Args:
            tasks: B tasks.
            idle_action: the choice that does nothing, where actions are choices.

        Raises:
            ValueError: if success has no meaning for these tasks, or there is no such action.
        """
        # It plays, and what plays takes seconds to import: whoever lists plug-ins need not wait.
        from taskgen.idling import solved_by_idling

        solved, num_steps = solved_by_idling(self.generator, tasks, idle_action, self.timeout_s)
        self.draws.idle_env_steps += num_steps
        return solved

    def _drawn(self, distribution: Rows, n: int, rng: np.random.Generator) -> Drawn:
        """Returns a task for each of n rows; a row that is given up is replaced by another."""
        found: list[Drawn] = []
        missing, num_tries, num_made = np.arange(n), 0, 0
        num_given_up = self.draws.given_up
        while len(missing):
            drawn = self._try_rows(distribution.sample(len(missing), rng), rng)
            found.append(replace(drawn, rows=missing[drawn.rows]))
            missing = np.delete(missing, drawn.rows)
            num_tries, num_made = num_tries + drawn.num_tries, num_made + drawn.num_made
            is_broken = not num_made and self.draws.given_up - num_given_up >= _NUM_BROKEN
            if len(missing) and (is_broken or num_tries > _MAX_DRAW + n * _MAX_TRIES_PER_TASK):
                raise TooFewTasks(
                    f"{self.generator.name}: only {n - len(missing)} of {n} {self.split} tasks "
                    f"could be made ({self.draws.summary}); mend the generator, widen the "
                    f"distribution (all tasks of one form lie on one side of the split), choose "
                    f"another splits.salt, or switch the split off for a family of few tasks."
                )
        return merged(found) if found else Drawn({}, TaskBatch(self.generator, []))

    def _try_rows(self, params: Columns, rng: np.random.Generator) -> Drawn:
        """Returns the first acceptable task of every row that has one, row by row."""
        tries = Tries(self._varies(params))
        at_least = math.ceil(0.3 / (SHARES[self.split] if self.split else 1.0))
        found: list[Drawn] = []
        num_tries = at_least
        while len(waiting := tries.waiting()):
            owners = np.repeat(waiting[: max(_MAX_DRAW // num_tries, 1)], num_tries)
            rows = _rows_of(params, owners)
            seeds = rng.integers(0, 2**62, size=len(owners))
            self._warm_up(rows, seeds)
            faults = np.zeros(len(owners), dtype=np.int64)
            made = joined(self._make_tasks(rows, seeds, faults) or [TaskBatch(self.generator, [])])
            is_made = faults == 0
            sifted = self._sieve.sift(made)
            accepted = np.flatnonzero(sifted.accepted)
            done, first = np.unique(owners[is_made][accepted], return_index=True)
            tries.count(owners, faults, owners[is_made], sifted.positions, done)
            index = accepted[first]
            forms = [form for i in index if (form := sifted.forms[i]) is not None]
            found.append(Drawn(_rows_of(params, done), made.select(index), forms, done))
            num_tries = max(at_least, _MIN_BATCH // max(len(tries.waiting()), 1))
        self.draws.given_up += int((~tries.done).sum())
        whole = merged(found)
        return replace(whole, num_tries=int(tries.tries.sum()), num_made=int(tries.num_made))

    def _varies(self, params: Columns) -> NDArray[np.bool_]:
        try:
            with time_limit(self.timeout_s):
                return np.asarray(self.generator.varies(params), dtype=bool)
        except Exception:  # what is wrong with the rows is found out when they are made
            return np.ones(len(next(iter(params.values()))), dtype=bool)

    def _warm_up(self, params: Columns, seeds: NDArray[np.int64]) -> None:
        """Has the class make and examine one task, so that the time limits measure no compiler."""
        if type(self.generator) in _warm:
            return
        _warm.add(type(self.generator))
        for i in range(min(_FIRST_TRIES, len(seeds))):
            try:
                with time_limit(_FIRST_LIMIT_S):
                    row = {name: column[i : i + 1] for name, column in params.items()}
                    batch = self.generator.make_tasks(row, seeds[i : i + 1])
                    _ = batch.validity, batch.canonicals, batch.ids
                return
            except TookTooLong:
                return
            except Exception:  # found again, and noted, when it is made in earnest
                continue

    def _make_tasks(
        self, params: Columns, seeds: NDArray[np.int64], faults: NDArray[np.int64]
    ) -> list[TaskBatch]:
        """Makes what can be made: a batch that raises or hangs is halved until it is found out.

        Args:
            params: rows, as columns [B].
            seeds: of the tasks, [B].
            faults: gets what is held against each task, [B]: 1 if it raised, all that a row is
                allowed if it hung.
        """
        try:
            with time_limit(self.timeout_s):
                return [self.generator.make_tasks(params, seeds)]
        except Exception as error:
            if len(seeds) == 1:
                faults[0] = MAX_FAULTS if isinstance(error, TookTooLong) else 1
                self.draws.note_failure(self.generator.space.rows(params)[0], int(seeds[0]), error)
                return []
        half = len(seeds) // 2
        parts = (slice(None, half), slice(half, None))
        return [
            batch
            for part in parts
            for batch in self._make_tasks(_rows_of(params, part), seeds[part], faults[part])
        ]


def _rows_of(params: Columns, which: NDArray[np.int64] | slice) -> Columns:
    return {name: column[which] for name, column in params.items()}
