"""Named regions for honest splits, and the fixed sets of tasks drawn from them.

A region is a union of boxes; what a box does not name stays at its default. Train inside the
`…-training` region of a name, and the suites of the other regions are tasks of a kind that
training never saw.

Sources: Lee et al. 2020 (CaDM), arXiv 2005.06800, for mass and damping (there training has five
values of each factor, here the interval that they span; the `moderate` and `extreme` boxes are
theirs) and for the joints of the crippled cheetah; Nagabandi et al. 2019, arXiv 1803.11347, for
the held-out joint and leg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import Columns, ParameterSpace

Box: TypeAlias = Mapping[str, Any]
Region: TypeAlias = Sequence[Box]

NUM_TASKS = 32
"""Tasks of a suite."""


def _corners(lows: Sequence[float], highs: Sequence[float]) -> Region:
    ends = [list(lows), list(highs)]
    return [{"mass": mass, "damping": damping} for mass, damping in product(ends, ends)]


def _crippled(*limbs: str) -> Region:
    return [{"fault": limb, "fault_step": 0} for limb in limbs]


_FACTORS: Mapping[str, Region] = {
    "dynamics-training": [{"mass": [0.75, 1.25], "damping": [0.75, 1.25]}],
    "dynamics-moderate": _corners((0.4, 0.5), (1.5, 1.6)),
    "dynamics-extreme": _corners((0.2, 0.3), (1.7, 1.8)),
}
REGIONS: Mapping[str, Mapping[str, Region]] = {
    "half-cheetah": {
        **_FACTORS,
        "crippled-training": _crippled("bshin", "bfoot", "fthigh", "fshin", "ffoot"),
        "crippled-held-out": _crippled("bthigh"),
        "cadm-crippled-training": _crippled("bthigh", "bshin", "bfoot", "fthigh"),
        "cadm-crippled-held-out": _crippled("fshin", "ffoot"),
    },
    "ant": {
        "dynamics-training": [{"mass": [0.85, 1.0]}],
        "dynamics-extreme": [{"mass": [0.2, 0.6]}],
        "crippled-training": _crippled("leg_1", "leg_2", "leg_3"),
        "crippled-held-out": _crippled("leg_4"),
    },
    "humanoid": {
        "dynamics-training": [{"mass": [0.8, 1.25], "damping": [0.8, 1.25]}],
        "dynamics-moderate": _corners((0.4, 0.5), (1.5, 1.6)),
        "dynamics-extreme": _corners((0.2, 0.3), (1.7, 1.8)),
    },
    "pendulum": {
        "dynamics-training": [{"mass": [0.75, 1.25]}],
        "dynamics-extreme": [{"mass": [0.2, 0.7]}, {"mass": [1.3, 1.8]}],
    },
}
"""Body → region → its boxes, each in the form that `TaskDistribution.make` and campaigns take."""


def suite_rows(space: ParameterSpace, region: Region) -> Columns:
    """Returns the rows of a suite: as many from each box, the last ones taking the rest."""
    rng = np.random.default_rng(0)
    shares = np.array_split(np.arange(NUM_TASKS), len(region))
    draws = [
        TaskDistribution.make(space, box).sample(len(share), rng)
        for box, share in zip(region, shares, strict=True)
    ]
    return {name: np.concatenate([draw[name] for draw in draws]) for name in space}
