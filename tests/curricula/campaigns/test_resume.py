"""Killed at any instant, a campaign ends as if nothing had happened."""

import multiprocessing
import random
import signal
import time

import pytest

from curricula.campaigns import checkpoint
from curricula.campaigns.campaign import Campaign
from tests.curricula.campaigns import run_tiny
from tests.curricula.campaigns.tiny import tiny_config
from tests.curricula.campaigns.traces import trace


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
        countdown[0] = 2 + deaths % 7
        try:
            run_or_go_on(tmp_path)
            break
        except Killed:
            deaths += 1
            assert deaths < 60
    assert deaths > 4
    assert trace(tmp_path / "campaigns" / "tiny") == uninterrupted


@pytest.fixture(scope="module")
def context():
    """Starts processes from one that has imported what takes seconds, and has done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["curricula.campaigns.campaign", "mlflow", "optuna"])
    return context


def start(context, root, executor):
    process = context.Process(target=run_tiny.main, args=(root, executor))
    process.start()
    return process


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_sigkill_at_random_instants(tmp_path, uninterrupted, context, executor):
    """Ends like the uninterrupted inline run, and leaves MLflow whole."""
    rng = random.Random(executor)
    folder = tmp_path / "campaigns" / "tiny"
    for life in range(2):
        process = start(context, tmp_path, executor)
        deadline = time.monotonic() + 120
        while process.is_alive() and time.monotonic() < deadline:
            if len(list((folder / "commits").glob("*.json"))) > life:
                break
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.7))
        process.kill()
        process.join()
        assert life or process.exitcode == -signal.SIGKILL
    process = start(context, tmp_path, executor)
    process.join(timeout=300)
    assert process.exitcode == 0
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
    stopped = Campaign.resume(folder, changes={"budget": tiny_config().budget})
    stopped.request_stop()
    assert stopped.run()["status"] == "stopped"
    assert Campaign.resume(folder).run()["status"] == "finished"
    longer = trace(folder)
    assert longer.pop("sealed")["uses"] == 2  # once at the end of either budget
    assert longer == {k: v for k, v in uninterrupted.items() if k != "sealed"}


def test_corrupt_checkpoint_is_made_again(tmp_path, uninterrupted):
    campaign = Campaign.create(tiny_config(), tmp_path)
    campaign.run()
    path = campaign.folder / "checkpoints" / "000002.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="falls back"):
        Campaign.resume(campaign.folder).run()
    assert trace(campaign.folder) == uninterrupted
