"""How long a store is left alone: hand-computed."""

import pytest

from curricula.campaigns.mlflow_tracking.patience import FREE_S, SHARE, Patience


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def attempt(patience, clock, took, error=None):
    with patience.watched():
        clock.now += took
        if error is not None:
            raise error


def pause_of(patience, clock):
    """Whole seconds until the store may be asked again."""
    for waited in range(700):
        if patience.is_time:
            return waited
        clock.now += 1.0
    raise AssertionError("a pause of more than ten minutes")


def test_what_succeeds_soon_costs_no_pause(clock):
    patience = Patience(clock)
    attempt(patience, clock, FREE_S)
    assert patience.is_time


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0), (3.0, 97), (60.0, 600)])
def test_a_failure_is_a_small_share_of_the_time_until_the_next_attempt(clock, took, pause):
    patience = Patience(clock)
    with pytest.raises(OSError, match="down"):
        attempt(patience, clock, took, OSError("down"))
    assert patience.is_time == (pause == 0)
    assert pause_of(patience, clock) == pause
    assert not took or pause == 600 or took / (took + pause) == pytest.approx(SHARE)


def test_what_is_slow_is_paused_after_and_said_to_be_spent(clock):
    patience = Patience(clock)
    with patience.watched():
        clock.now += FREE_S
        assert not patience.is_spent
        clock.now += 1.0
        assert patience.is_spent
    assert pause_of(patience, clock) == 600
