"""Looking at tasks and moving them as JSON: `sample`, `show`, `export`, `import`."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from curricula.campaigns.checkpoint import CampaignStore, campaign_folder, campaign_names
from curricula.campaigns.commands.common import (
    DEFAULT_ROOT,
    CampaignName,
    Root,
    UserError,
    committed_tasks,
    print_table,
)
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.distribution import TaskDistribution
    from taskgen.generator import TaskGenerator

_MIN_PREFIX = 4
_KINDS = (".png", ".html", ".jsonl")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(sample)
    app.command()(show)
    app.command()(export)
    app.command("import")(import_)


def sample(
    generator: Annotated[str, typer.Argument(help="registered name, or module:Class")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[key=value]…", help="parameters, as in size=[5,9], and constructor options"
        ),
    ] = None,
    num: Annotated[int, typer.Option(min=1, max=10_000, help="tasks to draw")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="of the draw")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="FILE.png, FILE.html (pictures) or FILE.jsonl (the tasks)")
    ] = None,
) -> None:
    """Draw tasks without training on them; what is not named stays at its default."""
    if out is not None and out.suffix not in _KINDS:
        raise UserError(f"--out must end in {', '.join(_KINDS)}, got {out}.")
    made, distribution = _parsed(generator, settings or ())
    from taskgen.splits import TaskSource

    source = TaskSource(made, None, salt="")
    tasks = list(source.make(distribution, num, np.random.default_rng(seed)))
    if source.draws.invalid or source.draws.failed:
        lost = source.draws.invalid + source.draws.failed
        typer.echo(f"{lost} more were drawn that cannot be played.")
    if out is None:
        _print_sample(made, distribution, tasks)
    else:
        _write(out, made, tasks, f"{made.name}, seed {seed}", " ".join(settings or ()))


def show(
    task_id: Annotated[str, typer.Argument(help="id of a task, or its first characters")],
    root: Root = DEFAULT_ROOT,
    out: Annotated[Path | None, typer.Option(help="FILE.png: a picture instead of JSON")] = None,
) -> None:
    """Print a task that some campaign committed, as JSON."""
    task = _find_task(task_id, root)
    if out is None:
        typer.echo(json.dumps(task, indent=1, ensure_ascii=False))
        return
    _write(out, _generator_of(task["generator"]), [Task.from_json(task)], task["generator"], "")


def export(
    campaign: CampaignName,
    out: Annotated[Path, typer.Option(help="the file, one task a line (JSON lines)")] = Path(
        "tasks.jsonl"
    ),
    generation: Annotated[
        int | None, typer.Option(min=0, help="only the tasks of this generation")
    ] = None,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Write the tasks that a campaign's commits hold to a file."""
    store = CampaignStore(campaign_folder(campaign, root))
    found = [
        (number, task)
        for number, task in committed_tasks(store)
        if generation is None or number == generation
    ]
    if not found:
        raise UserError(f"{campaign} holds no tasks of generation {generation}; see its status.")
    unique = {task["id"]: task for _, task in found}
    _write_lines(out, unique.values())
    typer.echo(f"{len(unique)} tasks written to {out}")


