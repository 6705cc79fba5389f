"""The environment: pinned as a whole for each Python, and nobody waits for it in silence."""

import os
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CUDA = ("nvidia-", "cuda-", "triton")
"""What torch's build for graphics cards brings along; torch says itself which versions."""


def pins(environment):
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pinned
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def applies(requirement, extras, environment):
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
    )


def requirements(environment):
    """Everything that an installation with [dev] asks for, as far as the metadata here tells."""
    texts = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    waiting = [Requirement(text) for text in texts]
    seen = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if not applies(wanted, (), environment | {"extra": ""}) or name.startswith(CUDA):
            continue
        yield name, wanted
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            below = [Requirement(text) for text in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:  # what another Python needs is not here
            continue
        for requirement in below:
            if applies(requirement, extras, environment):
                requirement.marker = None
                waiting.append(requirement)


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_every_package_that_a_python_needs_is_pinned_to_what_all_others_accept(python):
    full = f"{python}.1"
    environment = default_environment() | {"python_version": python, "python_full_version": full}
    pinned = pins(environment)
    found = list(requirements(environment))
    assert len({name for name, _ in found}) > 80
    assert sorted({name for name, _ in found if name not in pinned}) == []
    assert [str(wanted) for name, wanted in found if pinned[name] not in wanted.specifier] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_setup_says_what_it_does():
    # A make that runs these tests would hand down its level, and lines of its own in the output.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    steps = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup"],
        cwd=ROOT,
        env=outside,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    slow = [i for i, step in enumerate(steps) if " -m venv " in step or "pip install" in step]
    assert len(slow) == 2
    assert all(steps[i - 1].startswith("echo ") for i in slow)
    assert not any("--quiet" in step for step in steps)
    assert steps[-1].startswith("echo ")
