"""How much of a generation is training and evaluation, and how much is the campaign itself?

Runs the preset maze-quickstart with three branches for a few generations, in this process and in
worker processes, with the MLflow tracker at work, and compares the seconds that jobs spent training
and evaluating with those on the clock from commit to commit, writing and tracking included. Worker
processes can also wait for each other: their share is that of all workers' time.

`python benchmarks/campaign_overhead.py 2 20000` takes two generations of branches of 20,000 steps.
`python benchmarks/campaign_overhead.py stream` measures what MLflow takes of a stream of short
generations, maze-to-21's, once the free seconds of its pictures are spent.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.config.files import load
from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
from curricula.campaigns.sight.tracking import NullTracker
from harness import report

NUM_GENERATIONS, BRANCH_ENV_STEPS = 4, 250_000
BAR = 0.9
TRACKING_BAR = 0.03
_FIRST_PAID = 4


def main(num_generations: int = NUM_GENERATIONS, branch_env_steps: int = BRANCH_ENV_STEPS) -> None:
    """Prints one JSON line a value."""
    for executor in ("inline", "processes"):
        records = run(executor, num_generations, branch_env_steps)
        workers = 2 if executor == "processes" else 1
        shares = [share(record, workers) for record in records]
        name = f"share of a generation in training and evaluation, {executor}"
        report(name, shares, "1", bar=BAR)
        tracking = [record["tracking_s"] / record["seconds"]["generation"] for record in records]
        report(f"tracking over generation, {executor}", tracking, "1", higher_is_better=False)


def stream() -> None:
    """Prints what MLflow takes of all generations but the first ones together."""
    records = records_of("maze-to-21", ["executor={name: inline, threads: 1}"])[_FIRST_PAID:]
    tracking, whole = (
        sum(record["tracking_s"] for record in records),
        sum(record["seconds"]["generation"] for record in records),
    )
    name = "tracking over generations, stream of short ones"
    mean = round(whole / len(records), 1)
    report(name, [tracking / whole], "1", bar=TRACKING_BAR, higher_is_better=False, mean_s=mean)


def run(executor: str, num_generations: int, branch_env_steps: int) -> list[dict[str, Any]]:
    """Returns the records of the generations after the first, which also starts the workers."""
    changes = [
        f"executor.name={executor}",
        "generation.num_candidates=3",
        f"budget={{generations: {num_generations}}}",
        f"generation.branch_env_steps={branch_env_steps}",
    ]
    return records_of("maze-quickstart", changes)[2:]


def records_of(preset: str, changes: list[str]) -> list[dict[str, Any]]:
    """Returns all records of a campaign without its sealed test, and how long tracking took."""
    config = load(preset, [*changes, "evaluation.test_at_end=false"])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tracker = TimedTracker(MlflowTracker(config.tracking, root))
        Campaign.create(config, root, tracker=tracker).run()
    return tracker.records


class TimedTracker(NullTracker):
    """A tracker that notes how long another one takes."""

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker
        self.records: list[dict[str, Any]] = []

    def begin(self, folder: Path, config: Any) -> None:
        """Hands on."""
        self._tracker.begin(folder, config)

    def record(self, record: Any) -> None:
        """Hands on, and keeps the record with the seconds that took."""
        started = time.perf_counter()
        self._tracker.record(record)
        if self.records and self.records[-1]["generation"] == record["generation"]:
            return
        self.records.append({**record, "tracking_s": time.perf_counter() - started})

    def finish(self, status: str, result: Any) -> None:
        """Hands on."""
        self._tracker.finish(status, result)


def share(record: dict[str, Any], workers: int) -> float:
    """Returns the share of the workers' time that was training and evaluation."""
    seconds = record["seconds"]
    return (seconds["train"] + seconds["evaluate"]) / (seconds["generation"] * workers)


if __name__ == "__main__":
    if sys.argv[1:] == ["stream"]:
        stream()
    else:
        main(*map(int, sys.argv[1:]))
