"""Named suites and stored examples: the same everywhere, for ever."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from taskgen.generators.maze import Maze
from taskgen.generators.maze.suites import NUM_TASKS, SUITES, suite

MAZE = Maze()
GOLDEN = Path(__file__).parents[3] / "golden" / "maze-v1.json"


def example_rows():
    """One row a layout, then larger ones and the ends of the axes."""
    layouts = MAZE.space["layout"].choices
    rows = [{"layout": layout, "size": 9} for layout in layouts]
    rows += [{"size": 31, "braid": 1.0}, {"size": 5, "goal_distance": 0.0, "horizon_factor": 2.0}]
    return [MAZE.space.complete(row) for row in rows]


def trace(task):
    """The SHA-256 of ten observations under fixed actions."""
    env = MAZE.make_env(task)
    frames = [env.reset(seed=0)[0]]
    for action in (2, 2, 0, 2, 1, 2, 2, 0, 2):
        observation, _, terminated, truncated, _ = env.step(action)
        frames.append(env.reset()[0] if terminated or truncated else observation)
    assert len(frames) == 10
    return hashlib.sha256(np.stack(frames).tobytes()).hexdigest()


def current():
    tasks = [MAZE.make_task(row, seed) for seed, row in enumerate(example_rows())]
    suites = MAZE.suites()
    return {
        "tasks": [
            {
                "params": task.params,
                "seed": task.seed,
                "id": task.id,
                "canonical": hashlib.sha256(MAZE.canonical(task)).hexdigest(),
                "ten_observations": trace(task),
            }
            for task in tasks
        ],
        "suites": {name: [task.id for task in tasks[:2]] for name, tasks in suites.items()},
    }


def test_stored_examples_are_still_made():
    """A difference here is a change of behaviour: it needs a new version of the generator."""
    assert current() == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("name", SUITES)
def test_suites_hold_different_valid_mazes(name):
    tasks = MAZE.suites()[name]
    assert len(tasks) == NUM_TASKS
    assert all(MAZE.is_valid(task) for task in tasks)
    assert len({MAZE.canonical(task) for task in tasks}) == NUM_TASKS
    for task in tasks:
        MAZE.space.validate(task.params)


def test_suites_are_what_their_names_say():
    found = {name: [MAZE.describe(t) for t in tasks] for name, tasks in MAZE.suites().items()}
    for side in (21, 31, 51):
        assert all(f["size"] == side for f in found[f"perfect-{side}"])
        assert all(f["cyclomatic_number"] == 0 for f in found[f"perfect-{side}"])
    assert all(f["wall_share"] == 0 for f in found["open_fields"])
    assert all(f["dead_ends"] == 2 and f["junctions"] == 0 for f in found["spirals"])
    assert all(f["decision_points"] > 0 for f in found["combs"])
    assert all(f["cyclomatic_number"] == 0 for f in found["combs"] + found["corridors"])
    # Lines of wall, and one door between neighbours: 4 and 24 of them.
    for name, num_walls in (("four_rooms", 2 * 19 - 1 - 4), ("sixteen_rooms", 6 * 19 - 9 - 24)):
        assert all(f["wall_share"] == pytest.approx(num_walls / 19**2) for f in found[name])


def test_start_and_goal_lie_in_different_rooms():
    for name, room in (("four_rooms", 10), ("sixteen_rooms", 5)):
        for maze in suite(name):
            assert (maze.starts[0] // room != maze.goals[0] // room).any()


def test_there_is_no_suite_of_another_name():
    with pytest.raises(KeyError):
        suite("perfect-22")
