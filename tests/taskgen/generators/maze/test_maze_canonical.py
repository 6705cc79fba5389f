"""The canonical form: the same for twins, different for mazes of another shape."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskgen.generators.maze import Maze
from taskgen.generators.maze.arrays import single, stack
from taskgen.generators.maze.canonical import canonical_forms
from taskgen.splits import split_of

MAZE = Maze()
UP, RIGHT, DOWN, LEFT = range(4)


@st.composite
def mazes(draw):
    height, width = draw(st.integers(2, 6)), draw(st.integers(1, 6))
    walls = draw(arrays(np.uint8, (height, width), elements=st.integers(0, 1)))
    cells = [(row, column) for row in range(height) for column in range(width)]
    start, goal = draw(st.sampled_from(cells)), draw(st.sampled_from(cells))
    walls[start] = walls[goal] = 0
    return walls, start, draw(st.integers(0, 3)), goal, draw(st.integers(1, 10**6))


def quarter_turn(maze):
    """Turns a maze counterclockwise: what was to the right is on top."""
    walls, start, heading, goal, horizon = maze
    width = walls.shape[1]

    def turn(cell):
        return (width - 1 - cell[1], cell[0])

    return np.rot90(walls), turn(start), (heading + 3) % 4, turn(goal), horizon


def mirror(maze):
    """Mirrors a maze left to right."""
    walls, start, heading, goal, horizon = maze
    width = walls.shape[1]

    def flip(cell):
        return (cell[0], width - 1 - cell[1])

    return np.fliplr(walls), flip(start), {1: 3, 3: 1}.get(heading, heading), flip(goal), horizon


def form(maze):
    return canonical_forms(single(*maze))[0]


@settings(max_examples=100, deadline=None)
@given(mazes())
def test_all_eight_symmetries_have_one_form(maze):
    expected = form(maze)
    for image in (maze, mirror(maze)):
        for _ in range(4):
            image = quarter_turn(image)
            assert form(image) == expected


@settings(max_examples=100, deadline=None)
@given(mazes())
def test_unreachable_cells_do_not_count(maze):
    assert form(filled(maze)) == form(maze)


def filled(maze):
    """The maze with what the start does not reach walled up."""
    walls, start, *rest = maze
    reached, todo = {start}, [start]
    while todo:
        row, column = todo.pop()
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= cell[0] < walls.shape[0] and 0 <= cell[1] < walls.shape[1]
            if inside and walls[cell] == 0 and cell not in reached:
                reached.add(cell)
                todo.append(cell)
    closed = np.ones_like(walls)
    for cell in reached:
        closed[cell] = 0
    return (closed, start, *rest)


def orbit_key(maze):
    """The first of the eight images of the filled maze's shape, by plain comparison."""
    images = []
    for image in (filled(maze), mirror(filled(maze))):
        for _ in range(4):
            image = walls, start, _, goal, _ = quarter_turn(image)
            images.append((walls.shape, walls.tobytes(), start, goal))
    return min(images)


def test_forms_tell_all_small_mazes_apart_and_only_these():
    """All 2 × 3 mazes: two have one form exactly if one is an image of the other."""
    cells = [(row, column) for row in range(2) for column in range(3)]
    everything = []
    for bits in product((0, 1), repeat=6):
        walls = np.array(bits, dtype=np.uint8).reshape(2, 3)
        free = [cell for cell in cells if walls[cell] == 0]
        for start, heading, goal in product(free, range(4), free):
            everything.append((walls, start, heading, goal, 9))
    forms = canonical_forms(stack([single(*maze) for maze in everything]))
    keys = [orbit_key(maze) for maze in everything]
    assert len(set(forms)) == len(set(keys)) == len(set(zip(forms, keys, strict=True)))
    assert len(set(keys)) < len(everything) / 16


def test_start_goal_and_walls_make_a_difference():
    walls = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.uint8)
    base = (walls, (0, 0), UP, (0, 2), 20)
    opened = walls.copy()
    opened[1, 1] = 0
    others = [
        (walls, (0, 0), UP, (1, 2), 20),
        (walls, (0, 1), UP, (0, 2), 20),
        (opened, (0, 0), UP, (0, 2), 20),
    ]
    forms = {form(maze) for maze in [base, *others]}
    assert len(forms) == len(others) + 1


def test_horizon_and_heading_make_twins():
    walls = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.uint8)
    twins = [
        (walls, (0, 0), heading, (0, 2), horizon)
        for heading in (UP, RIGHT, DOWN, LEFT)
        for horizon in (1, 20, 20 + 2**15)
    ]
    assert len({form(maze) for maze in twins}) == 1
    assert len(set(canonical_forms(stack([single(*maze) for maze in twins])))) == 1


def test_mazes_that_differ_in_the_horizon_fall_on_one_side_of_the_split():
    factors = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    for seed in range(8):
        rows = [MAZE.space.complete({"size": 7, "horizon_factor": f}) for f in factors]
        batch = MAZE.make_tasks(MAZE.space.columns(rows), np.full(len(rows), seed))
        assert len(set(batch.ids)) == len(rows)
        assert len({split_of(form, "a salt") for form in batch.canonicals}) == 1
        alone = [MAZE.canonical(MAZE.make_task(row, seed)) for row in rows]
        assert alone == batch.canonicals


def test_the_mirror_image_along_the_diagonal_is_a_twin():
    one = MAZE.from_ascii(">..\n.#.\n..G")
    other = MAZE.from_ascii("v..\n.#.\n..G")
    assert one.id != other.id
    assert MAZE.canonical(one) == MAZE.canonical(other)


def test_the_form_does_not_depend_on_the_padding():
    row = MAZE.space.complete({"size": 7})
    sizes = np.array([7, 21])
    params = {name: np.array([value] * 2) for name, value in row.items()} | {"size": sizes}
    batch = MAZE.make_tasks(params, np.array([3, 4]))
    assert batch.canonicals[0] == MAZE.canonical(MAZE.make_task(row, 3))
