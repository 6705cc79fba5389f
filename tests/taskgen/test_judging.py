import numpy as np
import pytest

from taskgen.judging import (
    GRADIENT_STEPS,
    SHOTS,
    WORST_ERROR,
    Predictions,
    accuracies,
    guessed,
    outcomes_of,
    returns_of,
    squared_errors,
)
from taskgen.problems import Problems


def regression(mask=((1, 1, 0), (1, 1, 1))):
    x = np.zeros((2, 3, 1), np.float32)
    support_y = np.array([[[2.0], [4.0], [9.0]], [[3.0], [3.0], [6.0]]], np.float32)
    query_y = np.array([[[1.0], [3.0]], [[0.0], [2.0]]], np.float32)
    return Problems(x, support_y, x[:, :2], query_y, np.array(mask, dtype=bool))


def classes():
    x = np.zeros((1, 2, 1), np.float32)
    y = np.array([[0, 1]])
    return Problems(x, y, x, y[:, ::-1].copy(), np.ones((1, 2), dtype=bool))


def said(values, unit=GRADIENT_STEPS):
    return Predictions(np.array(values, dtype=np.float32), unit)


def test_squared_errors_by_hand():
    values = np.array([[[[1.0, 0.0], [3.0, 2.0]], [[2.0, 2.0], [3.0, 6.0]]]])
    targets = np.array([[[1.0, 2.0], [3.0, 2.0]]])
    # Unit 0 is off by 2 in one number of four, unit 1 by 1 and by 4.
    assert squared_errors(values, targets).tolist() == [[1.0, 17 / 4]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_what_diverged_has_the_worst_error(value):
    found = squared_errors(np.array([[[[value]], [[1.0]]]], np.float32), np.ones((1, 1, 1)))
    assert found.tolist() == [[WORST_ERROR, 0.0]]


def test_accuracies_by_hand():
    logits = np.array([[[[0.0, 2.0, 1.0], [5.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]])
    assert accuracies(logits, np.array([[1, 0, 2, 2]])).tolist() == [[0.75]]


def test_equal_logits_are_worth_their_share():
    assert accuracies(np.zeros((1, 1, 3, 4)), np.array([[0, 1, 3]])).tolist() == [[0.25]]
    tied = np.array([[[[1.0, 1.0, 0.0]]]])
    assert accuracies(tied, np.array([[0]])).tolist() == [[0.5]]
    assert accuracies(tied, np.array([[2]])).tolist() == [[0.0]]


def test_logits_that_are_no_numbers_are_wrong():
    assert accuracies(np.full((1, 1, 1, 2), np.nan), np.array([[0]])).tolist() == [[0.0]]
    assert accuracies(np.array([[[[3.0, np.nan]]]]), np.array([[0]])).tolist() == [[0.0]]


def test_gradient_steps_take_in_all_shots_at_once():
    values = np.zeros((2, 3, 2, 1))
    values[:, 1:] = [[1.0], [3.0]]
    outcomes = outcomes_of(regression(), said(values))
    assert outcomes.returns.tolist() == [[-5.0, 0.0, 0.0], [-2.0, -1.0, -1.0]]
    assert outcomes.lengths.tolist() == [[0, 2, 0], [0, 3, 0]]
    assert outcomes.complete.all()
    assert outcomes.successes is None
    assert outcomes.unit == "gradient steps"
    assert outcomes.valid.sum(axis=1).tolist() == [4, 5]  # 2 and 3 shots, 2 query points
    assert outcomes.num_env_steps == 9


def test_shots_end_where_a_task_has_no_more():
    outcomes = outcomes_of(regression(), said(np.ones((2, 4, 2, 1)), SHOTS))
    assert outcomes.lengths.tolist() == [[0, 1, 1, 0], [0, 1, 1, 1]]
    assert outcomes.complete.tolist() == [[True, True, True, False], [True] * 4]
    assert outcomes.returns.tolist() == [[-2.0, -2.0, -2.0, 0.0], [-1.0] * 4]


def test_classes_are_judged_by_accuracy():
    logits = [[[[0.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]]
    assert returns_of(classes(), said(logits)).tolist() == [[0.5, 0.5, 1.0]]


@pytest.mark.parametrize("shape", [(2, 1, 3, 1), (1, 1, 2, 1), (2, 1, 2, 2), (2, 2, 1)])
def test_predictions_of_other_points_are_refused(shape):
    with pytest.raises(ValueError, match="predictions must be"):
        returns_of(regression(), said(np.zeros(shape)))


def test_predictions_are_float32_and_name_their_unit():
    with pytest.raises(ValueError, match="must be float32"):
        Predictions(np.zeros((1, 1, 1)), SHOTS)
    with pytest.raises(ValueError, match="name their unit"):
        Predictions(np.zeros((1, 1, 1), np.float32), "")


def test_a_guess_is_the_mean_of_what_counts():
    found = guessed(regression()).values
    assert found.shape == (2, 1, 2, 1)
    assert found[:, 0, :, 0].tolist() == [[3.0, 3.0], [4.0, 4.0]]


def test_a_guess_of_classes_is_worth_one_in_n():
    problems = classes()
    assert returns_of(problems, guessed(problems, 5)).tolist() == [[0.2]]


def test_padding_beyond_every_task_is_no_unit():
    problems = regression(mask=((1, 0, 0), (1, 1, 0)))
    outcomes = outcomes_of(problems, said(np.ones((2, 4, 2, 1)), SHOTS))
    assert outcomes.complete.tolist() == [[True, True, False], [True, True, True]]
    assert outcomes_of(problems, said(np.ones((2, 4, 2, 1)))).complete.shape == (2, 4)
