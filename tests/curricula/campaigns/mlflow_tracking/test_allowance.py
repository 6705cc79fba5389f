"""How long may be drawn: hand-computed."""

import pytest

from curricula.campaigns.mlflow_tracking.allowance import FREE_S, SHARE, DrawingAllowance


class Drawing:
    """Draws for so many seconds, where it may."""

    def __init__(self):
        self.now = 50.0
        self.allowance = DrawingAllowance(lambda: self.now)

    def draw(self, seconds):
        if not self.allowance.is_open:
            return False
        with self.allowance.spending():
            self.now += seconds
        return True


def test_the_first_seconds_are_free():
    drawing = Drawing()
    assert [drawing.draw(FREE_S / 2) for _ in range(3)] == [True, True, False]


def test_a_debt_is_paid_before_anything_is_drawn_again():
    drawing = Drawing()
    assert drawing.draw(FREE_S + 1.0)
    seen = []
    for _ in range(6):
        drawing.allowance.earn(0.3 / SHARE)
        seen.append(drawing.draw(1.2))
    # Left: -.7, -.4, -.1, .2 (drawn: -1.0), -.7, -.4
    assert seen == [False, False, False, True, False, False]


def test_long_generations_are_all_drawn_and_short_ones_take_the_share():
    drawing = Drawing()
    drawing.draw(FREE_S)
    for _ in range(10):
        drawing.allowance.earn(3600.0)
        assert drawing.draw(10.0)
    drawing = Drawing()
    drawing.draw(FREE_S)
    drawn = 0
    for _ in range(3000):
        drawing.allowance.earn(10.0)
        drawn += drawing.draw(1.0)
    assert drawn == pytest.approx(3000 * 10.0 * SHARE / 1.0, abs=1)


def test_drawing_that_fails_has_cost_its_time():
    drawing = Drawing()

    def fail():
        with drawing.allowance.spending():
            drawing.now += FREE_S + 1.0
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert not drawing.allowance.is_open
