"""What a campaign looks like: the way of its distribution, its scores, adaptation curves.

matplotlib's Agg canvas, never `pyplot`, so no global state and no window. Everything comes from
commit records; nothing here decides.
"""

from __future__ import annotations

import base64
import io
import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from curricula.campaigns.sight.points import interval, is_number
from curricula.campaigns.sight.words import counted, curve_axis
from curricula.campaigns.store.records import Record
from taskgen.parameter_space import ParameterSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
MAX_POINTS = 400
MAX_PARAMETERS = 7
MAX_PANELS = 30

_TOLD = ("score", "return_iqm", "success_rate")
_MOST_LETTERS = 28  # that fit beside an axis
_LEFT = 0.75
_WORST_SHOWN = -1.0
"""The lowest score on a picture: as far below random play as the oracle is above. What diverges
leaves it there, and the rest can still be read."""
_COLOURS = {"target": "#1f4e79", "start": "#b5651d"}
_SPARE_COLOURS = ("#4c7a34", "#7a3b69", "#555555")


def adaptation_figure(record: Record) -> Figure:
    """Returns returns (left) and success (right) by unit of adaptation, a line for each set.

    Errors are shown by their interquartile mean, which one task that diverged cannot take along.
    """
    curves = {name: measures.get("curve") or {} for name, measures in record["monitor"].items()}
    label = record.get("judged_by") or "return"
    panels = [("returns_iqm", f"{label}, IQM") if "error" in label else ("returns", label)]
    unit = "episodes"
    if any(curve.get("successes") for curve in curves.values()):
        panels.append(("successes", "success rate"))
    left = _LEFT if len(label) <= _MOST_LETTERS else 0.95  # room for a second line
    figure = new_figure(3.2 * len(panels) + left - 0.2, 2.7, left=left)
    for position, (key, label) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), position + 1)
        for name, curve in curves.items():
            unit, positions = curve_axis(curve)
            known = curve.get(key) or [None] * len(positions)
            values = [math.nan if v is None else v for v in known]
            axes.plot(positions, values, marker="o", markersize=4, color=_colour(name), label=name)
        axes.set_xlabel("episode of a lifetime" if unit == "episodes" else unit)
        axes.set_ylabel(textwrap.fill(label, _MOST_LETTERS))
        axes.locator_params(axis="x", integer=True)
        if key == "successes":
            axes.set_ylim(-0.03, 1.03)
    axes.legend(frameon=False, fontsize=8)
    return figure


@dataclass
class Way:
    """The way of a campaign so far, as much of each commit as its figure and table need.

    Args:
        rows: one for each commit, oldest first.
        log: names of the parameters whose axes are logarithmic.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    log: Collection[str] = ()

    def add(self, record: Record) -> None:
        """Takes a commit; one that is there already is replaced."""
        while self.rows and self.rows[-1]["generation"] >= record["generation"]:
            self.rows.pop()
        self.rows.append(
            {
                "generation": record["generation"],
                "env_steps": record["totals"]["env_steps"],
                "counted": counted(record),
                "seconds": record["totals"].get("seconds"),
                "parameters": record["parameters"],
                "aims": (record.get("frontier") or {}).get("regions", {}),
                "decided_by": (record.get("decision") or {}).get("decided_by"),
                "difference": (record.get("decision") or {}).get("difference"),
                "scores": {
                    name: {key: measures[key] for key in _TOLD if key in measures}
                    for name, measures in record["monitor"].items()
                },
                "reached": record.get("reached"),
                "best": record.get("best"),
                "checkpoint": (record.get("checkpoint") or {}).get("file"),
            }
        )

    def moved(self) -> list[str]:
        """Returns the parameters that ever changed, or differ from where they shall go."""
        first = self.rows[0]["parameters"]
        return [
            name
            for name in first
            if any(row["parameters"].get(name) != first[name] for row in self.rows)
            or _differs(first[name], self.rows[-1]["aims"].get(name))
        ]

    def thinned(self) -> list[dict[str, Any]]:
        """Returns at most `MAX_POINTS` rows, evenly picked, first and last among them."""
        if len(self.rows) <= MAX_POINTS:
            return self.rows
        picked = np.linspace(0, len(self.rows) - 1, MAX_POINTS).round().astype(int)
        return [self.rows[i] for i in picked]


def campaign_figure(way: Way) -> Figure:
    """Returns the monitor score over env steps, then each moved parameter over generations."""
    names = way.moved()[:MAX_PARAMETERS]
    columns = 2
    rows = -(-(1 + len(names)) // columns)
    figure = new_figure(6.0, 0.3 + 2.1 * rows)
    _plot_scores(figure.add_subplot(rows, columns, 1), way)
    for position, name in enumerate(names):
        _plot_parameter(figure.add_subplot(rows, columns, position + 2), way, name)
    return figure


def scores_figure(way: Way) -> Figure:
    """Returns the monitor score over env steps alone."""
    figure = new_figure(4.2, 2.7, left=_LEFT)
    _plot_scores(figure.add_subplot(), way)
    return figure


def widening_figure(way: Way) -> Figure | None:
    """Returns every parameter that ever moved over generations; None where none did.

    Behind an interval lies that of the target, dots mark the generations whose move was adopted.
    """
    names = way.moved()[:MAX_PANELS]
    if not names:
        return None
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = new_figure(max(3.0 * columns, 4.2), 0.5 + 2.1 * rows, left=_LEFT)
    for position, name in enumerate(names):
        _plot_parameter(figure.add_subplot(rows, columns, position + 1), way, name)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG; drawn once, where `Figure.savefig` lays everything out twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(path)


def figure_uri(figure: Figure) -> str:
    """Returns a figure as a data URI of SVG, which stays sharp at any size."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "taskgen"}):  # the same figure gives the same text
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue().encode()).decode()}"


