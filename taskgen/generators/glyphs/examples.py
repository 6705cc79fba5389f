"""Support and query sets: which class each example has, and its picture.

Every example has a key of its own, made of its task's key and its place in the set, so that a
task's sets do not depend on the batch that they are made in. Axes: B tasks, N ways, S support and
Q query points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.glyphs.batch import classes_of
from taskgen.generators.glyphs.catalogue import catalogue
from taskgen.generators.glyphs.choosing import writers_of
from taskgen.generators.glyphs.rendering import SIDE
from taskgen.generators.glyphs.store import glyph_fields
from taskgen.generators.glyphs.writing import draw, hands_of
from taskgen.problems import Problems
from taskgen.randomness import fold, uniforms

_SUPPORT, _QUERY = 0, 1


def problems_of(
    contents: Mapping[str, NDArray[Any]], keys: NDArray[np.uint64], num_query_per_class: int
) -> Problems:
    """Returns the sets of B tasks, each decided by its key.

    Args:
        contents: of the tasks, by key.
        keys: [B].
        num_query_per_class: query points of each class.
    """
    num_ways = contents["turns"].shape[1]
    query = np.full(len(keys), num_query_per_class)
    support_x, support_y, mask = _set(contents, fold(keys, _SUPPORT), contents["shots"] * num_ways)
    query_x, query_y, _ = _set(contents, fold(keys, _QUERY), query * num_ways)
    return Problems(support_x, support_y, query_x, query_y, mask)


def _set(
    contents: Mapping[str, NDArray[Any]], keys: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Returns pictures [B, P, SIDE, SIDE], labels [B, P] and which points count [B, P]."""
    turns = contents["turns"]
    mask = np.arange(counts.max()) < counts[:, None]
    labels = labels_of(fold(keys, 0), mask, turns.shape[1])
    tasks, points = np.nonzero(mask)
    label = labels[mask]
    hands = hands_of(
        catalogue(),
        classes_of(contents)[tasks, label],
        turns[tasks, label],
        writers_of(contents)[tasks],
        fold(fold(keys, 1)[tasks], points),
    )
    pictures = draw(hands, glyph_fields())
    if mask.all():
        return pictures.reshape(*mask.shape, SIDE, SIDE), labels, mask
    padded = np.zeros((*mask.shape, SIDE, SIDE), dtype=np.float32)
    padded[mask] = pictures
    return padded, labels, mask


def labels_of(
    keys: NDArray[np.uint64], mask: NDArray[np.bool_], num_ways: int
) -> NDArray[np.int64]:
    """Returns labels in a random order, every class equally often among what counts, [B, P].

    Args:
        keys: [B].
        mask: which points count, the first ones, a multiple of N in each row, [B, P].
        num_ways: N.
    """
    luck = np.where(mask, uniforms(keys, mask.shape[1]), 1.0)
    order = np.argsort(luck, axis=1, kind="stable")
    return np.where(mask, order % num_ways, 0)
