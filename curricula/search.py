"""Where in task space to live next: the distribution-level contract, ask and tell.

A search proposes candidate distributions near the incumbent and is told each one's gain: how much
better the learner became on held-out tasks by training there. It knows no learner and no task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from taskgen.distribution import Move, TaskDistribution


@dataclass(frozen=True)
class Candidate:
    """A distribution that a branch of the campaign may train on.

    Args:
        distribution: where the branch trains.
        origin: "keep" is the incumbent unchanged, "move" came from the search, "toward" is the
            campaign's own move toward what counts, "challenger" is all that counts (the target,
            or open-ended the frontier) at once, entering by the paired test alone.
            "merge" is several branches put together, trained nowhere itself and never told.
        move: the effective move in the box, after clipping; empty but for "move" and "toward".
    """

    distribution: TaskDistribution
    origin: Literal["keep", "move", "toward", "challenger", "merge"] = "move"
    move: Move = field(default_factory=dict)


@dataclass(frozen=True)
class Gain:
    """What became of a candidate.

    Args:
        value: score of the branch minus score of its start, on one task set.
        pruned: whether it was stopped at the rung, its value that of the rung.
    """

    value: float
    pruned: bool = False


@dataclass(frozen=True)
class Probe:
    """A distribution on which a search wants the learner measured.

    Args:
        name: what the scores come back under.
        distribution: where the tasks come from.
        num_tasks: how many of them are played, for a lifetime each.
    """

    name: str
    distribution: TaskDistribution
    num_tasks: int


class DistributionSearch(ABC):
    """Proposes distributions relative to an incumbent.

    A search is made by `cls(config, journal)`; `cls.Config` is a frozen dataclass of its settings,
    `journal` the file where it may keep a record of its own.

    Attributes:
        decides: whether its move is made without a test, since it has reasons of its own. Such a
            search proposes one move at most, and runs in stream mode alone.
    """

    Config: ClassVar[type[Any]]
    decides: ClassVar[bool] = False

    def __init__(self, config: Any, journal: Path | None = None) -> None:
        self.config = config
        self.journal = journal

    @abstractmethod
    def ask(
        self,
        incumbent: TaskDistribution,
        movable: Sequence[str],
        num_candidates: int,
        *,
        generation: int,
        seed: int,
    ) -> list[Candidate]:
        """Returns at most `num_candidates` moves of the incumbent; the campaign adds "keep".

        A function of the state, the arguments and nothing else: asked again after an
        interruption, it answers the same.
        """

    @abstractmethod
    def tell(self, candidates: Sequence[Candidate], gains: Sequence[Gain]) -> None:
        """Takes the gains of a generation: of those asked for, in their order, and of "keep".

        What the campaign tries by itself, "challenger" and "toward", is never told. A gain without
        a move counts for the move of zeros.

        Raises:
            RuntimeError: if a move comes back that was not asked for.
        """

    def probes(self, distribution: TaskDistribution, movable: Sequence[str]) -> list[Probe]:
        """Returns where the learner is to be measured once it has trained; asked in stream mode.

        A function of the state and the arguments. What is played counts as evaluation.

        Args:
            distribution: where training goes on.
            movable: the parameters that may move.
        """
        del distribution, movable
        return []

    def tell_probes(self, scores: Mapping[str, Sequence[float]]) -> None:
        """Takes the scores of the probes' tasks, by name, after the generation was told.

        A score is 1 if the last episode succeeded and 0 if not; where success has no meaning, that
        by which the campaign decides. NaN: not played.
        """
        del scores

    def metrics(self) -> dict[str, float]:
        """Returns numbers about the last round worth a curve, named "search/…"."""
        return {}

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Returns the state, plain values only."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        del state
