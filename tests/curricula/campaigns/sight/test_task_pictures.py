"""Sheets of tasks: every picture is there, and what cannot be drawn is a card."""

import time

import numpy as np
import pytest

from curricula.campaigns.sight import task_pictures
from taskgen.cards import parameter_card
from taskgen.task import Task

RED = np.full((7, 7, 3), (255, 0, 0), dtype=np.uint8)


@pytest.mark.parametrize("num", [1, 2, 4, 5, 16, 17, 64])
def test_a_contact_sheet_shows_every_picture_within_the_width(num):
    sheet = task_pictures.contact_sheet(
        [RED] * num, ["a caption that is far too long for it"] * num
    )
    assert sheet.width == task_pictures.SHEET_WIDTH
    red = (np.asarray(sheet) == (255, 0, 0)).all(axis=2)
    columns = min(max(int(np.ceil(np.sqrt(num))), 2), 5)
    cell = (task_pictures.SHEET_WIDTH - 8 * (columns + 1)) // columns
    assert red.sum() == num * (cell // 7 * 7) ** 2, "whole-number zoom, nothing drawn over"


def test_large_and_oblong_pictures_are_fitted():
    wide = np.zeros((10, 900, 3), dtype=np.uint8)
    sheet = np.asarray(task_pictures.contact_sheet([wide, RED], ["", ""]))
    dark = (sheet < 40).all(axis=2) & (np.arange(sheet.shape[1]) < 300)
    assert 250 < dark.any(axis=0).sum() <= 288


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a contact sheet needs pictures"):
        task_pictures.contact_sheet([], [])
    with pytest.raises(ValueError, match="got 1 and 2"):
        task_pictures.contact_sheet([RED], ["a", "b"])


class Painter:
    """Draws what it is told to."""

    def __init__(self, picture):
        self.picture = picture

    def render(self, task):
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture

    def describe(self, task):
        if isinstance(self.picture, Exception):
            raise self.picture
        return {"size": 5.0, "shortest_path": 21.0, "loops": 2.0}


TASK = Task("any-v1", 1, {"size": 5, "braid": 0.123456, "layout": "depth_first"}, 0, {"x": 1})


@pytest.mark.parametrize("bad", [ValueError("no"), np.zeros((3, 3)), np.zeros((0, 4, 3))])
def test_a_card_stands_in_for_what_cannot_be_drawn(bad):
    (drawn,) = task_pictures.task_pictures(Painter(bad), [TASK])
    np.testing.assert_array_equal(drawn, parameter_card(TASK))


class Sleeper(Painter):
    """Draws and describes the first task, falls asleep over the second one."""

    calls = 0

    def _nap(self):
        self.calls += 1
        if self.calls > 1:
            time.sleep(60.0)

    def render(self, task):
        self._nap()
        return super().render(task)

    def describe(self, task):
        self._nap()
        return super().describe(task)


def test_who_hangs_is_given_up_once_and_not_asked_again(monkeypatch):
    monkeypatch.setattr(task_pictures, "PATIENCE_S", 0.2)
    generator = Sleeper(RED)
    first, *others = task_pictures.task_pictures(generator, [TASK] * 4)
    np.testing.assert_array_equal(first, RED)
    assert generator.calls == 2
    assert len(others) == 3
    for card in others:
        np.testing.assert_array_equal(card, parameter_card(TASK))
    captions = task_pictures.task_captions(Sleeper(RED), [TASK] * 3, ["size"])
    assert captions == ["shortest path 21", "", ""]


def test_what_describes_badly_costs_only_its_words():
    class Mute(Painter):
        def describe(self, task):
            answers = {0: {"a": np.float32(0.5), "b": np.nan}, 1: {"a": "high"}, 2: None}
            return answers[task.seed]

    tasks = [Task("t", 1, {"size": 1}, seed, {"seed": seed}) for seed in range(3)]
    assert task_pictures.task_features(Mute(RED), tasks) == [{"a": 0.5}, {}, {}]


def test_captions_name_what_moves_and_what_describes():
    names = ["size", "layout", "braid", "nobody"]
    (caption,) = task_pictures.task_captions(Painter(RED), [TASK], names)
    assert caption == "size 5, depth first, braid 0.12, shortest path 21"
    (caption,) = task_pictures.task_captions(Painter(ValueError("no")), [TASK], ["size"])
    assert caption == "size 5"


def test_captions_tell_tasks_apart_and_repeat_nothing():
    class Describer(Painter):
        def describe(self, task):
            speed = task.params["speed"]
            goal = speed * (1.0 + 1e-9)  # the same number to a reader
            parity = float(task.seed % 2)
            return {"tilt": -0.0 * speed, "goal": goal, "parity": parity, "rank": task.seed}

    tasks = [Task("t", 1, {"size": 5, "speed": 0.5 * k}, k, {"k": k}) for k in range(2)]
    captions = task_pictures.task_captions(Describer(RED), tasks, ["size", "speed"])
    assert captions == ["speed 0, parity 0", "speed 0.5, parity 1"]
    six = [Task("t", 1, {"size": 5, "speed": 0.5}, k, {"k": k}) for k in range(6)]
    assert task_pictures.task_captions(Describer(RED), six, ["speed"])[:2] == ["rank 0", "rank 1"]
    same = [Task("t", 1, {"size": 5, "speed": 1.0}, 0, {"k": k}) for k in range(2)]
    assert task_pictures.task_captions(Describer(RED), same, ["size", "speed"]) == ["", ""]


def test_a_whole_number_is_shown_to_its_last_digit():
    tasks = [Task("t", 1, {"level": level}, 0, {"k": level}) for level in (7, 98_765)]
    captions = task_pictures.task_captions(Painter(RED), tasks, ["level"])
    assert captions == ["level 7", "level 98,765"]


def test_a_zero_has_no_sign():
    tasks = [Task("t", 1, {"tilt": -0.0}, 0, {"k": 0}), Task("t", 1, {"tilt": 3.0}, 0, {"k": 1})]
    assert task_pictures.task_captions(Painter(RED), tasks, ["tilt"])[0] == "tilt 0"
