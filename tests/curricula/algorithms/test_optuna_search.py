import json
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from curricula.algorithms.optuna_search import OptunaSearch
from curricula.search import Candidate, Gain
from taskgen.distribution import Interval, TaskDistribution
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Categorical, Float, Int

RUNS = [("tpe", 4), ("gp", 3), ("cmaes", 11), ("random", 3)]  # the last draws are a model's
SPACE = ParameterSpace(
    {
        "mass": Float(low=0.0, high=100.0, default=50.0),
        "friction": Float(low=0.0, high=100.0, default=50.0),
        "size": Int(low=1, high=9, step=2, default=5),
        "kind": Categorical(choices=("a", "b"), default="a"),
        "spread": Float(low=0.0, high=1.0, default=0.5, active_when={"kind": ["b"]}),
    }
)
HERE = TaskDistribution.make(SPACE, {"mass": [40, 60], "friction": [40, 60], "size": [3, 5]})
BEST = {"mass.shift": 0.6, "mass.log_width": -0.5, "friction.shift": 0.7, "friction.log_width": 0.2}
KEEP = Candidate(HERE, "keep")


def make(sampler="tpe", journal=None, **settings):
    return OptunaSearch(OptunaSearch.Config(sampler=sampler, **settings), journal)


def ask(search, generation, movable=("mass", "friction"), n=3, seed=0, incumbent=HERE):
    seed = 1000 * seed + generation
    return search.ask(incumbent, movable, n, generation=generation, seed=seed)


def toy_gain(candidate):
    """0 for staying, 1.14 at best."""
    return sum(best**2 - (candidate.move[axis] - best) ** 2 for axis, best in BEST.items())


def tell(search, candidates, keep=0.0, gains=None):
    gains = [Gain(keep + toy_gain(c)) for c in candidates] if gains is None else gains
    search.tell([KEEP, *candidates], [Gain(keep), *gains])


def play(search, generations, seed=0, n=3):
    rounds = []
    for generation in generations:
        candidates = ask(search, generation, seed=seed, n=n)
        tell(search, candidates)
        rounds.append(candidates)
    return rounds


def best_of(sampler, seed, generations):
    return max(toy_gain(c) for r in play(make(sampler), range(generations), seed) for c in r)


def studies(journal):
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return {
        study.study_name: optuna.load_study(study_name=study.study_name, storage=storage)
        for study in optuna.get_all_study_summaries(storage)
    }


def known(search, box=tuple(BEST), generation=1):
    return [(t.params, t.value) for t in search._known_trials(box, generation)]


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_model_finds_the_optimum_better_than_random(sampler):
    found = [best_of(sampler, seed, generations=12) for seed in range(6)]
    by_chance = [best_of("random", seed, generations=12) for seed in range(6)]
    assert np.mean(found) > np.mean(by_chance) + 0.1
    assert np.mean(found) > 1.14 - 0.12


@pytest.mark.slow
def test_the_gaussian_process_finds_the_optimum_better_than_random():
    found = [best_of("gp", seed, generations=8) for seed in range(3)]
    by_chance = [best_of("random", seed, generations=8) for seed in range(3)]
    assert np.mean(found) > np.mean(by_chance) + 0.1
    assert np.mean(found) > 1.14 - 0.12


def short_run(sampler, generations, search=None):
    """A few generations, models from the second on; one candidate each, since "gp" is slow."""
    search = make(sampler, num_startup_trials=2) if search is None else search
    return search, play(search, generations, n=1)


_SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from test_optuna_search import short_run
print([[sorted(c.move.items()) for c in r] for r in short_run({sampler!r}, range({num}))[1]])
"""


@pytest.mark.parametrize(("sampler", "num"), RUNS)
def test_the_same_moves_in_another_process(sampler, num):
    script = _SCRIPT.format(here=os.path.dirname(__file__), sampler=sampler, num=num)
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    search, rounds = short_run(sampler, range(num))
    assert str([[sorted(c.move.items()) for c in r] for r in rounds]) == elsewhere.stdout.strip()
    assert search.metrics()["search/random_draws"] == (sampler == "random")


@pytest.mark.parametrize(("sampler", "num"), RUNS)
def test_resumed_equals_uninterrupted(sampler, num):
    whole, _ = short_run(sampler, range(num - 1))
    state = json.loads(json.dumps(whole.state_dict()))
    _, expected = short_run(sampler, [num - 1], whole)
    resumed = make(sampler, num_startup_trials=2)
    resumed.load_state_dict(state)
    assert short_run(sampler, [num - 1], resumed)[1] == expected
    assert resumed.state_dict() == whole.state_dict()


def test_what_is_stored_is_what_really_happened():
    corner = TaskDistribution.make(SPACE, {"mass": [80, 100], "size": [7, 9]})
    for candidate in make("random").ask(corner, ["mass", "size"], 20, generation=1, seed=0):
        after = candidate.distribution
        assert isinstance(after.regions["mass"], Interval)
        assert candidate.move == corner.effective_move(after, candidate.move)
        again = corner.moved(candidate.move).regions["mass"]
        assert again.low == pytest.approx(after.regions["mass"].low)
        assert again.high == pytest.approx(after.regions["mass"].high)


def test_no_branch_is_wasted_on_a_grid_with_few_places():
    tiny = ParameterSpace({"size": Int(low=1, high=5, step=2, default=3)})
    middle = TaskDistribution.make(tiny, {})
    search = make("tpe")
    found = search.ask(middle, ["size"], 6, generation=1, seed=0)
    regions = {candidate.distribution.regions["size"] for candidate in found}
    # [1, 1], [1, 3], [1, 5], [3, 5] and [5, 5] are all the others that there are.
    assert 1 < len(found) == len(regions) <= 5
    assert Interval(3, 3) not in regions
    assert search.metrics()["search/redraws"] > 0


def test_draws_without_a_model_are_counted():
    search = make("tpe", num_startup_trials=5)
    drawn = []
    for generation in range(3):
        tell(search, ask(search, generation))
        drawn.append(search.metrics()["search/random_draws"])
    assert drawn == [3, 3, 0]  # 1, 4 and 7 trials are known: "keep" and three moves a generation
    assert search.metrics()["search/remembered"] == 6


def test_cma_es_says_that_it_draws_at_random_until_it_has_ten():
    search = make("cmaes", num_startup_trials=0)
    drawn = []
    for generation in range(4):
        tell(search, ask(search, generation))
        drawn.append(search.metrics()["search/random_draws"])
    assert drawn == [3, 3, 3, 0]


def test_memory_holds_advantages_discounted_by_age():
    search = make(discount=0.5)
    candidates = ask(search, 1, n=2)
    tell(search, candidates, keep=0.3, gains=[Gain(0.7), Gain(0.2)])
    zeros = dict.fromkeys(BEST, 0.0)
    moves = [candidate.move for candidate in candidates]
    expected = [0.0, 0.4 * 0.25, -0.1 * 0.25]
    found = known(search, generation=3)
    assert [params for params, _ in found] == [zeros, *moves]
    assert [value for _, value in found] == pytest.approx(expected)


def test_memory_keeps_the_last_moves_and_those_of_the_same_box():
    search = make(history=4)
    rounds = play(search, range(3))
    assert [p for p, _ in known(search)][1:] == [
        rounds[1][2].move,
        *[candidate.move for candidate in rounds[2]],
    ]
    assert len(known(search, box=["size.shift", "size.log_width"])) == 1
    forgetful = make(history=0)
    play(forgetful, range(2))
    assert forgetful.state_dict()["history"] == []


def test_pruned_and_failed_moves_count_as_no_better_than_the_worst():
    search = make()
    candidates = ask(search, 1, n=4)
    gains = [Gain(0.5), Gain(0.1), Gain(0.4, pruned=True), Gain(math.nan)]
    tell(search, candidates, keep=0.2, gains=gains)
    values = [entry["advantage"] for entry in search.state_dict()["history"]]
    assert values == pytest.approx([0.3, -0.1, -0.1, -0.1])


def test_a_round_without_a_finite_keep_is_not_remembered():
    search = make()
    tell(search, ask(search, 1), keep=math.nan, gains=[Gain(1.0)] * 3)
    assert search.state_dict()["history"] == []


def test_without_keep_gains_count_as_they_are():
    search = make()
    candidates = ask(search, 1, n=1)
    search.tell(candidates, [Gain(-0.2)])
    assert search.state_dict()["history"][0]["advantage"] == -0.2


def test_only_what_was_asked_for_can_be_told():
    search = make()
    candidates = ask(search, 1)
    tell(search, candidates)
    with pytest.raises(RuntimeError, match="ask first"):
        tell(search, candidates)


def test_an_inactive_parameter_is_not_searched():
    search = make()
    found = search.ask(HERE, ["spread"], 2, generation=1, seed=0)
    assert found == []
    assert search.metrics()["search/axes"] == 0
    active = TaskDistribution.make(SPACE, {"kind": ["a", "b"]})
    assert search.ask(active, ["spread"], 2, generation=1, seed=0)


def test_the_journal_holds_one_study_a_generation(tmp_path):
    journal = tmp_path / "optuna.journal"
    search = make(journal=journal)
    play(search, [1])
    candidates = ask(search, 2)
    gains = [Gain(0.5), Gain(0.1, pruned=True), Gain(math.nan)]
    tell(search, candidates, keep=0.2, gains=gains)
    found = studies(journal)
    assert sorted(found) == ["generation-1", "generation-2"]
    assert found["generation-2"].user_attrs == {
        "sampler": "tpe",
        "remembered": 3,
        "keep_gain": 0.2,
    }
    trials = found["generation-2"].trials
    assert [t.user_attrs["origin"] for t in trials] == ["keep", "move", "move", "move"]
    told = trials[-3:]
    assert [t.params for t in told] == [candidate.move for candidate in candidates]
    assert [t.state for t in told] == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
    assert told[0].value == pytest.approx(0.3)
    assert told[1].intermediate_values == {1: pytest.approx(-0.1)}
    assert [t.user_attrs["gain"] for t in told] == [0.5, 0.1, None]


def test_what_an_abandoned_future_left_in_the_journal_is_dropped(tmp_path):
    journal = tmp_path / "optuna.journal"
    straight = make(journal=journal)
    play(straight, [1])
    state = straight.state_dict()
    expected = play(straight, [2])[0]
    play(straight, [3])

    resumed = make(journal=journal)
    resumed.load_state_dict(state)
    assert ask(resumed, 2) == expected
    assert sorted(studies(journal)) == ["generation-1"]
    tell(resumed, expected)
    assert sorted(studies(journal)) == ["generation-1", "generation-2"]


def test_a_half_written_line_does_not_spoil_the_journal(tmp_path):
    journal = tmp_path / "optuna.journal"
    play(make(journal=journal), [1])
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"wor')
    play(make(journal=journal), [2])
    assert sorted(studies(journal)) == ["generation-1", "generation-2"]


def test_an_unreadable_journal_is_set_aside_loudly(tmp_path, caplog):
    journal = tmp_path / "optuna.journal"
    journal.write_bytes(b"not a journal\nat all\n")
    play(make(journal=journal), [1])
    assert "cannot be read" in caplog.text
    assert (tmp_path / "optuna.journal.damaged").read_bytes() == b"not a journal\nat all\n"
    assert sorted(studies(journal)) == ["generation-1"]


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random"])
def test_optuna_stays_quiet_and_its_verbosity_as_it_was(sampler, capfd, tmp_path):
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        play(make(sampler, tmp_path / "journal"), range(5))
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampler": "grid"}, "sampler must be"),
        ({"discount": 1.5}, "discount must lie"),
        ({"history": -1}, "history must be"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        OptunaSearch.Config(**settings)
