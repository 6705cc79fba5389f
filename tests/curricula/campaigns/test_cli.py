"""The command `taskgen`, as a person types it: what it prints, writes, and exits with."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from curricula.campaigns.cli import app
from curricula.campaigns.commands.campaigns import free_name
from curricula.campaigns.commands.printing import print_end, print_measures
from curricula.campaigns.commands.server import command, page_address
from curricula.campaigns.commands.stopping import StopOnSignal
from curricula.campaigns.config.files import loads
from curricula.campaigns.sight.tracking import NullDisplay
from curricula.campaigns.store.checkpoint import CampaignStore
from taskgen.task import Task

SMALL = """
name: small
generator: maze-v1
learner: {options: {cell: gru, precision: float32, kernel: torch, device: cpu, hidden_size: 8,
                    epochs: 1},
          name: rl2}
start: {size: 5}
target: {size: [5, 7]}
lifetime: {num_episodes: 2, train_steps: 16}
generation: {num_candidates: 2, branch_env_steps: 64, tasks_per_batch: 4,
             challenger_every: 0, aa_every: 0}
evaluation: {num_selection: 4, num_adoption: 4, num_monitor: 4, num_test: 4}
budget: {generations: 1}
executor: {name: inline, threads: 1}
tracking: {num_pictures: 3}
"""


def taskgen(*args: object) -> "subprocess.CompletedProcess[str]":
    """Runs the command in this process."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The root of a campaign that ran to its end."""
    root = tmp_path_factory.mktemp("root")
    (root / "small.yaml").write_text(SMALL)
    result = taskgen("run", root / "small.yaml", "--root", root, "--plain", "--no-tracking")
    assert result.returncode == 0, result.stderr
    assert "campaign small: about" in result.stdout
    lines = [line for line in result.stdout.splitlines() if line.startswith("generation ")]
    assert [line for line in lines if ": train (2 branches" not in line] == [
        "generation 0: play the monitor sets",
        "generation 0: random play and oracle on the monitor sets",
        "generation 1: play the adoption tasks (2 branches)",
        "generation 1: play the monitor sets",
        "generation 1: play the sealed test",
        "generation 1: random play and oracle on the sealed test",
    ]
    assert (
        "Computes with GRU in float32, torch kernel, with 1 thread, as configured." in result.stdout
    )
    assert "small finished" in result.stdout
    assert "sealed test: learner of generation 1" in result.stdout
    assert f"taskgen resume small --root {root}" in result.stdout
    return root


@pytest.mark.parametrize("kind", ["generators", "learners", "curricula", "searches", "presets"])
def test_list_has_every_plugin_with_a_line(kind: str) -> None:
    names = {
        "generators": ["maze-v1", "bandit-v1", "ant-v1"],
        "learners": ["rl2"],
        "curricula": ["domain_randomization"],
        "searches": ["optuna", "fixed"],
        "presets": ["maze-quickstart", "maze-open-ended", "bandit"],
    }[kind]
    result = taskgen("list", kind)
    assert result.returncode == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()[1:] if line[0] != " "}
    for name in names:
        assert len(lines[name].split()) > 3
    assert "Error" not in result.stdout


