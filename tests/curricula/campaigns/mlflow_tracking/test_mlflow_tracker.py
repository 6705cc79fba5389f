"""The tracker against a real sqlite store: the tree, nothing twice, nothing lost."""

import itertools
import json
import math
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.mlflow_tracking import allowance, campaign_log, sights, stores
from curricula.campaigns.mlflow_tracking.patience import Patience
from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
from curricula.campaigns.sight import figures
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.machine import Machine
from curricula.campaigns.store.plays import Sample, save_plays
from curricula.curriculum import Proposal
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Categorical, Int
from taskgen.task import Task

NUM_RECORDS = 4
SEQUENCE = itertools.count()


class Fields(TaskGenerator):
    """Fields of squares, some of them black."""

    name = "fields-v1"
    kind = "problem"
    space = ParameterSpace(
        {
            "size": Int(low=2, high=12, default=4),
            "colour": Categorical(choices=("black", "grey"), default="black"),
        }
    )

    def make_task(self, params, seed):
        size = int(params["size"])
        cells = np.random.default_rng(seed).integers(0, 2, (size, size))
        return Task(self.name, 1, params, seed, {"cells": cells.tolist()})

    def render(self, task):
        cells = np.array(task.content["cells"], dtype=np.uint8)
        return np.repeat(cells[:, :, None] * 255, 3, axis=2)


def config_of(name, candidate_runs="adopted", num_pictures=2):
    config = CampaignConfig.model_validate(
        {
            "name": name,
            "generator": {"name": "fields-v1"},
            "start": {"size": [3, 4]},
            "target": {"size": [3, 8]},
            "movable": ["size"],
            "tracking": {"candidate_runs": candidate_runs, "num_pictures": num_pictures},
        }
    )
    return config.model_dump(mode="json")


def measures(value):
    return {
        "return_iqm": [value, value - 0.1, value + 0.1],
        "return_mean": value,
        "success_rate": None,
        "adaptation_gain": 0.05,
        "mastered_share": None,
        "return_cvar10": -value,
        "curve": {"returns": [0.0, value], "successes": None, "lengths": [5.0, 4.0]},
        "num_tasks": 8,
    }


