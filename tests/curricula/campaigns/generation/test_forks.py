"""Who trains where and for how long, who stops, and who goes on; all results are made up."""

import math

import pytest

from curricula.campaigns.generation.branches import NUM_NOISE
from tests.curricula.campaigns.fakes import NAN, SMALL, make_record, make_setup, play, script

ALL = ["keep", "move-1", "move-2", "challenger", "keep-again"]


def level(branch, leg, exam):
    return 0.0


@pytest.mark.parametrize(
    ("generation", "extra"),
    [
        (1, ["challenger", "keep-again"]),
        (2, []),
        (3, ["challenger"]),
        (4, ["keep-again"]),
        (5, ["challenger"]),
    ],
)
def test_challenger_and_copy_come_at_first_and_every_few_generations(tmp_path, generation, extra):
    setup = make_setup(generation={"challenger_every": 2, "aa_every": 3})
    scene = play(tmp_path, level, setup=setup, record=make_record(generation - 1))
    assert scene.names == ["keep", "move-1", "move-2", *extra]


def test_neither_comes_where_it_is_switched_off(tmp_path):
    never = make_setup(generation={"challenger_every": 0, "aa_every": 0})
    assert play(tmp_path, level, setup=never).names == ALL[:3]


def test_without_a_target_the_challenger_is_the_next_ring(tmp_path):
    endless = make_setup(target=None, start={"size": [9, 25]}, rehearsal_share=0.2)
    place = play(tmp_path, level, setup=endless).branch("challenger").candidate.distribution
    assert (place.regions["size"].low, place.regions["size"].high) == (5, 29)
    assert place.rehearsal == endless.start.rehearsal


def test_a_ring_is_adopted_by_the_test_and_never_by_a_tie(tmp_path):
    setup = make_setup(target=None, sizes=([5, 5], [7, 7]))
    won = play(tmp_path / "a", script({"challenger": 0.5}), setup=setup)
    assert (won.decision, won.size) == ((3, "challenger"), (5, 9))
    tied = play(tmp_path / "b", script({"challenger": 0.5}, adoption={}), setup=setup)
    assert (tied.decision, tied.size) == ((0, "keep"), (5, 7))


def test_who_trains_on_all_that_counts_already_has_no_challenger(tmp_path):
    arrived = make_setup(start={"size": [5, 9]})
    assert play(tmp_path / "a", level, setup=arrived).names == [*ALL[:3], "keep-again"]
    everywhere = make_setup(target=None)
    sizes = everywhere.generator.space["size"]
    everywhere.start = everywhere.start.widened(99.0, ["size"])
    assert everywhere.start.regions["size"].high == sizes.high
    assert "challenger" not in play(tmp_path / "b", level, setup=everywhere).names


def test_the_challenger_is_the_whole_target_and_rehearses_as_the_others(tmp_path):
    scene = play(tmp_path, level, setup=make_setup(rehearsal_share=0.2))
    place = scene.branch("challenger").candidate.distribution
    assert place.regions == scene.setup.target.regions
    for branch in scene.grown.branches:
        assert branch.candidate.distribution.rehearsal == place.rehearsal
    assert place.rehearsal[0][0] == 0.2


def test_all_fork_one_start_and_train_alike_but_for_the_seed_of_the_copy(tmp_path):
    scene = play(tmp_path, level)
    first = {name: scene.executor.trained(name)[0] for name in ALL}
    assert {(job.start_digest, job.env_steps) for job in first.values()} == {
        ("digest of the start", 64)
    }
    seeds = {name: job.seed for name, job in first.items()}
    again = seeds.pop("keep-again")
    assert len(set(seeds.values())) == 1
    assert again not in seeds.values()


def test_the_second_leg_goes_on_from_the_first_to_the_full_steps(tmp_path):
    scene = play(tmp_path, level)
    for name in ALL:
        first, second = scene.executor.trained(name)
        assert (second.start, second.start_digest) == (first.out, first.digest)
        assert first.env_steps + second.env_steps == 192
        assert first.seed != second.seed
        assert scene.branch(name).state == {"branch": name, "leg": 2}


def exams(scene, name):
    return [job.exams[0] for job in scene.executor.jobs if job.exams[0].name == name]


def test_everybody_plays_the_same_tasks_fresh_in_every_generation(tmp_path):
    scene = play(tmp_path, level)
    first, *others = exams(scene, "selection")
    assert len(others) == 2 * len(ALL)  # five branches at the rung and at the end, and the start
    assert all(other == first for other in others)
    later = play(tmp_path / "later", level, record=make_record(1))
    assert exams(later, "selection")[0].task_seed != first.task_seed
    assert exams(scene, "adoption")[0].task_seed != first.task_seed


def test_who_is_behind_at_the_rung_stops_but_keep_and_its_copy_never(tmp_path):
    scene = play(tmp_path, script({"move-1": 0.5, "keep": -0.5, "keep-again": -0.4}))
    assert [b.name for b in scene.grown.branches if b.pruned] == ["move-2", "challenger"]
    assert [len(scene.executor.trained(name)) for name in ALL] == [2, 2, 1, 1, 2]
    assert scene.branch("move-2").rung_gain == scene.branch("move-2").gain == pytest.approx(0.0)


def test_within_the_noise_of_training_nobody_stops(tmp_path):
    record = make_record(1, noise_history=[1.0])
    scene = play(tmp_path, script({"move-1": 0.5}), record=record)
    assert not any(branch.pruned for branch in scene.grown.branches)


