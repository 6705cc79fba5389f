import pytest
from gymnasium.envs.classic_control import CartPoleEnv

from taskgen.generators.gymnasium_env import CartPole, GymnasiumEnv

GRAVITY = {"low": 5.0, "high": 15.0, "default": 10.0}


def test_attributes_are_set_and_what_was_computed_from_them():
    generator = CartPole()
    task = generator.make_task({"gravity": 5.0, "masspole": 0.2, "length": 1.5}, 0)
    env = generator.make_env(task).unwrapped
    assert (env.gravity, env.masspole, env.length) == (5.0, 0.2, 1.5)
    assert env.total_mass == pytest.approx(1.2)
    assert env.polemass_length == pytest.approx(0.3)
    assert generator.horizon(task) == 500
    assert generator.make_task(dict(task.params), 1).id == task.id


def test_asking_for_the_horizon_leaves_no_environment_open(monkeypatch):
    closed = []
    monkeypatch.setattr(CartPoleEnv, "close", lambda env: closed.append(env))
    generator = CartPole()
    assert generator.horizon(generator.make_task(generator.space.complete({}), 0)) == 500
    assert len(closed) == 1


def test_keywords_are_given_to_the_constructor():
    generator = GymnasiumEnv("Pendulum-v1", {"g": GRAVITY, "m": GRAVITY}, keywords=["g"])
    env = generator.make_env(generator.make_task({"g": 6.0, "m": 7.0}, 0)).unwrapped
    assert (env.g, env.m) == (6.0, 7.0)


def test_a_factory_and_a_horizon_of_ones_own():
    from gymnasium.envs.classic_control import PendulumEnv

    generator = GymnasiumEnv(PendulumEnv, {"g": GRAVITY}, keywords=["g"], horizon=30)
    task = generator.make_task({"g": 6.0}, 0)
    assert task.content == {"env": "PendulumEnv", "values": {"g": 6.0}}
    assert generator.horizon(task) == 30
    assert not generator.make_vector_env(2).has_success


def test_an_attribute_that_is_not_there_is_refused_by_name():
    generator = GymnasiumEnv("Pendulum-v1", {"gravity": GRAVITY})
    with pytest.raises(AttributeError, match=r"PendulumEnv has no 'gravity'; it has .*max_torque"):
        generator.make_env(generator.make_task({"gravity": 6.0}, 0))


def test_keywords_that_are_no_parameters_are_refused():
    with pytest.raises(ValueError, match="hold every keyword"):
        GymnasiumEnv("Pendulum-v1", {"g": GRAVITY}, keywords=["m"])
    with pytest.raises(ValueError, match="must name what may vary"):
        GymnasiumEnv("Pendulum-v1", {})


def test_what_can_be_drawn_is_made_so_that_it_can_be_filmed():
    gravity = {"g": {"low": 5.0, "high": 15.0, "default": 10.0}}
    pendulum = GymnasiumEnv("Pendulum-v1", gravity, keywords=("g",))
    env = pendulum.make_env(pendulum.make_task({"g": 9.0}, 0))
    assert env.render_mode == "rgb_array"
    env.close()
