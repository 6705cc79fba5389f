"""Functions of one number from few points: the regression that few-shot learners are tried on.

A task is a function: a sine of some amplitude and phase, as published, or a sine of another
frequency, a line, a step function, a sum of harmonics, a draw of a Gaussian process. A problem of
it is a handful of points, and others that are asked for. Targets shown may be noisy; those asked
for never are, so that what is judged is the function.

Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep
networks", arXiv 1703.03400, §5.1: amplitude in [0.1, 5], phase in [0, π], x in [−5, 5].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from scipy.special import ndtri

from taskgen.batch import ArrayBatch, TaskBatch, content_texts
from taskgen.generator import ProblemGenerator
from taskgen.generators.sinusoid import functions
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.parameters import Categorical, Float, Int
from taskgen.plots import SHOWN, TRUTH, Trace, plot
from taskgen.problems import Problems
from taskgen.randomness import fold, task_keys, uniforms
from taskgen.task import Task, canonical_json

PUBLISHED: dict[str, tuple[float, float]] = {"amplitude": (0.1, 5.0), "phase": (0.0, math.pi)}
"""The region of Finn et al. 2017; all other parameters at their defaults."""
GRID = 201
"""Query points of a picture."""
PERIODIC = ("sine", "step", "harmonics", "gp")

_TURN = round(2 * math.pi, 6)
_SUITE_TASKS = 600  # as published


class Sinusoid(ProblemGenerator):
    """Sines and other functions of one number, from few points.

    Args:
        num_query: points that are asked for, of each problem, Q.

    Example:
        >>> family = Sinusoid()
        >>> task = family.make_task(family.space.complete({"amplitude": 2.0}), seed=0)
        >>> problems = family.make_problems([task], np.random.default_rng(0))
        >>> problems.support_x.shape, problems.query_y.shape
        ((1, 10, 1), (1, 10, 1))
        >>> bool(np.allclose(problems.query_y, 2.0 * np.sin(problems.query_x), atol=1e-6))
        True
    """

    name = "sinusoid-v1"
    input_space = Box(-10.0, 10.0, (1,))
    target_space = Box(-np.inf, np.inf, (1,))
    space = ParameterSpace(
        {
            "family": Categorical(
                choices=functions.FAMILIES, default="sine", doc="kind of the function"
            ),
            "amplitude": Float(low=0.1, high=10.0, default=1.0, doc="size of the values"),
            "phase": Float(low=0.0, high=2 * math.pi, default=0.0, unit="rad", doc="shift"),
            "frequency": Float(
                low=0.2,
                high=5.0,
                default=1.0,
                unit="rad",
                active_when={"family": PERIODIC},
                doc="angle by which the function moves on while x grows by 1",
            ),
            "noise": Float(
                low=0.0, high=2.0, default=0.0, doc="standard deviation of the targets shown"
            ),
            "x_range": Float(low=0.5, high=10.0, default=5.0, doc="inputs are in ± this"),
            "shots": Int(low=1, high=40, default=10, doc="support points"),
        }
    )

    check_ranges: ClassVar = {"phase": (0.0, math.pi)}  # both ends of the circle are the same

    def __init__(self, num_query: int = 10) -> None:
        if num_query < 1:
            raise ValueError(f"num_query must be at least 1, got {num_query}.")
        self.num_query = num_query

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the function of a row of parameters and a seed."""
        self.space.validate(params)
        return self.make_tasks(self.space.columns([params]), np.array([seed]))[0]

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> TaskBatch:
        """Returns B functions; the seed matters where parameters do not say everything."""
        contents = {
            name: column.round(6) if column.dtype == np.float64 else column
            for name, column in params.items()
        }
        keys = fold(np.asarray(seeds).astype(np.uint64), 0)
        draws = (keys >> np.uint64(12)).astype(np.int64)
        contents["draw"] = np.where(self.varies(params), draws, 0)
        return FunctionBatch(self, params, seeds, contents)

    def varies(self, params: Columns) -> NDArray[np.bool_]:
        """Returns which functions are drawn and not fixed by their parameters, [B]."""
        return np.isin(params["family"], functions.DRAWN)

    def make_problems(self, tasks: Sequence[Task], rng: np.random.Generator) -> Problems:
        """Returns fresh points of B functions, uniform in their ranges."""
        return self.make_keyed_problems(
            tasks, rng.integers(2**63, size=len(tasks), dtype=np.uint64)
        )

    def make_keyed_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns points of B functions that depend on each task's key alone."""
        content, Q = _contents(tasks), self.num_query
        # Query points first: then none depends on how many shots others of the batch have.
        places = 2.0 * uniforms(keys, Q + int(content["shots"].max())) - 1.0
        return _problems(content, keys, places, Q)

    def make_shown_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns the same support sets, asked for on an even grid over the range of inputs."""
        content = _contents(tasks)
        drawn = 2.0 * uniforms(keys, self.num_query + int(content["shots"].max())) - 1.0
        grid = np.tile(np.linspace(-1.0, 1.0, GRID), (len(tasks), 1))
        places = np.concatenate([grid, drawn[:, self.num_query :]], axis=1)
        return _problems(content, keys, places, GRID)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns how large and how busy the function is over its range, and what is shown."""
        content = _contents([task])
        rms = float(functions.root_mean_squares(content, content["x_range"])[0])
        busy = task.content["family"] != "line"
        periods = task.content["frequency"] * task.content["x_range"] / math.pi if busy else 0.0
        return {"rms": rms, "periods": periods, "shots": float(task.content["shots"])}

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of the function and of one support set."""
        shown = self.make_shown_problems([task], task_keys(0, [task.id]))
        points = np.concatenate([shown.support_x[0], shown.support_y[0]], axis=1)
        curve = np.concatenate([shown.query_x[0], shown.query_y[0]], axis=1)
        truth = Trace(curve, TRUTH, task.content["family"])
        return plot([truth, Trace(points, SHOWN, f"{len(points)} shots", dots=True)])

    def canonical(self, task: Task) -> bytes:
        """Returns the function alone: phases a whole turn apart are the same.

        How many of its points are shown, where, and how noisy, makes no other function of it.
        """
        content, is_line = task.content, task.content["family"] == "line"
        function = {name: content[name] for name in ("family", "amplitude", "draw")}
        turn = round(content["phase"] % _TURN, 6)
        frequency = 0.0 if is_line else content["frequency"]
        return canonical_json({**function, "phase": turn, "frequency": frequency})

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the function with amplitude, phase or frequency moved by a twentieth or so."""
        names = ["amplitude", "phase", *(["frequency"] if task.content["family"] != "line" else [])]
        name = names[int(rng.integers(len(names)))]
        parameter = self.space[name]
        assert isinstance(parameter, Float)
        step = 0.05 * (parameter.high - parameter.low) * float(rng.normal())
        value = round(min(max(task.content[name] + step, parameter.low), parameter.high), 6)
        params = {**task.params, name: value}
        return task.edited({**task.content, name: value}, operator=f"nudge_{name}", params=params)

    def oracle_return(self, task: Task) -> float:
        """Returns 0: who knows the function makes no error, as targets asked for have no noise."""
        del task
        return 0.0

    def suites(self) -> dict[str, list[Task]]:
        """Returns 600 sines of the published ranges with 5, 10 and 20 shots."""
        return {f"published-{shots}-shot": self._published(shots) for shots in (5, 10, 20)}

    def _published(self, shots: int) -> list[Task]:
        units = uniforms(np.arange(_SUITE_TASKS, dtype=np.uint64), len(PUBLISHED))
        columns = self.space.columns([self.space.complete({"shots": shots})] * _SUITE_TASKS)
        for unit, (name, (low, high)) in zip(units.T, PUBLISHED.items(), strict=True):
            columns[name] = low + unit * (high - low)
        return list(self.make_tasks(columns, np.arange(_SUITE_TASKS)))