def test_help_and_list_import_nothing_slow() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from curricula.campaigns.cli import app;"
        "run = CliRunner().invoke; assert run(app, ['--help']).exit_code == 0;"
        "[run(app, ['list', k]) for k in ('learners', 'searches', 'generators', 'presets')];"
        "print([m for m in ('torch', 'mlflow', 'optuna', 'numba') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_broken_plugin_is_listed_with_its_error(tmp_path) -> None:
    info = tmp_path / "broken_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[taskgen.generators]\nbroken-v1 = broken_plugin:Broken\n"
    )
    (tmp_path / "broken_plugin.py").write_text("import a_module_that_is_not_there\n")
    result = subprocess.run(
        [sys.executable, "-m", "curricula.campaigns", "list", "generators"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "a_module_that_is_not_there" in result.stdout
    assert "maze-v1" in result.stdout


def test_show_config_prints_what_will_run() -> None:
    result = taskgen("show-config", "maze-quickstart", "start.size=[5, 9]", "seed=7")
    assert result.returncode == 0
    data = yaml.safe_load(result.stdout)
    assert data["start"]["size"] == [5, 9]
    assert data["seed"] == 7
    assert data["learner"]["options"]["gamma"] == 0.99
    assert loads(result.stdout).seed == 7


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["show-config", "nothing.yaml"], "neither such a file nor such a preset"),
        (["run", "bandit", "budgt.hours=1", "seed=x"], "bandit has 2 errors"),
        (["resume", "nothing"], "has no campaign 'nothing'; there is none yet"),
        (["status", "nothing"], "has no campaign 'nothing'"),
        (["evaluate", "nothing"], "has no campaign 'nothing'"),
        (["show", "abcdef"], "no campaign and no imported set under"),
        (["import", "nothing.jsonl"], "nothing.jsonl cannot be read"),
        (["show", "ab"], "at least 4 characters"),
        (["export", "nothing"], "has no campaign 'nothing'"),
        (["sample", "maze-v2"], "(did you mean maze-v1?)"),
        (["sample", "maze-v1", "sise=5"], "sise: is no parameter here; did you mean size?"),
        (["sample", "maze-v1", "size=[5,"], "is not YAML"),
        (["sample", "bandit-v1", "num_arms=few"], "num_arms: must be a whole number, got 'few'"),
        (["sample", "maze-v1", "--out", "maze.gif"], "--out must end in"),
        (["check", "bandit-v1", "arms=3"], "arms: unknown key; did you mean num_arms?"),
        (["sample", "maze-v1", "--out", "no/such/x.png"], "there is no folder no/such"),
        (["list", "suits"], "or suites to list, got 'suits' (did you mean suites?)"),
        (["list", "learners", "rl2"], "only suites are listed by generator"),
        (["list", "suites", "maze-v2"], "(did you mean maze-v1?)"),
        (["sample", "maze-v1", "--num", "x"], "Invalid value for '--num': must be a valid integer"),
        (["ui"], "there is no folder mlruns. The first campaign makes one: taskgen run maze-qu"),
        (["ui", "--root", "typo"], "there is no folder typo."),
        (["status", "--root", "typo"], "there is no folder typo."),
        (["run"], "Missing argument"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(args, expected, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = taskgen(*args)
    assert result.returncode == 2
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
    assert "Value error" not in result.stderr
    assert not list(tmp_path.iterdir()), "nothing is started, nothing is written"


def test_a_failure_is_exit_code_1_and_its_place_only_on_demand(tmp_path, monkeypatch) -> None:
    (tmp_path / "fails.py").write_text(
        "from taskgen.generators.bandit import Bandit\n"
        "class Fails(Bandit):\n"
        "    def __init__(self):\n"
        "        raise RuntimeError('no words')\n"
    )
    monkeypatch.chdir(tmp_path)
    quiet = taskgen("sample", "fails:Fails")
    assert quiet.returncode == 1
    assert quiet.stderr.strip() == "failed: RuntimeError: no words (--debug shows where)"
    assert "line 4, in __init__" in taskgen("sample", "fails:Fails", "--debug").stderr


def test_sample_tells_where_tasks_are_drawn_from() -> None:
    result = taskgen("sample", "maze-v1", "size=[5,9]", "--num", 8)
    assert result.returncode == 0
    assert "5…9" in result.stdout
    assert "shortest_path" in result.stdout
    assert "differ" not in result.stdout

    narrow = taskgen("sample", "grid-goal-v1", "size=3", "--num", 60)
    assert "2 of 60 differ; KEY=[LOW,HIGH] widens a parameter." in narrow.stdout


def test_sample_draws_pictures(tmp_path) -> None:
    png, page = tmp_path / "s.png", tmp_path / "s.html"
    assert taskgen("sample", "maze-v1", "size=[5,9]", "--num", 6, "--out", png).returncode == 0
    pixels = np.asarray(Image.open(png))
    assert pixels.shape[1] == 600
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 4, "walls, ways, start, goal and paper"

    assert taskgen("sample", "maze-v1", "--num", 6, "--out", page).returncode == 0
    text = page.read_text()
    assert text.count("data:image/webp;base64,") == 6
    addresses = set(re.findall(r"https?:[^\"' ]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a name; the page needs no network"


def test_samples_are_the_same_for_the_same_seed(tmp_path) -> None:
    files = [tmp_path / f"{i}.jsonl" for i in range(3)]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        taskgen("sample", "bandit-v1", "num_arms=3", "pulls=5", "--seed", seed, "--out", file)
    assert files[0].read_text() == files[1].read_text() != files[2].read_text()
    task = Task.from_json(json.loads(files[0].read_text().splitlines()[0]))
    assert task.params["pulls"] == 5
    assert len(task.content["probs"]) == 3


def test_import_says_what_tasks_are(tmp_path) -> None:
    file = tmp_path / "tasks.jsonl"
    taskgen("sample", "maze-v1", "size=9", "--num", 40, "--out", file)
    result = taskgen("import", file, "--dry-run", "--root", tmp_path)
    assert result.returncode == 0
    assert not (tmp_path / "tasks").exists()
    name, num, ids, different, *splits = result.stdout.splitlines()[1].split()
    assert (name, num, ids) == ("maze-v1", "40", "40")
    assert sum(map(int, splits)) == 40
    assert int(different) <= 40
    assert int(splits[0]) > 20, "most tasks are for training"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t["content"].update(horizon=1), "it was edited or damaged"),
        (lambda t: t["params"].update(size=6), "size must be a whole number in [5, 255]"),
        (lambda t: t.pop("content"), "a task needs content"),
        (lambda t: t.update(version=99), "made by version 99"),
    ],
)
def test_import_refuses_what_is_no_task(change, expected, tmp_path) -> None:
    file = tmp_path / "tasks.jsonl"
    taskgen("sample", "maze-v1", "size=9", "--num", 2, "--out", file)
    good, other = file.read_text().splitlines()
    task = json.loads(other)
    change(task)
    file.write_text(f"{good}\n{json.dumps(task)}\nnot JSON\n")
    result = taskgen("import", file, "--root", tmp_path)
    assert result.returncode == 2
    assert expected in result.stderr
    assert "line 3, column 1: is not JSON: " in result.stderr
    assert not (tmp_path / "tasks").exists()


def test_a_file_of_something_else_is_one_sentence(tmp_path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("one\ntwo\nthree\n")
    result = taskgen("import", file, "--root", tmp_path)
    assert result.returncode == 2
    assert (
        "it holds no task; there must be one a line, a JSON object; line 1, column 1: "
        in result.stderr
    )
    assert len(result.stderr.splitlines()) == 2


def test_every_command_is_told_in_a_whole_line() -> None:
    lines = taskgen("--help").stdout.partition("Commands:")[2].splitlines()
    assert len([line for line in lines if line.startswith("  ") and "--debug" not in line]) >= 12
    assert not [line for line in lines if line.endswith("...")]


def test_a_file_that_cannot_be_written_is_named(tmp_path) -> None:
    place = tmp_path / "a folder.jsonl"
    place.mkdir()
    result = taskgen("sample", "bandit-v1", "--num", 1, "--out", place)
    assert result.returncode == 1
    assert result.stderr.startswith(f"failed: {place}: Is a directory (--debug")


def test_imported_tasks_are_kept_shown_and_played(finished: Path, tmp_path) -> None:
    root, file = tmp_path / "root", tmp_path / "corners.jsonl"
    shutil.copytree(finished, root)
    taskgen("sample", "maze-v1", "size=7", "--num", 3, "--out", file)
    first = taskgen("import", file, "--campaign", "small", "--root", root)
    assert first.returncode == 0, first.stderr
    assert taskgen("import", file, "--campaign", "small", "--root", root).returncode == 0
    task = json.loads(file.read_text().splitlines()[0])
    shown = taskgen("show", task["id"][:12], "--root", root)
    assert json.loads(shown.stdout) == task
    assert "imported as corners" in shown.stderr
    picture = tmp_path / "task.png"
    assert taskgen("show", task["id"][:12], "--root", root, "--out", picture).returncode == 0
    assert picture.is_file()
    played = taskgen("evaluate", "small", "--tasks", "corners", "--root", root, "--no-tracking")
    assert played.returncode == 0, played.stderr
    assert "task set corners: learner of generation 1" in played.stdout
    assert "The test was used twice: sealed test, task set corners." in played.stdout
    assert "used twice" in taskgen("status", "small", "--root", root).stdout
    taskgen("sample", "maze-v1", "size=9", "--num", 3, "--out", file)
    other = taskgen("import", file, "--root", root)
    assert other.returncode == 2
    assert "another set of tasks called 'corners'" in other.stderr


def test_status_tells_what_a_campaign_came_to(finished: Path) -> None:
    result = taskgen("status", "small", "--root", finished)
    assert result.returncode == 0
    assert result.stdout.startswith("small: generation 1, ")
    assert result.stdout.splitlines()[0].endswith("; finished")
    assert "1 of 1 generations" in result.stdout
    assert (
        "Computes with GRU in float32, torch kernel, with 1 thread, as configured." in result.stdout
    )
    assert "untrained start" in result.stdout
    every = taskgen("status", "--root", finished)
    assert every.stdout.splitlines()[1].startswith("small")


def test_status_before_the_first_commit_says_what_goes_on(tmp_path) -> None:
    store = CampaignStore(tmp_path / "campaigns" / "small")
    store.create(loads(SMALL), {"sentence": "GRU in float32.", "facts": {}, "moves": []})
    waiting = taskgen("status", "small", "--root", tmp_path).stdout
    assert waiting.startswith("small: nothing is committed yet; not running\n")
    assert "Computes with GRU in float32." in waiting
    assert f"taskgen resume small --root {tmp_path}" in waiting
    store.lock()
    try:
        running = taskgen("status", "small", "--root", tmp_path).stdout
    finally:
        store.unlock()
    assert running.startswith("small: nothing is committed yet; running\n")
    assert "The first commit is the untrained learner" in running


def test_a_mistyped_root_is_answered_with_those_that_there_are(tmp_path, monkeypatch) -> None:
    (tmp_path / "mlruns" / "campaigns").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for command_line in (["ui", "--root", "mlrun"], ["status", "--root", "mlrun"]):
        refused = taskgen(*command_line)
        assert refused.returncode == 2
        assert "no folder mlrun (did you mean mlruns?); there is mlruns" in refused.stderr
    assert not (tmp_path / "mlrun").exists()


def test_suites_are_listed_by_generator() -> None:
    lines = taskgen("list", "suites", "maze-v1").stdout.splitlines()
    assert ["maze-v1", "four_rooms", "10"] in [line.split() for line in lines]
    assert taskgen("list", "suites", "bandit-v1").stdout == "bandit-v1 has no suites.\n"
    every = taskgen("list", "suites").stdout
    assert "four_rooms" in every
    assert "crippled-held-out" in every


def test_the_page_of_a_campaign_is_one_line(capsys) -> None:
    page = "#/experiments/1/runs/" + "a" * 200
    tracker, config = SimpleNamespace(page=page), loads(SMALL)
    record = {"totals": {"env_steps": 10, "seconds": 1.0}, "generation": 1, "tasks": []}
    ended = SimpleNamespace(config=config, tracker=tracker)
    print_end(ended, {"status": "finished", "record": record}, Path("mlruns"))
    assert page_address(page) in capsys.readouterr().out.splitlines()


def test_measures_are_printed_with_their_intervals(capsys) -> None:
    measures = {"success_rate": 0.5, "success_rate_interval": [0.25, 0.75], "length_gain": None}
    print_measures({"sealed test": {**measures, "adaptation_gain": 0.125, "num_tasks": 8}})
    lines = capsys.readouterr().out.splitlines()[1:]
    assert dict(re.split(r"\s{2,}", line.strip()) for line in lines) == {
        "success rate": "0.500 [0.250, 0.750]",
        "adaptation gain (last − first)": "0.125",
        "tasks": "8",
    }


def test_tasks_of_a_campaign_can_be_shown_and_taken_away(finished: Path, tmp_path) -> None:
    file = tmp_path / "tasks.jsonl"
    assert taskgen("export", "small", "--out", file, "--root", finished).returncode == 0
    tasks = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(tasks) >= 3
    result = taskgen("show", tasks[0]["id"][:12], "--root", finished)
    assert json.loads(result.stdout) == tasks[0]
    assert taskgen("import", file, "--dry-run", "--root", tmp_path).returncode == 0
    none = taskgen("export", "small", "--generation", 99, "--out", file, "--root", finished)
    assert none.returncode == 2


def test_a_campaign_of_the_same_name_is_not_run_over(finished: Path) -> None:
    result = taskgen("run", finished / "small.yaml", "--root", finished, "--no-tracking")
    assert result.returncode == 2
    assert "taskgen resume small" in result.stderr
    assert free_name("small", finished) == "small-2"
    assert free_name("other", finished) == "other"


@pytest.mark.parametrize("override", ["seed=3", "executor.threads=2", "budgets=1", "executor=x"])
def test_resume_changes_nothing_that_results_depend_on(finished: Path, override: str) -> None:
    refused = taskgen("resume", "small", "budget.generations=3", override, "--root", finished)
    assert refused.returncode == 2
    expected = "resume may change budget.*, executor.name, executor.workers, tracking.*, checkpoi"
    assert expected in refused.stderr
    assert f"got {override};" in refused.stderr


def test_what_resume_cannot_understand_is_a_sentence(finished: Path) -> None:
    wrong = taskgen("resume", "small", "budget.generation=3", "--root", finished)
    assert "did you mean generations?" in wrong.stderr
    near = taskgen("resume", "smal", "--root", finished)
    assert "(did you mean small?)" in near.stderr


def test_resume_goes_on_elsewhere_with_a_larger_budget(finished: Path, tmp_path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished, root)
    changes = ["budget.generations=2", "executor.name=processes", "executor.workers=1"]
    result = taskgen(
        *("resume", "small", *changes, "checkpoints.keep_last=2"),
        *("--root", root, "--plain", "--no-tracking"),
    )
    assert result.returncode == 0, result.stderr
    assert "2 of 2 generations" in result.stdout
    saved = yaml.safe_load((root / "campaigns" / "small" / "config.yaml").read_text())
    assert saved["budget"]["generations"] == 2
    assert saved["executor"] == {
        "name": "processes",
        "workers": 1,
        "threads": 1,
        "call_timeout_s": 30.0,
    }
    assert saved["checkpoints"]["keep_last"] == 2


def test_a_suite_is_played_by_name(finished: Path) -> None:
    result = taskgen("evaluate", "small", "--suite", "no_such", "--root", finished)
    assert result.returncode == 2
    assert "four_rooms" in result.stderr


def test_resume_elsewhere_is_refused_unless_it_is_meant(finished, tmp_path, monkeypatch) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished, root)
    monkeypatch.setattr("curricula.campaigns.store.machine.processor", lambda: "an abacus")
    refused = taskgen("resume", "small", "--root", root, "--plain", "--no-tracking")
    assert refused.returncode == 2
    assert "is an abacus. Resume it where these are as they were" in refused.stderr
    meant = taskgen(
        *("resume", "small", "--other-machine", "--root", root, "--plain", "--no-tracking")
    )
    assert meant.returncode == 0, meant.stderr
    assert "on another machine: processor was" in taskgen("status", "small", "--root", root).stdout


def test_check_says_what_holds() -> None:
    result = taskgen("check", "bandit-v1", "num_arms=2")
    assert result.returncode == 0, result.stdout
    assert "checks hold" in result.stdout


def test_the_first_signal_asks_and_the_second_stops() -> None:
    said: list[str] = []

    class Asked:
        stops = 0

        def request_stop(self) -> None:
            self.stops += 1

    class Display(NullDisplay):
        def say(self, message: str) -> None:
            said.append(message)

    campaign = Asked()
    before = signal.getsignal(signal.SIGTERM)
    with StopOnSignal(campaign, Display()) as stop:
        signal.raise_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
        assert campaign.stops == 1
        assert "after the next commit" in said[0]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert campaign.stops == 1
    assert stop.received == [signal.SIGTERM, signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_ui_is_light_and_stays_on_this_machine(tmp_path) -> None:
    line = " ".join(command(tmp_path / "a root", 5123))
    assert "--host 127.0.0.1 --port 5123 --workers 1" in line
    assert f"sqlite:///{tmp_path}/a root/mlflow.db" in line


def test_the_ui_refuses_a_port_in_use(tmp_path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = taskgen("ui", "--port", other.getsockname()[1], "--root", tmp_path)
    assert result.returncode == 2
    assert "take another with --port" in result.stderr


def test_a_campaign_is_written_as_pages(finished, tmp_path) -> None:
    for name, least in (("gallery", "first return"), ("report", "Decisions")):
        out = tmp_path / f"{name}.html"
        result = taskgen(name, "small", "--root", finished, "--out", out, "--seconds", "20")
        assert result.returncode == 0, result.stderr
        assert result.stdout.endswith("to be opened in a browser\n")
        assert least in out.read_text()
        refused = taskgen(name, "small", "--root", finished, "--out", tmp_path / "page.pdf")
        assert refused.returncode == 2
        assert "must end in .html" in refused.stderr
    one = taskgen("gallery", "small", "--root", finished, "--generation", 0, "--out", out)
    assert one.returncode == 2
    assert "small has trained on no task in generation 0 yet" in one.stderr


def test_the_ui_shows_the_page_of_a_campaign(finished, tmp_path, monkeypatch) -> None:
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1/mlflow/")
    refused = taskgen("ui", "small", "--root", finished)
    assert refused.returncode == 2
    assert "small has no run in MLflow at http://127.0.0.1:1/mlflow/" in refused.stderr
    memo = {"uri": "http://127.0.0.1:1/mlflow/", "experiment": "4", "run": "abc"}
    folder = tmp_path / "campaigns" / "small"
    shutil.copytree(finished / "campaigns" / "small", folder)
    (folder / "mlflow.json").write_text(json.dumps(memo))
    result = taskgen("ui", "small", "--root", tmp_path)
    page = "http://127.0.0.1:1/mlflow/#/experiments/4/runs/abc?workflowType=machine_learning"
    assert result.stdout.splitlines()[-1] == page
    assert opened == []
    taskgen("ui", "small", "--root", tmp_path, "--open")
    assert opened == [page]
