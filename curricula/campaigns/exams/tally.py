"""What a leg of a branch used and met: steps, seconds, faults, draws.

Counted where it happens, staged with the leg's result, and added up in the campaign's books.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from taskgen.draws import MAX_REASONS, Draws
from taskgen.task import Task


@dataclass
class Tally:
    """What a leg used and met, counted as it goes.

    `scoring_env_steps` are those of `train_env_steps` from which nothing was learned; `failures`
    are reasons by the id of a task (which goes into quarantine), `failed_tasks` those tasks as JSON
    text, `draw_reasons` the newest parameter rows and seeds of which no task could be made,
    `exam_sets` what each exam's set of tasks is like, as `ExamSet.to_json` has it, `lineage` a line
    for each task that was played for the first time (`store.lineage`), `plays` one for each task of
    a sample, with its returns (`store.plays`), `origins` how many tasks were new, replayed and
    edited.
    """

    train_env_steps: int = 0
    scoring_env_steps: int = 0
    evaluation_env_steps: int = 0
    gradient_updates: int = 0
    num_tasks: int = 0
    train_s: float = 0.0
    evaluate_s: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)
    failed_tasks: dict[str, str] = field(default_factory=dict)
    draws: dict[str, int] = field(default_factory=dict)
    draw_reasons: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)
    exam_sets: dict[str, dict[str, int]] = field(default_factory=dict)
    lineage: list[str] = field(default_factory=list)
    plays: list[str] = field(default_factory=list)
    origins: dict[str, int] = field(default_factory=dict)

    def count_scoring(self, env_steps: int) -> None:
        """Adds play from which nothing is learned; the budget counts it as training."""
        self.train_env_steps += env_steps
        self.scoring_env_steps += env_steps

    def count_failures(self, failures: Mapping[str, str], tasks: Iterable[Task]) -> None:
        """Adds why some of the tasks could not be played, and those tasks themselves."""
        if failures:
            self.failures |= failures
            failed = [task for task in tasks if task.id in failures]
            self.failed_tasks |= {task.id: json.dumps(task.to_json()) for task in failed}

    def count_proposals(self, origins: Iterable[str]) -> dict[str, float]:
        """Adds where proposed tasks come from; returns the shares so far, as metrics."""
        for origin in origins:
            self.origins[origin] = self.origins.get(origin, 0) + 1
        total = sum(self.origins.values())
        return {
            f"curriculum/{origin}_share": self.origins.get(origin, 0) / total
            for origin in ("replay", "edit")
        }

    def count_draws(self, draws: Draws) -> None:
        """Adds what became of the tasks that a source made."""
        counts = draws.to_json()
        reasons = self.draw_reasons | counts.pop("reasons")
        self.draw_reasons = dict(list(reasons.items())[-MAX_REASONS:])
        self.draws = {name: self.draws.get(name, 0) + count for name, count in counts.items()}
