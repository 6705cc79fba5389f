"""PLR, robust PLR and ACCEL: what a batch is made of, what is learned from, what is kept.

Several of these are mistakes that public implementations had, each with a test that finds it.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from curricula.algorithms.accel import ACCEL
from curricula.algorithms.plr import PLR
from curricula.algorithms.robust_plr import RobustPLR
from curricula.checks.specimens import ELSEWHERE, START, Marks, training_source
from curricula.scores import scores_told
from learners.evaluation import evaluate
from learners.random_play import RandomPlayer
from taskgen.batch import ArrayBatch
from taskgen.distribution import TaskDistribution
from taskgen.generators.bandit import Bandit
from taskgen.source import TaskSource
from taskgen.vector import Lifetime

SMALL = {"capacity": 16, "min_fill": 0.5, "score": "td_error"}
FAMILY = [PLR, RobustPLR, ACCEL]


def make(cls, **settings):
    return cls(cls.Config(**{**SMALL, **settings}))


def told(curriculum, scores, returns=None):
    """The scores as the curriculum wants them, with mean returns where it asks for these."""
    scores = np.asarray(scores, dtype=float)
    columns = [scores] * (len(curriculum.score) - ("mean_return" in curriculum.score))
    if "mean_return" in curriculum.score:
        columns.append(np.zeros(len(scores)) if returns is None else np.asarray(returns))
    return np.stack(columns, axis=1)


def play(curriculum, rounds, n=8, distribution=START, source=None, first=0):
    batches = []
    for index in range(first, first + rounds):
        rng = np.random.default_rng(index)
        batch = curriculum.ask(source or training_source(), distribution, n, rng)
        curriculum.tell(batch, told(curriculum, rng.random(len(batch))))
        batches.append(batch)
    return batches


def origins(batches):
    return [{p.origin for p in batch} for batch in batches]


@pytest.mark.parametrize("cls", FAMILY)
def test_nothing_is_replayed_before_the_buffer_is_filled_enough(cls):
    curriculum = make(cls, capacity=32, min_fill=0.75, replay_prob=1.0)
    batches = play(curriculum, 4)
    assert origins(batches) == [{"new"}, {"new"}, {"new"}, {"replay"}]


@pytest.mark.parametrize(
    ("cls", "trained"), [(PLR, {"new", "replay"}), (RobustPLR, {"replay"}), (ACCEL, {"replay"})]
)
@pytest.mark.parametrize("parallel", [False, True])
def test_what_is_learned_from(cls, trained, parallel):
    proposals = [p for batch in play(make(cls, parallel=parallel), 30) for p in batch]
    assert {p.origin for p in proposals if p.train} == trained
    expected = {"new", "replay", "edit"} if cls is ACCEL else {"new", "replay"}
    assert {p.origin for p in proposals} == expected
    assert {p.origin for p in proposals if not p.train} == expected - trained


@pytest.mark.parametrize("cls", [PLR, RobustPLR])
def test_as_many_batches_are_replayed_as_the_settings_say(cls):
    batches = play(make(cls, replay_prob=0.3), 152)[2:]
    share = np.mean([kinds == {"replay"} for kinds in origins(batches)])
    assert share == pytest.approx(0.3, abs=4 * (0.21 / 150) ** 0.5)


def test_accel_plays_edits_after_every_replay():
    kinds = [kind for (kind,) in origins(play(make(ACCEL), 200))]
    after = [later for now, later in pairwise(kinds) if now == "replay"]
    assert len(after) > 50
    assert set(after) == {"edit"}
    assert "edit" not in [b for a, b in pairwise(kinds) if a != "replay"]


def test_in_parallel_a_batch_has_the_shares_that_batches_have_otherwise():
    (batch,) = play(make(PLR, parallel=True, replay_prob=0.25), 5)[-1:]
    assert [p.origin for p in batch].count("replay") == 2
    batches = play(make(ACCEL, parallel=True, replay_prob=0.8), 6, n=18)
    counts = [[p.origin for p in batches[-1]].count(o) for o in ("replay", "edit", "new")]
    assert counts == [8, 8, 2]  # 0.8 / 1.8, as much again, and the rest


def test_replays_are_drawn_by_score():
    curriculum = make(PLR, temperature=0.1, staleness_coef=0.0, replay_prob=1.0, capacity=16)
    for first in (0, 8):
        batch = curriculum.ask(training_source(), START, 8, np.random.default_rng(first))
        curriculum.tell(batch, told(curriculum, first + np.arange(8.0)))
        best = batch[7].task.id
    batch = curriculum.ask(training_source(), START, 8, np.random.default_rng(2))
    assert batch[0].task.id == best  # 1 of 1.001 in weights
    assert len({p.task.id for p in batch}) == 8


def test_a_task_that_was_drawn_several_times_gets_its_mean_score_and_not_the_last():
    curriculum = make(PLR, temperature=0.05, staleness_coef=0.0, replay_prob=1.0, repeats=True)
    batch = curriculum.ask(training_source(), START, 8, np.random.default_rng(0))
    curriculum.tell(batch, told(curriculum, np.arange(8.0)))
    batch = curriculum.ask(training_source(), START, 4, np.random.default_rng(1))
    assert {p.task.id for p in batch} == {batch[0].task.id}
    curriculum.tell(batch, told(curriculum, [1.0, np.nan, 3.0, 8.0]))
    state = curriculum.state_dict()
    assert state["scores"][state["ids"].index(batch[0].task.id)] == 4.0


def test_a_replay_without_a_score_keeps_the_one_it_had_and_a_new_task_stays_out():
    curriculum = make(PLR, replay_prob=1.0, min_fill=0.25)
    batch = curriculum.ask(training_source(), START, 8, np.random.default_rng(0))
    curriculum.tell(batch, told(curriculum, [1, 2, 3, 4, np.nan, np.inf, -np.inf, 5]))
    before = curriculum.state_dict()
    assert sorted(before["scores"]) == [1, 2, 3, 4, 5]
    assert curriculum.metrics()["curriculum/buffer_num_unscored"] == 3
    batch = curriculum.ask(training_source(), START, 5, np.random.default_rng(1))
    assert {p.origin for p in batch} == {"replay"}
    curriculum.tell(batch, told(curriculum, [np.nan] * 5))
    assert curriculum.state_dict()["scores"] == before["scores"]


def test_max_monte_carlo_remembers_the_best_return_of_each_task():
    curriculum = make(PLR, score="max_monte_carlo", replay_prob=1.0, min_fill=0.25)
    assert curriculum.score == ("expected_return", "discounted_return")
    batch = curriculum.ask(training_source(), START, 4, np.random.default_rng(0))
    curriculum.tell(batch, np.array([[1.0, 5.0], [1.0, 0.0], [2.0, 2.0], [0.0, 1.0]]))
    assert curriculum.state_dict()["scores"] == [4.0, -1.0, 0.0, 1.0]
    for worse in (3.0, np.nan):
        again = curriculum.ask(training_source(), START, 4, np.random.default_rng(1))
        assert {p.task.id for p in again} == {p.task.id for p in batch}
        curriculum.tell(again, np.array([[0.5, worse]] * 4))
    state = curriculum.state_dict()
    assert sorted(state["best"]) == [3.0, 3.0, 3.0, 5.0]
    assert state["scores"][state["ids"].index(batch[0].task.id)] == 4.5


@pytest.mark.parametrize("cls", FAMILY)
def test_what_the_distribution_left_is_not_replayed_and_comes_back_with_it(cls):
    curriculum = make(cls, min_fill=0.25, replay_prob=1.0)
    play(curriculum, 4)
    narrow = TaskDistribution.make(Marks.space, {"size": [5, 5], "weight": [0.5, 2.0]})
    batches = play(curriculum, 8, distribution=narrow, first=4)
    assert {p.task.params["size"] for batch in batches for p in batch} == {5}
    assert "replay" in set().union(*origins(batches))
    batches = play(curriculum, 1, distribution=ELSEWHERE, first=12)
    assert all(ELSEWHERE.contains(p.task.params) for p in batches[0])
    assert "replay" not in origins(batches)[0]


def test_every_base_is_edited_and_not_the_first_alone():
    """One edit each where the whole batch is a base, in the order of the replays."""
    curriculum = make(ACCEL, bases="batch", num_edits=1, replay_prob=1.0)
    batches = play(curriculum, 20)
    for replays, edits in pairwise(batches):
        if replays[0].origin == "replay":
            assert [e.task.parents for e in edits] == [(r.task.id,) for r in replays]
            assert len({e.task.id for e in edits}) == len(edits)


def test_easy_bases_are_those_of_the_highest_return_minus_score():
    curriculum = make(ACCEL, bases="easy", num_bases=2, replay_prob=1.0, min_fill=0.25)
    batch = curriculum.ask(training_source(), START, 8, np.random.default_rng(0))
    curriculum.tell(batch, told(curriculum, np.ones(8)))
    batch = curriculum.ask(training_source(), START, 8, np.random.default_rng(1))
    assert {p.origin for p in batch} == {"replay"}
    scores = np.array([5.0, 0.0, 1.0, 2.0, 0.0, 0.0, 9.0, 0.0])
    returns = np.array([5.0, 3.0, 9.0, 2.0, 1.0, np.nan, 9.5, 0.0])  # minus score: 0 3 8 0 1 . .5 0
    curriculum.tell(batch, told(curriculum, scores, returns))
    edits = curriculum.ask(training_source(), START, 8, np.random.default_rng(2))
    expected = [batch[2].task.id] * 4 + [batch[1].task.id] * 4
    assert [parent for e in edits for parent in e.task.parents] == expected


def test_edits_in_a_row_name_the_task_that_they_began_with():
    batches = play(make(ACCEL, num_edits=3, replay_prob=1.0), 12)
    played = {p.task.id for batch in batches for p in batch if p.origin != "edit"}
    edits = [p.task for batch in batches for p in batch if p.origin == "edit"]
    assert {edit.operator for edit in edits} == {"reseed+reseed+reseed"}
    known = played | {edit.id for edit in edits}
    assert all(parent in known for edit in edits for parent in edit.parents)


def test_a_family_without_edits_gets_new_tasks_in_their_place():
    class Fixed(Marks):
        def mutate(self, task, rng):
            return None

    source = TaskSource(Fixed(), "train", "checks")
    kinds = set().union(*origins(play(make(ACCEL), 30, source=source)))
    assert kinds == {"new", "replay"}


def test_twins_are_refused_by_their_form():
    class Coarse(Marks):
        def canonical(self, task):
            return b"%d" % (task.content["seed"] % 3)

    source = TaskSource(Coarse(), None, "")
    curriculum = make(PLR, replay_prob=0.0)
    play(curriculum, 6, source=source)
    assert len(curriculum.state_dict()["ids"]) == 3
    assert curriculum.metrics()["curriculum/buffer_num_refused"] == 48 - 3


@pytest.mark.parametrize("cls", FAMILY)
def test_only_the_last_ask_can_be_told_and_once(cls):
    curriculum = make(cls)
    source, rng = training_source(), np.random.default_rng(0)
    first = curriculum.ask(source, START, 4, rng)
    second = curriculum.ask(source, START, 4, rng)
    for wrong in (first, second[:3], second[::-1], []):
        with pytest.raises(RuntimeError, match="tell answers the last ask"):
            curriculum.tell(wrong, told(curriculum, np.ones(len(wrong))))
    curriculum.tell(second, told(curriculum, np.ones(4)))
    with pytest.raises(RuntimeError, match="0 were asked for"):
        curriculum.tell(second, told(curriculum, np.ones(4)))


@pytest.mark.parametrize("cls", FAMILY)
@pytest.mark.parametrize("parallel", [False, True])
def test_with_a_filled_buffer_a_resumed_curriculum_goes_on_the_same(cls, parallel):
    whole = make(cls, parallel=parallel)
    play(whole, 9)
    state = whole.state_dict()
    resumed = make(cls, parallel=parallel)
    resumed.load_state_dict(state)
    one, other = (play(c, 12, first=9) for c in (whole, resumed))
    assert one == other
    assert whole.state_dict() == resumed.state_dict()
    assert state != whole.state_dict()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"score": "beauty"}, "score must be one of"),
        ({"replay_prob": 1.5}, r"replay_prob must lie in \[0, 1\]"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"capacity": 0}, "capacity must be at least 1"),
        ({"prioritization": "proportional", "score": "max_monte_carlo"}, "can be negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PLR.Config(**settings)


def test_published_settings():
    plr, robust, accel = (cls.Config() for cls in FAMILY)
    assert (plr.score, plr.replay_prob, plr.temperature) == ("max_monte_carlo", 0.5, 0.3)
    assert (robust.score, robust.replay_prob, robust.temperature) == ("max_monte_carlo", 0.5, 0.1)
    assert (accel.score, accel.replay_prob, accel.temperature) == ("positive_value_loss", 0.8, 0.3)
    assert (accel.bases, accel.num_bases, accel.num_edits) == ("easy", 4, 5)
    assert replace(plr, score=accel.score).staleness_coef == accel.staleness_coef == 0.3
    assert {(c.capacity, c.min_fill) for c in (plr, robust, accel)} == {(4000, 0.5)}


class SureBandit(Bandit):
    """All arms of a bandit pay what its seed says, 0 or 1."""

    def make_tasks(self, params, seeds):
        probs = np.repeat((np.asarray(seeds) % 2)[:, None].astype(float), self.num_arms, axis=1)
        content = {"pulls": params["pulls"], "probs": probs, "number": np.asarray(seeds) % 997}
        return ArrayBatch(self, params, seeds, content)


def test_a_replayed_lifetime_stays_with_its_task_in_every_episode():
    """And does not go on with random tasks after the first."""
    family = SureBandit(num_arms=3)
    source = TaskSource(family, None, "")
    place = TaskDistribution.make(family.space, {"pulls": 4})
    curriculum = make(PLR, replay_prob=1.0, score="mean_return", min_fill=0.25)
    for first in range(2):
        batch = curriculum.ask(source, place, 8, np.random.default_rng(first))
        tasks = [proposal.task for proposal in batch]
        env = family.make_vector_env(8)
        env.lifetime = Lifetime(num_episodes=3)
        curve = evaluate(RandomPlayer(family.action_space), env, tasks, num_episodes=3, seed=first)
        expected = [[4.0 * task.content["probs"][0]] * 3 for task in tasks]
        assert curve.outcomes.returns.tolist() == expected
        assert len({returns for (returns, *_) in expected}) == 2
        curriculum.tell(batch, scores_told(curriculum.score, curve.outcomes))
    assert {p.origin for p in batch} == {"replay"}
