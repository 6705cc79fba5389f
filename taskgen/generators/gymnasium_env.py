"""Any gymnasium environment as a family of tasks: name it, and name what may vary.

    GymnasiumEnv("Pendulum-v1", {"g": Float(low=5.0, high=15.0, default=10.0)}, keywords=("g",))

A parameter is a keyword argument of the environment where `keywords` names it; any other is set as
an attribute of the unwrapped environment, after it was made and before its first reset. That is
right when the environment reads the attribute in `step` or `reset`. Where it computes other things
from it once, in its constructor, those must be computed again: override `apply`, as `CartPole`
does below. `taskgen check` finds a parameter without any effect; it cannot find half an effect.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace, Row
from taskgen.parameters import Float, Parameter, parameter_from_json
from taskgen.task import Task


class GymnasiumEnv(EnvGenerator):
    """Tasks of one gymnasium environment, each with values of its own for some parameters.

    The seed of a task plays no part: its content is the parameters, so two seeds give one task.

    Args:
        env: id of a registered environment, "module:Name-v0" to import the module first, or
            whatever returns an environment when called with the keywords.
        parameters: what may vary: name → `Float`, `Int` or `Categorical`, or their fields as a
            dict, as they stand in a campaign file.
        keywords: the parameters that the environment takes when it is made.
        horizon: env steps of an episode; by default what the environment's specification says.
        has_success: whether the environment tells success in `info["success"]`.

    Raises:
        ValueError: if no parameter is given, or a keyword is none of them.
    """

    name = "gymnasium-v1"
    has_success = False

    def __init__(
        self,
        env: str | Callable[..., gymnasium.Env[Any, Any]],
        parameters: Mapping[str, Parameter | Mapping[str, Any]],
        keywords: Sequence[str] = (),
        horizon: int | None = None,
        has_success: bool = False,
    ) -> None:
        if not parameters or not set(keywords) <= set(parameters):
            raise ValueError(
                f"parameters must name what may vary, and hold every keyword; "
                f"got parameters {list(parameters)} and keywords {list(keywords)}."
            )
        self.space = ParameterSpace(
            {
                name: parameter_from_json(value) if isinstance(value, Mapping) else value
                for name, value in parameters.items()
            }
        )
        self.env, self.keywords, self.has_success = env, tuple(keywords), has_success
        self._horizon = horizon

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a row: its content is the row and what it applies to."""
        self.space.validate(params)
        env = self.env if isinstance(self.env, str) else self.env.__qualname__
        content = {"env": env, "values": self.space.complete(params)}
        return Task(self.name, self.version, dict(params), seed, content)

    def make_env(self, task: Task) -> gymnasium.Env[Any, Any]:
        """Returns the environment with the task's values applied."""
        values = dict(task.content["values"])
        keywords = {name: values.pop(name) for name in self.keywords}
        if isinstance(self.env, str):
            keywords = _visible(self.env) | keywords
            env = gymnasium.make(self.env, disable_env_checker=True, **keywords)
        else:
            env = self.env(**keywords)
        self.apply(env.unwrapped, values)
        return env

    def apply(self, env: Any, values: Row) -> None:
        """Sets the values as attributes of the bare environment; override to compute more.

        Raises:
            AttributeError: if the environment has no such attribute.
        """
        for name, value in values.items():
            if not hasattr(env, name):
                known = ", ".join(sorted(key for key in vars(env) if not key.startswith("_")))
                raise AttributeError(f"{type(env).__name__} has no {name!r}; it has {known}.")
            setattr(env, name, value)

    def horizon(self, task: Task) -> int:
        """Returns the env steps of an episode."""
        return super().horizon(task) if self._horizon is None else self._horizon


def _visible(env_id: str) -> dict[str, Any]:
    """Returns the keywords that make an environment one that can be filmed, if it can be."""
    module, _, name = env_id.rpartition(":")
    if module:
        importlib.import_module(module)
    entry = gymnasium.spec(name).entry_point
    creator = load_env_creator(entry) if isinstance(entry, str) else entry
    modes = (getattr(creator, "metadata", None) or {}).get("render_modes") or ()
    return {"render_mode": "rgb_array"} if "rgb_array" in modes else {}


class CartPole(GymnasiumEnv):
    """Gymnasium's cart and pole under other physics: a whole family, derived masses and all."""

    name = "cartpole-v1"

    def __init__(self) -> None:
        super().__init__(
            "CartPole-v1",
            {
                "gravity": Float(low=2.0, high=20.0, default=9.8, log=True, unit="m/s²"),
                "masspole": Float(low=0.05, high=0.5, default=0.1, log=True, unit="kg"),
                "length": Float(low=0.25, high=2.0, default=0.5, log=True, unit="m"),
            },
        )

    def apply(self, env: Any, values: Row) -> None:
        """Sets the values and what the constructor computed from them."""
        super().apply(env, values)
        env.total_mass = env.masspole + env.masscart
        env.polemass_length = env.masspole * env.length
