"""Supervised RL²: what its memory reads, that answers see nothing else, that it learns."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learners.algorithms.rl2_supervised import SupervisedRL2
from learners.checks import check_learner
from learners.problem_adaptation import as_sets
from learners.problem_evaluation import Guesser, evaluate_problems
from taskgen.judging import SHOTS

sys.path.append(str(Path(__file__).parents[1] / "taskgen"))
from lines_family import Halves, Lines

FAMILIES = {"numbers": Lines(), "classes": Halves()}
SMALL = {"hidden_size": 8, "encoder_sizes": (5,), "device": "cpu"}


def make(family, seed=0, **settings):
    config = SupervisedRL2.Config(**{**SMALL, **settings})
    return SupervisedRL2(family.input_space, family.target_space, config, seed)


def tasks_of(family, num, seed=0, **ranges):
    rng = np.random.default_rng(seed)
    columns = dict(family.space.columns([family.space.complete({})] * num))
    for name, (low, high) in ranges.items():
        columns[name] = rng.uniform(low, high, num)
    return family.make_tasks(columns, rng.integers(2**31, size=num))


def problems_of(family, num, **ranges):
    return family.make_problems(tasks_of(family, num, **ranges), np.random.default_rng(0))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("settings", [{}, {"encoder_sizes": (), "activation": "tanh"}])
def test_it_keeps_its_promises(family, settings):
    config = SupervisedRL2.Config(**{**SMALL, **settings})
    check_learner(SupervisedRL2, family, config).raise_if_failed()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_question_is_one_more_step_of_the_memory(family):
    learner, problems = make(family), problems_of(family, 3)
    network, sets = learner.network, as_sets(problems)
    said = learner.predict(problems)
    assert said.unit == SHOTS
    targets = network._target.features(sets["support_y"])
    num_shots = int(problems.num_shots[2])
    for task, shots, query in [(0, 0, 0), (1, 1, 2), (2, num_shots, 1)]:
        points = torch.cat((sets["support_x"][task, :shots], sets["query_x"][task, query][None]))
        last = torch.zeros(shots + 1, targets.shape[-1] + 1)
        last[1:, :-1], last[1:, -1] = targets[task, :shots], 1.0
        inputs = torch.cat((network._features(points[None])[0], last), dim=-1)
        with torch.no_grad():
            hiddens, _ = network.memory(inputs[:, None])
            shared = {n: v[None] for n, v in network.head.items()}
            outputs = network._decode(shared, hiddens[-1][None])[0, 0]
        np.testing.assert_allclose(said.values[task, shots, query], outputs, atol=1e-5)


def test_after_k_shots_it_has_read_k_points():
    family, learner = FAMILIES["numbers"], make(FAMILIES["numbers"])
    problems = problems_of(family, 4)
    before = learner.predict(problems).values
    changed = problems.support_y.copy()
    changed[:, 2] += 5.0
    after = learner.predict(replace(problems, support_y=changed)).values
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (np.abs(before[:, 3:] - after[:, 3:]).max(axis=(2, 3)) > 1e-4).all()


def test_a_problem_of_fewer_shots_is_learned_from_as_far_as_it_goes():
    family = FAMILIES["numbers"]
    learner = make(family)
    problems = problems_of(family, 2)
    shots = int(problems.num_shots[0])
    sets = as_sets(problems)
    losses, counts = learner._losses(learner.network(sets), sets)
    assert counts.sum(dim=1).tolist() == [shots + 1] * 2
    assert (losses[:, shots + 1 :] == 0.0).all()
    assert (losses[:, : shots + 1] > 0.0).all()


def test_it_learns_lines_from_points():
    family, ranges = FAMILIES["numbers"], {"intercept": (-2.0, 2.0), "slope": (-3.0, 3.0)}
    learner = make(family, hidden_size=32, encoder_sizes=(16,), lr=5e-3)
    for update in range(400):
        tasks = tasks_of(family, 32, seed=update, **ranges)
        learner.meta_train(family, tasks, np.ones(32, dtype=bool), np.random.default_rng(update))
    exam = tasks_of(family, 128, seed=999, **ranges)
    errors = -evaluate_problems(learner, family, exam, seed=0).outcomes.returns.mean(axis=0)
    guessed = evaluate_problems(Guesser(family.target_space), family, exam, seed=0)
    shots = int(family.space.complete({})["shots"])
    assert errors[shots] < 0.15 * -guessed.outcomes.returns.mean()
    assert errors[shots] < 0.3 * errors[1] < errors[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden_size": 0}, "hidden_size must be above 0"),
        ({"encoder_sizes": (3, 0)}, "encoder_sizes must be above 0"),
        ({"filters": ()}, "filters must name one"),
        ({"network": "rnn"}, "network must be mlp or conv"),
        ({"max_grad_norm": 0.0}, "max_grad_norm must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        SupervisedRL2.Config(**settings)
