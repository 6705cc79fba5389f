"""Which tasks may be trained on, which may decide, and which stay sealed.

The split of a task is a hash of its canonical form and a salt: it does not depend on when, where
or from what distribution the task was drawn, and twins (a maze and its mirror image) fall on one
side. A family whose tasks share what could be learned by heart says itself where they lie, see
`TaskGenerator.split_position`.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Mapping
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SHARES: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

EDGES = (SHARES["train"], SHARES["train"] + SHARES["validation"])
"""Where validation and test begin on the line from 0 to 1."""


def split_of(canonical: bytes, salt: str) -> Split:
    """Returns the split of a canonical form.

    Example:
        >>> split_of(b"a maze", salt="2026"), split_of(b"another", salt="2026")
        ('test', 'train')
    """
    return split_at(position_of(canonical, salt))


def split_at(position: float) -> Split:
    """Returns the split that a place on the line from 0 to 1 belongs to.

    Example:
        >>> split_at(0.79), split_at(0.8), split_at(0.95)
        ('train', 'validation', 'test')
    """
    return SPLITS[bisect.bisect_right(EDGES, position)]


def position_of(canonical: bytes, salt: str) -> float:
    """Returns where a form lies on the line from 0 to 1 that the splits share out."""
    digest = hashlib.sha256(salt.encode() + b"\0" + canonical).digest()
    return int.from_bytes(digest[:8], "little") / 2.0**64
