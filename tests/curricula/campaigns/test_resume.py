"""Killed at any instant, a campaign ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curricula.campaigns import checkpoint
from curricula.campaigns.campaign import Campaign
from tests.curricula.campaigns.tiny import tiny_config
from tests.curricula.campaigns.traces import trace

REPOSITORY = Path(__file__).parents[3]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    root = tmp_path_factory.mktemp("uninterrupted")
    campaign = Campaign.create(tiny_config(), root)
    campaign.run()
    return trace(campaign.folder)


def run_or_go_on(root):
    folder = root / "campaigns" / "tiny"
    if (folder / "config.yaml").exists():
        return Campaign.resume(folder).run()
    return Campaign.create(tiny_config(), root).run()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_every_write_it_ends_the_same(tmp_path, monkeypatch, uninterrupted, moment):
    """Dies around the first write, then around the second one that is left, and so on."""
    write = checkpoint.write_atomically
    deaths = 0
    countdown = [0]

    def dying_write(path, data):
        countdown[0] -= 1
        if countdown[0] == 0 and moment == "before":
            raise Killed
        write(path, data)
        if countdown[0] == 0 and moment == "after":
            raise Killed

    monkeypatch.setattr(checkpoint, "write_atomically", dying_write)
    while True:
        # Each life gets a little further than the one before, so every write is died at.
        countdown[0] = 2 + deaths % 5
        try:
            run_or_go_on(tmp_path)
            break
        except Killed:
            deaths += 1
            assert deaths < 60
    assert deaths > 4
    assert trace(tmp_path / "campaigns" / "tiny") == uninterrupted


def start(root, executor):
    command = [sys.executable, "-m", "tests.curricula.campaigns.run_tiny", str(root), executor]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_sigkill_at_random_instants(tmp_path, uninterrupted, executor):
    """Real processes, real SIGKILL; ends like the uninterrupted inline run, and leaves MLflow whole."""
    rng = random.Random(executor)
    folder = tmp_path / "campaigns" / "tiny"
    kills = 0
    for life in range(3):
        process = start(tmp_path, executor)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list((folder / "commits").glob("*.json"))) > life:
                break
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 0.7))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert start(tmp_path, executor).wait(timeout=300) == 0
    assert kills >= 1
    assert trace(folder) == uninterrupted
    assert_mlflow_is_whole(tmp_path)


def assert_mlflow_is_whole(root):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=500)
    assert runs
    assert not [run.info.run_id for run in runs if run.info.status == "RUNNING"]
    for run in runs:
        for key in run.data.metrics:
            if key.startswith("system/"):
                continue
            steps = [point.step for point in client.get_metric_history(run.info.run_id, key)]
            assert len(steps) == len(set(steps)), (key, steps)


def test_inline_equals_processes(tmp_path, uninterrupted):
    config = tiny_config(executor={"name": "processes", "workers": 2, "threads": 1})
    campaign = Campaign.create(config, tmp_path)
    campaign.run()
    assert trace(campaign.folder) == uninterrupted


def test_stop_after_commit_and_longer_budget(tmp_path, uninterrupted):
    """A requested stop loses nothing, and resume may extend the budget."""
    config = tiny_config(budget={"generations": 1})
    Campaign.create(config, tmp_path).run()
    folder = tmp_path / "campaigns" / "tiny"
    stopped = Campaign.resume(folder, budget=tiny_config().budget)
    stopped.request_stop()
    assert stopped.run()["status"] == "stopped"
    assert Campaign.resume(folder).run()["status"] == "finished"
    assert trace(folder) == uninterrupted


def test_corrupt_checkpoint_is_made_again(tmp_path, uninterrupted):
    campaign = Campaign.create(tiny_config(), tmp_path)
    campaign.run()
    path = campaign.folder / "checkpoints" / "000003.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="falls back"):
        Campaign.resume(campaign.folder).run()
    assert trace(campaign.folder) == uninterrupted