def import_(
    file: Annotated[Path, typer.Argument(help="one task a line, as export and sample write them")],
    salt: Annotated[str, typer.Option(help="of the split, splits.salt of a campaign")] = "taskgen",
    out: Annotated[Path | None, typer.Option(help="FILE.png or .html: pictures of them")] = None,
) -> None:
    """Read tasks from a file, check every one, and say what they are and in which split."""
    tasks, problems = _read_lines(file)
    generators = {name: _generator_of(name) for name in sorted({task.generator for task in tasks})}
    for task in tasks:
        problems += _wrong_with(task, generators[task.generator])
    if problems:
        shown = "\n".join(f"  {problem}" for problem in problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UserError(f"{file} has {len(problems)} errors:\n{shown}{more}")
    _print_imported(tasks, generators, salt)
    if out is not None:
        if len(generators) > 1:
            raise UserError(f"pictures are of one family, {file} has {', '.join(generators)}.")
        _write(out, next(iter(generators.values())), tasks, file.name, "")


def _parsed(name: str, settings: Sequence[str]) -> tuple[TaskGenerator, TaskDistribution]:
    """Returns the generator and the distribution that key=value settings mean."""
    from curricula.campaigns.config import Plugin
    from curricula.campaigns.config_checks import check_regions
    from curricula.campaigns.config_errors import ConfigErrors
    from curricula.campaigns.config_files import apply_overrides
    from curricula.campaigns.plugins import make_generator
    from taskgen.distribution import TaskDistribution
    from taskgen.registry import resolve

    raw: dict[str, Any] = {}
    problems = apply_overrides(raw, settings)
    arguments = inspect.signature(resolve("generators", name)).parameters
    options = {key: raw.pop(key) for key in list(raw) if key in arguments}
    generator = make_generator(Plugin(name=name, options=options))
    problems += check_regions("", raw, generator.space)
    if problems:
        raise ConfigErrors(f"the sample of {name}", problems)
    return generator, TaskDistribution.make(generator.space, raw)


def _print_sample(
    generator: TaskGenerator, distribution: TaskDistribution, tasks: Sequence[Task]
) -> None:
    from curricula.campaigns.words import region_text
    from taskgen.parameters import describe_bounds

    drawn = distribution.to_json()["regions"]
    print_table(
        ["parameter", "drawn from", "may be", "what it is"],
        [
            [name, region_text(drawn[name]), describe_bounds(parameter), parameter.doc]
            for name, parameter in generator.space.items()
        ],
    )
    from curricula.campaigns.pictures import task_features

    features = task_features(generator, tasks)
    rows = []
    for key in dict.fromkeys(key for row in features for key in row):
        values = [row[key] for row in features if key in row]
        rows.append([key, *(f"{f(values):.4g}" for f in (min, np.mean, max))])
    typer.echo()
    if not rows:
        typer.echo(f"{generator.name} describes none of these tasks in numbers.")
    print_table([f"of {len(tasks)} tasks", "lowest", "mean", "highest"], rows)
    typer.echo("--out FILE.png or FILE.html shows them, --out FILE.jsonl keeps them")


def _write(
    out: Path, generator: TaskGenerator, tasks: Sequence[Task], title: str, subtitle: str
) -> None:
    from curricula.campaigns.pictures import contact_sheet, task_captions, task_pictures

    if out.suffix == ".jsonl":
        _write_lines(out, (task.to_json() for task in tasks))
    elif out.suffix == ".html":
        from curricula.campaigns.gallery import gallery

        pictures = task_pictures(generator, tasks)
        out.write_text(gallery(generator, tasks, pictures, title, subtitle), encoding="utf-8")
    elif out.suffix == ".png":
        varying = [k for k in generator.space if len({task.params[k] for task in tasks}) > 1]
        captions = task_captions(generator, tasks, varying or list(generator.space)[:2])
        contact_sheet(task_pictures(generator, tasks), captions).save(out)
    else:
        raise UserError(f"a file of tasks must end in {', '.join(_KINDS)}, got {out}.")
    typer.echo(f"{len(tasks)} task{'s' if len(tasks) != 1 else ''} written to {out}")


def _write_lines(out: Path, tasks: Iterable[dict[str, Any]]) -> None:
    lines = [json.dumps(task, allow_nan=False, ensure_ascii=False) + "\n" for task in tasks]
    out.write_text("".join(lines), encoding="utf-8")


def _find_task(prefix: str, root: Path) -> dict[str, Any]:
    if len(prefix) < _MIN_PREFIX:
        raise UserError(f"give at least {_MIN_PREFIX} characters of the id, got {prefix!r}.")
    found: dict[str, dict[str, Any]] = {}
    for name in campaign_names(root):
        for _, task in committed_tasks(CampaignStore(root / "campaigns" / name)):
            if task["id"].startswith(prefix):
                found[task["id"]] = task
    if len(found) > 1:
        some = ", ".join(sorted(task_id[: len(prefix) + 8] for task_id in found)[:5])
        raise UserError(f"{len(found)} tasks begin with {prefix!r} ({some} …); give more of it.")
    if not found:
        raise UserError(
            f"no commit under {root} holds a task {prefix!r}; ids stand in MLflow on each "
            f"generation, and `taskgen export CAMPAIGN` writes them to a file."
        )
    return next(iter(found.values()))


def _generator_of(name: str) -> TaskGenerator:
    """Returns the generator of a task, with default options: all that drawing a task needs."""
    from curricula.campaigns.config import Plugin
    from curricula.campaigns.plugins import make_generator

    return make_generator(Plugin(name=name))


def _read_lines(file: Path) -> tuple[list[Task], list[str]]:
    """Returns the tasks of a file and what is wrong with its other lines."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    tasks, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            if not isinstance(data, dict):
                raise ValueError(f"a task is a JSON object, got {type(data).__name__}")
            tasks.append(Task.from_json(data))
        except (ValueError, TypeError) as error:
            problems.append(f"line {number}: {error}")
    if not tasks and not problems:
        problems.append("the file holds no task")
    return tasks, problems


def _wrong_with(task: Task, generator: TaskGenerator) -> list[str]:
    """Returns why a task is not one of its generator; nothing where it is."""
    short = task.id[:12]
    if task.version != generator.version:
        return [
            f"{short}: made by version {task.version} of {task.generator}, this is version "
            f"{generator.version}"
        ]
    try:
        generator.space.validate(task.params)
        validity = generator.is_valid(task)
    except Exception as error:
        return [f"{short}: {error}"]
    return [] if validity else [f"{short}: {validity.reason}"]


def _print_imported(tasks: Sequence[Task], generators: dict[str, TaskGenerator], salt: str) -> None:
    from taskgen.splits import SPLITS, split_of

    rows = []
    for name, generator in generators.items():
        mine = [task for task in tasks if task.generator == name]
        splits = Counter(split_of(generator.canonical(task), salt) for task in mine)
        num_ids = len({task.id for task in mine})
        num_forms = len({generator.canonical(task) for task in mine})
        counts = [len(mine), num_ids, num_forms, *(splits[split] for split in SPLITS)]
        rows.append([name, *map(str, counts)])
    print_table(["generator", "tasks", "ids", "different", *SPLITS], rows)
