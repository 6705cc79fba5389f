"""The how-to shows the bandit's file in full, and its other pieces of Python run."""

import re
from pathlib import Path

from taskgen.checks import check_generator
from taskgen.checks.effects import why_without_effect

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/howto/add-a-generator.md").read_text(encoding="utf-8")
PIECES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SOURCE = (ROOT / "taskgen/generators/bandit.py").read_text(encoding="utf-8")


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


def test_the_page_shows_the_whole_file_in_order():
    shown = [piece for piece in PIECES if piece.rstrip() in SOURCE]
    assert lines("".join(shown)) == lines(SOURCE)


def test_the_other_pieces_run():
    scope = {"Bandit": __import__("taskgen.generators.bandit", fromlist=["Bandit"]).Bandit}
    for piece in PIECES:
        if piece.rstrip() not in SOURCE:
            exec(compile(piece, "add-a-generator.md", "exec"), scope)
    for name in ("g", "m"):
        assert why_without_effect(scope["pendulum"], name, num_tasks=12, num_steps=20) == ""
    task = scope["CartPole"]().make_task({"length": 1.0}, 0)
    assert scope["CartPole"]().make_env(task).unwrapped.polemass_length == 0.1
    family = scope["Parabolas"]()
    sound = check_generator(family)
    # What a string has defined no other process can import.
    assert [result.name for result in sound.failed] == ["the same task in another process"]
