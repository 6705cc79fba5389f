"""The sealed test counts its uses, and the leak report finds what leaks."""

import json
from dataclasses import replace

import pytest
import torch

from curricula.campaigns.api import evaluate_campaign
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.exams import playing as playing_module
from curricula.campaigns.exams.sets import exam_tasks
from curricula.campaigns.generation.branch import form_digest
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.sealed import suite_test, write_leak_report
from curricula.campaigns.sight.words import uses_text
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from curricula.campaigns.store.task_files import write_tasks
from taskgen.distribution import TaskDistribution
from taskgen.generators.bandit import Bandit


@pytest.fixture
def campaign(finished):
    return Campaign.resume(finished / "campaigns" / "tiny")


def written(campaign, name):
    return json.loads((campaign.folder / name).read_text())


def test_every_use_is_written_down(campaign, finished):
    assert written(campaign, "sealed_test.json")["uses"] == 1
    for uses in (2, 3):
        result = evaluate_campaign("tiny", finished)
        assert result["uses"] == uses
        assert written(campaign, "sealed_test.json")["uses"] == uses
    first, *others = written(campaign, "sealed_test.json")["results"]
    for other in others:
        assert {**other, "uses": 1} == first, "one learner, one test, one result"
    assert not campaign.store.staged.exists()


def test_the_result_is_of_the_test_split_of_the_target(campaign):
    (result,) = written(campaign, "sealed_test.json")["results"]
    assert result["generation"] == 2
    assert result["target"] == campaign.setup.target.to_json()
    assert result["measures"]["num_tasks"] == 8
    assert len(result["measures"]["curve"]["returns"]) == 2
    exams = campaign.setup.sealed_exams(campaign.setup.start)
    assert {exam.split for exam in exams} == {"test"}
    assert {exam.num_tasks for exam in exams} == {8}


def test_a_finished_campaign_that_is_resumed_does_not_open_the_test_again(campaign):
    before = written(campaign, "sealed_test.json")
    result = campaign.run()
    assert result["status"] == "finished"
    assert result["test"] == before["results"][0]
    assert written(campaign, "sealed_test.json") == before


def test_a_longer_budget_gives_a_later_learner_and_a_second_use(campaign):
    budget = campaign.config.budget.model_copy(update={"generations": 3})
    result = Campaign.resume(campaign.folder, changes={"budget": budget}).run()
    assert (result["test"]["generation"], result["test"]["uses"]) == (3, 2)


def test_a_real_campaign_leaks_nothing(campaign):
    report = written(campaign, "leak_report.json")
    assert report["leaks"] == 0
    assert report["trained_tasks"] > 0
    assert "test & trained" in report["shared"]
    assert "monitor-start & trained" in report["shared"]
    assert "selection & test" in report["shared"]
    assert "monitor-start & selection" not in report["shared"], "both are of one side"
    assert report["started_from"] is None
    played = campaign.store.last()["exam_sets"]
    assert set(report["sets"]) == {*played, "test"}
    assert report["sets"]["test"]["num_tasks"] == 8
    assert all(report["sets"][name] == counts for name, counts in played.items())


def test_repeats_are_told_in_the_commit_and_in_the_report(campaign):
    record = campaign.store.last()
    setup = campaign.setup
    monitors = record["exam_sets"]["monitor-target"], record["exam_sets"]["monitor-start"]
    for counts, exam in zip(monitors, setup.monitors(), strict=True):
        forms = exam_tasks(exam, setup.config, setup.generator).canonicals
        assert counts["num_tasks"] == len(forms) == exam.num_tasks
        assert counts["repeats"] == len(forms) - len(set(forms))
        assert counts["repeats_apart"] == 0


@pytest.mark.parametrize("place", ["monitors", "selection", "sealed_exams"])
def test_a_planted_task_is_found(campaign, place):
    setup, record = campaign.setup, campaign.store.last()
    exams = {
        "monitors": setup.monitors(),
        "selection": [setup.selection(record["generation"], setup.start)],
        "sealed_exams": setup.sealed_exams(setup.start),
    }[place]
    exam = replace(exams[-1], part=(0, 1))
    name = "test" if exam.split == "test" else exam.name
    tasks = exam_tasks(exam, setup.config, setup.generator)
    campaign.store.save_seen(99, [form_digest(tasks.canonicals[0])])
    report = write_leak_report(setup, campaign.store, record)
    found = [name for name, count in report["shared"].items() if count]
    assert " & ".join(sorted([name, "trained"])) in found
    assert report["leaks"] >= 1
    assert written(campaign, "leak_report.json") == report


def test_without_a_split_the_report_says_so(campaign):
    setup = campaign.setup
    splits = setup.config.splits.model_copy(update={"enabled": False})
    setup.config = setup.config.model_copy(update={"splits": splits})
    report = write_leak_report(setup, campaign.store, campaign.store.last())
    assert not report["split"]
    assert "too few tasks" in report["note"]


