"""Campaigns whose tasks are problems, with a family and a learner whose optimum is known."""

import json

import numpy as np
import pytest

from curricula.campaigns import estimate
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.commands.printing import print_result, used_text
from curricula.campaigns.config.checks import check
from curricula.campaigns.config.plugins import make_generator
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.generation.resolution import resolve
from curricula.campaigns.mlflow_tracking import answers
from curricula.campaigns.sealed import tasks_test
from curricula.campaigns.sight import figures, report, words
from curricula.campaigns.sight.display import estimate_text
from curricula.campaigns.store.checkpoint import CampaignStore
from taskgen.task import Task
from tests.curricula.campaigns.tiny import merged, tiny_config
from tests.taskgen.lines_family import Lines

QUERY = 6
LINES = {
    "name": "lines",
    "generator": {"name": "tests.taskgen.lines_family:Lines"},
    "learner": {"name": "tests.learners.ridge:Ridge", "options": {"penalty": 1e-3}},
    "start": {"slope": [0.5, 1.0], "shots": 4},
    "target": {"slope": [-3.0, 3.0], "shots": 4},
    "generation": {
        "num_candidates": 2,
        "branch_env_steps": 200,
        "tasks_per_batch": 5,
        "challenger_every": 0,
        "aa_every": 0,
        "rung_share": 0,
    },
    "evaluation": {
        "num_selection": 6,
        "num_adoption": 6,
        "num_monitor": 8,
        "num_test": 10,
    },
    "budget": {"generations": 1},
    "executor": {"name": "inline", "threads": 1},
    "tracking": {"num_pictures": 3},
}


