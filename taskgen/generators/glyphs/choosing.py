"""Which classes a task is made of: some of one script, all over it or close together.

The characters of a script stand in an order in which neighbours look alike. A task takes its
classes from a stretch of that order, and the shorter the stretch the harder they are to tell
apart. Axes: B tasks, N ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.glyphs.catalogue import Catalogue, texts_of
from taskgen.generators.glyphs.writing import WRITERS
from taskgen.parameter_space import Columns
from taskgen.randomness import uniforms


def contents_of(
    catalogue: Catalogue,
    scripts: NDArray[np.int64],
    params: Columns,
    seeds: NDArray[np.int64],
    num_ways: int,
) -> dict[str, NDArray[Any]]:
    """Returns the contents of B tasks by key.

    Args:
        catalogue: of the classes.
        scripts: to draw one from for each task, with the root of its size as its weight.
        params: columns of the family's space, [B].
        seeds: [B].
        num_ways: classes of a task, N; no script has fewer.
    """
    luck = uniforms(np.asarray(seeds).astype(np.uint64), 2 + 3 * num_ways)
    mine = scripts[_weighted(np.sqrt(catalogue.sizes[scripts]), luck[:, 0])]
    classes = _stretch(catalogue.sizes[mine], params["likeness"], luck, num_ways)
    classes += catalogue.starts[mine][:, None]
    stands = luck[:, 2 + num_ways : 2 + 2 * num_ways] >= params["turned_prob"][:, None]
    turns = 1 + np.floor(3.0 * luck[:, 2 + 2 * num_ways :]).astype(np.int64)
    writers = {name: np.asarray(params[name], dtype=np.float64) for name in WRITERS}
    return {
        "glyphs": texts_of(catalogue.codes[classes]),
        "turns": np.where(stands, 0, turns),
        "shots": np.asarray(params["shots"]),
        **writers,
    }


def writers_of(contents: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Returns what contents say about writers, [B, 7], in the order of `WRITERS`."""
    return np.stack([contents[name] for name in WRITERS], axis=1).astype(np.float64)


def distinct(luck: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns N different numbers below each count, in any order equally likely, [B, N].

    Args:
        luck: uniform numbers in [0, 1), [B, N].
        counts: at least N, [B].

    Example:
        >>> distinct(np.array([[0.0, 0.0, 0.0], [0.9, 0.9, 0.9]]), np.array([3, 10])).tolist()
        [[0, 1, 2], [9, 8, 7]]
    """
    N = luck.shape[1]
    picks = np.floor(luck * (counts[:, None] - np.arange(N))).astype(np.int64)
    for k in range(1, N):  # the k-th of what is left: step over those that are taken
        taken = np.sort(picks[:, :k], axis=1)
        for earlier in range(k):
            picks[:, k] += picks[:, k] >= taken[:, earlier]
    return picks


def _weighted(weights: NDArray[np.float64], luck: NDArray[np.float64]) -> NDArray[np.int64]:
    edges = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(edges, luck, side="right"), len(edges) - 1)


def _stretch(
    sizes: NDArray[np.int64],
    likeness: NDArray[np.float64],
    luck: NDArray[np.float64],
    num_ways: int,
) -> NDArray[np.int64]:
    """Returns the places of the classes in the order of their scripts, [B, N]."""
    wanted = np.floor((1.0 - likeness) * sizes + 0.5).astype(np.int64)
    lengths = np.maximum(wanted, num_ways)
    firsts = np.floor(luck[:, 1] * (sizes - lengths + 1)).astype(np.int64)
    return firsts[:, None] + distinct(luck[:, 2 : 2 + num_ways], lengths)
