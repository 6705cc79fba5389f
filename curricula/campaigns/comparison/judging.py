"""One test for all: the learners of a comparison play the same sealed tasks, task by task told.

The tasks depend on target, salt and number alone, never on an arm or a seed; how they are played
depends on the seed of the run, so that arms meet the same luck.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula import scores
from curricula.campaigns.comparison.arms import common_target
from curricula.campaigns.comparison.folder import Comparison, Run
from curricula.campaigns.exams.sets import Exam, exam_tasks
from curricula.campaigns.generation.executors import using_threads
from curricula.campaigns.generation.references import task_references
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sealed import common_test
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.files import write_atomically
from taskgen.batch import TaskBatch
from taskgen.outcomes import Outcomes

_ROLE = "comparison"


def common_tasks(setup: Setup) -> TaskBatch:
    """Returns the sealed tasks that every arm with this target is tested on."""
    config = setup.config
    exam = Exam(
        name=_ROLE,
        distribution=common_target(config, setup.generator).to_json(),
        split="test",
        num_tasks=config.evaluation.num_test,
        task_seed=seed_for(0, 0, f"{_ROLE}/tasks"),
        play_seed=0,
    )
    return exam_tasks(exam, config, setup.generator)


def judge(comparison: Comparison, run: Run, record: dict[str, Any]) -> dict[str, Any]:
    """Plays the common test with the learner of a run, and returns what the run came to.

    Args:
        comparison: that it belongs to.
        run: which of its runs.
        record: the run's last commit.
    """
    config = comparison.config(run)
    setup = Setup(config)
    store = CampaignStore(comparison.folder / "campaigns" / run.name)
    clock = time.perf_counter()
    tasks = common_tasks(setup)
    play_seed = seed_for(run.seed, 0, f"{_ROLE}/play")
    outcomes = common_test(setup, store, record, tasks, comparison.name, play_seed)
    return {
        "arm": run.arm,
        "seed": run.seed,
        "generation": record["generation"],
        "totals": record["totals"],
        "counted": record["counted"],
        "judged_by": record["judged_by"],
        "forgetting": record["forgetting"],
        "volume": record["volume"],
        "incumbent": record["incumbent"],
        "test_seconds": time.perf_counter() - clock,
        **by_task(outcomes, config.evaluation.success_threshold),
    }


def by_task(outcomes: Outcomes, threshold: float) -> dict[str, list[float | None] | None]:
    """Returns what happened on each task, [B] each; None where it was not played to its end.

    "last_success" and "mastered" are None as a whole where success has no meaning.

    Args:
        outcomes: of B tasks.
        threshold: success share from which a task counts as mastered.
    """
    found: dict[str, list[float | None] | None] = {
        "last_return": _list(scores.last_return(outcomes)),
        "adaptation_gain": _list(scores.adaptation_gain(outcomes)),
        "last_success": None,
        "mastered": None,
    }
    if outcomes.successes is not None:
        rates = scores.success_rate(outcomes)
        found["last_success"] = _list(scores.last_success(outcomes))
        found["mastered"] = _list(np.where(np.isnan(rates), math.nan, rates >= threshold))
    return found


def measure_references(comparison: Comparison) -> None:
    """Writes what random play and the oracle reach on the common test, unless it is known."""
    file = comparison.folder / "references.json"
    if file.is_file():
        return
    setup = Setup(comparison.config(comparison.runs()[0]))
    with using_threads(1):
        references, _ = task_references(
            setup.config, setup.generator, common_tasks(setup), seed_for(0, 0, f"{_ROLE}/random")
        )
    known = None
    if references is not None:
        known = {"random": _list(references.random), "oracle": _list(references.oracle)}
    write_atomically(file, json.dumps(known).encode())


def references_in(folder: Path) -> dict[str, NDArray[np.float64]] | None:
    """Returns the references of a comparison, [B] each; None where there is no score."""
    file = folder / "references.json"
    known = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return None if known is None else {name: array(values) for name, values in known.items()}


def array(values: list[float | None]) -> NDArray[np.float64]:
    """Returns numbers from JSON, NaN where there is none."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _list(values: NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
