"""The sealed test counts its uses, and the leak report finds what leaks."""

import json
from dataclasses import replace

import pytest

from curricula.campaigns.api import evaluate_campaign
from curricula.campaigns.branch import exam_tasks, form_digest
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.checkpoint import CampaignError
from curricula.campaigns.sealed import suite_test, write_leak_report


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
    assert "test-0 & trained" in report["shared"]
    assert "monitor-start & trained" in report["shared"]
    assert "selection & test-3" in report["shared"]
    assert "monitor-start & selection" not in report["shared"], "both are of one side"


@pytest.mark.parametrize("place", ["monitors", "selection", "sealed_exams"])
def test_a_planted_task_is_found(campaign, place):
    setup, record = campaign.setup, campaign.store.last()
    exams = {
        "monitors": setup.monitors(),
        "selection": [setup.selection(record["generation"], setup.start)],
        "sealed_exams": setup.sealed_exams(setup.start),
    }[place]
    tasks = exam_tasks(exams[-1], setup.config, setup.generator)
    campaign.store.save_seen(99, [form_digest(tasks.canonicals[0])])
    report = write_leak_report(setup, campaign.store, record)
    found = [name for name, count in report["shared"].items() if count]
    assert " & ".join(sorted([exams[-1].name, "trained"])) in found
    assert report["leaks"] >= 1
    assert written(campaign, "leak_report.json") == report


def test_without_a_split_the_report_says_so(campaign):
    setup = campaign.setup
    splits = setup.config.splits.model_copy(update={"enabled": False})
    setup.config = setup.config.model_copy(update={"splits": splits})
    report = write_leak_report(setup, campaign.store, campaign.store.last())
    assert not report["split"]
    assert "too few tasks" in report["note"]


def test_a_suite_is_played_and_is_no_use_of_the_test(campaign, finished, monkeypatch):
    suites = campaign.setup.generator.suites()
    short = {"corridors": suites["corridors"][:2]}
    monkeypatch.setattr(type(campaign.setup.generator), "suites", lambda self: short)
    result = evaluate_campaign("tiny", finished, suite="corridors")
    assert (result["suite"], result["generation"]) == ("corridors", 2)
    assert result["measures"]["num_tasks"] == 2
    assert result["env_steps"] > 0
    assert result == evaluate_campaign("tiny", finished, suite="corridors")
    assert written(campaign, "sealed_test.json")["uses"] == 1


def test_an_unknown_suite_is_refused_with_the_known_ones(campaign):
    with pytest.raises(CampaignError, match=r"no suite 'mazes'; it has: combs, corridors, "):
        suite_test(campaign.setup, campaign.store, campaign.store.last(), "mazes")


def test_parts_of_the_test_are_slices_of_one_set_that_repeats_nothing(campaign):
    setup, evaluation = campaign.setup, campaign.config.evaluation
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
