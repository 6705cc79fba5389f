import copy

import numpy as np
import pytest

from curricula.algorithms.quality_diversity import QualityDiversity
from curricula.checks.specimens import ELSEWHERE, START, Marks, training_source
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


def make(**settings):
    return QualityDiversity(QualityDiversity.Config(**settings))


def ask(curriculum, n=20, seed=0, distribution=START, source=None):
    rng = np.random.default_rng(seed)
    return curriculum.ask(source or training_source(), distribution, n, rng)


def play(curriculum, rounds, score, **more):
    for seed in range(rounds):
        batch = ask(curriculum, seed=seed, **more)
        curriculum.tell(batch, np.array([score(p.task) for p in batch]))
    return ask(curriculum, seed=99, **more)


def origins(batch):
    return [sum(p.origin == origin for p in batch) for origin in ("replay", "edit", "new")]


def test_a_batch_is_elites_edits_and_new_tasks():
    curriculum = make()
    assert origins(ask(curriculum)) == [0, 0, 20]
    batch = play(curriculum, 3, lambda task: 0.1)
    assert origins(batch) == [5, 10, 5]
    elites = {task.id for task in curriculum._archive.tasks}
    assert {p.task.id for p in batch if p.origin == "replay"} <= elites
    assert all(set(p.task.parents) <= elites for p in batch if p.origin == "edit")
    assert all(p.task.operator == "reseed" for p in batch if p.origin == "edit")


def test_elites_are_played_again_in_proportion_to_their_score():
    curriculum = make(
        replay_share=0.05, edit_share=0.0, num_cells=(2, 1), descriptors=("size", "weight")
    )
    play(curriculum, 3, lambda task: 0.3 if task.params["size"] > 5 else 0.1)
    assert sorted(curriculum._archive.scores) == [0.1, 0.3]
    batches = [ask(curriculum, seed=seed) for seed in range(400)]
    large = [p.task.params["size"] > 5 for b in batches for p in b if p.origin == "replay"]
    assert np.mean(large) == pytest.approx(0.75, abs=0.08)


def test_descriptors_are_those_in_which_tasks_differ_most_or_those_that_are_named():
    chosen = make()
    play(chosen, 1, lambda task: 0.1)
    assert chosen.heat_maps()["archive"].x == "weight"
    assert chosen.heat_maps()["archive"].y == "size"
    named = make(descriptors=("weight", "still"))
    play(named, 1, lambda task: 0.1)
    assert named.heat_maps()["archive"].y == "still"


def test_descriptors_are_not_chosen_by_a_few_tasks_and_none_of_those_is_lost():
    curriculum = make()
    batch = ask(curriculum)
    curriculum.tell(batch, np.where(np.arange(20) < 2, 0.1, 0.0))
    assert origins(ask(curriculum, seed=1)) == [0, 0, 20]
    assert curriculum.heat_maps() == {}
    curriculum = make(num_cells=(20, 20))
    for seed in range(6):
        batch = ask(curriculum, seed=seed)
        curriculum.tell(batch, np.where(np.arange(20) < 2, 0.1, 0.0))
    ask(curriculum, seed=9)
    assert curriculum.metrics()["curriculum/num_elites"] >= 8


def test_unknown_descriptors_and_tasks_all_alike_are_refused():
    with pytest.raises(ValueError, match="height is none; there are size, weight, still"):
        play(make(descriptors=("weight", "height")), 1, lambda task: 0.1)
    with pytest.raises(ValueError, match="those of marks-v1 differ in none"):
        play(make(), 1, lambda t: 0.1, distribution=TaskDistribution.make(Marks.space, {}))


def test_a_parameter_as_descriptor_asks_the_generator_nothing():
    class Mute(Marks):
        def describe(self, task):
            raise RuntimeError("not asked")

    source = TaskSource(Mute(), "train", "checks")
    curriculum = make(descriptors=("weight", "size"))
    play(curriculum, 2, lambda task: 0.1, source=source)
    assert curriculum.metrics()["curriculum/num_elites"] > 5


def test_after_a_move_nothing_outside_is_played_or_edited_and_the_archive_stays():
    curriculum = make()
    play(curriculum, 3, lambda task: 0.1)
    before = curriculum.metrics()["curriculum/num_elites"]
    batch = ask(curriculum, distribution=ELSEWHERE)
    assert origins(batch) == [0, 0, 20]
    assert all(ELSEWHERE.contains(p.task.params) for p in batch)
    assert curriculum.metrics()["curriculum/num_elites"] == before
    assert origins(ask(curriculum))[0] == 5


def test_edits_that_leave_the_distribution_are_not_played():
    class Grows(Marks):
        def mutate(self, task, rng):
            return task.edited(
                {"seed": int(rng.integers(10**6))}, "grow", {**task.params, "size": 21}
            )

    curriculum = make()
    batch = play(curriculum, 3, lambda task: 0.1, source=TaskSource(Grows(), "train", "checks"))
    assert origins(batch) == [5, 0, 15]


def test_metrics_count_cells_and_what_they_hold():
    curriculum = make(num_cells=(4, 5))
    assert curriculum.heat_maps() == {}
    assert np.isnan(curriculum.metrics()["curriculum/mean_elite_score"])
    play(curriculum, 4, lambda task: 0.2)
    told = curriculum.metrics()
    assert told["curriculum/coverage"] == told["curriculum/num_elites"] / 20
    assert told["curriculum/qd_score"] == pytest.approx(0.2 * told["curriculum/num_elites"])
    shown = curriculum.heat_maps()["archive"].values
    assert shown.shape == (5, 4)
    assert np.isfinite(shown).sum() == told["curriculum/num_elites"]


def test_a_state_goes_on_the_same_from_between_tell_and_ask():
    whole = make()
    play(whole, 3, lambda task: 0.1)
    whole.tell(ask(whole, seed=7), np.linspace(-1.0, 1.0, 20))
    resumed = make()
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for seed in range(3):
        batches = [ask(each, seed=seed) for each in (whole, resumed)]
        assert batches[0] == batches[1]
        for each, batch in zip((whole, resumed), batches, strict=True):
            each.tell(batch, np.linspace(-0.5, 1.0, 20))


@pytest.mark.parametrize(
    "settings",
    [{"descriptors": ("size",)}, {"num_cells": (0, 3)}, {"replay_share": 2.0}, {"edit_share": 0.9}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        make(**settings)
