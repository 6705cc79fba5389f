"""Where jobs run makes no difference, and no worker that dies takes a result with it."""

import multiprocessing
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from curricula.campaigns.config.schema import ExecutorConfig
from curricula.campaigns.exams.sets import Exam
from curricula.campaigns.generation import executors
from curricula.campaigns.generation.branch import (
    Job,
    read_result,
    restore,
    run_job,
    snapshot,
    stage_failure,
)
from curricula.campaigns.generation.branches import Branch
from curricula.campaigns.generation.executors import InlineExecutor, ProcessExecutor, make_executor
from curricula.campaigns.store.files import save_state
from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze
from tests.curricula.campaigns.fakes import make_nursery, make_setup
from tests.curricula.campaigns.foreign import Foreign
from tests.curricula.campaigns.tiny import tiny_config
from tests.curricula.campaigns.traces import digest_of

HERE = "tests.curricula.campaigns.generation.test_executors"


class Deadly(Maze):
    """Kills the first worker that makes it."""

    def __init__(self, marker: str = ""):
        if multiprocessing.parent_process() is not None and not Path(marker).exists():
            Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)


class AlwaysDeadly(Maze):
    def __init__(self):
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)


def make_job(folder, name="keep", env_steps=128, **changes):
    """A real job of a few hundred steps."""
    setup = make_setup(**changes)
    state = snapshot(*restore(setup.config, setup.generator, None))
    save_state(folder / "start.pt", state)
    nursery = make_nursery(setup, folder, None, generation=1)
    branch = Branch(name, nursery.start_branch().candidate, training_seed=3)
    return nursery._job(branch, env_steps, setup.selection(1, setup.start))


def what_counts(job):
    """Everything of a result that is no time."""
    result = read_result(job)
    tally = {k: v for k, v in vars(result.tally).items() if not k.endswith("_s")}
    exams = {name: vars(outcomes) for name, outcomes in result.exams.items()}
    exams = {
        k: {f: torch.tensor(v) for f, v in o.items() if isinstance(v, np.ndarray)}
        for k, o in exams.items()
    }
    return digest_of([result.state, exams, tally])


@pytest.mark.parametrize(
    ("given", "num_branches", "workers", "threads"),
    [
        ({"name": "processes"}, 3, 3, 2),
        ({"name": "processes"}, 16, 6, 1),
        ({"name": "processes"}, 1, 1, 6),
        ({"name": "processes", "workers": 2}, 3, 2, 3),
        ({"name": "processes", "workers": 9}, 3, 9, 1),
        ({"name": "processes", "threads": 5}, 3, 3, 5),
        ({"name": "inline"}, 3, 1, 6),
        ({"name": "inline", "workers": 4, "threads": 2}, 3, 1, 2),
    ],
)
def test_workers_and_threads_of_a_machine_with_six_cores(
    monkeypatch, given, num_branches, workers, threads
):
    monkeypatch.setattr(executors, "usable_cores", lambda: 6)
    found = executors.resolve(ExecutorConfig(**given), num_branches)
    assert (found.workers, found.threads) == (workers, threads)


@pytest.mark.parametrize(
    ("name", "kind"), [("processes", ProcessExecutor), ("inline", InlineExecutor)]
)
def test_one_worker_is_watched_unless_it_is_to_be_inline(name, kind):
    config = ExecutorConfig(name=name, workers=1, threads=1)
    assert isinstance(make_executor(config, lambda *_: None), kind)


