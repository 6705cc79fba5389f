"""Bytes that flip on disk are noticed: a clear word, or the commit before, never a wrong number."""

import shutil
import warnings

import numpy as np
import pytest
import torch

from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from tests.curricula.campaigns.tiny import tiny_config

NUM_COMMITS = 3


@pytest.fixture
def store(tmp_path):
    store = CampaignStore(tmp_path / "campaigns" / "tiny")
    store.create(tiny_config(), {"facts": {"cores": "two"}})
    for generation in range(NUM_COMMITS):
        record = {"generation": generation, "gain": 0.125 * generation, "best": {"generation": 0}}
        store.commit(record, {"w": torch.full((64,), float(generation))})
        store.save_seen(generation, range(generation, 100))
    store.save_quarantined({"ab12": '{"seed": 3, "content": {"walls": [1, 2]}}'})
    store.add_test_result({"generation": 2, "success": 0.75})
    return store


def reading(store):
    """How all that is on disk beside the commits is read, by the name of its file or folder."""
    return {
        "config.yaml": store.config,
        "machine.json": store.machine,
        "seen": lambda: store.seen().tolist(),
        "quarantine": lambda: list(store.quarantined()),
        "sealed_test.json": store.test_results,
    }


def refusal(read):
    """The reason why something cannot be read, if it cannot."""
    try:
        read()
    except CampaignError as error:
        return [str(error)]
    return []


def damaged(data, rng):
    """The bytes of a file after one to four of them flipped, or without its end."""
    if rng.random() < 0.2:
        return data[: int(rng.integers(len(data)))]
    changed = bytearray(data)
    for place in rng.choice(len(data), size=int(rng.integers(1, 5)), replace=False):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def test_a_thousand_damages_are_noticed_or_do_no_harm(store):
    rng = np.random.default_rng(0)
    whole, records = store.last(), list(store.records())
    files = [path for path in sorted(store.folder.rglob("*")) if path.stat().st_size]
    files = [path for path in files if path.is_file()]
    fell_back, reasons = 0, []
    for _ in range(1000):
        file = files[int(rng.integers(len(files)))]
        was = file.read_bytes()
        file.write_bytes(damaged(was, rng))
        read = reading(store).get(file.relative_to(store.folder).parts[0])
        if read is not None:
            reasons += refusal(read)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            last = store.last()
        assert last in records
        fell_back += last != whole
        generation = float(last["generation"])
        assert torch.equal(store.state(last)["w"], torch.full((64,), generation))
        file.write_bytes(was)
    assert fell_back > 100
    assert len(reasons) > 100
    assert all("is damaged" in reason for reason in reasons)
    assert store.last() == whole


def test_what_is_whole_reads_the_same(store, tmp_path):
    copy = CampaignStore(tmp_path / "elsewhere")
    shutil.copytree(store.folder, copy.folder)
    for name, read in reading(store).items():
        assert reading(copy)[name]() == read()
