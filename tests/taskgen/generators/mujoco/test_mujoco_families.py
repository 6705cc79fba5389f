"""Goals, rewards, physics, faults and senses of the MuJoCo families."""

import copy
from pathlib import Path

import gymnasium
import mujoco
import numba
import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.mujoco import FAMILIES
from taskgen.generators.mujoco.arena import Arena
from taskgen.generators.mujoco.engine import contents_of
from taskgen.generators.mujoco.models import compiled, model_of, spec_of
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.vector import Lifetime


def made(name, **params):
    generator = FAMILIES[name]()
    return generator, generator.make_task(generator.space.complete(params), seed=0)


def trace(name, num_steps, seed=5, actions=None, **params):
    """Observations, rewards and ends of one body under given or random actions."""
    generator, task = made(name, **params)
    env = generator.make_env(task)
    rng = np.random.default_rng(1)
    seen, rewards = [env.reset(seed=seed)[0]], []
    for step in range(num_steps):
        random = rng.uniform(env.action_space.low, env.action_space.high)
        action = (random if actions is None else actions[step]).astype(np.float32)
        observation, reward, fell, _, _ = env.step(action)
        seen.append(observation)
        rewards.append(reward)
        if fell:
            break
    return np.array(seen), np.array(rewards)


def loaded(name, **params):
    """The engine's model of a task."""
    generator, task = made(name, **params)
    arena = Arena(generator.body, generator.rules, 1, 1)
    arena.load(contents_of([task]))
    return arena.simulation.batch.get_model(0), model_of(generator.body)


# --- goals and rewards ---------------------------------------------------------------------------


def forces_of(twin, action):
    """The forces in the last physics step of the env step to come, [bodies, 6]."""
    model, data = twin.unwrapped.model, mujoco.MjData(twin.unwrapped.model)
    mujoco.mj_copyData(data, model, twin.unwrapped.data)
    data.ctrl[:] = action
    mujoco.mj_step(model, data, nstep=twin.unwrapped.frame_skip - 1)
    mujoco.mj_forward(model, data)
    mujoco.mj_rnePostConstraint(model, data)
    return data.cfrc_ext


def touch(forces):
    return 5e-4 * np.square(np.clip(forces, -1.0, 1.0)).sum()


def squared(action):
    return float(np.square(action.astype(float)).sum())


REWARDS = {
    "half-cheetah-velocity-v1": (
        "HalfCheetah-v5",
        {"velocity": 2.0},
        lambda info, a, f: -abs(info["x_velocity"] - 2.0) - 0.05 * squared(a),
    ),
    "half-cheetah-direction-v1": (
        "HalfCheetah-v5",
        {"direction": "backward"},
        lambda info, a, f: -info["x_velocity"] - 0.05 * squared(a),
    ),
    "half-cheetah-dynamics-v1": (
        "HalfCheetah-v5",
        {},
        lambda info, a, f: info["x_velocity"] - 0.05 * squared(a),
    ),
    "ant-direction-v1": (
        "Ant-v5",
        {"heading": 90.0},
        lambda info, a, f: info["y_velocity"] + 1.0 - 0.5 * squared(a) - touch(f),
    ),
    "ant-opposite-v1": (
        "Ant-v5",
        {"direction": "backward"},
        lambda info, a, f: -info["x_velocity"] + 1.0 - 0.5 * squared(a) - touch(f),
    ),
    "ant-opposite-maml-v1": (
        "Ant-v5",
        {"direction": "backward"},
        lambda info, a, f: -info["x_velocity"] + 0.05 - 5e-3 * squared(a) - touch(f),
    ),
    "humanoid-direction-v1": (
        "Humanoid-v5",
        {"heading": 180.0},
        lambda info, a, f: (
            -1.25 * info["x_velocity"]
            + (5.0 - 0.1 * squared(a) - min(5e-7 * np.square(f).sum(), 10.0))
        ),
    ),
    "walker2d-dynamics-v1": (
        "Walker2d-v5",
        {},
        lambda info, a, f: info["x_velocity"] + 1.0 - 1e-3 * squared(a),
    ),
    "hopper-dynamics-v1": (
        "Hopper-v5",
        {},
        lambda info, a, f: info["x_velocity"] + 1.0 - 1e-3 * squared(a),
    ),
}


