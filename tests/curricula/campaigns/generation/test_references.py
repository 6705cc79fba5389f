"""What scores are held against is measured once for a task set, and costs no campaign."""

import json
from dataclasses import replace

import numpy as np
import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.exams.playing import stand_in
from curricula.campaigns.exams.sets import exam_set, exam_tasks
from curricula.campaigns.generation import references
from curricula.campaigns.generation.branch import stage_failure
from curricula.campaigns.generation.commits import first_record
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.sight.points import record_points, result_points
from curricula.campaigns.sight.report import generation_text
from curricula.campaigns.sight.tracking import NullDisplay
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.scores import mean_return
from learners.evaluation import evaluate
from taskgen.generator import TaskGenerator
from taskgen.outcomes import concatenate
from tests.curricula.campaigns.fakes import STEPS_PER_TASK, ScriptedExecutor, make_setup
from tests.curricula.campaigns.tiny import tiny_config

PLAYED = {
    "monitor-target": 0.6,
    "monitor-target-random": 0.2,
    "monitor-target-oracle": 1.0,
    "monitor-start": 0.6,
    "monitor-start-random": 0.5,
    "monitor-start-oracle": 0.5,
}


def says(branch, leg, exam):
    return PLAYED[exam]


def nursery_of(setup, folder, executor, generation=0, quarantine=()):
    start = (str(folder / "start.pt"), "digest of the start")
    place = (setup.config, CampaignStore(folder), executor, NullDisplay(), generation, start)
    return Nursery(*place, setup.start, quarantine)


def names(executor):
    return [exam.name for job in executor.jobs for exam in job.exams]


@pytest.fixture
def scene(tmp_path):
    """Returns setup, nursery and executor of a made-up generation 0, and its references."""
    setup, executor = make_setup(), ScriptedExecutor(says)
    nursery = nursery_of(setup, tmp_path, executor)
    branch = nursery.start_branch()
    nursery.examine([branch], setup.monitors())
    found = references.monitor_references(setup, nursery, CampaignStore(tmp_path), None)
    return setup, nursery, executor, branch, found


def test_the_score_of_a_generation_by_hand(scene):
    setup, nursery, executor, branch, found = scene
    record = first_record(setup, branch, nursery, 1.0, found)
    assert record["monitor"]["target"]["score"] == pytest.approx([0.5, 0.5, 0.5])
    assert record["monitor"]["target"]["oracle_regret"] == pytest.approx(0.4)
    assert "score" not in record["monitor"]["start"], "an oracle no better than random has none"
    assert record["totals"]["evaluation_env_steps"] == STEPS_PER_TASK * 6 * len(names(executor))
    points = record_points(record)
    assert points["monitor/target_score"] == pytest.approx(0.5)
    assert points["monitor/target_score_high"] == pytest.approx(0.5)
    assert "| score (0 random, 1 oracle) | 0.500 [0.500, 0.500] | – |" in generation_text(
        record, "run"
    )


def committed(folder, record):
    (folder / "commits").mkdir(exist_ok=True)
    path = folder / "commits" / f"{record['generation']:06d}.json"
    path.write_text(json.dumps({**record, "checkpoint": {}}))
    return path


def later(scene, folder, quarantine=(), executor=None, generation=1):
    """Returns the references of a later generation and who was asked for them."""
    setup, _, _, _, found = scene
    record = {"generation": 0, "references": references.committed(found, 0)}
    before = {"generation": 0, "references": references.committed(found, 1)}
    if not (folder / "commits").exists():
        committed(folder, record)
    executor = executor or ScriptedExecutor(says)
    nursery = nursery_of(setup, folder, executor, generation, quarantine)
    return references.monitor_references(setup, nursery, CampaignStore(folder), before), executor


def test_what_was_measured_stands_in_its_own_commit_alone(scene, tmp_path):
    setup, *_, found = scene
    assert set(found) == {"monitor-target", "monitor-start"}
    assert references.committed(found, 0) == found
    assert references.committed(found, 1) == {key: {"generation": 0} for key in found}
    again, executor = later(scene, tmp_path)
    assert again == found
    assert not executor.jobs
    ids = exam_tasks(setup.monitors()[0], setup.config, setup.generator).ids
    assert found["monitor-target"]["tasks"] == [task_id[:16] for task_id in ids]


def test_a_set_that_lost_a_task_is_another_set(scene, tmp_path):
    setup, *_, found = scene
    lost = exam_tasks(setup.monitors()[0], setup.config, setup.generator).ids[2]
    again, executor = later(scene, tmp_path, [lost, "f" * 64])
    assert names(executor) == ["monitor-target-oracle", "monitor-target-random"]
    assert again["monitor-target"]["generation"] == 1
    assert lost[:16] not in again["monitor-target"]["tasks"]
    assert again["monitor-start"] == found["monitor-start"]


def test_numbers_whose_commit_is_gone_are_measured_anew(scene, tmp_path):
    later(scene, tmp_path)
    (tmp_path / "commits" / "000000.json").write_text("{")
    again, _ = later(scene, tmp_path)
    assert {entry["generation"] for entry in again.values()} == {1}
    assert again["monitor-target"]["oracle"] == scene[-1]["monitor-target"]["oracle"]


