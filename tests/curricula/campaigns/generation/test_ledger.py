"""Budgets, totals and records; all results are made up."""

import dataclasses
import json

import pytest

from curricula.campaigns.generation.commits import first_record, next_record
from curricula.campaigns.generation.ledger import Ledger
from curricula.campaigns.sight.points import record_points
from tests.curricula.campaigns import fakes
from tests.curricula.campaigns.fakes import (
    NAN,
    STEPS_PER_TASK,
    ScriptedExecutor,
    make_nursery,
    make_record,
    make_setup,
    outcomes,
    play,
    script,
)

BRANCHES = {"num_candidates": 3, "branch_env_steps": 1000}


def ledger(budget, generation=0, evaluation_env_steps=0, **totals):
    setup = make_setup(budget={"generations": None, **budget}, generation=BRANCHES)
    record = make_record(generation, totals={"env_steps": 0, "seconds": 0.0, **totals})
    return Ledger(setup, {**record, "evaluation_env_steps": evaluation_env_steps})


@pytest.mark.parametrize(
    ("budget", "used", "spent"),
    [
        ({}, {"generation": 10**6, "env_steps": 10**12, "seconds": 1e9}, False),
        ({"generations": 3}, {"generation": 2}, False),
        ({"generations": 3}, {"generation": 3}, True),
        ({"hours": 0.5}, {"seconds": 1799.0}, False),
        ({"hours": 0.5}, {"seconds": 1800.0}, True),
        # A tenth of a generation is 300 steps: less is not worth starting one.
        ({"env_steps": 10_000}, {"env_steps": 9_699}, False),
        ({"env_steps": 10_000}, {"env_steps": 9_701}, True),
        ({"env_steps": 10_000}, {"env_steps": 12_000}, True),
        ({"env_steps": 10_000, "generations": 3}, {"env_steps": 9_999, "generation": 1}, True),
    ],
)
def test_the_first_bound_that_is_reached_ends_it(budget, used, spent):
    assert ledger(budget, **used).is_spent is spent


@pytest.mark.parametrize(
    ("used", "num_branches", "env_steps"),
    [
        (0, 3, 1000),
        (7_000, 3, 1000),
        (9_400, 3, 200),
        (9_401, 3, 200),  # rounded up
        (9_400, 5, 120),
        (9_999, 3, 1),
        (6_701, 3, 1100),  # a tenth longer, rather than leave a rest
        (6_699, 3, 1000),
    ],
)
def test_the_last_generation_is_as_long_as_the_budget_lasts(used, num_branches, env_steps):
    assert ledger({"env_steps": 10_000}, env_steps=used).branch_env_steps(num_branches) == env_steps


def test_what_evaluation_takes_is_kept_back_as_far_as_it_is_known():
    used = {"env_steps": 9_000, "evaluation_env_steps": 400}
    assert ledger({"env_steps": 10_000}, 1, **used).branch_env_steps(3) == 200
    assert not ledger({"env_steps": 10_000}, 1, **used).is_spent
    # Of 4_000 that are left, two generations would take 3_000 + 400 each: this one takes it all.
    used["env_steps"] = 6_000
    assert ledger({"env_steps": 10_000}, 1, **used).branch_env_steps(3) == 1_200
    used["env_steps"] = 5_900
    assert ledger({"env_steps": 10_000}, 1, **used).branch_env_steps(3) == 1_234
    used["env_steps"] = 5_900 - 3_400
    assert ledger({"env_steps": 10_000}, 1, **used).branch_env_steps(3) == 1_000
    used["env_steps"] = 9_000
    assert ledger({"env_steps": 10_000}, 1, **{**used, "evaluation_env_steps": 701}).is_spent


def test_without_a_bound_in_steps_every_generation_is_whole():
    assert ledger({"generations": 1}, env_steps=10**9).branch_env_steps(3) == 1000


def test_a_smaller_budget_shortens_both_legs(tmp_path):
    setup = make_setup(budget={"env_steps": 300}, generation={"branch_env_steps": 192})
    scene = play(tmp_path, script({}), setup=setup)
    assert [job.env_steps for job in scene.executor.trained("keep")] == [20, 40]  # 300 / 5 branches


class Books:
    """A campaign of made-up generations, record after record."""

    def __init__(self, folder, **changes):
        self.folder = folder
        self.setup = make_setup(**changes)
        self.records = []

    def begin(self, score, **tally):
        nursery = make_nursery(self.setup, self.folder, ScriptedExecutor(score, **tally), 0)
        branch = nursery.start_branch()
        nursery.examine([branch], self.setup.monitors())
        return self._add(first_record(self.setup, branch, nursery, 1.5))

    def go_on(self, score, seconds=2.0, **tally):
        before = self.records[-1]
        scene = play(
            self.folder / str(before["generation"]),
            score,
            setup=self.setup,
            record=before,
            **tally,
        )
        scene.nursery.examine([scene.grown.branch], self.setup.monitors())
        record = next_record(self.setup, before, scene.grown, scene.nursery, seconds)
        return self._add(record), scene

    def _add(self, record):
        self.records.append(json.loads(json.dumps(record, allow_nan=False)))
        return self.records[-1]


