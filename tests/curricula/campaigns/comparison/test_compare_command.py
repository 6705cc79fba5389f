"""`taskgen compare` as a person types it; the results of its runs are made up."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from curricula.campaigns.cli import app
from curricula.campaigns.commands.comparing import chosen_arms
from curricula.campaigns.comparison.arms import CONTROLS, arm_of, prepared
from curricula.campaigns.comparison.folder import Comparison
from curricula.campaigns.mlflow_tracking.stores import open_client, tracking_uri
from tests.curricula.campaigns.tiny import TINY

NUM_TASKS = 8


def compare(*args):
    result = CliRunner().invoke(app, ["compare", *map(str, args)])
    return result.exit_code, result.output


@pytest.fixture
def files(tmp_path):
    """Two campaign files that may be compared."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(TINY))
    return tmp_path / "one.yaml", tmp_path / "two.yaml"


def made_up(comparison, run, level):
    rng = np.random.default_rng(run.seed)
    successes = (rng.random(NUM_TASKS) < level).astype(float).tolist()
    names = ("train_env_steps", "scoring_env_steps", "evaluation_env_steps", "gradient_updates")
    totals = {"env_steps": 900, "seconds": 61.0, **dict.fromkeys(names, 300)}
    return {
        "arm": run.arm,
        "seed": run.seed,
        "totals": totals,
        "counted": "env steps",
        "judged_by": "return",
        "forgetting": 0.0,
        "last_return": [level * success for success in successes],
        "adaptation_gain": [0.5 * success for success in successes],
        "last_success": successes,
        "mastered": successes,
    }


@pytest.fixture
def root(files, tmp_path):
    """A root with a comparison of which one run is missing."""
    arms = prepared([arm_of(str(file)) for file in files], 1000)
    comparison = Comparison.begin(tmp_path / "root" / "comparisons" / "one-vs-two", arms, 3)
    known = {"random": [0.0] * NUM_TASKS, "oracle": [1.0] * NUM_TASKS}
    (comparison.folder / "references.json").write_text(json.dumps(known))
    comparison.result_file(comparison.runs()[0]).parent.mkdir()
    for run in comparison.runs()[:-1]:
        result = made_up(comparison, run, {"one": 0.5, "two": 0.9}[run.arm])
        comparison.result_file(run).write_text(json.dumps(result))
    return tmp_path / "root"


def test_a_campaign_whose_controls_are_made_is_what_all_are_held_against(files):
    one, two = map(str, files)
    for others in ([one], [one, two]):
        names = [arm.name for arm in chosen_arms(others, two, 1000)]
        assert names == ["two", "one", *CONTROLS]


def test_the_table_of_what_is_there(root, files):
    code, output = compare("--table", "--name", "one-vs-two", "--root", root, "--no-tracking")
    assert code == 0, output
    rows = {line.split()[0]: line.split()[1] for line in output.splitlines() if line.strip()}
    assert (rows["one"], rows["two"]) == ("3", "2")
    assert "this supports no claim" in output
    folder = root / "comparisons" / "one-vs-two"
    assert "Not there yet: two-2." in (folder / "table.md").read_text()
    assert (folder / "comparison.png").stat().st_size > 5000
    by_files = ("--budget-env-steps", 1000, "--seeds", 3, "--table", "--root", root)
    assert compare(*files, *by_files, "--no-tracking")[1] == output


def test_one_run_of_mlflow_has_it_however_often_it_is_logged(root):
    for _ in range(2):
        code, output = compare("--table", "--name", "one-vs-two", "--root", root)
        assert code == 0, output
    assert "in MLflow: http://127.0.0.1" in output
    client = open_client(tracking_uri(None, root), root)
    experiment = client.get_experiment_by_name("taskgen")
    (run,) = client.search_runs([experiment.experiment_id])
    table = json.loads((root / "comparisons" / "one-vs-two" / "table.json").read_text())
    two = table["arms"][1]
    assert run.data.metrics["two/score"] == two["score"][0]
    assert run.data.metrics["two/improvement_low"] == two["improvement"][1]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "comparison.json",
        "comparison.png",
        "table.json",
        "table.md",
    }
    assert run.info.status == "KILLED", "a run is missing"
    assert "| `two` |" in run.data.tags["mlflow.note.content"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name campaigns to compare"),
        (["--table", "--name", "nothing"], "holds no comparison"),
        (["maze-quickstart"], "two arms at least"),
        (["maze-quikstart", "bandit"], "maze-quickstart"),
        (["maze-quickstart", "maze-quickstart"], "names of their own"),
        (["--controls", "bandit"], "never moves"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(args, message, tmp_path):
    code, output = compare(*args, "--root", tmp_path)
    assert code == 2, output
    assert message in " ".join(output.split())
    assert not list(tmp_path.rglob("comparison.json"))
