"""Files are whole or not there, and what is read from them executes nothing."""

import numpy as np
import pytest
import torch

from curricula.campaigns.store.files import load_state, save_state, write_atomically


def test_checkpoints_execute_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(Exception, match=r"(?i)weights.only|unsupported"):
        load_state(tmp_path / "evil.pt")


def test_states_may_hold_arrays(tmp_path):
    kinds = ("bool", "uint8", "int64", "float32", "float64")
    arrays = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in kinds}
    save_state(tmp_path / "state.pt", arrays)
    loaded = load_state(tmp_path / "state.pt")
    for kind, array in arrays.items():
        assert loaded[kind].dtype == array.dtype
        np.testing.assert_array_equal(loaded[kind], array)


def test_atomic_write_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("curricula.campaigns.store.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
