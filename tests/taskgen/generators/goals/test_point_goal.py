import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.goals import PointGoal, PointGoalCorners, PointGoalSparse
from taskgen.recording import Recorder
from taskgen.vector import Lifetime

FAMILIES = (PointGoal, PointGoalSparse, PointGoalCorners)


def made(generator, **params):
    return generator.make_task(generator.space.complete(params), 0)


def played(generator, task, policy, num_episodes=1):
    """The recorded episodes of a policy from x and y to an action."""
    recorder = Recorder(generator.make_vector_env(1))
    lifetime = Lifetime(num_episodes=num_episodes)
    observations, _ = recorder.reset(seed=0, options={"tasks": [task], "lifetime": lifetime})
    while recorder.playing.any():
        observations = recorder.step(policy(observations))[0]
    return recorder.episodes(0)


def straight_to(goal):
    return lambda observations: np.array([goal]) - observations


def test_a_way_pays_by_hand():
    """To (0.3, −0.4) at full speed: after a step at (0.1, −0.1), after three x is there."""
    generator = PointGoal()
    task = made(generator, goal_x=0.3, goal_y=-0.4)
    (episode,) = played(generator, task, straight_to((0.3, -0.4)))
    by_hand = [-np.hypot(0.2, 0.3), -np.hypot(0.1, 0.2), -0.1, 0.0]
    assert episode.rewards == pytest.approx(by_hand, abs=1e-6)
    assert generator.oracle_return(task) == pytest.approx(sum(by_hand), abs=1e-9)


def test_an_episode_ends_within_a_hundredth_of_the_goal_on_both_axes():
    generator = PointGoal()
    task = made(generator, goal_x=0.205, goal_y=0.0, horizon=10)
    (episode,) = played(generator, task, lambda _: np.array([[0.1, 0.0]]))
    assert episode.rewards == pytest.approx([-0.105, -0.005], abs=1e-6)
    assert generator.oracle_return(task) == pytest.approx(-0.11, abs=1e-9)
    (missed,) = played(generator, task, lambda _: np.array([[0.1, 0.02]]))
    assert len(missed.rewards) == 10


def test_steps_are_clipped_along_each_axis():
    for generator in (PointGoal(), PointGoalSparse(), PointGoalCorners()):
        episodes = played(generator, made(generator), lambda _: np.array([[9.0, -0.05]]))
        step = episodes[0].observations[1]
        assert step == pytest.approx([generator.rules.max_step, -0.05])


def test_standing_still_costs_what_is_known():
    """The mean distance of the published square from its middle is 0.3826."""
    generator = PointGoal()
    square = TaskDistribution.make(generator.space, {"goal_x": [-0.5, 0.5], "goal_y": [-0.5, 0.5]})
    tasks = generator.make_tasks(square.sample(4000, np.random.default_rng(0)), np.arange(4000))
    env = generator.make_vector_env(4000)
    env.reset(seed=0, options={"tasks": tasks, "lifetime": Lifetime(num_episodes=1)})
    total = np.zeros(4000)
    for _ in range(100):
        total += env.step(np.zeros((4000, 2)))[1]
    assert not env.playing.any()
    assert total.mean() == pytest.approx(-38.26, abs=0.7)


def test_the_sparse_reward_by_hand():
    """Straight up to (0, 1), paid within 0.2: 0.8 at 0.8, 0.9 at 0.9, then 1 for 91 steps."""
    generator = PointGoalSparse()
    task = made(generator, angle=90.0)
    (episode,) = played(generator, task, straight_to((0.0, 1.0)))
    assert episode.rewards[:7] == pytest.approx(7 * [0.0])
    assert episode.rewards[8:] == pytest.approx([0.9] + 91 * [1.0], abs=1e-6)
    narrow = made(generator, angle=90.0, reward_radius=0.15)
    assert generator.oracle_return(narrow) == pytest.approx(0.9 + 91)


