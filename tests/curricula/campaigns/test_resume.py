"""Killed at any instant, a campaign ends as if nothing had happened."""

import math
import multiprocessing
import random
import signal
import time

import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.sight.points import GENERATION, record_points
from curricula.campaigns.store import checkpoint, files
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
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


def run_or_go_on(root, config):
    folder = root / "campaigns" / "tiny"
    if (folder / "config.yaml").exists():
        return Campaign.resume(folder).run()
    return Campaign.create(config, root).run()


def die_around_writes(root, config, monkeypatch, moment):
    """Dies around the first write, then around the second one that is left, and so on."""
    write = files.write_atomically
    deaths = 0
    countdown = [0]

    def dying_write(path, data):
        countdown[0] -= 1
        if countdown[0] == 0 and moment == "before":
            raise Killed
        write(path, data)
        if countdown[0] == 0 and moment == "after":
            raise Killed

    for module in (checkpoint, files):
        monkeypatch.setattr(module, "write_atomically", dying_write)
    while True:
        # Each life gets a little further than the one before, so every write is died at.
        countdown[0] = 2 + deaths % 7
        try:
            run_or_go_on(root, config)
            return deaths
        except Killed:
            deaths += 1
            assert deaths < 60


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_every_write_it_ends_the_same(tmp_path, monkeypatch, uninterrupted, moment):
    assert die_around_writes(tmp_path, tiny_config(), monkeypatch, moment) > 4
    assert trace(tmp_path / "campaigns" / "tiny") == uninterrupted


def test_killed_around_every_write_a_stream_ends_the_same(tmp_path, monkeypatch):
    """Its search is told in every generation, and what it gained lately is part of its record."""
    few = {"num_selection": 4, "num_monitor": 2, "num_test": 2}
    config = tiny_config(generation={"num_candidates": 0}, evaluation=few)
    whole = Campaign.create(config, tmp_path / "whole")
    assert whole.run()["record"]["gain_history"]
    assert die_around_writes(tmp_path / "dying", config, monkeypatch, "after") > 4
    assert trace(tmp_path / "dying" / "campaigns" / "tiny") == trace(whole.folder)


@pytest.fixture(scope="module")
def context():
    """Starts processes from one that has imported what takes seconds, and has done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["curricula.campaigns.campaign", "mlflow", "optuna"])
    return context


def start(context, root, executor, num_generations=2):
    process = context.Process(target=run_tiny.main, args=(root, executor, num_generations))
    process.start()
    return process


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_sigkill_at_random_instants(tmp_path, uninterrupted, context, executor):
    """Ends like the uninterrupted inline run, wherever jobs run, and leaves MLflow whole."""
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


@pytest.mark.slow
def test_sigkill_at_twenty_random_instants_of_one_campaign(tmp_path, context):
    """A life lasts about as long as this machine takes to the first commit, or a bit longer."""
    num_generations, num_lives, rng = 40, 20, random.Random(0)
    few = tiny_config(budget={"generations": num_generations})
    whole = Campaign.create(few, tmp_path / "uninterrupted")
    whole.run()
    store = CampaignStore(tmp_path / "campaigns" / "tiny")

    def live(lasts_s):
        process = start(context, tmp_path, "processes", num_generations)
        began = time.monotonic()
        while process.is_alive() and time.monotonic() - began < lasts_s:
            if lasts_s == math.inf and num_commits(store):
                break
            time.sleep(0.01)
        process.kill()
        process.join()
        return time.monotonic() - began

    to_first_commit_s = live(math.inf)
    lengths = [num_commits(store)]
    for _ in range(num_lives - 1):
        live(rng.uniform(0.7, 1.4) * to_first_commit_s)
        lengths.append(num_commits(store))
    assert len(set(lengths)) > 4, "kills met it at many places"
    process = start(context, tmp_path, "processes", num_generations)
    process.join(timeout=600)
    assert process.exitcode == 0
    assert trace(store.folder) == trace(whole.folder)
    assert_mlflow_is_whole(tmp_path)


def num_commits(store):
    return len(list((store.folder / "commits").glob("*.json")))


def assert_mlflow_is_whole(root):
    """Every point stands there once, and the campaign's are those of its commits."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=500)
    assert runs
    assert not [run.info.run_id for run in runs if run.info.status == "RUNNING"]
    logged = {}
    for run in runs:
        is_campaign = GENERATION in run.data.metrics
        for key in run.data.metrics:
            points = client.get_metric_history(run.info.run_id, key)
            steps = [point.step for point in points]
            assert len(steps) == len(set(steps)), (key, steps)
            if is_campaign:
                logged |= {(key, point.step): point.value for point in points}
    assert_points_are_those_of(list(CampaignStore(root / "campaigns" / "tiny").records()), logged)


def assert_points_are_those_of(records, logged):
    expected = {
        (name, record["totals"]["env_steps"]): value
        for before, record in zip([None, *records], records, strict=False)
        for name, value in record_points(record, before).items()
    }
    assert len(expected) > 50 * len(records)
    assert {place: logged.get(place) for place in expected} == expected
    # Widths in nats need the space, and the test is logged at its end: both have tests of theirs.
    others = {key for key, _ in logged.keys() - expected.keys()}
    assert {key for key in others if not key.endswith("_nats")} == {
        key for key in others if key.startswith("test/")
    }


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


def test_settings_that_were_changed_by_hand_are_refused(tmp_path):
    campaign = Campaign.create(tiny_config(budget={"generations": 1}), tmp_path)
    campaign.run()
    file = campaign.folder / "config.yaml"
    was = file.read_text()
    changed = was.replace("seed: 0", "seed: 1", 1)
    assert changed != was
    file.write_text(changed)
    with pytest.raises(CampaignError, match="seed was 0 and is 1"):
        Campaign.resume(campaign.folder)
    file.write_text(was)
    Campaign.resume(campaign.folder)
