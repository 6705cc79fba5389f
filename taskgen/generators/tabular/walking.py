"""Tasks of walking on a networkx graph, whose edges pay."""

from __future__ import annotations

from collections.abc import Hashable

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.tabular.contents import DECIMALS, in_millionths
from taskgen.generators.tabular.random_mdp import TabularMDP
from taskgen.task import Task


def task_of_digraph(
    graph: nx.DiGraph,
    start: Hashable,
    *,
    family: TabularMDP | None = None,
    horizon: int = 10,
    noise: float = 0.0,
    slip: float = 0.0,
) -> Task:
    """Returns the task of walking on a graph: action k of a node is its k-th edge.

    An edge pays its attribute `reward`, 0 without one. Edges are numbered as networkx lists them;
    where a node has fewer edges than another, the actions that are over begin again with its first,
    and a node without edges stays where it is.

    Args:
        graph: of at most `family.max_states` nodes, each with at most `max_actions` edges.
        start: the node where episodes begin.
        family: whose task it will be; by default one that is just large enough.
        horizon: env steps of an episode.
        noise: standard deviation of a payment.
        slip: the chance that another edge of the node is walked, all alike; what is paid is that
            of the edge that was meant.

    Raises:
        ValueError: if the graph has no such start or does not fit the family, or if horizon, noise
            or slip are not of its space.

    Example:
        >>> graph = nx.DiGraph()
        >>> graph.add_edge("home", "work", reward=1.0)
        >>> graph.add_edge("work", "home", reward=2.0)
        >>> graph.add_edge("home", "home", reward=0.5)
        >>> task = task_of_digraph(graph, "home", horizon=4)
        >>> task.content["rewards"], TabularMDP(2, 2).oracle_return(task)
        ([[1.0, 0.5], [2.0, 2.0]], 6.0)
    """
    if start not in graph:
        raise ValueError(f"start must be a node of the graph, got {start!r}.")
    if not 0.0 <= slip < 1.0:
        raise ValueError(f"slip must be in [0, 1), got {slip}.")
    nodes = [start, *(node for node in graph if node != start)]
    width = max(2, *(degree for _, degree in graph.out_degree()))
    family = family or TabularMDP(max(2, len(nodes)), width)
    if len(nodes) > family.max_states or width > family.max_actions:
        raise ValueError(
            f"the graph has {len(nodes)} nodes of up to {width} edges, the family at most "
            f"{family.max_states} states and {family.max_actions} actions; make one that is larger."
        )
    values = {"states": len(nodes), "actions": width, "horizon": horizon, "noise": float(noise)}
    shares, rewards = _tables(graph, nodes, (family.max_states, family.max_actions), width, slip)
    content = {
        **values,
        "transitions": in_millionths(shares).tolist(),
        "rewards": rewards.round(DECIMALS).tolist(),
    }
    return Task(family.name, family.version, family.space.complete(values), 0, content)


def _tables(
    graph: nx.DiGraph, nodes: list[Hashable], shape: tuple[int, int], width: int, slip: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns probabilities [S, A, S] and mean payments [S, A], padded to a shape."""
    shares, rewards = np.zeros((*shape, shape[0])), np.zeros(shape)
    numbers = {node: state for state, node in enumerate(nodes)}
    for state, node in enumerate(nodes):
        edges = [(numbers[there], data) for _, there, data in graph.out_edges(node, data=True)]
        edges = edges or [(state, {})]
        for action in range(width):
            meant = action % len(edges)
            rewards[state, action] = float(edges[meant][1].get("reward", 0.0))
            for k, (there, _) in enumerate(edges):
                shares[state, action, there] += _chance(k == meant, slip, len(edges))
    return shares, rewards


def _chance(is_meant: bool, slip: float, num_edges: int) -> float:
    if num_edges == 1:
        return 1.0
    return 1.0 - slip if is_meant else slip / (num_edges - 1)
