"""The engine against a plain reference that shares no code with it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze, engine
from taskgen.generators.maze.engine import Arena
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.task import Task
from taskgen.vector import Lifetime

MAZE = Maze()
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


class PlainMaze:
    """One maze in plain Python, read from its text."""

    def __init__(self, text, horizon):
        self.cells = text.splitlines()
        self.horizon = horizon
        for row, line in enumerate(self.cells):
            for column, character in enumerate(line):
                if character in "^>v<":
                    self.start = (row, column, "^>v<".index(character))
                if character == "G":
                    self.goal = (row, column)

    def is_wall(self, row, column):
        inside = 0 <= row < len(self.cells) and 0 <= column < len(self.cells[0])
        return not inside or self.cells[row][column] == "#"

    def reset(self):
        self.row, self.column, self.heading = self.start
        self.taken = 0
        return self.observe()

    def observe(self):
        ahead, right = MOVES[self.heading], MOVES[(self.heading + 1) % 4]
        seen = []
        for forward in (4, 3, 2, 1, 0):
            for aside in (-2, -1, 0, 1, 2):
                seen.append(
                    (
                        self.row + forward * ahead[0] + aside * right[0],
                        self.column + forward * ahead[1] + aside * right[1],
                    )
                )
        walls = [int(self.is_wall(*cell)) for cell in seen]
        goals = [int(cell == self.goal) for cell in seen]
        return walls + goals + [int(self.heading == k) for k in range(4)]

    def step(self, action):
        self.taken += 1
        if action == 0:
            self.heading = (self.heading - 1) % 4
        elif action == 1:
            self.heading = (self.heading + 1) % 4
        else:
            row = self.row + MOVES[self.heading][0]
            column = self.column + MOVES[self.heading][1]
            if not self.is_wall(row, column):
                self.row, self.column = row, column
        there = (self.row, self.column) == self.goal
        reward = 1 - 0.9 * self.taken / self.horizon if there else 0.0
        return self.observe(), reward, there, not there and self.taken >= self.horizon


def plain(task):
    return PlainMaze(MAZE.to_ascii(task), task.content["horizon"])


def mixed_tasks(num, seed=0, **regions):
    everything = {
        "size": [5, 13],
        "layout": list(MAZE.space["layout"].choices),
        "braid": [0.0, 1.0],
        "goal_distance": [0.0, 1.0],
        **regions,
    }
    rng = np.random.default_rng(seed)
    params = TaskDistribution.make(MAZE.space, everything).sample(num, rng)
    return MAZE.make_tasks(params, rng.integers(0, 2**62, size=num))


def test_lifetimes_equal_the_plain_reference():
    tasks = mixed_tasks(40)
    env = MAZE.make_vector_env(40)
    lifetime = Lifetime(num_episodes=3)
    observations, infos = env.reset(seed=0, options={"tasks": tasks, "lifetime": lifetime})
    mazes = [plain(task) for task in tasks]
    expected = [maze.reset() for maze in mazes]
    episodes, num_successes = [0] * 40, 0
    rng = np.random.default_rng(1)
    assert observations.dtype == np.uint8
    assert (observations == expected).all()
    while infos["playing"].any():
        playing = infos["playing"]
        actions = rng.choice(3, p=[0.15, 0.25, 0.6], size=40)
        observations, rewards, terminated, truncated, infos = env.step(actions)
        for slot in np.flatnonzero(playing):
            seen, reward, there, cut = mazes[slot].step(actions[slot])
            assert rewards[slot] == pytest.approx(reward, abs=1e-12)
            assert (terminated[slot], truncated[slot]) == (there, cut)
            assert infos["success"][slot] == there
            num_successes += there
            if there or cut:
                assert (infos["final_obs"][slot] == seen).all()
                episodes[slot] += 1
                seen = mazes[slot].reset() if episodes[slot] < 3 else seen
            assert (observations[slot] == seen).all()
    assert episodes == [3] * 40
    assert num_successes > 10


def test_a_task_plays_the_same_in_any_slot_and_company():
    tasks = [task for task in mixed_tasks(6, seed=3)]
    big = MAZE.make_task(MAZE.space.complete({"size": 31}), 5)
    actions = np.random.default_rng(4).integers(0, 3, size=60)

    def history(company, slot):
        env = MAZE.make_vector_env(len(company))
        frames = [env.reset(seed=1, options={"tasks": company})[0][slot]]
        for action in actions:
            observations, rewards, *_ = env.step(np.full(len(company), action))
            frames.append(np.append(observations[slot], rewards[slot]))
        return np.concatenate(frames)

    alone = history([tasks[2]], 0)
    assert (history(tasks, 2) == alone).all()
    assert (history([big, *tasks[::-1]], 4) == alone).all()


def test_batched_lifetimes_equal_single_environments():
    tasks = mixed_tasks(12, seed=7)
    vector, slotwise = MAZE.make_vector_env(12), SlotwiseVectorEnv(MAZE, 12)
    options = {"tasks": tasks, "lifetime": Lifetime(num_episodes=2)}
    one, other = vector.reset(seed=0, options=options), slotwise.reset(seed=0, options=options)
    rng = np.random.default_rng(0)
    assert (one[0] == other[0]).all()
    while vector.playing.any():
        actions = rng.integers(0, 3, size=12)
        one, other = vector.step(actions), slotwise.step(actions)
        for mine, theirs in zip(one[:4], other[:4], strict=True):
            assert np.array_equal(mine, theirs)
        assert np.array_equal(one[4]["success"], other[4]["success"])
    assert not slotwise.playing.any()
    assert not slotwise.failures


def test_a_batch_and_its_tasks_play_the_same():
    batch = mixed_tasks(8, seed=9)
    listed = [Task.from_json(task.to_json()) for task in batch]
    env = MAZE.make_vector_env(8)
    first = env.reset(seed=0, options={"tasks": batch})[0]
    assert (env.reset(seed=0, options={"tasks": listed})[0] == first).all()


def test_a_malformed_task_fails_alone():
    good = mixed_tasks(2)
    bad = Task("maze-v1", 1, good[0].params, 0, {**good[0].content, "goal": [99, 0]})
    env = MAZE.make_vector_env(3)
    _, infos = env.reset(seed=0, options={"tasks": [good[0], bad, good[1]]})
    assert infos["playing"].tolist() == [True, False, True]
    assert "goal's row" in env.failures[bad.id]
    observations, *_ = env.step(np.array([0, 2, 0]))
    assert (observations[2] == plain_after(good[1], [0])).all()


def test_a_batch_of_malformed_tasks_plays_nothing():
    bad = Task("maze-v1", 1, {}, 0, {"no": "maze"})
    env = MAZE.make_vector_env(2)
    assert not env.reset(seed=0, options={"tasks": [bad]})[1]["playing"].any()
    assert "exactly the fields" in env.failures[bad.id]


def plain_after(task, actions):
    maze = plain(task)
    maze.reset()
    return [maze.step(action)[0] for action in actions][-1]


def test_the_arena_starts_ended_episodes_again():
    tasks = mixed_tasks(30, seed=11)
    arena = Arena(30)
    arena.load(tasks.arrays, np.arange(30))
    arena.begin(np.arange(30))
    mazes = [plain(task) for task in tasks]
    for maze in mazes:
        maze.reset()
    rng = np.random.default_rng(2)
    for _ in range(150):
        actions = rng.integers(0, 3, size=30)
        arena.play(actions)
        for slot, maze in enumerate(mazes):
            seen, reward, there, cut = maze.step(actions[slot])
            seen = maze.reset() if there or cut else seen
            assert arena.rewards[slot] == pytest.approx(reward, abs=1e-12)
            assert arena.ended[slot] == (there or cut)
            assert (arena.observations[slot] == seen).all()


@pytest.mark.parametrize("play", ["arena", "lifetimes"])
def test_threads_play_the_same(play, monkeypatch):
    tasks = mixed_tasks(50, seed=13)
    actions = np.random.default_rng(5).integers(0, 3, size=(60, 50))

    def history():
        frames = []
        arena, env = Arena(50), MAZE.make_vector_env(50)
        arena.load(tasks.arrays, np.arange(50))
        arena.begin(np.arange(50))
        env.reset(seed=0, options={"tasks": tasks, "lifetime": Lifetime(num_episodes=9)})
        for chosen in actions:
            if play == "arena":
                arena.play(chosen)
                parts = (arena.observations, arena.rewards[:, None], arena.ended[:, None])
            else:
                observations, rewards, terminated, *_ = env.step(chosen)
                parts = (observations, rewards[:, None], terminated[:, None])
            frames.append(np.concatenate(parts, axis=1))
        return np.stack(frames)

    alone = history()
    monkeypatch.setattr(engine, "worth_threads", lambda work, at_least: True)
    assert (history() == alone).all()


def test_the_arena_replaces_some_mazes_and_leaves_the_others():
    old, new = mixed_tasks(5, seed=1, size=9), mixed_tasks(3, seed=2, size=7)
    arena = Arena(5)
    arena.load(old.arrays, np.arange(5))
    arena.begin(np.arange(5))
    arena.replace(new.arrays, np.array([2, 0]), np.array([1, 4]))
    arena.begin(np.array([1, 4]))
    expected = [old[0], new[2], old[2], old[3], new[0]]
    for slot, task in enumerate(expected):
        assert (arena.observations[slot] == plain(task).reset()).all()
    with pytest.raises(ValueError, match="at most 9 cells"):
        arena.replace(mixed_tasks(1, size=11).arrays, np.array([0]), np.array([0]))


def test_gymnasium_accepts_the_single_environment():
    env = MAZE.make_env(MAZE.make_task(MAZE.space.complete({"size": 7}), 1))
    check_env(env, skip_render_check=True)
    assert isinstance(env.observation_space, gymnasium.spaces.Box)
    assert env.observation_space.shape == (54,)
    env.reset()
    assert env.render().shape[2] == 3


def test_the_single_environment_refuses_what_makes_no_sense():
    env = MAZE.make_env(MAZE.from_ascii(">G\n##"))
    with pytest.raises(ValueError, match="reset"):
        env.step(2)
    env.reset()
    with pytest.raises(ValueError, match="0 \\(left\\), 1 \\(right\\) or 2"):
        env.step(3)
    *_, reward, terminated, truncated, info = env.step(2)
    assert (terminated, truncated, info["success"]) == (True, False, True)
    assert reward == pytest.approx(1 - 0.9 / MAZE.horizon(MAZE.from_ascii(">G\n##")))
    with pytest.raises(ValueError, match="over"):
        env.step(2)
