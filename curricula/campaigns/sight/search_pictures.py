"""What a campaign's search did, as figures: gains, which axes matter, moves, and where it went."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from curricula.campaigns.sight.figures import new_figure
from curricula.campaigns.sight.trials import MIN_MOVES, Tried, importances, moves_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {
    "move": "#1f4e79",
    "toward": "#3f8f8f",
    "keep": "#8a8a8a",
    "challenger": "#b5651d",
    "incumbent": "#1f4e79",
    "merge": "#4c7a34",
}
_MAX_SLICES = 6
_LABEL = 24


def history_figure(found: Sequence[Tried]) -> Figure | None:
    """Returns the gain of every candidate by generation; None where nothing was tried.

    Rings were stopped early, what is framed went on, bars are standard errors.
    """
    known = [one for one in found if math.isfinite(one.gain)]
    if not known:
        return None
    figure = new_figure(6.0, 2.8, left=0.75)
    axes = figure.add_subplot()
    axes.axhline(0.0, color="#cccccc", linewidth=0.8)
    for origin in dict.fromkeys(one.origin for one in known):
        mine = [one for one in known if one.origin == origin]
        colour = _COLOURS.get(origin, "#7a3b69")
        for is_pruned, fill in ((False, colour), (True, "none")):
            part = [one for one in mine if one.pruned is is_pruned]
            x, y = [one.generation for one in part], [one.gain for one in part]
            label = origin if not is_pruned and part else None
            axes.scatter(x, y, s=20, facecolor=fill, edgecolor=colour, label=label, zorder=3)
        errors = [0.0 if math.isnan(one.gain_se) else one.gain_se for one in mine]
        x, y = [one.generation for one in mine], [one.gain for one in mine]
        axes.errorbar(x, y, errors, fmt="none", ecolor=colour, alpha=0.35, linewidth=1)
    won = [one for one in known if one.goes_on]
    x, y = [one.generation for one in won], [one.gain for one in won]
    axes.scatter(x, y, s=70, facecolor="none", edgecolor="#222222", linewidth=0.9, label="goes on")
    axes.set_xlabel("generation")
    axes.set_ylabel("gain on the selection tasks")
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False, fontsize=8)
    return figure


def importance_figure(found: Sequence[Tried]) -> Figure | None:
    """Returns how much each axis of the moves decides; None where too few moves are known."""
    axes_names, values, worth = moves_of(found)
    if len(worth) < MIN_MOVES or not axes_names:
        return None
    shares = importances(values, worth)
    order = np.argsort(shares)
    figure = new_figure(6.0, 0.9 + 0.28 * len(order), left=1.9)
    axes = figure.add_subplot()
    axes.barh([_label(axes_names[i]) for i in order], shares[order], color=_COLOURS["move"])
    axes.set_xlabel(f"importance for being among the best quarter of {len(worth)} moves")
    axes.set_xlim(0.0, max(float(shares.max()) * 1.05, 1e-3))
    axes.tick_params(axis="y", labelsize=8)
    return figure


def slices_figure(found: Sequence[Tried]) -> Figure | None:
    """Returns the advantage of moves along each axis, the most important axes first; or None.

    Lighter points are of earlier generations.
    """
    names, values, worth = moves_of(found)
    if len(worth) < 2 or not names:
        return None
    known = len(worth) >= MIN_MOVES
    shares = importances(values, worth) if known else np.zeros(len(names))
    order = np.argsort(-shares, kind="stable")[:_MAX_SLICES]
    when = np.array(
        [one.generation for one in found if one.origin == "move" and math.isfinite(one.advantage)]
    )
    age = (when.max() - when) / max(np.ptp(when), 1)
    shades = [(0.12 + 0.75 * a, 0.31 + 0.6 * a, 0.47 + 0.48 * a) for a in age.tolist()]
    columns = min(len(order), 3)
    rows = -(-len(order) // columns)
    figure = new_figure(2.3 * columns + 0.4, 0.2 + 2.0 * rows, left=0.75)
    for position, axis in enumerate(order):
        axes = figure.add_subplot(rows, columns, position + 1)
        axes.axhline(0.0, color="#cccccc", linewidth=0.8)
        axes.scatter(values[:, axis], worth, c=shades, s=18, edgecolor="#1f4e79", linewidth=0.4)
        axes.set_xlim(-1.08, 1.08)
        axes.set_xlabel(_label(names[axis]), fontsize=8)
        axes.tick_params(labelsize=7)
        if position % columns == 0:
            axes.set_ylabel("advantage", fontsize=8)
    return figure


def graph_figure(graph: nx.DiGraph) -> Figure | None:
    """Returns the lineage of distributions: what was tried from where, and what it covers."""
    if graph.number_of_edges() == 0:
        return None
    figure = new_figure(6.0, 2.8, left=0.75)
    axes = figure.add_subplot()
    places = {node: (data["generation"], data["volume"]) for node, data in graph.nodes(data=True)}
    _draw_edges(axes, graph, places)
    for origin in dict.fromkeys(data["origin"] for _, data in graph.nodes(data=True)):
        for goes_on in (False, True):
            mine = [
                places[node]
                for node, data in graph.nodes(data=True)
                if data["origin"] == origin and data["goes_on"] is goes_on
            ]
            if mine:
                colour = _COLOURS.get(origin, "#7a3b69")
                x, y = zip(*mine, strict=True)
                named = goes_on or origin not in ("incumbent",)
                axes.scatter(
                    x,
                    y,
                    s=34 if goes_on else 16,
                    facecolor=colour if goes_on else "white",
                    edgecolor=colour,
                    label=f"{origin}{'' if goes_on else ', not adopted'}" if named else None,
                    zorder=3,
                )
    volumes = [volume for _, volume in places.values()]
    if min(volumes) > 0.0 and max(volumes) > 10.0 * min(volumes):
        axes.set_yscale("log")
    axes.set_xlabel("generation")
    axes.set_ylabel("share of the movable axes")
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False, fontsize=7)
    return figure


def _draw_edges(axes: Axes, graph: nx.DiGraph, places: dict[str, tuple[float, float]]) -> None:
    """Draws what was adopted in ink, what was only tried faintly."""
    from matplotlib.collections import LineCollection

    for goes_on, colour, width in ((False, "#bbbbbb", 0.8), (True, "#1f4e79", 1.6)):
        lines = [
            (places[start], places[end])
            for start, end in graph.edges
            if graph.nodes[end]["goes_on"] is goes_on
        ]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=1))


def _label(name: str) -> str:
    """Returns the name of an axis as figures have it, "goal distance: log width"."""
    parameter, _, axis = name.replace("$", r"\$").rpartition(".")
    words = f"{parameter}: {axis}" if parameter else axis
    return textwrap.shorten(words.replace("_", " "), 2 * _LABEL, placeholder="…")
