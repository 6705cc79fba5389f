"""A sample of what a generation played, whatever the order, with what every episode came to."""

import math

import numpy as np
import pytest

from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.lineage import lines_of, played_first, save_lineage
from curricula.campaigns.store.plays import Sample, plays_of, save_plays
from curricula.checks.specimens import START, Marks
from curricula.curriculum import Proposal
from taskgen.outcomes import Outcomes


def mark(seed):
    return Marks().make_task(START.space.complete({"size": 5}), seed)


def outcomes(returns, complete=None, successes=None):
    returns = np.array(returns, dtype=np.float64)
    complete = np.ones(returns.shape, dtype=bool) if complete is None else np.array(complete)
    return Outcomes(
        returns=returns,
        lengths=np.ones(returns.shape, dtype=np.int64),
        successes=None if successes is None else np.array(successes),
        complete=complete,
        valid=np.ones((len(returns), 1), dtype=bool),
    )


@pytest.fixture
def store(tmp_path):
    return CampaignStore(tmp_path)


def test_what_is_kept_is_what_happened_last(store):
    drawn = mark(1)
    edit = drawn.edited({**drawn.content, "seed": 7}, "reseed")
    sample = Sample()
    sample.add(
        [Proposal(drawn), Proposal(edit, "edit")],
        outcomes([[0.25, 0.0], [1.0, 2.0]], [[True, False], [True, True]], [[1, 0], [0, 1]]),
        np.array([0.5, math.nan]),
    )
    sample.add([Proposal(drawn, "replay")], outcomes([[3.0, 4.0]], None, [[1, 1]]), np.array([9.0]))
    save_plays(store, 4, [("move-1", sample.lines())])
    played = {play.source.task_id: play for play in plays_of(store, 4)}
    first, second = played[drawn.id], played[edit.id]
    assert (first.origin, first.times, first.returns, first.score) == ("new", 2, (3.0, 4.0), 9.0)
    assert first.source.task(Marks()) == drawn
    assert (second.origin, second.times, second.returns) == ("edit", 1, (1.0, 2.0))
    assert (second.score, second.successes, second.branch) == (None, (False, True), "move-1")
    assert second.source.task(Marks()) == edit
    assert second.source.generation == 4


def test_an_episode_that_was_not_ended_has_no_return():
    sample = Sample()
    sample.add([Proposal(mark(1))], outcomes([[0.5, 0.0]], [[True, False]]))
    (line,) = sample.lines()
    assert '"returns":[0.5]' in line
    assert '"score":null' in line


def test_what_diverged_is_kept_as_unknown(store):
    sample = Sample()
    sample.add([Proposal(mark(1))], outcomes([[-math.inf, 0.5, math.nan]]), np.array([[math.inf]]))
    save_plays(store, 1, [("keep", sample.lines())])
    (play,) = plays_of(store, 1)
    np.testing.assert_array_equal(play.returns, [math.nan, 0.5, math.nan])
    assert play.score is None


def test_the_sample_is_that_of_the_first_ids_in_any_order():
    tasks = [mark(seed) for seed in range(60)]
    first = sorted(task.id for task in tasks)[:7]
    lines = []
    for order in (np.arange(60), np.random.default_rng(0).permutation(60)):
        sample = Sample(7)
        for i in order:
            sample.add([Proposal(tasks[i])], outcomes([[float(i)]]))
            sample.add([Proposal(tasks[i], "replay")], outcomes([[float(i)]]))
        lines.append(sample.lines())
    assert lines[0] == lines[1]
    assert [line[7:71] for line in lines[0]] == first
    assert all('"times":2' in line for line in lines[0])


def test_a_generation_keeps_so_many_of_all_its_legs(store, monkeypatch):
    monkeypatch.setattr("curricula.campaigns.store.plays.MAX_PLAYS", 3)
    legs = []
    for seeds in (range(4), range(4, 8)):
        sample = Sample()
        sample.add([Proposal(mark(seed)) for seed in seeds], outcomes([[0.0]] * 4))
        legs.append((f'branch "{seeds.start}"\t', sample.lines()))
    save_plays(store, 1, legs)
    plays = plays_of(store, 1)
    assert [p.source.task_id for p in plays] == sorted(mark(seed).id for seed in range(8))[:3]
    assert {play.branch for play in plays} <= {name for name, _ in legs}
    assert plays_of(store, 2) == []


def test_a_task_that_two_legs_of_a_branch_played_is_one(store):
    legs = []
    for earned, origin in ((1.0, "new"), (2.0, "replay")):
        sample = Sample()
        sample.add([Proposal(mark(1), origin)], outcomes([[earned]]))
        legs.append(("keep", sample.lines()))
    save_plays(store, 1, [*legs, ("move-1", legs[0][1])])
    kept, other = plays_of(store, 1)
    assert (kept.branch, kept.origin, kept.times, kept.returns) == ("keep", "new", 2, (2.0,))
    assert (other.branch, other.times, other.returns) == ("move-1", 1, (1.0,))


def test_what_was_played_first_can_be_sampled_from_the_lineage(store):
    tasks = [mark(seed) for seed in range(5)]
    save_lineage(store, 2, lines_of(map(Proposal, tasks)))
    found = played_first(store, 2, 3)
    assert [one.task_id for one in found] == sorted(task.id for task in tasks)[:3]
    assert found[0].task(Marks()) in tasks
    assert played_first(store, 9, 3) == []
