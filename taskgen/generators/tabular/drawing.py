"""Pictures of tabular MDPs: what leads where under the best first actions, and what it pays."""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from taskgen.generators.tabular.contents import MDPs
from taskgen.generators.tabular.graphs import digraph_of_task
from taskgen.generators.tabular.planning import best_values, first_actions
from taskgen.task import Task

_FINE = 2  # drawn larger than it will be, so that edges are smooth
_SIDE, _TABLE, _BAND = 340, 220, 24
_PAPER, _INK, _FAINT, _START = (255, 255, 255), (38, 50, 56), (214, 219, 223), (216, 96, 18)
_LOW, _MIDDLE, _HIGH = np.array([[194, 84, 62], [247, 247, 242], [46, 140, 87]], dtype=float)
_MOST_NUMBERS = 12  # rows of a table whose numbers are still legible
_LEAST_CHANCE = 0.05
_CROWDED = 0.5


def mdp_picture(task: Task, places: NDArray[np.float64] | None = None) -> NDArray[np.uint8]:
    """Returns the picture of a task, [height, width, 3].

    On the left its states, coloured by the best return from there (red low, green high), the start
    ringed, with arrows for where the best first action leads, the thicker the likelier. On the
    right the mean payments by state and action, the best first action framed, and that return.

    Args:
        task: of a tabular family.
        places: where its states stand, in [0, 1]², [S, 2], y downwards; by default by their edges,
            the start on the left.
    """
    mdp = MDPs.of_task(task)
    num_states = int(mdp.num_states[0])
    values = best_values(mdp)[0, :num_states]
    best = first_actions(mdp)[0, :num_states]
    places = _places(task) if places is None else places
    width, height = (_SIDE + _TABLE) * _FINE, (_SIDE + _BAND) * _FINE
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    _draw_graph(draw, mdp.transitions[0, np.arange(num_states), best], values, places)
    _draw_table(draw, mdp.rewards[0, :num_states, : int(mdp.num_actions[0])], best, values)
    title = (
        f"{task.generator}: the best earns {values[0]:.3g} in {task.content['horizon']} steps, "
        f"noise {task.content['noise']:.2g}"
    )
    draw.text((8 * _FINE, 4 * _FINE), title, _INK, ImageFont.load_default(13 * _FINE))
    small = image.resize((width // _FINE, height // _FINE), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.uint8)


def _places(task: Task) -> NDArray[np.float64]:
    """Returns where states stand, in [0, 1]², [S, 2]: by their edges, in a ring if all mingle."""
    graph = nx.Graph(digraph_of_task(task, _LEAST_CHANCE))
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    num_states = len(graph)
    if num_states < 3 or nx.density(graph) > _CROWDED or not nx.is_connected(graph):
        turn = 2.0 * np.pi * np.arange(num_states) / num_states
        return 0.5 + 0.5 * np.stack([-np.cos(turn), -np.sin(turn)], axis=1)
    found = nx.kamada_kawai_layout(nx.Graph(graph.edges))  # every edge counts the same
    points = _lying(np.array([found[state] for state in range(num_states)]))
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = 0.5 * (low + high), max(float((high - low).max()), 1e-9)
    return np.asarray((points - middle) / reach + 0.5)


def _lying(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns points turned so that they spread along x, the first one on the left, [S, 2]."""
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    return np.asarray(turned * np.where(turned[0] > 0, -1.0, 1.0))


def _draw_graph(
    draw: ImageDraw.ImageDraw,
    moves: NDArray[np.float64],
    values: NDArray[np.float64],
    places: NDArray[np.float64],
) -> None:
    """Draws states and where the best first action leads, moves [S, S]."""
    radius = _FINE * float(np.clip(110.0 / np.sqrt(len(values)) * 0.45, 7.0, 19.0))
    edge = 34.0 * _FINE
    points = edge + places * (_SIDE * _FINE - 2 * edge) + np.array([0.0, _BAND * _FINE])
    for state, there in np.argwhere(moves >= _LEAST_CHANCE).tolist():
        if state != there:
            _draw_arrow(draw, points[state], points[there], radius, float(moves[state, there]))
    font = ImageFont.load_default(max(int(0.8 * radius), 1))
    colours = _colours(values)
    middle = points.mean(axis=0)
    if np.ptp(points[:, 1]) < radius:  # in a row: loops lie above it
        middle = middle + np.array([0.0, 100.0 * _SIDE * _FINE])
    for state, (x, y) in enumerate(points.tolist()):
        if moves[state, state] >= _LEAST_CHANCE:
            _draw_loop(draw, points[state], middle, radius, moves[state, state])
        outline, line = (_START, 3 * _FINE) if state == 0 else (_INK, _FINE)
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, colours[state], outline, line)
        draw.text((x, y), f"{state}", _INK, font, anchor="mm")


def _draw_arrow(
    draw: ImageDraw.ImageDraw,
    origin: NDArray[np.float64],
    there: NDArray[np.float64],
    radius: float,
    chance: float,
) -> None:
    """Draws an arrow between two circles, a little to the right, so that two ways are two lines."""
    along = (there - origin) / max(float(np.hypot(*(there - origin))), 1e-9)
    aside = np.array([-along[1], along[0]]) * 0.25 * radius
    start, end = origin + along * radius + aside, there - along * (radius + 2 * _FINE) + aside
    colour, width = _ink(chance)
    head = (4.0 + 4.0 * chance) * _FINE
    draw.line([tuple(start), tuple(end - along * head)], colour, width)
    left, right = (end - along * head + s * aside / np.hypot(*aside) * head / 2 for s in (1, -1))
    draw.polygon([tuple(end), tuple(left), tuple(right)], colour)


def _draw_loop(
    draw: ImageDraw.ImageDraw,
    centre: NDArray[np.float64],
    middle: NDArray[np.float64],
    radius: float,
    chance: float,
) -> None:
    """Draws a circle on the side of a state that looks away from the others."""
    away = centre - middle
    away = away / max(float(np.hypot(*away)), 1e-9)
    x, y = centre + away * radius
    size = 0.6 * radius
    colour, width = _ink(chance)
    draw.ellipse((x - size, y - size, x + size, y + size), None, colour, width)


def _ink(chance: float) -> tuple[tuple[int, ...], int]:
    """Returns colour and width of a line for what happens with this chance."""
    share = 0.25 + 0.75 * chance
    colour = tuple(int((1 - share) * p + share * i) for p, i in zip(_PAPER, _INK, strict=True))
    return colour, max(int((1.0 + 2.0 * chance) * _FINE), 1)


def _draw_table(
    draw: ImageDraw.ImageDraw,
    rewards: NDArray[np.float64],
    best: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Draws mean payments, a row a state and a column an action, and the best returns."""
    num_states, num_actions = rewards.shape
    left, top = (_SIDE + 26) * _FINE, (_BAND + 30) * _FINE
    wide = (_TABLE - 34) * _FINE / (num_actions + 1.2)
    high = min((_SIDE - 42) * _FINE / num_states, 30.0 * _FINE)
    font = ImageFont.load_default(int(min(0.6 * high, 0.3 * wide, 11 * _FINE)) or 1)
    words = ImageFont.load_default(11 * _FINE)
    draw.text((left, (_BAND + 2) * _FINE), "mean payments", _INK, words)
    heads = [*map(str, range(num_actions)), "return"]
    columns = left + wide * np.array([*range(num_actions), num_actions + 0.2])
    for head, x in zip(heads, columns, strict=True):
        draw.text((x + 0.5 * wide, top - 8 * _FINE), head, _INK, font, anchor="mm")
    colours, shades = _colours(rewards), _colours(values)
    for state in range(num_states):
        y = top + state * high
        draw.text((left - 10 * _FINE, y + 0.5 * high), f"{state}", _INK, font, anchor="mm")
        numbers = [*rewards[state].tolist(), float(values[state])]
        for column, x in enumerate(columns):
            box = (x, y, x + wide - _FINE, y + high - _FINE)
            fill = colours[state, column] if column < num_actions else shades[state]
            frame = (_INK, 2 * _FINE) if column == best[state] else (None, 0)
            draw.rectangle(box, fill, *frame)
            if num_states <= _MOST_NUMBERS:
                middle = (x + 0.5 * wide, y + 0.5 * high)
                draw.text(middle, f"{numbers[column]:.3g}", _INK, font, anchor="mm")


def _colours(values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Returns a colour for each value, from the lowest to the highest of them."""
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    below = _LOW + 2.0 * share[..., None] * (_MIDDLE - _LOW)
    above = _MIDDLE + (2.0 * share[..., None] - 1.0) * (_HIGH - _MIDDLE)
    parts = np.where(share[..., None] < 0.5, below, above).astype(int)
    colours = np.empty(values.shape, dtype=object)
    for index in np.ndindex(values.shape):
        colours[index] = tuple(parts[index].tolist())
    return colours
