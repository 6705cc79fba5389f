"""What an unroll will take in memory, known before it is run, and whether there is that much.

Backpropagation through K steps keeps what every step computed, so that a few steps more can stop a
run hours after it began. Here the computation is rehearsed on torch's meta device, where tensors
have shapes and no contents, while what autograd would keep is counted.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

_CGROUP = Path("/sys/fs/cgroup")


class NoRoom(MemoryError):
    """What is to be computed does not fit into memory; the message says what to change."""


def peak_kept_bytes(compute: Callable[[], Any]) -> int:
    """Returns the most bytes that autograd keeps at a time while something is computed.

    A storage that several operations need counts once. Gradients under way are not counted: they
    are about one step's worth.

    Args:
        compute: with tensors on the meta device, where it costs neither memory nor arithmetic.

    Example:
        >>> x = torch.zeros(1000, device="meta", requires_grad=True)
        >>> peak_kept_bytes(lambda: x.exp().exp().sum())
        8000
    """
    kept = _Kept()
    with torch.autograd.graph.saved_tensors_hooks(kept.pack, _Held.unpack):
        result = compute()
    del result
    return kept.peak


def at_steps(measured: Callable[[int], int], num_steps: int) -> int:
    """Returns what a number of steps takes, as a straight line through what fewer of them take.

    Args:
        measured: from a number of steps to bytes.
        num_steps: at least 0.
    """
    few, more = 3, 5
    if num_steps <= more:
        return measured(num_steps)
    low, high = measured(few), measured(more)
    return high + (num_steps - more) * (high - low) // (more - few)


def available_bytes() -> int:
    """Returns the memory that this process may still take: the machine's, or its container's."""
    free: int = psutil.virtual_memory().available
    limit, used = (_number_in(_CGROUP / name) for name in ("memory.max", "memory.current"))
    return free if limit is None or used is None else max(0, min(free, limit - used))


def require_room(needed: int, what: str, remedy: str, available: int | None = None) -> None:
    """Raises an error unless so many bytes are to be had.

    Args:
        needed: bytes.
        what: needs them, as the subject of a sentence.
        remedy: what to do about it, as an imperative.
        available: bytes; None: `available_bytes`.

    Raises:
        NoRoom: if they are not.
    """
    available = available_bytes() if available is None else available
    if needed > available:
        raise NoRoom(
            f"{what} must fit into memory: it takes about {_gigabytes(needed)} and "
            f"{_gigabytes(available)} are free; {remedy}."
        )


class _Held:
    """A tensor that autograd keeps."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def unpack(self) -> Tensor:
        return self.tensor


class _Kept:
    """Counts the storages that are kept at this moment, and the most bytes that ever were."""

    def __init__(self) -> None:
        self._holders: Counter[int] = Counter()
        self._bytes = 0
        self.peak = 0

    def pack(self, tensor: Tensor) -> _Held:
        # Detached, as an output that an operation keeps would otherwise keep the operation.
        held, storage = _Held(tensor.detach()), tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        self._bytes += 0 if self._holders[key] else size
        self._holders[key] += 1
        self.peak = max(self.peak, self._bytes)
        weakref.finalize(held, self._drop, key, size)
        return held

    def _drop(self, key: int, size: int) -> None:
        self._holders[key] -= 1
        self._bytes -= 0 if self._holders[key] else size


def _number_in(path: Path) -> int | None:
    """Returns the number in a file; None where there is no file or no number ("max")."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
