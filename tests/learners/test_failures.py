"""Tasks that fail: at their start, halfway, in whatever chunk of an evaluation."""

import numpy as np
import pytest

from learners.checks import fingerprint
from learners.evaluation import evaluate
from taskgen.vector import LifetimeVectorEnv


@pytest.fixture
def fail(monkeypatch):
    """Returns a function that has tasks of an environment fail as their n-th episode begins."""

    def install(env: LifetimeVectorEnv, ids, *, episode: int = 0):
        begin = env.begin

        def begin_or_fail(slots, seeds):
            begin(slots, seeds)
            for slot in slots.tolist():
                if env._task_ids[slot] in ids and env._episode[slot] == episode:
                    env.fail(slot, "no such place")

        monkeypatch.setattr(env, "begin", begin_or_fail)

    return install


def train(learner, env, tasks):
    return learner.meta_train(env, tasks, np.ones(len(tasks), bool), np.random.default_rng(0))


def test_a_batch_in_which_nobody_can_begin_changes_nothing(signs, make_learner, make_env, fail):
    tasks = signs.tasks(4)
    env, learner = make_env(4), make_learner()
    fail(env, {task.id for task in tasks})
    for _ in range(2):  # the second time after a batch that was played, whose rows must not come
        before = fingerprint(learner)
        outcomes, metrics = train(learner, env, tasks)
        assert fingerprint(learner) == before
        assert metrics == {}
        assert outcomes.num_tasks == 4
        assert outcomes.num_env_steps == 0
        assert outcomes.td_errors.shape == outcomes.valid.shape == (4, 0)
        assert not outcomes.complete.any()
        train(learner, make_env(4), tasks)


def test_a_task_that_fails_later_is_complete_nowhere(signs, make_learner, make_env, fail):
    tasks = signs.tasks(3)
    env = make_env(3)
    fail(env, {tasks[1].id}, episode=1)
    curve = evaluate(make_learner(), env, tasks, num_episodes=3, seed=0)
    assert curve.outcomes.complete.tolist() == [[True] * 3, [False] * 3, [True] * 3]
    assert not curve.outcomes.returns[1].any()
    assert not curve.outcomes.successes[1].any()
    outcomes, _ = train(make_learner(), env, tasks)
    assert outcomes.complete.tolist() == [[True] * 3, [False] * 3, [True] * 3]


def test_failures_of_every_chunk_are_told(signs, make_learner, make_env, fail):
    tasks = [task for seed in range(6) for task in signs.tasks(1, seed=seed, size=1.0 + seed)]
    env = make_env(2)
    fail(env, {tasks[0].id, tasks[3].id})
    curve = evaluate(make_learner(), env, tasks, num_episodes=2, seed=0)
    assert set(curve.failures) == {tasks[0].id, tasks[3].id}
    assert set(curve.failures.values()) == {"no such place"}
    assert curve.outcomes.complete.any(axis=1).tolist() == [False, True, True, False, True, True]
