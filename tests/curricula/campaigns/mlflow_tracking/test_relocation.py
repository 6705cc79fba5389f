"""A folder of campaigns that was moved or copied opens as if it had always lain there."""

import json
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.mlflow_tracking.relocation import relocate
from curricula.campaigns.mlflow_tracking.stores import open_client, remembered_page, tracking_uri
from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker
from tests.curricula.campaigns.tiny import tiny_config

SHORT = {"generation": {"num_candidates": 0}, "budget": {"generations": 1}}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A root with a finished campaign, and a space and a percent sign in its name."""
    root = tmp_path_factory.mktemp("here") / "a 100% root"
    config = tiny_config(**SHORT)
    Campaign.create(config, root, tracker=MlflowTracker(config.tracking, root)).run()
    return root


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def addresses(root):
    with sqlite3.connect(root / "mlflow.db") as connection:
        return {
            table: [row[0] for row in connection.execute(f"select {column} from {table}")]
            for table, column in (
                ("experiments", "artifact_location"),
                ("runs", "artifact_uri"),
                ("logged_models", "artifact_location"),
            )
        }


def path_of(address):
    return Path(url2pathname(urlsplit(address).path))


def copied(original, tmp_path):
    root = tmp_path / "there"
    shutil.copytree(original, root)
    return root


def test_files_are_found_where_the_folder_lies_now(original, tmp_path):
    root = copied(original, tmp_path)
    before = addresses(original)
    assert relocate(root) == 1
    assert relocate(root) == 0, "once is enough"
    assert addresses(original) == before, "the original is left alone"
    after = addresses(root)
    found = [path_of(address).is_dir() for address in after["runs"]]
    assert found == [path_of(address).is_dir() for address in before["runs"]]
    assert any(found)
    for table, column in after.items():
        ours = [a for a in column if root in path_of(a).parents]
        theirs = [a for a in before[table] if original in path_of(a).parents]
        assert len(ours) == len(theirs) > 0, table
        assert not any(original in path_of(address).parents for address in column)
    with sqlite3.connect(root / "mlflow.db") as connection:
        tags = connection.execute(
            "select tag_value from logged_model_tags where tag_key = 'checkpoint'"
        ).fetchall()
    assert tags
    assert all(Path(tag).is_file() and root in Path(tag).parents for (tag,) in tags)


def test_the_client_follows_by_itself_and_the_page_is_remembered(original, tmp_path):
    root = copied(original, tmp_path)
    folder, uri = root / "campaigns" / "tiny", tracking_uri(None, root)
    page = remembered_page(folder, uri)
    assert page == remembered_page(original / "campaigns" / "tiny", tracking_uri(None, original))
    run = page.rpartition("/")[2]
    client = open_client(uri, root)
    file = client.download_artifacts(run, "versions.json", dst_path=str(tmp_path))
    assert "python" in json.loads(Path(file).read_text())


def test_a_moved_campaign_goes_on_in_the_same_run(original, tmp_path):
    root = tmp_path / "moved"
    shutil.copytree(original, tmp_path / "elsewhere")
    (tmp_path / "elsewhere").rename(root)
    config = tiny_config(**SHORT)
    longer = {"budget": tiny_config(budget={"generations": 2}).budget}
    tracker = MlflowTracker(config.tracking, root)
    Campaign.resume(root / "campaigns" / "tiny", changes=longer, tracker=tracker).run()
    assert tracker.problems == []
    with sqlite3.connect(root / "mlflow.db") as connection:
        campaigns = connection.execute(
            "select count(*) from tags where key = 'taskgen.kind' and value = 'campaign'"
        ).fetchone()
    assert campaigns == (1,)
    runs = addresses(root)["runs"]
    assert len(runs) > len(addresses(original)["runs"])
    assert all(root in path_of(address).parents for address in runs)


def test_files_that_somebody_keeps_elsewhere_stay_there(original, tmp_path):
    root = copied(original, tmp_path)
    place = "file:///data/artifacts"
    with sqlite3.connect(root / "mlflow.db") as connection:
        connection.execute("update experiments set artifact_location = ?", (place,))
    shutil.rmtree(root / "artifacts")
    assert relocate(root) == 0
    assert set(addresses(root)["experiments"]) == {place}


@pytest.mark.parametrize("content", [None, b""])
def test_a_folder_without_a_store_has_nothing_to_move(tmp_path, content):
    if content is not None:
        (tmp_path / "mlflow.db").write_bytes(content)
    assert relocate(tmp_path) == 0
