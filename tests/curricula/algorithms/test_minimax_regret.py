import numpy as np
import pytest

from curricula.algorithms.minimax_regret import MinimaxRegret, regrets
from curricula.checks.specimens import SALT, START, Marks
from taskgen.generator import TaskGenerator
from taskgen.source import TaskSource


class Weighed(Marks):
    """Marks whose best return is their weight, known of large ones alone."""

    def oracle_return(self, task):
        return task.params["weight"] if task.params["size"] > 5 else None


class Blind(Marks):
    oracle_return = TaskGenerator.oracle_return


def ask(curriculum, generator, n, seed):
    source = TaskSource(generator, "train", SALT)
    return curriculum.ask(source, START, n, np.random.default_rng(seed))


def test_regret_is_oracle_minus_return_and_unknown_where_either_is():
    tasks = [
        Weighed().make_task(Weighed.space.complete({"size": size, "weight": 3.0}), 0)
        for size in (7, 7, 5)
    ]
    found = regrets(Weighed(), tasks, np.array([1.0, np.nan, 1.0]))
    np.testing.assert_array_equal(found, [2.0, np.nan, np.nan])


def test_it_trains_on_the_largest_regret_and_not_on_the_lowest_return():
    config = MinimaxRegret.Config(num_scouted=30, num_kept=3, refresh_every=9, replay_share=1.0)
    curriculum = MinimaxRegret(config)
    scouted = ask(curriculum, Weighed(), 30, seed=0)
    assert not any(p.train for p in scouted)
    returns = np.linspace(-1.0, 1.0, 30)
    curriculum.tell(scouted, returns)
    batch = ask(curriculum, Weighed(), 3, seed=1)
    known = [i for i in range(30) if scouted[i].task.params["size"] > 5]
    largest = sorted(known, key=lambda i: returns[i] - scouted[i].task.params["weight"])[:3]
    assert {p.task.id for p in batch} == {scouted[i].task.id for i in largest}
    assert all(p.train and p.origin == "replay" for p in batch)


def test_a_generator_that_knows_no_optimum_is_refused_and_told_what_to_do():
    with pytest.raises(ValueError, match="marks-v1 knows none; give it an oracle_return"):
        ask(MinimaxRegret(MinimaxRegret.Config()), Blind(), 4, seed=0)
