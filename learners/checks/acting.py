"""Checks of how a learner adapts to environments.

Each returns "" or the reason why it fails.
"""

from __future__ import annotations

import numpy as np

from learners.boxes import is_float_box
from learners.checks.subject import NUM_TASKS, Subject, fingerprint
from learners.evaluation import evaluate, ids_of
from taskgen.generator import EnvGenerator
from taskgen.vector import LifetimeVectorEnv


def adapting_is_reading(subject: Subject) -> str:
    """Playing with its policy changes nothing of the learner's state."""
    learner, env = subject.learner(), subject.play()
    assert isinstance(env, LifetimeVectorEnv)
    subject.train(learner, range(1))
    before = fingerprint(learner)
    for greedy in (False, True):
        evaluate(learner, env, subject.tasks(5), num_episodes=2, seed=0, greedy=greedy)
    return "" if fingerprint(learner) == before else "playing with its policy changed its state"


def batch_free(subject: Subject) -> str:
    """A task plays the same in any batch and order."""
    assert isinstance(subject.generator, EnvGenerator)
    learner, tasks = subject.learner(), subject.tasks(5)
    played = {}
    for num_envs, order in ((NUM_TASKS, range(NUM_TASKS)), (4, range(NUM_TASKS)[::-1])):
        env = subject.generator.make_vector_env(num_envs)
        chosen = tasks.select(list(order))
        curve = evaluate(learner, env, chosen, num_episodes=2, seed=0)
        rows = zip(ids_of(chosen), curve.outcomes.returns.tolist(), strict=True)
        played[num_envs] = dict(rows)
    first, second = ([played[n][task_id] for task_id in ids_of(tasks)] for n in played)
    # Numbers chosen from a continuum differ by the last bits of a matrix product, whose order of
    # summing may depend on the size of the batch; a choice among few does not.
    tolerance = 1e-4 if is_float_box(subject.generator.action_space) else 0.0
    same = np.allclose(first, second, rtol=tolerance, atol=tolerance)
    return "" if same else "a task plays differently in another batch or order"
