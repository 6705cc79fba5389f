"""Every key of a campaign file is explained, and the explained file is the file."""

from importlib.util import find_spec

import pytest

from curricula.campaigns.config.files import load, loads, presets
from curricula.campaigns.config.strict_yaml import key_lines
from curricula.campaigns.sight.explaining import explained

WHEEL_IS_HERE = find_spec("procgen") is not None


@pytest.mark.parametrize("preset", [p for p in presets() if WHEEL_IS_HERE or p != "procgen-maze"])
def test_every_key_has_a_comment_and_the_file_stays_what_it_says(preset: str) -> None:
    config = load(preset)
    text = explained(config)
    assert loads(text) == config
    lines = text.splitlines()
    bare = [path for line, path in key_lines(text).items() if not _is_comment(lines, line)]
    assert [path for path in bare if not _is_inside_an_option(path)] == []


def test_words_come_from_where_a_key_is_defined() -> None:
    config = load("maze-quickstart", ["start.layout=[rooms, wilson]"])
    lines = [line.strip() for line in explained(config).splitlines()]

    def above(key: str) -> str:
        end = next(i for i, line in enumerate(lines) if line.startswith(f"{key}:"))
        return lines[end - 1]

    assert above("gamma") == "# discount of one env step, in [0, 1]"
    assert above("epochs") == "# passes over the lifetimes of a batch"  # of a base class
    assert "mean_return or last_success" in above("score")
    assert "in steps of 2 cells" in above("size")
    assert above("layout").endswith("rooms, random_walls")


def _is_comment(lines: list[str], number: int) -> bool:
    return number > 0 and lines[number - 1].lstrip().startswith("# ")


def _is_inside_an_option(path: str) -> bool:
    """What is below an option is the plug-in's own: the fields of a parameter, weights."""
    is_option = ".options." in path
    return path.count(".") > (2 if is_option else 1) or path.startswith("start.layout.")
