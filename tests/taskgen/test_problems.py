import numpy as np
import pytest

from taskgen.problems import Problems, stacked


def floats(*shape):
    return np.zeros(shape, dtype=np.float32)


def parts(B=2, S=3, Q=4):
    return {
        "support_x": floats(B, S, 5),
        "support_y": floats(B, S, 1),
        "query_x": floats(B, Q, 5),
        "query_y": floats(B, Q, 1),
        "mask": np.ones((B, S), dtype=bool),
    }


def test_well_formed_problems_know_their_sizes():
    problems = Problems(**{**parts(), "mask": np.array([[1, 0, 0], [1, 1, 1]], dtype=bool)})
    assert len(problems) == 2
    assert problems.num_query == 4
    assert problems.num_shots.tolist() == [1, 3]
    assert not problems.has_classes


def test_classes_are_whole_numbers_without_an_axis_of_their_own():
    classes = {"support_y": np.zeros((2, 3), int), "query_y": np.zeros((2, 4), int)}
    assert Problems(**{**parts(), **classes}).has_classes
    with pytest.raises(ValueError, match="classes have no"):
        Problems(
            **{
                **parts(),
                "support_y": np.zeros((2, 3, 1), int),
                "query_y": np.zeros((2, 4, 1), int),
            }
        )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("support_x", np.zeros((2, 3, 5)), "support_x must be float32, got float64"),
        ("query_y", np.zeros((2, 4), dtype=np.int32), "query_y must be float32 or int64"),
        ("query_y", np.zeros((2, 4), dtype=np.int64), "both be numbers or both classes"),
        ("mask", np.ones((2, 3)), "mask must be bool"),
        ("mask", np.ones((2, 2), dtype=bool), "problems need support_x"),
        ("query_x", floats(2, 4, 6), "problems need support_x"),
        ("query_x", floats(3, 4, 5), "problems need support_x"),
        ("query_y", floats(2, 4, 2), "problems need support_x"),
        ("mask", np.array([[0, 1, 1], [1, 1, 1]], dtype=bool), "come first"),
        ("mask", np.array([[1, 0, 1], [1, 1, 1]], dtype=bool), "come first"),
        ("mask", np.zeros((2, 3), dtype=bool), "needs one at least"),
    ],
)
def test_what_does_not_fit_is_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        Problems(**{**parts(), name: value})


def test_a_selection_keeps_rows_together():
    fields = parts(B=3)
    for value in fields.values():
        value[...] = np.arange(3).reshape((3,) + (1,) * (value.ndim - 1)) + 1
    chosen = Problems(**fields).select([2, 0])
    assert chosen.support_x[:, 0, 0].tolist() == [3.0, 1.0]
    assert chosen.query_y[:, 0, 0].tolist() == [3.0, 1.0]


def test_stacking_pads_the_support_sets_and_leaves_the_padding_out():
    short, long = Problems(**parts(B=1, S=2)), Problems(**parts(B=2, S=5))
    both = stacked([short, long])
    assert both.support_x.shape == (3, 5, 5)
    assert both.query_x.shape == (3, 4, 5)
    assert both.num_shots.tolist() == [2, 5, 5]
    assert both.mask[0].tolist() == [True, True, False, False, False]
