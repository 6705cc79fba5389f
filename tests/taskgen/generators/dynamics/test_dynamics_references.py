"""What a learner's error is compared with."""

import numpy as np
import pytest

from taskgen.generators.dynamics import NoChange, Ridge
from taskgen.problems import Problems

PENALTIES = (0.1, 1.0, 10.0)


def problems_of(num_tasks=4, num_support=9, num_query=5, num_x=3, num_y=2, noise=0.3):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_tasks, num_support + num_query, num_x))
    slopes = rng.normal(size=(num_tasks, num_x, num_y))
    y = x @ slopes + 2.0 + noise * rng.normal(size=(*x.shape[:2], num_y))
    x, y = x.astype(np.float32), y.astype(np.float32)
    shots = num_support - np.arange(num_tasks)
    mask = np.arange(num_support) < shots[:, None]
    return Problems(
        x[:, :num_support], y[:, :num_support], x[:, num_support:], y[:, num_support:], mask
    )


def fitted(x, y, penalty):
    """Slopes and offset by the normal equations."""
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    inside = (x - mean_x).T @ (x - mean_x) + penalty * np.eye(x.shape[1])
    slopes = np.linalg.solve(inside, (x - mean_x).T @ (y - mean_y))
    return slopes, mean_y - mean_x @ slopes


def by_hand(x, y, asked):
    """The ridge whose error at points that are really left out is least."""
    errors = []
    for penalty in PENALTIES:
        error = 0.0
        for i in range(len(x)):
            slopes, offset = fitted(np.delete(x, i, 0), np.delete(y, i, 0), penalty)
            error += np.square(y[i] - x[i] @ slopes - offset).sum()
        errors.append(error)
    slopes, offset = fitted(x, y, PENALTIES[int(np.argmin(errors))])
    return asked @ slopes + offset


@pytest.mark.parametrize("noise", [0.01, 0.5, 3.0])
def test_ridge_is_that_of_each_task_alone(noise):
    problems = problems_of(noise=noise)
    said = Ridge(PENALTIES).predict(problems)
    assert said.values.shape == (4, 1, 5, 2)
    for b, mask in enumerate(problems.mask):
        x, y = (getattr(problems, f"support_{a}")[b][mask].astype(float) for a in "xy")
        right = by_hand(x, y, problems.query_x[b].astype(float))
        assert said.values[b, 0] == pytest.approx(right, abs=1e-4)


def test_ridge_finds_a_linear_function_and_ignores_padding():
    problems = problems_of(noise=0.0)
    said = Ridge((1e-6,)).predict(problems).values[:, 0]
    assert said == pytest.approx(problems.query_y, abs=1e-3)
    problems.support_x[~problems.mask] = 99.0
    problems.support_y[~problems.mask] = -99.0
    assert np.array_equal(Ridge((1e-6,)).predict(problems).values[:, 0], said)


def test_ridge_of_one_point_says_that_point():
    problems = problems_of(num_tasks=1, num_support=1)
    said = Ridge().predict(problems).values
    assert said == pytest.approx(np.broadcast_to(problems.support_y[0, 0], said.shape))


def test_no_change_is_nothing():
    assert not NoChange().predict(problems_of()).values.any()