@pytest.mark.parametrize("name", REWARDS)
def test_a_variant_earns_what_its_formula_says(name):
    twin_name, params, formula = REWARDS[name]
    generator, task = made(name, **params)
    env, twin = generator.make_env(task), gymnasium.make(twin_name)
    env.reset(seed=3)
    twin.reset(seed=3)
    rng = np.random.default_rng(0)
    for _ in range(60):
        action = rng.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
        _, reward, fell, _, _ = env.step(action)
        forces = forces_of(twin, action)
        _, _, twin_fell, _, info = twin.step(action)
        assert reward == pytest.approx(formula(info, action, forces), abs=1e-5)
        assert fell == twin_fell
        if fell:
            break


def test_ant_position_is_a_place_that_is_uniform_over_the_area():
    generator, task = made("ant-position-v1", goal_area=0.25, goal_angle=90.0)
    np.testing.assert_allclose(task.content["goal"], [0.0, 1.5], atol=1e-9)
    env, twin = generator.make_env(task), gymnasium.make("Ant-v5", terminate_when_unhealthy=False)
    env.reset(seed=3)
    twin.reset(seed=3)
    action = np.full(8, 0.5, dtype=np.float32)
    for _ in range(20):
        _, reward, _, _, _ = env.step(action)
        forces = forces_of(twin, action)
        twin.step(action)
        x, y = twin.unwrapped.data.body("torso").xpos[:2]
        expected = -abs(x) - abs(y - 1.5) - 0.1 * squared(action) - touch(forces)
        assert reward == pytest.approx(expected, abs=1e-5)
    whole = TaskDistribution.whole(generator.space).sample(4000, np.random.default_rng(0))
    radii = np.linalg.norm(generator.make_tasks(whole, np.arange(4000)).contents["goal"], axis=1)
    assert radii.max() <= 3.0
    assert np.mean(radii < 1.5) == pytest.approx(0.25, abs=0.03)  # a quarter of the area


def test_a_pendulum_that_stands_earns_nothing_and_one_that_hangs_the_most_negative():
    generator, task = made("pendulum-swing-up-v1")
    arena = Arena(generator.body, generator.rules, 2, 1)
    arena.load(contents_of([task, task]))
    arena.simulation.reset(np.arange(2), np.array([[0.0], [np.pi]]), np.zeros((2, 1)))
    arena._where[:] = arena.simulation.tracked()
    zeros = np.zeros(2, dtype=np.int64)
    arena.advance(np.zeros((2, 1)), np.ones(2, dtype=bool), zeros, zeros)
    np.testing.assert_allclose(arena.rewards, [0.0, -(np.pi**2)], atol=1e-6)


def test_horizons_are_the_fields():
    for name, generator in FAMILIES.items():
        whole = ("half-cheetah-v1", "hopper-v1", "walker2d-v1", "ant-v1", "humanoid-v1")
        expected = 1000 if name in whole else 50 if name[:5] in ("reach", "point") else 200
        assert generator.rules.horizon == expected


# --- physics -------------------------------------------------------------------------------------


def test_the_rows_name_what_is_in_the_models():
    for generator in FAMILIES.values():
        body, model = generator.body, model_of(generator.body)
        driven = [model.joint(int(j)).name for j in model.actuator_trnid[:, 0]]
        assert tuple(driven) == body.actuators
        members = [model.body(m).id for part in body.parts.values() for m in part]
        assert sorted(members) == list(range(1, model.nbody))
        assert {a for limb in body.limbs.values() for a in limb} <= set(body.actuators)


def test_masses_come_with_their_inertia_part_by_part():
    model, default = loaded("ant-v1", mass=0.5, mass_leg_2=2.0)
    leg = [5, 6, 7]
    factor = np.full(model.nbody, 0.5)
    factor[leg] = 1.0
    np.testing.assert_allclose(model.body_mass, default.body_mass * factor)
    np.testing.assert_allclose(model.body_inertia, default.body_inertia * factor[:, None])
    assert model.body_subtreemass[0] == pytest.approx(model.body_mass.sum())


