"""Levels stay pinned, slots do not meet, and what is played is what the library plays."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest

from taskgen.generators.procgen import Procgen, native
from taskgen.generators.procgen.engine import ProcgenVectorEnv
from taskgen.generators.procgen.games import GAMES, MODES
from taskgen.generators.procgen.native import Buffers, Look, NativeGame
from taskgen.generators.procgen.pinning import PinnedGame
from taskgen.vector import Lifetime

KINDS = [(name, mode) for name, game in GAMES.items() for mode in MODES if game.has_mode(mode)]
FAMILY = Procgen()


def levels(game, numbers, mode="easy", family=FAMILY):
    rows = [{"game": game, "mode": mode, "level": number} for number in numbers]
    return [family.make_task(row, 0) for row in rows]


def started_on(monkeypatch, name, mode, level, buffers):
    """An instance that the library itself starts on a level."""
    options = native._options

    def changed(*args, **kwargs):
        made, kept = options(*args, **kwargs)
        for item in made.items[: made.count]:
            if item.name == b"start_level":
                ctypes.cast(item.data, ctypes.POINTER(ctypes.c_int32))[0] = level
        return made, kept

    with monkeypatch.context() as patch:
        patch.setattr(native, "_options", changed)
        return NativeGame(name, mode, Look(), buffers)


@pytest.mark.parametrize(("name", "mode"), KINDS)
def test_a_pinned_game_plays_as_one_that_was_made_for_the_level(monkeypatch, name, mode):
    ours, theirs = Buffers(1), Buffers(1)
    game = PinnedGame((name, mode, Look()), ours)
    rng = np.random.default_rng(0)
    for level in (3, 2**31 - 2):
        game.pin(level)
        plain = started_on(monkeypatch, name, mode, level, theirs)
        for action in (4, *rng.integers(15, size=30).tolist(), -1, 7):
            assert (ours.frames == theirs.frames).all()
            game.act(action)
            plain.act(action)
            for what in ("frames", "rewards", "first", "complete", "levels"):
                assert (getattr(ours, what) == getattr(theirs, what)).all(), what


def test_slots_of_several_games_keep_their_levels_through_all_episodes():
    family = Procgen(horizon=12)
    tasks = levels("maze", [1, 2], family=family) + levels("coinrun", [1], "hard", family)
    env = family.make_vector_env(4)
    first, _ = env.reset(options={"tasks": tasks, "lifetime": Lifetime(num_episodes=3)})
    starts = 0
    rng = np.random.default_rng(1)
    while env.playing.any():
        seen, _, _, _, infos = env.step(rng.integers(15, size=4))
        for slot in np.flatnonzero(infos["episode_start"]):
            assert (seen[slot] == first[slot]).all()
            starts += 1
    assert starts == 6
    assert not env.failures
    assert len({frame.tobytes() for frame in first[:3]}) == 3


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    tasks = levels("starpilot", range(14))
    env = ProcgenVectorEnv(14, num_threads=threads)
    env.reset(options={"tasks": tasks, "lifetime": Lifetime(num_steps=20)})
    buffers = Buffers(14)
    alone = [PinnedGame(("starpilot", "easy", Look()), buffers, k) for k in range(14)]
    for level, game in enumerate(alone):
        game.pin(level)
    rng = np.random.default_rng(2)
    for _ in range(19):
        actions = rng.integers(15, size=14)
        seen, *_ = env.step(actions)
        for slot, game in enumerate(alone):
            game.act(int(actions[slot]))
        assert (seen == buffers.frames).all()
    env.close()


def test_the_shortest_way_takes_as_many_steps_as_said_and_pays():
    by_direction = {(-1, 0): 5, (1, 0): 3, (0, -1): 1, (0, 1): 7}
    for task in levels("maze", range(6)) + levels("maze", range(3), "hard"):
        from taskgen.generators.maze.geometry import shortest_path
        from taskgen.generators.procgen.layouts import maze_of

        path = shortest_path(maze_of(task.content), 0)
        env = FAMILY.make_env(task)
        env.reset()
        for k, step in enumerate(np.diff(path, axis=0).tolist(), start=1):
            _, reward, terminated, truncated, info = env.step(by_direction[tuple(step)])
            assert (terminated, info["success"]) == (k == len(path) - 1,) * 2
        assert reward == FAMILY.oracle_return(task) == 10.0
        assert FAMILY.describe(task)["shortest_path"] == len(path) - 1
        assert not truncated


def test_an_episode_that_runs_out_of_time_is_cut_not_ended():
    for family, horizon in ((Procgen(), 500), (Procgen(horizon=7), 7)):
        (task,) = levels("maze", [777], family=family)
        env = family.make_env(task)
        env.reset()
        for _ in range(horizon - 1):
            assert env.step(4)[2:4] == (False, False)
        assert env.step(4)[2:4] == (False, True)


def test_a_task_that_is_no_level_fails_alone():
    good, other = levels("maze", [1, 2])
    broken = [
        {**good.content, "mode": "extreme"},
        {**good.content, "level": -1},
        {**good.content, "horizon": 10**6},
        {**good.content, "look": {**good.content["look"], "monochrome": "yes"}},
        {"game": "maze"},
    ]
    tasks = [good, *(good.edited(content, "broken") for content in broken), other]
    env = FAMILY.make_vector_env(7)
    env.reset(options={"tasks": tasks})
    assert env.playing.tolist() == [True, *[False] * 5, True]
    assert "no extreme mode of a game maze" in env.failures[tasks[1].id]
    env.step(np.full(7, 7))
    for task in tasks[1:6]:
        assert not FAMILY.is_valid(task)
        with pytest.raises(ValueError, match=r"no extreme mode|must|exactly the fields"):
            FAMILY.make_env(task)
    with pytest.raises(ValueError, match="no extreme mode"):
        FAMILY.render(tasks[1])
    with pytest.raises(ValueError, match="no extreme mode"):
        FAMILY.describe(tasks[1])


def test_without_the_wheel_the_family_is_listed_with_the_reason():
    code = (
        "import sys; sys.modules['procgen'] = None\n"
        "from curricula.campaigns.commands.catalogue import _missing\n"
        "from taskgen.registry import UnknownPlugin, resolve\n"
        "print(_missing('taskgen.generators.procgen'), _missing('taskgen.generators.maze'))\n"
        "try: resolve('generators', 'taskgen.generators.procgen:Procgen')\n"
        "except UnknownPlugin as error: print(error)\n"
        "print(resolve('generators', 'maze-v1').name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("not installed: the wheel procgen-mirror")
    assert "pip install procgen-mirror" in done.stdout
    assert done.stdout.strip().endswith("maze-v1")


def test_no_old_gym_is_imported_and_nothing_warns():
    code = (
        "import sys, warnings; warnings.simplefilter('error')\n"
        "from taskgen.generators.procgen import Procgen\n"
        "family = Procgen(); task = family.make_task(family.space.complete({}), 0)\n"
        "env = family.make_env(task); env.reset(); env.step(0); family.render(task)\n"
        "print([name for name in ('gym', 'gym3', 'procgen', 'cffi') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
