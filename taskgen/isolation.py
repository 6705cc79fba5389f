"""Lifetimes of many tasks at once in which a task that raises or hangs costs itself alone.

A batched environment steps all tasks in one call, so a fault does not say whose it is. An
`IsolatingVectorEnv` keeps the seed and the actions of the lifetime. After a fault it plays halves
of the batch, and halves of those, with the same seed and the same actions: what faults alone is
the culprit. It fails as `FamilyVectorEnv.fail` has it, and the others go on in a new
environment that is brought to where they were. Who plays notices nothing but a slot that stopped.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator
from taskgen.remote import RemoteFault, RemoteVectorEnv, make_within
from taskgen.task import Task
from taskgen.vector import Lifetime, LifetimeVectorEnv, limit
from taskgen.watched import ProcessLost

_MAX_ROUNDS = 3
_MANY = 8
"""So many tasks, and not one without fault: it is the environment's."""
_log = logging.getLogger(__name__)

Slots: TypeAlias = NDArray[np.int64]


class UnexplainedFault(RuntimeError):
    """A batch faults, and no part of it alone does, or every part: it is not a task's fault."""


def isolated(
    generator: EnvGenerator, num_envs: int, timeout_s: float, *, watched: bool = False
) -> LifetimeVectorEnv:
    """Returns a generator's vector environment, made such that a faulty task costs itself.

    Args:
        generator: makes the environments.
        num_envs: the number of slots, B.
        timeout_s: the longest one call of a batched environment may take, in seconds; the first
            ones, which may compile, have five times as long, a minute at least.
        watched: play in a process of its own, so that code which kills its process, or which no
            signal interrupts, costs its task too; each step costs a message there and back.
    """

    def make() -> LifetimeVectorEnv:
        if watched:
            return RemoteVectorEnv(generator, num_envs, timeout_s)
        return make_within(generator, num_envs, timeout_s)

    made = make()
    if made.guards_slots and not watched:
        return made
    return IsolatingVectorEnv(made, make, timeout_s)


