import numpy as np

from curricula.algorithms.domain_randomization import DomainRandomization
from curricula.checks.specimens import START, training_source


def ask(curriculum, n, seed=0):
    return curriculum.ask(training_source(), START, n, np.random.default_rng(seed))


def test_its_tasks_are_those_that_the_source_draws():
    proposals = ask(DomainRandomization(DomainRandomization.Config()), 20)
    drawn = training_source().make(START, 20, np.random.default_rng(0))
    assert [p.task.id for p in proposals] == drawn.ids
    assert all(p.origin == "new" and p.train for p in proposals)


def test_scores_change_nothing():
    told, untold = (DomainRandomization(DomainRandomization.Config()) for _ in range(2))
    told.tell(ask(told, 5), np.full(5, 9.0))
    assert ask(told, 5, seed=1) == ask(untold, 5, seed=1)


def test_it_covers_the_distribution_evenly():
    proposals = ask(DomainRandomization(DomainRandomization.Config()), 3000)
    sizes, counts = np.unique([p.task.params["size"] for p in proposals], return_counts=True)
    assert sizes.tolist() == [5, 7, 9]
    assert abs(counts / 3000 - 1 / 3).max() < 0.04  # four deviations
    logs = np.log([p.task.params["weight"] for p in proposals])
    assert abs(logs.mean()) < 0.03  # log-uniform over 1/2 … 2