def new_figure(width: float, height: float, left: float = 0.6) -> Figure:
    """A figure of so many inches with margins for labels; layout engines take thrice the time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.subplots_adjust(
        left=left / width,
        right=1 - 0.1 / width,
        bottom=0.45 / height,
        top=1 - 0.12 / height,
        wspace=0.32,
        hspace=0.34,
    )
    return figure


def _colour(set_name: str) -> str:
    return _COLOURS.get(set_name) or _SPARE_COLOURS[len(set_name) % len(_SPARE_COLOURS)]


def _plot_scores(axes: Axes, way: Way) -> None:
    """Monitor scores with their intervals over env steps."""
    rows = way.thinned()
    steps = [row["env_steps"] for row in rows]
    has_score = any("score" in measures for measures in rows[-1]["scores"].values())
    told = "score" if has_score else "return_iqm"
    for name in rows[-1]["scores"]:
        triples = [interval((row["scores"].get(name) or {}).get(told)) for row in rows]
        estimate, low, high = np.array(
            [[v if is_number(v) else math.nan for v in triple] for triple in triples]
        ).T
        axes.fill_between(steps, low, high, color=_colour(name), alpha=0.2, linewidth=0)
        axes.plot(
            steps, estimate, marker=_marker(rows), markersize=4, color=_colour(name), label=name
        )
    lowest, highest = axes.get_ylim()
    if has_score and highest > _WORST_SHOWN > lowest:
        axes.set_ylim(bottom=_WORST_SHOWN)
    axes.set_xlabel(counted(rows[-1]))
    axes.set_ylabel("score" if has_score else "return (IQM)")
    axes.legend(frameon=False, fontsize=8)


def _plot_parameter(axes: Axes, way: Way, name: str) -> None:
    """An interval, or the weights of a categorical, over generations; the target behind it."""
    rows = way.thinned()
    generations = [row["generation"] for row in rows]
    regions = [row["parameters"][name] for row in rows]
    if set(regions[0]) == {"low", "high"}:
        aims = [_ends(row["aims"].get(name)) for row in rows]
        axes.fill_between(
            generations, *_columns(aims), step="mid", color="#dddddd", linewidth=0, label="target"
        )
        low, high = _columns([(region["low"], region["high"]) for region in regions])
        axes.fill_between(generations, low, high, step="mid", color="#1f4e79", alpha=0.35)
        axes.plot(generations, low, generations, high, drawstyle="steps-mid", color="#1f4e79")
        if len(rows) == 1:
            axes.vlines(generations, low, high, color="#1f4e79", linewidth=6)
        _mark_moves(axes, generations, low, high)
        if name in way.log:
            _scale_by_ratios(axes)
    else:
        for choice in regions[0]:
            weights = [region.get(choice, 0.0) for region in regions]
            axes.plot(generations, weights, marker=_marker(rows), markersize=3, label=choice)
        axes.set_ylim(-0.03, 1.03)
        axes.legend(frameon=False, fontsize=7)
    axes.set_xlabel("generation")
    axes.set_ylabel(name.replace("_", " ").replace("$", r"\$"))
    axes.locator_params(axis="x", integer=True)


def _scale_by_ratios(axes: Axes) -> None:
    """Makes the upright axis logarithmic, with plain numbers on it."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _mark_moves(
    axes: Axes, generations: Sequence[int], low: Sequence[float], high: Sequence[float]
) -> None:
    """Marks both ends where an interval is another one than before."""
    for i in range(1, len(generations)):
        if (low[i], high[i]) != (low[i - 1], high[i - 1]):
            axes.plot([generations[i]] * 2, [low[i], high[i]], "o", color="#1f4e79", markersize=3)


def log_names(space: ParameterSpace) -> list[str]:
    """Returns the parameters of a space whose axes are logarithmic."""
    return [name for name, parameter in space.items() if getattr(parameter, "log", False)]


def _marker(rows: Sequence[Any]) -> str:
    """Points where there are few, lines alone where there are many."""
    return "o" if len(rows) < 12 else ""


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [low for low, _ in pairs], [high for _, high in pairs]


def _ends(region: Any) -> tuple[float, float]:
    """The ends of an interval as distributions write it; NaN where there is none."""
    if isinstance(region, list | tuple) and len(region) == 2:
        return float(region[0]), float(region[1])
    return math.nan, math.nan


def _differs(region: Mapping[str, float], aim: Any) -> bool:
    if aim is None:
        return False
    there = dict(aim) if isinstance(aim, Mapping) else dict(zip(("low", "high"), aim, strict=True))
    return there != dict(region)
