"""Symbolic Alchemy: find out how potions change stones, then make the best stones of them.

`Alchemy` is the plug-in. The parts lie beside it: `chemistry` has the tables of what a chemistry
can be, `contents` draws tasks of them, `engine` plays them, `optimum` says what is best, `edits`
and `drawing` do what their names say. `players` are references to compare learners with;
`beliefs` is what the best of them can know, `planning` what they do with it.

Source: Wang et al. 2021, "Alchemy: A benchmark and analysis toolkit for meta-reinforcement learning
agents", arXiv 2102.02926, the symbolic variant. What is a trial there is an episode here, and what
is an episode there, ten trials with one chemistry, is a lifetime of ten episodes.
"""

from __future__ import annotations

from typing import ClassVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator, Validity
from taskgen.generators.alchemy import contents, drawing, edits
from taskgen.generators.alchemy.chemistry import (
    GRAPHS,
    NUM_AXES,
    NUM_POTION_MAPS,
    NUM_STONE_MAPS,
    ROTATIONS,
    Chemistry,
    chemistry_graph,
)
from taskgen.generators.alchemy.engine import (
    ACTION_SPACE,
    MAX_POTIONS,
    MAX_STONES,
    OBSERVATION_SPACE,
    AlchemyEnv,
    AlchemyVectorEnv,
)
from taskgen.generators.alchemy.optimum import expected_return
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.parameters import Int
from taskgen.task import Task

__all__ = ["SPACE", "Alchemy", "Chemistry", "chemistry_graph"]

SPACE = ParameterSpace(
    {
        "num_axes": Int(
            low=1,
            high=NUM_AXES,
            default=NUM_AXES,
            doc="axes along which stones can be moved: a line, a square, the cube",
        ),
        "num_constraints": Int(
            low=0,
            high=3,
            default=0,
            doc="edges of an axis that wait for another axis; a square has 1 at most, a line none",
        ),
        "num_potion_maps": Int(
            low=1,
            high=NUM_POTION_MAPS,
            default=NUM_POTION_MAPS,
            min_width=8,
            doc="maps of colours to effects to draw from; up to 8 only directions differ",
        ),
        "num_stone_maps": Int(
            low=1,
            high=NUM_STONE_MAPS,
            default=NUM_STONE_MAPS,
            doc="maps of looks to coordinates to draw from",
        ),
        "num_rotations": Int(
            low=1,
            high=len(ROTATIONS),
            default=len(ROTATIONS),
            doc="turns of the looks to draw from: 1 none, then about z, y, x",
        ),
        "num_stones": Int(low=1, high=MAX_STONES, default=MAX_STONES, doc="of an episode"),
        "num_potions": Int(low=1, high=MAX_POTIONS, default=MAX_POTIONS, doc="of an episode"),
        "horizon": Int(low=5, high=40, default=20, unit="steps", doc="env steps of an episode"),
        "bonus": Int(
            low=0, high=24, default=12, doc="what the best stone pays beyond its coordinates' sum"
        ),
    }
)


