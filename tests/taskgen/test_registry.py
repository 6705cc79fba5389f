import sys
from importlib.metadata import EntryPoint

import pytest

from taskgen import registry
from taskgen.generators.bandit import Bandit
from taskgen.registry import UnknownPlugin, listings, resolve


def test_a_registered_name_gives_its_class():
    assert resolve("generators", "bandit-v1") is Bandit


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownPlugin, match=r"is called 'bandit-v2' \(did you mean bandit-v1\?\)"):
        resolve("generators", "bandit-v2")
    with pytest.raises(UnknownPlugin, match="no curriculum is called"):
        resolve("curricula", "zzz")
    with pytest.raises(ValueError, match="group must be one of generators"):
        resolve("mazes", "maze-v1")


def test_a_broken_plugin_is_listed_with_its_error(monkeypatch):
    points = {
        "bandit-v1": EntryPoint("bandit-v1", "taskgen.generators.bandit:Bandit", "g"),
        "gone-v1": EntryPoint("gone-v1", "no_such_module:Gone", "g"),
    }
    monkeypatch.setattr(registry, "_entry_points", lambda group: points)
    good, bad = listings("generators")
    assert (good.name, good.error) == ("bandit-v1", "")
    assert good.summary.startswith("Bernoulli bandits")
    assert "no_such_module" in bad.error


def test_module_and_class_of_a_file_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "my_tasks_file.py").write_text("class Mine:\n    pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert resolve("generators", "my_tasks_file:Mine").__name__ == "Mine"
    with pytest.raises(UnknownPlugin, match=r"has no 'Min' \(did you mean Mine\?\)"):
        resolve("generators", "my_tasks_file:Min")
    with pytest.raises(UnknownPlugin, match="there is no module 'no_such_file'; give module:Class"):
        resolve("generators", "no_such_file:Mine")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import math\nimport not_there\n", "ModuleNotFoundError: No module named 'not_there'"),
        ("import math\nmath.nothing\n", "AttributeError: module 'math' has no attribute 'nothing'"),
        ("import math\n1 +\n", "SyntaxError: invalid syntax"),
    ],
)
def test_a_file_that_is_there_and_fails_on_import_says_why(source, reason, tmp_path, monkeypatch):
    (tmp_path / "fails_on_import.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(UnknownPlugin) as caught:
        resolve("generators", "fails_on_import:Mine")
    assert "the module fails_on_import is there, but importing it failed" in str(caught.value)
    assert f"{reason} (fails_on_import.py, line 2)" in str(caught.value)
