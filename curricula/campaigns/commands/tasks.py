"""Looking at tasks and moving them as JSON: `sample`, `show`, `export`, `import`."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from curricula.campaigns.commands.common import (
    CampaignName,
    Root,
    UserError,
    committed_tasks,
    print_table,
    require_folder,
)
from curricula.campaigns.commands.finding import find_task
from curricula.campaigns.config.schema import Plugin
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_folder
from curricula.campaigns.store.task_files import (
    TaskSet,
    problems_of,
    read_tasks,
    refuse,
    write_tasks,
)
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.distribution import TaskDistribution
    from taskgen.generator import TaskGenerator

_KINDS = (".png", ".html", ".jsonl")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(sample)
    app.command()(show)
    app.command()(export)
    app.command("import")(import_)


def sample(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="registered name, or module:Class")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="a parameter (size=9, size=[5,9], layout=rooms, layout=[rooms,wilson]) or an "
            "option of the generator (num_arms=3); what is not named stays at its default",
        ),
    ] = None,
    num: Annotated[int, typer.Option(min=1, max=10_000, help="tasks to draw")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="of the draw")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=".png, .html: pictures; .jsonl: the tasks themselves"),
    ] = None,
) -> None:
    """Draw tasks and look at them, without training.

    Without --out it prints the parameters, where they are drawn from and what they may be, and
    what the tasks come to in numbers.

    \b
    taskgen sample maze-v1
    taskgen sample maze-v1 size=[5,31] layout=rooms --num 9 --out mazes.png
    """  # noqa: D301 - a real backspace keeps the lines of the block
    if out is not None and out.suffix not in _KINDS:
        raise UserError(f"--out must end in {', '.join(_KINDS)}, got {out}.")
    require_folder(out)
    made, distribution = _parsed(generator, settings or ())
    from taskgen.source import TaskSource

    source = TaskSource(made, None, salt="")
    tasks = list(source.make(distribution, num, np.random.default_rng(seed)))
    if source.draws.invalid or source.draws.failed:
        lost = source.draws.invalid + source.draws.failed
        typer.echo(f"{lost} more were drawn that cannot be played.")
    num_distinct = len({task.id for task in tasks})
    if num_distinct < len(tasks):
        typer.echo(f"{num_distinct} of {len(tasks)} differ; KEY=[LOW,HIGH] widens a parameter.")
    if out is None:
        _print_sample(made, distribution, tasks)
    else:
        write_pictures(out, made, tasks, f"{made.name}, seed {seed}", " ".join(settings or ()))


def show(
    task_id: Annotated[str, typer.Argument(help="id of a task, or its first characters")],
    root: Root = DEFAULT_ROOT,
    out: Annotated[Path | None, typer.Option(help="FILE.png: a picture instead of JSON")] = None,
) -> None:
    """Print a task as JSON, or draw it.

    One that a campaign committed, one that could not be played (with the reason), or one that was
    imported.
    """
    require_folder(out)
    found = find_task(task_id, root)
    typer.echo(f"{found.task_id[:12]}: {found.where}", err=True)
    if found.reason:
        typer.echo(f"it could not be played:\n{found.reason.rstrip()}", err=True)
    if found.task is None:
        raise UserError("of this task nothing but its id and this reason was kept.")
    if out is None:
        typer.echo(json.dumps(found.task, indent=1, ensure_ascii=False))
        return
    task = Task.from_json(found.task)
    write_pictures(
        out, _made(found.generator or Plugin(name=task.generator)), [task], task.generator, ""
    )


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
    """Write the tasks of a campaign's commits to a file."""
    require_folder(out)
    store = CampaignStore(campaign_folder(campaign, root))
    found = [
        (number, task)
        for number, task in committed_tasks(store)
        if generation is None or number == generation
    ]
    if not found:
        raise UserError(f"{campaign} holds no tasks of generation {generation}; see its status.")
    unique = {task["id"]: task for _, task in found}
    write_tasks(out, unique.values())
    typer.echo(f"{len(unique)} tasks written to {out}")


