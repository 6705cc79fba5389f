"""The choice of what was scouted, by hand; and that it follows the distribution."""

import numpy as np
import pytest

from curricula.checks.specimens import ELSEWHERE, START, training_source
from curricula.scouting import Scout, best, share_of


def told(_, scores):
    return scores


def play(scout, rounds, distribution=START, n=10, share=0.5, score=None, source=None, worth=told):
    """Returns the batches of some rounds; by default a task is worth its weight."""
    batches = []
    for index in range(rounds):
        rng = np.random.default_rng(index)
        batch = scout.ask(source or training_source(), distribution, n, rng, worth, share)
        scores = [p.task.params["weight"] if score is None else score for p in batch]
        scout.tell(batch, np.array(scores, dtype=float))
        batches.append(batch)
    return batches


def test_a_share_is_met_on_average_and_never_missed_by_one():
    rng = np.random.default_rng(0)
    found = [share_of(10, 0.25, rng) for _ in range(4000)]
    assert set(found) == {2, 3}
    assert np.mean(found) == pytest.approx(2.5, abs=0.04)  # five deviations
    assert [share_of(10, share, rng) for share in (0.0, 0.3, 1.0)] == [0, 3, 10]


def test_the_best_are_those_of_the_highest_worth_and_unknown_is_never_best():
    worth = np.array([np.nan, 3.0, 1.0, np.inf, 2.0, -np.inf])
    rng = np.random.default_rng(0)
    assert best(worth, 2, rng).tolist() == [1, 4]
    assert best(worth, 9, rng).tolist() == [1, 4, 2]


def test_ties_are_broken_evenly():
    rng = np.random.default_rng(0)
    first = [int(best(np.zeros(4), 1, rng)[0]) for _ in range(2000)]
    assert np.abs(np.bincount(first) / 2000 - 0.25).max() < 0.05


def test_it_scouts_without_learning_then_trains_on_the_best_and_new_ones():
    scout = Scout(num_scouted=20, num_kept=6, refresh_every=3)
    batches = play(scout, 8)
    assert [{p.train for p in batch} for batch in batches] == [
        *[{False}] * 2, *[{True}] * 3, *[{False}] * 2, {True},
    ]  # fmt: skip
    scouted = [p.task for batch in batches[:2] for p in batch]
    heaviest = sorted(scouted, key=lambda task: task.params["weight"])[-6:]
    for batch in batches[2:5]:
        replayed = [p.task.id for p in batch if p.origin == "replay"]
        assert len(replayed) == len(set(replayed)) == 5
        assert set(replayed) <= {task.id for task in heaviest}


def test_what_is_scouted_is_chosen_by_worth_and_not_by_score():
    scout = Scout(num_scouted=10, num_kept=2, refresh_every=5)
    (scouted, _) = play(scout, 2, worth=lambda tasks, scores: -scores)
    lightest = sorted((p.task for p in scouted), key=lambda task: task.params["weight"])[:2]
    assert {task.id for task in scout.kept} == {task.id for task in lightest}
    assert scout.mean_worth == pytest.approx(-np.mean([t.params["weight"] for t in lightest]))


def test_where_nothing_is_known_it_trains_on_new_tasks_and_scouts_again():
    scout = Scout(num_scouted=10, num_kept=5, refresh_every=2)
    batches = play(scout, 4, score=np.nan)
    assert [batch[0].train for batch in batches] == [False, True, True, False]
    assert {p.origin for batch in batches for p in batch} == {"new"}


def test_a_distribution_that_left_the_kept_tasks_behind_is_scouted_at_once():
    scout = Scout(num_scouted=10, num_kept=4, refresh_every=50)
    play(scout, 3)
    (batch,) = play(scout, 1, ELSEWHERE)
    assert not any(p.train for p in batch)
    later = play(scout, 3, ELSEWHERE)
    assert later[0][0].train
    assert all(ELSEWHERE.contains(p.task.params) for b in [batch, *later] for p in b)


def test_of_what_was_scouted_before_a_move_only_what_lies_inside_is_kept():
    scout = Scout(num_scouted=20, num_kept=20, refresh_every=50)
    play(scout, 1)
    play(scout, 2, ELSEWHERE)
    assert 0 < len(scout.kept) <= 10
    assert all(ELSEWHERE.contains(task.params) for task in scout.kept)


def test_quarantined_tasks_are_not_played_again():
    scout, source = Scout(num_scouted=10, num_kept=4, refresh_every=50), training_source()
    play(scout, 2, source=source)
    source.quarantine.add(scout.kept[0].id)
    batches = play(scout, 5, source=source, share=1.0)
    assert scout.kept[0].id not in {p.task.id for batch in batches for p in batch}


@pytest.mark.parametrize("numbers", [(0, 0, 1), (5, 6, 1), (5, 5, 0)])
def test_settings_out_of_range_are_refused(numbers):
    with pytest.raises(ValueError, match="must"):
        Scout(*numbers)