def config(**changes):
    return CampaignConfig.model_validate(merged(LINES, changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    campaign = Campaign.create(config(), tmp_path_factory.mktemp("root"))
    return campaign, campaign.run()


def test_budgets_count_examples(run):
    _, result = run
    record, totals = result["record"], result["record"]["totals"]
    a_batch, a_task = 5 * (4 + QUERY), 4 + QUERY
    trained = totals["train_env_steps"]
    assert trained == 2 * 4 * a_batch  # two branches, each until 200 examples are used
    assert totals["gradient_updates"] == 2 * 4
    exams = {"monitor": 2 * 8, "selection": 3 * 6, "adoption": 2 * 6}
    played = 2 * exams["monitor"] + exams["selection"]  # generation 0 has monitors alone
    guessed = 2 * 8
    counts = {a_task * (played + guessed + adoption) for adoption in (0, exams["adoption"])}
    assert totals["evaluation_env_steps"] in counts
    assert (record["counted"], record["judged_by"]) == (
        "examples",
        "return (minus the squared error)",
    )


def test_the_curve_counts_shots_and_lines_are_found(run):
    _, result = run
    measures = result["record"]["monitor"]["target"]
    curve = measures["curve"]
    assert curve["unit"] == "shots"
    assert len(curve["returns"]) == 1 + 4
    assert curve["lengths"] == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert curve["returns"][0] < -1.0
    assert -0.01 < curve["returns"][-1] <= 0.0
    assert measures["length_gain"] is None
    assert measures["success_rate"] is None
    assert measures["adaptation_gain"] > 1.0
    assert measures["score"][0] == pytest.approx(1.0, abs=0.01)  # 0 is the mean of the shots
    assert result["test"]["measures"]["score"][0] == pytest.approx(1.0, abs=0.01)


def test_what_is_not_said_of_the_score_is_settled_by_the_kind_of_tasks(run):
    campaign, _ = run
    assert config().evaluation.score == "auto"
    assert campaign.config.evaluation.score == "winsorized_return"
    assert CampaignStore(campaign.folder).config().evaluation.score == "winsorized_return"
    of_mazes = tiny_config(evaluation={"score": "auto"})
    assert resolve(of_mazes)[0].evaluation.score == "mean_return"
    last = {"evaluation": {"score": "last_return"}}
    assert resolve(config(**last))[0].evaluation.score == "last_return"


def test_references_are_the_guess_and_the_oracle(run):
    campaign, _ = run
    references = CampaignStore(campaign.folder).record(0)["references"]["monitor-target"]
    assert references["oracle"] == [0.0] * 8
    assert max(references["random"]) <= 0.0
    assert np.mean(references["random"]) < -0.5


def test_the_same_campaign_comes_to_the_same_numbers(run, tmp_path):
    _, result = run
    again = Campaign.create(config(), tmp_path).run()
    for key in ("monitor", "incumbent", "parameters", "exam_sets"):
        assert again["record"][key] == result["record"][key]
    assert again["test"]["measures"] == result["test"]["measures"]


def test_tasks_from_elsewhere_are_played_too(run):
    campaign, result = run
    tasks = [Task.from_json(task) for task in result["record"]["tasks"]]
    found = tasks_test(campaign.setup, campaign.store, result["record"], tasks, "mine")
    assert found["failed"] == 0
    assert found["counted"] == "examples"
    assert found["env_steps"] == 2 * len(tasks) * (4 + QUERY)  # the learner's, and the guess's
    assert found["measures"]["num_tasks"] == len(tasks)


def test_words_say_what_is_counted(run, capsys):
    campaign, result = run
    record = result["record"]
    print_result(result["test"])
    printed = capsys.readouterr().out
    assert f"played for {result['test']['env_steps']} examples" in printed
    assert "score (0 guessing, 1 oracle)" in printed
    assert "by shots" in printed
    assert "steps" not in printed
    assert "examples" in used_text(campaign.config, record)
    text = report.generation_text(record, "run")
    assert "| candidate | branch | gain ± SE | examples |" in text
    assert "score (0 guessing, 1 oracle)" in text
    way = figures.Way()
    way.add(record)
    assert " examples, " in report.campaign_text(
        campaign.config.model_dump(mode="json"), way, {}, "0", "run", "finished"
    )


def test_the_axis_of_the_figure_is_named_by_the_unit(run):
    _, result = run
    (axes,) = figures.adaptation_figure(result["record"]).axes
    assert axes.get_xlabel() == "shots"
    assert " ".join(axes.get_ylabel().split()) == "return (minus the squared error), IQM"
    assert axes.lines[0].get_xdata().tolist() == [0, 1, 2, 3, 4]
    way = figures.Way()
    way.add(result["record"])
    assert figures.campaign_figure(way).axes[0].get_xlabel() == "examples"


def test_pictures_show_what_the_learner_of_the_commit_says(run, tmp_path):
    campaign, result = run
    record, generator = result["record"], make_generator(campaign.config.generator)
    tasks = [Task.from_json(task) for task in record["tasks"]]
    drawn, worth = answers.answer_pictures(campaign.folder, record, generator, tasks)
    assert len(drawn) == len(worth) == 3
    assert all(picture.std() > 0 for picture in drawn)
    for text in worth:
        before, after = text.removeprefix("error ").split(" to ")
        assert float(after) < float(before)
    gone = {**record, "checkpoint": {"file": "gone.pt", "sha256": ""}}
    with pytest.raises(Exception, match="gone"):
        answers.answer_pictures(campaign.folder, gone, generator, tasks)


class Choosy(Lines):
    """Cannot make the sets of steep lines."""

    def make_problems(self, tasks, rng):
        for task in tasks:
            if task.content["slope"] > 2.0:
                raise RuntimeError("too steep")
        return super().make_problems(tasks, rng)


def test_a_task_at_fault_goes_into_quarantine_and_costs_itself(tmp_path):
    here = f"{__name__}:Choosy"
    steep = {
        "generator": {"name": here},
        "start": {"slope": [1.0, 3.0], "shots": 4},
        "search": "fixed",
        "movable": ["slope"],
    }
    result = Campaign.create(config(**steep), tmp_path).run()
    quarantine = result["record"]["quarantine"]
    assert quarantine
    assert all("too steep" in reason for reason in quarantine.values())
    assert result["record"]["monitor"]["start"]["num_tasks"] < 8
    assert result["record"]["candidates"][0]["failure"] is None


def test_an_estimate_counts_examples():
    found = estimate.estimate(config())
    assert found["counted"] == "examples"
    assert "examples/s a worker" in found["basis"]
    assert " examples, " in estimate_text(found)
    by_hand = estimate.generation_env_steps(config(), lifetime_steps=4 + QUERY)
    assert found["env_steps"] == sum(by_hand.values())


def test_a_file_for_problems_has_no_lifetime():
    raw = json.loads(json.dumps({**LINES, "lifetime": {"num_episodes": 3}}))
    (problem,) = check(raw)
    assert problem.path == "lifetime"
    assert "have no episodes" in problem.message
    assert check(LINES) == []


def test_axes_of_curves():
    assert words.curve_axis({"returns": [1.0], "unit": "episodes"}) == ("episodes", [1])
    assert words.curve_axis({}) == ("episodes", [])
