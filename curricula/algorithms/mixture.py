"""Several curricula at once, a share of every batch for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Asked, Curriculum, HeatMap, Proposal
from curricula.parts import heard, labels_of, made, metrics_of, wanted
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


@dataclass(frozen=True)
class Share:
    """One curriculum of a mixture.

    Args:
        name: registered, or `module:Class`.
        share: of every batch; the shares are scaled to sum to 1.
        options: its own settings.
    """

    name: str
    share: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)


class Mixture(Curriculum):
    """Has several curricula propose a share of each batch, and tells each what became of its own.

    Shares are met on average, and in every batch to within one task. In a campaign file:

        curriculum:
          name: mixture
          options:
            parts:
              - {name: domain_randomization, share: 1}
              - {name: alp_gmm, share: 3, options: {fit_every: 500}}
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            parts: the curricula, each with its name, its share and its options.

        Raises:
            ValueError: if there is no part, a share is not above 0, or a part cannot be made.
        """

        parts: tuple[Share, ...] = (Share("domain_randomization"), Share("learning_progress"))

        def __post_init__(self) -> None:
            if not self.parts or not all(0.0 < p.share < np.inf for p in self.parts):
                shares = [part.share for part in self.parts]
                raise ValueError(f"parts must be one or more, of shares above 0, got {shares}.")
            for part in self.parts:
                made(part.name, part.options, "parts")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._parts = [made(part.name, part.options, "parts") for part in config.parts]
        self._labels = labels_of([part.name for part in config.parts])
        self._counts = [0] * len(self._parts)
        self._asked = Asked()
        self.score = wanted(self._parts)

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n tasks, those of the first part first."""
        self._counts = counts_of([part.share for part in self.config.parts], n, rng)
        proposed = [
            proposal
            for part, count in zip(self._parts, self._counts, strict=True)
            if count
            for proposal in part.ask(source, distribution, count, rng)
        ]
        return self._asked.remember(proposed)

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Tells each part what became of its proposals.

        Raises:
            RuntimeError: if these are not the proposals of the last ask.
        """
        self._asked.settle(proposals)
        start = 0
        for part, count in zip(self._parts, self._counts, strict=True):
            mine = slice(start, start + count)
            if count:
                part.tell(proposals[mine], heard(part, self.score, scores[mine]))
            start += count

    def metrics(self) -> dict[str, float]:
        """Returns the numbers of every part."""
        return metrics_of(dict(zip(self._labels, self._parts, strict=True)))

    def heat_maps(self) -> dict[str, HeatMap]:
        """Returns the heat maps of every part."""
        return {
            f"{label}_{name}": shown
            for label, part in zip(self._labels, self._parts, strict=True)
            for name, shown in part.heat_maps().items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns the states of the parts."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the states back."""
        for part, each in zip(self._parts, state["parts"], strict=True):
            part.load_state_dict(each)


def counts_of(shares: Sequence[float], n: int, rng: np.random.Generator) -> list[int]:
    """Returns how many of n each share is: n · share on average, and less than one away from it.

    Example:
        >>> counts_of([1.0, 1.0, 2.0], 8, np.random.default_rng(0))
        [2, 2, 4]
    """
    ends = np.cumsum(np.array(shares) / np.sum(shares)) * n
    ends[-1] = n
    marks = np.floor(ends[:-1] + rng.random() + 1e-9).astype(np.int64)
    return np.diff(np.concatenate([[0], np.minimum(marks, n), [n]])).tolist()
