"""The contract of learners of problems, on a learner and families whose optimum is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ridge import Ridge

from learners.algorithms.rl2 import RL2
from learners.checks import check_learner, fingerprint
from learners.problem_evaluation import Guesser, evaluate_problems
from taskgen.generators.bandit import Bandit
from taskgen.judging import GRADIENT_STEPS, Predictions
from tests.taskgen.lines_family import Halves, Lines

FAMILIES = {"numbers": Lines(), "classes": Halves()}


def tasks_of(family, rows):
    columns = family.space.columns([family.space.complete(row) for row in rows])
    return family.make_tasks(columns, np.arange(len(rows)))


def ridge(family, seed=0, **settings):
    return Ridge(family.input_space, family.target_space, Ridge.Config(**settings), seed)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_an_honest_learner_passes(family):
    check_learner(Ridge, family).raise_if_failed()


class ReadsTheAnswers(Ridge):
    def predict(self, problems):
        said = super().predict(problems)
        return replace(said, values=said.values + problems.query_y[:, None].mean(dtype=np.float32))


class CountsThePadding(Ridge):
    def predict(self, problems):
        return super().predict(replace(problems, mask=np.ones_like(problems.mask)))


class LooksAtAllQueries(Ridge):
    def predict(self, problems):
        said = super().predict(problems)
        return replace(said, values=said.values + problems.query_x.mean())


class LearnsFromItsExam(Ridge):
    def predict(self, problems):
        with torch.no_grad():
            self.prior["mean"] += 0.01
        return super().predict(problems)


class MixesTheBatch(Ridge):
    def predict(self, problems):
        said = super().predict(problems)
        return replace(said, values=said.values + said.values.mean(axis=0))


class Diverges(Ridge):
    def predict(self, problems):
        said = super().predict(problems)
        return replace(said, values=said.values * np.float32(np.inf))


@pytest.mark.parametrize(
    ("learner_class", "broken"),
    [
        (ReadsTheAnswers, "query targets are not read"),
        (CountsThePadding, "support points that do not count change nothing"),
        (LooksAtAllQueries, "a query point is answered whatever the others are"),
        (LearnsFromItsExam, "adapting leaves the learner as it was"),
        (MixesTheBatch, "an evaluation does not depend on the batch"),
        (Diverges, "predictions are well-formed"),
    ],
)
def test_a_learner_that_breaks_a_promise_is_found_out(learner_class, broken):
    assert broken in check_learner(learner_class, Lines()).failed


def test_a_learner_plays_its_own_kind_only():
    family, bandit = Lines(), Bandit(num_arms=2)
    player = RL2(bandit.observation_space, bandit.action_space, RL2.Config(hidden_size=4), 0)
    problems = family.make_problems(tasks_of(family, [{}]), np.random.default_rng(0))
    with pytest.raises(TypeError, match="does not solve problems"):
        player.predict(problems)
    with pytest.raises(TypeError, match="does not act in environments"):
        ridge(family).policy(np.zeros(1, dtype=np.uint64))


def test_meta_training_finds_the_mean_of_the_lines():
    family, rng = Lines(), np.random.default_rng(0)
    learner = ridge(family, penalty=10.0, learning_rate=0.3)
    for _ in range(200):
        rows = [{"slope": 2.0 + s, "intercept": 1.0, "shots": 4} for s in (-0.5, 0.5)]
        learner.meta_train(family, tasks_of(family, rows * 8), np.ones(16, dtype=bool), rng)
    assert learner.prior["mean"].tolist() == pytest.approx([1.0, 2.0], abs=0.1)


def test_the_curve_of_a_known_line_by_hand():
    # w0 = 0 and hardly any penalty: one point fixes a multiple of (1, x), two fix the line.
    family = Lines()
    learner = ridge(family, penalty=1e-7)
    with torch.no_grad():
        learner.prior["mean"].zero_()
    tasks = tasks_of(family, [{"slope": 2.0, "intercept": 1.0, "shots": 3}, {"shots": 1}])
    curve = evaluate_problems(learner, family, tasks, seed=0)
    outcomes = curve.outcomes
    assert curve.task_ids == tuple(tasks.ids)
    assert outcomes.unit == "shots"
    assert outcomes.complete.sum(axis=1).tolist() == [4, 2]
    assert outcomes.returns[0, 2:4] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert outcomes.returns[0, 0] < outcomes.returns[0, 1] < -0.01
    problems = family.make_problems(tasks, np.random.default_rng(0))
    zero = Predictions(np.zeros((2, 1, 6, 1), np.float32), GRADIENT_STEPS)
    assert np.array_equal(learner.predict(problems).values[:, :1], zero.values)
    assert curve.num_env_steps == (3 + 6) + (1 + 6)


def test_an_evaluation_is_the_same_in_any_chunks_and_another_for_another_seed():
    family = Lines()
    learner = ridge(family)
    before = fingerprint(learner)
    tasks = tasks_of(family, [{"slope": s, "shots": 1 + i} for i, s in enumerate((-1, 0, 1, 2))])
    whole, parts, other = (
        evaluate_problems(learner, family, tasks, seed=seed, chunk=chunk).outcomes
        for seed, chunk in ((0, 9), (0, 3), (1, 9))
    )
    assert np.array_equal(whole.complete, parts.complete)
    assert whole.returns == pytest.approx(parts.returns, rel=1e-6, abs=1e-6)
    assert not np.allclose(whole.returns, other.returns)
    assert fingerprint(learner) == before


def test_guessing_is_worth_minus_the_variance_and_one_in_n():
    lines, halves = Lines(), Halves()
    rows = [{"slope": 3.0, "shots": 8}] * 400
    tasks = tasks_of(lines, [{**row, "intercept": i / 400} for i, row in enumerate(rows)])
    curve = evaluate_problems(Guesser(lines.target_space), lines, tasks, seed=0)
    # Uniform on [−1, 1] has variance 1/3, and a mean of 8 adds an eighth of it.
    assert curve.outcomes.returns.mean() == pytest.approx(-9 / 3 * (1 + 1 / 8), rel=0.1)
    some = tasks_of(halves, [{"threshold": t / 10} for t in range(5)])
    found = evaluate_problems(Guesser(halves.target_space), halves, some, seed=0)
    assert found.outcomes.returns.tolist() == [[0.5]] * 5
