"""Gates: what a curriculum proposes is looked at before it is played."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Asked, Curriculum, HeatMap, Proposal
from curricula.parts import made
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource
from taskgen.task import Task

Gate = Literal["solvable", "split", "duplicate", "idle"]
_ROUNDS = 4


@dataclass(frozen=True)
class Inner:
    """The curriculum behind the gates.

    Args:
        name: registered, or `module:Class`.
        options: its own settings.
    """

    name: str = "domain_randomization"
    options: dict[str, Any] = field(default_factory=dict)


class Gated(Curriculum):
    """Has a curriculum propose, and puts a new task in the place of each that fails a gate.

    The gates: `solvable`, the generator calls it valid; `split`, it is a training task;
    `duplicate`, no new task or edit of its canonical form was played lately; `idle`, a new task or
    edit is not solved by doing nothing. Doing nothing is play and counts in the budget.

    New tasks in place of others pass the gates too if some tries find any; after that a new task
    is taken as it is, always solvable and of the right split, and counted. The curriculum behind
    the gates hears NaN of what was not played. In a campaign file:

        curriculum:
          name: gated
          options:
            curriculum: {name: sfl}
            gates: [solvable, split, duplicate, idle]

    Source:
        Team et al. 2023, "Human-timescale adaptation in an open-ended task space" (arXiv
        2301.07608), and Matthews et al. 2024, "Kinetix" (arXiv 2410.23208), for the second of
        them: there a policy that does nothing is filtered with, here the same action throughout.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            curriculum: what proposes, with its name and its options.
            gates: what is asked of a proposal, in this order.
            history: canonical forms that are remembered, the newest.
            idle_action: the choice that does nothing, where actions are choices.

        Raises:
            ValueError: if the curriculum cannot be made, or a setting is out of its range.
        """

        curriculum: Inner = Inner()
        gates: tuple[Gate, ...] = ("solvable", "split", "duplicate")
        history: int = 4096
        idle_action: int = 0

        def __post_init__(self) -> None:
            unknown = [gate for gate in self.gates if gate not in GATES]
            if unknown or not self.gates:
                raise ValueError(f"gates must be among {', '.join(GATES)}, got {self.gates}.")
            if self.history < 1:
                raise ValueError(f"history must be 1 or more, got {self.history}.")
            made(self.curriculum.name, self.curriculum.options, "curriculum")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._inner = made(config.curriculum.name, config.curriculum.options, "curriculum")
        self.score = self._inner.score
        self._asked = Asked()
        self._behind: list[Proposal] = []
        self._replaced = np.zeros(0, dtype=bool)
        self._forms: dict[str, None] = {}
        self._num_rejected = self._num_taken_as_they_are = 0

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n proposals that pass the gates, as far as such tasks are found.

        Raises:
            ValueError: if success has no meaning for these tasks, and `idle` is asked for.
        """
        self._behind = self._inner.ask(source, distribution, n, rng)
        proposals = list(self._behind)
        waiting = self._failing(source, proposals, np.arange(len(proposals)))
        self._replaced = np.isin(np.arange(len(proposals)), waiting)
        self._num_rejected = len(waiting)
        for _ in range(_ROUNDS):
            if not len(waiting):
                break
            new = source.make(distribution, len(waiting), rng)
            for i, task in zip(waiting.tolist(), new, strict=True):
                proposals[i] = replace(self._behind[i], task=task, origin="new")
            waiting = self._failing(source, proposals, waiting)
        self._num_taken_as_they_are = len(waiting)
        self._forms = dict(list(self._forms.items())[-self.config.history :])
        return self._asked.remember(proposals)

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Tells the curriculum behind the gates what became of those of its tasks that passed.

        Raises:
            RuntimeError: if these are not the proposals of the last ask.
        """
        self._asked.settle(proposals)
        heard = np.array(scores, dtype=np.float64)
        heard[self._replaced] = np.nan
        self._inner.tell(self._behind, heard)

    def metrics(self) -> dict[str, float]:
        """Returns how many of the last batch were rejected, and what the curriculum tells."""
        return {
            "curriculum/num_rejected": float(self._num_rejected),
            "curriculum/num_taken_as_they_are": float(self._num_taken_as_they_are),
            **self._inner.metrics(),
        }

    def heat_maps(self) -> dict[str, HeatMap]:
        """Returns those of the curriculum behind the gates."""
        return self._inner.heat_maps()

    def state_dict(self) -> dict[str, Any]:
        """Returns the forms that were played, and the state behind the gates."""
        return {
            "inner": self._inner.state_dict(),
            "forms": list(self._forms),
            "counts": [self._num_rejected, self._num_taken_as_they_are],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._inner.load_state_dict(state["inner"])
        self._forms = dict.fromkeys(state["forms"])
        self._num_rejected, self._num_taken_as_they_are = state["counts"]

    def _failing(
        self, source: TaskSource, proposals: Sequence[Proposal], which: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Returns which of some proposals fail a gate."""
        left = which
        for gate in self.config.gates:
            passes = GATES[gate](self, source, [proposals[i] for i in left.tolist()])
            left = left[np.array(passes, dtype=bool)]
        return np.setdiff1d(which, left)

    def _is_solvable(self, source: TaskSource, proposals: Sequence[Proposal]) -> list[bool]:
        return source.valid([proposal.task for proposal in proposals])

    def _is_of_split(self, source: TaskSource, proposals: Sequence[Proposal]) -> list[bool]:
        return source.holds([proposal.task for proposal in proposals])

    def _is_fresh(self, source: TaskSource, proposals: Sequence[Proposal]) -> list[bool]:
        passes = []
        for proposal in proposals:
            canonical = source.generator.canonical(proposal.task)
            form = hashlib.sha256(canonical).hexdigest()[:32]
            passes.append(proposal.origin == "replay" or form not in self._forms)
            self._forms.pop(form, None)
            self._forms[form] = None
        return passes

    def _is_work(self, source: TaskSource, proposals: Sequence[Proposal]) -> list[bool]:
        tasks: list[Task] = [p.task for p in proposals if p.origin != "replay"]
        solved = iter(source.solved_by_idling(tasks, self.config.idle_action).tolist())
        return [p.origin == "replay" or not next(solved) for p in proposals]


GATES: Mapping[str, Callable[[Gated, TaskSource, Sequence[Proposal]], list[bool]]] = {
    "solvable": Gated._is_solvable,
    "split": Gated._is_of_split,
    "duplicate": Gated._is_fresh,
    "idle": Gated._is_work,
}
