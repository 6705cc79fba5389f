"""Where every task that was played in training comes from: its ancestors and the edits between.

A leg writes a line for each task the first time that it is played: of a new task the parameters and
the seed that make it again, of an edit its parents, its operator and the whole content. The process
of the campaign keeps them with the commit, a file a generation that is never changed, so a task can
be traced when no buffer holds it any more. What is replayed costs no line.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.files import write_atomically
from curricula.curriculum import Proposal
from taskgen.generator import TaskGenerator
from taskgen.parameter_space import Row
from taskgen.task import Task

_HEAD = '{"id":"'
_ID = slice(len(_HEAD), len(_HEAD) + 64)


@dataclass(frozen=True)
class Ancestor:
    """What is known of a task that was played.

    Args:
        task_id: its id.
        generation: in which it was first played.
        params: its parameters.
        seed: that its content was drawn with; of an edit, that of the task it began with.
        parents: ids of the tasks that it was edited from; none: it was drawn.
        operator: the edits.
        content: of an edit; a drawn task is made again of parameters and seed.
    """

    task_id: str
    generation: int
    params: Row
    seed: int
    parents: tuple[str, ...] = ()
    operator: str | None = None
    content: Any = None

    def task(self, generator: TaskGenerator) -> Task:
        """Returns the task itself.

        Raises:
            ValueError: if the generator makes another one of its parameters and seed now.
        """
        if self.parents:
            return Task(
                generator.name,
                generator.version,
                self.params,
                self.seed,
                self.content,
                self.parents,
                self.operator,
            )
        made = generator.make_task(self.params, self.seed)
        if made.id != self.task_id:
            raise ValueError(
                f"{generator.name} makes another task of the parameters and the seed of "
                f"{self.task_id[:12]} than when it was played; use the version of then."
            )
        return made


def lines_of(proposals: Iterable[Proposal]) -> list[str]:
    """Returns a line for each task that is played for the first time, as JSON."""
    return [_line(proposal.task) for proposal in proposals if proposal.origin != "replay"]


def fields_of(task: Task) -> dict[str, Any]:
    """Returns what makes a task again, the id first: an edit has its content with it."""
    kept: dict[str, Any] = {"id": task.id, "params": dict(task.params), "seed": task.seed}
    if task.parents:
        kept |= {
            "parents": list(task.parents),
            "operator": task.operator,
            "content": task.content,
        }
    return kept


def read_fields(data: Mapping[str, Any], generation: int) -> Ancestor:
    """Returns the task of `fields_of`, as a generation met it."""
    return Ancestor(
        data["id"],
        generation,
        data["params"],
        data["seed"],
        tuple(data.get("parents", ())),
        data.get("operator"),
        data.get("content"),
    )


def _line(task: Task) -> str:
    return json.dumps(fields_of(task), separators=(",", ":"), allow_nan=False)


def save_lineage(store: CampaignStore, generation: int, lines: Iterable[str]) -> None:
    """Keeps the lines of a generation, each once."""
    text = "".join(f"{line}\n" for line in dict.fromkeys(lines))
    packed = gzip.compress(text.encode(), compresslevel=4, mtime=0)
    write_atomically(_folder(store) / f"{generation:06d}.jsonl.gz", packed)


def played_first(store: CampaignStore, generation: int, num: int) -> list[Ancestor]:
    """Returns a fair sample of what a generation played for the first time: the first ids.

    Args:
        store: of the campaign.
        generation: whose tasks.
        num: how many at most.
    """
    path = _folder(store) / f"{generation:06d}.jsonl.gz"
    if not path.is_file():
        return []
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [_read(line, generation) for line in sorted(lines)[:num]]


def known_tasks(store: CampaignStore, prefix: str) -> list[str]:
    """Returns the ids of the played tasks that begin so, sorted."""
    start = _HEAD + prefix
    found = {line[_ID] for _, line in _newest_first(store) if line.startswith(start)}
    return sorted(found)


def ancestry(store: CampaignStore, task_id: str) -> list[Ancestor]:
    """Returns a played task and all its ancestors, parents before children.

    Empty where the task was never played; an ancestor that was not played either is missing.
    """
    wanted, found = {task_id}, dict[str, Ancestor]()
    for generation, line in _newest_first(store):
        # A task may have been met by several branches; the oldest line is the last one here.
        if line[_ID] in wanted:
            ancestor = _read(line, generation)
            found[ancestor.task_id] = ancestor
            wanted.update(ancestor.parents)
    return _sorted(task_id, found)


def _sorted(task_id: str, found: dict[str, Ancestor]) -> list[Ancestor]:
    """Returns what a task descends from, parents first, the task last."""
    order: list[Ancestor] = []
    done: set[str] = set()
    waiting = [task_id]
    while waiting:
        ancestor = found.get(waiting[-1])
        if ancestor is None or waiting[-1] in done:
            waiting.pop()
            continue
        open_parents = [p for p in ancestor.parents if p in found and p not in done]
        # A parent that waits already would be its own ancestor: two edits that undo each other.
        ahead = [parent for parent in open_parents if parent not in waiting]
        if ahead:
            waiting += ahead
            continue
        order.append(ancestor)
        done.add(waiting.pop())
    return order


def _read(line: str, generation: int) -> Ancestor:
    return read_fields(json.loads(line), generation)


def _newest_first(store: CampaignStore) -> Iterator[tuple[int, str]]:
    for path in sorted(_folder(store).glob("*.jsonl.gz"), reverse=True):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        for line in reversed(lines):
            yield int(path.name.partition(".")[0]), line


def _folder(store: CampaignStore) -> Path:
    return store.folder / "lineage"
