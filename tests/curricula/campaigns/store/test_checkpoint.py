"""What is on disk is whole or not there, and damage is noticed."""

import json

import pytest
import torch

from curricula.campaigns.config.schema import CheckpointConfig
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore, campaign_folder
from curricula.campaigns.store.files import save_state
from tests.curricula.campaigns.tiny import tiny_config


@pytest.fixture
def store(tmp_path):
    store = CampaignStore(tmp_path / "campaigns" / "tiny")
    store.create(tiny_config(), {})
    return store


def record(generation):
    return {"generation": generation, "best": {"generation": 0}}


def test_config_survives_the_disk(store):
    assert store.config() == tiny_config()


def test_second_campaign_of_a_name_is_refused_with_what_to_do(store):
    with pytest.raises(CampaignError, match="taskgen resume tiny"):
        store.create(tiny_config(), {})


def test_commit_and_state_come_back(store):
    store.commit(record(0), {"learner": {"w": torch.arange(3.0)}})
    last = store.last()
    assert last["generation"] == 0
    assert torch.equal(store.state(last)["learner"]["w"], torch.arange(3.0))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_damaged_checkpoint_falls_back_to_the_commit_before_loudly(store, damage):
    for generation in range(3):
        store.commit(record(generation), {"x": torch.full((64,), float(generation))})
    path = store.folder / "checkpoints" / "000002.pt"
    data = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    else:
        path.unlink()
    with pytest.warns(UserWarning, match="falls back"):
        last = store.last(set_aside=True)
    assert last["generation"] == 1
    assert store.last()["generation"] == 1  # said once: the damaged files were set aside
    assert list((store.folder / "commits").glob("*.damaged"))


def test_damaged_record_falls_back(store):
    for generation in range(2):
        store.commit(record(generation), {"x": torch.zeros(2)})
    (store.folder / "commits" / "000001.json").write_text('{"generation": 1, "chec')
    with pytest.warns(UserWarning, match="damaged"):
        assert store.last()["generation"] == 0


def test_yaml_tags_execute_no_code(store):
    (store.folder / "config.yaml").write_text("name: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(CampaignError, match="only plain values"):
        store.config()


def test_tidy_keeps_last_every_kth_and_best(store):
    for generation in range(25):
        save_state(store.folder / "checkpoints" / f"{generation:06d}.pt", {})
    store.tidy(CheckpointConfig(keep_last=3, keep_every=10), best_generation=7)
    kept = sorted(int(p.stem) for p in (store.folder / "checkpoints").glob("*.pt"))
    assert kept == [0, 7, 10, 20, 22, 23, 24]


def test_two_processes_cannot_run_one_campaign(store):
    store.lock()
    other = CampaignStore(store.folder)
    with pytest.raises(CampaignError, match="another process"):
        other.lock()
    store.unlock()
    other.lock()
    other.unlock()


def test_seen_tasks_accumulate(store):
    store.save_seen(1, [3, 1, 3])
    store.save_seen(2, [2])
    assert store.seen().tolist() == [1, 2, 3]


def test_unknown_campaign_lists_the_known(store, tmp_path):
    assert campaign_folder("tiny", tmp_path) == store.folder
    with pytest.raises(CampaignError, match="there are tiny"):
        campaign_folder("tinny", tmp_path)


def test_commit_is_strict_json(store):
    with pytest.raises(ValueError, match="Out of range"):
        store.commit({**record(0), "x": float("nan")}, {})
    store.commit(record(0), {})
    assert json.loads((store.folder / "commits" / "000000.json").read_text())["generation"] == 0
