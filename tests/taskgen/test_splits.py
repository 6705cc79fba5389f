import time

import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator, Validity
from taskgen.generators.bandit import Bandit
from taskgen.generators.maze import Maze
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Int
from taskgen.source import TaskSource, TooFewTasks
from taskgen.splits import SHARES, split_of
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
    ids = [task_id for tasks in sets.values() for task_id in set(tasks.ids)]
    assert len(ids) == len(set(ids))


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


def test_quarantined_tasks_do_not_come():
    source, distribution = few(quarantine=[Few().make_task({"number": 1}, 0).id])
    numbers = {
        task.content["number"] for task in source.make(distribution, 200, np.random.default_rng(0))
    }
    assert 1 not in numbers
    assert 2 in numbers
    assert source.draws.quarantined > 0


def test_too_few_tasks_are_told_with_the_cure():
    source, _ = few("test", quarantine=[Few().make_task({"number": 1}, 0).id])
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


class Grouped(Few):
    """Numbers of one ten share what can be learned, so they lie on one side."""

    name = "grouped-v1"
    space = ParameterSpace({"most": Int(low=40, high=41, default=40)})

    def make_task(self, params, seed):
        return Task(self.name, 1, params, seed, {"number": seed % 40})

    def split_position(self, task, salt):
        return (0.05, 0.85, 0.5, 0.95)[task.content["number"] // 10]


def test_a_family_says_itself_which_tasks_lie_together():
    tens = {"train": {0, 2}, "validation": {1}, "test": {3}}
    for split, expected in tens.items():
        source = TaskSource(Grouped(), split, "salt")
        tasks = source.make(TaskDistribution.whole(Grouped.space), 200, np.random.default_rng(0))
        assert {task.content["number"] // 10 for task in tasks} == expected


def test_a_task_whose_place_cannot_be_told_costs_itself():
    class Lost(Grouped):
        name = "lost-v1"

        def split_position(self, task, salt):
            if task.content["number"] % 3 == 0:
                raise RuntimeError("nobody knows")
            return super().split_position(task, salt)

    source = TaskSource(Lost(), "train", "salt")
    tasks = source.make(TaskDistribution.whole(Lost.space), 50, np.random.default_rng(0))
    assert not any(task.content["number"] % 3 == 0 for task in tasks)
    assert any("nobody knows" in reason for reason in source.draws.reasons.values())


class Unwritable(Few):
    """Multiples of seven hold NaN, of eleven too much; splits go by a form that hides it."""

    name = "unwritable-v1"

    def make_task(self, params, seed):
        number = params["number"]
        ballast = float("nan") if number % 7 == 0 else "x" * 70_000 if number % 11 == 0 else ""
        return Task(self.name, 1, params, seed, {"number": number, "ballast": ballast})

    def mutate(self, task, rng):
        raise RuntimeError("no edits")


class UnwritableButCanonical(Unwritable):
    def canonical(self, task):
        return str(task.content["number"]).encode()


@pytest.mark.parametrize("generator", [Unwritable(), UnwritableButCanonical()])
@pytest.mark.parametrize("split", [None, "train"])
def test_tasks_that_cannot_be_written_down_cost_themselves(generator, split):
    source = TaskSource(generator, split, "salt")
    whole = TaskDistribution.whole(generator.space)
    reasons = ""
    for seed in range(5):
        tasks = source.make(whole, 60, np.random.default_rng(seed))
        numbers = {task.content["number"] for task in tasks}
        assert len(tasks) == 60
        assert not any(number % 7 == 0 or number % 11 == 0 for number in numbers)
        reasons += " ".join(source.draws.reasons.values())
    assert source.draws.failed > 0
    assert "JSON compliant" in reasons
    assert "at most 65536 bytes" in reasons


def test_an_edit_that_raises_is_noted():
    source = TaskSource(Unwritable(), None, "salt")
    task = Unwritable().make_task({"number": 1}, 0)
    assert source.mutate(task, np.random.default_rng(0), tries=3) is None
    assert source.draws.failed == 3


def test_the_newest_reasons_are_kept():
    source, distribution = few()
    source.make(distribution, 2_000, np.random.default_rng(0))
    assert source.draws.failed > 20
    assert len(source.draws.reasons) == 20


class SoMany(TaskGenerator):
    """A row of number k has k tasks, which the seed chooses from."""

    name = "so-many-v1"
    kind = "env"
    space = ParameterSpace({"number": Int(low=1, high=150, default=1)})

    def make_task(self, params, seed):
        which = seed % params["number"]
        return Task(self.name, 1, params, seed, {"number": params["number"], "which": which})


def so_many(low, high, split=None):
    """Returns a source, and rows from the one that has `low` tasks to the one that has `high`."""
    rows = TaskDistribution.make(SoMany.space, {"number": [low, high]})
    return TaskSource(SoMany(), split, "salt"), rows


def numbers_of(tasks):
    return [task.params["number"] for task in tasks]


def test_distinct_tasks_do_not_repeat_and_stay_apart():
    source, distribution = so_many(50, 100)
    first = source.make_distinct(distribution, 40, np.random.default_rng(0))
    second = source.make_distinct(distribution, 40, np.random.default_rng(1), first.canonicals)
    assert len(set(first.canonicals)) == len(set(second.canonicals)) == 40
    assert not set(first.canonicals) & set(second.canonicals)
    assert (source.draws.repeats, source.draws.repeats_apart) == (0, 0)
    assert source.draws.accepted == 80


def test_a_family_of_few_tasks_repeats_rather_than_fails():
    source, two = so_many(2, 2)
    both = source.make_distinct(two, 30, np.random.default_rng(0)).canonicals
    assert (len(both), len(set(both))) == (30, 2)
    assert (source.draws.repeats, source.draws.repeats_apart) == (28, 0)


@pytest.mark.parametrize(
    ("num_taken", "repeats", "repeats_apart"),
    [(0, 3, 0), (1, 4, 0), (2, 0, 5)],
)
def test_repeats_are_of_the_set_itself_where_that_is_possible(num_taken, repeats, repeats_apart):
    source, two = so_many(2, 2)
    forms = sorted({SoMany().canonical(SoMany().make_task({"number": 2}, k)) for k in range(2)})
    taken = forms[:num_taken]
    tasks = source.make_distinct(two, 5, np.random.default_rng(0), taken)
    assert (source.draws.repeats, source.draws.repeats_apart) == (repeats, repeats_apart)
    assert set(tasks.canonicals) <= (set(forms) - set(taken) or set(forms))


@pytest.mark.parametrize("split", [None, "train", "validation", "test"])
def test_rows_are_those_of_the_distribution_however_few_tasks_they_have(split):
    source, distribution = so_many(100, 110, split=split)
    rows = distribution.sample(300, np.random.default_rng(0))["number"].tolist()
    assert numbers_of(source.make(distribution, 300, np.random.default_rng(0))) == rows
    distinct = source.make_distinct(distribution, 300, np.random.default_rng(0))
    assert numbers_of(distinct) == rows
    assert source.draws.given_up == 0
    assert source.draws.repeats == 300 - len(set(distinct.canonicals))
    assert (source.draws.repeats > 100) == (split in ("validation", "test")), "some 115 are left"


def test_small_mazes_are_as_frequent_in_an_exam_as_in_its_target():
    distribution = TaskDistribution.make(Maze.space, {"size": [5, 13], "braid": 0})
    source = TaskSource(Maze(), "validation", "salt")
    taken = set()
    for seed in range(3):
        tasks = source.make_distinct(distribution, 250, np.random.default_rng(seed), taken)
        taken |= set(tasks.canonicals)
        sizes = [task.params["size"] for task in tasks]
        counts = np.array([sizes.count(size) for size in (5, 7, 9, 11, 13)])
        assert ((counts - 50) ** 2 / 50).sum() < 18.5, "chi-square of 4 degrees, 0.1 %"
    assert source.draws.repeats_apart > 0, "there are fewer mazes of 5 by 5 than were asked for"


def test_a_row_without_a_task_in_the_split_is_given_up_and_counted():
    lone = split_of(SoMany().canonical(SoMany().make_task({"number": 1}, 0)), "salt")
    other = next(split for split in SHARES if split != lone)
    source, distribution = so_many(1, 100, split=other)
    rng = np.random.default_rng(0)
    numbers = numbers_of(source.make(distribution, 2_000, rng))
    rows = distribution.sample(2_000, np.random.default_rng(0))["number"]
    assert 1 in rows
    assert 1 not in numbers
    kept = [(row, number) for row, number in zip(rows, numbers, strict=True) if row == number]
    assert source.draws.given_up >= 2_000 - len(kept) >= (rows == 1).sum()
    for row in set(rows) - set(numbers):
        tasks = [SoMany().make_task({"number": int(row)}, k) for k in range(row)]
        forms = [SoMany().canonical(task) for task in tasks]
        assert other not in {split_of(form, "salt") for form in forms}


class Fixed(TaskGenerator):
    """One task a row, whatever the seed; counts how many are made."""

    name = "fixed-v1"
    kind = "env"
    space = ParameterSpace({"number": Int(low=1, high=100_000, default=1)})
    says_so = True

    def __init__(self):
        self.num_made = 0

    def make_task(self, params, seed):
        self.num_made += 1
        return Task(self.name, 1, params, seed, {"number": params["number"]})

    def varies(self, params):
        return np.full(len(params["number"]), not self.says_so)


class Unsaid(Fixed):
    """The same, and does not say so."""

    says_so = False


def test_a_row_that_does_not_vary_is_tried_once():
    made, given_up = {}, {}
    for family in (Fixed, Unsaid):
        generator = family()
        generator.make_tasks(Fixed.space.columns([{"number": 1}]), np.arange(1))
        source = TaskSource(generator, "train", "salt")
        tasks = source.make(TaskDistribution.whole(Fixed.space), 500, np.random.default_rng(0))
        made[family], given_up[family] = generator.num_made - 1, source.draws.given_up
        assert {split_of(generator.canonical(task), "salt") for task in tasks} == {"train"}
        assert np.mean(numbers_of(tasks)) == pytest.approx(50_000, rel=0.1)
        assert given_up[family] == pytest.approx(125, abs=40)  # a fifth lies on other sides
    assert made[Fixed] in (500 + given_up[Fixed], 501 + given_up[Fixed])  # one warms up
    assert made[Unsaid] > 500 + 7 * given_up[Unsaid]


def test_nothing_is_made_of_nothing():
    source, distribution = so_many(1, 9)
    assert len(source.make(distribution, 0, np.random.default_rng(0))) == 0
    assert len(source.make_distinct(distribution, 0, np.random.default_rng(0))) == 0


class Compiles(Few):
    """Its first task takes as long as a compiler."""

    calls = 0

    def make_task(self, params, seed):
        Compiles.calls += 1
        if Compiles.calls == 1:
            time.sleep(0.5)
        return Task(self.name, 1, params, seed, {"number": params["number"]})


class Stuck(Few):
    def make_task(self, params, seed):
        time.sleep(60.0)


def test_the_first_task_may_take_its_time():
    source = TaskSource(Compiles(), None, "", timeout_s=0.25)
    whole = TaskDistribution.whole(Few.space)
    batch = source.make(whole, 5, np.random.default_rng(0))
    assert source.draws.failed == 0
    again = TaskSource(Compiles(), None, "").make(whole, 5, np.random.default_rng(0))
    assert batch.ids == again.ids  # whether it was the first does not show


def test_a_generator_that_hangs_at_once_does_not_hang_for_ever(monkeypatch):
    monkeypatch.setattr("taskgen.source._FIRST_LIMIT_S", 0.1)
    source = TaskSource(Stuck(), None, "", timeout_s=0.02)
    with pytest.raises(TooFewTasks, match="did not return within"):
        source.make(TaskDistribution.whole(Few.space), 2, np.random.default_rng(0))
