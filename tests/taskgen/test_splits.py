import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator, Validity
from taskgen.generators.bandit import Bandit
from taskgen.parameters import Int, ParameterSpace
from taskgen.splits import SHARES, TaskSource, TooFewTasks, leak_report, split_of
from taskgen.task import Task

BANDIT = Bandit()
WHOLE = TaskDistribution.whole(BANDIT.space)


class Few(TaskGenerator):
    """Only as many tasks as there are numbers; multiples of seven raise, of five are not valid."""

    name = "few-v1"
    kind = "env"
    space = ParameterSpace({"number": Int(low=1, high=40, default=1)})

    def make_task(self, params, seed):
        if params["number"] % 7 == 0:
            raise RuntimeError(f"no task for {params['number']}")
        return Task(self.name, 1, params, seed, {"number": params["number"]})

    def is_valid(self, task):
        return Validity(task.content["number"] % 5 != 0, "a multiple of five")

    def mutate(self, task, rng):
        number = int(rng.integers(1, 40))
        return task.edited({"number": number}, "redraw", params={"number": number})


def few(split=None, **options):
    return TaskSource(Few(), split, "salt", **options), TaskDistribution.whole(Few.space)


def test_shares_are_as_said_and_the_salt_deals_anew():
    forms = [str(k).encode() for k in range(20_000)]
    splits = [split_of(form, "one") for form in forms]
    for split, share in SHARES.items():
        assert splits.count(split) / len(forms) == pytest.approx(share, abs=0.01)
    again = [split_of(form, "two") for form in forms]
    agree = np.mean([a == b for a, b in zip(splits, again, strict=True)])
    assert agree == pytest.approx(0.8**2 + 2 * 0.1**2, abs=0.02)


def test_sources_of_different_splits_share_no_task():
    sets = {}
    for split in SHARES:
        source = TaskSource(BANDIT, split, "salt")
        sets[split] = source.make(WHOLE, 300, np.random.default_rng(0))
        assert len(sets[split]) == 300
        assert {split_of(form, "salt") for form in sets[split].canonicals} == {split}
        assert source.draws.accepted == 300
    report = leak_report(BANDIT, sets)
    assert set(report) == {"test & train", "test & validation", "train & validation"}
    assert all(counts == {"ids": 0, "canonical": 0} for counts in report.values())


def test_the_leak_report_counts_what_is_shared():
    tasks = list(TaskSource(BANDIT, None, "").make(WHOLE, 5, np.random.default_rng(0)))
    report = leak_report(BANDIT, {"a": tasks[:3], "b": tasks[1:]})
    assert report == {"a & b": {"ids": 2, "canonical": 2}}


def test_the_same_rng_makes_the_same_tasks():
    ids = [
        TaskSource(BANDIT, "train", "salt").make(WHOLE, 50, np.random.default_rng(3)).ids
        for _ in range(2)
    ]
    assert ids[0] == ids[1]


def test_rows_that_raise_and_tasks_that_are_not_valid_cost_themselves():
    source, distribution = few()
    numbers = [
        task.content["number"] for task in source.make(distribution, 60, np.random.default_rng(0))
    ]
    assert len(numbers) == 60
    assert not any(number % 7 == 0 or number % 5 == 0 for number in numbers)
    assert source.draws.failed > 0
    assert source.draws.invalid > 0
    assert any("no task for" in reason for reason in source.draws.reasons.values())


def test_quarantined_and_forbidden_tasks_do_not_come():
    tasks = {n: Few().make_task({"number": n}, 0) for n in (1, 2)}
    source, distribution = few(quarantine=[tasks[1].id], forbidden=[Few().canonical(tasks[2])])
    numbers = {
        task.content["number"] for task in source.make(distribution, 200, np.random.default_rng(0))
    }
    assert not numbers & {1, 2}
    assert 3 in numbers
    assert source.draws.quarantined > 0


def test_too_few_tasks_are_told_with_the_cure():
    source, _ = few("test", forbidden=[Few().canonical(Few().make_task({"number": 1}, 0))])
    with pytest.raises(TooFewTasks, match=r"only 0 of 3 test tasks .* widen the distribution"):
        source.make(TaskDistribution.make(Few.space, {"number": 1}), 3, np.random.default_rng(0))


def test_edits_stay_within_the_split():
    source, _ = few("train")
    task = Few().make_task({"number": 1}, 0)
    rng = np.random.default_rng(0)
    edits = [source.mutate(task, rng) for _ in range(30)]
    found = [edit for edit in edits if edit is not None]
    assert found
    assert all(split_of(Few().canonical(edit), "salt") == "train" for edit in found)
    assert all(Few().is_valid(edit) for edit in found)
