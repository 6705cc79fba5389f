"""How tasks were played in training: a few of each generation, with what every episode came to.

A leg keeps the plays of the tasks whose ids come first in the alphabet. Ids are hashes, so that is
a fair sample of the tasks that it played; it needs no randomness, it does not depend on the order,
and a task in it that is replayed later stays in it, so that it can be followed. Pages of tasks are
made of these files; nothing is decided by them.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.files import write_atomically
from curricula.campaigns.store.lineage import Ancestor, fields_of, read_fields
from curricula.curriculum import Proposal
from taskgen.outcomes import Outcomes

MAX_PLAYS = 128
"""Tasks that a generation keeps."""


@dataclass(frozen=True)
class Play:
    """One task of a generation, and what came of playing it.

    Args:
        source: what the task is made of again.
        origin: "new", "replay" or "edit", when the generation played it first.
        branch: which branch played it.
        times: how often the branch played it.
        returns: of each episode (or gradient step, or shot) of the newest lifetime, in order; NaN
            where it was not finite.
        successes: whether each reached its goal; None where success has no meaning.
        score: what the curriculum was told of it last; None where it wants none, or got NaN.
    """

    source: Ancestor
    origin: str
    branch: str = ""
    times: int = 0
    returns: tuple[float, ...] = ()
    successes: tuple[bool, ...] | None = None
    score: float | None = None


class Sample:
    """The plays of the tasks with the first ids, as a leg meets them.

    Args:
        size: how many tasks are kept.
    """

    def __init__(self, size: int = MAX_PLAYS) -> None:
        self._size = size
        self._kept: dict[str, dict[str, Any]] = {}
        self._last = "g"  # after every hexadecimal id: there is room

    def add(
        self,
        proposals: Sequence[Proposal],
        outcomes: Outcomes,
        scores: NDArray[np.float64] | None = None,
    ) -> None:
        """Takes a batch that was played.

        Args:
            proposals: what was played.
            outcomes: what came of it.
            scores: what the curriculum is told, [B] or [B, K], of which the first is kept; None:
                it wants nothing.
        """
        for i, proposal in enumerate(proposals):
            if proposal.task.id <= self._last:
                score = math.nan if scores is None else float(scores[i].flat[0])
                self._keep(proposal, outcomes, i, score)
        if len(self._kept) > 2 * self._size:
            self._prune()

    def lines(self) -> list[str]:
        """Returns what was kept as JSON, a line a task, first ids first."""
        self._prune()
        return [
            json.dumps(self._kept[task_id], separators=(",", ":"), allow_nan=False)
            for task_id in sorted(self._kept)
        ]

    def _keep(self, proposal: Proposal, outcomes: Outcomes, i: int, score: float) -> None:
        before = self._kept.get(proposal.task.id)
        kept = before or {**fields_of(proposal.task), "origin": proposal.origin, "times": 0}
        kept["times"] += 1
        ended = outcomes.complete[i]
        kept["returns"] = [_short(value) for value in outcomes.returns[i][ended].tolist()]
        if outcomes.successes is not None:
            kept["successes"] = outcomes.successes[i][ended].tolist()
        kept["score"] = _short(score)
        self._kept[proposal.task.id] = kept

    def _prune(self) -> None:
        if len(self._kept) >= self._size:
            first = sorted(self._kept)[: self._size]
            self._kept = {task_id: self._kept[task_id] for task_id in first}
            self._last = first[-1]


def _short(value: float) -> float | None:
    """Returns a number in six digits, None where it is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def save_plays(
    store: CampaignStore, generation: int, lines: Iterable[tuple[str, Sequence[str]]]
) -> None:
    """Keeps the plays of a generation: of all branches together those with the first ids.

    Args:
        store: of the campaign.
        generation: that played them.
        lines: of each leg, its branch and what its sample kept; legs of one branch in their order.
    """
    joined: dict[tuple[str, str], dict[str, Any]] = {}
    for branch, kept in lines:
        for line in kept:
            row = json.loads(line)
            key = (row["id"], branch)
            if before := joined.get(key):
                row |= {"origin": before["origin"], "times": before["times"] + row["times"]}
            joined[key] = {**row, "branch": branch}
    first = [joined[key] for key in sorted(joined)[:MAX_PLAYS]]
    text = "".join(f"{json.dumps(row, separators=(',', ':'))}\n" for row in first)
    packed = gzip.compress(text.encode(), compresslevel=4, mtime=0)
    write_atomically(store.folder / "plays" / f"{generation:06d}.jsonl.gz", packed)


def plays_of(store: CampaignStore, generation: int) -> list[Play]:
    """Returns the plays that a generation kept; none where it kept none."""
    path = store.folder / "plays" / f"{generation:06d}.jsonl.gz"
    if not path.is_file():
        return []
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [_read(line, generation) for line in lines]


def _read(line: str, generation: int) -> Play:
    data = json.loads(line)
    successes = data.get("successes")
    return Play(
        source=read_fields(data, generation),
        origin=data["origin"],
        branch=data["branch"],
        times=data["times"],
        returns=tuple(math.nan if value is None else value for value in data["returns"]),
        successes=None if successes is None else tuple(successes),
        score=data["score"],
    )
