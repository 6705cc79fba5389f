"""Where jobs run: in this process, or in a pool of worker processes.

Both give the same results bit for bit, because a job is a pure function and both use the same
number of threads. A worker that dies takes nothing with it: its job is done again by another.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import Protocol

import numba
import torch

from curricula.campaigns.branch import Job, run_job
from curricula.campaigns.checkpoint import CampaignError
from curricula.campaigns.config import ExecutorConfig
from curricula.campaigns.tracking import Progress

_MAX_POOLS = 3


class Executor(Protocol):
    """Runs jobs to their end; results are staged where the jobs say."""

    def run(self, jobs: Sequence[Job]) -> None:
        """Returns when every job is done; raises what a job raised."""

    def close(self) -> None:
        """Ends the workers."""


def resolve(config: ExecutorConfig, num_branches: int) -> ExecutorConfig:
    """Returns the settings with workers and threads decided for this machine and campaign."""
    cores = os.cpu_count() or 1
    workers = config.workers or max(1, min(cores, num_branches))
    if config.name == "inline":
        workers = 1
    threads = config.threads or max(1, cores // workers)
    return config.model_copy(update={"workers": workers, "threads": threads})


def make_executor(config: ExecutorConfig, progress: Progress) -> Executor:
    """Returns the executor of resolved settings."""
    assert config.workers is not None
    assert config.threads is not None
    if config.name == "inline" or config.workers == 1:
        return InlineExecutor(config.threads, progress)
    return ProcessExecutor(config.workers, config.threads, progress)


class InlineExecutor:
    """One job after the other, in this process."""

    def __init__(self, threads: int, progress: Progress) -> None:
        self._threads = threads
        self._progress = progress

    def run(self, jobs: Sequence[Job]) -> None:
        """Runs the jobs in their order."""
        before = torch.get_num_threads(), numba.get_num_threads()
        _use_threads(self._threads, self._threads)
        try:
            for job in jobs:
                run_job(job, self._progress)
        finally:
            _use_threads(*before)

    def close(self) -> None:
        """There is nothing to end."""


class ProcessExecutor:
    """Several jobs at once, in worker processes that live as long as the campaign.

    Workers are spawned, never forked (torch and OpenMP do not survive a fork), and talk to nobody
    but this process.
    """

    def __init__(self, workers: int, threads: int, progress: Progress) -> None:
        self._workers = workers
        self._threads = threads
        self._context = multiprocessing.get_context("spawn")
        # No queue: its lock would stay taken when a worker is killed while it reports. So short a
        # message is written to a pipe whole or not at all, without a lock.
        self._reports, self._report = self._context.Pipe(duplex=False)
        self._pool = self._make_pool()
        self._listener = threading.Thread(target=self._listen, args=(progress,), daemon=True)
        self._listener.start()

    def run(self, jobs: Sequence[Job]) -> None:
        """Runs the jobs, as many at once as there are workers.

        Raises:
            CampaignError: if workers die again and again, for lack of memory as a rule.
        """
        for _ in range(_MAX_POOLS):
            try:
                self._gather([self._pool.submit(_work, job) for job in jobs])
            except BrokenProcessPool:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = self._make_pool()
            else:
                return
        raise CampaignError(
            f"worker processes died {_MAX_POOLS} times in a row, killed from outside or out of "
            f"memory; resume with fewer (executor.workers) or with executor.name=inline."
        )

    def close(self) -> None:
        """Ends the workers at once; what they had not staged is lost, nothing else."""
        for process in list((self._pool._processes or {}).values()):
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._report.send(None)

    def _gather(self, futures: Sequence[Future[None]]) -> None:
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
        for future in done:
            future.result()

    def _make_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=self._context,
            initializer=_begin_worker,
            initargs=(self._threads, self._report),
        )

    def _listen(self, progress: Progress) -> None:
        while (item := self._reports.recv()) is not None:
            progress(*item)


def _use_threads(learning: int, playing: int) -> None:
    """Sets how many threads torch and the engines use in this process."""
    torch.set_num_threads(learning)
    numba.set_num_threads(min(playing, numba.config.NUMBA_NUM_THREADS))


_report: Connection


def _begin_worker(threads: int, report: Connection) -> None:
    """Prepares a worker: its threads, its way to report, and no ear for Ctrl-C."""
    global _report
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _use_threads(threads, threads)
    _report = report
    _die_with_parent()


def _die_with_parent() -> None:
    """Ends this worker when the campaign's process is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(job: Job) -> None:
    run_job(job, lambda branch, steps: _report.send((branch, steps)))
