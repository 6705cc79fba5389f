"""Lifetimes played in a process of their own: for code that may kill or block its process.

The process makes the environment and answers `reset` and `step` over a pipe. What it raises
arrives as `RemoteFault`; that it died or had to be killed, as `taskgen.watched.ProcessLost`.
"""

from __future__ import annotations

import traceback
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from taskgen.vector import LifetimeVectorEnv, limit
from taskgen.watchdog import first_limit_s, time_limit
from taskgen.watched import WatchedProcess

if TYPE_CHECKING:
    from taskgen.generator import EnvGenerator


class RemoteFault(RuntimeError):
    """What an environment raised in its process; the message is its traceback."""


class RemoteVectorEnv(LifetimeVectorEnv):
    """A generator's vector environment in a watched process, with the same answers.

    Args:
        generator: makes the environment there.
        num_envs: the number of slots, B.
        timeout_s: the longest one call may take there, in seconds; the first have more.

    Raises:
        RemoteFault: if the environment cannot be made.
        ProcessLost: if making it kills or blocks the process.
    """

    limits_itself = True

    def __init__(self, generator: EnvGenerator, num_envs: int, timeout_s: float) -> None:
        self._process = WatchedProcess(_serve, generator, num_envs, timeout_s)
        try:
            observation_space, action_space, has_success = self._ask("describe", {})
        except Exception:
            self._process.end()
            raise
        super().__init__(num_envs, observation_space, action_space)
        self.has_success = has_success

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Sets the tasks and starts their lifetimes, as `LifetimeVectorEnv.reset`."""
        options = dict(options or {})
        options.setdefault("lifetime", self.lifetime)
        if "tasks" in options:
            options["tasks"] = list(options["tasks"])
        answer, self.failures = self._ask("reset", {"seed": seed, "options": options})
        self.playing = answer[-1]["playing"].copy()
        observations, infos = answer
        return observations, infos

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Takes one step in every slot that is playing, as `LifetimeVectorEnv.step`."""
        answer, self.failures = self._ask("step", {"actions": actions})
        self.playing = answer[-1]["playing"].copy()
        observations, rewards, terminated, truncated, infos = answer
        return observations, rewards, terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the process."""
        del kwargs
        self._process.end()

    def _ask(self, name: str, arguments: dict[str, Any]) -> Any:
        raised, answer = self._process.ask((name, arguments))
        if raised:
            raise RemoteFault(answer)
        return answer


def make_within(generator: EnvGenerator, num_envs: int, timeout_s: float) -> LifetimeVectorEnv:
    """Returns a generator's vector environment, made within the time of a first call.

    Raises:
        TookTooLong: if it takes longer.
    """
    with time_limit(first_limit_s(timeout_s)):
        return generator.make_vector_env(num_envs)


def _serve(
    connection: Connection, generator: EnvGenerator, num_envs: int, timeout_s: float
) -> None:
    """Answers calls until the other side hangs up."""
    env: LifetimeVectorEnv | None = None
    while True:
        try:
            name, arguments = connection.recv()
        except EOFError:
            return
        try:
            if env is None:
                env = make_within(generator, num_envs, timeout_s)
            connection.send((False, _answer(env, name, arguments, timeout_s)))
        except Exception:
            connection.send((True, traceback.format_exc(limit=-3)))


def _answer(env: LifetimeVectorEnv, name: str, arguments: dict[str, Any], timeout_s: float) -> Any:
    if name == "describe":
        return env.single_observation_space, env.single_action_space, env.has_success
    with limit(env, name, timeout_s):
        answer = getattr(env, name)(**arguments)
    return answer, env.failures
