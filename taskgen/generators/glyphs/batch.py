"""B tasks as arrays: their contents by key, what makes them the same, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch
from taskgen.generators.glyphs import sides
from taskgen.generators.glyphs.catalogue import catalogue, codes_of
from taskgen.generators.glyphs.writing import WRITERS
from taskgen.task import Task

KEYS = ("glyphs", "turns", "shots", *WRITERS)


class GlyphBatch(ArrayBatch):
    """Tasks of one `Glyphs.make_tasks`, or a selection of them."""

    @property
    def canonicals(self) -> list[bytes]:
        """The set of classes of each task, [B]."""
        return forms_of(self.contents)

    @property
    def validity(self) -> NDArray[np.bool_]:
        """Every task that was made of parameters is valid, [B]."""
        return np.ones(len(self), dtype=bool)

    def split_positions(self, salt: str) -> NDArray[np.float64]:
        """Where the tasks' scripts lie on the line that the splits share out, [B]."""
        return positions_of(self.contents, salt)


def contents_by_key(tasks: Sequence[Task]) -> Mapping[str, NDArray[Any]]:
    """Returns the contents of B tasks of equal numbers of ways, one array a key."""
    if isinstance(tasks, GlyphBatch):
        return tasks.contents
    contents = [task.content for task in tasks]
    return {key: np.array([content[key] for content in contents]) for key in KEYS}


def classes_of(contents: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Returns the classes as numbered in the catalogue, [B, N]."""
    return catalogue().classes_of(codes_of(contents["glyphs"]))


def forms_of(contents: Mapping[str, NDArray[Any]]) -> list[bytes]:
    """Returns the canonical form of each task, [B]: its classes, whatever their order.

    A character that stands turned is another class; shots and writers are no part of it, since who
    knows the classes knows them in any hand.
    """
    classes = np.sort(4 * codes_of(contents["glyphs"]) + contents["turns"], axis=1)
    return [row.tobytes() for row in classes.astype("<u4")]


def positions_of(contents: Mapping[str, NDArray[Any]], salt: str) -> NDArray[np.float64]:
    """Returns where the scripts of B tasks lie on the line that the splits share out, [B]."""
    return sides.positions(salt)[catalogue().script_of[classes_of(contents)[:, 0]]]


def flaw_of(content: Any, num_ways: int) -> str:
    """Returns why a content is none of this family's with so many ways, "" if it is."""
    if not isinstance(content, dict) or set(content) != set(KEYS):
        return f"the content must have {', '.join(KEYS)}"
    glyphs, turns = content["glyphs"], content["turns"]
    if not isinstance(glyphs, str) or len(glyphs) != num_ways or len(turns) != num_ways:
        return f"it must have {num_ways} glyphs and as many turns, got {glyphs!r} and {turns}"
    classes = catalogue().classes_of(codes_of([glyphs])[0])
    if classes.min() < 0:
        unknown = [glyph for glyph, found in zip(glyphs, classes, strict=True) if found < 0]
        return f"{unknown} are not in the catalogue"
    if len(set(classes.tolist())) < num_ways:
        return f"its classes must differ, got {glyphs!r}"
    if len(set(catalogue().script_of[classes].tolist())) > 1:
        return f"its classes must be of one script, got {glyphs!r}"
    if not all(turn in range(4) for turn in turns):
        return f"turns must be 0 to 3 quarters, got {turns}"
    return "" if content["shots"] >= 1 else f"shots must be at least 1, got {content['shots']}"
