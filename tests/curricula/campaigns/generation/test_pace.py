"""How fast a stream goes on: by what is solved at the ends of what it trains on."""

from dataclasses import replace

import numpy as np
import pytest

from curricula.campaigns.exams.sets import exam_tasks
from curricula.campaigns.generation import pace
from taskgen.distribution import Interval, TaskDistribution
from tests.curricula.campaigns.fakes import ScriptedExecutor, make_nursery, make_setup, script

GENERATION = 3


def solved(setup, folder, score, **regions):
    """Returns what is solved at the ends of a place, and what was played to know it."""
    place = TaskDistribution.make(setup.generator.space, {"size": [5, 7], **regions})
    executor = ScriptedExecutor(lambda branch, leg, exam: score)
    nursery = make_nursery(setup, folder, executor, GENERATION)
    found = pace.solved_at_boundaries(setup, nursery, place)
    return found, [exam for job in executor.jobs for exam in job.exams]


def test_the_end_is_played_beyond_which_what_counts_goes_on(tmp_path):
    setup = make_setup(evaluation={"num_selection": 80})
    found, exams = solved(setup, tmp_path, 0.9)
    assert found == {"size.high": 1.0}
    (exam,) = exams
    assert exam.num_tasks == 40, "half as many as decide on gains"
    tasks = exam_tasks(exam, setup.config, setup.generator)
    assert {task.params["size"] for task in tasks} == {7}


def test_an_end_that_looks_away_is_not_played(tmp_path):
    setup = make_setup(target={"size": [9, 13]}, start={"size": [5, 7]})
    found, _ = solved(setup, tmp_path, 0.9)
    assert found == {"size.high": 1.0}, "the low end only has to come along"


def test_where_nothing_lies_beyond_nothing_is_played(tmp_path):
    found, exams = solved(make_setup(), tmp_path, 0.9, size=[5, 9])
    assert found == {}
    assert exams == []


def test_where_success_has_no_meaning_nothing_is_played(tmp_path):
    setup = make_setup()
    setup.generator.has_success = False
    assert solved(setup, tmp_path, 0.9) == ({}, [])


def test_without_a_target_every_end_is_played_that_can_go_on(tmp_path):
    setup = make_setup(target=None, movable=["size", "braid"])
    found, exams = solved(setup, tmp_path, 0.1, size=[9, 11], braid=[0.2, 0.4])
    assert found == dict.fromkeys(("size.low", "size.high", "braid.low", "braid.high"), 0.0)
    assert {exam.num_tasks for exam in exams} == {32}, "few for each, never fewer"


@pytest.mark.parametrize(
    ("shares", "free"),
    [
        ({}, ["size", "braid"]),
        ({"size.high": 0.7}, ["size", "braid"]),
        ({"size.high": 0.69}, ["braid"]),
        ({"size.low": 0.9, "size.high": 0.1, "braid.high": 0.0}, []),
    ],
)
def test_a_parameter_is_held_back_by_each_of_its_ends(shares, free):
    setup = make_setup(movable=["size", "braid"], generation={"move_on_success": 0.7})
    assert pace.free_to_go(setup, shares) == free


def test_a_boundary_holds_one_number_and_leaves_the_others_as_they_are():
    setup = make_setup(rehearsal_share=0.3)
    place = replace(setup.start, room={"size": Interval(5, 9)})
    assert place.rehearsal
    end = place.boundary("size", "high")
    assert end.regions == {**place.regions, "size": Interval(7, 7)}
    assert not end.rehearsal
    assert not end.room
    assert set(end.sample(50, np.random.default_rng(0))["size"]) == {7}


def test_numbers_that_are_but_names_have_no_ends(tmp_path, monkeypatch):
    setup = make_setup()
    monkeypatch.setitem(
        setup.generator.space._parameters,
        "size",
        replace(setup.generator.space["size"], ordered=False),
    )
    assert solved(setup, tmp_path, 0.9) == ({}, [])
    assert setup.start.boundary("size", "high").regions == setup.start.regions


def test_an_end_that_cannot_be_played_holds_nothing_back(tmp_path):
    setup = make_setup()
    executor = ScriptedExecutor(script({}), failed="too few tasks")
    nursery = make_nursery(setup, tmp_path, executor, GENERATION)
    assert pace.solved_at_boundaries(setup, nursery, setup.start) == {}