class FunctionBatch(ArrayBatch):
    """B functions whose canonical forms are known without making a task of each."""

    @property
    def canonicals(self) -> list[bytes]:
        """What makes two tasks the same for splits and duplicates, [B]."""
        return content_texts(_function_of(self.contents))


def _problems(
    content: dict[str, NDArray[Any]],
    keys: NDArray[np.uint64],
    places: NDArray[np.float64],
    num_query: int,
) -> Problems:
    """Returns the problems of points at places in [−1, 1] of the ranges, the query's first."""
    Q, shots = num_query, content["shots"]
    x = places * content["x_range"][:, None]
    y = functions.evaluate(content, x)
    num_support = x.shape[1] - Q
    if content["noise"].any():
        luck = ndtri(uniforms(fold(keys, 0), num_support) + 2.0**-54)
        y[:, Q:] += content["noise"][:, None] * luck
    xs, ys = x.astype(np.float32)[..., None], y.astype(np.float32)[..., None]
    mask = np.arange(num_support) < shots[:, None]
    return Problems(xs[:, Q:], ys[:, Q:], xs[:, :Q], ys[:, :Q], mask)


def _function_of(contents: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Returns what of the contents makes the function, [B] each."""
    names = ("family", "amplitude", "draw")
    turns = contents["phase"] % _TURN
    frequency = np.where(contents["family"] == "line", 0.0, contents["frequency"])
    function = {name: contents[name] for name in names}
    return {**function, "phase": turns.round(6), "frequency": frequency}


def _contents(tasks: Sequence[Task]) -> dict[str, NDArray[Any]]:
    """Returns the contents of B tasks as arrays, [B] each."""
    if isinstance(tasks, ArrayBatch):
        return tasks.contents
    contents = [task.content for task in tasks]
    return {name: np.array([content[name] for content in contents]) for name in contents[0]}
