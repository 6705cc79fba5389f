import math

import pytest

from curricula.campaigns.generation import stream_adoption

NAN = math.nan


def test_stream_baseline_is_the_mean_of_recent_gains():
    assert stream_adoption.recent_mean([]) == 0.0
    assert stream_adoption.recent_mean([9.0] * 5 + [0.1] * 10) == pytest.approx(0.1)
    assert stream_adoption.recent_mean([0.1, NAN, 0.3]) == pytest.approx(0.2)
    assert stream_adoption.spread([0.1]) == 0.0
    assert stream_adoption.spread([0.1, 0.3]) == pytest.approx(math.sqrt(0.02))


def test_a_fall_beyond_the_noise_rolls_back():
    history = [0.1, 0.3]  # spread 0.1414
    assert not stream_adoption.should_roll_back(-0.4, history, se=0.0, rollback_sd=3.0)
    assert stream_adoption.should_roll_back(-0.43, history, se=0.0, rollback_sd=3.0)
    assert not stream_adoption.should_roll_back(-0.43, history, se=0.1, rollback_sd=3.0)
    assert not stream_adoption.should_roll_back(0.05, [0.5, 0.5], se=0.0, rollback_sd=3.0)
    assert stream_adoption.should_roll_back(NAN, history, se=0.1, rollback_sd=3.0)
    assert not stream_adoption.should_roll_back(-9.0, history, se=math.inf, rollback_sd=3.0)


@pytest.mark.parametrize(
    ("gain", "coverage", "expected"),
    [
        (0.5, (0.2, 0.1), "test"),  # far above the recent mean of 0.1
        (0.11, (0.2, 0.4), "tie"),
        (0.11, (0.4, 0.2), "keep"),
        (0.0, (0.2, 0.9), "tie"),  # less than lately, but no harm, and it covers more
        (0.0, (0.9, 0.2), "keep"),
        (-0.02, (0.2, 0.9), "keep"),  # harm
        (-0.9, (0.2, 0.9), "rollback"),
    ],
)
def test_stream_moves_when_better_or_covering_more_without_harm(gain, coverage, expected):
    verdict = stream_adoption.decide(
        gain,
        0.01,
        [0.09, 0.11],
        coverage=coverage,
        to_cover_more="harmless",
        adopt_sd=1.0,
        rollback_sd=3.0,
    )
    assert verdict.decided_by == expected
    assert verdict.difference == pytest.approx(gain - 0.1)


def test_a_frontier_is_only_followed_at_the_pace_of_learning():
    def decided(gain):
        return stream_adoption.decide(
            gain,
            0.01,
            [0.09, 0.11],
            coverage=(0.2, 0.9),
            to_cover_more="as lately",
            adopt_sd=1.0,
            rollback_sd=3.0,
        ).decided_by

    assert decided(0.11) == "tie"
    assert decided(0.0) == "keep", "it learns no more: one ring further out would teach it less"


@pytest.mark.parametrize("history", [[], [0.9]])
@pytest.mark.parametrize("gain", [0.3, 0.02])
def test_before_two_gains_nobody_knows_their_noise_and_coverage_decides(history, gain):
    def decided(coverage):
        verdict = stream_adoption.decide(
            gain,
            0.01,
            history,
            coverage=coverage,
            to_cover_more="harmless",
            adopt_sd=1.0,
            rollback_sd=3.0,
        )
        assert math.isfinite(verdict.noise)
        return verdict.decided_by

    assert decided((0.2, 0.4)) == "tie"
    assert decided((0.4, 0.2)) == "keep"
