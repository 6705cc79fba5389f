"""Blocks that float, and sink under what stands on them."""

import mujoco
import numpy as np
import pytest

from taskgen.generators.mujoco import FAMILIES
from taskgen.generators.mujoco.arena import Arena
from taskgen.generators.mujoco.engine import contents_of
from taskgen.generators.mujoco.grounds import Pier, _ends, _place
from taskgen.generators.mujoco.models import model_of, spec_of

NAMES = ("half-cheetah-pier-v1", "ant-pier-v1")
FIRM = {"pier_damping": 1.0, "pier_sinking": 0.1}


def started(name, seed=0, **params):
    generator = FAMILIES[name]()
    task = generator.make_task(generator.space.complete(params), seed)
    arena = Arena(generator.body, generator.rules, 1, 1)
    arena.load(contents_of([task]))
    arena.begin(np.array([0]), np.array([0]))
    return arena


def stood(name, num_steps=150, **params):
    """How far the blocks have sunk under a body that does nothing, [blocks], m."""
    arena = started(name, **params)
    steps, playing = np.zeros(1, dtype=np.int64), np.ones(1, dtype=bool)
    for _ in range(num_steps):
        actions = np.zeros((1, arena.simulation.model.nu))
        assert not len(arena.advance(actions, playing, steps, steps))
    return -arena.simulation.batch.bind("qpos")[0, -16:], arena


def model_at(name, seed=0, **params):
    return started(name, seed, **params).simulation.batch.get_model(0)


@pytest.mark.parametrize("name", NAMES)
def test_blocks_sink_under_the_weight_as_far_as_they_should_and_only_those_below(name):
    sunk, arena = stood(name, **FIRM)
    assert sunk.sum() == pytest.approx(0.1, rel=0.1)
    assert sunk.max() > 0.02
    x, reach = arena.simulation.positions[0, 0], 1.2
    lows, highs = _ends(1.5)
    away = (highs < x - reach) | (lows > x + reach)
    assert away.sum() > 10
    np.testing.assert_allclose(sunk[away], 0.0, atol=1e-6)


def test_what_is_heavier_sinks_deeper_and_what_is_carried_less():
    plain = stood(NAMES[0], **FIRM)[0].sum()
    assert stood(NAMES[0], mass=2.0, **FIRM)[0].sum() == pytest.approx(2.0 * plain, rel=0.05)
    assert stood(NAMES[0], buoyancy=0.5, **FIRM)[0].sum() == pytest.approx(0.5 * plain, rel=0.05)


def test_what_changes_the_body_changes_no_block():
    plain = model_at(NAMES[1])
    other = model_at(
        NAMES[1],
        mass=0.5,
        mass_torso=2.0,
        buoyancy=0.5,
        damping=2.0,
        armature=3.0,
        length_leg_1=1.3,
    )
    for field in ("body_mass", "body_gravcomp", "dof_damping", "dof_armature", "jnt_stiffness"):
        here, there = getattr(plain, field), getattr(other, field)
        np.testing.assert_array_equal(here[-16:], there[-16:])
        if field != "jnt_stiffness":
            assert not np.array_equal(here[:-16], there[:-16])


def test_each_block_has_damping_of_its_own_with_the_mean_that_is_asked_for():
    def each(seed, **params):
        model = model_at(NAMES[0], seed, pier_sinking=0.1, **params)
        return model.dof_damping[-16:] / model.jnt_stiffness[-16:]

    assert len(set(each(1))) == 16
    np.testing.assert_array_equal(each(1), each(1))
    assert not np.array_equal(each(1), each(2))
    np.testing.assert_allclose(each(1, pier_damping=0.4), 4 * each(1, pier_damping=0.1))
    # Critical for body and block: c = 2 sqrt(k 1.5 M) with k = M g / 0.1, so c / k below.
    critical = 2.0 * np.sqrt(1.5 * 0.1 / 9.81)
    mean = np.mean([each(seed) for seed in range(40)])
    assert mean == pytest.approx(0.1 * critical, rel=0.06)


def test_neither_air_nor_wind_moves_a_block():
    storm = {"density": 5.0, "viscosity": 0.2, "wind_x": 20.0, "wind_y": -20.0}
    arena = started(NAMES[1], **storm, **FIRM)
    arena.simulation.positions[0, 2] = 5.0
    arena.simulation.step(None)
    sunk = arena.simulation.batch.bind("qpos")[0, -16:]
    np.testing.assert_allclose(sunk, 0.0, atol=1e-9)
    assert abs(arena.simulation.velocities[0, 0]) > 0.1  # the ant is blown away


def test_blocks_meet_without_a_gap_and_reach_far():
    lows, highs = _ends(1.5)
    np.testing.assert_array_equal(lows[1:], highs[:-1])
    assert (lows[0], highs[-1]) == (-80.0, 80.0)
    np.testing.assert_allclose((highs - lows)[1:-1], 1.5)
    assert -highs[2] < 0.0 < highs[2] == -lows[2]  # the start is in the middle of a block


def test_what_is_written_of_a_box_is_what_the_compiler_makes_of_it():
    spec = spec_of(FAMILIES[NAMES[1]].body)
    Pier.add(spec, FAMILIES[NAMES[1]].body)
    written = spec.compile()
    _place(written, *_ends(2.5))
    for block, low, high in zip(list(spec.bodies)[-16:], *_ends(2.5), strict=True):
        block.pos = [0.5 * (low + high), 0.0, -0.15]
        geom = block.geoms[0]
        geom.size = [0.5 * (high - low - 0.001), *geom.size[1:]]
    compiled = spec.compile()
    for field in ("body_pos", "geom_size", "geom_rbound", "geom_aabb", "bvh_aabb"):
        np.testing.assert_allclose(getattr(written, field), getattr(compiled, field), rtol=1e-12)


def test_what_is_seen_of_height_is_above_the_block_below():
    sunk, arena = stood(NAMES[0], pier_damping=1.0, pier_sinking=0.3)
    below = sunk[np.searchsorted(_ends(1.5)[1], arena.simulation.positions[0, 0])]
    assert below > 0.2
    assert arena.observations[0, 0] == pytest.approx(arena.simulation.positions[0, 1] + below)


def test_nothing_of_the_blocks_is_seen_and_the_body_is_as_long_as_ever():
    for name, plain in zip(NAMES, ("half-cheetah-dynamics-v1", "ant-direction-v1"), strict=True):
        assert FAMILIES[name]().observation_space == FAMILIES[plain]().observation_space
        model, body = model_at(name), model_of(FAMILIES[name].body)
        np.testing.assert_allclose(model.body_mass[: body.nbody], body.body_mass, rtol=1e-12)


def test_who_walks_off_the_pier_falls():
    arena = started(NAMES[1])
    arena.simulation.positions[0, 1] = 12.0
    steps, playing = np.zeros(1, dtype=np.int64), np.ones(1, dtype=bool)
    for _ in range(20):
        arena.advance(np.zeros((1, 8)), playing, steps, steps)
    assert arena.fallen[0]


@pytest.mark.parametrize("name", NAMES)
def test_feet_touch_blocks_and_blocks_touch_neither_each_other_nor_the_bed(name):
    _, arena = stood(name, num_steps=60, pier_sinking=0.4, pier_length=0.6)
    model, data = arena.simulation.batch.get_model(0), arena.simulation.batch.get_data(0)
    mujoco.mj_forward(model, data)
    own = arena.simulation.num_bodies
    pairs = [sorted(model.geom_bodyid[list(c.geom)]) for c in data.contact[: data.ncon]]
    assert pairs
    assert all(1 <= low < own <= high for low, high in pairs)