class Alchemy(EnvGenerator):
    """Symbolic Alchemy: a hidden chemistry of stones and potions; new ones in every episode.

    The published benchmark is the default with 0 to 3 constraints, each as likely; its published
    scores are without rotation (`num_rotations` 1).

    Example:
        >>> alchemy = Alchemy()
        >>> task = alchemy.make_task(SPACE.complete({"num_constraints": 2}), seed=7)
        >>> graph = alchemy.graph(task)
        >>> len(graph), graph.nodes[1, 1, 1]["reward"], alchemy.is_valid(task).ok
        (8, 15.0, True)
    """

    name = "alchemy-v1"
    has_success = False
    observation_space = OBSERVATION_SPACE
    action_space = ACTION_SPACE
    space = SPACE
    check_ranges: ClassVar = {"horizon": (5, 20)}

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the chemistry of a row of parameters and a seed."""
        self.space.validate(params)
        return self.make_tasks(self.space.columns([params]), np.array([seed]))[0]

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> TaskBatch:
        """Returns the chemistries of B rows and B seeds, kept as arrays."""
        return contents.AlchemyBatch(self, params, seeds, contents.draw(params, seeds))

    def varies(self, params: Columns) -> NDArray[np.bool_]:
        """Returns of which rows there is more than one chemistry."""
        maps = ("num_potion_maps", "num_stone_maps", "num_rotations")
        many = np.any([np.asarray(params[name]) > 1 for name in maps], axis=0)
        graphs = (params["num_axes"] < NUM_AXES) | (contents.possible_constraints(params) > 0)
        return np.asarray(many | graphs)

    def make_env(self, task: Task) -> AlchemyEnv:
        """Returns one chemistry to experiment with."""
        return AlchemyEnv(task)

    def make_vector_env(self, num_envs: int) -> AlchemyVectorEnv:
        """Returns the batched engine."""
        return AlchemyVectorEnv(num_envs)

    def horizon(self, task: Task) -> int:
        """Returns the env steps of an episode."""
        return int(task.content["horizon"])

    def canonical(self, task: Task) -> bytes:
        """Returns what can be found out of the chemistry; see `contents.forms`."""
        return contents.forms({key: np.array([value]) for key, value in task.content.items()})[0]

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the content is one: every chemistry of the tables can be played."""
        reason = contents.why_invalid(task.content)
        return Validity(not reason, reason)

    def oracle_return(self, task: Task) -> float:
        """Returns the best expected return of one episode, exact; see `optimum`."""
        content = task.content
        return expected_return(
            content["graph"],
            content["num_stones"],
            content["num_potions"],
            content["horizon"],
            content["bonus"],
        )

    def chemistry(self, task: Task) -> Chemistry:
        """Returns the chemistry of a task."""
        keys = ("graph", "potion_map", "stone_map", "rotation")
        return Chemistry(*(task.content[key] for key in keys))

    def graph(self, task: Task) -> nx.Graph:
        """Returns the chemistry as a graph; see `chemistry.chemistry_graph`."""
        return chemistry_graph(self.chemistry(task), task.content["bonus"])

    def describe(self, task: Task) -> dict[str, float]:
        """Returns what is measured of the graph, and what it is worth to who knows it.

        - `num_axes`, `num_constraints`, `num_edges` of the graph.
        - `diameter`: potions between the two vertices that are farthest apart.
        - `mean_distance`: potions from a vertex to the best one, on average.
        - `rotated`: whether stones are turned before they are seen.
        - `oracle_return`: of an episode.
        """
        index, graph = task.content["graph"], self.graph(task)
        best = tuple(1 for _ in range(NUM_AXES))
        distances = nx.single_source_shortest_path_length(graph, best)
        found = {
            "num_axes": GRAPHS.num_axes[index],
            "num_constraints": GRAPHS.num_constraints[index],
            "num_edges": graph.number_of_edges(),
            "diameter": nx.diameter(graph),
            "mean_distance": np.mean(list(distances.values())),
            "rotated": task.content["rotation"] > 0,
            "oracle_return": self.oracle_return(task),
        }
        return {name: float(value) for name, value in found.items()}

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns a chemistry that differs in one part; see `edits`."""
        return edits.edited(task, rng)

    def suites(self) -> dict[str, list[Task]]:
        """Returns a chemistry of every graph with maps of all kinds, turned and not turned."""
        return {
            "every-graph": [self._of_graph(graph, 1) for graph in range(109)],
            "every-graph-rotated": [self._of_graph(graph, len(ROTATIONS)) for graph in range(109)],
        }

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of the cube, its edges in the colours of the potions."""
        return drawing.picture(self.graph(task))

    def _of_graph(self, graph: int, num_rotations: int) -> Task:
        """Returns a task of the published size on a graph, its maps spread over the tables."""
        params = self.space.complete(
            {
                "num_constraints": int(GRAPHS.num_constraints[graph]),
                "num_rotations": num_rotations,
            }
        )
        content = {
            **{key: params[key] for key in ("num_stones", "num_potions", "horizon", "bonus")},
            "graph": graph,
            "potion_map": 7 * graph % NUM_POTION_MAPS,
            "stone_map": 3 * graph % NUM_STONE_MAPS,
            "rotation": graph % num_rotations,
        }
        return Task(self.name, self.version, params, 0, content)
