"""What must be the same of two campaigns, whatever happened on the way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from curricula.campaigns.store.checkpoint import CampaignStore

_TIMES = ("seconds", "checkpoint", "usage", "sha256")


def without_times(value: Any) -> Any:
    """Returns a record without what a clock decided."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in _TIMES}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def digest_of(state: Any) -> str:
    """Returns a hash of every bit of a nested state of tensors and plain values."""
    digest = hashlib.sha256()

    def feed(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            digest.update(value.contiguous().numpy().tobytes())
        elif isinstance(value, dict):
            for key in sorted(value, key=str):
                digest.update(str(key).encode())
                feed(value[key])
        elif isinstance(value, list | tuple):
            for item in value:
                feed(item)
        else:
            digest.update(repr(value).encode())

    feed(state)
    return digest.hexdigest()


def trials_of(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Returns parameters, values and states of every trial of every study."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal = folder / "optuna.journal"
    if not journal.exists():
        return {}
    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    storage = optuna.storages.JournalStorage(backend)
    return {
        name: [
            (t.params, t.values, t.state.name)
            for t in optuna.load_study(study_name=name, storage=storage).trials
        ]
        for name in sorted(optuna.get_all_study_names(storage))
    }


def trace(folder: Path) -> dict[str, Any]:
    """Returns everything that must be equal of two runs of one campaign."""
    store = CampaignStore(folder)
    records = list(store.records())
    return {
        "states": {r["generation"]: digest_of(store.state(r)) for r in records[-2:]},
        "records": [without_times(r) for r in records],
        "trials": trials_of(folder),
        "seen": store.seen().tolist(),
        "lineage": [
            (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted((folder / "lineage").glob("*"))
        ],
        "sealed": json.loads((folder / "sealed_test.json").read_text()),
    }
