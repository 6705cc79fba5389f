"""One curriculum after another, each until a condition on logged metrics holds."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Asked, Curriculum, HeatMap, Proposal
from curricula.parts import heard, labels_of, made, metrics_of, names_of, wanted
from taskgen.distribution import TaskDistribution
from taskgen.hints import did_you_mean
from taskgen.source import TaskSource

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_TERM = re.compile(r"\s*([A-Za-z_][\w/]*)\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*")


@dataclass(frozen=True)
class Stage:
    """One curriculum of a sequence.

    Args:
        name: registered, or `module:Class`.
        until: the next one begins when this holds, as "batches >= 20" or "score > 0.8 and tasks >=
            500"; "" for the last one, which stays. It may ask for `batches` and `tasks` of this
            stage, `score`, the mean of its latest tasks, and what the curriculum itself tells.
        options: its own settings.
    """

    name: str
    until: str = ""
    options: dict[str, Any] = field(default_factory=dict)


class Sequential(Curriculum):
    """Follows one curriculum until a condition holds, then the next, and never goes back.

    What the conditions ask for is what is logged: `Curriculum.metrics`, of the stage's curriculum
    and of this one. A later curriculum begins with an empty state. In a campaign file:

        curriculum:
          name: sequence
          options:
            score: success_rate
            stages:
              - {name: domain_randomization, until: score > 0.5 and batches >= 20}
              - {name: sfl}
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            stages: the curricula in order, each with its name, its condition and its options.
            score: what `score` in a condition is the mean of; null: what the stage itself hears.
            window: of how many tasks, the latest.

        Raises:
            ValueError: if a condition cannot be read or met, or a curriculum cannot be made.
        """

        stages: tuple[Stage, ...] = (
            Stage("domain_randomization", "batches >= 20"),
            Stage("learning_progress"),
        )
        score: str | None = None
        window: int = 256

        def __post_init__(self) -> None:
            if not self.stages or self.stages[-1].until:
                raise ValueError("stages must end with one that stays, with until: ''.")
            if self.window < 1:
                raise ValueError(f"window must be 1 or more, got {self.window}.")
            for stage in self.stages:
                curriculum = made(stage.name, stage.options, "stages")
                known = set(_own_facts(0, 0, [])) | set(_plain(curriculum.metrics()))
                if self.score is None and not names_of(curriculum.score):
                    known.discard("score")
                _require_known(stage, known)
            if not all(stage.until for stage in self.stages[:-1]):
                raise ValueError("stages must each say until when, but for the last one.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._stages = [made(stage.name, stage.options, "stages") for stage in config.stages]
        self._asked = Asked()
        self._index = 0
        self._num_batches = self._num_tasks = 0
        self._latest: list[float] = []
        self.score = self._score()

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns what the curriculum of this stage proposes."""
        return self._asked.remember(self._stages[self._index].ask(source, distribution, n, rng))

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Tells the curriculum of this stage, and goes on to the next where its time is up.

        Raises:
            RuntimeError: if these are not the proposals of the last ask.
        """
        self._asked.settle(proposals)
        stage = self._stages[self._index]
        stage.tell(proposals, heard(stage, self.score, scores))
        column = scores if scores.ndim == 1 else scores[:, self._names().index(self._watched())]
        finite = column[np.isfinite(column)].tolist() if self._watched() else []
        self._latest = [*self._latest, *finite][-self.config.window :]
        self._num_batches += 1
        self._num_tasks += len(proposals)
        until = self.config.stages[self._index].until
        if until and holds(until, {**_plain(stage.metrics()), **self._facts()}):
            self._index += 1
            self._num_batches = self._num_tasks = 0
            self._latest = []
            self.score = self._score()

    def metrics(self) -> dict[str, float]:
        """Returns which stage it is, from 0, how long it has lasted, and its latest mean score."""
        facts = {f"curriculum/{name}": value for name, value in self._facts().items()}
        labels = labels_of([stage.name for stage in self.config.stages])
        parts = metrics_of(dict(zip(labels, self._stages, strict=True)))
        return {"curriculum/stage": float(self._index), **facts, **parts}

    def heat_maps(self) -> dict[str, HeatMap]:
        """Returns the heat maps of this stage's curriculum."""
        return self._stages[self._index].heat_maps()

    def state_dict(self) -> dict[str, Any]:
        """Returns the stage, how long it has lasted, and the states of all curricula."""
        return {
            "index": self._index,
            "num_batches": self._num_batches,
            "num_tasks": self._num_tasks,
            "latest": list(self._latest),
            "stages": [stage.state_dict() for stage in self._stages],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._index = state["index"]
        self._num_batches, self._num_tasks = state["num_batches"], state["num_tasks"]
        self._latest = list(state["latest"])
        for stage, each in zip(self._stages, state["stages"], strict=True):
            stage.load_state_dict(each)
        self.score = self._score()

    def _score(self) -> str | tuple[str, ...] | None:
        more = [self.config.score] if self.config.score else []
        return wanted([self._stages[self._index]], more)

    def _names(self) -> tuple[str, ...]:
        return names_of(self.score)

    def _watched(self) -> str:
        """Returns the name of the score whose mean is `score`, "" if there is none."""
        return self.config.score or next(iter(self._names()), "")

    def _facts(self) -> dict[str, float]:
        return _own_facts(self._num_batches, self._num_tasks, self._latest)


def holds(condition: str, facts: Mapping[str, float]) -> bool:
    """Returns whether a condition holds; NaN is neither above nor below anything.

    Example:
        >>> holds("batches >= 3 and score > 0.5", {"batches": 3.0, "score": 0.75})
        True
        >>> holds("score > 0.5", {"score": float("nan")})
        False
    """
    return all(_OPERATORS[sign](facts[name], value) for name, sign, value in terms_of(condition))


def terms_of(condition: str) -> list[tuple[str, str, float]]:
    """Returns the terms of a condition: a name, an operator and a number each.

    Raises:
        ValueError: if it cannot be read.
    """
    found = []
    for term in re.split(r"\band\b", condition):
        match = _TERM.fullmatch(term)
        if match is None:
            raise ValueError(
                f"stages need conditions as 'score > 0.8 and batches >= 20', with >=, <=, > or <, "
                f"got {condition!r}."
            )
        found.append((match[1], match[2], float(match[3])))
    return found


def _require_known(stage: Stage, known: set[str]) -> None:
    for name, _, _ in terms_of(stage.until) if stage.until else ():
        if name not in known:
            raise ValueError(
                f"stages must ask for what {stage.name} tells, got {name!r}"
                f"{did_you_mean(name, known)}; there are {', '.join(sorted(known))} (for score, "
                f"name one in `score`)."
            )


def _own_facts(num_batches: int, num_tasks: int, latest: list[float]) -> dict[str, float]:
    mean = float(np.mean(latest)) if latest else float("nan")
    return {"batches": float(num_batches), "tasks": float(num_tasks), "score": mean}


def _plain(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name.removeprefix("curriculum/"): value for name, value in metrics.items()}
