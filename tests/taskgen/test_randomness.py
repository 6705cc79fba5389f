import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from taskgen.randomness import fold, mix, task_keys, uniform_at, uniforms

_GAMMA = 0x9E3779B97F4A7C15


def test_published_vector_of_splitmix64():
    # The first outputs of the generator with seed 1234567, as in Rosetta Code's reference.
    states = np.array([(1234567 + k * _GAMMA) % 2**64 for k in range(1, 6)], dtype=np.uint64)
    assert mix(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_uniforms_are_uniform_and_their_streams_unrelated():
    keys = task_keys(
        0, [hashlib.sha256(bytes([k % 256, k // 256])).hexdigest() for k in range(500)]
    )
    draws = uniforms(keys, 200)
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    counts, _ = np.histogram(draws, bins=20, range=(0, 1))
    expected = draws.size / 20
    # χ² with 19 degrees of freedom: 43.8 is passed once in a thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 43.8
    correlation = np.corrcoef(draws)[~np.eye(500, dtype=bool)]
    assert abs(correlation.mean()) < 1e-3
    assert abs(correlation).max() < 6 / np.sqrt(200)


@given(st.lists(st.integers(0, 2**256 - 1), min_size=2, max_size=8, unique=True), st.integers())
def test_a_stream_does_not_depend_on_its_slot(numbers, seed):
    ids = [f"{number:064x}" for number in numbers]
    keys = task_keys(seed, ids)
    alone = [task_keys(seed, [task_id])[0] for task_id in ids]
    assert keys.tolist() == [int(key) for key in alone]
    together, apart = uniforms(keys, 3), [uniforms(keys[[i]], 3)[0] for i in range(len(ids))]
    assert np.array_equal(together, np.stack(apart))


def test_seeds_and_episodes_have_streams_of_their_own():
    ids = ["ab" * 32]
    assert task_keys(0, ids) != task_keys(1, ids)
    keys = task_keys(0, ids)
    assert len({int(fold(keys, episode)[0]) for episode in range(100)}) == 100


def test_uniform_at_is_one_column_of_uniforms():
    keys = np.arange(10, dtype=np.uint64)
    assert np.array_equal(uniform_at(keys, np.arange(10)), uniforms(keys, 10).diagonal())
