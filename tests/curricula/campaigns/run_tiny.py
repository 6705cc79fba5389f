"""Runs the tiny campaign, or goes on with it, tracked by MLflow; for tests that kill it."""

import sys
from pathlib import Path

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.mlflow_tracker import MlflowTracker
from tests.curricula.campaigns.tiny import tiny_config


def main() -> None:
    """Takes the root and the executor's name from the command line."""
    root, executor = Path(sys.argv[1]), sys.argv[2]
    config = tiny_config(executor={"name": executor, "workers": 2, "threads": 1})
    tracker = MlflowTracker(config.tracking, root)
    folder = root / "campaigns" / config.name
    if (folder / "config.yaml").exists():
        Campaign.resume(folder, tracker=tracker).run()
    else:
        Campaign.create(config, root, tracker=tracker).run()


if __name__ == "__main__":
    main()