def test_the_four_corners_by_hand():
    generator = PointGoalCorners()
    corners = [task.content["goal"] for task in generator.suites()["corners"]]
    assert sorted(corners) == [[-2.0, -2.0], [-2.0, 2.0], [2.0, -2.0], [2.0, 2.0]]
    # On the diagonal 2.0 − 0.2·t is left after t steps: (1.8 + 1.6 + … + 0.2) · √2 = 9 · √2.
    oracle = [generator.oracle_return(task) for task in generator.suites()["corners"]]
    assert oracle == pytest.approx(4 * [-9.0 * np.sqrt(2.0)])


@pytest.mark.parametrize("family", FAMILIES)
def test_going_straight_earns_what_the_oracle_says(family):
    generator = family()
    whole = TaskDistribution.whole(generator.space)
    tasks = generator.make_tasks(whole.sample(30, np.random.default_rng(3)), np.arange(30))
    goals = tasks.contents["goal"]
    env = generator.make_vector_env(30)
    observations, _ = env.reset(
        seed=0, options={"tasks": tasks, "lifetime": Lifetime(num_episodes=1)}
    )
    total, success = np.zeros(30), np.zeros(30, dtype=bool)
    while env.playing.any():
        observations, rewards, _, _, infos = env.step(goals - observations)
        total += rewards
        success |= infos["success"]
    oracle = [generator.oracle_return(task) for task in tasks]
    assert total == pytest.approx(oracle, abs=1e-4)
    assert success.all()


@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_who_wanders_earns_more_than_the_oracle(family):
    generator, rng = family(), np.random.default_rng(0)
    whole = TaskDistribution.whole(generator.space)
    tasks = generator.make_tasks(whole.sample(200, rng), np.arange(200))
    goals = tasks.contents["goal"]
    env = generator.make_vector_env(200)
    observations, _ = env.reset(
        seed=0, options={"tasks": tasks, "lifetime": Lifetime(num_episodes=1)}
    )
    total = np.zeros(200)
    while env.playing.any():
        wander = rng.normal(0.0, 0.05, size=(200, 2))
        observations, rewards, *_ = env.step(goals - observations + wander)
        total += rewards
    oracle = np.array([generator.oracle_return(task) for task in tasks])
    assert (total <= oracle + 1e-4).all()


def test_forms_are_goals_to_a_thousandth():
    generator = PointGoalSparse()
    form = generator.canonical(made(generator, angle=60.0))
    assert generator.canonical(made(generator, angle=60.001, reward_radius=0.5, horizon=50)) == form
    assert generator.canonical(made(generator, angle=60.2)) != form


@pytest.mark.parametrize("family", FAMILIES)
def test_edits_move_the_goal_and_nothing_else(family):
    generator, rng = family(), np.random.default_rng(0)
    task = made(generator, horizon=60)
    for _ in range(60):
        before, task = task, generator.mutate(task, rng)
        changed = [k for k, v in task.params.items() if v != before.params[k]]
        assert len(changed) <= 1
        assert set(changed) <= set(generator.moving)
        assert task.content == generator.make_task(task.params, 0).content
        assert task.content["horizon"] == 60


def test_names_and_tasks_of_the_variants_differ():
    tasks = [made(family()) for family in FAMILIES]
    assert len({task.generator for task in tasks}) == len({task.id for task in tasks}) == 3


@pytest.mark.parametrize("family", FAMILIES)
def test_a_lifetime_is_drawn_with_its_ways(family):
    generator = family()
    task = made(generator)
    goal = task.content["goal"]
    episodes = played(generator, task, straight_to(goal), num_episodes=2)
    drawn = generator.render_lifetime(task, episodes)
    plane = generator.render(task)
    height, width = plane.shape[:2]
    assert drawn.shape[1] == width
    assert drawn.shape[0] > height  # a line a way below
    assert (drawn[:height] != plane).any()