def test_the_gain_that_counts_is_that_of_the_end(tmp_path):
    def late(branch, leg, exam):
        return {"move-1": [0, 0.1, 0.3], "move-2": [0, 0.1, 0.7]}.get(branch, [0, 0.1, 0.2])[leg]

    scene = play(tmp_path, late)
    gains = [branch.gain for branch in scene.grown.branches]
    assert gains == pytest.approx([0.2, 0.3, 0.7, 0.2, 0.2])
    assert [b.rung_gain for b in scene.grown.branches] == pytest.approx([0.1] * 5)
    assert scene.branch("move-1").gain_se == pytest.approx(SMALL * math.sqrt(6 / 5) / math.sqrt(6))


def test_one_leg_where_there_is_no_rung(tmp_path):
    scene = play(tmp_path, level, setup=make_setup(generation={"rung_share": 0.0}))
    assert [job.env_steps for name in ALL for job in scene.executor.trained(name)] == [192] * 5
    assert all(branch.rung_gain is None for branch in scene.grown.branches)


def test_the_best_is_adopted_if_it_wins_on_fresh_tasks(tmp_path):
    scene = play(
        tmp_path,
        script({"move-1": 0.1, "move-2": 0.5}, adoption={"move-2": 0.3, "keep": 0.1}),
        setup=make_setup(generation={"prune_sd": 0.0}),
    )
    assert scene.decision == (2, "test")
    assert scene.size == (7, 7)
    assert scene.grown.branch.name == "move-2"
    assert scene.grown.decision["difference"] == pytest.approx(0.2)
    played = [job.branch for job in scene.executor.jobs if job.exams[0].name == "adoption"]
    assert played == ["keep", "move-2"]
    assert scene.grown.gain_history == pytest.approx([0.5])


def test_the_best_was_lucky_and_keep_stays(tmp_path):
    scene = play(tmp_path, script({"move-1": 0.5}, adoption={"keep": 0.1}))
    assert scene.decision == (0, "keep")
    assert scene.size == (5, 7)
    assert scene.grown.branch.name == "keep"


def test_a_tie_goes_to_the_candidate_that_covers_more_of_the_target(tmp_path):
    gains = {"move-1": 0.4, "move-2": 0.5, "challenger": 0.3}
    noisy = make_record(1, noise_history=[1.0])
    scene = play(tmp_path, script(gains, adoption={}), record=noisy)
    assert scene.decision == (1, "tie"), "[5, 9] covers more of the target than [5, 7] or [7, 7]"
    assert scene.size == (5, 9)


def test_a_tie_with_nothing_wider_keeps(tmp_path):
    noisy = make_record(1, noise_history=[1.0])
    scene = play(tmp_path, script({}), setup=make_setup(sizes=([5, 5], [7, 7])), record=noisy)
    assert scene.decision == (0, "keep")


def test_a_challenger_wins_by_the_test_alone(tmp_path):
    best = {"challenger": 0.5}
    winning = play(tmp_path / "a", script(best, adoption=best))
    assert winning.decision == (3, "challenger")
    assert winning.size == (5, 9)
    narrow = make_setup(sizes=([5, 5], [7, 7]))
    tied = play(tmp_path / "b", script(best, adoption={}), setup=narrow)
    assert tied.decision == (0, "keep")


def test_the_search_hears_of_keep_and_moves_alone(tmp_path):
    scene = play(tmp_path, script({"keep": 0.1, "move-1": 0.5, "challenger": 0.5}))
    told = scene.setup.search.told
    assert [(origin, pruned) for origin, _, pruned in told] == [
        ("keep", False),
        ("move", False),
        ("move", True),
    ]
    assert [value for _, value, _ in told] == pytest.approx([0.1, 0.5, 0.0])


def test_alone_keep_trains_to_the_end_and_goes_on(tmp_path):
    scene = play(tmp_path, script({"keep": 0.1}), setup=make_setup(sizes=()))
    assert scene.names == ["keep"]
    assert [(job.branch, job.env_steps) for job in scene.executor.jobs] == [
        ("keep", 192),
        ("start", 0),
    ]
    assert scene.decision == (0, "keep")
    assert scene.setup.search.told == [("keep", pytest.approx(0.1), False)]


def test_the_copy_measures_the_noise_of_training(tmp_path):
    scene = play(tmp_path, script({"keep": 0.1, "keep-again": 0.4}))
    assert scene.grown.noise_history == pytest.approx([0.3])
    assert scene.grown.decision["aa_gain_sd"] == pytest.approx(0.3)


def test_only_the_newest_differences_count(tmp_path):
    record = make_record(0, noise_history=[9.0] * NUM_NOISE)
    scene = play(tmp_path, script({"keep": 0.1, "keep-again": 0.4}), record=record)
    assert scene.grown.noise_history == pytest.approx([9.0] * (NUM_NOISE - 1) + [0.3])


def test_a_move_that_cannot_be_measured_stops_and_is_told_as_that(tmp_path):
    scene = play(tmp_path, script({"move-1": NAN, "move-2": 0.1}, adoption={"move-2": 0.1}))
    assert scene.branch("move-1").pruned
    assert scene.decision == (2, "test")
    told = scene.setup.search.told[1]
    assert math.isnan(told[1])
    assert told[2]


def test_where_nothing_can_be_measured_keep_goes_on(tmp_path):
    scene = play(tmp_path, lambda branch, leg, exam: NAN)
    assert scene.decision == (0, "keep")
    assert scene.grown.branch.state == {"branch": "keep", "leg": 2}
    assert scene.grown.noise_history == []
    assert not exams(scene, "adoption")


def test_an_adoption_that_cannot_be_measured_keeps(tmp_path):
    scene = play(tmp_path, script({"move-1": 0.5}, adoption={"move-1": NAN}))
    assert scene.decision == (0, "keep")
    assert scene.grown.decision["difference"] is None
