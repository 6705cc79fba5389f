"""A batch in which a task raises or hangs: the task is found and fails, the others go on."""

import time

import numpy as np
import pytest

from taskgen.isolation import UnexplainedFault, isolated
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.vector import Lifetime
from tests.curricula.campaigns.foreign import Foreign

LIFETIME = Lifetime(num_episodes=2)


def tasks_of(generator, bad=(), num=8):
    """Tasks of which those at the places `bad` misbehave."""
    seeds = [16 * k + (0 if k in bad else 1) for k in range(num)]
    return [generator.make_task({"x": 0.5}, seed) for seed in seeds]


def play(env, tasks, seed=5):
    """Plays a lifetime with actions that depend on step and task; returns all that was seen."""
    observations, infos = env.reset(seed=seed, options={"tasks": tasks, "lifetime": LIFETIME})
    seen = [(observations, np.zeros(env.num_envs), infos)]
    while seen[-1][2]["playing"].any():
        actions = np.array([(task.seed // 16 + len(seen)) % 2 for task in tasks])
        padded = np.zeros(env.num_envs, dtype=int)
        padded[: len(tasks)] = actions
        observations, rewards, _, _, infos = env.step(padded)
        seen.append((observations, rewards, infos))
    return seen


def of_slots(seen, slots):
    """What was seen of some slots, as one array."""
    names = ("playing", "episode_start", "episode_over", "complete", "success", "lifetime_left")
    rows = [
        np.column_stack([obs, rewards, *(infos[name] for name in names)])[slots]
        for obs, rewards, infos in seen
    ]
    return np.array(rows)


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """What is compiled on first use is compiled before limits are short."""
    play(isolated(Foreign(), 8, 60.0), tasks_of(Foreign()))


@pytest.mark.parametrize("where", ["load", "begin", "advance"])
@pytest.mark.parametrize("bad", [{3}, {0, 6, 7}])
def test_the_culprits_fail_and_the_others_play_as_if_they_had_been_alone(where, bad):
    generator = Foreign("raises", where)
    tasks = tasks_of(generator, bad)
    env = isolated(generator, 8, 60.0)
    seen = play(env, tasks)
    assert set(env.failures) == {tasks[slot].id for slot in bad}
    assert all("ZeroDivisionError" in why for why in env.failures.values())
    good = [slot for slot in range(8) if slot not in bad]
    alone = play(Foreign().make_vector_env(8), [tasks[slot] for slot in good])
    assert len(alone) == 9
    np.testing.assert_array_equal(of_slots(seen, good), of_slots(alone, np.arange(len(good))))
    assert not seen[-1][2]["complete"][list(bad)].any()


def test_a_culprit_plays_until_its_fault():
    generator = Foreign("raises")
    seen = play(isolated(generator, 8, 60.0), tasks_of(generator, {3}))
    playing = [bool(infos["playing"][3]) for _, _, infos in seen]
    assert playing == [True, True, True, *[False] * 6]
    assert [bool(infos.get("episode_over", [0] * 4)[3]) for _, _, infos in seen].index(True) == 3


def test_loaded_tasks_are_played_again_without_the_culprit():
    generator = Foreign("raises")
    tasks, env = tasks_of(generator, {3}), isolated(generator, 8, 60.0)
    play(env, tasks)
    _, infos = env.reset(seed=6, options={"lifetime": LIFETIME})
    assert infos["playing"].tolist() == [slot != 3 for slot in range(8)]
    assert set(env.failures) == {tasks[3].id}
    play(env, tasks_of(generator))
    assert env.failures == {}


def test_a_batch_that_hangs_costs_the_task_that_hangs():
    generator = Foreign("hangs")
    tasks = tasks_of(generator, {5})
    env = isolated(generator, 8, 0.2)
    started = time.monotonic()
    play(env, tasks)
    assert time.monotonic() - started < 20.0
    assert set(env.failures) == {tasks[5].id}
    assert "did not return within" in env.failures[tasks[5].id]


def test_a_batch_that_wants_too_much_memory_costs_the_task_that_does():
    generator = Foreign("eats")
    tasks = tasks_of(generator, {2})
    env = isolated(generator, 8, 60.0)
    play(env, tasks)
    assert set(env.failures) == {tasks[2].id}


def test_a_lone_task_at_fault_is_found_too():
    generator = Foreign("raises")
    tasks = tasks_of(generator, {0}, num=1)
    env = isolated(generator, 8, 60.0)
    seen = play(env, tasks)
    assert set(env.failures) == {tasks[0].id}
    assert len(seen) == 4


def test_a_fault_that_no_half_repeats_is_nobodys():
    generator = Foreign("raises in pairs")
    with pytest.raises(UnexplainedFault, match=r"8 tasks cannot be played(.|\n)*ZeroDivision"):
        play(isolated(generator, 8, 60.0), tasks_of(generator, {0, 7}))


def test_a_fault_of_every_task_is_the_environments():
    generator = Foreign("raises")
    tasks = tasks_of(generator, set(range(16)), num=16)
    with pytest.raises(UnexplainedFault, match=r"each of 8 tasks fails(.|\n)*ZeroDivision"):
        play(isolated(generator, 16, 60.0), tasks)


def test_a_fault_that_does_not_come_again_costs_nothing():
    generator = Foreign("raises", "advance")
    env = isolated(generator, 8, 60.0)
    env._inside.bad = Once(8)
    tasks = tasks_of(generator)
    seen = play(env, tasks)
    assert env.failures == {}
    alone = play(Foreign().make_vector_env(8), tasks)
    np.testing.assert_array_equal(of_slots(seen, np.arange(8)), of_slots(alone, np.arange(8)))


class Once:
    """A mark on every task that stays when others are loaded, in one environment alone."""

    def __init__(self, num):
        self.marks = np.ones(num, dtype=bool)

    def __setitem__(self, key, value):
        pass

    def __getitem__(self, key):
        return self.marks[key]

    def __and__(self, other):
        return self.marks & other


def test_a_task_that_is_another_one_the_second_time_fails():
    generator = Foreign("raises")
    tasks, env = tasks_of(generator, {3}), isolated(generator, 8, 60.0)
    make = env._make

    def altered():
        made = make()
        look = made.look

        def shifted(slots):
            look(slots)
            made.observations[slots[slots == 0]] += 0.5

        made.look = shifted
        return made

    env._make = altered
    play(env, tasks)
    assert set(env.failures) == {tasks[0].id, tasks[3].id}
    assert "not the same" in env.failures[tasks[0].id]


def test_what_guards_its_slots_is_played_as_it_is():
    class Single(Foreign):
        def make_vector_env(self, num_envs):
            return SlotwiseVectorEnv(self, num_envs)

    assert isinstance(isolated(Single(), 2, 1.0), SlotwiseVectorEnv)


@pytest.mark.parametrize(
    "fault",
    ["spins", *(pytest.param(fault, marks=pytest.mark.slow) for fault in ("exits", "crashes"))],
)
def test_a_task_that_blocks_or_kills_its_process_is_found_from_another(fault):
    generator = Foreign(fault)
    tasks = tasks_of(generator, {1}, num=4)
    env = isolated(generator, 4, 1.5, watched=True)
    seen = play(env, tasks)
    env.close()
    reason = {"spins": "could not be interrupted", "exits": "code 3", "crashes": "SIGSEGV"}
    assert set(env.failures) == {tasks[1].id}
    assert reason[fault] in env.failures[tasks[1].id]
    alone = play(Foreign().make_vector_env(4), [tasks[slot] for slot in (0, 2, 3)])
    np.testing.assert_array_equal(of_slots(seen, [0, 2, 3]), of_slots(alone, [0, 1, 2]))
