"""Runs the tiny campaign, or goes on with it, tracked by MLflow; for tests that kill it."""

from pathlib import Path


def main(root: Path, executor: str, num_generations: int = 2) -> None:
    """Runs it under a root, to its end."""
    # Here, since workers import this module too, and need none of these.
    from curricula.campaigns.campaign import Campaign
    from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
    from tests.curricula.campaigns.tiny import tiny_config

    where = {"name": executor, "workers": 2, "threads": 1}
    config = tiny_config(executor=where, budget={"generations": num_generations})
    tracker = MlflowTracker(config.tracking, root)
    folder = root / "campaigns" / config.name
    if (folder / "config.yaml").exists():
        Campaign.resume(folder, tracker=tracker).run()
    else:
        Campaign.create(config, root, tracker=tracker).run()
