"""Processor time and memory are those of the campaign's processes, from one commit to the next."""

import subprocess
import sys
import time

from curricula.campaigns.usage import Usage


def work(seconds):
    """Keeps this process busy for so many seconds of its own."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_processor_time_is_counted_from_call_to_call():
    usage = Usage()
    work(0.3)
    assert 0.25 <= usage.since_last()["cpu_s"] < 5
    assert usage.since_last()["cpu_s"] < 0.25


def test_memory_and_time_of_processes_below_count():
    code = "import time; x = b'x' * 200_000_000; print(len(x), flush=True); input()"
    usage = Usage()
    before = usage.since_last()
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        child.stdout.readline()
        during = usage.since_last()
    finally:
        child.communicate(b"\n")
    assert during["num_processes"] == before["num_processes"] + 1
    assert during["peak_memory_bytes"] - before["peak_memory_bytes"] > 200e6
    assert during["cpu_s"] > 0
    assert usage.since_last()["num_processes"] == before["num_processes"]
