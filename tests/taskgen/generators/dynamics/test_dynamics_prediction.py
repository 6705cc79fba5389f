"""Transitions, units, spaces and tasks of the prediction families."""

import numpy as np
import pytest

from taskgen.checks import check_generator
from taskgen.generators.dynamics import (
    AntDynamicsPrediction,
    DynamicsPrediction,
    HalfCheetahDynamicsPrediction,
    NoChange,
    PendulumDynamicsPrediction,
)
from taskgen.generators.dynamics.scales import scales_of
from taskgen.generators.dynamics.transitions import NotPlayable, Transitions, played
from taskgen.judging import returns_of
from taskgen.parameter_space import OutOfSpace
from taskgen.randomness import fold
from tests.taskgen.generators.dynamics.sleds_family import Sleds

FIXED = {"goal": 1.0, "snow": "dry", "friction": 0.0}
KEYS = np.arange(5, dtype=np.uint64)


def sleds(fixed=FIXED, choices=False, **options):
    return DynamicsPrediction(Sleds(choices=choices), fixed=fixed, **options)


def task(family, seed=0, **params):
    return family.make_task(family.space.complete(params), seed)


def told(family, problems, which="query"):
    """Observations, forces and the observations after them, as they were before scaling."""
    x, y = (getattr(problems, f"{which}_{axis}").astype(float) for axis in "xy")
    before = x[..., :3] * family.scales.spread + family.scales.middle
    return before, x[..., 3:], family.scales.next_observations(before, y)


# --- what a transition is -------------------------------------------------------------------------


def test_a_transition_is_what_the_body_does():
    family = sleds(fixed={"goal": 1.0})
    tasks = [task(family, push=1.0), task(family, push=3.0, snow="wet", friction=0.5)]
    problems = family.make_keyed_problems(tasks, KEYS[:2])
    push, friction = np.array([[1.0], [3.0]]), np.array([[0.0], [0.5]])
    for which in ("support", "query"):
        before, force, after = told(family, problems, which)
        speed = before[..., 1]
        assert np.abs(force).max() <= 1.0  # in units of the bounds, which are ±2
        assert after[..., 0] == pytest.approx(before[..., 0] + speed, abs=1e-5)
        pushed = speed * (1.0 - friction) + push * 2.0 * force[..., 0]
        assert after[..., 1] == pytest.approx(pushed, abs=1e-5)
        assert after[..., 2] == pytest.approx(7.0)


def test_the_points_of_an_episode_follow_one_another_and_episodes_do_not():
    family = sleds(num_query=10, episode_steps=4)
    before, _, after = told(family, family.make_keyed_problems([task(family)], KEYS[:1]))
    follows = np.isclose(after[0, :-1], before[0, 1:], atol=1e-4).all(axis=1)
    assert follows.tolist() == [True, True, True, False, True, True, True, False, True]


def test_an_episode_that_ends_is_followed_by_another():
    family = sleds(num_query=8, episode_steps=8)
    ended = family.make_keyed_problems([task(family, length=3)], KEYS[:1])
    before, force, after = told(family, ended)
    follows = np.isclose(after[0, :-1], before[0, 1:], atol=1e-4).all(axis=1)
    assert follows.tolist() == [True, True, False, True, True, False, True]
    # The last point of an episode has the observation that it ended with, not the next start.
    assert after[0, :, 1] == pytest.approx(before[0, :, 1] + 2.0 * force[0, :, 0], abs=1e-5)
    starts = before[0, [0, 3, 6], 0]
    assert len(np.unique(starts.round(5))) == 3


def test_an_action_is_held_as_long_as_the_task_says():
    family = sleds(num_query=16)
    _, force, _ = told(
        family, family.make_keyed_problems([task(family, hold=4), task(family)], KEYS[:2])
    )
    runs = force[0, :, 0].reshape(4, 4)
    assert (runs == runs[:, :1]).all()
    assert len(np.unique(runs[:, 0])) == 4
    assert len(np.unique(force[1, :, 0])) == 16


def test_forces_are_uniform_and_initial_states_are_the_bodys_own():
    family = sleds(num_query=2000, episode_steps=1)
    before, force, _ = told(family, family.make_keyed_problems([task(family)], KEYS[:1]))
    for values in (force[0, :, 0], before[0, :, 0], before[0, :, 1]):
        assert -1.0 <= values.min() < -0.98
        assert 0.98 < values.max() <= 1.0 + 1e-6
        assert values.mean() == pytest.approx(0.0, abs=0.05)
        assert values.var() == pytest.approx(1.0 / 3.0, rel=0.07)


