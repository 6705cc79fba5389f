import math

import numpy as np
import pytest

from curricula.campaigns.generation import adoption

NAN = math.nan
KEEP = np.array([1.0, 2.0, 3.0, 4.0])
UNEVEN = np.array([0.1, 0.3, 0.1, 0.3])  # mean 0.2, SE 0.1155 / 2 = 0.0577


def decide(difference, **changes):
    arguments = {
        "gains": [0.1, 0.3, 0.2],
        "coverages": [0.5, 0.4, 0.6],
        "pruned": [False, False, False],
        "winner": 1,
        "challenger": None,
        "aa_sd": None,
        "adopt_sd": 1.0,
    }
    return adoption.decide(KEEP + difference, KEEP, **{**arguments, **changes})


def test_aa_deviation_is_about_zero_not_about_the_mean():
    assert adoption.aa_gain_sd([]) is None
    assert adoption.aa_gain_sd([NAN]) is None
    assert adoption.aa_gain_sd([-0.3]) == pytest.approx(0.3)
    assert adoption.aa_gain_sd([0.3, -0.4, NAN]) == pytest.approx(math.sqrt((0.09 + 0.16) / 2))


def test_aa_deviation_is_that_of_a_difference_of_two_branches():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.5, 0.2, size=(2, 20_000))
    assert adoption.aa_gain_sd(list(second - first)) == pytest.approx(0.2 * math.sqrt(2), rel=0.02)


def test_a_winner_beyond_the_noise_is_adopted():
    verdict = decide(UNEVEN)
    assert (verdict.winner, verdict.decided_by) == (1, "test")
    assert verdict.difference == pytest.approx(0.2)
    assert verdict.difference_se == pytest.approx(0.11547 / 2, abs=1e-5)
    assert verdict.noise == pytest.approx(verdict.difference_se)


def test_training_noise_turns_the_same_difference_into_a_tie():
    verdict = decide(UNEVEN, aa_sd=0.3)
    assert verdict.noise == pytest.approx(math.hypot(0.3, 0.11547 / 2), abs=1e-5)
    assert (verdict.winner, verdict.decided_by) == (2, "tie")  # the only one that is closer


def test_a_tie_goes_to_the_best_that_is_closer_to_what_counts():
    closer = decide(UNEVEN, aa_sd=0.3, coverages=[0.5, 0.6, 0.7])
    assert (closer.winner, closer.decided_by) == (1, "tie")


@pytest.mark.parametrize(
    "changes",
    [
        {"coverages": [0.5, 0.5, 0.4]},
        {"pruned": [False, False, True]},
        {"challenger": 2},
        {"gains": [0.6, 0.3, 0.2]},  # itself behind "keep" by more than the noise
        {"gains": [0.1, 0.3, NAN]},
    ],
)
def test_a_tie_without_such_a_candidate_keeps(changes):
    verdict = decide(UNEVEN, aa_sd=0.3, **changes)
    assert (verdict.winner, verdict.decided_by) == (0, "keep")


def test_a_challenger_wins_by_the_test_alone():
    assert decide(UNEVEN, challenger=1).decided_by == "challenger"
    tied = decide(UNEVEN, aa_sd=0.3, challenger=1, coverages=[0.5, 1.0, 0.4])
    assert (tied.winner, tied.decided_by) == (0, "keep")


def test_worse_beyond_the_noise_keeps_even_if_something_is_closer():
    assert decide(-UNEVEN).decided_by == "keep"


def test_no_noise_at_all_needs_no_more_than_better():
    assert decide(UNEVEN * 0.01, adopt_sd=0.0).decided_by == "test"


@pytest.mark.parametrize("scores", [KEEP * NAN, [NAN, NAN, NAN, 9.0]])
def test_what_cannot_be_measured_keeps(scores):
    verdict = adoption.decide(
        scores,
        KEEP,
        gains=[0.0, 1.0],
        coverages=[0.1, 0.9],
        pruned=[False, False],
        winner=1,
        challenger=None,
        aa_sd=None,
        adopt_sd=1.0,
    )
    assert (verdict.winner, verdict.decided_by) == (0, "keep")
    assert verdict.to_json()["difference_se"] is None


def test_nothing_to_test_keeps():
    assert adoption.kept(0.2).to_json() == {
        "winner": 0,
        "decided_by": "keep",
        "difference": 0.0,
        "difference_se": 0.0,
        "noise": 0.0,
        "aa_gain_sd": 0.2,
    }


def prune(gains, ses, aa_sd=None, prune_sd=1.0, protected=None):
    protected = [False] * len(gains) if protected is None else protected
    return adoption.pruned_at_rung(gains, ses, aa_sd, prune_sd, protected).tolist()


def test_pruned_is_who_is_behind_the_leader_beyond_the_noise():
    # The noise of a difference is √(0.03² + 0.04²) = 0.05 to the leader.
    assert prune([0.30, 0.26, 0.24], [0.03, 0.04, 0.04]) == [False, False, True]
    assert prune([0.30, 0.26, 0.24], [0.03, 0.04, 0.04], prune_sd=2.0) == [False] * 3
    assert prune([0.30, 0.26, 0.24], [0.03, 0.04, 0.04], aa_sd=0.12) == [False] * 3


def test_the_protected_never_stop():
    assert prune([0.0, 0.9], [0.01, 0.01], protected=[True, False]) == [False, False]


def test_what_is_not_measured_neither_leads_nor_harms():
    assert prune([NAN, 0.2, 0.1], [NAN, 0.01, 0.01]) == [True, False, True]
    assert prune([9.0, 0.2, 0.1], [math.inf, 0.01, 0.01]) == [False, False, True]
    assert prune([NAN, NAN], [NAN, NAN], protected=[True, False]) == [False, True]
