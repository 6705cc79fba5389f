"""Small plots of numbers against numbers, as pictures: for tasks that are functions.

Drawn with Pillow, which makes a picture in milliseconds and without a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from taskgen.judging import Predictions
from taskgen.problems import Problems

WIDTH, HEIGHT = 300, 300
TRUTH, SHOWN, BEFORE, AFTER = "#9aa0a6", "#111111", "#b5651d", "#1f4e79"
"""Colours: what is right, what was shown, what is said before adaptation and after it."""

_FINE = 3  # drawn larger by this, then shrunk, so that lines are smooth
_MANY_DOTS = 100
_MARGIN, _DOT, _FONT_SIZE = 6, 4.0, 15
_BAND = _FONT_SIZE + 7
"""Above and below the plot, for words; large, since a plot is mostly seen much smaller."""
_AXIS = "#dcdcdc"
_SIZE = np.array([WIDTH, HEIGHT])


@dataclass(frozen=True)
class Trace:
    """Points of a plot.

    Args:
        points: (x, y) each, [N, 2].
        colour: as Pillow names it.
        label: for the legend; "": it is not in there.
        dots: draw the points; else the line through them.
        size: of a dot, in units of the usual one.
    """

    points: NDArray[np.floating]
    colour: str
    label: str = ""
    dots: bool = False
    size: float = 1.0


def plot(traces: Sequence[Trace], y_from: Sequence[Trace] = ()) -> NDArray[np.uint8]:
    """Returns the picture of some traces over common axes, [HEIGHT, WIDTH, 3].

    Args:
        traces: drawn in this order; what is no finite number is left out.
        y_from: the traces whose values have to fit; others are cut where they leave. By default
            all of them.
    """
    image = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE), "white")
    draw = ImageDraw.Draw(image)
    low, high = _limits(traces, y_from or traces)
    _draw_axes(draw, low, high)
    for trace in traces:
        finite = trace.points[np.isfinite(trace.points).all(axis=1)]
        _draw_trace(draw, trace, _pixels(finite, low, high))
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    _draw_words(ImageDraw.Draw(small), traces, low, high)
    return np.asarray(small, dtype=np.uint8)


def answers_plot(problems: Problems, predictions: Predictions) -> NDArray[np.uint8]:
    """Returns a plot of one problem: what is right, what was shown, what is said of it.

    Args:
        problems: one, B = 1, of inputs and targets that are one number each.
        predictions: of its query points; drawn before any adaptation and after all of it.
    """
    counts, order = problems.mask[0], np.argsort(problems.query_x[0, :, 0])
    x = problems.query_x[0, order, 0]
    shown = np.stack([problems.support_x[0, counts, 0], problems.support_y[0, counts, 0]], axis=1)
    lines = {
        ("right", TRUTH): problems.query_y[0, order, 0],
        ("before", BEFORE): predictions.values[0, 0, order, 0],
        (f"after {_adaptation(predictions)}", AFTER): predictions.values[0, -1, order, 0],
    }
    traces = [
        Trace(np.stack([x, y], axis=1), colour, label) for (label, colour), y in lines.items()
    ]
    return plot([*traces, Trace(shown, SHOWN, dots=True)], y_from=[traces[0]])


def agreement_plot(problems: Problems, predictions: Predictions) -> NDArray[np.uint8]:
    """Returns a plot of what is said of one problem against what is right, a dot a number.

    Args:
        problems: one, B = 1, of targets that are numbers.
        predictions: of its query points; drawn before any adaptation and after all of it.
    """
    right = problems.query_y[0].ravel()
    ends = np.array([right.min(), right.max()])
    said = {
        ("before", BEFORE): predictions.values[0, 0].ravel(),
        (f"after {_adaptation(predictions)}", AFTER): predictions.values[0, -1].ravel(),
    }
    size = 1.0 if len(right) < _MANY_DOTS else 0.5
    dots = [
        Trace(np.stack([right, values], axis=1), colour, label, dots=True, size=size)
        for (label, colour), values in said.items()
    ]
    line = Trace(np.stack([ends, ends], axis=1), TRUTH, "right")
    return plot([line, *dots], y_from=[line])


def _adaptation(predictions: Predictions) -> str:
    """Returns how much adaptation there was, in words: "5 gradient steps"."""
    num = predictions.values.shape[1] - 1
    return f"{num} {predictions.unit[:-1] if num == 1 else predictions.unit}"


def _limits(
    traces: Sequence[Trace], y_from: Sequence[Trace]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the lower and the upper ends of the axes, with some room above and below."""
    x = np.concatenate([trace.points[:, 0] for trace in traces]).astype(np.float64)
    y = np.concatenate([trace.points[:, 1] for trace in y_from]).astype(np.float64)
    y = y[np.isfinite(y)] if np.isfinite(y).any() else np.zeros(1)
    ends = np.array([[x.min(), y.min()], [x.max(), y.max()]])
    room = np.maximum(ends[1] - ends[0], 1e-6) * [0.02, 0.12]
    return ends[0] - room, ends[1] + room


def _pixels(
    points: NDArray[np.floating], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    unit = (points - low) / (high - low)
    unit = np.clip(unit, -3.0, 4.0)  # Pillow refuses pixels that are very far away
    corner = np.array([_MARGIN, _BAND])
    unit[:, 1] = 1.0 - unit[:, 1]
    pixels: NDArray[np.float64] = (corner + unit * (_SIZE - 2 * corner)) * _FINE
    return pixels


def _draw_axes(
    draw: ImageDraw.ImageDraw, low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    zero = _pixels(np.zeros((1, 2)), low, high)[0]
    left, right = _MARGIN * _FINE, (WIDTH - _MARGIN) * _FINE
    if low[1] < 0.0 < high[1]:
        draw.line([(left, zero[1]), (right, zero[1])], fill=_AXIS, width=_FINE)
    if low[0] < 0.0 < high[0]:
        draw.line([(zero[0], 0.0), (zero[0], HEIGHT * _FINE)], fill=_AXIS, width=_FINE)


def _draw_trace(draw: ImageDraw.ImageDraw, trace: Trace, pixels: NDArray[np.float64]) -> None:
    if not trace.dots and len(pixels) > 1:
        line = [(float(x), float(y)) for x, y in pixels]
        draw.line(line, fill=trace.colour, width=2 * _FINE, joint="curve")
        return
    reach = _DOT * _FINE * trace.size
    for x, y in pixels:
        draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=trace.colour)


def _draw_words(
    draw: ImageDraw.ImageDraw,
    traces: Sequence[Trace],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:
    """Writes the legend on top, and the ends of the axes below, over what leaves the plot."""
    font = ImageFont.load_default(_FONT_SIZE)
    for top in (0, HEIGHT - _BAND):
        draw.rectangle((0, top, WIDTH, top + _BAND), fill="white")
    x = float(_MARGIN)
    for trace in traces:
        if trace.label:
            draw.text((x, 2), trace.label, fill=trace.colour, font=font)
            x += float(draw.textlength(trace.label, font=font)) + 2 * _MARGIN
    text = f"x {low[0]:.3g} … {high[0]:.3g}   y {low[1]:.3g} … {high[1]:.3g}"
    draw.text((_MARGIN, HEIGHT - _BAND + 2), text, fill="#777777", font=font)