def test_choices_are_shown_one_hot():
    family = sleds(choices=True, num_query=200)
    before, chosen, after = told(family, family.make_keyed_problems([task(family)], KEYS[:1]))
    assert (chosen.sum(axis=-1) == 1.0).all()
    assert chosen.mean(axis=1)[0] == pytest.approx([1 / 3] * 3, abs=0.1)
    assert after[..., 1] - before[..., 1] == pytest.approx(chosen @ [-1.0, 0.0, 1.0], abs=1e-5)


def test_a_half_cheetah_moves_as_its_own_environment_does():
    family = HalfCheetahDynamicsPrediction(episode_steps=5)
    heavy = family.inside(task(family, mass=1.7, damping=0.4))
    keys = KEYS[3:4]
    moves = played(family.source, [heavy], keys, 5, np.ones(1, dtype=np.int64))
    env = family.source.make_env(heavy)
    begun = fold(fold(keys, 1), 0)  # the first episode of the stream for episodes
    seen, _ = env.reset(seed=int(begun[0] >> np.uint64(33)))
    for step in range(5):
        assert np.array_equal(seen, moves.before[0, step])
        seen, *_ = env.step(moves.actions[0, step].astype(np.float32))
        assert np.array_equal(seen, moves.after[0, step])


# --- units ----------------------------------------------------------------------------------------


def test_units_by_hand():
    before = np.array([[[1.0, 5.0], [3.0, 5.0]]])
    after = np.array([[[4.0, 5.0], [7.0, 5.0]]])
    scales = scales_of(Transitions(before, np.zeros((1, 2, 1)), after))
    assert scales.middle.tolist() == [2.0, 5.0]
    assert scales.spread.tolist() == [1.0, 1.0]  # what never varies has the unit 1
    assert scales.change.tolist() == [3.54, 1.0]  # √((3² + 4²)/2), three digits of it
    assert scales.inputs(before, np.full((1, 2, 1), 0.5))[0].tolist() == [[-1, 0, 0.5], [1, 0, 0.5]]
    changes = scales.changes(before, after)
    assert changes[0, :, 0] == pytest.approx([3.0 / 3.54, 4.0 / 3.54])
    assert scales.next_observations(before, changes) == pytest.approx(after, abs=1e-6)


def test_no_change_of_the_default_body_is_an_error_of_one():
    family = HalfCheetahDynamicsPrediction(num_query=160)
    default = [task(family)] * 20
    problems = family.make_problems(default, np.random.default_rng(0))
    errors = -returns_of(problems, NoChange().predict(problems))
    assert errors.mean() == pytest.approx(1.0, rel=0.1)
    assert problems.query_x[..., :17].std() == pytest.approx(1.0, rel=0.1)
    light = family.make_problems([task(family, mass=0.3)] * 20, np.random.default_rng(0))
    assert -returns_of(light, NoChange().predict(light)).mean() > 1.5


def test_units_are_those_of_the_family_in_any_copy():
    for make in (sleds, PendulumDynamicsPrediction):
        one, other = make().scales, make().scales
        for name in ("middle", "spread", "change"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


# --- which points ---------------------------------------------------------------------------------


def test_tasks_of_a_batch_have_their_own_numbers_of_shots():
    family = sleds(episode_steps=4)
    problems = family.make_keyed_problems(
        [task(family, shots=shots) for shots in (3, 9, 1)], KEYS[:3]
    )
    assert problems.num_shots.tolist() == [3, 9, 1]
    assert problems.support_x.shape == (3, 9, 4)
    assert problems.query_x.shape == (3, 32, 4)
    assert not problems.support_x[~problems.mask].any()


@pytest.mark.parametrize("make", [sleds, PendulumDynamicsPrediction])
def test_points_of_a_key_depend_on_nobody_else(make):
    family = make()
    tasks = [task(family, shots=shots) for shots in (5, 40)]
    batch = family.make_tasks(
        family.space.columns([t.params for t in tasks]), np.zeros(2, dtype=np.int64)
    )
    both = family.make_keyed_problems(tasks, KEYS[:2])
    alone = family.make_keyed_problems(tasks[:1], KEYS[:1])
    assert np.array_equal(both.support_x[:1, :5], alone.support_x)
    assert np.array_equal(both.query_y[:1], alone.query_y)
    assert np.array_equal(family.make_keyed_problems(batch, KEYS[:2]).support_y, both.support_y)
    longer = family.make_keyed_problems([task(family, shots=20)], KEYS[:1])
    assert np.array_equal(longer.query_x, alone.query_x)
    assert np.array_equal(longer.support_x[:, :5], alone.support_x)


def test_two_tasks_of_one_key_start_alike_and_move_differently():
    family = PendulumDynamicsPrediction()
    one, other = task(family), task(family, mass=2.0)
    problems = family.make_keyed_problems([one, other], KEYS[[0, 0]])
    assert np.array_equal(problems.query_x[0, 0], problems.query_x[1, 0])
    assert not np.array_equal(problems.query_y[0, 0], problems.query_y[1, 0])


# --- which tasks ----------------------------------------------------------------------------------


def test_the_space_is_the_sources_without_what_is_fixed():
    assert list(sleds().space) == ["push", "length", "shots", "hold"]
    assert "heading" not in AntDynamicsPrediction().space
    cheetah = HalfCheetahDynamicsPrediction()
    assert set(cheetah.space) == {*cheetah.source.space, "shots", "hold"} - {"fault_step"}
    assert sleds({"snow": "wet", "goal": 1.0}).space["friction"].active_when is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: sleds({"snow": "dry"}), "fix friction as well"),
        (lambda: sleds(num_query=0), "num_query must be at least 1, got 0"),
        (lambda: sleds(episode_steps=0), "episode_steps must be at least 1, got 0"),
        (lambda: sleds({"goal": 99.0}), "goal must be"),
        (lambda: sleds({"colour": 1.0}), "'colour' is not in this space"),
        (lambda: DynamicsPrediction("sinusoid-v1"), "source must make environments"),
    ],
)
def test_what_does_not_fit_is_refused(make, reason):
    with pytest.raises((ValueError, OutOfSpace), match=reason):
        make()


