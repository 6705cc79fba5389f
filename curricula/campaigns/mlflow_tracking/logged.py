"""What a tracker reads of a campaign to log it: commits and their times, settings, versions."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from curricula.campaigns.config.schema import deciding
from curricula.campaigns.sight.points import metric_name
from curricula.campaigns.store.machine import package_versions
from curricula.campaigns.store.records import Record
from curricula.campaigns.store.signing import unsigned


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
