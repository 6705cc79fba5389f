"""Where jobs run: in this process, or in watched worker processes.

Both give the same results bit for bit, because a job is a pure function and both use the same
number of threads. A worker that dies or hangs takes nothing with it: its job is done again by
another. This process cannot be watched: a task that kills or blocks its process is survived in
worker processes alone.
"""

from __future__ import annotations

import logging
import pickle
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pickle import UnpicklingError
from typing import Any, Protocol

import numba
import torch

from curricula.campaigns.config.schema import ExecutorConfig
from curricula.campaigns.generation.branch import Job, run_job, stage_failure
from curricula.campaigns.sight.tracking import Progress
from curricula.campaigns.store.machine import usable_cores, wait_patiently
from taskgen.watched import ProcessLost, WatchedProcess

_MAX_LOST = 3
_TICK_S = 0.2
_log = logging.getLogger(__name__)


class Executor(Protocol):
    """Runs jobs to their end; results are staged where the jobs say."""

    def run(self, jobs: Sequence[Job]) -> None:
        """Returns when every job is done; raises what a job raised."""

    def close(self) -> None:
        """Ends the workers."""


def resolve(config: ExecutorConfig, num_branches: int) -> ExecutorConfig:
    """Returns the settings with workers and threads decided for this machine and campaign."""
    cores = usable_cores()
    workers = config.workers or max(1, min(cores, num_branches))
    if config.name == "inline":
        workers = 1
    threads = config.threads or max(1, cores // workers)
    return config.model_copy(update={"workers": workers, "threads": threads})


def make_executor(config: ExecutorConfig, progress: Progress) -> Executor:
    """Returns the executor of resolved settings."""
    assert config.workers is not None
    assert config.threads is not None
    if config.name == "inline":
        return InlineExecutor(config.threads, progress)
    return ProcessExecutor(config.workers, config.threads, progress)


class InlineExecutor:
    """One job after the other, in this process."""

    def __init__(self, threads: int, progress: Progress) -> None:
        self._threads = threads
        self._progress = progress

    def run(self, jobs: Sequence[Job]) -> None:
        """Runs the jobs in their order."""
        with using_threads(self._threads):
            for job in jobs:
                run_job(job, self._progress)

    def close(self) -> None:
        """There is nothing to end."""


class ProcessExecutor:
    """Several jobs at once, in worker processes that live as long as the campaign.

    Workers are watched: one that dies, or hangs in a call that nothing else can interrupt, is
    replaced, and its job done again with the environments in a process apart, where the fault
    costs its task. A job that takes worker after worker with it fails: it costs its branch.
    """

    def __init__(self, workers: int, threads: int, progress: Progress) -> None:
        self._num_workers = workers
        self._threads = threads
        self._progress = progress
        self._idle: list[WatchedProcess] = []
        self._busy: dict[WatchedProcess, _Attempt] = {}

    def run(self, jobs: Sequence[Job]) -> None:
        """Runs the jobs, as many at once as there are workers."""
        waiting = deque(_Attempt(job) for job in jobs)
        try:
            while waiting or self._busy:
                while waiting and len(self._busy) < self._num_workers:
                    self._hand_out(waiting)
                wait([worker.connection for worker in self._busy], timeout=_TICK_S)
                for worker in list(self._busy):
                    self._attend(worker, waiting)
        finally:  # where something was raised, what is still running is of no use
            for worker in self._busy:
                worker.end()
            self._busy.clear()

    def close(self) -> None:
        """Ends the workers at once; what they had not staged is lost, nothing else."""
        for worker in self._idle:
            worker.end()
        self._idle.clear()

    def _hand_out(self, waiting: deque[_Attempt]) -> None:
        """Gives the next job to an idle worker, or to a new one."""
        worker = self._idle.pop() if self._idle else self._make_worker()
        attempt = waiting.popleft()
        self._busy[worker] = attempt
        try:
            worker.connection.send((attempt.job, attempt.num_lost > 0))
        except OSError:  # it died while it was idle: no fault of this job
            del self._busy[worker]
            worker.end()
            waiting.appendleft(attempt)

    def _attend(self, worker: WatchedProcess, waiting: deque[_Attempt]) -> None:
        """Hears what a worker has to say, and looks whether it is still there."""
        while worker in self._busy:
            try:
                if not worker.connection.poll():
                    worker.check()
                    return
                kind, content = worker.connection.recv()
            except (EOFError, OSError, UnpicklingError):
                self._give_up(worker, worker.end(), waiting)
            except ProcessLost as error:
                self._give_up(worker, str(error), waiting)
            else:
                self._heed(worker, kind, content)

    def _heed(self, worker: WatchedProcess, kind: str, content: Any) -> None:
        if kind == "steps":
            self._progress(*content)
            return
        del self._busy[worker]
        self._idle.append(worker)
        if kind == "raised":
            raise content

    def _give_up(self, worker: WatchedProcess, reason: str, waiting: deque[_Attempt]) -> None:
        """Has the job of a lost worker done again, or fails it."""
        attempt = self._busy.pop(worker)
        attempt.num_lost += 1
        _log.warning("branch %s lost its worker: it %s", attempt.job.branch, reason)
        if attempt.num_lost < _MAX_LOST:
            waiting.appendleft(attempt)
        else:
            stage_failure(
                attempt.job,
                f"{_MAX_LOST} workers in a row were lost, the last one: {reason}. Where it was "
                f"killed for lack of memory, resume with fewer (executor.workers)",
            )

    def _make_worker(self) -> WatchedProcess:
        wait_patiently()  # a worker inherits it, and imports torch after that
        return WatchedProcess(_work, self._threads, may_have_children=True)


@dataclass
class _Attempt:
    """A job, and how many workers it has cost."""

    job: Job
    num_lost: int = 0


@contextmanager
def using_threads(threads: int) -> Iterator[None]:
    """Has torch and the engines use so many threads, then as many as before."""
    before = torch.get_num_threads(), numba.get_num_threads()
    _use_threads(threads, threads)
    try:
        yield
    finally:
        _use_threads(*before)


def _use_threads(learning: int, playing: int) -> None:
    """Sets how many threads torch and the engines use in this process."""
    torch.set_num_threads(learning)
    numba.set_num_threads(min(playing, numba.config.NUMBA_NUM_THREADS))


def _work(connection: Connection, threads: int) -> None:
    """Does jobs until the campaign hangs up."""
    _use_threads(threads, threads)

    def tell(branch: str, steps: int) -> None:
        connection.send(("steps", (branch, steps)))

    while True:
        try:
            job, watched = connection.recv()
        except EOFError:
            return
        try:
            run_job(job, tell, watched=watched)
        except Exception as error:
            connection.send(("raised", _portable(error)))
        else:
            connection.send(("done", None))


def _portable(error: Exception) -> Exception:
    """Returns the error as it can be sent, with the traceback that does not go along."""
    text = traceback.format_exc()
    try:
        error.add_note(f"in a worker process:\n{text}")
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(text)
    return error
