"""Tasks in files: JSON lines that come and go, and named sets that a root keeps.

`taskgen export` and `taskgen sample` write one task a line. `taskgen import` checks such a file and
keeps it as `<root>/tasks/<name>.json`, with the options of the generators that the tasks are of, so
that they can be shown, drawn, and played by any campaign's learner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curricula.campaigns.config.schema import Plugin
from curricula.campaigns.store.checkpoint import CampaignError
from curricula.campaigns.store.files import write_atomically
from taskgen.generator import TaskGenerator
from taskgen.task import Task

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_PROBLEMS = 20


@dataclass(frozen=True)
class TaskSet:
    """Tasks that were imported.

    Args:
        name: of the set.
        generators: how to make the generators of the tasks, by the name that the tasks carry.
        tasks: each once.
    """

    name: str
    generators: dict[str, Plugin]
    tasks: list[Task]

    def to_json(self) -> dict[str, Any]:
        """Returns the set as its file has it."""
        return {
            "name": self.name,
            "generators": {name: plugin.model_dump() for name, plugin in self.generators.items()},
            "tasks": [task.to_json() for task in self.tasks],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TaskSet:
        """Returns the set of a file's content."""
        generators = {k: Plugin.model_validate(v) for k, v in data["generators"].items()}
        return cls(data["name"], generators, [Task.from_json(task) for task in data["tasks"]])

    def save(self, root: Path) -> Path:
        """Keeps the set under a root; the same set again changes nothing.

        Raises:
            CampaignError: if the name is no file name, or another set has it.
        """
        if not _NAME.fullmatch(self.name):
            raise CampaignError(
                f"a set's name must be letters, digits, '.', '_', '-', 100 at most, got "
                f"{self.name!r}; give one with --name."
            )
        path = _path(root, self.name)
        text = json.dumps(self.to_json(), allow_nan=False, ensure_ascii=False)
        if path.is_file() and path.read_text(encoding="utf-8") != text:
            raise CampaignError(
                f"{root} has another set of tasks called {self.name!r}; give this one another "
                f"name with --name, or delete {path} first."
            )
        write_atomically(path, text.encode())
        return path


def set_names(root: Path) -> list[str]:
    """Returns the names of the sets that a root keeps."""
    return sorted(path.stem for path in (root / "tasks").glob("*.json"))


def task_sets(root: Path) -> Iterator[TaskSet]:
    """Yields the sets that a root keeps."""
    for name in set_names(root):
        yield TaskSet.from_json(json.loads(_path(root, name).read_text(encoding="utf-8")))


def tasks_of(place: str, root: Path) -> tuple[str, list[Task]]:
    """Returns name and tasks of an imported set, or of a file of JSON lines, each task once.

    Raises:
        CampaignError: if there is neither, or the file holds something else than tasks.
    """
    if place in set_names(root):
        text = _path(root, place).read_text(encoding="utf-8")
        return place, TaskSet.from_json(json.loads(text)).tasks
    if not Path(place).is_file():
        known = ", ".join(set_names(root)) or "none yet"
        raise CampaignError(
            f"{place} is neither a file of tasks nor a set that was imported ({known})."
        )
    tasks, problems = read_tasks(Path(place))
    refuse(place, problems)
    return Path(place).stem, list({task.id: task for task in tasks}.values())


def read_tasks(file: Path) -> tuple[list[Task], list[str]]:
    """Returns the tasks of a file, one a line, and what is wrong with its other lines.

    Raises:
        CampaignError: if the file cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CampaignError(f"{file} cannot be read: {error}") from error
    tasks, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            if not isinstance(data, dict):
                raise ValueError(f"a task is a JSON object, got {type(data).__name__}")
            tasks.append(Task.from_json(data))
        except json.JSONDecodeError as error:
            problems.append(f"line {number}, column {error.colno}: is not JSON: {error.msg}")
        except (ValueError, TypeError) as error:
            problems.append(f"line {number}: {error}")
    if not tasks:
        first = f"; {problems[0]}" if problems else ""
        problems = [f"it holds no task; there must be one a line, a JSON object{first}"]
    return tasks, problems


def write_tasks(file: Path, tasks: Iterable[dict[str, Any]]) -> None:
    """Writes tasks to a file, one a line."""
    lines = [json.dumps(task, allow_nan=False, ensure_ascii=False) + "\n" for task in tasks]
    file.write_text("".join(lines), encoding="utf-8")


def problems_of(tasks: Sequence[Task], generator: TaskGenerator) -> list[str]:
    """Returns why some of the tasks are none of a generator's; nothing where all are."""
    return [f"{task.id[:12]}: {why}" for task in tasks if (why := _wrong_with(task, generator))]


def refuse(what: str, problems: Sequence[str]) -> None:
    """Raises an error that lists what is wrong, if anything is.

    Raises:
        CampaignError: with the first twenty problems.
    """
    if problems:
        shown = "\n".join(f"  {problem}" for problem in problems[:_MAX_PROBLEMS])
        hidden = len(problems) - _MAX_PROBLEMS
        more = f"\n  and {hidden} more" if hidden > 0 else ""
        num = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
        raise CampaignError(f"{what} has {num}:\n{shown}{more}")


def _wrong_with(task: Task, generator: TaskGenerator) -> str:
    if task.generator != generator.name:
        return f"is a task of {task.generator}, not of {generator.name}"
    if task.version != generator.version:
        return f"made by version {task.version} of {task.generator}, this is {generator.version}"
    try:
        generator.space.validate(task.params)
        validity = generator.is_valid(task)
    except Exception as error:  # whatever an outside generator makes of a foreign task
        return str(error)
    return "" if validity else validity.reason


def _path(root: Path, name: str) -> Path:
    return root / "tasks" / f"{name}.json"
