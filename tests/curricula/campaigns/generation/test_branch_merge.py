"""The merge of branches: its weights, its decision, and a campaign that merges."""

import dataclasses
import math

import numpy as np
import pytest
from pydantic import ValidationError

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.config.schema import ExecutorConfig
from curricula.campaigns.generation import adoption, merging
from curricula.campaigns.generation.commits import first_record, next_record
from curricula.campaigns.sight.decisions import decision_sentences, decision_text
from curricula.campaigns.sight.points import record_points
from curricula.campaigns.store import checkpoint, files
from tests.curricula.campaigns.fakes import NAN, make_nursery, make_record, make_setup, play, script
from tests.curricula.campaigns.tiny import tiny_config
from tests.curricula.campaigns.traces import trace

KEEP = np.array([1.0, 2.0, 3.0, 4.0])
UNEVEN = np.array([0.1, 0.3, 0.1, 0.3])  # mean 0.2, SE 0.1155 / 2 = 0.0577


def test_weights_are_the_softmax_of_the_gains_at_the_scale_of_the_noise():
    noise = math.pi / math.sqrt(3.0)  # so that the temperature is 1
    weights = adoption.merge_weights([0.0, math.log(3.0), math.log(4.0)], noise)
    np.testing.assert_allclose(weights, [1 / 8, 3 / 8, 4 / 8])
    above = adoption.merge_weights([-9.0, math.log(3.0) - 9.0, math.log(4.0) - 9.0], noise)
    np.testing.assert_allclose(above, weights)


def test_a_weight_is_how_likely_the_branch_is_the_best():
    gains, noise = np.array([0.0, 0.1, 0.3]), 0.25
    rng = np.random.default_rng(0)
    measured = rng.gumbel(0.0, math.sqrt(3.0) / math.pi * noise, size=(200_000, 3))
    assert (measured[:, 0] - measured[:, 1]).std() == pytest.approx(noise, rel=0.01)
    best = np.bincount((gains + measured).argmax(axis=1)) / len(measured)
    np.testing.assert_allclose(adoption.merge_weights(gains, noise), best, atol=0.005)


def test_without_noise_the_best_has_it_all_and_in_much_noise_all_weigh_alike():
    assert adoption.merge_weights([0.1, 0.3, 0.3], 0.0).tolist() == [0.0, 0.5, 0.5]
    assert adoption.merge_weights([0.0, 50.0], 1e-6).tolist() == [0.0, 1.0]
    np.testing.assert_allclose(adoption.merge_weights([0.0, 1.0, 2.0], 1e9), [1 / 3] * 3)


def test_the_noise_is_that_of_training_and_of_the_tasks():
    assert adoption.gain_noise(1.2, [0.5, 0.5]) == pytest.approx(1.3)
    assert adoption.gain_noise(None, [0.3, NAN, 0.5]) == pytest.approx(math.sqrt(0.34 / 2))
    assert adoption.gain_noise(0.3, [NAN]) == pytest.approx(0.3)
    assert math.isnan(adoption.gain_noise(None, [NAN]))


def decide(merged, chosen, *, moved_by_test=False, aa_sd=None):
    return adoption.decide_merge(
        KEEP + merged,
        KEEP + chosen,
        KEEP,
        moved_by_test=moved_by_test,
        aa_sd=aa_sd,
        adopt_sd=1.0,
    )


def test_a_merge_goes_on_if_its_mean_beats_both():
    verdict = decide(UNEVEN, 0.1)
    assert verdict.goes_on
    assert verdict.difference == pytest.approx(0.1)
    assert verdict.difference_to_keep == pytest.approx(0.2)
    assert verdict.difference_se == pytest.approx(0.0577, abs=1e-4)
    assert verdict.difference_to_keep_se == pytest.approx(0.0577, abs=1e-4)
    assert verdict.needed_over_keep == 0.0
    assert not decide(0.1, UNEVEN).goes_on
    assert not decide(UNEVEN - 0.25, -0.3).goes_on, "better than a tie's winner, worse than keep"
    assert not decide(0.0, 0.0).goes_on


def test_where_the_distribution_moved_by_the_test_the_merge_has_to_win_it_too():
    assert decide(UNEVEN, 0.1, moved_by_test=True).goes_on
    assert not decide(UNEVEN, 0.1, moved_by_test=True, aa_sd=0.3).goes_on
    assert decide(UNEVEN, 0.1, aa_sd=0.3).goes_on
    needed = decide(UNEVEN, 0.1, moved_by_test=True, aa_sd=0.3).needed_over_keep
    assert needed == pytest.approx(math.hypot(0.3, 0.11547 / 2), abs=1e-5)


def test_a_merge_that_cannot_be_measured_stays_behind():
    verdict = decide(NAN, 0.1)
    assert not verdict.goes_on
    assert verdict.to_json()["difference"] is None