class Failing(ScriptedExecutor):
    """Fails every job of the oracle."""

    def run(self, jobs):
        for job in jobs:
            if job.exams[0].player == "oracle":
                self.jobs.append(job)
                stage_failure(job, "the process died")
            else:
                super().run([job])


def test_an_oracle_that_kills_its_process_costs_the_score(tmp_path):
    setup, executor = make_setup(), Failing(says)
    nursery = nursery_of(setup, tmp_path, executor)
    branch = nursery.start_branch()
    nursery.examine([branch], setup.monitors())
    found = references.monitor_references(setup, nursery, CampaignStore(tmp_path), None)
    record = first_record(setup, branch, nursery, 1.0, found)
    assert "score" not in record["monitor"]["target"]
    assert record["monitor"]["target"]["return_mean"] == pytest.approx(0.6)
    assert set(record["references"]["monitor-target"]) == {"generation", "failure"}
    assert not any(name.endswith("random") for name in names(executor))
    again, asked = later((setup, nursery, executor, branch, found), tmp_path)
    assert again == found
    assert not asked.jobs, "it is not tried again"


def test_without_an_oracle_nothing_is_played(tmp_path, monkeypatch):
    setup, executor = make_setup(), ScriptedExecutor(says)
    monkeypatch.setattr(
        type(setup.generator), "oracle_return", TaskGenerator.oracle_return, raising=True
    )
    nursery = nursery_of(setup, tmp_path, executor)
    assert references.monitor_references(setup, nursery, CampaignStore(tmp_path), None) == {}
    assert not executor.jobs


def test_a_campaign_measures_once_and_goes_on_with_the_same(finished, monkeypatch):
    store = CampaignStore(finished / "campaigns" / "tiny")
    first, *others = store.records()
    mine = first["references"]["monitor-target"]
    random, oracle = np.array(mine["random"]), np.array(mine["oracle"])
    assert len(random) == len(oracle) == 6
    assert (oracle > 0.5).all()
    assert (random <= oracle).all()
    for record in (first, *others):
        score, low, high = record["monitor"]["target"]["score"]
        mean = record["monitor"]["target"]["return_mean"]
        assert score == pytest.approx((mean - random.mean()) / (oracle - random).mean())
        assert low <= score <= high
    nothing = {key: {"generation": 0} for key in first["references"]}
    assert [record["references"] for record in others] == [nothing] * 2
    monkeypatch.setattr(references, "exam_references", None)
    campaign = Campaign.resume(store.folder)
    config = campaign.config.model_copy(
        update={
            "budget": campaign.config.budget.model_copy(update={"generations": 3}),
            "evaluation": campaign.config.evaluation.model_copy(update={"test_at_end": False}),
        }
    )
    third = Campaign(store, config, campaign.machine).run()["record"]
    assert (third["generation"], third["references"]) == (3, nothing)
    assert "score" in third["monitor"]["target"]


def test_random_play_is_in_the_budget_and_keyed_by_task(finished):
    campaign = Campaign.resume(finished / "campaigns" / "tiny")
    first = campaign.store.record(0)
    setup = campaign.setup
    exam = replace(setup.monitors()[0], player="random")
    tasks = exam_tasks(exam, setup.config, setup.generator)
    player = stand_in(setup.generator)
    arguments = {"num_episodes": 2, "seed": exam.play_seed}
    alone = [
        evaluate(player, setup.generator.make_vector_env(1), [task], **arguments) for task in tasks
    ]
    together = concatenate([curve.outcomes for curve in alone])
    expected = first["references"]["monitor-target"]["random"]
    np.testing.assert_allclose(mean_return(together), expected)
    assert first["totals"]["evaluation_env_steps"] > together.num_env_steps


def test_the_sealed_test_of_a_bandit_stands_beside_the_bayes_optimum(tmp_path):
    config = tiny_config(
        name="arms",
        generator={"name": "bandit-v1", "options": {"num_arms": 2}},
        search="fixed",
        start={"size": 5},
        evaluation={"num_test": 400},
        budget={"generations": 1},
    )
    config = config.model_copy(
        update={"start": {"pulls": 1, "alpha": 1.0, "beta": 1.0}, "target": {}}
    )
    result = Campaign.create(config, tmp_path).run()["test"]
    assert result["bayes"]["bayes_return"] == pytest.approx(13 / 12)  # of two arms, two pulls
    estimate, low, high = result["bayes"]["lifetime_return"]
    assert 0.9 < low < estimate < high < 1.2, "a lifetime is two pulls that pay 1/2 and more"
    points = result_points(result)
    assert points["test/target_bayes_return"] == pytest.approx(13 / 12)
    assert points["test/target_lifetime_return"] == estimate
    assert "score" in result["measures"]


def test_all_players_of_an_exam_share_one_set(scene):
    setup, *_ = scene
    exam = replace(setup.monitors()[0], task_seed=77)
    others = [
        replace(exam, name="theirs", player="oracle", play_seed=5),
        replace(exam, name="half", part=(0, 2)),
    ]
    whole = exam_set(exam, setup.config, setup.generator)
    assert all(exam_set(other, setup.config, setup.generator) is whole for other in others)
    elsewhere = replace(exam, task_seed=78)
    assert exam_set(elsewhere, setup.config, setup.generator) is not whole
