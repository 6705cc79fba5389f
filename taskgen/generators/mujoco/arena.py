"""Slots with a body and a task each: the engine without lifetimes.

`Arena` loads tasks' contents, begins episodes and takes env steps, all as arrays over its N slots.
The batched environment (`engine`) and the single one (`env`) are two views of it, so what holds
for one holds for the other.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.bodies import Body, Health
from taskgen.generators.mujoco.rules import PROGRESS, Rules
from taskgen.generators.mujoco.sight import Rows, Sight
from taskgen.generators.mujoco.simulation import Forces, Simulation
from taskgen.generators.mujoco.space import MAX_DELAY
from taskgen.generators.mujoco.structure import StructuredSimulation
from taskgen.randomness import fold, uniforms

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

DIVERGED = "the simulation diverged: a position, velocity or acceleration grew without bound"


class Arena:
    """N slots of one body under one set of rules.

    Args:
        body: the row.
        rules: what is rewarded.
        num_slots: N.
        num_threads: of the engine, the caller's among them.
    """

    def __init__(self, body: Body, rules: Rules, num_slots: int, num_threads: int) -> None:
        self.body, self.rules, self.num_slots = body, rules, num_slots
        parts = rules.observed or body.observed
        feels = rules.contact_coef > 0 or any("contact" in part for part in parts)
        forces: Forces = "none" if not feels else "exact" if rules.exact_forces else "sensed"
        sizes = body, num_slots, num_threads, forces
        self.simulation: Simulation = (
            Simulation(*sizes)
            if rules.ground == "floor"
            else StructuredSimulation(*sizes, rules.ground)
        )
        self.sight = Sight(self.simulation, parts)
        num_controls = len(body.actuators)
        self.observations = np.zeros((num_slots, self.sight.size))
        self.rewards = np.zeros(num_slots)
        self.fallen = np.zeros(num_slots, dtype=bool)
        self.goals = np.zeros((num_slots, body.coordinates))
        self.goals[:, 0] = 1.0  # ahead, where nothing else is asked for
        self._delays = np.zeros(num_slots, dtype=np.int64)
        self._noises = np.zeros(num_slots)
        self._fault_steps = np.zeros(num_slots, dtype=np.int64)
        self._faults = np.zeros((num_slots, num_controls))
        self._late = self._noisy = self._faulty = False
        self._past = np.zeros((num_slots, MAX_DELAY + 1, num_controls))
        self._streams = np.zeros(num_slots, dtype=np.uint64)
        self._slots = np.arange(num_slots)
        self._limits = self.simulation.model.actuator_ctrlrange.T.copy()
        self._where = np.zeros_like(self.goals)

    def load(self, content: Mapping[str, NDArray[Any]]) -> None:
        """Gives slot i the task of row i; there may be fewer rows than slots."""
        num = len(next(iter(content.values())))
        self.simulation.set_physics(content)
        if "goal" in content:
            self.goals[:num, : content["goal"].shape[1]] = content["goal"]
        self._delays[:num] = content["action_delay"]
        self._noises[:num] = content["observation_noise"]
        self._fault_steps[:num] = content["fault_step"]
        self._faults[:num] = content["fault"]
        self._late, self._noisy = bool(self._delays.any()), bool(self._noises.any())
        self._faulty = bool(self._faults.any())

    def begin(self, slots: Ints, seeds: Ints) -> None:
        """Starts an episode in these slots, each with the noise of its own seed.

        The numbers are those that gymnasium's environments draw for the same seed.
        """
        body, simulation = self.body, self.simulation
        positions = np.zeros((len(slots), simulation.positions.shape[1]))
        velocities = np.zeros((len(slots), simulation.velocities.shape[1]))
        for row, seed in enumerate(seeds.tolist()):
            rng = np.random.default_rng(seed)
            noise = body.position_noise
            positions[row] = rng.uniform(-noise, noise, size=positions.shape[1])
            noise = body.velocity_noise
            if body.normal_velocities:
                velocities[row] = noise * rng.standard_normal(velocities.shape[1])
            else:
                velocities[row] = rng.uniform(-noise, noise, size=velocities.shape[1])
        simulation.reset(slots, positions, velocities)
        self._past[slots] = 0.0
        self._streams[slots] = seeds.astype(np.uint64)
        self._where[slots] = simulation.tracked()[slots]
        self._see(slots, np.zeros(len(slots), dtype=np.int64))

    def advance(
        self,
        actions: NDArray[Any],
        playing: NDArray[np.bool_],
        episode_steps: Ints,
        lifetime_steps: Ints,
    ) -> Ints:
        """Takes one env step in the slots that play.

        Writes `observations`, `rewards` and `fallen`.

        Args:
            actions: [N, A].
            playing: which slots move, [N].
            episode_steps: steps of the running episodes before this one, [N].
            lifetime_steps: the same of the lifetimes, [N].

        Returns:
            The slots whose simulation diverged.
        """
        simulation, rules = self.simulation, self.rules
        simulation.controls[...] = self._controls(actions, lifetime_steps)
        diverged = simulation.step(None if playing.all() else np.flatnonzero(playing))
        before, self._where = self._where, simulation.tracked()
        progress = PROGRESS[rules.progress](before, self._where, simulation.dt, self.goals)
        reward = rules.progress_coef * progress
        if self.body.health is not None:
            healthy = self._healthy(self.body.health)
            reward = reward + healthy * rules.healthy_reward
            self.fallen[:] = ~healthy & playing if rules.ends_when_fallen else False
        reward = reward - self._costs(actions) + rules.bonus
        self.rewards[:] = np.where(playing, reward, 0.0)
        self.rewards[diverged] = 0.0  # such a slot has been reset: what it did since says nothing
        self._see(slice(None), episode_steps + 1)
        return diverged

    def _controls(self, actions: NDArray[Any], lifetime_steps: Ints) -> Floats:
        """Returns what reaches the actuators: late, and nothing where a fault has struck."""
        controls = np.asarray(actions, dtype=np.float64)
        if self._late:
            self._past[:, 1:] = self._past[:, :-1]
            self._past[:, 0] = controls
            controls = self._past[self._slots, self._delays]
        if self._faulty:
            struck = (lifetime_steps >= self._fault_steps)[:, None]
            controls = np.where(struck & (self._faults > 0), 0.0, controls)
        return controls

    def _costs(self, actions: NDArray[Any]) -> Floats:
        rules = self.rules
        if rules.double_costs:
            actions = actions.astype(np.float64)
        costs = rules.control_coef * _as_scalars(np.square(actions).sum(axis=1))
        if rules.contact_coef:
            forces = self.simulation.contact_forces
            if rules.contact_limit is not None:
                forces = np.clip(forces, -rules.contact_limit, rules.contact_limit)
            contact = rules.contact_coef * np.square(forces.reshape(len(forces), -1)).sum(axis=1)
            if rules.contact_cap is not None:
                contact = np.minimum(contact, rules.contact_cap)
            costs = costs + contact
        return costs

    def _healthy(self, health: Health) -> NDArray[np.bool_]:
        simulation = self.simulation
        height = simulation.heights()
        if health.inclusive:
            healthy = (health.low <= height) & (height <= health.high)
            healthy &= np.isfinite(simulation.positions).all(axis=1)
            healthy &= np.isfinite(simulation.velocities).all(axis=1)
        else:
            healthy = (health.low < height) & (height < health.high)
        if health.angle is not None:
            healthy &= np.abs(simulation.positions[:, 2]) < health.angle
        if health.state is not None:
            healthy &= (np.abs(simulation.positions[:, 2:]) < health.state).all(axis=1)
            healthy &= (np.abs(simulation.velocities) < health.state).all(axis=1)
        return healthy

    def _see(self, rows: Rows, episode_steps: Ints) -> None:
        self.sight.write(self.observations, rows)
        if self._noisy:
            keys = fold(self._streams[rows], episode_steps)
            noise = self._noises[rows, None] * _normals(keys, self.sight.size)
            self.observations[rows] += noise


def _as_scalars(sums: NDArray[Any]) -> NDArray[Any]:
    """Returns sums in the type that numpy gives one of them times a Python number.

    That type differs between numpy 1 and 2, and with it the last bits of gymnasium's rewards.
    """
    return sums.astype(_scalar_type(sums.dtype), copy=False)


@functools.cache
def _scalar_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(type(dtype.type(1) * 1.0))


def _normals(keys: NDArray[np.uint64], num: int) -> Floats:
    """Returns `num` standard normal numbers of each stream, [n, num] (Box and Muller 1958)."""
    draws = uniforms(keys, 2 * num)
    radius = np.sqrt(-2.0 * np.log1p(-draws[:, :num]))
    return radius * np.cos(2.0 * np.pi * draws[:, num:])
