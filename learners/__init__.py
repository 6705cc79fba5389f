"""How an agent learns to learn.

`Learner` and `Policy` are the contracts; `learners.algorithms` holds one method a file, and
`evaluate` measures how well any of them adapts.
"""

from learners.evaluation import AdaptationCurve, evaluate
from learners.learner import Learner, Metrics, Play, Policy, Stateful, Step

__all__ = [
    "AdaptationCurve",
    "Learner",
    "Metrics",
    "Play",
    "Policy",
    "Stateful",
    "Step",
    "evaluate",
]
