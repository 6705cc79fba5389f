"""Files that are there whole or not at all, and what they may hold of a learner's state."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file so that it is there whole or not at all, also after a power cut.

    Raises:
        OSError: if it cannot be written, the disk being full perhaps; names the file.
    """
    beside = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)  # half a file takes room as well
        raise OSError(error.errno, error.strerror, str(path)) from error
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save_state(path: Path, state: Any) -> str:
    """Writes tensors and plain values atomically; returns the file's SHA-256."""
    import torch  # takes seconds, and those who only read records do not need it

    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def load_state(path: Path) -> Any:
    """Returns what `save_state` wrote, tensors, arrays and plain values; executes no code."""
    import torch

    with torch.serialization.safe_globals(_ARRAYS):
        return torch.load(path, map_location="cpu", weights_only=True)


_ARRAYS: list[Any] = [
    np.core.multiarray._reconstruct,  # type: ignore[attr-defined]
    np.ndarray,
    np.dtype,
    *(type(np.dtype(name)) for name in ("bool", "uint8", "int32", "int64", "float32", "float64")),
]
"""What arrays of numbers are made of, in a file."""
