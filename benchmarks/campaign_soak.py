"""Does a campaign of many generations get slower, larger or leakier with their number?

Runs a stream of short generations of the preset maze-quickstart, MLflow's tracker at work, in
stages: after each it is resumed by a tracker that knows nothing. Memory and open files of the
process, the seconds of a generation that are neither training nor evaluation, and those until a
resumed campaign goes on must not grow with the number of generations. Every few generations a line
says how far it is.

    python benchmarks/campaign_soak.py --generations 300
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.config.files import load
from curricula.campaigns.config.schema import BudgetConfig
from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
from curricula.campaigns.sight.tracking import NullTracker
from harness import report

SHORT = [
    "generation.branch_env_steps=4000",
    "generation.tasks_per_batch=8",
    "evaluation={num_selection: 8, num_adoption: 8, num_monitor: 8, num_test: 8}",
    "evaluation.test_at_end=false",
    "learner.options.hidden_size=16",
    "executor={name: inline, threads: 1}",
    "tracking={num_pictures: 4, films: false}",
]
STAGES = 3
BARS = {"memory": 20.0, "files": 0.0, "overhead": 1.5, "resume": 2.0}
_SAID_EVERY = 25


class Watch(NullTracker):
    """Hands commits on to a tracker, and notes what the process holds after each."""

    def __init__(self) -> None:
        self.tracker: Any = NullTracker()
        self.seen: list[dict[str, float]] = []
        self._process = psutil.Process()

    def begin(self, folder: Path, config: Any) -> None:
        """Hands on."""
        self.tracker.begin(folder, config)

    def record(self, record: Any) -> None:
        """Hands on, and notes."""
        self.tracker.record(record)
        if self.seen and self.seen[-1]["generation"] == record["generation"]:
            return
        seconds = record["seconds"]
        self.seen.append(
            {
                "generation": record["generation"],
                "memory": self._process.memory_info().rss / 2**20,
                "files": self._process.num_fds(),
                "overhead": seconds["generation"] - seconds["train"] - seconds["evaluate"],
            }
        )
        if record["generation"] % _SAID_EVERY == 0:
            newest = self.seen[-1]
            report(
                f"memory after generation {record['generation']}", [newest["memory"]], "MiB",
                files=newest["files"], overhead_s=round(newest["overhead"], 2),
            )  # fmt: skip

    def finish(self, status: str, result: Any) -> None:
        """Hands on."""
        self.tracker.finish(status, result)


def soak(num_generations: int) -> None:
    """Runs the stages, and reports what grew."""
    watch, resumes = Watch(), []
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        ends = [num_generations * (stage + 1) // STAGES for stage in range(STAGES)]
        config = load("maze-quickstart", [*SHORT, f"budget={{generations: {ends[0]}}}"])
        watch.tracker = MlflowTracker(config.tracking, root)
        campaign = Campaign.create(config, root, tracker=watch)
        campaign.run()
        for end in ends[1:]:
            started = time.perf_counter()
            watch.tracker = MlflowTracker(config.tracking, root)
            changes = {"budget": BudgetConfig(generations=end)}
            resumed = Campaign.resume(campaign.folder, watch, changes=changes)
            watch.tracker.begin(campaign.folder, resumed.config.model_dump(mode="json"))
            resumes.append(time.perf_counter() - started)
            resumed.run()
    tell(watch.seen, resumes)


def tell(seen: list[dict[str, float]], resumes: list[float]) -> None:
    """Prints one line a promise: the last third of the generations against the first."""
    third = len(seen) // 3
    first, last = seen[1 : third + 1], seen[-third:]
    for key, unit in (("memory", "MiB"), ("files", "")):
        # What the first third adds is what a process needs; what comes later is a leak.
        before = max(row[key] for row in first)
        added = statistics.median(row[key] for row in last) - before
        title = f"{key} added after the first {third} generations"
        report(title, [added], unit, BARS[key], higher_is_better=False)
    overheads = [statistics.median(row["overhead"] for row in rows) for rows in (first, last)]
    title = "what is not training: a generation of the last third over one of the first"
    ratio, seconds = overheads[1] / overheads[0], [round(value, 3) for value in overheads]
    report(title, [ratio], "1", BARS["overhead"], higher_is_better=False, seconds=seconds)
    ratio, seconds = resumes[-1] / resumes[0], [round(value, 3) for value in resumes]
    title = "resuming after two thirds of the generations over after one"
    report(title, [ratio], "1", BARS["resume"], higher_is_better=False, seconds=seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=300)
    soak(parser.parse_args().generations)


if __name__ == "__main__":
    main()
