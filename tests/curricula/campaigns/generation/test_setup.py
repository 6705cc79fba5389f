"""What stays the same through a campaign, and what a campaign without a target does."""

import itertools
import shutil

import numpy as np
import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.exams.sets import exam_tasks
from curricula.campaigns.generation.branch import form_digest
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sealed import write_leak_report
from curricula.campaigns.store.checkpoint import CampaignStore
from taskgen.distribution import TaskDistribution
from tests.curricula.campaigns.fakes import make_setup
from tests.curricula.campaigns.tiny import tiny_config


def sizes(distribution):
    region = distribution.regions["size"]
    return region.low, region.high


def place(setup, size):
    return TaskDistribution.make(setup.generator.space, {"size": size})


def test_with_a_target_the_frontier_is_the_target_wherever_the_incumbent_is():
    setup = make_setup()
    assert sizes(setup.frontier(place(setup, [5, 5]))) == (5, 9)
    assert sizes(setup.frontier(place(setup, [21, 31]))) == (5, 9)
    assert setup.target.regions["horizon_factor"].low == 0.5, "what it does not name is the start's"


@pytest.mark.parametrize(
    ("incumbent", "margin", "ring"),
    [
        ([5, 7], 0.25, (5, 9)),  # one step of the grid at least, never below the bounds
        ([9, 25], 0.25, (5, 29)),  # a quarter of the width on either side
        ([13, 13], 1.0, (9, 17)),  # a point counts as wide as min_width
    ],
)
def test_without_one_it_is_a_ring_around_the_incumbent(incumbent, margin, ring):
    setup = make_setup(target=None, evaluation={"frontier_margin": margin})
    assert sizes(setup.frontier(place(setup, incumbent))) == ring


@pytest.mark.parametrize(("has_success", "after"), [(True, (5, 15)), (False, (5, 21))])
def test_who_knows_what_is_solved_goes_ring_by_ring(has_success, after):
    setup = make_setup(target={"size": [5, 21]})
    setup.generator.has_success = has_success
    candidate = setup.toward(place(setup, [5, 13]), ["size"])
    assert (candidate.origin, sizes(candidate.distribution)) == ("toward", after)
    assert setup.toward(place(setup, [5, 13]), []).origin == "keep"


def test_only_what_may_move_is_widened():
    setup = make_setup(target=None)
    ring = setup.frontier(setup.start)
    others = [name for name in setup.generator.space if name != "size"]
    assert all(ring.regions[name] == setup.start.regions[name] for name in others)


def test_what_is_rehearsed_is_trained_on_and_never_examined():
    setup = make_setup(rehearsal_share=0.3, target=None)
    assert [(share, sizes(old)) for share, old in setup.start.rehearsal] == [(0.3, (5, 7))]
    incumbent = setup.start.moved({"size.shift": 1.0})
    assert incumbent.rehearsal == setup.start.rehearsal, "moving keeps it"
    exams = [
        *setup.monitors(),
        setup.selection(1, incumbent),
        setup.adoption(1, incumbent),
        *setup.sealed_exams(incumbent),
    ]
    assert all("rehearsal" not in exam.distribution for exam in exams)
    drawn = place(setup, [21, 31])
    drawn = TaskDistribution(drawn.space, drawn.regions, setup.start.rehearsal)
    small = drawn.sample(4000, np.random.default_rng(0))["size"] <= 7
    assert small.mean() == pytest.approx(0.3, abs=0.03)
    assert not make_setup().start.rehearsal


def test_exams_of_one_generation_share_no_task_and_those_of_the_next_are_fresh():
    setup = make_setup(start={"size": [7, 9]})
    forms = {}
    for generation in (1, 2):
        selection = setup.selection(generation, setup.start)
        adoption = setup.adoption(generation, setup.start)
        assert selection.apart_from == tuple(setup.monitors())
        assert adoption.apart_from == (selection,), "and so from what that is apart from"
        for exam in (*setup.monitors(), selection, adoption):
            tasks = exam_tasks(exam, setup.config, setup.generator)
            assert len(set(tasks.canonicals)) == exam.num_tasks
            forms.setdefault(exam.name, []).append(frozenset(tasks.canonicals))
    assert forms["monitor-target"][0] == forms["monitor-target"][1], "monitors are fixed"
    assert forms["monitor-start"][0] == forms["monitor-start"][1]
    for name in ("selection", "adoption"):
        assert forms[name][0] != forms[name][1]
    for generation in (0, 1):
        selection, adoption = forms["selection"][generation], forms["adoption"][generation]
        assert not selection & adoption
        assert not (selection | adoption) & forms["monitor-target"][0]


