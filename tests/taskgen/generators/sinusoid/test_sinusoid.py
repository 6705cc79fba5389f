import math

import numpy as np
import pytest

from taskgen.generators.sinusoid import PUBLISHED, Sinusoid, functions

FAMILY = Sinusoid()


def task(seed=0, **params):
    return FAMILY.make_task(FAMILY.space.complete(params), seed)


def drawn(tasks, seed=0, family=FAMILY):
    return family.make_problems(tasks, np.random.default_rng(seed))


def test_targets_are_those_of_the_function():
    problems = drawn([task(amplitude=2.0, phase=0.5, frequency=1.5, shots=4)])
    for x, y in (
        (problems.support_x, problems.support_y),
        (problems.query_x, problems.query_y),
    ):
        assert y == pytest.approx(2.0 * np.sin(1.5 * x - 0.5), abs=1e-5)
    assert problems.support_x.shape == (1, 4, 1)
    assert problems.query_x.shape == (1, 10, 1)


def test_inputs_are_uniform_over_the_range():
    problems = drawn([task(x_range=3.0)], family=Sinusoid(num_query=20_000))
    x = problems.query_x
    assert -3.0 <= x.min() < -2.99
    assert 2.99 < x.max() < 3.0
    assert x.mean() == pytest.approx(0.0, abs=0.05)
    assert x.var() == pytest.approx(3.0, rel=0.03)


def test_noise_is_on_what_is_shown_and_not_on_what_is_asked():
    tasks = [task(noise=0.5, shots=40)] * 200
    problems = drawn(tasks)
    errors = problems.support_y - np.sin(problems.support_x)
    assert errors.std() == pytest.approx(0.5, rel=0.05)
    assert errors.mean() == pytest.approx(0.0, abs=0.03)
    assert problems.query_y == pytest.approx(np.sin(problems.query_x), abs=1e-6)


def test_tasks_of_a_batch_have_their_own_numbers_of_shots():
    problems = drawn([task(shots=3), task(shots=7), task(shots=1)])
    assert problems.num_shots.tolist() == [3, 7, 1]
    assert problems.support_x.shape[1] == 7


def test_points_of_a_key_do_not_depend_on_the_shots_of_others():
    keys = np.array([3, 4], dtype=np.uint64)
    here = FAMILY.make_keyed_problems([task(shots=5), task(shots=40)], keys)
    alone = FAMILY.make_keyed_problems([task(shots=5)], keys[:1])
    assert np.array_equal(here.support_x[:1, :5], alone.support_x)
    assert np.array_equal(here.query_x[:1], alone.query_x)


def test_pictures_ask_on_a_grid_and_show_the_same_points():
    keys = np.array([3, 4], dtype=np.uint64)
    tasks = [task(shots=5, noise=0.3, x_range=4.0), task(shots=8)]
    drawn, shown = FAMILY.make_keyed_problems(tasks, keys), FAMILY.make_shown_problems(tasks, keys)
    assert np.array_equal(drawn.support_x, shown.support_x)
    assert np.array_equal(drawn.support_y, shown.support_y)
    assert shown.query_x[0, [0, 100, 200], 0].tolist() == [-4.0, 0.0, 4.0]
    assert shown.query_y == pytest.approx(np.sin(shown.query_x), abs=1e-6)


def test_the_seed_matters_where_parameters_do_not_say_everything():
    for name in functions.FAMILIES:
        same = task(seed=0, family=name).id == task(seed=1, family=name).id
        assert same == (name not in functions.DRAWN)


def test_the_same_function_has_one_form_however_it_is_shown():
    form = FAMILY.canonical(task(phase=0.0))
    assert form == FAMILY.canonical(task(phase=2 * math.pi, shots=3, noise=1.0, x_range=2.0))
    assert form != FAMILY.canonical(task(phase=1.0))
    assert form != FAMILY.canonical(task(family="line"))
    lines = {FAMILY.canonical(task(family="line", frequency=f)) for f in (1.0, 2.0)}
    assert len(lines) == 1


def test_suites_are_sines_of_the_published_region():
    suites = FAMILY.suites()
    assert {name: len(tasks) for name, tasks in suites.items()} == {
        f"published-{shots}-shot": 600 for shots in (5, 10, 20)
    }
    tasks = suites["published-5-shot"]
    assert {t.params["shots"] for t in tasks} == {5}
    for name, (low, high) in PUBLISHED.items():
        values = np.array([t.content[name] for t in tasks])
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, rel=0.06)


def test_an_edit_moves_one_number_and_stays_inside():
    rng, start = np.random.default_rng(0), task(amplitude=9.9, phase=0.05, frequency=4.9)
    names = set()
    for _ in range(60):
        edited = FAMILY.mutate(start, rng)
        moved = {k for k in start.content if edited.content[k] != start.content[k]}
        assert len(moved) <= 1
        assert {k: edited.params[k] for k in moved} == {k: edited.content[k] for k in moved}
        names |= moved
    assert names == {"amplitude", "phase", "frequency"}
    line = task(family="line")
    assert {FAMILY.mutate(line, rng).operator for _ in range(20)} == {
        "nudge_amplitude",
        "nudge_phase",
    }


def test_features_by_hand():
    features = FAMILY.describe(task(amplitude=2.0, x_range=math.pi, frequency=3.0, shots=7))
    assert features["rms"] == pytest.approx(math.sqrt(2.0), rel=1e-2)
    assert features["periods"] == pytest.approx(3.0, rel=1e-5)
    assert features["shots"] == 7


def test_a_family_asks_for_one_point_at_least():
    with pytest.raises(ValueError, match="num_query must be at least 1, got 0"):
        Sinusoid(num_query=0)
