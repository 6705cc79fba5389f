"""What the README shows is executed."""

import re
from pathlib import Path

import gymnasium

from curricula.campaigns.campaign import Campaign
from learners.adaptation import AdaptedPolicy
from taskgen.generators.maze import Maze
from tests.curricula.campaigns.tiny import tiny_config

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


class Recorded(gymnasium.Wrapper):
    """Keeps the actions it was given and the rewards it gave, episode by episode."""

    def __init__(self, env):
        super().__init__(env)
        self.episodes = []

    def reset(self, **kwargs):
        self.episodes.append(([], []))
        return super().reset(**kwargs)

    def step(self, action):
        result = super().step(action)
        actions, rewards = self.episodes[-1]
        actions.append(action)
        rewards.append(float(result[1]))
        return result


def test_ten_lines_of_python_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tiny_config(
        name="maze-quickstart",
        generation={"num_candidates": 1, "branch_env_steps": 64},
        budget={"generations": 1},
        evaluation={"test_at_end": False},
    )
    Campaign.create(config, tmp_path / "mlruns").run()
    maze = Maze()
    task = maze.make_task(maze.space.complete({"size": 5}), seed=1)
    gymnasium.register("YourMaze-v0", entry_point=lambda: Recorded(maze.make_env(task)))
    told = []
    act = AdaptedPolicy._act

    def listen(self, observation, reward, *, start):
        action = act(self, observation, reward, start=start)
        told.append((start, reward, action))
        return action

    monkeypatch.setattr(AdaptedPolicy, "_act", listen)
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    names = {}
    exec(block, names)
    episodes = names["env"].get_wrapper_attr("episodes")
    actions, rewards = ([x for episode in episodes for x in episode[i]] for i in (0, 1))
    assert len(episodes) == 4, "three of practice, one of use"
    assert [start for start, _, _ in told] == [
        step == 0 for episode, _ in episodes for step in range(len(episode))
    ], "every episode is begun, and begun once"
    assert [reward for _, reward, _ in told] == [0.0, *rewards[:-1]], "each reward is told once"
    assert [action for _, _, action in told] == actions
    assert all(names["env"].action_space.contains(action) for action in actions)


def test_commands_of_the_readme_exist():
    from typer.main import get_command

    from curricula.campaigns.cli import app

    shown = set(re.findall(r"^taskgen ([a-z-]+)", README, re.MULTILINE))
    assert shown
    assert shown <= set(get_command(app).commands)


def test_make_targets_of_the_readme_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