@pytest.fixture
def states(monkeypatch):
    """Replaces the learner's part in a merge; returns what it was called with."""
    calls = []

    def state(setup, parent, members, weights, winner):
        calls.append(([b.name for b in members], list(weights), members[winner].name))
        return {"merged": [b.state["branch"] for b in members]}

    monkeypatch.setattr(merging, "merged_state", state)
    monkeypatch.setattr(merging, "start_state", lambda file: {})
    return calls


def merging_setup(**changes):
    generation = {"merge": True, "rung_share": 0.0, **changes.pop("generation", {})}
    return make_setup(generation=generation, **changes)


GAINS = {"move-1": 0.4, "move-2": -0.2, "challenger": 0.1, "keep-again": 0.3}
ADOPTION = {"move-1": 0.5}


def adopted(scene):
    return [job.branch for job in scene.executor.jobs if job.exams[0].name == "adoption"]


def test_the_better_merge_goes_on_where_the_winner_was_adopted(tmp_path, states):
    scores = script(GAINS, adoption={**ADOPTION, "merge": 0.6})
    scene = play(tmp_path, scores, setup=merging_setup())
    assert scene.decision == (1, "test")
    assert scene.size == (5, 9)
    assert adopted(scene) == ["keep", "move-1", "merge"]
    goes_on, merge = scene.grown.branch, scene.grown.decision["merge"]
    assert goes_on.state == {"merged": scene.names}
    assert goes_on.candidate.distribution == scene.branch("move-1").candidate.distribution
    assert merge["goes_on"]
    assert merge["difference"] == pytest.approx(0.1)
    assert merge["difference_to_keep"] == pytest.approx(0.6)
    assert scene.grown.gain_history == pytest.approx([0.4])
    # The A/A pair deviates by 0.3, and branches that were played alike add nothing to it.
    assert merge["noise"] == pytest.approx(0.3)
    odds = np.exp(np.array([0.0, 0.4, -0.2, 0.1, 0.3]) * math.pi / (0.3 * math.sqrt(3.0)))
    np.testing.assert_allclose(merge["weights"], odds / odds.sum())
    assert states == [(scene.names, merge["weights"], "move-1")]


def test_a_merge_that_is_no_better_leaves_everything_as_it_is(tmp_path, states):
    scores = script(GAINS, adoption={**ADOPTION, "merge": 0.45})
    scene = play(tmp_path, scores, setup=merging_setup())
    assert scene.grown.branch.name == "move-1"
    assert not scene.grown.decision["merge"]["goes_on"]


def test_where_keep_stays_the_merge_may_still_be_the_better_learner_there(tmp_path, states):
    scores = script(GAINS, adoption={"merge": 0.1})
    scene = play(tmp_path, scores, setup=merging_setup(sizes=([5, 5], [7, 7])))
    assert scene.decision == (0, "keep")
    assert scene.size == (5, 7)
    assert scene.grown.branch.name == "merge"
    assert states[0][2] == "keep", "whose optimiser and curriculum go on"


def test_who_won_by_a_tie_plays_the_merge_on_the_same_tasks(tmp_path, states):
    gains = {**GAINS, "move-1": 0.3, "challenger": 0.4}
    scene = play(tmp_path, script(gains, adoption={"merge": 0.1}), setup=merging_setup())
    assert scene.decision == (1, "tie")
    assert adopted(scene) == ["keep", "challenger", "move-1", "merge"]
    assert (scene.grown.branch.name, scene.size) == ("merge", (5, 9))


def test_who_stopped_stays_out(tmp_path, states):
    setup = merging_setup(generation={"rung_share": 1 / 3, "aa_every": 0})
    scene = play(tmp_path, script({"move-1": 0.4, "keep": 0.3, "move-2": NAN}), setup=setup)
    assert [branch.pruned for branch in scene.grown.branches] == [False, False, True, True]
    assert scene.grown.decision["merge"]["branches"] == [0, 1]
    assert states[0][0] == ["keep", "move-1"]


def test_one_branch_is_nothing_to_merge(tmp_path, states):
    alone = play(tmp_path / "a", script({"keep": 0.1}), setup=merging_setup(sizes=()))
    assert alone.grown.decision["merge"] is None
    nothing = play(tmp_path / "b", lambda branch, leg, exam: NAN, setup=merging_setup())
    assert nothing.grown.decision["merge"] is None
    assert "merge" not in play(tmp_path / "c", script(GAINS)).grown.decision
    assert states == []


def test_a_learner_that_cannot_be_merged_costs_the_merge_alone(tmp_path, states, monkeypatch):
    def refuse(*args):
        raise ValueError("no two minds are alike")

    monkeypatch.setattr(merging, "merged_state", refuse)
    scene = play(tmp_path, script(GAINS, adoption=ADOPTION), setup=merging_setup())
    assert scene.grown.branch.name == "move-1"
    merge = scene.grown.decision["merge"]
    assert merge["failure"] == "ValueError: no two minds are alike"
    assert not merge["goes_on"]


