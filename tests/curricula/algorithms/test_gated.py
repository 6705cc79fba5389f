import copy

import numpy as np
import pytest

from curricula.algorithms.gated import Gated, Inner
from curricula.checks import check_curriculum
from curricula.checks.specimens import SALT, SPACE, START, Marks, training_source
from curricula.curriculum import Proposal
from taskgen.distribution import TaskDistribution
from taskgen.generator import Validity
from taskgen.registry import resolve
from taskgen.source import TaskSource
from tests.curricula.algorithms.recorder import Recorder

RECORDER = "tests.curricula.algorithms.recorder:Recorder"


class Careless(Recorder):
    """Makes its tasks by itself, whatever the split; the first two are one and the same."""

    def ask(self, source, distribution, n, rng):
        rows = source.generator.space.rows(distribution.sample(n, rng))
        tasks = [source.generator.make_task(row, int(rng.integers(10**6))) for row in rows]
        return self._asked.remember([Proposal(task) for task in [tasks[1], *tasks[1:]]])


CARELESS = f"{__name__}:Careless"


def make(*gates, inner=RECORDER, **settings):
    return Gated(Gated.Config(curriculum=Inner(inner), gates=gates, **settings))


def ask(curriculum, n=20, seed=0, source=None, distribution=START):
    rng = np.random.default_rng(seed)
    return curriculum.ask(source or training_source(), distribution, n, rng)


def forms(batch):
    return [Marks().canonical(p.task) for p in batch]


@pytest.fixture
def careless(monkeypatch):
    """Names in the settings are resolved; this module has no importable one under pytest."""
    import curricula.parts as parts

    real = resolve
    monkeypatch.setattr(parts, "resolve", lambda g, n: Careless if n == CARELESS else real(g, n))


def test_held_out_tasks_are_replaced(careless):
    loose, gated = make("duplicate", inner=CARELESS), make("split", inner=CARELESS)
    source = training_source()
    assert not all(source.holds([p.task for p in ask(loose)]))
    batch = ask(gated)
    assert all(source.holds([p.task for p in batch]))
    assert gated.metrics()["curriculum/num_rejected"] > 0
    assert gated.metrics()["curriculum/num_taken_as_they_are"] == 0


def test_what_was_played_lately_is_not_played_again_as_new(careless):
    gated = make("duplicate", inner=CARELESS)
    batch = ask(gated)
    assert len(set(forms(batch))) == 20
    assert gated.metrics()["curriculum/num_rejected"] == 1
    gated.tell(batch, np.zeros(20))
    again = ask(gated)  # with the same rng, so the curriculum proposes the same tasks
    assert not set(forms(batch)) & set(forms(again))


def test_replays_may_come_again():
    class Replays(Recorder):
        def ask(self, source, distribution, n, rng):
            return [Proposal(p.task, "replay") for p in super().ask(source, distribution, n, rng)]

    gated = make("duplicate")
    gated._inner = Replays(Recorder.Config())
    first = ask(gated)
    gated.tell(first, np.zeros(20))
    assert ask(gated) == first


def test_a_family_of_few_tasks_repeats_and_that_is_counted():
    class Few(Marks):
        def make_task(self, params, seed):
            return super().make_task(params, seed % 3)

    source = TaskSource(Few(), None, SALT)
    point = TaskDistribution.make(SPACE, {})
    gated = make("duplicate")
    batch = ask(gated, 10, source=source, distribution=point)
    assert len(batch) == 10
    assert gated.metrics()["curriculum/num_taken_as_they_are"] == 7


def test_what_cannot_be_solved_is_replaced(careless):
    class Hard(Marks):
        def is_valid(self, task):
            return Validity(task.params["size"] < 9, "too large")

    source = TaskSource(Hard(), None, SALT)
    assert any(
        p.task.params["size"] == 9 for p in ask(make("split", inner=CARELESS), source=source)
    )
    batch = ask(make("solvable", inner=CARELESS), source=source)
    assert all(p.task.params["size"] < 9 for p in batch)


def test_the_curriculum_behind_hears_nan_of_what_was_not_played(careless):
    gated = make("duplicate", inner=CARELESS)
    batch = ask(gated, 6)
    gated.tell(batch, np.arange(6.0))
    (told,) = gated._inner.tells
    assert np.isnan(told).tolist() == [False, True, False, False, False, False]
    assert told[5] == 5.0


def test_score_only_proposals_stay_so_when_they_are_replaced(careless):
    class Scouts(Careless):
        def ask(self, source, distribution, n, rng):
            proposed = super().ask(source, distribution, n, rng)
            return [Proposal(p.task, train=False) for p in proposed]

    gated = make("duplicate", inner=CARELESS)
    gated._inner = Scouts(Recorder.Config())
    batch = ask(gated, 5)
    assert gated.metrics()["curriculum/num_rejected"] == 1
    assert not any(p.train for p in batch)


def test_a_state_remembers_what_was_played():
    whole = make("duplicate", history=30)
    for seed in range(3):
        whole.tell(ask(whole, seed=seed), np.zeros(20))
    resumed = make("duplicate", history=30)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    assert len(whole.state_dict()["forms"]) == 30
    assert ask(resumed, seed=2) == ask(whole, seed=2)


def test_it_keeps_every_promise_around_another():
    class Around(Gated):
        class Config(Gated.Config):
            def __init__(self):
                options = {"num_scouted": 10, "num_kept": 4, "refresh_every": 2}
                super().__init__(curriculum=Inner("curricula.algorithms.sfl:SFL", options))

    check_curriculum(Around).raise_if_failed()


@pytest.mark.parametrize(
    ("gates", "settings", "reason"),
    [
        (("beauty",), {}, "gates must be among"),
        ((), {}, "gates must be among"),
        (("split",), {"history": 0}, "history"),
        (("split",), {"inner": "nobody"}, "^curriculum must name"),
    ],
)
def test_settings_out_of_range_are_refused(gates, settings, reason):
    with pytest.raises(ValueError, match=reason):
        make(*gates, **settings)
