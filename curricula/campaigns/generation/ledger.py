"""The books of a campaign: what was used, and what is left.

Budgets are honest: env steps of training and of evaluation are counted apart and added up over
every branch, also those that lost. Seconds are those of a clock on the wall, from the start of the
process or its last commit to this one: start-up, searching, writing and tracking are in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from curricula.campaigns.generation.setup import Setup

_SMALLEST_GENERATION = 0.1


class Ledger:
    """What a campaign has used up to a commit, and what it may still use.

    Args:
        setup: of the campaign.
        record: the commit.
    """

    def __init__(self, setup: Setup, record: Mapping[str, Any]) -> None:
        self.config = setup.config
        self.record = record
        self._num_branches = setup.num_branches

    @property
    def is_spent(self) -> bool:
        """Whether a bound of the budget is reached.

        A remainder of env steps too small for a tenth of a generation, and for the evaluation that
        goes with one, counts as spent.
        """
        budget, totals = self.config.budget, self.record["totals"]
        return (
            (budget.env_steps is not None and self._left(budget.env_steps) < self._smallest)
            or (budget.generations is not None and self.record["generation"] >= budget.generations)
            or (budget.hours is not None and totals["seconds"] >= 3600 * budget.hours)
        )

    def branch_env_steps(self, num_branches: int) -> int:
        """Returns how long each of so many branches trains: less when the budget runs out.

        The last generation also trains what would be left after it and is too little for another.
        """
        env_steps = self.config.generation.branch_env_steps
        if self.config.budget.env_steps is None:
            return env_steps
        left = self._left(self.config.budget.env_steps)
        after = left - num_branches * env_steps - self._evaluation
        is_last = after < self._smallest
        return max(1, math.ceil(left / num_branches) if is_last else env_steps)

    @property
    def _smallest(self) -> float:
        """Fewer training steps than this are not worth a generation."""
        return _SMALLEST_GENERATION * self._num_branches * self.config.generation.branch_env_steps

    @property
    def _evaluation(self) -> int:
        """What the evaluation of a generation takes, as far as that is known from the last one.

        Of generation 0, in which nothing is compared, it is a guess.
        """
        return int(self.record.get("evaluation_env_steps", 0))

    def _left(self, env_steps: int) -> int:
        """Returns what a budget leaves for the training of the next generation."""
        return env_steps - int(self.record["totals"]["env_steps"]) - self._evaluation
