"""Running scales: batch by batch equals all at once, and they travel bit for bit."""

import numpy as np
import pytest
import torch

from learners.normalization import ObservationNormalizer, RewardScaler, RunningMoments


def test_moments_of_batches_are_the_moments_of_everything():
    rng = np.random.default_rng(0)
    values = rng.normal(1e4, 3.0, size=(1000, 2))
    moments = RunningMoments((2,))
    for part in np.array_split(values, [1, 10, 11, 400]):
        moments.update(part)
    np.testing.assert_allclose(moments.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, values.var(axis=0), rtol=1e-9)


def test_rewards_are_scaled_by_the_deviation_of_the_return_so_far():
    rewards = np.array([[2.0, 2.0, 2.0], [0.0, 0.0, 99.0]])
    valid = np.array([[True, True, True], [True, True, False]])
    scaler = RewardScaler(gamma=1.0)
    scaler.update(rewards, valid)
    deviation = np.std([2.0, 4.0, 6.0, 0.0, 0.0])
    np.testing.assert_allclose(scaler.scale(rewards)[0], 2.0 / deviation, rtol=1e-6)
    assert scaler.scale(np.array([1e9, -1e9])).tolist() == [10.0, -10.0]


def test_a_scaler_that_is_off_passes_rewards_as_they_are():
    scaler = RewardScaler(gamma=0.9, enabled=False)
    scaler.update(np.full((1, 3), 50.0), np.ones((1, 3), dtype=bool))
    assert scaler.scale(np.array([50.0])).tolist() == [50.0]
    assert scaler.input_unit == 1.0


def test_the_network_counts_rewards_in_their_typical_size_where_that_is_above_1():
    scaler = RewardScaler(gamma=0.9)
    assert scaler.input_unit == 1.0
    scaler.update(np.array([[0.5, 0.0, 99.0]]), np.array([[True, True, False]]))
    assert scaler.input_unit == 1.0, "small rewards stay raw"
    scaler.update(np.array([[-8.0, 4.0]]), np.ones((1, 2), dtype=bool))
    assert scaler.input_unit == pytest.approx(np.sqrt((0.25 + 64 + 16) / 4))


def test_observations_are_standardised_and_clipped_in_place():
    normalizer = ObservationNormalizer(2)
    normalizer.update(np.array([[0.0, 5.0], [4.0, 5.0]]))
    features = np.array([[4.0, 5.0], [1e6, 5.0]], dtype=np.float32)
    normalizer.apply(features)
    np.testing.assert_allclose(features, [[1.0, 0.0], [10.0, 0.0]])


def test_a_feature_that_never_varied_says_nothing_until_it_does():
    normalizer = ObservationNormalizer(2)
    normalizer.update(np.array([[0.7, 1.0], [0.7, 3.0]], dtype=np.float32))
    features = np.array([[0.75, 3.0]], dtype=np.float32)
    normalizer.apply(features)
    np.testing.assert_allclose(features, [[0.0, 1.0]])
    normalizer.update(np.array([[0.9, 2.0], [0.5, 2.0]]))
    features = np.array([[0.9, 2.0]], dtype=np.float32)
    normalizer.apply(features)
    np.testing.assert_allclose(features, [[2.0**0.5, 0.0]], atol=1e-6)


@pytest.mark.parametrize("make", [lambda: ObservationNormalizer(3), lambda: RewardScaler(0.9)])
def test_scales_travel_bit_for_bit(make, tmp_path):
    batch = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    more = () if isinstance(make(), ObservationNormalizer) else (np.ones((7, 3), dtype=bool),)
    here, there = make(), make()
    here.update(batch, *more)
    torch.save(here.state_dict(), tmp_path / "state")
    there.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    for scale in (here, there):
        scale.update(batch + 1, *more)
    assert str(here.state_dict()) == str(there.state_dict())
    used = [batch.copy(), batch.copy()]
    for scale, features in zip((here, there), used, strict=True):
        features[:] = scale.scale(features) if more else (scale.apply(features), features)[1]
    np.testing.assert_array_equal(*used)
    assert not np.array_equal(used[0], batch)
