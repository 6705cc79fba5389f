"""Arms and controls: what they change, what they must share."""

import json

import pytest

from curricula.campaigns.comparison.arms import CONTROLS, Arm, controls_of, prepared
from curricula.campaigns.config.files import loads
from curricula.campaigns.config.plugins import make_generator
from curricula.campaigns.config.regions import target_distribution
from curricula.campaigns.store.checkpoint import CampaignError
from tests.curricula.campaigns.tiny import TINY, merged


def arm(name="tiny", **changes):
    return Arm(name, loads(json.dumps(merged(TINY, changes))))


@pytest.fixture(scope="module")
def controls():
    made, left_out = controls_of(arm())
    assert left_out == []
    return {control.name: control.config for control in made}


def test_there_is_every_control(controls):
    assert list(controls) == list(CONTROLS)


def test_controls_begin_where_they_say(controls):
    starts = {name: config.start for name, config in controls.items()}
    near = {"size": [5, 7], "goal_distance": 0.1, "horizon_factor": 0.5}
    for name in ("start-kept", "adr", "straight-on", "random-moves"):
        assert starts[name] == near
    assert starts["whole-target"] == {**near, "size": [5, 9]}
    assert starts["hardest-corner"] == {**near, "size": 9}


def test_all_are_tested_on_the_same_target(controls):
    generator = make_generator(controls["adr"].generator)
    targets = [target_distribution(config, generator.space) for config in controls.values()]
    assert all(target == targets[0] for target in targets)


def test_a_generation_of_one_branch_takes_what_three_took(controls):
    for name in ("start-kept", "whole-target", "hardest-corner", "adr", "straight-on"):
        generation = controls[name].generation
        assert (generation.branch_env_steps, generation.rung_share) == (3 * 192, 0.0)
    assert controls["adr"].generation.num_candidates == 0
    assert controls["straight-on"].generation.num_candidates == 0
    assert controls["straight-on"].generation.search_every == 0
    assert controls["start-kept"].search.name == "fixed"
    assert controls["random-moves"].generation.num_candidates == 3
    assert controls["random-moves"].search.options["sampler"] == "random"


def test_nothing_else_differs(controls):
    own = arm().config.model_dump()
    for config in controls.values():
        differing = {name for name, value in config.model_dump().items() if value != own[name]}
        assert differing <= {"start", "search", "generation"}


def test_what_cannot_be_controlled_is_said():
    with pytest.raises(CampaignError, match="no target"):
        controls_of(arm(target=None, movable=["size"]))
    with pytest.raises(CampaignError, match="never moves"):
        controls_of(arm(search="fixed"))
    made, left_out = controls_of(arm(search={"options": {"sampler": "random"}}))
    assert "random-moves" not in [control.name for control in made]
    assert left_out == ["no control random-moves: the campaign's own moves are random"]


def test_arms_run_alike():
    one, other = prepared([arm("one"), arm("other", seed=3)], 5000)
    assert one.config == other.config
    assert one.config.budget.model_dump() == {"env_steps": 5000, "generations": None, "hours": None}
    assert (one.config.executor.name, one.config.executor.threads) == ("inline", 1)
    assert not one.config.evaluation.test_at_end


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([arm("one"), arm("one")], "names of their own"),
        ([arm("one")], "two arms at least"),
        ([arm("one"), arm("so so")], "named with letters"),
        ([arm("one"), arm("two")], "one: none, two: none"),
        ([arm("one"), arm("two", target={"size": [5, 11]})], "two and one .* differ in target;"),
        ([arm("one"), arm("two", splits={"salt": "x"})], "differ in splits"),
    ],
)
def test_what_cannot_be_compared_is_refused(arms, message):
    with pytest.raises(CampaignError, match=message):
        prepared(arms, None)


def test_a_common_budget_need_not_be_said_twice():
    both = [arm(name, budget={"env_steps": 700, "generations": None}) for name in ("a", "b")]
    assert {a.config.budget.env_steps for a in prepared(both, None)} == {700}
