"""A real comparison, as small as can be: two arms, two seeds; run, interrupted, added to."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from curricula.campaigns.comparison.arms import Arm, prepared
from curricula.campaigns.comparison.figure import comparison_figure
from curricula.campaigns.comparison.folder import Comparison, Run
from curricula.campaigns.comparison.judging import common_tasks, measure_references
from curricula.campaigns.comparison.running import carry_out, carry_out_one
from curricula.campaigns.comparison.table import make_table, markdown, save_table
from curricula.campaigns.config.files import loads
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sight.figures import save_figure
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from tests.curricula.campaigns.tiny import TINY, merged

BUDGET = 1600
GENERATION = 288


def arm(name, search, num_candidates, branch_env_steps=288):
    generation = {"num_candidates": num_candidates, "branch_env_steps": branch_env_steps}
    few = {"num_selection": 3, "num_adoption": 3, "num_monitor": 3}
    changes = {"generation": generation, "evaluation": few}
    changed = {**merged(TINY, changes), "search": search}
    return Arm(name, loads(json.dumps(changed)))


def arms(*more):
    adr = {"name": "adr", "options": {"num_tasks": 4, "buffer_size": 4}}
    return prepared([arm("kept", "fixed", 1), arm("adr", adr, 0), *more], BUDGET)


class Heard:
    def __init__(self):
        self.said = []

    def started(self, run):
        self.said.append(("started", run.name))

    def reached(self, run, env_steps):
        assert env_steps >= 0

    def ended(self, run, failure):
        self.said.append(("ended", run.name, failure))


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    comparison = Comparison.begin(tmp_path_factory.mktemp("root") / "pair", arms(), 2)
    measure_references(comparison)
    for run in comparison.missing():
        carry_out_one(comparison.folder, run)
    return comparison


@pytest.fixture
def copied(ended, tmp_path):
    shutil.copytree(ended.folder, tmp_path / "pair")
    return Comparison(tmp_path / "pair")


def test_every_run_has_its_result(ended):
    assert ended.missing() == []
    assert [(r["arm"], r["seed"]) for r in ended.results()] == [
        ("kept", 0),
        ("adr", 0),
        ("kept", 1),
        ("adr", 1),
    ]
    assert not list((ended.folder / "failures").glob("*"))


def test_budgets_are_equal_within_a_generation(ended):
    used = [result["totals"]["env_steps"] for result in ended.results()]
    # What the exams of the last generation take is known from the one before, more or less.
    assert all(abs(steps - BUDGET) < GENERATION for steps in used), used


def test_all_play_the_same_sealed_tasks(ended):
    played = [common_tasks(Setup(ended.config(run))).ids for run in ended.runs()]
    assert all(ids == played[0] for ids in played)
    lengths = {len(result["last_return"]) for result in ended.results()}
    assert lengths == {8}
    store = CampaignStore(ended.folder / "campaigns" / "adr-1")
    (use,) = store.test_results()
    assert (use["kind"], use["name"], use["trained_on"]) == ("comparison", "pair", 0)


def test_a_seed_is_a_training_of_its_own(ended):
    one, other = (ended.config(Run("adr", seed)) for seed in (0, 1))
    assert (one.name, one.seed, other.name, other.seed) == ("adr-0", 0, "adr-1", 1)
    assert one.model_copy(update={"name": "adr-1", "seed": 1}) == other


def test_an_interrupted_run_goes_on_and_ends_the_same(copied):
    run = Run("adr", 1)
    whole = json.loads(copied.result_file(run).read_text())
    copied.result_file(run).unlink()
    store = CampaignStore(copied.folder / "campaigns" / run.name)
    *_, before, last = store.records()
    (store.folder / "commits" / f"{last['generation']:06d}.json").unlink()
    assert copied.missing() == [run]
    carry_out_one(copied.folder, run)
    again = json.loads(copied.result_file(run).read_text())
    timed = ("totals", "test_seconds")
    assert {k: v for k, v in again.items() if k not in timed} == {
        k: v for k, v in whole.items() if k not in timed
    }
    assert again["totals"]["env_steps"] == whole["totals"]["env_steps"]
    assert [r["generation"] for r in store.records()][-2:] == [
        before["generation"],
        last["generation"],
    ]


def test_arms_and_seeds_are_added_and_nothing_is_changed(copied):
    other = arm("other", "fixed", 1, branch_env_steps=96)
    more = Comparison.begin(copied.folder, arms(other), 3)
    assert list(more.arms) == ["kept", "adr", "other"]
    assert [run.name for run in more.missing()] == [
        "other-0",
        "other-1",
        "kept-2",
        "adr-2",
        "other-2",
    ]
    fewer = Comparison.begin(copied.folder, arms(), 1)
    assert (list(fewer.arms), fewer.num_seeds) == (["kept", "adr", "other"], 3)
    changed = arm("adr", "fixed", 1)
    with pytest.raises(CampaignError, match="compares another adr: its search, generation differ"):
        Comparison.begin(copied.folder, prepared([arms()[0], changed], BUDGET), 2)
    with pytest.raises(CampaignError, match="compares another kept: its budget differs"):
        Comparison.begin(copied.folder, prepared([arms()[0], arms()[1]], 9999), 2)


def test_runs_lie_in_processes_and_a_failure_is_told_and_harms_no_other(copied):
    for run in copied.runs():
        copied.result_file(run).unlink()
    commits = copied.folder / "campaigns" / "kept-0" / "config.yaml"
    commits.write_text("name: [\n")
    heard = Heard()
    todo = [Run("kept", 0), Run("kept", 1)]
    failures = carry_out(copied, todo, 2, heard)
    assert list(failures) == [Run("kept", 0)]
    assert copied.failure_file(Run("kept", 0)).read_text().startswith(failures[Run("kept", 0)])
    assert Run("kept", 1) not in copied.missing()
    assert ("ended", "kept-1", "") in heard.said


def test_the_table_says_what_was_measured(ended):
    table = make_table(ended, num_resamples=100)
    assert (table["baseline"], table["num_tasks"], table["scored"]) == ("kept", 8, True)
    kept, adr = table["arms"]
    assert kept["improvement"] is None
    assert 0.0 <= adr["improvement"][1] <= adr["improvement"][0] <= adr["improvement"][2] <= 1.0
    results = [r for r in ended.results() if r["arm"] == "adr"]
    success = float(np.mean([r["last_success"] for r in results]))
    assert adr["success"][0] == pytest.approx(success)
    assert adr["by_seed"]["success"] == pytest.approx([np.mean(r["last_success"]) for r in results])
    assert adr["env_steps"] == np.mean([r["totals"]["env_steps"] for r in results])
    text = markdown(table)
    assert "| `adr` | 2 |" in text
    assert "P(better than kept)" in text
    assert "this supports no claim" in text


def test_what_is_not_there_yet_is_named(copied):
    copied.result_file(Run("adr", 1)).unlink()
    table = make_table(copied, num_resamples=20)
    assert table["missing"] == ["adr-1"]
    assert [arm["seeds"] for arm in table["arms"]] == [[0, 1], [0]]
    assert "Not there yet: adr-1." in markdown(table)


def test_table_and_figure_are_written(copied):
    table = make_table(copied, num_resamples=20)
    save_table(copied, table)
    save_figure(comparison_figure(table), copied.folder / "comparison.png")
    assert json.loads((copied.folder / "table.json").read_text()) == table
    assert (copied.folder / "table.md").read_text().startswith("# pair\n\n| arm |")
    with Image.open(copied.folder / "comparison.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5


def test_a_folder_without_a_comparison_is_said(tmp_path):
    with pytest.raises(CampaignError, match="holds no comparison"):
        Comparison(tmp_path)