@pytest.fixture
def corridors(campaign, monkeypatch):
    """Returns two tasks that are now all of the suite "corridors"."""
    suites = campaign.setup.generator.suites()
    short = {"corridors": suites["corridors"][:2]}
    monkeypatch.setattr(type(campaign.setup.generator), "suites", lambda self: short)
    return short["corridors"]


def test_a_suite_is_a_use_of_the_test_by_its_name(campaign, finished, corridors):
    result = evaluate_campaign("tiny", finished, suite="corridors")
    assert (result["kind"], result["name"], result["generation"]) == ("suite", "corridors", 2)
    assert result["measures"]["num_tasks"] == 2
    assert result["env_steps"] > 0
    again = evaluate_campaign("tiny", finished, suite="corridors")
    assert (result["uses"], again["uses"]) == (2, 3)
    assert {**again, "uses": 2} == result
    assert written(campaign, "sealed_test.json")["uses"] == 3
    assert uses_text(campaign.store.test_results()) == (
        "The test was used 3 times: sealed test, suite corridors (twice)."
    )


def test_a_suite_is_played_like_an_exam(campaign, corridors, monkeypatch):
    seen = []

    def evaluate(learner, envs, tasks, **options):
        close = envs.close
        envs.close = lambda: (seen.append("closed"), close())
        seen.append((options["seed"], torch.get_num_threads()))
        return real(learner, envs, tasks, **options)

    real = playing_module.evaluate
    monkeypatch.setattr(playing_module, "evaluate", evaluate)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        suite_test(campaign.setup, campaign.store, campaign.store.last(), "corridors")
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    seed = seed_for(campaign.config.seed, 0, "suite/corridors/play")
    of_learner_and_of_random_play = [(seed, campaign.config.executor.threads), "closed"] * 2
    assert seen == of_learner_and_of_random_play


def test_a_suite_does_not_stand_in_for_the_sealed_test(campaign, finished, corridors):
    (campaign.folder / "sealed_test.json").unlink()
    evaluate_campaign("tiny", finished, suite="corridors")
    assert campaign.run()["test"]["kind"] == "sealed"
    assert written(campaign, "sealed_test.json")["uses"] == 2


def test_tasks_that_were_trained_on_are_told(campaign, finished, corridors, tmp_path):
    file = tmp_path / "mine.jsonl"
    write_tasks(file, [task.to_json() for task in [*corridors, corridors[0]]])
    assert evaluate_campaign("tiny", finished, tasks=file)["trained_on"] == 0
    form = campaign.setup.generator.canonical(corridors[1])
    campaign.store.save_seen(99, [form_digest(form)])
    result = evaluate_campaign("tiny", finished, tasks=file)
    assert (result["kind"], result["name"], result["uses"]) == ("tasks", "mine", 3)
    assert (result["trained_on"], result["measures"]["num_tasks"]) == (1, 2)
    assert "task set mine (twice, 1 of its tasks were trained on)" in uses_text(
        campaign.store.test_results()
    )


def test_tasks_of_another_family_are_refused_and_count_nothing(finished, tmp_path):
    file = tmp_path / "arms.jsonl"
    bandit = Bandit()
    write_tasks(file, [bandit.make_task(bandit.space.complete({}), 0).to_json()])
    with pytest.raises(CampaignError, match="is a task of bandit-v1, not of maze-v1"):
        evaluate_campaign("tiny", finished, tasks=file)
    with pytest.raises(CampaignError, match="neither a file of tasks nor a set"):
        evaluate_campaign("tiny", finished, tasks="nothing")
    with pytest.raises(CampaignError, match="not both"):
        evaluate_campaign("tiny", finished, tasks=file, suite="combs")
    assert CampaignStore(finished / "campaigns" / "tiny").test_results()[-1]["uses"] == 1


def test_an_unknown_suite_is_refused_with_the_known_ones(campaign):
    with pytest.raises(CampaignError, match=r"no suite 'mazes'; it has: combs, corridors, "):
        suite_test(campaign.setup, campaign.store, campaign.store.last(), "mazes")


def test_parts_of_the_test_are_slices_of_one_set_that_repeats_nothing(campaign):
    setup, evaluation = campaign.setup, campaign.config.evaluation
    setup.target = TaskDistribution.make(setup.generator.space, {"size": [9, 13]})
    for num_test, sizes in [(300, [75] * 4), (6, [2, 2, 1, 1]), (3, [1, 1, 1])]:
        changed = evaluation.model_copy(update={"num_test": num_test})
        setup.config = campaign.config.model_copy(update={"evaluation": changed})
        exams = setup.sealed_exams(setup.target)
        parts = [exam_tasks(exam, setup.config, setup.generator) for exam in exams]
        assert [len(part) for part in parts] == sizes
        forms = [form for part in parts for form in part.canonicals]
        assert len(set(forms)) == num_test
        whole = replace(exams[0], part=(0, 1))
        assert forms == list(exam_tasks(whole, setup.config, setup.generator).canonicals)
