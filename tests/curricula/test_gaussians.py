"""Mixtures of Gaussians against scikit-learn's, and what is drawn from them."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from curricula.gaussians import Fit, Mixture, expectation_maximization, fitted, to_unit_range


def clusters(num, rng, width=0.02):
    centres = np.array([[0.2, 0.2, 0.1], [0.8, 0.3, 0.9], [0.5, 0.8, 0.5]])
    return centres[rng.integers(3, size=num)] + width * rng.standard_normal((num, 3))


def judge(fit):
    """Returns scikit-learn's mixture with the parameters of a fit."""
    mixture = GaussianMixture(len(fit.probs))
    mixture.weights_, mixture.means_, mixture.covariances_ = fit.probs, fit.means, fit.covariances
    mixture.precisions_cholesky_ = np.array(
        [np.linalg.inv(np.linalg.cholesky(c)).T for c in fit.covariances]
    )
    return mixture


@pytest.mark.parametrize("num", [1, 2, 5])
def test_likelihood_and_criterion_are_those_of_scikit_learn(num):
    rng = np.random.default_rng(num)
    points = np.column_stack([rng.random((120, 2)), rng.random(120) ** 3])
    fit = expectation_maximization(points, num, rng)
    assert fit.log_likelihood / 120 == pytest.approx(judge(fit).score(points), abs=1e-9)
    assert fit.aic == pytest.approx(judge(fit).aic(points), abs=1e-6)


def test_it_explains_points_as_well_as_scikit_learn_does():
    points = clusters(300, np.random.default_rng(0))
    best = max(
        expectation_maximization(points, 3, np.random.default_rng(i)).log_likelihood
        for i in range(5)
    )
    theirs = GaussianMixture(3, n_init=5, reg_covar=1e-5, random_state=0).fit(points)
    assert best / 300 == pytest.approx(theirs.score(points), abs=2e-3)


def test_the_criterion_finds_as_many_as_there_are():
    points = clusters(300, np.random.default_rng(1))
    fit = fitted(points, 8, np.random.default_rng(0))
    assert len(fit.probs) == 3
    order = np.argsort(fit.means[:, 0])
    np.testing.assert_allclose(
        fit.means[order], [[0.2, 0.2, 0.1], [0.5, 0.8, 0.5], [0.8, 0.3, 0.9]], atol=0.01
    )


def test_few_points_are_not_modelled_and_equal_ones_do_no_harm():
    rng = np.random.default_rng(0)
    assert fitted(rng.random((9, 2)), 10, rng) is None
    same = fitted(np.full((40, 2), 0.5), 4, rng)
    assert np.isfinite(same.means).all()
    assert np.isfinite(same.log_likelihood)


def test_drawing_goes_by_interest_and_what_is_of_none_is_never_drawn():
    means = np.array([[0.1, 0.5], [0.5, 3.0], [0.9, 1.0]])
    fit = Fit(np.array([0.8, 0.1, 0.1]), means, np.tile(1e-6 * np.eye(2), (3, 1, 1)), 0.0)
    mixture = fit.toward(np.array([-1.0, 3.0, 1.0]), 1)
    drawn = mixture.sample(4000, np.random.default_rng(0))[:, 0]
    assert (np.abs(drawn - 0.5) < 0.01).mean() == pytest.approx(0.75, abs=0.03)
    assert (np.abs(drawn - 0.9) < 0.01).mean() == pytest.approx(0.25, abs=0.03)
    assert fit.toward(np.array([0.0, -2.0, np.nan]), 1) is None


def test_what_is_drawn_lies_in_the_cube_and_not_in_a_heap_on_its_edge():
    mixture = Mixture(np.array([1.0]), np.array([[0.02, 0.5]]), np.array([0.05 * np.eye(2)]))
    drawn = mixture.sample(3000, np.random.default_rng(0))
    assert ((drawn >= 0.0) & (drawn <= 1.0)).all()
    assert (drawn == 0.0).mean() < 0.01


def test_covariances_shape_what_is_drawn():
    covariance = 0.01 * np.array([[1.0, 0.8], [0.8, 1.0]])
    drawn = Mixture(np.array([1.0]), np.array([[0.5, 0.5]]), covariance[None]).sample(
        5000, np.random.default_rng(0)
    )
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=6e-4)


def test_a_state_is_plain_and_whole():
    mixture = Mixture(np.array([1.0]), np.array([[0.5]]), np.array([[[0.1]]]))
    state = mixture.state_dict()
    assert state == {"probs": [1.0], "means": [[0.5]], "covariances": [[[0.1]]]}
    again = Mixture.from_state(state)
    np.testing.assert_array_equal(
        again.sample(9, np.random.default_rng(0)), mixture.sample(9, np.random.default_rng(0))
    )


def test_a_range_without_width_is_zero():
    assert to_unit_range(np.array([3.0, 3.0])).tolist() == [0.0, 0.0]
