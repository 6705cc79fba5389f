"""The package that `taskgen new` writes works as it stands."""

import importlib
import sys
import tomllib

import pytest
from typer.testing import CliRunner

from curricula.campaigns.cli import app
from curricula.campaigns.config.files import load
from taskgen.registry import resolve


@pytest.fixture
def package(tmp_path, monkeypatch):
    result = CliRunner().invoke(app, ["new", "generator", "dark-room", "--in", str(tmp_path)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "dark-room"
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(folder / "tests"))
    importlib.invalidate_caches()
    yield folder
    for module in ("dark_room", "test_dark_room"):
        sys.modules.pop(module, None)


def test_its_own_tests_pass(package, monkeypatch):
    # Other processes, which a check asks, find a module that is not installed by this.
    monkeypatch.setenv("PYTHONPATH", str(package))
    tests = importlib.import_module("test_dark_room")
    tests.test_it_keeps_every_promise()
    tests.test_walking_straight_to_the_goal_earns_what_the_oracle_says()


def test_its_entry_point_and_its_campaign_name_the_family(package):
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    ((name, path),) = project["entry-points"]["taskgen.generators"].items()
    family = resolve("generators", path)
    assert family.name == name == "dark-room-v1"
    config = load("campaign.yaml")
    assert config.generator.name == path
    assert config.generator.name in (package / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["generators", "dark-room"], "did you mean generator?"),
        (["generator", "Dark Room"], "small letters, digits and hyphens"),
        (["generator", "class"], "small letters"),
    ],
)
def test_what_cannot_be_is_refused(arguments, reason, tmp_path):
    result = CliRunner().invoke(app, ["new", *arguments, "--in", str(tmp_path)])
    assert result.exit_code == 2
    assert reason in result.output
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(package):
    result = CliRunner().invoke(app, ["new", "generator", "dark-room", "--in", str(package.parent)])
    assert result.exit_code == 2
    assert "already" in result.output
