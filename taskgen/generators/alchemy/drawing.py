"""Pictures of chemistries: the cube, what each vertex pays and looks like, and where potions lead.

An edge has the colours of its two potions, each on the half towards the vertex that it leads to; a
missing edge is dashed. A vertex is drawn as its stones look: the three numbers that are seen of it
are colour (blue, violet, red), size, and shape (square, octagon, disc).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PIXELS = 320
_FINE = 3
_PAPER, _INK, _FAINT = "#ffffff", "#263238", "#cfd8dc"
_POTIONS = {
    "red": "#d32f2f",
    "green": "#388e3c",
    "orange": "#ef6c00",
    "yellow": "#f9c80e",
    "pink": "#ec5fa4",
    "turquoise": "#17a2a2",
}
_STONES = {-1: "#7ba6e0", 0: "#b39ddb", 1: "#e57373"}
_RADII = {-1: 14, 0: 18, 1: 22}
_SIDES = {-1: 4, 0: 8, 1: 48}
_AXES = np.array([[0.52, 0.0], [0.26, -0.2], [0.0, -0.52]])
"""Where x, y and z of the cube point in the picture, in its sides; y downwards."""
_CENTRE = np.array([0.5, 0.53])


def picture(graph: nx.Graph) -> NDArray[np.uint8]:
    """Returns the picture of a chemistry as `chemistry_graph` gives it, [320, 320, 3]."""
    image = Image.new("RGB", (PIXELS * _FINE,) * 2, _PAPER)
    draw = ImageDraw.Draw(image)
    for one, other in itertools.combinations(graph.nodes, 2):
        if sum(x != y for x, y in zip(one, other, strict=True)) == 1:
            _draw_edge(draw, graph, *sorted((one, other)))
    for place, node in graph.nodes.items():
        _draw_stone(draw, _at(place), node["seen"])
    small = image.resize((PIXELS, PIXELS), Image.Resampling.LANCZOS)
    _write(ImageDraw.Draw(small), graph)
    return np.asarray(small, dtype=np.uint8)


def _at(place: tuple[int, ...]) -> NDArray[np.float64]:
    """Returns where a vertex is, in pixels of the large picture."""
    point: NDArray[np.float64] = _CENTRE + 0.5 * np.array(place) @ _AXES
    return point * PIXELS * _FINE


def _draw_edge(
    draw: ImageDraw.ImageDraw, graph: nx.Graph, low: tuple[int, ...], high: tuple[int, ...]
) -> None:
    start, end = _at(low), _at(high)
    middle = 0.5 * (start + end)
    if not graph.has_edge(low, high):
        dashes = np.linspace(0.0, 1.0, 16)
        for first, last in zip(dashes[::2], dashes[1::2], strict=True):
            _line(draw, start + first * (end - start), start + last * (end - start), _FAINT, 1.5)
        return
    edge: dict[str, Any] = graph.edges[low, high]
    _line(draw, start, middle, _POTIONS[edge["down"]], 6.0)
    _line(draw, middle, end, _POTIONS[edge["up"]], 6.0)


def _line(
    draw: ImageDraw.ImageDraw,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    colour: str,
    width: float,
) -> None:
    draw.line([tuple(start), tuple(end)], colour, round(width * _FINE))


def _draw_stone(
    draw: ImageDraw.ImageDraw, centre: NDArray[np.float64], seen: tuple[int, int, int]
) -> None:
    colour, size, shape = seen
    sides, radius = _SIDES[shape], _RADII[size] * _FINE
    angles = math.pi * (2 * np.arange(sides) + 1) / sides
    corners = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    draw.polygon([tuple(corner) for corner in corners], _STONES[colour], _INK, _FINE)


def _write(draw: ImageDraw.ImageDraw, graph: nx.Graph) -> None:
    """Writes what each vertex pays, and what there is to know beside the picture."""
    font = ImageFont.load_default(14)
    for place, node in graph.nodes.items():
        x, y = _at(place) / _FINE
        draw.text((x, y), f"{node['reward']:g}", _INK, font, anchor="mm")
    turned = graph.graph["rotation"]
    said = f"{graph.number_of_edges()} edges"
    said += "" if turned == "none" else f", seen turned about {turned}"
    draw.text((6, 4), said, _INK, font)
