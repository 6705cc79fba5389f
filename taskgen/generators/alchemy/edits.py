"""Small edits of a chemistry: one constraint of its graph, or another of its maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.alchemy.chemistry import GRAPHS
from taskgen.task import Task

_MAPS = {
    "potion_map": "num_potion_maps",
    "stone_map": "num_stone_maps",
    "rotation": "num_rotations",
}
"""Parts of a content that are drawn from a table, and the parameter that says from how much."""


def edited(task: Task, rng: np.random.Generator) -> Task | None:
    """Returns the task with one part of its chemistry changed; None where nothing can be.

    A graph gains, loses or turns one constraint, and `num_constraints` is measured again; a map or
    a rotation becomes another one of those that the task's parameters draw from.
    """
    graphs = neighbours(task.content["graph"])
    parts = [key for key, name in _MAPS.items() if int(task.params[name]) > 1]
    parts += ["graph"] if len(graphs) else []
    if not parts:
        return None
    part = str(rng.choice(parts))
    params = dict(task.params)
    content: dict[str, Any] = dict(task.content)
    if part == "graph":
        content["graph"] = int(rng.choice(graphs))
        params["num_constraints"] = int(GRAPHS.num_constraints[content["graph"]])
    else:
        others = [n for n in range(int(task.params[_MAPS[part]])) if n != content[part]]
        content[part] = int(rng.choice(others))
    return task.edited(content, f"change_{part}", params)


def neighbours(graph: int) -> NDArray[np.int64]:
    """Returns the graphs on the same axes that differ in one constraint."""
    same_axes = (GRAPHS.active == GRAPHS.active[graph]).all(axis=1)
    apart = (GRAPHS.constraints != GRAPHS.constraints[graph]).sum(axis=(1, 2))
    return np.flatnonzero(same_axes & (apart == 1))
