"""Sets of problems, made such that a task whose sets cannot be made costs itself alone.

`GuardedProblems` makes those of another generator. After a fault, or a call that takes too long,
it asks for each task alone: what faults alone is the culprit. Its place in the batch is taken by a
copy of a sound task's sets, so that who plays notices nothing, and `failures` says whose rows do
not count. The environments' counterpart is `taskgen.isolation`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.generator import ProblemGenerator
from taskgen.isolation import UnexplainedFault
from taskgen.outcomes import Outcomes
from taskgen.parameter_space import Row
from taskgen.problems import Problems
from taskgen.remote import RemoteFault
from taskgen.task import Task
from taskgen.watchdog import first_limit_s, time_limit
from taskgen.watched import ProcessLost, WatchedProcess

_MANY = 8
"""So many tasks, and not one without fault: it is the generator's."""
_log = logging.getLogger(__name__)

Call: TypeAlias = tuple[str, Any]
"""The method, and its argument beside the tasks: an rng, or one key a task."""


class GuardedProblems(ProblemGenerator):
    """Makes the problems of another generator; see the module's text.

    Args:
        generator: makes the sets.
        timeout_s: the longest one call may take, in seconds; the first has more.
        watched: make them in a process of its own, so that code which kills its process, or which
            no signal interrupts, costs its task too; each call costs a message there and back.

    Attributes:
        failures: why tasks of the last call have no sets, by id.
    """

    def __init__(
        self, generator: ProblemGenerator, timeout_s: float, *, watched: bool = False
    ) -> None:
        for name in ("name", "version", "space", "input_space", "target_space"):
            setattr(self, name, getattr(generator, name))
        self._generator = generator
        self._timeout_s = timeout_s
        self._maker = _Watched(generator) if watched else _Inline(generator)
        self._was_called = False
        self.failures: dict[str, str] = {}

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the generator's task."""
        return self._generator.make_task(params, seed)

    def make_problems(self, tasks: Sequence[Task], rng: np.random.Generator) -> Problems:
        """Returns the generator's sets; rows of tasks in `failures` are copies of another's.

        Raises:
            UnexplainedFault: if no task of the batch has sets, or all but together.
            MemoryError: in place of that, if that is the fault.
        """
        return self._made(tasks, lambda _: ("make_problems", rng))

    def make_keyed_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns the generator's sets of these keys, as `make_problems` does.

        Raises:
            UnexplainedFault: if no task of the batch has sets, or all but together.
            MemoryError: in place of that, if that is the fault.
        """
        return self._made(tasks, lambda rows: ("make_keyed_problems", keys[rows]))

    def close(self) -> None:
        """Ends the process, where there is one."""
        self._maker.end()

    def _made(
        self, tasks: Sequence[Task], call_for: Callable[[NDArray[np.int64]], Call]
    ) -> Problems:
        rows, self.failures = np.arange(len(tasks)), {}
        try:
            made = self._asked(tasks, call_for(rows))
        except Exception as error:
            rows = self._sound_rows(tasks, call_for, error)
            made = self._asked([tasks[i] for i in rows.tolist()], call_for(rows))
        return self._filled(tasks, rows, made)

    def _asked(self, tasks: Sequence[Task], call: Call) -> Problems:
        limit_s = self._timeout_s if self._was_called else first_limit_s(self._timeout_s)
        self._was_called = True
        made = self._maker.make(tasks, call, limit_s)
        if len(made) != len(tasks):
            raise ValueError(f"{call[0]} gave {len(made)} problems for {len(tasks)} tasks.")
        return made

    def _sound_rows(
        self,
        tasks: Sequence[Task],
        call_for: Callable[[NDArray[np.int64]], Call],
        error: Exception,
    ) -> NDArray[np.int64]:
        """Asks for each task alone, and writes down those that fault."""
        sound: list[int] = []
        for row in range(len(tasks)):
            try:
                self._asked(tasks[row : row + 1], _apart(call_for(np.array([row]))))
                sound.append(row)
            except Exception as alone:
                self._fail(tasks[row], _reason_of(alone))
            if not sound and len(self.failures) >= _MANY:
                break
        if self.failures and sound:
            return np.array(sound)
        if isinstance(error, MemoryError):
            raise error
        alone_text = "each alone fails too" if self.failures else "each alone can"
        raise UnexplainedFault(
            f"the sets of a batch of {len(tasks)} tasks cannot be made, {alone_text}: "
            f"{_reason_of(error).strip()}"
        ) from error

    def _filled(self, tasks: Sequence[Task], rows: NDArray[np.int64], made: Problems) -> Problems:
        """Returns one problem a task, those of tasks that failed copied from the first sound."""
        finite = _finite_rows(made)
        for row in rows[~finite].tolist():
            self._fail(tasks[row], "its sets hold what is not a finite number")
        if not finite.any():
            raise UnexplainedFault(
                f"no task of {len(rows)} has sets of finite numbers; mend the generator."
            )
        if finite.all() and len(rows) == len(tasks):
            return made
        source = np.full(len(tasks), int(finite.argmax()))
        source[rows[finite]] = np.flatnonzero(finite)
        return made.select(source)

    def _fail(self, task: Task, reason: str) -> None:
        self.failures.setdefault(task.id, reason)
        _log.warning("task %s is at fault: %s", task.id, reason.strip().split("\n")[-1])


def without_failed(outcomes: Outcomes, tasks: Sequence[Task], play: GuardedProblems) -> Outcomes:
    """Returns outcomes in which the tasks that had no sets of their own were not played."""
    if not play.failures:
        return outcomes
    return outcomes.without(np.array([task.id in play.failures for task in tasks]))


class _Inline:
    """Makes sets in this process."""

    def __init__(self, generator: ProblemGenerator) -> None:
        self._generator = generator

    def make(self, tasks: Sequence[Task], call: Call, limit_s: float) -> Problems:
        with time_limit(limit_s):
            return _answer(self._generator, tasks, call)

    def end(self) -> None:
        """There is nothing to end."""


class _Watched:
    """Makes sets in a process that is watched, and started anew when it was lost."""

    def __init__(self, generator: ProblemGenerator) -> None:
        self._generator = generator
        self._process: WatchedProcess | None = None

    def make(self, tasks: Sequence[Task], call: Call, limit_s: float) -> Problems:
        name, argument = call
        self._process = self._process or WatchedProcess(_serve, self._generator)
        try:
            raised, answer = self._process.ask((list(tasks), name, argument, limit_s))
        except ProcessLost:
            self._process = None
            raise
        if raised:
            raise RemoteFault(answer)
        problems, state = answer
        if isinstance(argument, np.random.Generator):
            argument.bit_generator.state = state  # as if it had been drawn from here
        made: Problems = problems
        return made

    def end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None


def _serve(connection: Connection, generator: ProblemGenerator) -> None:
    """Makes sets until the other side hangs up."""
    while True:
        try:
            tasks, name, argument, limit_s = connection.recv()
        except EOFError:
            return
        try:
            with time_limit(limit_s):
                made = _answer(generator, tasks, (name, argument))
            is_rng = isinstance(argument, np.random.Generator)
            connection.send((False, (made, argument.bit_generator.state if is_rng else None)))
        except Exception:
            connection.send((True, traceback.format_exc(limit=-3)))


def _answer(generator: ProblemGenerator, tasks: Sequence[Task], call: Call) -> Problems:
    name, argument = call
    if isinstance(argument, np.random.Generator):
        return _transacted(generator, tasks, argument)
    made: Problems = getattr(generator, name)(tasks, argument)
    return made


def _transacted(
    generator: ProblemGenerator, tasks: Sequence[Task], rng: np.random.Generator
) -> Problems:
    """Returns sets made with an rng, which stays as it was where that fails."""
    before = rng.bit_generator.state
    try:
        return generator.make_problems(tasks, rng)
    except BaseException:
        rng.bit_generator.state = before
        raise


def _apart(call: Call) -> Call:
    """Returns the same call with an rng of its own: who is only tried leaves no trace."""
    name, argument = call
    return (name, np.random.default_rng(0)) if isinstance(argument, np.random.Generator) else call


def _finite_rows(problems: Problems) -> NDArray[np.bool_]:
    """Returns which problems are of finite numbers alone, [B]."""
    found = np.ones(len(problems), dtype=bool)
    for name in ("support_x", "support_y", "query_x", "query_y"):
        values = getattr(problems, name)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            finite = np.isfinite(values).reshape(*values.shape[:2], -1).all(axis=2)
            counts = problems.mask if name.startswith("support") else True
            found &= (finite | ~np.asarray(counts)).all(axis=1)
    return found


def _reason_of(error: Exception) -> str:
    if isinstance(error, RemoteFault | ProcessLost):
        return str(error)
    return "".join(traceback.format_exception(error, limit=-3, chain=False))