def test_a_seed_of_its_own_gives_a_campaign_tasks_of_its_own():
    one, other = make_setup(seed=0).monitors(), make_setup(seed=1).monitors()
    assert {e.task_seed for e in one}.isdisjoint(e.task_seed for e in other)
    assert [e.task_seed for e in one] == [e.task_seed for e in make_setup(seed=0).monitors()]


@pytest.mark.parametrize(
    ("changes", "num_branches"),
    [
        ({}, 3),
        ({"generation": {"num_candidates": 0}}, 1),
        ({"generation": {"num_candidates": 1}}, 1),
        ({"search": "fixed"}, 1),
    ],
)
def test_an_ordinary_generation_trains_so_many_branches(changes, num_branches):
    assert make_setup(**changes).num_branches == num_branches


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    config = tiny_config(name="endless", target=None, evaluation={"test_at_end": False})
    campaign = Campaign.create(config, tmp_path_factory.mktemp("endless"))
    campaign.run()
    return campaign


def test_an_open_ended_campaign_moves_what_is_open_ended(endless):
    assert Setup(endless.config).movable == ["size"]
    records = list(endless.store.records())
    assert [record["generation"] for record in records] == [0, 1, 2]
    names = [candidate["name"] for record in records for candidate in record["candidates"]]
    assert "keep-again" in names
    challenger = records[1]["candidates"][names.index("challenger")]
    assert challenger["distribution"] == records[0]["frontier"], "there is no whole to jump to"


def test_it_goes_where_a_decision_says_and_its_frontier_goes_along(endless):
    setup, records = endless.setup, list(endless.store.records())
    for before, record in itertools.pairwise(records):
        keep, winner = record["candidates"][0], record["decision"]["winner"]
        assert keep["distribution"] == before["incumbent"]
        assert record["incumbent"] == record["candidates"][winner]["distribution"]
        frontier = setup.frontier(setup.distribution(record["incumbent"]))
        assert record["frontier"] == frontier.to_json()
        if record["decision"]["decided_by"] == "keep":
            assert record["incumbent"] == before["incumbent"]


def test_its_monitors_stay_at_the_first_frontier(endless):
    target, start = endless.setup.monitors()
    assert target.distribution == endless.setup.frontier(endless.setup.start).to_json()
    assert start.distribution == endless.setup.start.to_json()


def test_moves_stay_within_what_start_and_target_span():
    setup = Setup(tiny_config(target={"size": [5, 13]}, search={"name": "optuna"}))
    spans = [
        sizes(move.distribution)
        for generation in range(1, 6)
        for move in setup.propose(place(setup, [9, 13]), 4, generation)
    ]
    assert len(spans) > 10
    assert all(low >= 5 and high <= 13 for low, high in spans)
    assert all(not move.distribution.room for move in setup.propose(setup.start, 2, 9))


def test_they_may_leave_it_when_they_are_allowed_to_and_without_a_target():
    for config in ({"beyond_target": True}, {"target": None}):
        setup = Setup(tiny_config(search={"name": "optuna"}, movable=["size"], **config))
        spans = [
            sizes(move.distribution)
            for generation in range(1, 6)
            for move in setup.propose(place(setup, [5, 9]), 4, generation)
        ]
        assert max(high for _, high in spans) > 9


def test_what_is_listed_though_start_and_target_agree_on_it_is_free():
    setup = make_setup(movable=["size", "braid"])
    assert set(setup.room) == {"size"}


def test_the_leak_report_is_about_the_sets_that_were_played(endless, tmp_path):
    store = CampaignStore(shutil.copytree(endless.folder, tmp_path / "copy"))
    setup, (before, record) = endless.setup, list(store.records())[-2:]
    generation = record["generation"]
    selection = setup.selection(generation, setup.distribution(before["incumbent"]))
    tasks = exam_tasks(selection, setup.config, setup.generator, sorted(before["quarantine"]))
    store.save_seen(99, [form_digest(form) for form in tasks.canonicals])
    far = {**record, "incumbent": place(setup, [21, 31]).to_json()}
    del far["exam_sets"]["monitor-start"]
    report = write_leak_report(setup, store, far)
    assert report["shared"]["selection & trained"] == selection.num_tasks
    assert report["sets"]["selection"] == record["exam_sets"]["selection"]
    assert "monitor-start" not in report["sets"], "it was not played"
