"""Tabular MDPs as directed graphs."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from taskgen.generators.tabular.contents import MILLION, MDPs
from taskgen.task import Task


def digraph_of_task(task: Task, least: float = 0.0) -> nx.MultiDiGraph:
    """Returns the graph of a task: an edge, keyed by its action, for whatever may happen.

    Edges have `prob` and `reward`, the mean payment; nodes are the numbers of the states, from 0,
    the start.

    Args:
        task: of a tabular family.
        least: edges of a smaller chance are left out.

    Example:
        >>> from taskgen.generators.tabular.walking import task_of_digraph
        >>> graph = nx.DiGraph([("a", "b"), ("b", "a")])
        >>> list(digraph_of_task(task_of_digraph(graph, "a")).edges(keys=True, data="prob"))
        [(0, 1, 0, 1.0), (0, 1, 1, 1.0), (1, 0, 0, 1.0), (1, 0, 1, 1.0)]
    """
    mdp = MDPs.of_task(task)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(task.content["states"]))
    chances = mdp.transitions[0]
    for state, action, there in np.argwhere(chances > max(least, 0.5 / MILLION)).tolist():
        attributes: dict[str, Any] = {
            "prob": float(chances[state, action, there]),
            "reward": float(mdp.rewards[0, state, action]),
        }
        graph.add_edge(state, there, key=action, **attributes)
    return graph
