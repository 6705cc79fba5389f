"""What the README shows is executed."""

import re
from pathlib import Path

import gymnasium

from curricula.campaigns.campaign import Campaign
from taskgen.generators.maze import Maze
from tests.curricula.campaigns.tiny import tiny_config

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


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
    gymnasium.register("YourMaze-v0", entry_point=lambda: maze.make_env(task))
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    names = {}
    exec(block, names)  # noqa: S102
    assert names["done"]


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
