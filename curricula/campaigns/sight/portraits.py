"""What a generator shows and says of a task: its picture, its descriptors, its best return.

Drawing takes time (bodies most of a second each), so it is done as long as there is time, and what
was drawn is kept in the campaign's folder, `portraits/`, where it may be deleted without harm.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from curricula.campaigns.sight.task_pictures import PATIENCE_S
from curricula.campaigns.sight.thumbnails import thumbnail
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.files import write_atomically
from taskgen.generator import TaskGenerator
from taskgen.task import Task
from taskgen.watchdog import TookTooLong, answers

_T = TypeVar("_T")


@dataclass(frozen=True)
class Portrait:
    """What is shown of a task.

    Args:
        picture: a data URI; None where it could not be drawn.
        features: what describes it, finite numbers by name.
        oracle: the best return of one episode; None where nobody knows it.
    """

    picture: str | None = None
    features: Mapping[str, float] = field(default_factory=dict)
    oracle: float | None = None


def portraits(
    generator: TaskGenerator, tasks: Sequence[Task], seconds: float = math.inf
) -> dict[str, Portrait]:
    """Returns the portraits of tasks by id, as many as can be made in so many seconds.

    One whose picture, descriptors or best return cannot be had lacks that part alone; after one
    that hangs there are no more.
    """

    def look(task: Task) -> Portrait:
        return Portrait(
            picture=_tried(lambda: thumbnail(_picture(generator, task))),
            features=_tried(lambda: _features(generator, task)) or {},
            oracle=_tried(lambda: _finite(generator.oracle_return(task))),
        )

    found = answers(look, tasks, PATIENCE_S, seconds)
    return {task.id: one for task, one in zip(tasks, found, strict=True) if one is not None}


def _tried(call: Callable[[], _T]) -> _T | None:
    """Returns what foreign code answers, None where it raises; a hang is not forgiven."""
    try:
        return call()
    except TookTooLong:
        raise
    except Exception:
        return None


def _picture(generator: TaskGenerator, task: Task) -> np.ndarray:
    picture = np.asarray(generator.render(task))
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"a picture must have the shape [height, width, 3], got {picture.shape}.")
    return picture.astype(np.uint8)


def _features(generator: TaskGenerator, task: Task) -> dict[str, float]:
    found = {str(name): float(value) for name, value in generator.describe(task).items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


class Album:
    """The portraits that a campaign's folder keeps, a file a generation.

    Args:
        store: of the campaign.
        generator: of its tasks.
    """

    def __init__(self, store: CampaignStore, generator: TaskGenerator) -> None:
        self._folder = store.folder / "portraits"
        self._generator = generator
        self._mark = f"{generator.name} {generator.version}"
        self._known: dict[str, Portrait] = {}

    def open(self, generation: int) -> None:
        """Reads what was kept of a generation; what is damaged counts as not there."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            data = json.loads(self._path(generation).read_text(encoding="utf-8"))
            if data.pop("generator", None) == self._mark:
                self._known |= {key: Portrait(**one) for key, one in data.items()}

    def known(self, task: Task) -> Portrait | None:
        """Returns the portrait of a task, if it is there already."""
        return self._known.get(task.id)

    def draw(self, tasks: Sequence[Task], seconds: float) -> int:
        """Draws what is missing, the first tasks first; returns how many are missing still."""
        missing = list({task.id: task for task in tasks if task.id not in self._known}.values())
        self._known |= portraits(self._generator, missing, seconds) if seconds > 0.0 else {}
        return sum(task.id not in self._known for task in missing)

    def keep(self, generation: int, tasks: Sequence[Task]) -> None:
        """Writes the portraits of a generation's tasks."""
        known = {task.id: self._known[task.id] for task in tasks if task.id in self._known}
        if known:
            data = {"generator": self._mark, **{key: asdict(one) for key, one in known.items()}}
            write_atomically(self._path(generation), json.dumps(data).encode())

    def _path(self, generation: int) -> Path:
        return self._folder / f"{generation:06d}.json"
