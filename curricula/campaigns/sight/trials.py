"""What a campaign's search tried, and what it teaches: pure functions of commit records.

A move is worth its *advantage*: what its branch gained beyond staying in the same generation, or in
stream mode beyond what the learner has been gaining lately. That takes out how much every branch
learns anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.sight.points import is_number
from curricula.campaigns.store.records import Record
from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import ParameterSpace

MIN_MOVES = 16
"""Fewer say nothing about which axes matter."""

_NUM_POINTS = 81
_NARROWEST = 0.1


@dataclass(frozen=True)
class Tried:
    """One candidate of a search.

    Args:
        generation: that tried it.
        name: of its branch.
        origin: "keep", "move", "toward" or "challenger".
        move: of the box of moves, by axis.
        gain: what its branch gained, and its standard error; NaN: nothing is known.
        gain_se: likewise.
        advantage: the gain beyond staying, NaN where that cannot be told.
        pruned: whether it was stopped before its end.
        goes_on: whether it was adopted.
        distribution: where it trained, as JSON.
    """

    generation: int
    name: str
    origin: str
    move: Mapping[str, float]
    gain: float
    gain_se: float
    advantage: float
    pruned: bool
    goes_on: bool
    distribution: Mapping[str, object]


def tried(records: Iterable[Record]) -> list[Tried]:
    """Returns every candidate of these commits, oldest first."""
    found = []
    for record in records:
        staying = _staying(record)
        winner = (record.get("decision") or {}).get("winner")
        for candidate in record.get("candidates") or ():
            gain = _number(candidate.get("gain"))
            found.append(
                Tried(
                    generation=record["generation"],
                    name=str(candidate.get("name", candidate["origin"])),
                    origin=candidate["origin"],
                    move=dict(candidate.get("move") or {}),
                    gain=gain,
                    gain_se=_number(candidate.get("gain_se")),
                    advantage=gain - staying,
                    pruned=bool(candidate.get("pruned")),
                    goes_on=candidate["index"] == winner,
                    distribution=candidate.get("distribution") or {},
                )
            )
    return found


def _staying(record: Record) -> float:
    """Returns what staying gained in a generation: the mean of its copies, or the recent gains."""
    candidates = record.get("candidates") or []
    kept = [_number(c.get("gain")) for c in candidates if c["origin"] == "keep"]
    kept = [gain for gain in kept if math.isfinite(gain)]
    if kept:
        return sum(kept) / len(kept)
    difference = _number((record.get("decision") or {}).get("difference"))
    return _number(candidates[0].get("gain")) - difference if len(candidates) == 1 else math.nan


def moves_of(found: Sequence[Tried]) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Returns the moves of a search as a matrix: axes, values [N, D], advantages [N].

    What is not a move, or whose advantage is not known, is left out; an axis that a move does not
    name is 0 in it. Axes along which nothing ever moved are left out too.
    """
    moves = [one for one in found if one.origin == "move" and math.isfinite(one.advantage)]
    axes = list(dict.fromkeys(axis for one in moves for axis in one.move))
    values = np.array([[one.move.get(axis, 0.0) for axis in axes] for one in moves])
    values = values.reshape(len(moves), len(axes))
    used = [i for i in range(len(axes)) if np.ptp(values[:, i]) > 0.0]
    return [axes[i] for i in used], values[:, used], np.array([one.advantage for one in moves])


def importances(values: NDArray[np.float64], worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how much each axis decides whether a move is among the best quarter, [D].

    On each axis for itself the density of the best quarter is compared with that of all moves, by
    the Pearson divergence ∫ (p_best / p_all − 1)² p_all; the values sum to one. All zero where no
    axis tells them apart.

    Args:
        values: of N moves along D axes, in [−1, 1], [N, D].
        worth: of the moves, [N].

    Source:
        Watanabe, Bansal and Hutter 2023, "PED-ANOVA: efficiently quantifying hyperparameter
        importance in arbitrary subspaces" (arXiv 2304.10255), whose local importance this is with
        a quarter for the target set; kernels are Gaussian here.

    Example:
        >>> x = np.linspace(-1.0, 1.0, 40)
        >>> importances(np.stack([x, np.tile([-1.0, 1.0], 20)], axis=1), x).round(2)
        array([0.97, 0.03])
    """
    best = worth >= np.quantile(worth, 0.75)
    grid = np.linspace(-1.0, 1.0, _NUM_POINTS)
    found = np.zeros(values.shape[1])
    for axis in range(values.shape[1]):
        whole = _density(values[:, axis], grid)
        ratio = _density(values[best, axis], grid) / whole
        found[axis] = float((((ratio - 1.0) ** 2) * whole).sum())
    total = found.sum()
    return found / total if total > 1e-12 else np.zeros_like(found)


def _density(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a mixture of Gaussians, one a value, and a little of the uniform; sums to one."""
    width = max(float(np.std(values)) * len(values) ** -0.2, _NARROWEST)
    density = np.exp(-0.5 * ((grid[:, None] - values[None]) / width) ** 2).sum(axis=1)
    return (density / density.sum() + 1e-3) / (1.0 + 1e-3 * len(grid))


def distribution_graph(
    records: Sequence[Record], space: ParameterSpace, movable: Sequence[str]
) -> nx.DiGraph:
    """Returns where distributions came from: a node for each that was ever trained on or kept.

    Nodes are "generation/name", of what stayed "generation"; they have `generation`, `origin`,
    `volume` (the share of the movable axes that it covers), `gain`, and `goes_on`. Edges lead from
    the incumbent of a generation to what it tried, and to the incumbent of the next.

    Args:
        records: commits in a row, oldest first.
        space: of the distributions.
        movable: the axes that volumes are measured on.
    """
    graph = nx.DiGraph()
    before = None
    for record in records:
        now = str(record["generation"])
        volume = _volume(record["incumbent"], space, movable)
        _add(graph, now, record["generation"], "incumbent", volume, math.nan, goes_on=True)
        for one in tried([record]):
            if before is None or one.origin == "keep":
                continue
            place = now if one.goes_on else f"{now}/{one.name}"
            volume = _volume(one.distribution, space, movable)
            _add(
                graph, place, one.generation, one.origin, volume, one.advantage, goes_on=one.goes_on
            )
            graph.add_edge(before, place)
        if before is not None and not graph.has_edge(before, now):
            graph.add_edge(before, now)
        before = now
    return graph


def _add(
    graph: nx.DiGraph,
    node: str,
    generation: int,
    origin: str,
    volume: float,
    gain: float,
    *,
    goes_on: bool,
) -> None:
    graph.add_node(
        node, generation=generation, origin=origin, volume=volume, gain=gain, goes_on=goes_on
    )


def _volume(data: Mapping[str, object], space: ParameterSpace, movable: Sequence[str]) -> float:
    if not movable:
        return 1.0
    return TaskDistribution.from_json(space, data).volume(list(movable))


def _number(value: object) -> float:
    return float(value) if is_number(value) else math.nan  # type: ignore[arg-type]
