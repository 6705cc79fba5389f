"""A small edit of a task: one class becomes another of the same script."""

from __future__ import annotations

import numpy as np

from taskgen.generators.glyphs.catalogue import catalogue, codes_of
from taskgen.task import Task


def exchanged(task: Task, rng: np.random.Generator) -> Task | None:
    """Returns the task with one class exchanged; None if its script has no other.

    The new class stands turned as the old one did; shots and writers stay.
    """
    known = catalogue()
    classes = known.classes_of(codes_of([task.content["glyphs"]])[0])
    script = known.script_of[classes[0]]
    others = np.setdiff1d(np.flatnonzero(known.script_of == script), classes)
    if not len(others):
        return None
    classes[rng.integers(len(classes))] = rng.choice(others)
    glyphs = "".join(chr(code) for code in known.codes[classes])
    return task.edited({**task.content, "glyphs": glyphs}, operator="exchange_class")
