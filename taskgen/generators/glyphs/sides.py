"""Whole scripts on one side of the split: who is tested on a script was trained on none of it.

The scripts share out the line from 0 to 1 in equal parts, in an order that the salt shuffles: so
every side has its share of scripts, whatever the salt. Scripts that are set apart for the suites
lie at the end of the test's part.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.glyphs.catalogue import catalogue
from taskgen.splits import position_of


@functools.lru_cache(maxsize=64)
def positions(salt: str) -> NDArray[np.float64]:
    """Returns where each script lies on the line that the splits share out, [A]."""
    classes = catalogue()
    names = classes.scripts[: classes.num_dealt]
    order = np.argsort([position_of(name.encode(), salt) for name in names])
    places = np.full(len(classes.scripts), np.nextafter(1.0, 0.0))
    places[order] = (np.arange(len(names)) + 0.5) / len(names)
    places.flags.writeable = False
    return places