class IsolatingVectorEnv(LifetimeVectorEnv):
    """Plays on an environment inside, and replaces it when it faults; see the module's text.

    Args:
        inside: where to play.
        make: returns a new environment like it, for as many slots.
        timeout_s: the longest one call may take, in seconds.
    """

    def __init__(
        self, inside: LifetimeVectorEnv, make: Callable[[], LifetimeVectorEnv], timeout_s: float
    ) -> None:
        super().__init__(
            inside.num_envs, inside.single_observation_space, inside.single_action_space
        )
        self.has_success = inside.has_success
        self.lifetime = inside.lifetime
        self._inside: LifetimeVectorEnv | None = inside
        self._probe: LifetimeVectorEnv | None = None
        self._make = make
        self._timeout_s = timeout_s
        self._tasks: Sequence[Task] = []
        self._slots: Slots = np.arange(0)
        self._observations = np.zeros(
            self.observation_space.shape or (), dtype=self.observation_space.dtype
        )
        self._start: tuple[int | None, Lifetime] = (None, self.lifetime)
        self._actions: list[NDArray[Any]] = []

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Sets the tasks and starts their lifetimes, as `LifetimeVectorEnv.reset`."""
        options = dict(options or {})
        if isinstance(seed, list):
            raise ValueError(f"reset takes one seed for all slots, an int, got a list: {seed}.")
        if "tasks" in options:
            self._take(options["tasks"])
        elif self._inside is None:
            options["tasks"] = _selected(self._tasks, self._slots)
        if not len(self._tasks):
            raise ValueError('reset needs tasks: reset(seed=…, options={"tasks": tasks}).')
        self._start = seed, options.get("lifetime", self.lifetime)
        self._actions = []
        answer = self._answer(lambda env: self._begin_in(env, options))
        self.playing = answer[-1]["playing"].copy()
        return answer[0], answer[-1]

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Takes one step in every slot that is playing, as `LifetimeVectorEnv.step`."""
        self._actions.append(np.array(actions))
        was_playing, known = self.playing, set(self.failures)
        answer = self._answer(lambda env: self._step_in(env, self._slots, self._actions[-1]))
        observations, rewards, terminated, truncated, infos = answer
        self.playing = infos["playing"].copy()
        for slot in self._slots_of(self.failures.keys() - known):
            truncated[slot] = infos["episode_over"][slot] = was_playing[slot]
        return observations, rewards, terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Closes the environment inside."""
        del kwargs
        for env in (self._inside, self._probe):
            _close(env)
        self._inside = self._probe = None

    @property
    def _env(self) -> LifetimeVectorEnv:
        if self._inside is None:
            self._inside = self._make()
        return self._inside

    def _take(self, tasks: Sequence[Task]) -> None:
        if not 0 < len(tasks) <= self.num_envs:
            raise ValueError(f"reset takes 1 to {self.num_envs} tasks, got {len(tasks)}.")
        self._tasks, self.failures = tasks, {}
        self._slots = np.arange(len(tasks))

    def _answer(self, call: Callable[[LifetimeVectorEnv], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Returns what the environment inside answers, spread over the slots of this one."""
        if not len(self._slots):
            return self._silence()
        try:
            answer = call(self._env)
        except Exception as error:
            answer = self._recovered(error)
        else:
            self.failures |= self._env.failures
        if len(self._slots) < len(self._tasks) or self.failures:
            answer = self._spread(answer)
        self._observations = answer[0]
        return answer

    def _recovered(self, error: Exception) -> tuple[Any, ...]:
        """Returns the answer of the tasks that are not at fault, the others failed.

        Raises:
            UnexplainedFault: if no task faults alone, and all of them together do again; or if
                there are many, and each does.
            MemoryError: in place of that, if that is the fault.
        """
        for _ in range(_MAX_ROUNDS):
            culprits: dict[int, str] = {}
            self._accuse(self._slots, culprits, [])
            self._give_up(culprits)
            if not len(self._slots):
                return self._silence()
            try:
                return self._caught_up()
            except Exception as again:
                error = again
                if not culprits:
                    break
        if isinstance(error, MemoryError):
            raise error
        raise UnexplainedFault(
            f"a batch of {len(self._slots)} tasks cannot be played, though its halves can: "
            f"{_reason_of(error).strip()}"
        ) from error

    def _accuse(self, slots: Slots, culprits: dict[int, str], sound: list[Slots]) -> None:
        """Finds the tasks that fault alone, by slot, and why; `sound` are parts that do not."""
        for half in np.array_split(slots, 2) if len(slots) > 1 else [slots]:
            reason = self._fault_of(half)
            if reason is None:
                sound.append(half)
            elif len(half) > 1:
                self._accuse(half, culprits, sound)
            else:
                culprits[int(half[0])] = reason
            if reason is not None and len(culprits) >= _MANY and not sound:
                raise UnexplainedFault(
                    f"each of {len(culprits)} tasks fails, and none was found that does not; the "
                    f"last one: {reason.strip()}"
                )

    def _fault_of(self, slots: Slots) -> str | None:
        """Returns what goes wrong when these tasks are played as they were, None if nothing."""
        self._probe = self._probe or self._make()  # what this raises is no task's fault
        try:
            self._replay(self._probe, slots, self._actions)
        except Exception as error:
            _close(self._probe)
            self._probe = None
            return _reason_of(error)
        return None

    def _give_up(self, culprits: dict[int, str]) -> None:
        """Fails the tasks at fault; what is left goes on in a new environment."""
        for slot, reason in culprits.items():
            self.failures.setdefault(self._tasks[slot].id, reason)
            _log.warning(
                "task %s is at fault: %s", self._tasks[slot].id, reason.strip().split("\n")[-1]
            )
        self._slots = np.array([s for s in self._slots.tolist() if s not in culprits], dtype=int)
        _close(self._inside)
        self._inside = None

    def _caught_up(self) -> tuple[Any, ...]:
        """Returns the last answer again, of a new environment played to where the old one was.

        A task that does not look there as it did before fails: its lifetime would be of two
        pieces.
        """
        if not self._actions:
            answer = self._replay(self._env, self._slots, [])
        else:
            before = self._replay(self._env, self._slots, self._actions[:-1])[0]
            for row, slot in enumerate(self._slots.tolist()):
                if self.playing[slot] and not _alike(before[row], self._observations[slot]):
                    reason = "is not the same when it is played again with the same seed"
                    self.failures.setdefault(self._tasks[slot].id, reason)
            answer = self._step_in(self._env, self._slots, self._actions[-1])
        self.failures |= self._env.failures
        return answer

    def _replay(
        self, env: LifetimeVectorEnv, slots: Slots, actions: Sequence[NDArray[Any]]
    ) -> tuple[Any, ...]:
        """Plays the tasks of these slots alone, from the start of the lifetime."""
        answer = self._begin_in(env, {"tasks": _selected(self._tasks, slots)})
        for step in actions:
            answer = self._step_in(env, slots, step)
        return answer

    def _begin_in(self, env: LifetimeVectorEnv, options: dict[str, Any]) -> tuple[Any, ...]:
        seed, lifetime = self._start
        with limit(env, "reset", self._timeout_s):
            return env.reset(seed=seed, options={**options, "lifetime": lifetime})

    def _step_in(
        self, env: LifetimeVectorEnv, slots: Slots, actions: NDArray[Any]
    ) -> tuple[Any, ...]:
        if len(slots) < len(self._tasks):
            padded = np.zeros_like(actions)
            padded[: len(slots)] = actions[slots]
            actions = padded
        with limit(env, "step", self._timeout_s):
            return env.step(actions)

    def _spread(self, answer: tuple[Any, ...]) -> tuple[Any, ...]:
        """Puts the rows of an answer where their tasks are in this environment."""
        *arrays, infos = answer
        infos = {name: self._placed(value) for name, value in infos.items()}
        infos["playing"][self._slots_of(self.failures)] = False
        return (*(self._placed(array) for array in arrays), infos)

    def _placed(self, values: Any) -> Any:
        if not isinstance(values, np.ndarray) or len(values) != self.num_envs:
            return values
        placed = np.zeros_like(values)
        placed[self._slots] = values[: len(self._slots)]
        return placed

    def _slots_of(self, task_ids: Any) -> list[int]:
        if not task_ids:
            return []
        return [slot for slot, task in enumerate(self._tasks) if task.id in task_ids]

    def _silence(self) -> tuple[Any, ...]:
        """Returns the answer of a batch in which nobody can play."""
        nobody = np.zeros(self.num_envs, dtype=bool)
        names = ("playing", "episode_start", "episode_over", "complete", "success")
        infos: dict[str, Any] = {name: nobody.copy() for name in names}
        infos["lifetime_left"] = np.zeros(self.num_envs, dtype=np.float32)
        seen = np.zeros_like(self._observations)
        return seen, np.zeros(self.num_envs), nobody.copy(), nobody.copy(), infos


def _selected(tasks: Sequence[Task], slots: Slots) -> Sequence[Task]:
    if isinstance(tasks, TaskBatch):
        return tasks.select(slots)
    return [tasks[slot] for slot in slots.tolist()]


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two observations are the same, up to what the size of a batch does to sums."""
    return bool(np.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True))


def _reason_of(error: Exception) -> str:
    if isinstance(error, RemoteFault | ProcessLost | UnexplainedFault):
        return str(error)
    return "".join(traceback.format_exception(error, limit=-3, chain=False))


def _close(env: LifetimeVectorEnv | None) -> None:
    if env is not None:
        with suppress(Exception), limit(env, "close", 10.0):
            env.close()