WINS = {"move-1": 0.5}


def test_totals_add_up_over_all_branches_also_those_that_lost(tmp_path):
    books = Books(tmp_path)
    totals = books.begin(script({}))["totals"]
    monitors = 2 * 6 * STEPS_PER_TASK
    assert totals == {
        "env_steps": monitors,
        "train_env_steps": 0,
        "scoring_env_steps": 0,
        "evaluation_env_steps": monitors,
        "lineage_env_steps": 0,
        "gradient_updates": 0,
        "tasks": 0,
        "seconds": 1.5,
    }
    record, scene = books.go_on(script(WINS))
    assert [branch.pruned for branch in scene.grown.branches] == [False, False, True, True, False]
    # Five branches to the rung with the start beside them, three to the end, two in the adoption.
    exams = (5 + 1 + 3 + 2) * 6 * STEPS_PER_TASK
    trained = 5 * 64 + 3 * 128
    assert record["totals"] == {
        "env_steps": trained + exams + 2 * monitors,
        "train_env_steps": trained,
        "scoring_env_steps": 0,
        "evaluation_env_steps": exams + 2 * monitors,
        "lineage_env_steps": 192,
        "gradient_updates": 8,
        "tasks": 32,
        "seconds": 3.5,
    }
    later, _ = books.go_on(script({}), seconds=3.0)
    assert later["totals"]["train_env_steps"] == trained + 3 * 192
    assert later["totals"]["lineage_env_steps"] == 2 * 192
    assert later["totals"]["seconds"] == 6.5


def test_rolled_back_steps_are_counted_but_not_in_the_lineage(tmp_path):
    books = Books(tmp_path, generation={"num_candidates": 0})
    books.begin(script({}))
    record, _ = books.go_on(script({"toward": -0.5}))
    assert record["decision"]["decided_by"] == "rollback"
    assert record["totals"]["train_env_steps"] == 192
    assert record["totals"]["lineage_env_steps"] == 0


def test_the_record_says_what_was_tried_and_who_won(tmp_path):
    books = Books(tmp_path)
    books.begin(script({}))
    record, _ = books.go_on(script(WINS))
    assert [(c["index"], c["name"], c["pruned"], c["env_steps"]) for c in record["candidates"]] == [
        (0, "keep", False, 192),
        (1, "move-1", False, 192),
        (2, "move-2", True, 64),
        (3, "challenger", True, 64),
        (4, "keep-again", False, 192),
    ]
    assert record["decision"]["winner"] == 1
    assert record["incumbent"] == record["candidates"][1]["distribution"]
    assert record["parameters"]["size"] == {"low": 5, "high": 9}
    assert record["frontier"]["regions"]["size"] == [5, 9]
    assert record["parameters"]["layout"]["depth_first"] == 1.0


def monitored(target, start):
    def score(branch, leg, exam):
        return {"monitor-target": target, "monitor-start": start}.get(exam, 0.0)

    return score


def test_the_best_is_by_the_target_and_forgetting_by_the_start(tmp_path):
    books = Books(tmp_path)
    books.begin(monitored(0.1, 0.4))
    for target, start in [(0.5, 0.9), (0.3, 0.2), (0.4, 0.5)]:
        books.go_on(monitored(target, start))
    assert [record["best"]["generation"] for record in books.records] == [0, 1, 1, 1]
    assert books.records[-1]["best"]["target_return"] == pytest.approx(0.5)
    forgetting = [record["forgetting"] for record in books.records]
    assert forgetting == pytest.approx([0.0, 0.0, 0.7, 0.4])


def reaching(monitor, adoption):
    """Scores of a challenger that wins; a lifetime is mastered above 0.5."""

    def score(branch, leg, exam):
        if exam.startswith("monitor"):
            return monitor
        won = adoption if branch == "challenger" else 0.0
        return {"selection": 0.1 * (branch == "challenger"), "adoption": won}[exam]

    return score


def endless(folder, **changes):
    generation = {"challenger_every": 1, "aa_every": 0, "rung_share": 0.0}
    return Books(folder, target=None, generation=generation, sizes=([5, 5], [7, 7]), **changes)


