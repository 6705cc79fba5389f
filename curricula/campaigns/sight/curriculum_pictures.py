"""What a commit's curriculum looks like: its heat maps, drawn.

They are made of the curriculum's state in the commit's checkpoint, as far as it is still there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curricula.campaigns.config.plugins import make_curriculum
from curricula.campaigns.config.schema import Plugin
from curricula.campaigns.sight.figures import new_figure, save_figure
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.records import Record
from curricula.curriculum import Curriculum, HeatMap

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_heat_maps(folder: Path, config: Record, record: Record, out: Path) -> list[Path]:
    """Writes the heat maps of a commit's curriculum as PNG files; returns them.

    Args:
        folder: of the campaign.
        config: its configuration.
        record: the commit.
        out: where the files go.

    Raises:
        Exception: whatever a checkpoint that is gone or a plug-in comes up with.
    """
    curriculum = make_curriculum(Plugin.model_validate(config["curriculum"]))
    if type(curriculum).heat_maps is Curriculum.heat_maps:
        return []
    curriculum.load_state_dict(CampaignStore(folder).state(dict(record))["curriculum"])
    files = []
    for name, shown in curriculum.heat_maps().items():
        files.append(out / f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}.png")
        save_figure(heat_map_figure(shown), files[-1])
    return files


def heat_map_figure(shown: HeatMap) -> Figure:
    """Returns the values over both axes, with a bar that says what colours mean; gaps are white."""
    figure = new_figure(5.2, 4.0)
    axes = figure.add_subplot()
    image = axes.imshow(
        np.ma.masked_invalid(shown.values),
        origin="lower",
        extent=(*shown.x_range, *shown.y_range),
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_xlabel(_words(shown.x))
    axes.set_ylabel(_words(shown.y))
    figure.colorbar(image, ax=axes, label=_words(shown.label))
    return figure


def _words(name: str) -> str:
    return name.replace("_", " ").replace("$", r"\$")
