"""The search that stays where it is: the control that every search has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curricula.search import Candidate, DistributionSearch, Gain
from taskgen.distribution import TaskDistribution


class Fixed(DistributionSearch):
    """Never proposes a move, so that "keep" is the only candidate of every generation."""

    @dataclass(frozen=True)
    class Config:
        """There is nothing to set."""

    def ask(
        self,
        incumbent: TaskDistribution,
        movable: Sequence[str],
        num_candidates: int,
        *,
        generation: int,
        seed: int,
    ) -> list[Candidate]:
        """Returns no move."""
        del incumbent, movable, num_candidates, generation, seed
        return []

    def tell(self, candidates: Sequence[Candidate], gains: Sequence[Gain]) -> None:
        """Takes no notice of "keep".

        Raises:
            RuntimeError: if a move comes back, since none was asked for.
        """
        del gains
        moves = [candidate.move for candidate in candidates if candidate.move]
        if moves:
            raise RuntimeError(
                f"this search proposes no moves, so none can come back, got {moves}; "
                f"tell it of 'keep' alone."
            )

    def state_dict(self) -> dict[str, Any]:
        """Returns an empty state: there is none."""
        return {}
