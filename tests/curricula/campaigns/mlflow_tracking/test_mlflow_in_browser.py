"""A campaign's pages in MLflow's UI, as `taskgen ui` serves them, in a real browser."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
from tests.curricula.campaigns.browser import needs_browser, opened
from tests.curricula.campaigns.mlflow_tracking.test_server import free_port
from tests.curricula.campaigns.tiny import tiny_config

START_S = 180
PAGE_MS = 20_000

pytestmark = needs_browser


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("shown")
    config = tiny_config(budget={"generations": 1})
    tracker = MlflowTracker(config.tracking, root)
    Campaign.create(config, root, tracker=tracker).run()
    assert tracker.problems == []
    return root


@pytest.fixture(scope="module")
def address(root):
    """The address that `taskgen ui` says is ready, up to the page."""
    ui = [sys.executable, "-m", "curricula.campaigns", "ui", "tiny", "--root", str(root)]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    env.pop("MLFLOW_TRACKING_URI", None)
    with subprocess.Popen(
        [*ui, "--port", str(free_port())], stdout=subprocess.PIPE, text=True, env=env
    ) as server:
        signal.signal(signal.SIGALRM, lambda *_: server.kill())
        signal.alarm(START_S)
        ready = next((line for line in server.stdout if line.startswith("ready: ")), "")
        signal.alarm(0)
        assert ready, f"the UI was not ready after {START_S} s"
        yield ready.removeprefix("ready: ").strip()
        server.send_signal(signal.SIGINT)


def test_the_page_of_a_campaign_says_what_it_is_and_nothing_on_the_console(address, tmp_path):
    page = opened(address, tmp_path, PAGE_MS)
    assert page.console == []
    assert "meta-trains rl2 on maze-v1" in page.elements
    assert "gallery of the tasks of all generations" in page.elements


@pytest.mark.parametrize("width", [1400, 800])
def test_the_page_of_a_generation_shows_its_tasks(address, root, tmp_path, width):
    memo = json.loads((root / "campaigns" / "tiny" / "mlflow.json").read_text())
    generation = memo["generations"]["1"]
    page = opened(address.replace(memo["run"], generation), tmp_path, PAGE_MS, (width, 900))
    assert page.console == []
    assert re.search(rf"get-artifact\?path=tasks\.png&amp;run_uuid={generation}", page.elements)
    assert "Training distribution" in page.elements


def test_the_gallery_opens_within_its_frame(address, root, tmp_path):
    memo = json.loads((root / "campaigns" / "tiny" / "mlflow.json").read_text())
    place = f"{address.partition('?')[0]}/artifacts/gallery.html"
    page = opened(place, tmp_path, PAGE_MS)
    assert memo["run"] in place
    assert page.console == []
    assert "<iframe" in page.elements
