from dataclasses import replace

import numpy as np
import pytest

from taskgen.outcomes import Outcomes, concatenate


def outcomes(B, E, H, *, successes=True, td_errors=True, fill=1.0):
    return Outcomes(
        returns=np.full((B, E), fill),
        lengths=np.full((B, E), 2),
        successes=np.ones((B, E), dtype=bool) if successes else None,
        complete=np.ones((B, E), dtype=bool),
        valid=np.ones((B, H), dtype=bool),
        td_errors=np.full((B, H), fill, dtype=np.float32) if td_errors else None,
    )


def test_parts_are_padded_to_the_longest_with_what_does_not_count():
    joined = concatenate([outcomes(2, 1, 3), outcomes(1, 2, 5, fill=7.0)])
    assert joined.returns.tolist() == [[1, 0], [1, 0], [7, 7]]
    assert joined.complete.tolist() == [[True, False], [True, False], [True, True]]
    assert joined.valid.sum(axis=1).tolist() == [3, 3, 5]
    assert joined.td_errors.dtype == np.float32
    assert joined.td_errors[0].tolist() == [1, 1, 1, 0, 0]
    assert (joined.num_tasks, joined.num_env_steps) == (3, 11)


def test_what_has_no_meaning_stays_none():
    parts = [outcomes(1, 1, 1, successes=False, td_errors=False) for _ in range(2)]
    joined = concatenate(parts)
    assert joined.successes is None
    assert joined.td_errors is None
    assert concatenate(parts[:1]) is parts[0]


def test_shapes_that_do_not_fit_are_refused():
    good = outcomes(2, 3, 4)
    with pytest.raises(ValueError, match="lengths must have the shape of returns"):
        Outcomes(good.returns, good.lengths[:1], None, good.complete, good.valid)
    with pytest.raises(ValueError, match="td_errors must have the shape of valid"):
        Outcomes(good.returns, good.lengths, None, good.complete, good.valid, good.td_errors[:, 1:])


def test_a_task_that_was_not_played_leaves_nothing():
    cleared = outcomes(2, 3, 4).without(np.array([False, True]))
    assert cleared.returns.tolist() == [[1.0] * 3, [0.0] * 3]
    assert cleared.complete.all(axis=1).tolist() == [True, False]
    assert cleared.valid.sum(axis=1).tolist() == [4, 0]
    assert cleared.td_errors.sum(axis=1).tolist() == [4.0, 0.0]
    assert cleared.returns.dtype == np.float64
    assert outcomes(1, 1, 1, successes=False).without(np.array([True])).successes is None


def test_what_the_critic_says_of_lifetimes_goes_along():
    one = replace(outcomes(2, 1, 3), expected_returns=np.array([1.0, 2.0]))
    other = replace(outcomes(1, 2, 5), expected_returns=np.array([3.0]))
    joined = concatenate([one, other])
    assert joined.expected_returns.tolist() == [1.0, 2.0, 3.0]
    assert joined.discounted_returns is None
    cleared = joined.without(np.array([False, True, False])).expected_returns
    np.testing.assert_array_equal(cleared, [1.0, np.nan, 3.0])
    with pytest.raises(ValueError, match="expected_returns must have the shape"):
        replace(one, expected_returns=np.ones(3))
