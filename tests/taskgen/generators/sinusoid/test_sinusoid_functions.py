import math

import numpy as np
import pytest

from taskgen.generators.sinusoid import functions


def arrays(*rows):
    defaults = {"family": "sine", "amplitude": 1.0, "phase": 0.0, "frequency": 1.0, "draw": 0}
    full = [{**defaults, **row} for row in rows]
    return {name: np.array([row[name] for row in full]) for name in defaults}


def test_values_by_hand():
    found = functions.evaluate(
        arrays(
            {"amplitude": 2.0, "phase": math.pi / 2},  # 2 sin(x − π/2)
            {"frequency": 2.0, "phase": math.pi},  # sin(2x − π)
            {"family": "line", "amplitude": 3.0, "phase": math.pi / 2, "frequency": 9.0},
            {"family": "line", "amplitude": 3.0},  # 3 x/5
            {"family": "step", "amplitude": 4.0, "phase": 0.5},
        ),
        np.array([[0.0, 1.0], [math.pi / 4, 0.0], [0.0, 2.0], [0.0, 5.0], [0.4, 0.6]]),
    )
    expected = [[-2.0, 2.0 * math.sin(1 - math.pi / 2)], [-1.0, 0.0], [-3.0, -3.0], [0.0, 3.0]]
    assert found[:4] == pytest.approx(np.array(expected), abs=1e-12)
    assert found[4].tolist() == [-4.0, 4.0]


def test_functions_of_a_mixed_batch_are_those_of_each_alone():
    rows = [
        {"family": name, "amplitude": 1.5, "phase": 0.3, "frequency": 1.7, "draw": 12345 + i}
        for i, name in enumerate([*functions.FAMILIES, *functions.FAMILIES[::-1]])
    ]
    x = np.random.default_rng(0).uniform(-5, 5, (len(rows), 7))
    alone = [functions.evaluate(arrays(row), x[i : i + 1])[0] for i, row in enumerate(rows)]
    assert functions.evaluate(arrays(*rows), x) == pytest.approx(np.array(alone), rel=1e-12)


def test_harmonics_have_the_power_of_a_sine_whatever_is_drawn():
    rows = [{"family": "harmonics", "amplitude": 2.0, "draw": d} for d in range(50)]
    grid = np.linspace(0.0, 2 * math.pi, 64, endpoint=False)
    values = functions.evaluate(arrays(*rows), np.tile(grid, (50, 1)))
    assert (values**2).mean(axis=1) == pytest.approx(np.full(50, 2.0))


def test_draws_of_gp_have_the_covariance_that_is_said():
    num, x = 4000, np.array([0.0, 0.25, 0.5, 1.0])
    rows = arrays(*[{"family": "gp", "amplitude": 2.0, "frequency": 2.0} for _ in range(num)])
    rows["draw"] = np.random.default_rng(0).integers(2**52, size=num)
    values = functions.evaluate(rows, np.tile(x, (num, 1)))
    # A²/2 · exp(−(ω Δx)²/2); the standard error of such an estimate is about 2·√2/√4000 = 0.045.
    expected = 2.0 * np.exp(-((2.0 * (x[:, None] - x)) ** 2) / 2)
    assert values.mean(axis=0) == pytest.approx(np.zeros(4), abs=0.1)
    assert values.T @ values / num == pytest.approx(expected, abs=0.2)


def test_the_root_mean_square_of_a_sine_over_whole_periods():
    half_widths = np.array([math.pi, 2 * math.pi])
    found = functions.root_mean_squares(arrays({"amplitude": 3.0}, {"amplitude": 3.0}), half_widths)
    assert found == pytest.approx(np.full(2, 3.0 / math.sqrt(2)), rel=1e-2)
