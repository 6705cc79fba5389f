"""How an agent learns to learn.

`Learner` and `Policy` are the contracts; `learners.algorithms` holds one method a file, and
`evaluate` measures how well any of them adapts, `adapt` puts one to use.
"""

from learners.adaptation import AdaptedPolicy, adapt
from learners.evaluation import AdaptationCurve, evaluate
from learners.learner import Learner, Metrics, Play, Policy, Stateful, Step

__all__ = [
    "AdaptationCurve",
    "AdaptedPolicy",
    "Learner",
    "Metrics",
    "Play",
    "Policy",
    "Stateful",
    "Step",
    "adapt",
    "evaluate",
]
