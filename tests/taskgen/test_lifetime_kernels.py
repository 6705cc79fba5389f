"""What is counted of a step, by hand; whole lifetimes are played in test_vector."""

import numpy as np
import pytest

from taskgen.lifetime_kernels import all_finite, write_left


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 7, 99])
def test_one_number_that_is_not_finite_is_found_wherever_it_stands(
    dtype: type[np.floating], bad: float, index: int
) -> None:
    numbers = np.full(100, np.finfo(dtype).max, dtype)  # the sum of which is not finite
    assert all_finite(numbers)
    numbers[index] = bad
    assert not all_finite(numbers)


@pytest.mark.parametrize(
    ("num_episodes", "num_steps", "expected"),
    [
        (4, -1, [0.875, 0.0, 0.25]),  # 1 - (0 + 5/10) / 4, waiting, 1 - (2 + 10/10) / 4
        (-1, 40, [0.875, 0.0, 0.25]),  # 1 - 5/40, waiting, 1 - 30/40
        (2, 40, [0.75, 0.0, 0.0]),  # the scarcer one; never below 0
    ],
)
def test_what_is_left_of_a_lifetime(
    num_episodes: int, num_steps: int, expected: list[float]
) -> None:
    left = np.zeros(3, dtype=np.float32)
    write_left(
        left,
        np.array([True, False, True]),
        np.array([0, 1, 2]),
        np.array([5, 3, 10]),
        np.array([5, 13, 30]),
        np.array([10, 10, 10]),
        num_episodes,
        num_steps,
    )
    np.testing.assert_array_equal(left, np.float32(expected))