def import_(
    file: Annotated[Path, typer.Argument(help="one task a line, as export and sample write them")],
    name: Annotated[str | None, typer.Option(help="of the set; the file's by default")] = None,
    campaign: Annotated[
        str | None, typer.Option(help="one whose generator's options and split the tasks have")
    ] = None,
    salt: Annotated[str, typer.Option(help="of the split, splits.salt of a campaign")] = "taskgen",
    out: Annotated[Path | None, typer.Option(help="FILE.png or .html: pictures of them")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check them, keep nothing")] = False,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Check tasks from a file, and keep them.

    Says in which split they are, and keeps them as a named set, which `show` and `evaluate --tasks`
    know.
    """
    require_folder(out)
    tasks, problems = read_tasks(file)
    plugins = {task.generator: Plugin(name=task.generator) for task in tasks}
    if campaign is not None:
        config = CampaignStore(campaign_folder(campaign, root)).config()
        salt = config.splits.salt
        plugins |= {_made(config.generator).name: config.generator}
    generators = {name: _made(plugins[name]) for name in sorted({t.generator for t in tasks})}
    for key, generator in generators.items():
        problems += problems_of([task for task in tasks if task.generator == key], generator)
    refuse(str(file), problems)
    _print_imported(tasks, generators, salt)
    if out is not None:
        if len(generators) > 1:
            raise UserError(f"pictures are of one family, {file} has {', '.join(generators)}.")
        write_pictures(out, next(iter(generators.values())), tasks, file.name, "")
    if not dry_run:
        _keep(TaskSet(name or file.stem, {key: plugins[key] for key in generators}, tasks), root)


def _keep(tasks: TaskSet, root: Path) -> None:
    """Keeps each task once, and says what can be done with them."""
    unique = list({task.id: task for task in tasks.tasks}.values())
    path = replace(tasks, tasks=unique).save(root)
    option = "" if root == DEFAULT_ROOT else f" --root {root}"
    typer.echo(f"{len(unique)} tasks kept in {path}:")
    typer.echo(f"  taskgen show {unique[0].id[:12]}{option}")
    typer.echo(f"  taskgen evaluate CAMPAIGN --tasks {tasks.name}{option}")


def _parsed(name: str, settings: Sequence[str]) -> tuple[TaskGenerator, TaskDistribution]:
    """Returns the generator and the distribution that key=value settings mean."""
    from curricula.campaigns.config.checks import check_regions
    from curricula.campaigns.config.errors import ConfigErrors
    from curricula.campaigns.config.files import apply_overrides
    from curricula.campaigns.config.plugins import make_generator
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
    from curricula.campaigns.sight.words import region_text
    from taskgen.parameters import describe_bounds

    drawn = distribution.to_json()["regions"]
    print_table(
        ["parameter", "drawn from", "may be", "what it is"],
        [
            [name, region_text(drawn[name]), describe_bounds(parameter), parameter.doc]
            for name, parameter in generator.space.items()
        ],
    )
    from curricula.campaigns.sight.task_pictures import task_features

    features = task_features(generator, tasks)
    rows = []
    for key in dict.fromkeys(key for row in features for key in row):
        values = [row[key] for row in features if key in row]
        rows.append([key, *(f"{f(values):z.4g}" for f in (min, np.mean, max))])
    typer.echo()
    if not rows:
        typer.echo(f"{generator.name} describes none of these tasks in numbers.")
    print_table([f"of {len(tasks)} tasks", "lowest", "mean", "highest"], rows)
    typer.echo("--out FILE.png or FILE.html shows them, --out FILE.jsonl keeps them")


def write_pictures(
    out: Path, generator: TaskGenerator, tasks: Sequence[Task], title: str, subtitle: str
) -> None:
    """Writes tasks to a file by its ending: .png and .html pictures, .jsonl the tasks."""
    from curricula.campaigns.sight.task_pictures import contact_sheet, task_captions, task_pictures

    if out.suffix == ".jsonl":
        write_tasks(out, (task.to_json() for task in tasks))
    elif out.suffix == ".html":
        from curricula.campaigns.sight.gallery import gallery

        out.write_text(gallery(generator, tasks, title, subtitle), encoding="utf-8")
    elif out.suffix == ".png":
        captions = task_captions(generator, tasks, list(generator.space))
        contact_sheet(task_pictures(generator, tasks), captions).save(out)
    else:
        raise UserError(f"a file of tasks must end in {', '.join(_KINDS)}, got {out}.")
    typer.echo(f"{len(tasks)} task{'s' if len(tasks) != 1 else ''} written to {out}")


def _made(plugin: Plugin) -> TaskGenerator:
    from curricula.campaigns.config.plugins import make_generator

    return make_generator(plugin)


def _print_imported(tasks: Sequence[Task], generators: dict[str, TaskGenerator], salt: str) -> None:
    from taskgen.splits import SPLITS, split_at

    rows = []
    for name, generator in generators.items():
        mine = [task for task in tasks if task.generator == name]
        splits = Counter(split_at(generator.split_position(task, salt)) for task in mine)
        num_ids = len({task.id for task in mine})
        num_forms = len({generator.canonical(task) for task in mine})
        counts = [len(mine), num_ids, num_forms, *(splits[split] for split in SPLITS)]
        rows.append([name, *map(str, counts)])
    print_table(["generator", "tasks", "ids", "different", *SPLITS], rows)
