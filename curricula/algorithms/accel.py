"""ACCEL: what was replayed is edited, and edits that have much to teach are replayed in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum, Proposal
from curricula.replay import Replay, ReplaySettings, edited, fresh
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource
from taskgen.task import Task

_EASE = "mean_return"


class ACCEL(Curriculum):
    """Grows hard tasks out of easy ones: small edits of what it replays, kept where they teach.

    New and edited tasks are played for their scores alone; what is replayed is learned from. After
    a replayed batch comes one of edits of its tasks (its *bases*), `num_edits` edits away. Where
    new tasks are to be empty or easy is a question of the distribution that the campaign starts
    from, as `start: {layout: random_walls, wall_density: 0}` for mazes: edits find their way out
    of it as far as the distribution, or a search that widens it, lets them.

    An edit must lie in the distribution, so what edits change needs an interval there: of mazes
    `goal_distance` and `wall_density`. Where ten tries give none, and for a family without edits
    (`TaskGenerator.mutate`), a new task takes its place; `curriculum/edit_share` tells.

    Source:
        Parker-Holder et al. 2022, "Evolving curricula with regret-based environment design"
        (arXiv 2203.01302), with its settings for mazes. In its code "easy" bases are picked by one
        sign in one branch and by the other in another; here they are those of the highest return
        minus score, as in the paper. Otherwise we differ as in `plr`.
    """

    @dataclass(frozen=True)
    class Config(ReplaySettings):
        """As published.

        Args:
            bases: which replayed tasks are edited: all of the "batch", or the "easy" ones, whose
                mean return minus score is highest.
            num_bases: how many are "easy".
            num_edits: edits in a row from a base to a new task.
        """

        replay_prob: float = 0.8
        bases: Literal["easy", "batch"] = "easy"
        num_bases: int = 4
        num_edits: int = 5

        def __post_init__(self) -> None:
            super().__post_init__()
            for name in ("num_bases", "num_edits"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = (*config.scores, _EASE)
        self._replay = Replay(config)
        self._bases: list[Task] = []

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n proposals: edits of the last replays, or replays, or new tasks.

        Raises:
            taskgen.source.TooFewTasks: if the distribution holds too few tasks of the split.
        """
        replay, config = self._replay, self.config
        replay.begin(source, distribution)
        if config.parallel:
            # As whole batches come: for each new one p / (1 − p) replays, and as many edits.
            share = config.replay_prob / (1.0 + config.replay_prob)
            replay.replay(replay.num_replays(n, share, rng), rng)
            num_edits = min(round(share * n), n - replay.num_proposed) if self._bases else 0
        else:
            num_edits = n if self._bases else 0
            if not num_edits:
                replay.replay(replay.num_replays(n, config.replay_prob, rng), rng)
        edits = edited(source, distribution, self._spread(num_edits), config.num_edits, rng)
        replay.propose(edits, "edit", train=False)
        new = fresh(source, distribution, n - replay.num_proposed, rng)
        replay.propose(new, "new", train=False)
        return replay.asked()

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Scores replays anew, takes other tasks into the buffer, and chooses what to edit next.

        Raises:
            RuntimeError: if these are not the proposals of the last ask.
        """
        told = self._replay.tell(proposals, scores[:, :-1])
        with np.errstate(invalid="ignore"):  # what is infinite on both sides is no number
            ease = scores[:, -1] - told
        origins = {p.task.id: i for i, p in enumerate(proposals) if p.origin == "replay"}
        replayed = sorted(origins.values())  # each task once, however often it was drawn
        self._bases = [proposals[i].task for i in self._chosen(replayed, ease)]

    def metrics(self) -> dict[str, float]:
        """Returns the buffer's numbers."""
        return self._replay.metrics()

    def state_dict(self) -> dict[str, Any]:
        """Returns the buffer, and the bases of the next edits."""
        bases = [task.to_json() for task in self._bases]
        return {"buffer": self._replay.state_dict(), "bases": bases}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the buffer and the bases back."""
        self._replay.load_state_dict(state["buffer"])
        self._bases = [Task.from_json(task) for task in state["bases"]]

    def _chosen(self, replayed: Sequence[int], ease: NDArray[np.float64]) -> list[int]:
        """Returns which of the replayed are edited next; "easy": the easiest first."""
        if self.config.bases == "batch":
            return list(replayed)
        known = [i for i in replayed if np.isfinite(ease[i])]
        return sorted(known, key=lambda i: -ease[i])[: self.config.num_bases]

    def _spread(self, n: int) -> list[Task]:
        """Returns n bases, each as often as the others, or once more."""
        num = len(self._bases)
        return [self._bases[i * num // n] for i in range(n)] if num else []