def test_a_source_can_be_named_with_its_options():
    name = "tests.taskgen.generators.dynamics.sleds_family:Sleds"
    family = DynamicsPrediction(name, {"choices": True}, FIXED)
    assert family.input_space.shape == (6,)
    assert family.target_space.shape == (3,)


def test_any_family_keeps_the_contract():
    check_generator(sleds(fixed={"goal": 1.0}, num_query=8, episode_steps=8)).raise_if_failed()


def test_the_same_body_has_one_form_however_much_is_shown():
    family = PendulumDynamicsPrediction()
    here, there = task(family, mass=1.2), task(family, mass=1.2, shots=5, hold=3)
    assert here.id != there.id
    assert family.canonical(here) == family.canonical(there)
    assert family.canonical(here) != family.canonical(task(family, mass=1.3))


def test_regions_and_suites_are_the_sources():
    family = sleds()
    assert family.regions == {"strong": [{"push": [3.0, 4.0]}]}
    (strong,) = family.suites()["strong"]
    assert list(family.suites()) == ["strong"]
    assert strong == task(family, push=3.5)
    cheetah = HalfCheetahDynamicsPrediction()
    assert cheetah.regions["crippled-held-out"] == [{"fault": "bthigh"}]
    extreme = cheetah.suites()["dynamics-extreme"]
    assert len(extreme) == 32
    assert {t.generator for t in extreme} == {cheetah.name}
    assert all(0.2 <= t.params["mass"] <= 0.3 or 1.7 <= t.params["mass"] <= 1.8 for t in extreme)


def test_edits_leave_alone_what_is_fixed():
    family, rng = sleds(), np.random.default_rng(0)
    start = task(family, shots=4)
    for _ in range(10):
        edited = family.mutate(start, rng)
        assert edited.operator == "new_push"
        assert edited.params == {**start.params, "push": edited.params["push"]}
        assert edited.parents == (start.id,)
        assert edited.content == family.make_task(edited.params, 0).content


def test_a_content_of_another_family_is_not_valid():
    family = sleds()
    other = DynamicsPrediction("pendulum-swing-up-v1", fixed={"fault_step": 0})
    assert "not of sleds-v1" in family.is_valid(task(other)).reason
    assert "must have" in family.is_valid(task(family).edited({}, "cut")).reason
    assert family.is_valid(task(family))


def test_a_task_that_cannot_be_played_says_why():
    family = DynamicsPrediction(Sleds(broken_from=2.0), fixed=FIXED)
    tasks = [task(family), task(family, push=3.0)]
    with pytest.raises(NotPlayable, match="the runner broke"):
        family.make_keyed_problems(tasks, KEYS[:2])


def test_features_are_the_sources_and_two_errors():
    features = sleds().describe(task(sleds(), push=2.0, shots=10))
    assert features["push"] == 2.0
    assert features["ridge_error"] < 1e-3  # a sled is linear, and ten points tell all of it
    assert features["no_change_error"] > 0.5
