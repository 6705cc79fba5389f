"""A learner that adapts to a body from a few transitions, end to end in seconds."""

import numpy as np

from learners.algorithms.maml import MAML, MAMLConfig
from learners.problem_evaluation import evaluate_problems
from taskgen.distribution import TaskDistribution
from taskgen.generators.dynamics import NoChange, PendulumDynamicsPrediction

NUM_TASKS, NUM_UPDATES = 16, 60


def test_maml_learns_to_predict_pendulums_and_adapts_to_each():
    family = PendulumDynamicsPrediction(num_query=16)
    bodies = {"mass": [0.3, 1.8], "strength_pivot": [0.2, 1.5], "gravity": [4.0, 18.0], "shots": 16}
    distribution = TaskDistribution.make(family.space, bodies)
    rng = np.random.default_rng(0)

    def drawn(num):
        return family.make_tasks(distribution.sample(num, rng), np.arange(num))

    config = MAMLConfig(inner_lr=0.05, lr=5e-3, learn_step_sizes=True, test_steps=1)
    learner = MAML(family.input_space, family.target_space, config, seed=0)
    everyone = np.ones(NUM_TASKS, dtype=bool)
    for _ in range(NUM_UPDATES):
        learner.meta_train(family, drawn(NUM_TASKS), everyone, rng)
    others = drawn(100)
    still = -evaluate_problems(NoChange(), family, others, seed=0).outcomes.returns.mean()
    errors = -evaluate_problems(learner, family, others, seed=0).outcomes.returns
    before, after = errors.mean(axis=0)
    assert after < 0.9 * before
    assert after < 0.2 * still
    assert (errors[:, 1] < errors[:, 0]).mean() > 0.6
