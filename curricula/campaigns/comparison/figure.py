"""The figure of a comparison: an arm a line, a small panel for each measure.

A dot with its interval is an estimate, faint dots are the seeds; the dashed line is the first arm.
What the panels show, in which order, is what the table says first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curricula.campaigns.comparison.table import columns
from curricula.campaigns.sight.figures import DPI

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = ("score", "success", "worst", "adaptation_gain")
_BASELINE, _OTHER, _SEED = "#1f4e79", "#b5651d", "#9a9a9a"
_PANEL, _LINE = 2.35, 0.36  # inches
_LETTER = 0.075
_BELOW = 0.22
_FEW_SEEDS = 12  # of which each can still be seen


def comparison_figure(table: Mapping[str, Any]) -> Figure:
    """Returns the figure of a table.

    Args:
        table: as `make_table` returns it, with one arm at least.
    """
    from matplotlib.figure import Figure

    arms = table["arms"]
    panels = [(key, title) for key, title in columns(table) if key in _SHOWN]
    panels.sort(key=lambda panel: _SHOWN.index(panel[0]))
    left = 0.25 + _LETTER * max(len(arm["name"]) for arm in arms)
    width, height = left + _PANEL * len(panels), 1.25 + _LINE * len(arms)
    figure = Figure(figsize=(width, height), dpi=2 * DPI)
    figure.subplots_adjust(
        left=left / width,
        right=1 - 0.15 / width,
        bottom=0.62 / height,
        top=1 - 0.5 / height,
        wspace=0.12,
    )
    for position, (key, title) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), position + 1)
        _plot(axes, arms, key, title)
        if position:
            axes.set_yticklabels([])
    figure.text(left / width, 0.1 / height, _caption(table), fontsize=7, color="#555555")
    return figure


def _plot(axes: Axes, arms: Sequence[Mapping[str, Any]], key: str, title: str) -> None:
    """One measure: every arm's estimate, its interval and its seeds."""
    for line, arm in enumerate(arms):
        seeds = [value for value in arm["by_seed"].get(key, ()) if value is not None]
        if len(seeds) <= _FEW_SEEDS:
            below = [line + _BELOW] * len(seeds)  # beside the interval, which would hide them
            axes.plot(seeds, below, "o", color=_SEED, alpha=0.7, markersize=3, mew=0)
        if arm[key] is None:
            continue
        value, low, high = arm[key]
        colour = _BASELINE if arm["is_baseline"] else _OTHER
        axes.plot([low, high], [line, line], color=colour, linewidth=2, solid_capstyle="round")
        axes.plot([value], [line], "o", color=colour, markersize=6, mec="white", mew=0.8)
        if arm["is_baseline"]:
            axes.axvline(value, color=colour, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    _dress(axes, [arm["name"] for arm in arms], title)


def _dress(axes: Axes, names: Sequence[str], title: str) -> None:
    """Names on the left, a title above, and as few lines as can be."""
    axes.set_title(title, fontsize=9, loc="left", pad=7)
    axes.set_yticks(range(len(names)), labels=names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.tick_params(axis="x", length=0, labelsize=8, labelcolor="#555555")
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _caption(table: Mapping[str, Any]) -> str:
    seeds = sorted({len(arm["seeds"]) for arm in table["arms"]})
    told = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        f"{told} seeds, {table['env_steps']:,} {table['counted']} each, "
        f"{table['num_tasks']:,} sealed tasks; 95 % intervals over seeds and tasks, faint: seeds"
    )