def test_the_learner_is_measured_where_its_generation_aimed(tmp_path):
    books = endless(tmp_path)
    first = books.begin(reaching(0.9, 0.0))
    assert first["reached"]["exam"] == "monitor-target"
    assert first["reached"]["frontier"] == first["frontier"]
    record, _ = books.go_on(reaching(0.9, 0.8))
    assert record["decision"]["decided_by"] == "challenger"
    assert record["reached"]["exam"] == "adoption"
    assert record["reached"]["frontier"] == first["frontier"] != record["frontier"]
    assert record["reached"]["measures"]["return_mean"] == pytest.approx(0.8)
    sizes = books.setup.generator.space["size"]
    volume = 3 / ((sizes.high - sizes.low) / sizes.step + 1)  # 5, 7 and 9 of them all
    assert record["reached"]["volume"] == pytest.approx(volume)
    assert record["reached"]["mastered_volume"] == pytest.approx(volume)
    points = record_points(record)
    assert points["frontier/return_mean"] == pytest.approx(0.8)
    assert {"frontier/return_iqm_low", "frontier/success_rate_high"} <= set(points)
    assert points["frontier/mastered_volume"] == pytest.approx(volume)


def test_without_an_adoption_it_is_measured_on_the_selection_tasks(tmp_path):
    books = Books(tmp_path, generation={"num_candidates": 0})
    books.begin(script({}))
    record, _ = books.go_on(script({"toward": 0.7}))
    assert record["reached"]["exam"] == "selection"
    assert record["reached"]["measures"]["return_mean"] == pytest.approx(0.7)


def test_open_ended_the_best_has_mastered_the_largest_part_of_the_space(tmp_path):
    books = endless(tmp_path)
    books.begin(reaching(0.9, 0.0))  # all of the first ring, though the monitors saturate
    for adoption in (0.8, 0.9, 0.3, 0.4):
        books.setup.start = books.setup.distribution(books.records[-1]["incumbent"])
        books.go_on(reaching(0.9, adoption))
    assert [record["decision"]["decided_by"] for record in books.records[1:]] == ["challenger"] * 4
    assert [record["best"]["generation"] for record in books.records] == [0, 1, 2, 2, 2]
    assert books.records[-1]["best"]["by"] == "mastered_volume"
    reached = [record["reached"]["mastered_volume"] for record in books.records]
    assert reached[1] < reached[2] == books.records[-1]["best"]["mastered_volume"]
    assert reached[3] == reached[4] == 0.0


def test_where_nothing_tells_success_the_newest_is_the_best(tmp_path, monkeypatch):
    def without_success(*args):
        return dataclasses.replace(outcomes(*args), successes=None)

    monkeypatch.setattr(fakes, "outcomes", without_success)
    books = endless(tmp_path)
    books.begin(reaching(0.9, 0.0))
    books.go_on(reaching(0.2, 0.8))
    assert [(r["best"]["generation"], r["best"]["by"]) for r in books.records] == [
        (0, "newest"),
        (1, "newest"),
    ]
    bound = endless(tmp_path / "b", movable=[], search="fixed")
    bound.begin(reaching(0.9, 0.0))
    assert bound.records[0]["best"]["by"] == "target_return", "nothing moves: the monitor is right"


def test_what_cannot_be_measured_is_null_and_later_made_up_for(tmp_path):
    books = Books(tmp_path)
    first = books.begin(monitored(NAN, NAN))
    assert first["monitor"]["target"]["return_mean"] is None
    assert first["best"]["target_return"] is first["forgetting"] is None
    second, _ = books.go_on(lambda branch, leg, exam: NAN)
    assert [c["gain"] for c in second["candidates"]] == [None] * 5
    assert second["decision"]["decided_by"] == "keep"
    third, _ = books.go_on(monitored(0.2, 0.3))
    assert third["best"] == {
        "generation": 2,
        "by": "target_return",
        "target_return": pytest.approx(0.2),
        "mastered_volume": 0.0,
        "start_return": pytest.approx(0.3),
    }
    assert third["forgetting"] == pytest.approx(0.0)


def test_infinities_become_null(tmp_path):
    books = Books(tmp_path)
    books.begin(script({}))
    record, _ = books.go_on(script({}), metrics={"train/loss": float("inf"), "train/ok": 1.0})
    assert record["candidates"][0]["metrics"] == {"train/loss": None, "train/ok": 1.0}


def test_quarantine_grows_and_keeps_its_first_reason(tmp_path):
    books = Books(tmp_path)
    assert books.begin(script({}), failures={"a": "first"})["quarantine"] == {"a": "first"}
    record, _ = books.go_on(script({}), failures={"a": "second", "b": "third"})
    assert record["quarantine"] == {"a": "first", "b": "third"}


def test_draws_are_summed_over_all_legs(tmp_path):
    books = Books(tmp_path, generation={"num_candidates": 0})
    assert books.begin(script({}), draws={"accepted": 6})["draws"] == {"accepted": 12}
    record, _ = books.go_on(script({}), draws={"accepted": 6, "failed": 1})
    assert record["draws"] == {
        "accepted": 30,
        "failed": 5,
    }  # branch, start, ends and two monitor sets
