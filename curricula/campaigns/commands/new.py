"""A package to begin with: `new`."""

from __future__ import annotations

import importlib.resources
import keyword
import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from curricula.campaigns.commands.common import UserError, say
from taskgen.hints import did_you_mean, either

_KINDS = ("generator",)
_FILES = {
    "module.py.txt": "$module.py",
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "campaign.yaml.txt": "campaign.yaml",
    "test_module.py.txt": "tests/test_$module.py",
}
"""Which file of a package each template becomes."""


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(new)


def new(
    kind: Annotated[str, typer.Argument(metavar="WHAT", help=either(_KINDS))],
    name: Annotated[str, typer.Argument(metavar="NAME", help="such as light-switch")],
    folder: Annotated[Path, typer.Option("--in", help="where to make the package")] = Path(),
) -> None:
    """Write a package to begin with.

    It holds a family that works, its test, a campaign file and an entry point.
    """
    if kind not in _KINDS:
        raise UserError(f"there is a {either(_KINDS)} to write, got {kind!r}{_meant(kind)}")
    package = folder / name
    if package.exists():
        raise UserError(f"there is a {package} already; choose another name.")
    words = _words(name)
    templates = importlib.resources.files("curricula.campaigns") / "templates" / kind
    for template, target in _FILES.items():
        path = package / Template(target).substitute(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template((templates / template).read_text("utf-8")).substitute(words)
        path.write_text(text, "utf-8")
    say(f"{package}: change {words['module']}.py into your own. To see it work:")
    typer.echo(f"  cd {package}\n  taskgen check {words['module']}:{words['class_name']}")
    typer.echo("  taskgen run campaign.yaml")


def _words(name: str) -> dict[str, str]:
    """Returns what a name becomes in each place: a package, a module, a class.

    Raises:
        UserError: if no module can be named so.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise UserError(
            f"a name has small letters, digits and hyphens, as light-switch has, got {name!r}."
        )
    return {"name": name, "module": module, "class_name": name.title().replace("-", "")}


def _meant(kind: str) -> str:
    page = "docs/howto has a smallest one of each other kind"
    return f"{did_you_mean(kind, _KINDS)}; {page}."