def record_of(generation, campaign="any"):
    generator = Fields()
    here = TaskDistribution.make(generator.space, {"size": [3, 4 + generation]})
    aim = TaskDistribution.make(generator.space, {"size": [3, 8]})
    tasks = [generator.make_task({"size": 4, "colour": "grey"}, seed).to_json() for seed in (0, 1)]
    candidates = [
        {
            "index": index,
            "name": name,
            "origin": origin,
            "move": {"size.shift": 0.25 * index},
            "distribution": here.to_json(),
            "gain": gain,
            "gain_se": 0.01,
            "rung_gain": None,
            "pruned": gain is None,
            "env_steps": 100,
            "seconds": 1.0,
            "metrics": {"train/loss": 0.5, "train/entropy": None},
        }
        for index, (name, origin, gain) in enumerate(
            [("keep", "keep", 0.1), ("move-1", "move", 0.3), ("move-2", "move", None)]
        )
    ]
    return {
        "campaign": campaign,
        "generation": generation,
        "checkpoint": {"file": f"checkpoints/{generation:06d}.pt", "sha256": "0" * 64},
        "incumbent": here.to_json(),
        "frontier": aim.to_json(),
        "volume": here.volume(["size"]),
        "parameters": {
            "size": {"low": 3, "high": 4 + generation},
            "colour": {"black": 1.0, "grey": 0.0},
        },
        "totals": {"env_steps": 10 + 400 * generation, "seconds": 2.0 * generation},
        "candidates": candidates if generation else [],
        "decision": {
            "winner": 1 if generation else 0,
            "decided_by": "test" if generation else "start",
            "difference": 0.2,
            "difference_se": 0.05,
            "noise": 0.1,
            "aa_gain_sd": 0.03 if generation == 1 else None,
        },
        "monitor": {"target": measures(0.1 * generation), "start": measures(0.2 * generation)},
        "forgetting": 0.0,
        "best": {"generation": generation},
        "tasks": tasks,
        "search": {},
        "search_metrics": {"search/num_random": 1.0},
        "quarantine": {"ab" * 32: "Traceback\n  boom"} if generation > 1 else {},
        "seconds": {"train": 1.2, "evaluate": 0.4, "generation": 2.0},
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with a space in its name; its store is made once, which takes seconds."""
    return tmp_path_factory.mktemp("a root")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(allowance, "FREE_S", math.inf)  # however busy the machine is
    found = {"generators": {"fields-v1": Fields}}
    monkeypatch.setattr(
        "curricula.campaigns.config.plugins.resolve", lambda group, name: found[group][name]
    )


@pytest.fixture
def plain_figures(monkeypatch):
    """Figures cost most of the time; where they are not looked at, an empty file stands in."""
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: path.write_bytes(b""))
    monkeypatch.setattr(figures, "campaign_figure", lambda way: None)
    monkeypatch.setattr(figures, "adaptation_figure", lambda record: None)
    monkeypatch.setattr(sights, "write_figures", lambda *args: None)


class Place:
    """A campaign's folder and what the store says about it."""

    def __init__(self, root, candidate_runs="adopted"):
        self.root = root
        self.config = config_of(f"made-{next(SEQUENCE)}", candidate_runs)
        self.folder = root / "campaigns" / self.config["name"]
        (self.folder / "commits").mkdir(parents=True)
        self.said = []
        self.now = 0.0

    def tracker(self):
        """A tracker for which no time goes by but what `now` says."""
        tracking = CampaignConfig.model_validate(self.config).tracking
        return MlflowTracker(tracking, self.root, self.said.append, Patience(lambda: self.now))

    def commit(self, generation):
        record = record_of(generation, self.config["name"])
        self.file(generation).write_text(json.dumps(record, allow_nan=False))
        return record

    def file(self, generation):
        return self.folder / "commits" / f"{generation:06d}.json"

    def play(self, num_records=NUM_RECORDS, status="FINISHED"):
        tracker = self.tracker()
        tracker.begin(self.folder, self.config)
        for generation in range(num_records):
            tracker.record(self.commit(generation))
        tracker.finish(status, None)
        assert tracker.problems == []
        return tracker

    @property
    def memo(self):
        return json.loads((self.folder / "mlflow.json").read_text())

    def rows(self, query, *values):
        with sqlite3.connect(self.root / "mlflow.db") as connection:
            return connection.execute(query, values).fetchall()

    def runs(self):
        """Every run of this campaign: (id, name, status)."""
        return self.rows(
            "select r.run_uuid, r.name, r.status from runs r join tags t using (run_uuid) "
            "where t.key = 'taskgen.campaign' and t.value = ? order by r.name",
            self.memo["key"],
        )

    def points(self, run):
        return self.rows("select key, step, value from metrics where run_uuid = ?", run)

    def assert_whole(self, num_records=NUM_RECORDS):
        """Every record stands in the store exactly once, and nothing is left open."""
        runs = self.runs()
        names = Counter(name for _, name, _ in runs)
        expected = Counter({self.config["name"]: 1})
        expected.update(f"generation {g}" for g in range(num_records))
        expected["candidate 1 (move-1)"] = num_records - 1
        assert names == expected
        assert {status for _, _, status in runs} <= {"FINISHED"}
        for run, name, _ in runs:
            places = Counter((key, step) for key, step, _ in self.points(run))
            assert max(places.values(), default=0) <= 1, name
        marks = [v for k, _, v in self.points(self.memo["run"]) if k == "campaign/generation"]
        assert sorted(marks) == list(range(num_records))

    def assert_two_learners(self):
        models = self.rows(
            "select m.name, m.status, count(*) from logged_models m "
            "join logged_model_metrics using (model_id) where m.source_run_id = ? "
            "and metric_name = 'monitor/target_return_iqm' group by m.model_id order by m.name",
            self.memo["run"],
        )
        outputs = self.rows(
            "select count(*), count(distinct destination_id) from inputs "
            "where source_type = 'RUN_OUTPUT' and source_id = ?",
            self.memo["run"],
        )
        assert outputs == [(2, 2)], "the run's page links what came out of it, once"
        name, ready = self.config["name"], 2
        assert models == [(f"{name}-best", ready, 1), (f"{name}-last", ready, 1)]


def test_the_tree_the_points_and_the_artifacts(root):
    place = Place(root)
    tracker = place.play()
    place.assert_whole()
    run = place.memo["run"]
    assert tracker.page == f"#/experiments/{place.memo['experiment']}/runs/{run}"
    points = {(k, step): v for k, step, v in place.points(run)}
    assert points["monitor/target_return_iqm_low", 410] == pytest.approx(0.0)
    assert points["search/gain_move", 410] == 0.3
    assert points["distribution/size_high", 1210] == 7
    assert points["distribution/size_nats", 10] == pytest.approx(math.log(2 / 11))
    assert points["time/env_steps_per_s", 410] == 200
    assert points["budget/quarantined", 810] == 1
    assert [step for key, step in points if key == "search/aa_gain_sd"] == [410]
    assert not any(key.endswith("success_rate") for key, _ in points)
    artifacts = root / "artifacts"
    assert {p.name for p in (artifacts / run / "artifacts").iterdir()} == {
        "campaign.png",
        "config.yaml",
        "figures",
        "quarantine.csv",
        "versions.json",
    }
    generation = place.memo["generations"]["2"]
    assert {p.name for p in (artifacts / generation / "artifacts").iterdir()} == {
        "adaptation_curve.png",
        "candidates.csv",
        "distribution.json",
        "tables",
        "tasks.json",
        "tasks.png",
    }
    assert {p.name for p in (artifacts / run / "artifacts" / "figures").iterdir()} == {
        "gains.png",
        "lineage.png",
        "widening.png",
    }
    tags = dict(place.rows("select key, value from tags where run_uuid = ?", generation))
    assert f"get-artifact?path=tasks.png&run_uuid={generation}" in tags["mlflow.note.content"]
    assert json.loads(tags["mlflow.loggedArtifacts"])[0]["path"] == "tables/tasks.json"
    assert tags["mlflow.parentRunId"] == run
    assert tags["search/decided_by"] == "test"
    note = dict(place.rows("select key, value from tags where run_uuid = ?", run))
    figures = f"/runs/{run}/artifacts/figures/gains.png)"
    assert figures in note["mlflow.note.content"]
    assert f"/runs/{place.memo['generations']['3']})" in note["mlflow.note.content"]
    params = dict(place.rows("select key, value from params where run_uuid = ?", run))
    assert params["generator.name"] == "fields-v1"
    assert not any(name.startswith("budget") for name in params)


def test_pages_of_tasks_lie_where_descriptions_say(root, plain_figures):
    place = Place(root)
    store, tasks = CampaignStore(place.folder), [Fields().make_task({"size": 4}, s) for s in (0, 1)]
    for generation, task in enumerate(tasks, 1):
        sample = Sample()
        played = np.ones((1, 2))
        complete = played > 0
        sample.add(
            [Proposal(task)], Outcomes(played, complete.astype(int), None, complete, complete)
        )
        save_plays(store, generation, [("move-1", sample.lines())])
    place.play(3)
    for run, shown in ((place.memo["generations"]["2"], tasks[1:]), (place.memo["run"], tasks)):
        page = (root / "artifacts" / run / "artifacts" / "gallery.html").read_text()
        assert [task.id[:16] in page for task in tasks] == [task in shown for task in tasks]
        experiment = place.memo["experiment"]
        (note,) = place.rows(
            "select value from tags where run_uuid = ? and key = 'mlflow.note.content'", run
        )
        assert f"(#/experiments/{experiment}/runs/{run}/artifacts/gallery.html)" in note[0]
    start = root / "artifacts" / place.memo["generations"]["0"] / "artifacts"
    assert not (start / "gallery.html").exists(), "the untrained start played nothing"


def test_the_distribution_is_the_dataset_and_the_learner_a_model(root):
    place = Place(root)
    place.play(2)
    client = stores.open_client(place.tracker().uri, root)
    inputs = client.get_run(place.memo["generations"]["1"]).inputs.dataset_inputs
    assert [data.dataset.name for data in inputs] == ["fields-v1 size 3–5"]
    tags = json.loads(inputs[0].dataset.source)["tags"]
    assert json.loads(tags["taskgen.distribution"]) == record_of(1)["incumbent"]
    models = client.search_logged_models([place.memo["experiment"]])
    mine = {m.name: m for m in models if m.source_run_id == place.memo["run"]}
    assert set(mine) == {f"{place.config['name']}-last", f"{place.config['name']}-best"}
    kept = mine[f"{place.config['name']}-last"]
    assert kept.tags["checkpoint"] == str(place.folder / "checkpoints" / "000001.pt")
    scores = {metric.key: metric.value for metric in kept.metrics}
    assert scores["monitor/target_return_iqm"] == pytest.approx(0.1)


@pytest.mark.usefixtures("plain_figures")
def test_where_it_computes_stands_on_the_campaign(root):
    place = Place(root)
    machine = Machine("GRU in *float32*.", {"torch": "1"}).moved_to({"torch": "2"}, 0)
    place.folder.mkdir(parents=True, exist_ok=True)
    (place.folder / "machine.json").write_text(json.dumps(machine.to_json()))
    place.play(1)
    tags = dict(place.rows("select key, value from tags where run_uuid = ?", place.memo["run"]))
    assert tags["taskgen.machine"] == (
        "Computes with GRU in *float32*. From generation 1 on another machine: torch was 1, is 2."
    )
    assert r"Computes with GRU in \*float32\*. From generation 1" in tags["mlflow.note.content"]


@pytest.mark.usefixtures("plain_figures")
def test_the_store_is_absolute_and_in_wal_mode(root):
    place = Place(root)
    assert place.tracker().uri == f"sqlite:///{root.resolve() / 'mlflow.db'}"
    place.play(1)
    assert place.rows("pragma journal_mode") == [("wal",)]


def test_the_uri_comes_from_the_configuration_then_the_environment(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    assert stores.tracking_uri(None, root) == "http://there"
    assert stores.tracking_uri("sqlite:///here.db", root) == "sqlite:///here.db"


@pytest.mark.usefixtures("plain_figures")
@pytest.mark.parametrize(("mode", "num_candidates"), [("all", 3), ("adopted", 1), ("none", 0)])
def test_candidate_runs(root, mode, num_candidates):
    place = Place(root, mode)
    place.play(2)
    names = [name for _, name, _ in place.runs()]
    assert sum(name.startswith("candidate") for name in names) == num_candidates


@pytest.mark.usefixtures("plain_figures")
def test_repeating_everything_logs_nothing_twice(root):
    place = Place(root)
    tracker = place.play()
    before = len(place.rows("select * from metrics")), place.runs()
    tracker.begin(place.folder, place.config)
    for generation in range(NUM_RECORDS):
        tracker.record(record_of(generation))
    tracker.finish("FINISHED", None)
    again = place.tracker()
    again.begin(place.folder, place.config)
    again.record(record_of(NUM_RECORDS - 1))
    again.finish("FINISHED", None)
    assert (len(place.rows("select * from metrics")), place.runs()) == before
    place.assert_whole()


@pytest.mark.usefixtures("plain_figures")
def test_a_lost_memo_is_found_again_by_tags(root):
    place = Place(root)
    place.play(2)
    run, generations = place.memo["run"], place.memo["generations"]
    (place.folder / "mlflow.json").unlink()
    tracker = place.tracker()
    tracker.begin(place.folder, place.config)
    assert (place.memo["run"], place.memo["generations"]) == (run, generations)
    tracker.record(place.commit(2))
    tracker.finish("FINISHED", None)
    place.assert_whole(3)


@pytest.mark.usefixtures("plain_figures")
def test_another_campaign_of_the_same_name_gets_a_run_of_its_own(root):
    place = Place(root)
    place.play(1)
    run = place.memo["run"]
    (place.folder / "mlflow.json").unlink()
    record = {**record_of(0), "forgetting": 0.5}
    (place.folder / "commits" / "000000.json").write_text(json.dumps(record))
    place.tracker().begin(place.folder, place.config)
    assert place.memo["run"] != run


class Killed(BaseException):
    """What nobody catches."""


class Trap:
    """Raises at the n-th call of a client's method that touches the store."""

    NAMES = (
        "create_run",
        "log_batch",
        "log_artifacts",
        "log_inputs",
        "set_terminated",
        "search_runs",
        "get_run",
        "get_metric_history",
        "set_tag",
        "update_run",
        "create_logged_model",
        "log_outputs",
        "finalize_logged_model",
    )

    def __init__(self, monkeypatch, error):
        from mlflow import MlflowClient

        self.left, self.calls, self.error = math.inf, 0, error
        for name in self.NAMES:
            monkeypatch.setattr(MlflowClient, name, self._wrapped(getattr(MlflowClient, name)))

    def _wrapped(self, method):
        def call(*args, **kwargs):
            self.calls += 1
            if self.left <= 0:
                raise self.error
            self.left -= 1
            return method(*args, **kwargs)

        return call


@pytest.mark.usefixtures("plain_figures")
@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_a_call_of_the_client(root, monkeypatch, stride):
    trap = Trap(monkeypatch, Killed())
    Place(root).play(2)
    num_all = trap.calls
    assert num_all > 30
    for num_calls in range(0, num_all, stride):
        place = Place(root)
        trap.left = num_calls
        with pytest.raises(Killed):
            place.play(2)
        trap.left = math.inf
        for generation in range(2):
            if not place.file(generation).exists():
                place.commit(generation)
        tracker = place.tracker()
        tracker.begin(place.folder, place.config)
        tracker.record(json.loads(place.file(1).read_text()))
        tracker.finish("FINISHED", None)
        assert place.said == []
        place.assert_whole(2)
        place.assert_two_learners()


@pytest.mark.usefixtures("plain_figures")
def test_runs_that_no_commit_knows_are_closed(root):
    place = Place(root)
    place.play(1)
    client = stores.open_client(place.tracker().uri, root)
    tags = {"taskgen.campaign": place.memo["key"], "taskgen.kind": "generation"}
    orphan = client.create_run(place.memo["experiment"], None, tags, "orphan").info.run_id
    place.tracker().begin(place.folder, place.config)
    statuses = {run: status for run, _, status in place.runs()}
    assert statuses[orphan] == "KILLED"
    assert statuses[place.memo["run"]] == "RUNNING"


@pytest.mark.usefixtures("plain_figures")
class SlowlyFailing:
    """Takes two seconds and fails."""

    def __init__(self, place):
        self._place = place
        self.asked = 0

    def __call__(self, *args, **kwargs):
        self._place.now += 2.0
        self.asked += 1
        raise OSError("the disk is full")


@pytest.mark.usefixtures("plain_figures")
def test_a_failing_store_stops_nothing_and_is_caught_up_with(root, monkeypatch):
    place = Place(root)
    failing = SlowlyFailing(place)
    with monkeypatch.context() as broken:
        broken.setattr("curricula.campaigns.mlflow_tracking.runs.open_client", failing)
        tracker = place.tracker()
        tracker.begin(place.folder, place.config)
        tracker.record(place.commit(0))
        assert failing.asked == 1, "it is left alone for a while"
        place.now += 65.0
        tracker.record(place.commit(1))
        assert failing.asked == 2
    assert len(place.said) == 1, "it is said once, not at every commit"
    assert "the disk is full" in place.said[0]
    assert tracker.problems == place.said
    place.now += 65.0
    tracker.record(place.commit(2))
    marks = [key for key, _, _ in place.points(place.memo["run"]) if key == "campaign/generation"]
    assert len(marks) == 3
    trap = Trap(monkeypatch, OSError("not now"))
    trap.left = 5
    tracker.record(place.commit(3))
    assert len(place.said) == 2
    trap.left = math.inf
    tracker.finish("FINISHED", None)
    place.assert_whole()


@pytest.mark.usefixtures("plain_figures")
def test_a_slow_store_gets_a_commit_at_a_time_and_all_at_the_end(root, monkeypatch):
    place = Place(root)
    place.play(1)
    tracker, log = place.tracker(), campaign_log.log_generation

    def slow(*args):
        place.now += 100.0
        log(*args)

    monkeypatch.setattr(campaign_log, "log_generation", slow)
    for generation in (1, 2):
        place.commit(generation)
    tracker.begin(place.folder, place.config)
    assert place.memo["logged"] == 1
    tracker.record(place.commit(3))
    assert place.memo["logged"] == 1
    assert ["is slow" in text for text in place.said] == [True]
    tracker.finish("FINISHED", None)
    place.assert_whole()


@pytest.mark.usefixtures("plain_figures")
def test_a_generator_that_cannot_be_made_or_drawn_costs_only_its_pictures(root, monkeypatch):
    place = Place(root)
    monkeypatch.setattr(Fields, "render", lambda self, task: 1 / 0)
    place.play(1)
    sheet = root / "artifacts" / place.memo["generations"]["0"] / "artifacts" / "tasks.png"
    assert sheet.is_file(), "cards of parameters stand in"
    other = Place(root)
    other.config["generator"] = {"name": "nobody", "options": {}}
    other.play(1)
    folder = root / "artifacts" / other.memo["generations"]["0"] / "artifacts"
    assert not (folder / "tasks.png").exists()
    assert (folder / "tasks.json").is_file()


@pytest.mark.usefixtures("plain_figures")
def test_where_drawing_takes_too_long_the_last_commit_is_drawn_and_all_points_are_there(
    root, monkeypatch
):
    monkeypatch.setattr(allowance, "FREE_S", 1e-6)
    monkeypatch.setattr(allowance, "SHARE", 0.0)
    place = Place(root)
    place.play()
    place.assert_whole()
    runs = place.memo["generations"]
    names = {
        generation: {p.name for p in (root / "artifacts" / run / "artifacts").iterdir()}
        for generation, run in runs.items()
    }
    drawn = [generation for generation, files in names.items() if "tasks.png" in files]
    assert drawn == ["0", str(NUM_RECORDS - 1)]
    assert all("tasks.json" in files for files in names.values())
    notes = dict(place.rows("select run_uuid, value from tags where key = 'mlflow.note.content'"))
    assert "Without pictures" in notes[runs["1"]]
    assert ".png" not in notes[runs["1"]]
    last = runs[str(NUM_RECORDS - 1)]
    assert f"path=tasks.png&run_uuid={last}" in notes[place.memo["run"]]


@pytest.mark.usefixtures("plain_figures")
def test_the_sealed_test_is_logged_once_and_a_larger_budget_may_follow(root):
    place = Place(root)
    place.play(1)
    result = {"status": "finished", "test": {"uses": 1, "measures": measures(0.75)}}
    films = CampaignStore(place.folder).films
    films.mkdir()
    (films / "best-3fa91c22.gif").write_bytes(b"GIF89a")
    for budget in (3, 5):
        place.config["budget"]["generations"] = budget
        tracker = place.tracker()
        tracker.begin(place.folder, place.config)
        tracker.finish("FINISHED", result)
        assert tracker.problems == []
    points = [(k, v) for k, _, v in place.points(place.memo["run"]) if k.startswith("test/target")]
    assert points.count(("test/target_return_mean", 0.75)) == 1
    folder = root / "artifacts" / place.memo["run"] / "artifacts"
    assert json.loads((folder / "test.json").read_text())["uses"] == 1
    assert (folder / "films" / "best-3fa91c22.gif").read_bytes() == b"GIF89a"
    assert "generations: 5" in Path(folder / "config.yaml").read_text()


@pytest.mark.usefixtures("plain_figures")
def test_a_suite_played_later_is_logged_once_and_reopens_nothing(root):
    place = Place(root)
    place.play(2)
    ended = place.rows("select status, end_time from runs where run_uuid = ?", place.memo["run"])
    result = {"kind": "suite", "name": "combs", "generation": 1, "measures": measures(0.4)}
    store = CampaignStore(place.folder)
    for _ in range(2):
        place.tracker().tested(place.folder, place.config, store.add_test_result(result))
    points = [p for p in place.points(place.memo["run"]) if p[0] == "suite/combs_return_iqm"]
    assert points == [("suite/combs_return_iqm", 410, pytest.approx(0.4))]
    tags = dict(place.rows("select key, value from tags where run_uuid = ?", place.memo["run"]))
    assert tags["taskgen.test_uses"] == "The test was used twice: suite combs (twice)."
    assert "suite combs \\(twice\\)" in tags["mlflow.note.content"]
    assert "Finished after generation 1" in tags["mlflow.note.content"]
    assert ended == place.rows(
        "select status, end_time from runs where run_uuid = ?", place.memo["run"]
    )
    place.assert_whole(2)


def test_a_campaign_that_was_never_logged_gets_no_run_for_a_suite(root):
    place = Place(root)
    before = list(place.folder.iterdir())
    place.tracker().tested(place.folder, place.config, {"kind": "suite", "name": "combs"})
    assert list(place.folder.iterdir()) == before
