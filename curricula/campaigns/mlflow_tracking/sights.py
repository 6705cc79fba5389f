"""What is made for looking at and lies with the runs as files: galleries, figures, a task table.

Foreign code draws and describes, so whatever fails here is left out. What a generation's page may
take is a share of its time; what is as long as the whole campaign is made as often as the number of
generations has doubled, so that all of it takes twice as long as the last one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curricula.campaigns.sight import figures, task_pictures
from curricula.campaigns.sight.campaign_gallery import CampaignGallery
from curricula.campaigns.sight.campaign_report import search_figures
from curricula.campaigns.store.records import Record
from taskgen.generator import TaskGenerator
from taskgen.task import Task

GALLERY = "gallery.html"
FIGURES = "figures"
FIRST_FIGURE = f"{FIGURES}/gains.png"
TABLE = "tables/tasks.json"
TABLE_TAG = {"mlflow.loggedArtifacts": json.dumps([{"path": TABLE, "type": "table"}])}
"""Tag of a run that has a task table: the UI offers it as a table then, with its pictures."""

MAX_DRAWING_S = 10.0
_DRAWING_SHARE, _DRAWING_S, _MAX_PIXELS = 0.02, 0.5, 240


def drawing_s(record: Record) -> float:
    """Returns how long the tasks of a generation may be drawn, in seconds."""
    whole = (record.get("seconds") or {}).get("generation") or 0.0
    return min(max(_DRAWING_SHARE * whole, _DRAWING_S), MAX_DRAWING_S)


def has_doubled(before: int, generation: int) -> bool:
    """Whether a power of two lies above one generation and not above a later one.

    Example:
        >>> [g for g in range(20) if has_doubled(g - 1, g)]
        [1, 2, 4, 8, 16]
        >>> has_doubled(5, 9), has_doubled(9, 15)
        (True, False)
    """
    return generation.bit_length() > max(before, 0).bit_length()


def write_gallery(
    out: Path,
    folder: Path,
    config: Record,
    generator: TaskGenerator,
    records: Sequence[Record],
    seconds: float,
) -> None:
    """Writes the page of the commits' tasks.

    Args:
        out: where files are put that are uploaded.
        folder: of the campaign.
        config: its configuration.
        generator: of its tasks.
        records: the commits.
        seconds: how long pictures may be drawn.
    """
    with suppress(Exception):
        page = CampaignGallery(folder, config, generator).page(records, seconds)
        if page is not None:
            (out / GALLERY).write_text(page, encoding="utf-8")


def write_figures(
    out: Path, way: figures.Way, records: Sequence[Record], generator: TaskGenerator | None
) -> None:
    """Writes how the distribution widened and what the search tried, as pictures."""
    with suppress(Exception):
        (out / FIGURES).mkdir()
        widening = figures.widening_figure(way)
        if widening is not None:
            figures.save_figure(widening, out / FIGURES / "widening.png")
        for name, figure, _ in search_figures(records, generator):
            if figure is not None:
                figures.save_figure(figure, out / FIGURES / f"{name}.png")


def write_task_table(
    out: Path, generator: TaskGenerator, tasks: Sequence[Task], drawn: Sequence[NDArray[np.uint8]]
) -> bool:
    """Writes tasks as a table that the UI shows with their pictures; returns whether it is there.

    The format is that of mlflow's `log_table`, which would add the same rows again when a commit
    is logged again.
    """
    with suppress(Exception):
        features = task_pictures.task_features(generator, tasks)
        names = dict.fromkeys(key for task in tasks for key in task.params)
        told = dict.fromkeys(key for row in features for key in row if key not in names)
        rows: list[list[Any]] = [
            [
                _picture(out, task, picture),
                task.id[:12],
                *(task.params.get(name) for name in names),
                *(row.get(name) for name in told),
            ]
            for task, picture, row in zip(tasks, drawn, features, strict=True)
        ]
        table = {"columns": ["picture", "task", *names, *told], "data": rows}
        (out / TABLE).write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
        return True
    return False


def _picture(out: Path, task: Task, picture: NDArray[np.uint8]) -> dict[str, str]:
    """Writes a picture beside the table; returns how a cell names it."""
    image = Image.fromarray(picture)
    image.thumbnail((_MAX_PIXELS, _MAX_PIXELS))
    path = f"{Path(TABLE).parent}/pictures/{task.id[:16]}.png"
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    image.save(out / path)
    return {"type": "image", "filepath": path, "compressed_filepath": path}
