"""Processor time and memory are those of the campaign's processes, from one commit to the next."""

import subprocess
import sys
import time

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.sight.tracking import NullTracker
from curricula.campaigns.store.usage import Stopwatch, Usage
from tests.curricula.campaigns.tiny import tiny_config


def work(seconds):
    """Keeps this process busy for so many seconds of its own."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_laps_leave_nothing_out():
    readings = iter([10.0, 12.5, 13.0])
    watch = Stopwatch(clock=lambda: next(readings))
    assert [watch.lap(), watch.lap()] == [2.5, 0.5]
    assert Stopwatch(started=3.0, clock=lambda: 10.0).lap() == 7.0


def test_a_campaign_books_start_up_and_tracking_too(tmp_path):
    class Slow(NullTracker):
        def begin(self, folder, config):
            time.sleep(0.3)

        def record(self, record):
            time.sleep(0.3)

    config = tiny_config(
        search="fixed", movable=["size"], generation={"branch_env_steps": 64}, budget={"hours": 1.0}
    )
    campaign = Campaign.create(config, tmp_path, tracker=Slow())
    result = campaign.run(started=time.perf_counter() - 3599.6)  # an hour at the first commit
    assert result["record"]["generation"] == 0
    assert 3599.9 <= result["record"]["totals"]["seconds"] < 3700
    hours = (result["record"]["totals"]["seconds"] + 0.1) / 3600
    longer = {"budget": config.budget.model_copy(update={"hours": hours})}
    campaign = Campaign.resume(campaign.folder, tracker=Slow(), changes=longer)
    again = campaign.run()["record"]["seconds"]["generation"]
    assert again >= 0.6  # beginning, and the tracker that is handed the last commit once more


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
