"""The contents of tasks as arrays: drawn from parameters and seeds, checked, made canonical.

A content has `graph`, `potion_map`, `stone_map` and `rotation`, indices into the tables of
`chemistry`, and `num_stones`, `num_potions`, `horizon` and `bonus`; all are whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch, content_texts
from taskgen.generators.alchemy.chemistry import (
    COLOURS,
    GRAPHS,
    NUM_AXES,
    NUM_POTION_MAPS,
    NUM_STONE_MAPS,
    ROTATIONS,
)
from taskgen.parameter_space import Columns
from taskgen.randomness import uniforms
from taskgen.task import Task

Contents: TypeAlias = Mapping[str, NDArray[np.int64]]
"""By key of the content, an array [B]."""

MAX_CONSTRAINTS = np.array([0, 0, 1, 3])
"""The most constraints that a graph can have without falling apart, by its number of axes."""
RANGES = {
    "graph": (0, len(GRAPHS) - 1),
    "potion_map": (0, NUM_POTION_MAPS - 1),
    "stone_map": (0, NUM_STONE_MAPS - 1),
    "rotation": (0, len(ROTATIONS) - 1),
    "num_stones": (1, 3),
    "num_potions": (1, 12),
    "horizon": (1, 10_000),
    "bonus": (0, 1_000),
}
"""What a content must hold, and within which bounds."""
_COPIED = ("num_stones", "num_potions", "horizon", "bonus")


def draw(params: Columns, seeds: NDArray[np.int64]) -> Contents:
    """Returns the contents of B rows and B seeds.

    Graphs are uniform among those with so many axes and constraints (fewer, where so many axes
    cannot have as many), maps and rotations among the first of their tables.
    """
    luck = uniforms(np.asarray(seeds).astype(np.uint64), 4)
    contents = {
        "graph": _graphs(params, luck[:, 0]),
        "potion_map": _first_of(params["num_potion_maps"], luck[:, 1]),
        "stone_map": _first_of(params["num_stone_maps"], luck[:, 2]),
        "rotation": _first_of(params["num_rotations"], luck[:, 3]),
    }
    return contents | {key: np.asarray(params[key], dtype=np.int64) for key in _COPIED}


def possible_constraints(params: Columns) -> NDArray[np.int64]:
    """Returns how many constraints the graphs of B rows have, [B]."""
    most: NDArray[np.int64] = MAX_CONSTRAINTS[np.asarray(params["num_axes"], dtype=np.int64)]
    return np.minimum(np.asarray(params["num_constraints"], dtype=np.int64), most)


def why_invalid(content: Any) -> str:
    """Returns "" for a content that can be played, else the reason why not."""
    for key, (low, high) in RANGES.items():
        value = content.get(key) if isinstance(content, Mapping) else None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            return f"{key} must be a whole number in [{low}, {high}], got {value!r}"
    return ""


def forms(contents: Contents) -> list[bytes]:
    """Returns what is the same of chemistries that play the same, [B].

    The graph, the colours of the types of potions that there are, and how stones look; whatever
    the number of stones and potions, the horizon and the bonus.
    """
    types = np.repeat(GRAPHS.active[contents["graph"]], 2, axis=1)
    colours = np.where(types, COLOURS[contents["potion_map"]], -1)
    same = {key: contents[key] for key in ("graph", "stone_map", "rotation")}
    return content_texts({**same, "colours": colours})


class AlchemyBatch(ArrayBatch):
    """B tasks of the family as arrays."""

    @property
    def canonicals(self) -> list[bytes]:
        """What makes two tasks the same for splits and duplicates, [B]."""
        return forms(self.contents)

    @property
    def validity(self) -> NDArray[np.bool_]:
        """Which tasks are valid, [B]: those whose numbers lie in their ranges."""
        valid = np.ones(len(self), dtype=bool)
        for key, (low, high) in RANGES.items():
            valid &= (self.contents[key] >= low) & (self.contents[key] <= high)
        return valid


def columns_of(tasks: Sequence[Task], key: str) -> NDArray[np.int64]:
    """Returns what stands under a key in the tasks' contents, [B]."""
    if isinstance(tasks, ArrayBatch):
        return tasks.contents[key]
    return np.array([task.content[key] for task in tasks], dtype=np.int64)


def _first_of(counts: NDArray[Any], luck: NDArray[np.float64]) -> NDArray[np.int64]:
    return (luck * counts).astype(np.int64)


def _graphs(params: Columns, luck: NDArray[np.float64]) -> NDArray[np.int64]:
    num_axes = np.asarray(params["num_axes"], dtype=np.int64)
    wanted = possible_constraints(params)
    graphs = np.zeros(len(luck), dtype=np.int64)
    for k in range(1, NUM_AXES + 1):
        for n in range(MAX_CONSTRAINTS[k] + 1):
            rows = (num_axes == k) & (wanted == n)
            choices = np.flatnonzero((GRAPHS.num_axes == k) & (GRAPHS.num_constraints == n))
            graphs[rows] = choices[_first_of(np.array(len(choices)), luck[rows])]
    return graphs
