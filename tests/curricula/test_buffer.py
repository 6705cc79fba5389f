"""What a buffer keeps, gives up and hands out; against a plain reference where it is clever."""

import numpy as np
import pytest

from curricula.buffer import Entry, TaskBuffer
from curricula.checks.specimens import ELSEWHERE, START, Marks
from curricula.prioritization import Priorities
from taskgen.distribution import TaskDistribution

RANKS = Priorities("rank", 1.0, 8, staleness_coef=0.0, staleness_temperature=1.0)
MIXED = Priorities("rank", 0.3, 8, staleness_coef=0.4, staleness_temperature=1.0)
PARAMS = {"size": 5, "weight": 1.0, "kind": "plain", "still": 0.5}


def task(seed, **params):
    return Marks().make_task({**PARAMS, **params}, seed)


def entry(seed, score, **more):
    made = task(seed, **more)
    return Entry(made, f"form-{seed}", score)


def filled(scores, capacity=None, priorities=RANKS):
    buffer = TaskBuffer(capacity or len(scores), priorities)
    buffer.place(START, ())
    buffer.insert([entry(seed, score) for seed, score in enumerate(scores)])
    return buffer


def seeds(buffer):
    return {buffer.task(slot).seed for slot in range(len(buffer))}


def test_while_there_is_room_every_task_comes_in():
    buffer = filled([0.0, -5.0, 3.0], capacity=4)
    assert seeds(buffer) == {0, 1, 2}
    assert buffer.insert([entry(3, -9.0), entry(4, -10.0)]) == 1
    assert seeds(buffer) == {0, 1, 2, 3}


def test_a_form_that_is_here_is_refused_and_keeps_its_score():
    buffer = filled([0.5, 0.1], capacity=4)
    twin = Entry(task(99), "form-0", 9.0)
    assert buffer.insert([twin, entry(2, 0.2), entry(2, 7.0)]) == 1
    assert seeds(buffer) == {0, 1, 2}
    assert buffer.scores.tolist() == [0.5, 0.1, 0.2]


def test_the_least_likely_gives_way_and_only_to_a_score_as_high():
    buffer = filled([3.0, 1.0, 2.0])
    assert buffer.insert([entry(7, 0.9)]) == 0
    assert buffer.insert([entry(8, 1.0)]) == 1  # as high is enough
    assert seeds(buffer) == {0, 2, 8}
    assert buffer.insert([entry(9, 1.5), entry(10, 5.0)]) == 1  # 5 ends the 1, 1.5 meets the 2
    assert seeds(buffer) == {0, 2, 10}


def test_what_gives_way_is_decided_by_the_mixed_weight_and_not_by_the_score():
    """The lowest score is kept where it was not played for long, and a higher one goes."""
    buffer = filled([3.0, 1.0, 2.0], priorities=Priorities("rank", 1.0, 8, 0.9, 1.0))
    buffer.tick(np.array([0, 2]))
    slots, probs = buffer.probs()
    np.testing.assert_allclose(probs, [0.1 * 6 / 11, 0.1 * 2 / 11 + 0.9, 0.1 * 3 / 11])
    assert slots.tolist() == [0, 1, 2]
    buffer.insert([entry(7, 2.5)])
    assert seeds(buffer) == {0, 1, 7}


def test_what_lies_outside_of_the_distribution_is_not_drawn_and_goes_first():
    buffer = TaskBuffer(3, RANKS)
    buffer.place(START, ())
    buffer.insert([entry(0, 9.0, size=5), entry(1, 1.0, size=7), entry(2, 2.0, size=9)])
    narrow = TaskDistribution.make(Marks.space, {"size": [7, 9], "weight": [0.5, 2.0]})
    buffer.place(narrow, ())
    slots, probs = buffer.probs()
    assert slots.tolist() == [1, 2]
    np.testing.assert_allclose(probs, [1 / 3, 2 / 3])
    buffer.insert([entry(3, 0.5, size=7)])
    assert seeds(buffer) == {1, 2, 3}
    buffer.place(ELSEWHERE, ())
    assert buffer.playable.tolist() == []
    buffer.place(START, ())
    assert buffer.playable.tolist() == [0, 1, 2]


def test_what_is_quarantined_is_not_drawn():
    buffer = filled([1.0, 2.0])
    quarantine = set()
    buffer.place(START, quarantine)
    quarantine.add(task(1).id)
    buffer.place(START, quarantine)
    assert buffer.playable.tolist() == [0]


def test_staleness_counts_batches():
    buffer = filled([1.0, 2.0])
    buffer.tick(np.array([1]))
    buffer.tick(np.array([1, 1]))
    assert buffer.staleness.tolist() == [2, 0]


def test_the_order_that_is_kept_up_is_that_of_sorting_anew():
    rng = np.random.default_rng(0)
    buffer = TaskBuffer(64, MIXED)
    buffer.place(START, ())
    for step in range(60):
        new = [entry(1000 * step + k, float(rng.integers(0, 9))) for k in range(6)]
        buffer.insert(new)
        slots = np.unique(rng.integers(0, len(buffer), 5))
        buffer.rescore(slots, rng.integers(0, 9, len(slots)).astype(float))
        buffer.tick(slots)
        _, probs = buffer.probs()
        np.testing.assert_allclose(probs, MIXED.probs(buffer.scores, buffer.staleness), rtol=1e-12)
    assert len(buffer) == 64


def test_a_state_goes_back_whole():
    buffer = filled([1.0, 3.0, 2.0], capacity=4, priorities=MIXED)
    buffer.tick(np.array([2]))
    buffer.raise_best(np.array([0]), np.array([7.5]))
    other = TaskBuffer(4, MIXED)
    other.load_state_dict(buffer.state_dict())
    assert other.state_dict() == buffer.state_dict()
    other.place(START, ())
    for one, two in zip(buffer.probs(), other.probs(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert other.task(1) == buffer.task(1)
    assert "form-1" in other


def test_in_less_room_the_highest_scores_stay():
    smaller = TaskBuffer(2, RANKS)
    smaller.load_state_dict(filled([1.0, 3.0, 2.0]).state_dict())
    assert smaller.scores.tolist() == [3.0, 2.0]
    assert [smaller.task(slot).seed for slot in (0, 1)] == [1, 2]


def test_the_best_return_is_kept_and_nan_counts_for_nothing():
    buffer = filled([1.0, 1.0])
    for returns in ([2.0, np.nan], [1.0, -3.0], [np.nan, np.nan]):
        buffer.raise_best(np.array([0, 1]), np.array(returns))
    assert buffer.best.tolist() == [2.0, -3.0]


def test_a_hundred_thousand_rows_are_looked_at_at_once():
    points = np.array([Marks.space.to_point({**PARAMS, "size": size}) for size in (5, 13, 6)])
    many = np.tile(points, (30_000, 1))
    inside = START.contains_points(many)
    assert inside.sum() == 30_000  # 13 lies elsewhere, 6 is off the grid
    rows = [{**PARAMS, "size": size} for size in (5, 13, 6)]
    assert inside[:3].tolist() == [START.contains(row) for row in rows]


def test_place_comes_first():
    with pytest.raises(AssertionError):
        TaskBuffer(1, RANKS).insert([entry(0, 1.0)])
