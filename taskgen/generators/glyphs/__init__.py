"""Few-shot classification of glyphs: which of N characters of one script is this?

`Glyphs` is the plug-in. The parts lie beside it: `catalogue` has the classes and `selection` says
how they were chosen; `choosing` and `sides` make tasks of them and split them by scripts;
`rendering`, `store`, `writing` and `examples` make the pictures; `mutate`, `drawing` and `suites`
do what their names say.

Source: Lake, Salakhutdinov and Tenenbaum 2015, "Human-level concept learning through probabilistic
program induction" (Omniglot): 28×28 pixels as in Vinyals et al. 2016, arXiv 1606.04080. Here fonts
and distortions take the place of writers, and the classes of a task are always of one script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.generator import ProblemGenerator, Validity
from taskgen.generators.glyphs import drawing, suites
from taskgen.generators.glyphs.batch import (
    GlyphBatch,
    classes_of,
    contents_by_key,
    flaw_of,
    forms_of,
    positions_of,
)
from taskgen.generators.glyphs.catalogue import catalogue
from taskgen.generators.glyphs.choosing import contents_of
from taskgen.generators.glyphs.examples import problems_of
from taskgen.generators.glyphs.looks import distances, looks_of, pixels_of_fields
from taskgen.generators.glyphs.mutate import exchanged
from taskgen.generators.glyphs.rendering import SIDE
from taskgen.generators.glyphs.store import glyph_fields
from taskgen.judging import Predictions
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.parameters import Float, Int
from taskgen.problems import Problems
from taskgen.randomness import task_keys
from taskgen.task import Task

MAX_WAYS = 20
"""No script that is drawn has fewer classes."""

SPACE = ParameterSpace(
    {
        "shots": Int(low=1, high=20, default=1, doc="support examples of each class"),
        "likeness": Float(
            low=0.0,
            high=1.0,
            default=0.0,
            doc="how much alike the classes are: 0 any of the script, 1 next of kin",
        ),
        "turned_prob": Float(
            low=0.0,
            high=1.0,
            default=0.0,
            doc="chance that a class is its character turned by 90, 180 or 270 degrees",
        ),
        "font_variety": Float(
            low=0.0,
            high=1.0,
            default=1.0,
            doc="share of examples in a font of the character at random, the rest in its first",
        ),
        "rotation": Float(low=0.0, high=60.0, default=15.0, unit="degrees", doc="turned by ± this"),
        "shear": Float(low=0.0, high=0.8, default=0.2, doc="columns moved by ± this a row"),
        "scaling": Float(low=0.0, high=0.4, default=0.1, doc="larger or smaller by 1 + this"),
        "shift": Float(low=0.0, high=6.0, default=1.0, unit="pixels", doc="moved by ± this"),
        "thickness": Float(
            low=0.0,
            high=1.0,
            default=0.5,
            unit="pixels",
            doc="edges of the ink farther out by up to this",
        ),
        "noise": Float(low=0.0, high=0.5, default=0.05, doc="deviation of a pixel's noise"),
    }
)


class Glyphs(ProblemGenerator):
    """Which of N characters of one script is this, from K examples of each?

    Args:
        num_ways: classes of a task, N, 2 to 20; fixed for a campaign, as it is the target space.
        num_query_per_class: query points of each class.

    Raises:
        ValueError: if an option is out of range.

    Example:
        >>> family = Glyphs(num_ways=5)
        >>> task = family.make_task(family.space.complete({"shots": 2}), seed=3)
        >>> problems = family.make_problems([task], np.random.default_rng(0))
        >>> problems.support_x.shape, problems.query_y.shape
        ((1, 10, 28, 28), (1, 25))
    """

    name = "glyphs-v1"
    input_space = Box(0.0, 1.0, (SIDE, SIDE))
    space = SPACE
    check_ranges: ClassVar = {"shots": (1, 5)}  # more are drawn alike, only longer

    def __init__(self, num_ways: int = 5, num_query_per_class: int = 5) -> None:
        if not 2 <= num_ways <= MAX_WAYS or num_query_per_class < 1:
            raise ValueError(
                f"num_ways must be in [2, {MAX_WAYS}] and num_query_per_class at least 1, "
                f"got {num_ways} and {num_query_per_class}."
            )
        self.num_ways = num_ways
        self.num_query_per_class = num_query_per_class
        self.target_space = Discrete(num_ways)

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a row and a seed: a batch of one."""
        self.space.validate(params)
        return self.make_tasks(self.space.columns([params]), np.array([seed]))[0]

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> GlyphBatch:
        """Returns the tasks of B rows and B seeds, made and kept as arrays."""
        dealt = np.arange(catalogue().num_dealt)
        contents = contents_of(catalogue(), dealt, params, seeds, self.num_ways)
        return GlyphBatch(self, params, seeds, contents)

    def make_problems(self, tasks: Sequence[Task], rng: np.random.Generator) -> Problems:
        """Returns fresh examples of the classes of B tasks, labelled by their place in the task."""
        keys = rng.integers(0, 2**64, size=len(tasks), dtype=np.uint64)
        return self.make_keyed_problems(tasks, keys)

    def make_keyed_problems(self, tasks: Sequence[Task], keys: NDArray[np.uint64]) -> Problems:
        """Returns examples that depend, for each task, on its key alone."""
        return problems_of(contents_by_key(tasks), keys, self.num_query_per_class)

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the content has N different classes of one script; the reason if not."""
        flaw = flaw_of(task.content, self.num_ways)
        return Validity(not flaw, flaw)

    def oracle_return(self, task: Task) -> float:
        """Returns 1: who knows the characters makes no mistake, but where they are disfigured."""
        del task
        return 1.0

    def canonical(self, task: Task) -> bytes:
        """Returns the set of classes, whatever their order, shots and writers."""
        return forms_of(contents_by_key([task]))[0]

    def split_position(self, task: Task, salt: str) -> float:
        """Returns the place of the task's script, so that whole scripts lie on one side."""
        return float(positions_of(contents_by_key([task]), salt)[0])

    def describe(self, task: Task) -> dict[str, float]:
        """Returns features of script and classes, as they are drawn in their first fonts.

        How many classes the script has, the share of ink, and the smallest and the mean distance
        between two classes of the task (`looks.distances`).
        """
        known = catalogue()
        classes = classes_of(contents_by_key([task]))[0]
        pixels = pixels_of_fields(glyph_fields()[known.pair_starts[classes]])
        looks = looks_of(pixels)
        apart = distances(looks, looks)[np.triu_indices(len(looks), k=1)]
        return {
            "script_size": float(known.sizes[known.script_of[classes[0]]]),
            "ink": float(pixels.mean()),
            "smallest_distance": float(apart.min()),
            "mean_distance": float(apart.mean()),
        }

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a sheet of support and query examples, one row a class, [height, width, 3]."""
        return drawing.sheet(
            self.make_keyed_problems([task], task_keys(0, [task.id])), self.num_ways
        )

    def render_answers(
        self, task: Task, problems: Problems, predictions: Predictions
    ) -> NDArray[np.uint8]:
        """Returns the sheet, and below each query example what was said before and after."""
        del task
        return drawing.answers_sheet(problems, predictions, self.num_ways)

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns the task with one class exchanged for another of its script."""
        return exchanged(task, rng)

    def suites(self) -> dict[str, list[Task]]:
        """Returns tasks from scripts that no parameters draw, by script and shots."""
        return {
            name: list(GlyphBatch(self, *suites.suite(name, self.space, self.num_ways)))
            for name in suites.names(self.num_ways)
        }