def test_inline_uses_its_threads_and_gives_them_back(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(executors, "run_job", lambda *_: seen.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    InlineExecutor(before + 1, lambda *_: None).run(["a job"])
    assert (seen, torch.get_num_threads()) == ([before + 1], before)


@pytest.fixture(scope="module")
def steps():
    return []


@pytest.fixture(scope="module")
def pool(steps):
    """One worker for all tests: each costs seconds to start."""
    pool = ProcessExecutor(1, 1, lambda branch, num: steps.append((branch, num)))
    yield pool
    pool.close()


def test_a_worker_gives_the_same_result_and_tells_of_its_steps(tmp_path, pool, steps):
    here, there = make_job(tmp_path / "here"), make_job(tmp_path / "there")
    told = []
    InlineExecutor(1, lambda branch, num: told.append((branch, num))).run([here])
    pool.run([there])
    assert what_counts(here) == what_counts(there)
    assert sum(num for _, num in told) == read_result(here).tally.train_env_steps >= 128
    assert steps == told


@pytest.mark.parametrize("where", ["inline", "pool"])
def test_what_a_job_raises_reaches_the_campaign(tmp_path, pool, where):
    executor = InlineExecutor(1, lambda *_: None) if where == "inline" else pool
    job = make_job(tmp_path)
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        executor.run([replace(job, start=str(tmp_path / "elsewhere.pt"))])
    executor.run([job])
    assert read_result(job) is not None, "and it still works"


def test_a_leg_that_failed_is_no_start_for_another(tmp_path):
    first = make_job(tmp_path / "first")
    stage_failure(first, "lost its way")
    second = replace(make_job(tmp_path / "second"), start=first.out)
    with pytest.raises(ValueError, match=r"must start from a trained state.*lost its way"):
        run_job(second)
    assert read_result(second) is None


def test_a_job_whose_worker_is_killed_is_done_again(tmp_path, pool):
    options = {"marker": str(tmp_path / "killed")}
    deadly = make_job(tmp_path / "deadly", generator={"name": f"{HERE}:Deadly", "options": options})
    done = make_job(tmp_path / "done")
    pool.run([done, deadly])
    assert (tmp_path / "killed").exists()
    assert read_result(deadly).tally.train_env_steps >= 128
    assert read_result(done) is not None


def test_a_worker_that_is_killed_between_jobs_is_replaced(tmp_path, pool):
    job = make_job(tmp_path)
    pool.run([job])
    (worker,) = pool._idle
    os.kill(worker.pid, signal.SIGKILL)
    worker._process.join()
    Path(job.out).unlink()
    pool.run([job])
    assert read_result(job) is not None
    assert worker not in pool._idle


def test_a_job_that_takes_worker_after_worker_fails_with_what_to_do(tmp_path, pool, monkeypatch):
    monkeypatch.setattr(executors, "_MAX_LOST", 1)
    job = make_job(tmp_path, generator={"name": f"{HERE}:AlwaysDeadly"})
    pool.run([job])
    result = read_result(job)
    assert re.search(r"1 workers in a row.*SIGKILL.*executor\.workers", result.failed)
    assert result.state is None


def foreign_job(folder, fault, **changes):
    """A job whose generator is batched, with one task in four at fault."""
    changes = {"executor": {"call_timeout_s": 1.5}, **changes}
    options = {"fault": fault, "one_in": 4}
    config = tiny_config(
        generator={"name": "tests.curricula.campaigns.foreign:Foreign", "options": options},
        **changes,
    ).model_copy(update={"start": {"x": [0.0, 1.0]}, "target": None})
    generator = Foreign(**options)
    save_state(folder / "start.pt", snapshot(*restore(config, generator, None)))
    whole = TaskDistribution.whole(generator.space).to_json()
    return Job(
        branch=fault or "sound",
        config=config.model_dump(mode="json"),
        start=str(folder / "start.pt"),
        start_digest="start",
        distribution=whole,
        env_steps=96,
        seed=0,
        exams=(Exam("selection", whole, "validation", 6, 0, 0),),
        quarantine=(),
        out=str(folder / f"{fault}.pt"),
    )


@pytest.mark.parametrize("fault", ["", "raises"])
def test_watched_play_gives_the_same_result(tmp_path, fault):
    job = foreign_job(tmp_path, fault)
    run_job(job)
    expected = read_result(job)
    Path(job.out).unlink()
    run_job(job, watched=True)
    found = read_result(job)
    assert bool(fault) == bool(expected.tally.failures)
    for result in (expected, found):
        result.tally.failures.update(dict.fromkeys(result.tally.failures, "whatever"))
        result.tally.train_s = result.tally.evaluate_s = 0.0
    assert found.failed is expected.failed is None
    assert digest_of([found.state, vars(found.tally)]) == digest_of(
        [expected.state, vars(expected.tally)]
    )


@pytest.mark.parametrize("fault", ["raises", "hangs"])
def test_inline_a_batched_task_at_fault_costs_itself(tmp_path, fault):
    job = foreign_job(tmp_path, fault)
    InlineExecutor(1, lambda *_: None).run([job])
    result = read_result(job)
    assert result.failed is None
    assert 1 <= len(result.tally.failures) < 24
    assert result.exams["selection"].complete.any()
    assert result.tally.train_env_steps >= 96


@pytest.mark.parametrize("fault", ["spins", pytest.param("exits", marks=pytest.mark.slow)])
def test_a_task_that_blocks_or_kills_its_worker_costs_itself(tmp_path, pool, fault):
    job, sound = foreign_job(tmp_path, fault), foreign_job(tmp_path, "")
    pool.run([job, sound])
    result = read_result(job)
    assert result.failed is None
    reason = {"spins": "could not be interrupted", "exits": "exit code 3"}[fault]
    assert result.tally.failures
    assert all(reason in why for why in result.tally.failures.values())
    assert read_result(sound).tally.failures == {}


def test_a_staged_result_is_used_again(tmp_path):
    job = make_job(tmp_path)
    run_job(job)
    before = Path(job.out).stat().st_mtime_ns
    run_job(replace(job, branch="another name", start="not even there"))
    assert Path(job.out).stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["truncated", "garbage", "another job's"])
def test_a_staged_result_that_is_damaged_is_made_again(tmp_path, damage):
    job = make_job(tmp_path)
    run_job(job)
    wanted = what_counts(job)
    path = Path(job.out)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "garbage":
        path.write_bytes(b"PK\x03\x04 not a checkpoint")
    else:
        run_job(replace(job, seed=job.seed + 1))
        assert read_result(job) is None
    run_job(job)
    assert what_counts(job) == wanted
