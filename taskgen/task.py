"""A task is data: what a generator decided once, from parameters and a seed.

A `Task` is frozen, travels as JSON, and is known by the hash of its generator's name and its
content. Two seeds that give the same content give the same id, and no code lives inside.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from taskgen.parameter_space import Row

MAX_CONTENT_BYTES = 64 * 1024


def canonical_json(value: Any) -> bytes:
    """Returns the one JSON text of a value: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: if the value holds NaN or an infinity.
        TypeError: if the value is not JSON-able.

    Example:
        >>> canonical_json({"b": 1, "a": [0.5]})
        b'{"a":[0.5],"b":1}'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def content_id(generator: str, content: Any) -> str:
    """Returns the id of a content: 64 hexadecimal digits of SHA-256."""
    return digest_content(generator, canonical_json(content))


def digest_content(generator: str, content_json: bytes) -> str:
    """Returns the id of a content that is canonical JSON already (the batched path)."""
    return hashlib.sha256(b'["%s",%s]' % (generator.encode(), content_json)).hexdigest()


@dataclass(frozen=True)
class Task:
    """One task: a maze, a body with its physics, a set of bandit arms.

    Args:
        generator: registered name of the generator, with its version suffix ("maze-v1").
        version: version of the generator that made the content.
        params: a full row of the generator's space.
        seed: what the content was drawn with, beside the parameters.
        content: everything that decides how the task plays, JSON-able, at most 64 KiB.
        parents: ids of the tasks that this one was edited from.
        operator: name of the edit, None for a task made from parameters.

    Example:
        >>> task = Task("toy-v1", 1, {"size": 3}, seed=0, content={"cells": [1, 2]})
        >>> Task.from_json(task.to_json()) == task, task.id[:8]
        (True, '057ff10a')
    """

    generator: str
    version: int
    params: Row
    seed: int
    content: Any
    parents: tuple[str, ...] = ()
    operator: str | None = None

    @cached_property
    def id(self) -> str:
        """SHA-256 of the generator's name and the content; never of parameters or seed."""
        return content_id(self.generator, self.content)

    def __hash__(self) -> int:
        return hash(self.id)

    def edited(self, content: Any, operator: str, params: Row | None = None) -> Task:
        """Returns the task that an edit made of this one.

        Args:
            content: the new content.
            operator: name of the edit.
            params: the new task's parameters; by default those of this one.
        """
        return replace(
            self,
            content=content,
            params=self.params if params is None else params,
            parents=(self.id,),
            operator=operator,
        )

    def descended(self, ancestor: Task, operators: Sequence[str]) -> Task:
        """Returns this task as the edit of an ancestor, what lay between them left out.

        Example:
            >>> first = Task("toy-v1", 1, {"size": 3}, seed=0, content=0)
            >>> third = first.edited(1, "nudge").edited(2, "turn")
            >>> last = third.descended(first, ["nudge", "turn"])
            >>> last.operator, last.parents == (first.id,)
            ('nudge+turn', True)
        """
        return replace(self, parents=(ancestor.id,), operator="+".join(operators))

    def to_json(self) -> dict[str, Any]:
        """Returns the task as a JSON-able dict; `id` is written for readers, not read back."""
        return {
            "id": self.id,
            "generator": self.generator,
            "version": self.version,
            "params": dict(self.params),
            "seed": self.seed,
            "content": self.content,
            "parents": list(self.parents),
            "operator": self.operator,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Task:
        """Returns the task of a JSON dict.

        Raises:
            ValueError: if a field is missing, or the stored id does not fit the content.
        """
        missing = {"generator", "version", "params", "seed", "content"} - set(data)
        if missing:
            raise ValueError(f"a task needs {', '.join(sorted(missing))}, got {sorted(data)}.")
        task = cls(
            generator=str(data["generator"]),
            version=int(data["version"]),
            params=dict(data["params"]),
            seed=int(data["seed"]),
            content=data["content"],
            parents=tuple(data.get("parents", ())),
            operator=data.get("operator"),
        )
        if "id" in data and data["id"] != task.id:
            raise ValueError(
                f"the content of this task has the id {task.id}, its record says {data['id']}; "
                f"it was edited or damaged. Remove the id to accept the content as it is."
            )
        return task