def test_an_interrupted_generation_uses_the_staged_merge_again(tmp_path, states):
    scores = script(GAINS, adoption={**ADOPTION, "merge": 0.6})
    first = play(tmp_path, scores, setup=merging_setup())
    again = play(tmp_path, scores, setup=merging_setup())
    assert len(states) == 1
    assert again.grown.branch.start == first.grown.branch.start
    changed = play(
        tmp_path, script({**GAINS, "move-1": 0.5}, adoption=ADOPTION), setup=merging_setup()
    )
    assert len(states) == 2, "other weights, another merge"
    assert changed.grown.decision["merge"]["weights"] != first.grown.decision["merge"]["weights"]


def test_the_record_tells_of_the_merge_and_its_lineage_is_all_that_is_in_it(tmp_path, states):
    scores = script(GAINS, adoption={**ADOPTION, "merge": 0.6})
    setup = merging_setup()
    nursery = make_nursery(setup, tmp_path, play(tmp_path, scores, setup=setup).executor, 0)
    start = nursery.start_branch()
    nursery.examine([start], setup.monitors())
    before = first_record(setup, start, nursery, 0.0)
    scene = play(tmp_path / "1", scores, setup=setup, record=make_record(0))
    record = next_record(setup, before, scene.grown, scene.nursery, 1.0)
    assert record["totals"]["lineage_env_steps"] == 5 * 192
    assert record["totals"]["train_env_steps"] == 5 * 192
    points = record_points(record)
    assert points["search/merge_goes_on"] == 1.0
    assert points["search/merge_difference"] == pytest.approx(0.1)
    weights = np.array(record["decision"]["merge"]["weights"])
    assert points["search/merge_num_effective"] == pytest.approx(1 / (weights**2).sum())
    assert "The merge of 5 branches goes on there in its place" in decision_sentences(record)
    assert decision_text(record) == "move by test, merged"


def test_a_merge_needs_branches():
    with pytest.raises(ValidationError, match="at least two branches; num_candidates is 0"):
        tiny_config(generation={"merge": True, "num_candidates": 0})


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


MERGING = {"generation": {"merge": True, "prune_sd": 9.0}}


@pytest.fixture(scope="module")
def always():
    """Lets every merge go on: whether so small a learner's is better is luck."""
    decide_merge = adoption.decide_merge

    def goes_on(*args, **kwargs):
        return dataclasses.replace(decide_merge(*args, **kwargs), goes_on=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adoption, "decide_merge", goes_on)
        yield


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, always):
    campaign = Campaign.create(tiny_config(**MERGING), tmp_path_factory.mktemp("merging"))
    campaign.run()
    return trace(campaign.folder)


def test_a_campaign_merges_generation_after_generation(uninterrupted):
    decisions = [record["decision"] for record in uninterrupted["records"][1:]]
    assert [decision["merge"]["branches"] for decision in decisions] == [[0, 1, 2, 3, 4], [0, 1, 2]]
    assert all(decision["merge"]["goes_on"] for decision in decisions)
    assert all(sum(d["merge"]["weights"]) == pytest.approx(1.0) for d in decisions)
    totals = uninterrupted["records"][2]["totals"]
    assert totals["lineage_env_steps"] == totals["train_env_steps"]
    assert uninterrupted["records"][2]["monitor"]["target"]["num_tasks"] == 6


def test_killed_at_its_writes_and_ended_in_processes_it_is_the_same(
    tmp_path, monkeypatch, uninterrupted
):
    """Dies before every few writes of its first generation; the second one runs in workers."""
    write, countdown, staged = files.write_atomically, [0], []

    def dying_write(path, data):
        countdown[0] -= 1
        if countdown[0] == 0:
            raise Killed
        write(path, data)
        staged.extend([path.name] * ("merge.pt" in path.name))

    Campaign.create(tiny_config(**MERGING), tmp_path)
    folder = tmp_path / "campaigns" / "tiny"
    for module in (checkpoint, files):
        monkeypatch.setattr(module, "write_atomically", dying_write)
    deaths = 0
    while not (folder / "commits" / "000001.json").exists():
        countdown[0] = 8 + deaths % 3
        with pytest.raises(Killed):
            Campaign.resume(folder).run()
        deaths += 1
        assert deaths < 40
    assert deaths > 3
    assert staged == ["000001-merge.pt"], "made once, and used again"
    monkeypatch.undo()
    executor = ExecutorConfig(name="processes", workers=2, threads=1)
    Campaign.resume(folder, changes={"executor": executor}).run()
    assert trace(folder) == uninterrupted
