"""Which tasks next: the task-level contract, ask and tell.

A curriculum sees tasks and scores, never a learner: it proposes tasks of the current
distribution, and is told afterwards how much each still had to teach.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource
from taskgen.task import Task


@dataclass(frozen=True)
class Proposal:
    """A task to play next, and why.

    Args:
        task: the task; its own `parents` tell what it was edited from.
        origin: drawn anew, played before, or edited from one played before.
        train: False: play it and score it, take no gradient from it.
    """

    task: Task
    origin: Literal["new", "replay", "edit"] = "new"
    train: bool = True


class Curriculum(ABC):
    """Proposes tasks of a distribution and hears what came of them.

    A curriculum is made by `cls(config)`; `cls.Config` is a frozen dataclass of its settings.
    """

    Config: ClassVar[type[Any]]
    score: ClassVar[str | None] = None
    """The name of the score in `curricula.scores` that `tell` wants; None: it takes no notice."""

    @abstractmethod
    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n proposals whose tasks come from the source and lie in the distribution."""

    @abstractmethod
    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores of proposals that were played, [B]; higher is more to learn."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the state, plain values and tensors only; by default there is none."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        del state
