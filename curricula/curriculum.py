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


@dataclass(frozen=True)
class HeatMap:
    """Values over two axes, to be drawn by whoever shows a campaign.

    Args:
        values: of the cells, [rows, columns]; NaN where there is nothing.
        x: what the columns count, and y: what the rows count, lowest first.
        x_range: the outer edges of the columns, and y_range: of the rows.
        label: what the values are.
    """

    values: NDArray[np.float64]
    x: str
    y: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    label: str


class Curriculum(ABC):
    """Proposes tasks of a distribution and hears what came of them.

    A curriculum is made by `cls(config)`; `cls.Config` is a frozen dataclass of its settings.
    """

    Config: ClassVar[type[Any]]
    score: str | tuple[str, ...] | None = None
    """The scores in `curricula.scores` that `tell` wants, by name; None: it takes no notice.

    Of the class, or of an instance whose settings say so.
    """

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
        """Takes what became of the proposals of the last `ask`, which were played.

        Args:
            proposals: all of that ask, in its order.
            scores: one a proposal, [B]; where `score` names several, [B, K]. NaN: not played to
                an end.

        Raises:
            RuntimeError: if something else was asked for last (`Asked` sees to it).
        """

    def metrics(self) -> dict[str, float]:
        """Returns numbers that show what it does, always the same names, "curriculum/…".

        NaN where there is nothing to tell yet. By default there are none.
        """
        return {}

    def heat_maps(self) -> dict[str, HeatMap]:
        """Returns what its state looks like, by a name fit for a file; by default nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Returns the state, plain values and tensors only; by default there is none."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        del state


class Asked:
    """What the last `ask` proposed, until it is told: a part for curricula to hold."""

    def __init__(self) -> None:
        self._proposals: list[Proposal] = []

    def remember(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """Returns the proposals as a list, and waits for them to be told."""
        self._proposals = list(proposals)
        return list(proposals)

    def settle(self, told: Sequence[Proposal]) -> None:
        """Takes the answer, once.

        Raises:
            RuntimeError: if the proposals are others, or were told already.
        """
        asked, self._proposals = self._proposals, []
        if [p.task.id for p in asked] != [p.task.id for p in told]:
            self._proposals = asked
            raise RuntimeError(
                f"tell answers the last ask, all of its proposals in their order: {len(asked)} "
                f"were asked for and not yet told, {len(told)} came; ask first, and tell what it "
                f"returned."
            )