def test_friction_is_that_of_every_geom_so_that_the_floor_cannot_hide_it():
    model, default = loaded("half-cheetah-v1", friction=0.5)
    np.testing.assert_allclose(model.geom_friction, 0.5 * default.geom_friction)


@pytest.mark.parametrize("name", ["ant-v1", "half-cheetah-v1", "walker2d-v1"])
def test_what_touches_what_may_be_named_without_a_change_of_motion(name):
    body = FAMILIES[name].body
    named, searched = copy.copy(model_of(body)), compiled(spec_of(body), body)
    assert named.npair == len(searched.geom_bodyid) - 1 > searched.npair == 0
    for model in (named, searched):
        model.geom_friction[:] *= 0.7
        model.pair_friction[:] *= 0.7
    runs = [mujoco.MjData(model) for model in (named, searched)]
    rng, num_contacts = np.random.default_rng(0), 0
    for _ in range(300):
        control = rng.uniform(-1.0, 1.0, named.nu)
        for model, data in zip((named, searched), runs, strict=True):
            data.ctrl[:] = control
            mujoco.mj_step(model, data)
        np.testing.assert_array_equal(runs[0].qpos, runs[1].qpos)
        num_contacts += runs[0].ncon
    assert num_contacts > 100


def test_gravity_keeps_its_strength_when_it_leans():
    model, _ = loaded("half-cheetah-v1", gravity=5.0, gravity_tilt_x=10.0)
    x, y, z = model.opt.gravity
    assert np.hypot(x, z) == pytest.approx(5.0)
    assert (np.degrees(np.arctan2(x, -z)), y) == (pytest.approx(10.0), 0.0)


def test_a_slope_rises_along_its_axis_and_the_body_starts_above_it():
    model, _ = loaded("ant-v1", slope_x=10.0, slope_y=-5.0)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    normal = data.geom("floor").xmat.reshape(3, 3)[:, 2]
    rise = -normal[:2] / normal[2]
    np.testing.assert_allclose(np.degrees(np.arctan(rise)), [10.0, -5.0])
    generator, task = made("ant-v1", slope_x=15.0, slope_y=15.0)
    arena = Arena(generator.body, generator.rules, 1, 1)
    arena.load(contents_of([task]))
    arena.begin(np.array([0]), np.array([0]))
    data = arena.simulation.batch.get_data(0)
    mujoco.mj_forward(arena.simulation.batch.get_model(0), data)
    assert all(contact.dist > -0.02 for contact in data.contact[: data.ncon])


def test_buoyancy_carries_its_share_of_the_weight():
    # Left alone in the air for one step of 0.05 s, a body falls with 1 − 0.6 of gravity.
    fall = {}
    for buoyancy in (0.0, 0.6):
        generator, task = made("walker2d-v1", buoyancy=buoyancy)
        arena = Arena(generator.body, generator.rules, 1, 1)
        arena.load(contents_of([task]))
        start = np.zeros((1, 9))
        start[0, 1] = 5.0
        arena.simulation.reset(np.array([0]), start, np.zeros((1, 9)))
        arena.simulation.step(None)
        fall[buoyancy] = arena.simulation.velocities[0, 1]
    assert fall[0.6] == pytest.approx(0.4 * fall[0.0], rel=1e-6)


def test_the_same_physics_is_the_same_task():
    name = "half-cheetah-v1"
    _, still = made(name)
    _, windy = made(name, wind_x=10.0)
    _, no_fault = made(name, fault_step=17)
    _, tilted = made(name, gravity_tilt_x=-0.0)
    assert still.id == windy.id == no_fault.id == tilted.id
    assert made(name, mass=1.5)[1].id != still.id


# --- senses, delays, faults ----------------------------------------------------------------------


