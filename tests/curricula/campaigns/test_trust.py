"""What befalls a campaign that runs for days: one clear message, nothing lost, resume goes on."""

import errno
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
import torch
import yaml
from typer.testing import CliRunner

from curricula.campaigns.cli import app
from curricula.campaigns.store import files
from curricula.campaigns.store.checkpoint import CampaignStore
from tests.curricula.campaigns.tiny import TINY
from tests.curricula.campaigns.traces import trace

STREAM = {"generation": {"num_candidates": 0}}
QUIET = ("--plain", "--no-tracking")


def taskgen(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def written(root):
    """The campaign as a file."""
    generation = {**TINY["generation"], **STREAM["generation"]}
    (root / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "generation": generation}))
    return root / "tiny.yaml"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    root = tmp_path_factory.mktemp("uninterrupted")
    assert not taskgen("run", written(root), "--root", root, *QUIET).exit_code
    return root / "campaigns" / "tiny"


class FullDisk:
    """A disk that is full from the n-th file that is flushed to it."""

    def __init__(self, monkeypatch, num_files):
        self._left = itertools.count(num_files, -1)
        self._fsync = os.fsync
        monkeypatch.setattr(files.os, "fsync", self)

    def __call__(self, descriptor):
        if next(self._left) <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(descriptor)


@pytest.mark.parametrize("num_files", [9, 16, 25])
def test_a_full_disk_ends_the_run_in_a_sentence_and_resume_goes_on(
    tmp_path, uninterrupted, num_files
):
    with pytest.MonkeyPatch.context() as monkeypatch:
        FullDisk(monkeypatch, num_files)
        result = taskgen("run", written(tmp_path), "--root", tmp_path, *QUIET)
    assert result.exit_code == 2
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "No space left on device" in said
    assert "taskgen resume tiny" in said
    folder = tmp_path / "campaigns" / "tiny"
    assert not list(folder.rglob("*.tmp")), "half a file is not left behind"
    store = CampaignStore(folder)
    assert all(store.is_whole(record) for record in store.records())
    result = taskgen("resume", "tiny", "--root", tmp_path, *QUIET)
    assert result.exit_code == 0, result.stderr
    assert trace(folder) == trace(uninterrupted)


def test_a_second_process_is_refused_and_the_first_is_not_disturbed(tmp_path, uninterrupted):
    shutil.copytree(uninterrupted, tmp_path / "campaigns" / "tiny")
    first = CampaignStore(tmp_path / "campaigns" / "tiny")
    first.lock()
    result = taskgen("resume", "tiny", "--root", tmp_path, *QUIET)
    assert result.exit_code == 2
    assert "another process is running the campaign" in result.stderr
    assert trace(first.folder) == trace(uninterrupted)
    first.unlock()


def test_a_clock_that_is_set_back_changes_nothing(tmp_path, uninterrupted, monkeypatch):
    """Budgets and times are of a clock that nobody sets; MLflow's stamps alone are of the day."""
    hours = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 1.7e9 - 3600.0 * next(hours))
    result = taskgen("run", written(tmp_path), "--root", tmp_path, "--plain")
    assert result.exit_code == 0, result.stderr
    folder = tmp_path / "campaigns" / "tiny"
    assert trace(folder) == trace(uninterrupted)
    for record in CampaignStore(folder).records():
        assert 0.0 < record["seconds"]["generation"] < 600.0
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        marks = connection.execute(
            "select value, step from metrics where key = 'campaign/generation' order by step"
        ).fetchall()
    assert sorted({value for value, _ in marks}) == [0.0, 1.0, 2.0]


def test_threads_that_were_open_before_change_nothing(tmp_path):
    options = {**TINY["learner"]["options"], "hidden_size": 64}
    learner = f"learner.options={json.dumps(options)}"
    traces = []
    for threads in (1, 2):
        root = tmp_path / str(threads)
        root.mkdir()
        torch.set_num_threads(threads)
        assert not taskgen("run", written(root), learner, "--root", root, *QUIET).exit_code
        traces.append(trace(root / "campaigns" / "tiny"))
    assert traces[0] == traces[1]


def test_a_store_of_another_mlflow_is_told_of_left_alone_and_filled_later(tmp_path):
    version = "f" * 12
    shorter = {**TINY, "generation": {**TINY["generation"], **STREAM["generation"]}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({**shorter, "budget": {"generations": 1}}))
    place = ("--root", tmp_path, "--plain")
    assert not taskgen("run", tmp_path / "tiny.yaml", *place).exit_code
    right = alembic(tmp_path, version)
    # In a process of its own: MLflow looks at the version once, when it opens a store.
    words = ["-m", "curricula.campaigns", "resume", "tiny", "budget.generations=2"]
    command = [sys.executable, *words, *map(str, place)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    (problem,) = [line for line in told.stderr.splitlines() if "cannot be written" in line]
    assert "schema" in problem or "revision" in problem
    assert alembic(tmp_path, right) == version, "it is not upgraded behind anybody's back"
    assert not taskgen("resume", "tiny", *place).exit_code
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        marks = connection.execute(
            "select distinct value from metrics where key = 'campaign/generation'"
        ).fetchall()
    assert sorted(value for (value,) in marks) == [0.0, 1.0, 2.0]


def alembic(root, version):
    """Has the store say that it is of another version; returns what it said before."""
    with sqlite3.connect(root / "mlflow.db") as connection:
        (before,) = connection.execute("select version_num from alembic_version").fetchone()
        connection.execute("update alembic_version set version_num = ?", (version,))
    return before
