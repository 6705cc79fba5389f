import pytest

from curricula.algorithms.fixed import Fixed
from curricula.checks.specimens import MOVABLE, START
from curricula.search import Candidate, Gain


def test_it_never_moves_and_hears_of_keep():
    search = Fixed(Fixed.Config())
    assert search.ask(START, MOVABLE, 5, generation=1, seed=0) == []
    search.tell([Candidate(START, "keep")], [Gain(0.1)])
    assert search.state_dict() == {}


def test_a_move_cannot_come_back():
    with pytest.raises(RuntimeError, match="proposes no moves"):
        Fixed(Fixed.Config()).tell([Candidate(START, "move", {"size.shift": 1.0})], [Gain(0.1)])
