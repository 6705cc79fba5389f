"""The runs of a comparison, several at once, each a process that can be killed at any instant.

A run is a campaign, then the common test. What has its result is not run again; a campaign that was
interrupted goes on from its last commit. Nothing here decides a number: runs are functions of their
arm and seed, whatever else runs beside them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.comparison.folder import Comparison, Run
from curricula.campaigns.comparison.judging import judge
from curricula.campaigns.store.files import write_atomically

_POLL_S = 0.5


class Watcher(Protocol):
    """Hears how the runs get on."""

    def started(self, run: Run) -> None:
        """A run has begun, or goes on."""

    def reached(self, run: Run, env_steps: int) -> None:
        """A run's newest commit has used so many env steps."""

    def ended(self, run: Run, failure: str) -> None:
        """A run has its result, or failed for a reason; ""  for none."""


def carry_out(
    comparison: Comparison, runs: Sequence[Run], num_processes: int, watcher: Watcher
) -> dict[Run, str]:
    """Has runs carried out, so many at once, and returns why some failed.

    However it is left, by an interrupt too, no process of its own stays behind.

    Args:
        comparison: that they belong to.
        runs: without results, in order.
        num_processes: how many at once, one core each.
        watcher: hears of them.
    """
    context = multiprocessing.get_context("spawn")
    waiting, failures = list(runs), dict[Run, str]()
    running: dict[Run, BaseProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < num_processes:
                run = waiting.pop(0)
                running[run] = context.Process(
                    target=carry_out_one, args=(comparison.folder, run, os.getpid())
                )
                running[run].start()
                watcher.started(run)
            time.sleep(_POLL_S)
            for run, process in list(running.items()):
                watcher.reached(run, comparison.used_env_steps(run))
                if process.is_alive():
                    continue
                process.join()
                del running[run]
                reason = _why_failed(comparison, run, process)
                failures |= {run: reason} if reason else {}
                watcher.ended(run, reason)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()
    return failures


def carry_out_one(folder: Path, run: Run, parent: int | None = None) -> None:
    """Carries out one run and writes its result; if it fails, the reason.

    Args:
        folder: of the comparison.
        run: which.
        parent: the process that this one must not outlive; None: there is none.
    """
    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    comparison = Comparison(folder)
    comparison.failure_file(run).unlink(missing_ok=True)
    try:
        result = judge(comparison, run, _trained(comparison, run))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        text = f"{reason}\n\n{traceback.format_exc()}"
        write_atomically(comparison.failure_file(run), text.encode())
        return
    write_atomically(comparison.result_file(run), json.dumps(result, indent=1).encode())


def _trained(comparison: Comparison, run: Run) -> dict[str, object]:
    """Runs the campaign of a run to its end, or on to it, and returns its last commit."""
    config = comparison.config(run)
    folder = comparison.folder / "campaigns" / config.name
    if (folder / "config.yaml").is_file():
        campaign = Campaign.resume(folder)
    else:
        campaign = Campaign.create(config, comparison.folder)
    record: dict[str, object] = campaign.run()["record"]
    return record


def _why_failed(comparison: Comparison, run: Run, process: BaseProcess) -> str:
    """Returns the first line of why a run has no result, "" if it has one."""
    if comparison.result_file(run).is_file():
        return ""
    file = comparison.failure_file(run)
    if file.is_file():
        return file.read_text("utf-8").partition("\n")[0]
    return f"its process ended with exit code {process.exitcode}, and left no reason"


def _end_with(parent: int) -> None:
    """Ends this process once its parent is gone, so that nothing runs that nobody waits for."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
