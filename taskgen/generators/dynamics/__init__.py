"""What comes of an action? The dynamics of any control family, learned from a few transitions.

`DynamicsPrediction` makes supervised problems of a family of environments: a transition is a point,
(observation, action) → change of the observation. `families` has the registered ones; `actions`
and `transitions` play the source, `scales` says in what units numbers are seen, `batch` keeps
tasks beside those of the source, `references` has what a learner's error is compared with.

Source: Nagabandi et al. 2019, "Learning to adapt in dynamic, real-world environments through
meta-reinforcement learning", arXiv 1803.11347: a model that adapts to the last transitions and
predicts the next ones. Here the query set is of other episodes of the same body.
"""

from taskgen.generators.dynamics.families import (
    AntDynamicsPrediction,
    HalfCheetahDynamicsPrediction,
    PendulumDynamicsPrediction,
)
from taskgen.generators.dynamics.generator import DynamicsPrediction
from taskgen.generators.dynamics.references import NoChange, Ridge

__all__ = [
    "AntDynamicsPrediction",
    "DynamicsPrediction",
    "HalfCheetahDynamicsPrediction",
    "NoChange",
    "PendulumDynamicsPrediction",
    "Ridge",
]
