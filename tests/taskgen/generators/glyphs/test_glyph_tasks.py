"""Glyphs as tasks: classes of one script, whole scripts on one side, examples by key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskgen.distribution import TaskDistribution
from taskgen.generators.glyphs import MAX_WAYS, Glyphs, sides
from taskgen.generators.glyphs.batch import classes_of, contents_by_key
from taskgen.generators.glyphs.catalogue import catalogue
from taskgen.generators.glyphs.choosing import distinct
from taskgen.generators.glyphs.examples import labels_of
from taskgen.generators.glyphs.looks import distances, looks_of, pixels_of_rasters, turned
from taskgen.generators.glyphs.rendering import raster
from taskgen.generators.glyphs.selection import MIN_CLASSES, MIN_DISTANCE, SET_APART
from taskgen.judging import GRADIENT_STEPS, Predictions
from taskgen.randomness import task_keys
from taskgen.source import TaskSource
from taskgen.splits import SPLITS, split_at

FAMILY = Glyphs()
KNOWN = catalogue()


def tasks_at(num=20, family=FAMILY, **params):
    here = TaskDistribution.make(family.space, params)
    return family.make_tasks(here.sample(num, np.random.default_rng(0)), np.arange(num))


def looks_of_pairs(pairs):
    fonts = [KNOWN.fonts[font] for font in KNOWN.pair_fonts[pairs]]
    characters = [chr(code) for code in KNOWN.pair_codes[pairs]]
    pictures = [raster(font, c) for font, c in zip(fonts, characters, strict=True)]
    return looks_of(pixels_of_rasters(np.array(pictures)))


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(0, 5))
def test_distinct_numbers_are_distinct_and_below_their_count(seed, num, more):
    luck = np.random.default_rng(seed).random((3, num))
    counts = np.array([num, num + more, num + 2 * more])
    for row, count in zip(distinct(luck, counts), counts, strict=True):
        assert len(set(row.tolist())) == num
        assert 0 <= row.min() <= row.max() < count


def test_every_ordered_choice_comes_once_over_all_luck():
    # 4 · 3 equal cells of luck, each of them one ordered pair of four things.
    cells = [((i + 0.5) / 4, (j + 0.5) / 3) for i in range(4) for j in range(3)]
    picks = distinct(np.array(cells), np.full(12, 4))
    assert len({tuple(pick) for pick in picks.tolist()}) == 12


def test_scripts_have_classes_enough_and_those_apart_come_last():
    assert KNOWN.scripts[KNOWN.num_dealt :] == SET_APART
    assert KNOWN.sizes[: KNOWN.num_dealt].min() >= MIN_CLASSES >= MAX_WAYS
    assert len(set(KNOWN.codes.tolist())) == len(KNOWN.codes)
    assert KNOWN.pair_counts.min() >= 1
    assert np.array_equal(KNOWN.classes_of(KNOWN.codes), np.arange(len(KNOWN.codes)))
    assert KNOWN.classes_of(np.array([ord(" "), 0x10FFFF])).tolist() == [-1, -1]


def test_no_glyph_looks_like_one_of_another_class_in_any_font_or_turn():
    some = np.sort(np.random.default_rng(0).choice(len(KNOWN.pair_fonts), 400, replace=False))
    looks = looks_of_pairs(some)
    owner = KNOWN.pair_codes[some]
    others = owner[:, None] != owner
    for way in turned(looks):
        assert distances(way, looks)[others].min() >= MIN_DISTANCE - 1e-5


def test_classes_are_different_and_of_one_script():
    for family in (FAMILY, Glyphs(num_ways=MAX_WAYS)):
        classes = classes_of(tasks_at(300, family, likeness=[0.0, 1.0]).contents)
        assert (np.diff(np.sort(classes, axis=1), axis=1) > 0).all()
        scripts = KNOWN.script_of[classes]
        assert (scripts == scripts[:, :1]).all()
        assert scripts.max() < KNOWN.num_dealt


def test_scripts_come_by_the_root_of_their_sizes():
    classes = classes_of(tasks_at(20_000).contents)
    counts = np.bincount(KNOWN.script_of[classes[:, 0]], minlength=KNOWN.num_dealt)
    weights = np.sqrt(KNOWN.sizes[: KNOWN.num_dealt])
    assert np.allclose(counts / 20_000, weights / weights.sum(), atol=0.01)


def test_the_likest_classes_are_neighbours():
    classes = np.sort(classes_of(tasks_at(300, likeness=1.0).contents), axis=1)
    assert (np.diff(classes, axis=1) == 1).all()
    near, far = (
        np.mean([FAMILY.describe(task)["mean_distance"] for task in tasks_at(40, likeness=value)])
        for value in (1.0, 0.0)
    )
    assert near < 0.85 * far


def test_classes_stand_turned_as_often_as_said():
    turns = tasks_at(4000, turned_prob=0.6).contents["turns"]
    shares = np.bincount(turns.ravel(), minlength=4) / turns.size
    assert np.allclose(shares, [0.4, 0.2, 0.2, 0.2], atol=0.015)


def test_the_form_is_the_set_of_classes():
    (task,) = tasks_at(1)
    content = task.content
    order = [3, 0, 4, 1, 2]
    moved = {
        **content,
        "glyphs": "".join(content["glyphs"][i] for i in order),
        "turns": [content["turns"][i] for i in order],
        "shots": 7,
        "noise": 0.3,
    }
    assert FAMILY.canonical(task.edited(moved, "order")) == FAMILY.canonical(task)
    turned_one = {**content, "turns": [1, *content["turns"][1:]]}
    assert FAMILY.canonical(task.edited(turned_one, "turn")) != FAMILY.canonical(task)


@pytest.mark.parametrize("salt", ["", "2026", "x"])
def test_every_side_has_scripts_and_no_script_two_sides(salt):
    places = sides.positions(salt)
    dealt = [split_at(place) for place in places[: KNOWN.num_dealt]]
    shares = np.array([dealt.count(split) for split in SPLITS]) / KNOWN.num_dealt
    assert np.allclose(shares, [0.8, 0.1, 0.1], atol=1 / KNOWN.num_dealt)
    assert {split_at(place) for place in places[KNOWN.num_dealt :]} == {"test"}


def test_what_is_tested_was_never_trained_on():
    here = TaskDistribution.make(FAMILY.space, {"turned_prob": [0.0, 1.0], "likeness": [0.0, 1.0]})
    classes = {}
    for split in SPLITS:
        source = TaskSource(FAMILY, split, "salt")
        tasks = source.make_distinct(here, 100, np.random.default_rng(0))
        assert source.draws.given_up == 0
        classes[split] = set(classes_of(contents_by_key(list(tasks))).ravel().tolist())
        edit = source.mutate(tasks[0], np.random.default_rng(0))
        assert split_at(FAMILY.split_position(edit, "salt")) == split
    assert len(classes["train"]) > 200
    assert not classes["train"] & (classes["validation"] | classes["test"])
    assert not classes["validation"] & classes["test"]


def test_another_salt_deals_scripts_anew():
    dealt = [tuple(np.argsort(sides.positions(salt)).tolist()) for salt in "abcdef"]
    assert len(set(dealt)) == 6


def test_suites_are_of_scripts_that_no_parameters_draw():
    suites = FAMILY.suites()
    assert set(suites) == {f"{script}-{k}-shot" for script in SET_APART for k in (1, 5)}
    for name, tasks in suites.items():
        script, shots = name.split("-shot")[0].rsplit("-", 1)
        classes = classes_of(contents_by_key(tasks))
        (found,) = set(KNOWN.script_of[classes].ravel().tolist())
        assert KNOWN.scripts[found] == script
        assert {task.content["shots"] for task in tasks} == {int(shots)}
        assert len({task.id for task in tasks}) > 40
        assert all(FAMILY.is_valid(task) for task in tasks)
    assert [task.id for task in FAMILY.suites()[name]] == [task.id for task in tasks]
    assert not any(name.startswith("ogham") for name in Glyphs(num_ways=20).suites())


def test_labels_are_dealt_evenly_in_random_order():
    mask = np.arange(12) < np.array([[3], [6], [12]])
    labels = labels_of(np.arange(3, dtype=np.uint64), mask, 3)
    for row, shown, shots in zip(labels, mask, (1, 2, 4), strict=True):
        assert np.bincount(row[shown], minlength=3).tolist() == [shots] * 3
        assert not row[~shown].any()
    firsts = labels_of(np.arange(3000, dtype=np.uint64), np.ones((3000, 3), bool), 3)
    assert len(np.unique(firsts, axis=0)) == 6
    assert np.allclose(np.bincount(firsts[:, 0]) / 3000, 1 / 3, atol=0.04)


def test_sets_have_their_shots_and_queries_and_pictures_fit_their_labels():
    tasks = [*tasks_at(6, shots=1, noise=0.0), *tasks_at(6, shots=3, noise=0.0)]
    problems = FAMILY.make_problems(tasks, np.random.default_rng(0))
    assert problems.num_shots.tolist() == [5] * 6 + [15] * 6
    assert problems.query_x.shape == (12, 25, 28, 28)
    assert not problems.support_x[~problems.mask].any()
    for y in problems.query_y:
        assert np.bincount(y).tolist() == [5] * 5
    # The nearest support example by pixels is of the right class far more often than one in five.
    right = []
    for b, mask in enumerate(problems.mask):
        support, query = problems.support_x[b][mask], problems.query_x[b]
        apart = ((query[:, None] - support[None]) ** 2).sum(axis=(2, 3))
        right.append(problems.support_y[b][mask][apart.argmin(axis=1)] == problems.query_y[b])
    assert np.mean(right) > 0.6


def test_a_task_has_the_sets_of_its_key_in_any_batch():
    tasks = [*tasks_at(3, shots=1), *tasks_at(3, shots=4)]
    keys = task_keys(1, [task.id for task in tasks])
    whole = FAMILY.make_keyed_problems(tasks, keys)
    alone = FAMILY.make_keyed_problems(tasks[1:2], keys[1:2])
    assert np.array_equal(whole.query_x[1], alone.query_x[0])
    assert np.array_equal(whole.support_x[1, :5], alone.support_x[0])
    assert np.array_equal(whole.support_y[1, :5], alone.support_y[0])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"glyphs": "abcd"}, "must have 5 glyphs"),
        ({"glyphs": "abcd "}, "not in the catalogue"),
        ({"glyphs": "AABCD"}, "must differ"),
        ({"turns": [0, 0, 0, 0, 4]}, "0 to 3 quarters"),
        ({"shots": 0}, "at least 1"),
    ],
)
def test_contents_of_other_makers_are_examined(change, reason):
    (task,) = tasks_at(1)
    assert FAMILY.is_valid(task)
    verdict = FAMILY.is_valid(task.edited({**task.content, **change}, "by hand"))
    assert not verdict
    assert reason in verdict.reason


def test_a_task_of_two_scripts_or_of_another_form_is_not_valid():
    task, *others = tasks_at(30)
    stranger = next(
        t for t in others if FAMILY.split_position(t, "") != FAMILY.split_position(task, "")
    )
    glyphs = task.content["glyphs"][:4] + stranger.content["glyphs"][0]
    mixed = task.edited({**task.content, "glyphs": glyphs}, "by hand")
    assert "of one script" in FAMILY.is_valid(mixed).reason
    assert "must have glyphs" in FAMILY.is_valid(task.edited({"glyphs": "abcde"}, "by hand")).reason
    assert not Glyphs(num_ways=3).is_valid(task)


def test_an_edit_exchanges_one_class():
    (task,) = tasks_at(1)
    edited = FAMILY.mutate(task, np.random.default_rng(0))
    pairs = zip(task.content["glyphs"], edited.content["glyphs"], strict=True)
    assert sum(one != other for one, other in pairs) == 1
    assert FAMILY.is_valid(edited)
    assert FAMILY.split_position(edited, "s") == FAMILY.split_position(task, "s")


def test_a_script_without_another_class_has_no_edit():
    script = KNOWN.scripts.index("ogham")
    first, size = KNOWN.starts[script], KNOWN.sizes[script]
    every = "".join(chr(code) for code in KNOWN.codes[first : first + size])
    task = FAMILY.suites()["ogham-1-shot"][0]
    whole = task.edited({**task.content, "glyphs": every, "turns": [0] * int(size)}, "all")
    assert Glyphs(num_ways=int(size)).is_valid(whole)
    assert Glyphs(num_ways=int(size)).mutate(whole, np.random.default_rng(0)) is None


def test_the_sheet_has_a_row_a_class_and_both_sets():
    (task,) = tasks_at(1, shots=2)
    picture = FAMILY.render(task)
    assert picture.shape == (2 * (5 * 30 + 20), 2 * (7 * 30 + 30), 3)
    colours = {tuple(c) for c in picture[::2, ::2].reshape(-1, 3).tolist()}
    assert {(21, 101, 192), (251, 140, 0), (255, 255, 255)} <= colours


def test_bars_below_what_is_asked_say_what_was_right_before_and_after():
    (task,) = tasks_at(1, shots=1)
    problems = FAMILY.make_shown_problems([task], task_keys(0, [task.id]))
    classes = problems.query_y[0]
    said = np.zeros((1, 3, 25, 5), np.float32)
    said[:, 0, :, 0] = 1.0  # before: always the first class
    said[0, 2] = np.eye(5)[classes]  # after: right, but for the second example of class 3
    mistaken = np.flatnonzero(classes == 3)[1]
    said[0, 2, mistaken] = np.eye(5)[1]
    picture = FAMILY.render_answers(task, problems, Predictions(said, GRADIENT_STEPS))[::2, ::2]
    assert picture.shape == (5 * 34 + 20, 6 * 30 + 30, 3)
    rows, columns = 10 + 34 * np.arange(5) + 31, 50 + 30 * np.arange(5)
    before, after = (picture[np.ix_(rows, columns + x)] for x in (5, 22))
    green, red = (46, 160, 67), (207, 34, 46)
    assert (before[0] == green).all()
    assert (before[1:] == red).all()
    wrong = np.zeros((5, 5), bool)
    wrong[3, 1] = True
    assert (after[~wrong] == green).all()
    assert (after[wrong] == red).all()


@pytest.mark.parametrize("options", [{"num_ways": 1}, {"num_ways": 21}, {"num_query_per_class": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="num_ways must be in"):
        Glyphs(**options)
