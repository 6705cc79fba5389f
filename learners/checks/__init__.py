"""The conformance suite: what every learner must keep to, ours and anybody's.

`check_learner(RL2, Bandit())` trains, adapts, saves and loads small learners on a generator and
returns a `LearnerReport` with one line a check. The checks lie in `training`, `acting`
(environments) and `predicting` (problems); reading them is reading what a learner promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from learners.checks import acting, predicting, training
from learners.checks.report import LearnerCheckFailed, LearnerReport
from learners.checks.subject import Subject, fingerprint
from learners.learner import Learner
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator

__all__ = ["LearnerCheckFailed", "LearnerReport", "Subject", "check_learner", "fingerprint"]

Check: TypeAlias = Callable[[Subject], str]


def check_learner(
    learner_class: type[Learner], generator: TaskGenerator, config: Any = None
) -> LearnerReport:
    """Checks a kind of learner against everything that the rest of the house relies on.

    Args:
        learner_class: under check.
        generator: of a kind that it can play; its default parameters are used;
            of problems any.
        config: the settings; None: the defaults.

    Returns:
        A report; `raise_if_failed` turns it into an error.
    """
    config = learner_class.Config() if config is None else config
    subject = Subject(learner_class, generator, config)
    reasons = {name: _run(check, subject) for name, check in _checks(subject)}
    return LearnerReport(learner_class.__name__, reasons)


def _checks(subject: Subject) -> Iterator[tuple[str, Check]]:
    yield "it can play this kind of generator", training.knows_kind
    yield "the same seed gives the same parameters", training.same_seed
    yield "no global randomness", training.leaves_globals_alone
    yield "outcomes and metrics are well-formed", training.reports
    yield "training is a function of tasks, mask and rng", training.deterministic
    yield "training moves the parameters", training.learns
    yield "tasks that are masked give no gradient", training.masked
    yield "the state is plain, and continues bit for bit", training.continues
    yield "the state of another kind is refused", training.refuses
    yield "a merge with what learned nothing is the branch that learned", training.merges
    if isinstance(subject.generator, EnvGenerator):
        yield "adapting leaves the learner as it was", acting.adapting_is_reading
        yield "an evaluation does not depend on the batch", acting.batch_free
    if isinstance(subject.generator, ProblemGenerator):
        yield "predictions are well-formed", predicting.reports
        yield "adapting leaves the learner as it was", predicting.is_reading
        yield "query targets are not read", predicting.blind
        yield "support points that do not count change nothing", predicting.ignores_padding
        yield "a query point is answered whatever the others are", predicting.inductive
        yield "an evaluation does not depend on the batch", predicting.batch_free


def _run(check: Check, subject: Subject) -> str:
    try:
        return check(subject)
    except Exception as error:
        return f"it raised {error!r}"
