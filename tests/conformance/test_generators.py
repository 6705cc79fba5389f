"""Every registered generator keeps the contract, with the options named here."""

from importlib.util import find_spec

import pytest

from taskgen.checks import check_generator
from taskgen.registry import listings, resolve

OPTIONS = {
    "dynamics-prediction-v1": {"source": "cart-pole-swing-up-v1", "fixed": {"fault_step": 0}},
    "gymnasium-v1": {
        "env": "Pendulum-v1",
        "parameters": {"m": {"low": 0.5, "high": 2.0, "default": 1.0}},
    },
}


# The MuJoCo families share one engine and one space of parameters, so a few of them stand for all.
QUICK = (
    "half-cheetah-velocity-v1",
    "pendulum-dynamics-prediction-v1",
    "point-mass-position-v1",
)
MUJOCO = ("taskgen.generators.dynamics", "taskgen.generators.mujoco")


# Families whose games come in a wheel that not every machine has.
WHEELS = {"procgen-v1": "procgen"}


def is_here(listing):
    return listing.name not in WHEELS or find_spec(WHEELS[listing.name]) is not None


def name_of(listing):
    many = listing.target.startswith(MUJOCO) and listing.name not in QUICK
    marks = [pytest.mark.slow] if many else []
    if not is_here(listing):
        marks.append(pytest.mark.skip(reason=listing.error))
    return pytest.param(listing.name, marks=marks)


@pytest.mark.parametrize("name", [name_of(listing) for listing in listings("generators")])
def test_a_registered_generator_passes_the_suite(name):
    generator = resolve("generators", name)(**OPTIONS.get(name, {}))
    assert generator.name == name
    check_generator(generator).raise_if_failed()


def test_no_registered_plugin_is_broken():
    for group in ("generators", "learners", "curricula", "searches"):
        assert [listing for listing in listings(group) if listing.error and is_here(listing)] == []
