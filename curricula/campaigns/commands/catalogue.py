"""What there is to choose from: `list`, `show-config`, `check`."""

from __future__ import annotations

import ast
import importlib.util
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from curricula.campaigns.commands.common import UserError, print_table
from curricula.campaigns.config.errors import ConfigErrors
from curricula.campaigns.config.schema import Plugin
from taskgen.hints import did_you_mean, either
from taskgen.registry import UnknownPlugin

_OWN_DISTRIBUTION = "taskgen-rl"


_KINDS = ("generators", "learners", "curricula", "searches", "presets", "suites")
"""What can be listed."""


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("list")(list_)
    app.command("show-config")(show_config)
    app.command()(check)


def list_(
    kind: Annotated[str, typer.Argument(metavar="WHAT", help=either(_KINDS))],
    generator: Annotated[
        str | None, typer.Argument(metavar="GENERATOR", help="whose suites; left out: of all")
    ] = None,
) -> None:
    """List what a campaign can name. One line each; broken plug-ins with their error."""
    if kind not in _KINDS:
        raise UserError(
            f"there are {either(_KINDS)} to list, got {kind!r}{did_you_mean(kind, _KINDS)}"
        )
    if generator is not None and kind != "suites":
        raise UserError(f"only suites are listed by generator, got {kind} {generator}.")
    if kind == "presets":
        from curricula.campaigns.config.files import presets

        print_table(["preset", "what it is"], [[k, v] for k, v in presets().items()])
    elif kind == "suites":
        _print_suites(generator)
    else:
        rows = [_listed(point) for point in _entry_points(kind)]
        print_table([kind, "what it is", "error"], rows)


def _print_suites(generator: str | None) -> None:
    """Prints the named sets of test tasks of one generator, or of all that need no options."""
    from curricula.campaigns.config.plugins import make_generator

    names = (
        [point.name for point in _entry_points("generators")] if generator is None else [generator]
    )
    rows = []
    for name in names:
        try:
            suites = make_generator(Plugin(name=name)).suites()
        except (UnknownPlugin, ConfigErrors):
            if generator is not None:
                raise
            continue
        rows += [[name, suite, str(len(tasks))] for suite, tasks in suites.items()]
    if not rows:
        typer.echo(f"{generator} has no suites.")
        return
    print_table(["generator", "suite", "tasks"], rows)
    typer.echo("taskgen evaluate CAMPAIGN --suite NAME plays one")


def show_config(
    file: Annotated[str, typer.Argument(metavar="PRESET|FILE", help="a preset, or a file")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="changes, as in budget.hours=2")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="say above every key what it means")
    ] = False,
    resolve: Annotated[
        bool,
        typer.Option(
            "--resolve",
            help="decide what is auto or null for this machine, as a start would; takes seconds",
        ),
    ] = False,
) -> None:
    """Print a campaign file as it will run. Checked, overridden, every default written out.

    What stands as auto or null for the machine to decide is decided when a campaign starts, and
    stands in the config.yaml of its folder, which can be shown like any other file.
    """
    from curricula.campaigns.config.files import dump, load

    config = load(file, overrides or ())
    if resolve:
        from curricula.campaigns.generation.resolution import resolve as resolved

        config, sentence = resolved(config)
        typer.echo(f"computes with {sentence}" if sentence else "nothing was to decide", err=True)
    if explain:
        from curricula.campaigns.sight.explaining import explained

        typer.echo(explained(config), nl=False)
    else:
        typer.echo(dump(config), nl=False)


def check(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="registered name, or module:Class")
    ],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="of its constructor")
    ] = None,
    thorough: Annotated[bool, typer.Option(help="take four times as many tasks")] = False,
) -> None:
    """Check that a generator keeps to the contract. For authors of generators."""
    from curricula.campaigns.config.files import apply_overrides
    from curricula.campaigns.config.plugins import make_generator
    from taskgen.checks import check_generator

    given: dict[str, Any] = {}
    problems = apply_overrides(given, options or ())
    if problems:
        raise UserError("; ".join(map(str, problems)))
    made = make_generator(Plugin(name=generator, options=given))
    report = check_generator(made, thorough=thorough)
    typer.echo(str(report))
    num_failed = len(report.failed)
    if num_failed:
        typer.echo(f"{num_failed} of {len(report.results)} checks failed", err=True)
        raise typer.Exit(1)
    typer.echo(f"all {len(report.results)} checks hold")


def _entry_points(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=f"taskgen.{group}"), key=lambda point: point.name)


def _listed(point: EntryPoint) -> list[str]:
    """Returns name, first line of the docstring, and error of a plug-in.

    Ours are read, not imported, which would take seconds for a line of text; those of others are
    imported, to tell whether they can be.
    """
    try:
        ours = point.dist is not None and point.dist.name == _OWN_DISTRIBUTION
        text = _read_docstring(point.module, point.attr) if ours else point.load().__doc__
        missing = _missing(point.module) if ours else ""
    except Exception as error:
        return [point.name, "", f"{type(error).__name__}: {error}"]
    return [point.name, (text or "").strip().partition("\n")[0], missing]


def _missing(module: str) -> str:
    """Returns what a module of ours lacks on this machine: what its NEEDS names and is not there.

    NEEDS is a dict of literals, importable module → where it comes from.
    """
    tree = ast.parse(_source_of(module).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NEEDS":
            needs: dict[str, str] = ast.literal_eval(node.value)
            lacking = [text for name, text in needs.items() if not importlib.util.find_spec(name)]
            return f"not installed: {', '.join(lacking)}" if lacking else ""
    return ""


def _read_docstring(module: str, name: str) -> str | None:
    """Returns the docstring of a class where it is defined, or where the module has it from.

    Of a class that a call makes (`Name = family(…, "docstring")`) it is the call's last text.
    """
    tree = ast.parse(_source_of(module).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return ast.get_docstring(node)
        if isinstance(node, ast.Assign) and name in [ast.unparse(t) for t in node.targets]:
            return _last_text(node.value)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _read_docstring(node.module, alias.name)
    raise ImportError(f"{module} defines no class {name}")


def _last_text(value: ast.expr) -> str | None:
    arguments = value.args if isinstance(value, ast.Call) else []
    texts = [a.value for a in arguments if isinstance(a, ast.Constant) and type(a.value) is str]
    return texts[-1] if texts else None


def _source_of(module: str) -> Path:
    """Returns the file of a module without importing its packages, as `find_spec` would."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    for base in (spec.submodule_search_locations if spec else None) or ():
        path = Path(base, *rest)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    raise ImportError(f"there is no module {module}")