def test_a_fault_changes_nothing_before_its_step():
    sound, _ = trace("half-cheetah-v1", 40)
    broken, _ = trace("half-cheetah-v1", 40, fault="bthigh", fault_step=25)
    np.testing.assert_array_equal(sound[:26], broken[:26])  # the start, and 25 steps
    assert not np.array_equal(sound[26], broken[26])


def test_a_fault_from_the_start_is_an_actuator_without_strength():
    crippled, _ = trace("ant-v1", 30, fault="leg_3")
    weak, _ = trace("ant-v1", 30, strength_hip_3=0.0, strength_ankle_3=0.0)
    np.testing.assert_allclose(crippled, weak, atol=1e-12)


def test_a_fault_counts_the_steps_of_the_lifetime_not_of_the_episode():
    generator, task = made("point-mass-position-v1", fault="x", fault_step=60)  # episode: 50 steps
    env = generator.make_vector_env(1)
    lifetime = Lifetime(num_episodes=2)
    env.reset(seed=0, options={"tasks": [task], "lifetime": lifetime})
    speeds = []
    while env.playing.any():
        seen, *_ = env.step(np.array([[1.0, 0.0]], dtype=np.float32))
        speeds.append(seen[0, 2])
    assert min(speeds[52:60]) > 0.0
    assert speeds[58] > speeds[55]  # still driven
    assert speeds[70] < 0.5 * speeds[59]  # only rolling on


def test_a_late_action_is_the_action_of_steps_before():
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, size=(20, 6))
    late = np.concatenate([np.zeros((3, 6)), actions])[:20]
    here, _ = trace("half-cheetah-v1", 20, actions=actions, action_delay=3)
    there, _ = trace("half-cheetah-v1", 20, actions=late)
    np.testing.assert_allclose(here, there, atol=1e-6)


def test_noise_is_seen_but_not_felt():
    clear, rewards = trace("half-cheetah-v1", 200)
    noisy, same_rewards = trace("half-cheetah-v1", 200, observation_noise=0.1)
    np.testing.assert_array_equal(rewards, same_rewards)
    noise = noisy - clear
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.05


# --- the engine ----------------------------------------------------------------------------------


def lifetimes(env, tasks, num_steps=60):
    env.reset(seed=2, options={"tasks": tasks, "lifetime": Lifetime(num_steps=num_steps)})
    rng, record = np.random.default_rng(3), []
    while env.playing.any():
        one = rng.uniform(env.single_action_space.low, env.single_action_space.high)
        actions = np.repeat(one[None], env.num_envs, axis=0).astype(np.float32)
        seen, rewards, *_ = env.step(actions)
        record.append(np.concatenate([seen[: len(tasks)], rewards[: len(tasks), None]], axis=1))
    return np.array(record)


def some_tasks(generator, num, seed=0):
    whole = TaskDistribution.whole(generator.space)
    batch = generator.make_tasks(whole.sample(num, np.random.default_rng(seed)), np.arange(num))
    return batch.select(np.flatnonzero(batch.validity))


def test_what_diverges_fails_alone():
    generator = FAMILIES["half-cheetah-v1"]()
    tasks = some_tasks(generator, 5)
    env = generator.make_vector_env(len(tasks))
    lifetime = Lifetime(num_steps=40)
    options = {"tasks": tasks, "lifetime": lifetime}
    runs = []
    for spoilt in (False, True):
        env.reset(seed=1, options=options)
        rng, rewards = np.random.default_rng(0), []
        for step in range(40):
            actions = rng.uniform(-1, 1, size=(len(tasks), 6)).astype(np.float32)
            if spoilt and step == 10:
                env.arena.simulation.velocities[2] = 1e12
            rewards.append(env.step(actions)[1])
        runs.append(np.array(rewards))
    assert list(env.failures) == [tasks[2].id]
    assert "diverged" in env.failures[tasks[2].id]
    others = np.arange(len(tasks)) != 2
    np.testing.assert_array_equal(runs[0][:, others], runs[1][:, others])
    assert np.isfinite(runs[1]).all()
    assert (runs[1][10:, 2] == 0).all()
    np.testing.assert_array_equal(lifetimes(env, tasks), lifetimes(env, tasks))  # it can play again


