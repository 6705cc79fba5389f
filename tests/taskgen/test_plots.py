import numpy as np
from PIL import ImageColor

from taskgen.judging import GRADIENT_STEPS, Predictions
from taskgen.plots import (
    AFTER,
    BEFORE,
    HEIGHT,
    SHOWN,
    TRUTH,
    WIDTH,
    Trace,
    agreement_plot,
    answers_plot,
    plot,
)
from taskgen.problems import Problems


def where(picture, colour):
    """The pixels of a colour, (row, column) each."""
    return np.argwhere((picture == np.array(ImageColor.getrgb(colour))).all(axis=2))


def test_a_rising_line_rises_from_corner_to_corner():
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    picture = plot([Trace(points, AFTER)])
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8
    pixels = where(picture, AFTER)
    first, last = pixels[pixels[:, 1].argmin()], pixels[pixels[:, 1].argmax()]
    assert first[0] > 0.8 * HEIGHT
    assert last[0] < 0.2 * HEIGHT
    assert first[1] < 0.1 * WIDTH < 0.9 * WIDTH < last[1]


def test_dots_stand_where_their_points_are():
    curve = Trace(np.array([[-1.0, -1.0], [1.0, 1.0]]), TRUTH)
    picture = plot([curve, Trace(np.zeros((1, 2)), SHOWN, dots=True)])
    middle = where(picture, SHOWN).mean(axis=0)
    assert np.abs(middle - [HEIGHT / 2, WIDTH / 2]).max() < 2


def test_what_is_far_off_is_cut_and_what_is_no_number_left_out():
    truth = Trace(np.array([[0.0, 0.0], [1.0, 1.0]]), TRUTH)
    wild = Trace(np.array([[0.0, 1e30], [0.5, np.nan], [1.0, np.inf]]), AFTER)
    picture = plot([truth, wild], y_from=[truth])
    assert np.array_equal(where(picture, TRUTH)[:, 1].ptp() > 0.8 * WIDTH, True)


def test_a_flat_function_and_none_at_all_are_drawn():
    assert plot([Trace(np.array([[0.0, 2.0], [1.0, 2.0]]), TRUTH)]).std() > 0
    assert plot([Trace(np.array([[0.0, np.nan], [1.0, np.nan]]), TRUTH)]).shape[2] == 3


def test_answers_are_drawn_before_and_after_beside_what_is_right():
    x = np.linspace(-1.0, 1.0, 50, dtype=np.float32)[None, ::-1, None]  # in any order
    shown = np.array([[[-0.5], [0.5], [9.0]]], np.float32)
    mask = np.array([[True, True, False]])
    problems = Problems(shown, shown**2, x, x**2, mask)
    said = np.stack([0.0 * x, -x, 0.8 + 0.0 * x], axis=1)
    picture = answers_plot(problems, Predictions(said, GRADIENT_STEPS))
    rows = {colour: where(picture, colour)[:, 0] for colour in (BEFORE, AFTER, TRUTH, SHOWN)}
    rows = {colour: found[found > 30].mean() for colour, found in rows.items()}  # below the legend
    # 0 before, 0.8 after, 1/4 shown, 1/3 on average what is right: higher values lie further up.
    assert rows[AFTER] < rows[TRUTH] < rows[BEFORE]
    assert rows[AFTER] < rows[SHOWN] < rows[BEFORE]


def test_what_is_said_is_drawn_against_what_is_right():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1, 30, 4)), rng.normal(size=(1, 30, 2))
    x, y = x.astype(np.float32), y.astype(np.float32)
    problems = Problems(x, y, x, y, np.ones((1, 30), dtype=bool))
    said = np.stack([np.zeros_like(y), 0.5 * y, y], axis=1)  # nothing, half of it, all of it
    picture = agreement_plot(problems, Predictions(said, GRADIENT_STEPS))
    before, after = (where(picture, colour) for colour in (BEFORE, AFTER))
    before, after = before[before[:, 0] > 30], after[after[:, 0] > 30]  # below the legend
    assert np.ptp(before[:, 0]) < 10 < WIDTH / 2 < np.ptp(before[:, 1])
    slope = np.polyfit(after[:, 1], after[:, 0], 1)[0]
    assert abs(slope + (HEIGHT - 44) / (WIDTH - 12) * 1.04 / 1.24) < 0.1  # from corner to corner
