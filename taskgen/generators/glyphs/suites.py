"""Named sets of tasks from scripts that no parameters draw: the same for every campaign."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.glyphs.catalogue import catalogue
from taskgen.generators.glyphs.choosing import contents_of
from taskgen.parameter_space import Columns, ParameterSpace

SHOTS = (1, 5)
NUM_TASKS = 50


def names(num_ways: int) -> list[str]:
    """Returns the names of the suites that have classes enough: "ogham-1-shot" and others."""
    known = catalogue()
    apart = zip(known.scripts, known.sizes, strict=True)
    scripts = [name for name, size in list(apart)[known.num_dealt :] if size >= num_ways]
    return [f"{script}-{shots}-shot" for script in scripts for shots in SHOTS]


def suite(
    name: str, space: ParameterSpace, num_ways: int
) -> tuple[Columns, NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Returns parameters, seeds and contents of a suite's tasks: defaults but for the shots."""
    script, shots, _ = name.rsplit("-", 2)
    scripts = np.array([catalogue().scripts.index(script)])
    params = space.columns([space.complete({"shots": int(shots)})] * NUM_TASKS)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    seeds = np.random.default_rng(seed).integers(0, 2**62, size=NUM_TASKS)
    return params, seeds, contents_of(catalogue(), scripts, params, seeds, num_ways)
