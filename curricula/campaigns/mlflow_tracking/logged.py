"""What a tracker knows of the campaign that it logs: commits, their times, settings, versions."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from curricula.campaigns.config.schema import Plugin, TrackingConfig, deciding
from curricula.campaigns.mlflow_tracking.allowance import DrawingAllowance
from curricula.campaigns.sight import figures
from curricula.campaigns.sight.points import metric_name
from curricula.campaigns.store.machine import package_versions
from curricula.campaigns.store.records import Record
from curricula.campaigns.store.signing import unsigned
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator

_MAX_NAMED = 4


class LoggedCampaign:
    """A campaign as far as its commits were read.

    Args:
        folder: where it lies.
        config: its configuration.
        tracking: what is logged of it.

    Attributes:
        generator: makes its tasks; None where it cannot be made.
        allowance: the time that there is for pictures of it.
        way: its distributions and scores so far.
        newest: the last commit that was read; None before the first.
    """

    def __init__(self, folder: Path, config: Record, tracking: TrackingConfig) -> None:
        self.folder, self.config, self.tracking = folder, config, tracking
        self.generator = _made_generator(config)
        self.allowance = DrawingAllowance()
        self.forget()

    def forget(self) -> None:
        """Begins again before the first commit."""
        log = figures.log_names(self.generator.space) if self.generator is not None else ()
        self.way = figures.Way(log=log)
        self.newest: Record | None = None

    def take(self, record: Record) -> Record | None:
        """Reads a commit; returns the one before it."""
        before = self.newest
        self.way.add(record)
        self.newest = record
        return before if before and before["generation"] < record["generation"] else None

    def named(self) -> list[str]:
        """The parameters worth a word: those that move, or else the first one."""
        first = list(self.way.rows[-1]["parameters"])[:1]
        return self.way.moved()[:_MAX_NAMED] or first

    def nats(self, record: Record) -> dict[str, float]:
        """Widths of a commit's distribution; none where no generator tells the space."""
        if self.generator is None:
            return {}
        return TaskDistribution.from_json(self.generator.space, record["incumbent"]).nats()

    @property
    def drawable(self) -> tuple[Path, Record, TaskGenerator] | None:
        """Folder, configuration and generator, where tasks can and shall be drawn."""
        if self.generator is None or not self.tracking.num_pictures:
            return None
        return self.folder, self.config, self.generator


def commits_between(folder: Path, low: int, high: int | None = None) -> Iterator[Record]:
    """Yields the records from generation `low` to `high` that can be read, oldest first."""
    if high is not None and low > high:
        return
    for path in sorted((folder / "commits").glob("*.json")):
        if (
            path.stem.isdigit()
            and low <= int(path.stem)
            and (high is None or int(path.stem) <= high)
        ):
            with suppress(OSError, ValueError):
                yield unsigned(path.read_bytes())


def committed_ms(folder: Path, generation: int) -> int:
    """When a generation was committed, in milliseconds since 1970."""
    path = folder / "commits" / f"{generation:06d}.json"
    return int(1000 * (path.stat().st_mtime if path.is_file() else time.time()))


def params(config: Record) -> dict[str, Any]:
    """What decides the results, by dotted path; what a resume may change is not a param."""
    return {
        metric_name(path): json.dumps(value) if isinstance(value, list) else value
        for path, value in deciding(config).items()
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide numbers."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    with suppress(metadata.PackageNotFoundError):
        found["mlflow"] = metadata.version("mlflow")
    return found | package_versions()


def _made_generator(config: Record) -> TaskGenerator | None:
    """The campaign's generator, for pictures and widths; None where it cannot be made."""
    from curricula.campaigns.config.plugins import make_generator

    with suppress(Exception):  # the campaign itself will say what is wrong with it
        return make_generator(Plugin.model_validate(config["generator"]))
    return None
