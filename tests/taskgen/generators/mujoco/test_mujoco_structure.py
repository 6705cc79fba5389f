"""Limbs and ground that differ from task to task."""

import mujoco
import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.mujoco import FAMILIES
from taskgen.generators.mujoco.arena import Arena
from taskgen.generators.mujoco.bodies import ANT, HALF_CHEETAH
from taskgen.generators.mujoco.engine import contents_of
from taskgen.generators.mujoco.models import model_of
from taskgen.generators.mujoco.terrain import FIELD, KINDS, MAX_HEIGHT, STRIP, heights
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.vector import Lifetime

NAMES = ("half-cheetah-terrain-v1", "ant-terrain-v1")


def started(name, seed=0, **params):
    """A body at its start: family, arena, model and data."""
    generator = FAMILIES[name]()
    task = generator.make_task(generator.space.complete(params), seed)
    arena = Arena(generator.body, generator.rules, 1, 1)
    arena.load(contents_of([task]))
    arena.begin(np.array([0]), np.array([0]))
    model, data = arena.simulation.batch.get_model(0), arena.simulation.batch.get_data(0)
    mujoco.mj_forward(model, data)
    return task, arena, model, data


# --- ground --------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [STRIP, FIELD], ids=["strip", "field"])
@pytest.mark.parametrize("kind", KINDS)
def test_ground_is_as_high_as_it_says_and_level_at_the_start(grid, kind):
    ground = heights(grid, kind, 0.4, 1.0, seed=1)
    assert ground.shape == grid.shape
    assert ground.min() >= 0.0
    assert ground.max() <= 0.4 + 1e-9 <= MAX_HEIGHT
    if kind not in ("flat", "rough"):
        assert ground.max() == pytest.approx(0.4, abs=0.05)
    x, y = grid.points
    near = (np.abs(x) <= 0.25) & (np.abs(y) <= (0.25 if grid is FIELD else 1.0))
    assert np.ptp(ground[near]) == 0.0


def test_stairs_go_up_in_equal_steps_and_down_again():
    x, _ = STRIP.points
    ground = heights(STRIP, "stairs", 0.4, 1.0, seed=0)[0]
    at = [ground[np.argmin(np.abs(x[0] - place))] for place in np.arange(0.8, 9.0)]
    np.testing.assert_allclose(at, [0.0, 0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1, 0.0], atol=1e-9)


def test_rough_ground_alone_takes_the_seed():
    generator = FAMILIES["half-cheetah-terrain-v1"]()
    for kind in KINDS:
        row = generator.space.complete({"terrain": kind})
        same = generator.make_task(row, 1).id == generator.make_task(row, 2).id
        assert same == (kind != "rough")
    assert not np.array_equal(
        heights(STRIP, "rough", 0.1, 1.0, 1), heights(STRIP, "rough", 0.1, 1.0, 2)
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_body_starts_clear_of_its_ground_and_the_engine_stands_on_the_same_one(name, kind):
    longest = {key: 1.3 for key in FAMILIES[name].space if key.startswith("length_")}
    params = {"terrain": kind, "terrain_height": 0.5, "terrain_length": 0.8, **longest}
    _, arena, model, data = started(name, seed=3, **params)
    assert all(contact.dist > -0.05 for contact in data.contact[: data.ncon])
    # A ray from above must find the ground where our own table of heights has it.
    for x in (2.0, 3.3, 5.0):
        hit = np.zeros(1, dtype=np.int32)
        away = mujoco.mj_ray(model, data, [x, 0.01, 5.0], [0.0, 0.0, -1.0], None, 1, -1, hit)
        ground = arena.simulation._ground
        row, column = ground._grid.nearest(np.array([x]), np.array([0.01]))
        rows = slice(max(row[0] - 1, 0), row[0] + 2)
        around = ground._heights[0][rows, column[0] - 1 : column[0] + 2]
        assert around.min() - 1e-6 <= 5.0 - away <= around.max() + 1e-6


# --- limbs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "body"), list(zip(NAMES, (HALF_CHEETAH, ANT), strict=True)))
def test_limbs_of_the_default_length_are_those_of_the_body(name, body):
    _, _, model, _ = started(name)
    default = model_of(body)
    for field in ("body_mass", "body_inertia", "body_pos", "dof_damping", "actuator_gear"):
        np.testing.assert_allclose(getattr(model, field), getattr(default, field), rtol=1e-12)


def test_a_longer_limb_is_longer_heavier_and_moves_what_hangs_on_it():
    _, _, model, _ = started("half-cheetah-terrain-v1", length_bthigh=1.3)
    default = model_of(HALF_CHEETAH)
    thigh, shin = default.body("bthigh").id, default.body("bshin").id
    np.testing.assert_allclose(model.body_pos[shin], 1.3 * default.body_pos[shin])
    here, there = (m.geom_size[m.geom("bthigh").id, 1] for m in (model, default))
    assert here == pytest.approx(1.3 * there)
    assert 1.1 < model.body_mass[thigh] / default.body_mass[thigh] < 1.3  # the ends stay round
    others = [k for k in range(1, default.nbody) if k != thigh]
    np.testing.assert_allclose(model.body_mass[others], default.body_mass[others], rtol=1e-9)


def test_mass_factors_come_on_top_of_lengths():
    _, _, model, _ = started("ant-terrain-v1", length_leg_1=1.3, mass_leg_1=2.0, mass=0.5)
    _, _, plain, _ = started("ant-terrain-v1", length_leg_1=1.3)
    leg = [2, 3, 4]
    np.testing.assert_allclose(model.body_mass[leg], plain.body_mass[leg])
    assert model.body_mass[1] == pytest.approx(0.5 * plain.body_mass[1])


# --- play ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["half-cheetah-terrain-v1", "half-cheetah-pier-v1"])
def test_different_builds_in_one_batch_play_as_single_ones(name):
    generator = FAMILIES[name]()
    whole = TaskDistribution.whole(generator.space)
    rows = whole.sample(10, np.random.default_rng(4))
    tasks = generator.make_tasks(rows, np.arange(10))
    tasks = tasks.select(np.flatnonzero(tasks.validity))
    assert len(tasks) > 5
    runs = []
    for env in (generator.make_vector_env(12), SlotwiseVectorEnv(generator, 12)):
        env.reset(seed=1, options={"tasks": tasks, "lifetime": Lifetime(num_steps=30)})
        rng, record = np.random.default_rng(0), []
        while env.playing.any():
            actions = rng.uniform(-1, 1, size=(12, 6)).astype(np.float32)
            seen, rewards, *_ = env.step(actions)
            record.append(np.column_stack([seen, rewards])[: len(tasks)])
        runs.append(np.array(record))
    np.testing.assert_array_equal(*runs)


def test_what_is_seen_of_height_is_above_the_ground():
    _, arena, _, _ = started("half-cheetah-terrain-v1", terrain="platforms", terrain_height=0.5)
    root = arena.simulation.positions[0, 1]
    assert arena.observations[0, 0] == pytest.approx(root - 0.5)
