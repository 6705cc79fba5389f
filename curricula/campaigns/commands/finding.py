"""Finding a task by the first characters of its id, wherever a root has it.

Commits hold a few tasks of each generation, the quarantine what could not be played, imported sets
what came from elsewhere, and the lineage every task that was played in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curricula.campaigns.commands.common import UserError
from curricula.campaigns.config.schema import Plugin
from curricula.campaigns.store.checkpoint import CampaignStore, campaign_names
from curricula.campaigns.store.task_files import task_sets

_MIN_PREFIX = 4


@dataclass(frozen=True)
class FoundTask:
    """What is known of a task.

    Args:
        task_id: its whole id.
        where: who has it, in words.
        task: as JSON; None where only its id was kept.
        generator: how to make its generator, where that is known.
        reason: why it could not be played; None: nothing is known against it.
    """

    task_id: str
    where: str
    task: dict[str, Any] | None = None
    generator: Plugin | None = None
    reason: str | None = None


def find_task(prefix: str, root: Path) -> FoundTask:
    """Returns the task whose id begins so.

    Raises:
        UserError: if there is none, or more than one.
    """
    if len(prefix) < _MIN_PREFIX:
        raise UserError(f"give at least {_MIN_PREFIX} characters of the id, got {prefix!r}.")
    found: dict[str, list[FoundTask]] = {}
    for name in campaign_names(root):
        for one in _in_campaign(prefix, CampaignStore(root / "campaigns" / name), name):
            found.setdefault(one.task_id, []).append(one)
    for one in _in_sets(prefix, root):
        found.setdefault(one.task_id, []).append(one)
    if not found:
        for name in campaign_names(root):
            for one in _played(prefix, CampaignStore(root / "campaigns" / name), name):
                found.setdefault(one.task_id, []).append(one)
    if len(found) > 1:
        some = ", ".join(sorted(task_id[: len(prefix) + 8] for task_id in found)[:5])
        raise UserError(f"{len(found)} tasks begin with {prefix!r} ({some} …); give more of it.")
    if not found:
        raise UserError(
            f"no campaign and no imported set under {root} has a task {prefix!r}; ids stand in "
            f"MLflow on each generation, and `taskgen export CAMPAIGN` writes tasks to a file."
        )
    return _joined(next(iter(found.values())))


def _joined(parts: Sequence[FoundTask]) -> FoundTask:
    """Returns all that several places know of one task."""

    def first(name: str) -> Any:
        known = (getattr(part, name) for part in parts)
        return next((value for value in known if value is not None), None)

    where = ", ".join(dict.fromkeys(part.where for part in parts))
    return FoundTask(parts[0].task_id, where, first("task"), first("generator"), first("reason"))


def _in_campaign(prefix: str, store: CampaignStore, name: str) -> Iterator[FoundTask]:
    generator = store.config().generator
    reasons: dict[str, str] = {}
    for record in store.records():
        generation = record["generation"]
        for task in record.get("tasks") or ():
            if task["id"].startswith(prefix):
                where = f"of generation {generation} of {name}"
                yield FoundTask(task["id"], where, task, generator)
        for task_id, reason in (record.get("quarantine") or {}).items():
            if task_id.startswith(prefix) and task_id not in reasons:
                reasons[task_id] = reason
                where = f"quarantined by {name} in generation {generation}"
                yield FoundTask(task_id, where, None, generator, reason)
    for task in store.quarantined():
        if task["id"] in reasons:
            yield FoundTask(task["id"], f"kept by {name}", task, generator)


def _played(prefix: str, store: CampaignStore, name: str) -> Iterator[FoundTask]:
    """Yields what was only played in training, made again; of several that begin so, the ids."""
    from curricula.campaigns.store.lineage import ancestry, known_tasks

    ids = known_tasks(store, prefix)
    plugin = store.config().generator
    for task_id in ids:
        task = None
        if len(ids) == 1:
            from curricula.campaigns.config.plugins import make_generator

            task = ancestry(store, task_id)[-1].task(make_generator(plugin)).to_json()
        yield FoundTask(task_id, f"played by {name} in training", task, plugin)


def _in_sets(prefix: str, root: Path) -> Iterator[FoundTask]:
    for kept in task_sets(root):
        for task in kept.tasks:
            if task.id.startswith(prefix):
                plugin = kept.generators.get(task.generator)
                yield FoundTask(task.id, f"imported as {kept.name}", task.to_json(), plugin)
