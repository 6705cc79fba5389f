"""What is seen of a body: named parts of an observation, each an array [n, …] of n simulations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.simulation import Simulation

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64] | slice
See: TypeAlias = Callable[[Simulation, Rows], Floats]

_VELOCITY_LIMIT = 10.0
_FORCE_LIMIT = 1.0
_ROOT_DEGREES = 6  # of a free joint, which no actuator drives


def positions(simulation: Simulation, rows: Rows) -> Floats:
    """Returns all joint positions; the root's height is taken above the ground below it."""
    seen = simulation.positions[rows]
    height = simulation.body.height
    if height is not None and simulation.uneven:
        seen = seen.copy()
        seen[:, height] = simulation.heights()[rows]
    return seen


def positions_without_root(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the positions but for where the root is on the ground."""
    return positions(simulation, rows)[:, simulation.body.coordinates :]


def velocities(simulation: Simulation, rows: Rows) -> Floats:
    """Returns all joint velocities."""
    return simulation.velocities[rows]


def clipped_velocities(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the joint velocities within ±10."""
    return np.clip(simulation.velocities[rows], -_VELOCITY_LIMIT, _VELOCITY_LIMIT)


def angles_as_vectors(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the cosines, then the sines, of the positions that are angles."""
    angles = simulation.positions[rows][:, simulation.is_hinge]
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def slides(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the positions that are no angles."""
    return simulation.positions[rows][:, ~simulation.is_hinge]


def inertias(simulation: Simulation, rows: Rows) -> Floats:
    """Returns mass and inertia of every body about the centre of mass, 10 numbers each."""
    return _flat(simulation.bound("cinert")[rows, 1:])


def body_velocities(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the velocity of every body, 6 numbers each."""
    return _flat(simulation.bound("cvel")[rows, 1:])


def actuator_forces(simulation: Simulation, rows: Rows) -> Floats:
    """Returns what the actuators do to each degree of freedom that they can reach."""
    return simulation.bound("qfrc_actuator")[rows, _ROOT_DEGREES:]


def contact_forces(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the external force on every body, 6 numbers each."""
    return _flat(simulation.contact_forces[rows, 1:])


def clipped_contact_forces(simulation: Simulation, rows: Rows) -> Floats:
    """Returns the external forces within ±1."""
    return np.clip(contact_forces(simulation, rows), -_FORCE_LIMIT, _FORCE_LIMIT)


def tracked(simulation: Simulation, rows: Rows) -> Floats:
    """Returns where the tracked point is."""
    return simulation.tracked()[rows]


SEEN: Mapping[str, See] = {
    see.__name__: see
    for see in (
        positions,
        positions_without_root,
        velocities,
        clipped_velocities,
        angles_as_vectors,
        slides,
        inertias,
        body_velocities,
        actuator_forces,
        contact_forces,
        clipped_contact_forces,
        tracked,
    )
}


class Sight:
    """The observation of a body, part after part.

    Args:
        simulation: to be seen.
        parts: names of functions above.
    """

    def __init__(self, simulation: Simulation, parts: Sequence[str]) -> None:
        self._simulation = simulation
        self._parts: list[tuple[slice, See]] = []
        start = 0
        for part in parts:
            width = SEEN[part](simulation, slice(0, 1)).shape[1]
            self._parts.append((slice(start, start + width), SEEN[part]))
            start += width
        self.size = start

    def write(self, observations: Floats, rows: Rows) -> None:
        """Writes what is seen of these simulations into `observations[rows]`, [N, O]."""
        for columns, see in self._parts:
            observations[rows, columns] = see(self._simulation, rows)


def _flat(values: Floats) -> Floats:
    return values.reshape(len(values), -1)