def test_an_action_that_is_no_number_costs_its_own_slot_alone():
    generator = FAMILIES["hopper-v1"]()
    _, task = made("hopper-v1")
    _, other = made("hopper-v1", mass=1.2)
    env = generator.make_vector_env(2)
    env.reset(seed=0, options={"tasks": [task, other], "lifetime": Lifetime(num_steps=5)})
    seen, rewards, _, _, infos = env.step(np.array([[np.nan] * 3, [0.0] * 3], dtype=np.float32))
    assert infos["playing"].tolist() == [False, True]
    assert np.isfinite(seen).all()
    assert np.isfinite(rewards).all()


def test_a_task_of_another_kind_fails_alone():
    generator, good = made("half-cheetah-v1")
    flawed = [
        good.edited({**good.content, "mass": [1.0]}, "by hand"),
        good.edited({**good.content, "wind": [0.0, None, 0.0]}, "by hand"),
        good.edited({"walls": []}, "by hand"),
        good.edited([1, 2], "by hand"),
    ]
    env = generator.make_vector_env(5)
    _, infos = env.reset(seed=0, options={"tasks": [*flawed, good]})
    assert infos["playing"].tolist() == [False] * 4 + [True]
    assert set(env.failures) == {task.id for task in flawed}
    assert "mass must be like" in env.failures[flawed[0].id]


def test_threads_follow_the_budget_of_the_process():
    generator, task = made("point-mass-position-v1")
    env = generator.make_vector_env(4)
    before = numba.get_num_threads()
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            first = lifetimes(env, [task] * 4)
            assert env.arena.simulation.batch.nthread == threads
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(first, lifetimes(generator.make_vector_env(4), [task] * 4))


@pytest.mark.slow
def test_512_different_ants_play_as_512_single_ones():
    generator = FAMILIES["ant-position-v1"]()
    tasks = some_tasks(generator, 512)
    batched = lifetimes(generator.make_vector_env(len(tasks)), tasks, num_steps=20)
    single = lifetimes(SlotwiseVectorEnv(generator, len(tasks)), tasks, num_steps=20)
    np.testing.assert_array_equal(batched, single)


# --- regions and validity ------------------------------------------------------------------------


def test_suites_lie_in_their_region_and_outside_of_training():
    for name in ("half-cheetah-dynamics-v1", "ant-direction-v1", "pendulum-swing-up-v1"):
        generator = FAMILIES[name]()
        for region, tasks in generator.suites().items():
            kind = region.replace("held-out", "training").rsplit("-", 1)[0] + "-training"
            training, own = (
                [TaskDistribution.make(generator.space, box) for box in generator.regions[key]]
                for key in (kind, region)
            )
            for task in tasks:
                assert any(box.contains(task.params) for box in own)
                assert not any(box.contains(task.params) for box in training)


def test_every_default_body_is_valid_and_a_runaway_is_not():
    for name in FAMILIES:
        generator, task = made(name)
        assert generator.is_valid(task)
    generator, task = made("half-cheetah-v1")
    wild = task.edited({**task.content, "gravity": [0.0, 0.0, 1e9]}, "by hand")
    assert not generator.is_valid(wild)


def test_without_opengl_a_picture_is_a_card(monkeypatch):
    generator, task = made("half-cheetah-v1", mass=1.5)

    def no_opengl(arena, slot=0):
        raise ImportError("no EGL here")

    monkeypatch.setattr("taskgen.generators.mujoco.drawing.frame", no_opengl)
    card = generator.render(task)
    assert card.dtype == np.uint8
    assert card.shape[2] == 3


def test_the_page_lists_every_family_with_its_horizon():
    page = Path(__file__).parents[4] / "docs" / "mujoco-families.md"
    rows = [line.replace("\\|", "") for line in page.read_text().splitlines()]
    cells = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in rows if "-v1` |" in row]
    listed = {row[0]: int(row[-1]) for row in cells}
    assert listed == {name: generator.rules.horizon for name, generator in FAMILIES.items()}
