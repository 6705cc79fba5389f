"""A tracking server that is down, silent or wrong: nothing stops, all arrives later, once."""

import http.client
import itertools
import socket
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.commands.server import HOST, command
from curricula.campaigns.mlflow_tracking.patience import Patience
from curricula.campaigns.mlflow_tracking.stores import open_client
from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
from tests.curricula.campaigns.tiny import tiny_config

NAMES = itertools.count()
TIMEOUT_S = 3.0


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The port of a real server with a store of its own."""
    root, port = tmp_path_factory.mktemp("server"), free_port()
    with (root / "log").open("w") as log:
        process = subprocess.Popen(command(root, port), stdout=log, stderr=log)
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def wait_for(port, process):
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the server did not begin")


class Moody(BaseHTTPRequestHandler):
    """Hands requests on to a server, or does with them what its mood says."""

    protocol_version = "HTTP/1.1"

    def do_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.asked += 1
        mood = self.server.mood
        if mood == "silent":
            self.server.cheered.wait(30)
            self.close_connection = True
        elif mood == "errors":
            self.answer(500, {}, b'{"error_code": "INTERNAL_ERROR", "message": "no"}')
        elif mood == "wrong":
            self.answer(200, {"Content-Type": "text/html"}, b"<html>please log in</html>")
        else:
            self.hand_on(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815, as the base asks

    def hand_on(self, body):
        inner = http.client.HTTPConnection(HOST, self.server.target, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        inner.request(self.command, self.path, body, headers)
        response = inner.getresponse()
        content = response.read()
        kept = {k: v for k, v in response.getheaders() if k.lower() == "content-type"}
        inner.close()
        self.answer(response.status, kept, content)

    def answer(self, status, headers, content):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class Door(ThreadingHTTPServer):
    """What stands before the server."""

    daemon_threads = True

    def __init__(self, target):
        super().__init__((HOST, 0), Moody)
        self.target, self.mood, self.asked = target, "fine", 0
        self.cheered = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def uri(self):
        return f"http://{HOST}:{self.server_port}"

    def cheer_up(self):
        self.mood = "fine"
        self.cheered.set()


@pytest.fixture
def door(server, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(int(TIMEOUT_S)))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    door = Door(server)
    yield door
    door.cheer_up()
    door.shutdown()
    door.server_close()


def campaign_at(uri, root, patience=None):
    name = f"moody-{next(NAMES)}"
    generation = {"num_candidates": 0}
    config = tiny_config(name=name, tracking={"uri": uri}, generation=generation)
    tracker = MlflowTracker(config.tracking, root, lambda text: None, patience)
    return Campaign.create(config, root, tracker=tracker), tracker


def assert_all_is_there_once(uri, root, name, num_generations):
    client = open_client(uri, root)
    experiment = client.get_experiment_by_name("taskgen").experiment_id
    where = f"attributes.run_name = '{name}'"
    (run,) = client.search_runs([experiment], where)
    assert run.info.status == "FINISHED"
    history = client.get_metric_history(run.info.run_id, "campaign/generation")
    assert sorted(point.value for point in history) == list(range(num_generations + 1))
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert Counter(child.info.run_name for child in children) == {
        f"generation {generation}": 1 for generation in range(num_generations + 1)
    }
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"campaign.png", "config.yaml", "test.json"} <= files


@pytest.mark.parametrize("mood", ["silent", "wrong"])
def test_a_server_in_a_bad_mood_stops_nothing_and_gets_all_later(door, tmp_path, mood):
    campaign, tracker = campaign_at(door.uri, tmp_path)
    door.mood = mood
    assert campaign.run()["status"] == "finished"
    assert len(tracker.problems) == 1, "it is said once"
    assert door.uri in tracker.problems[0]
    num_attempts = {"silent": 2, "wrong": 5}[mood]
    assert 2 <= door.asked <= num_attempts, "silence is waited for at the beginning and the end"
    door.cheer_up()
    again = Campaign.resume(campaign.folder, tracker=tracker)
    assert again.run()["status"] == "finished"
    assert len(tracker.problems) == 1
    assert_all_is_there_once(door.uri, tmp_path, campaign.config.name, 2)


def test_a_server_that_is_down_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    campaign, tracker = campaign_at(f"http://{HOST}:{free_port()}", tmp_path)
    assert campaign.run()["status"] == "finished"
    assert len(tracker.problems) == 1


def test_a_server_that_goes_away_for_a_while_misses_nothing(door, tmp_path):
    # For a clock that stands still no attempt takes long, so none is followed by a pause.
    campaign, tracker = campaign_at(door.uri, tmp_path, Patience(lambda: 0.0))
    record = tracker.record

    def moody_record(commit):
        door.mood = "errors" if commit["generation"] == 1 else "fine"
        record(commit)

    tracker.record = moody_record
    assert campaign.run()["status"] == "finished"
    assert len(tracker.problems) == 1
    assert_all_is_there_once(door.uri, tmp_path, campaign.config.name, 2)
