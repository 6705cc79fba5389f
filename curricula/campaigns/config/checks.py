"""What only the plug-ins can say about a campaign file: options, parameters, values, fits.

`check` works on the file as it was written, section by section, so that a mistake in one does not
hide the mistakes in another. It returns problems; it raises nothing and starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from curricula.campaigns.config.errors import Problem, suggestion
from curricula.campaigns.config.plugins import (
    GROUP_OF,
    attempt,
    resolved_options,
    settings_of,
    spaces_of,
)
from curricula.campaigns.config.regions import (
    MAX_DEFAULT_MOVABLE,
    can_be_active,
    movable,
    start_distribution,
    target_distribution,
)
from curricula.campaigns.config.schema import CampaignConfig, LifetimeConfig, Plugin
from taskgen.generator import ProblemGenerator, TaskGenerator
from taskgen.parameter_space import OutOfSpace, ParameterSpace
from taskgen.regions import parse
from taskgen.registry import UnknownPlugin, resolve
from taskgen.watchdog import time_limit

_PATIENCE_S = 240.0  # for code of others; the first environment may have much to compile


def check(raw: Mapping[str, Any]) -> list[Problem]:
    """Returns what is wrong with the plug-ins of a file and with what is said of their tasks."""
    problems: list[Problem] = []
    made = {section: _made(section, raw, problems) for section in GROUP_OF}
    generator, learner = made["generator"], made["learner"]
    if generator and learner:
        problems += _fit(*generator, *learner)
    if generator is not None:
        space: ParameterSpace = generator[1].space
        for section in ("start", "target"):
            problems += check_regions(section, raw.get(section), space)
        problems += _check_movable_names(raw.get("movable"), space)
        problems += _check_score(raw, generator[1])
        problems += _check_lifetime(raw, generator[1])
    return problems


def check_movable(config: CampaignConfig, generator: TaskGenerator) -> list[Problem]:
    """Returns what is wrong with the parameters that may move; all else must be right already."""
    names = movable(config, generator)
    if resolve("searches", config.search.name).decides and config.generation.num_candidates:
        return [
            Problem(
                "generation.num_candidates",
                f"{config.search.name} decides by itself where training goes on, so that there is "
                f"nothing to compare; set it to 0, one learner and no forks",
            )
        ]
    if config.movable is not None:
        return _check_listed(config, generator.space)
    if len(names) > MAX_DEFAULT_MOVABLE:
        return [
            Problem(
                "movable",
                f"{len(names)} parameters would move ({', '.join(names)}), which is more than a "
                f"search can tell apart in a few candidates; list those that may, "
                f"{MAX_DEFAULT_MOVABLE} or fewer if you can",
            )
        ]
    if not names and config.search.name != "fixed":
        where = "has no open-ended parameters" if config.target is None else "is where it starts"
        return [
            Problem(
                "movable",
                f"the search has nothing to move, as the campaign {where}; give another target, "
                f"list parameters in movable, or take search: fixed",
            )
        ]
    return []


def resolved(section: str, plugin: Plugin) -> Plugin:
    """Returns the section with every option of its plug-in filled in."""
    settings = settings_of(section, resolve(GROUP_OF[section], plugin.name))
    return Plugin(name=plugin.name, options=resolved_options(settings, plugin.options))


def check_regions(section: str, regions: Any, space: ParameterSpace) -> list[Problem]:
    """Returns what is wrong with values or intervals by parameter; no mapping, no problem here."""
    problems: list[Problem] = []
    for name, value in regions.items() if isinstance(regions, Mapping) else ():
        path = f"{section}.{name}" if section else str(name)
        if name not in space:
            problems.append(Problem(path, f"is no parameter here{suggestion(str(name), space)}"))
            continue
        try:
            parse(name, space[name], value)
        except OutOfSpace as error:
            problems.append(Problem(path, str(error).removeprefix(f"{name} ").removesuffix(".")))
    return problems


def _made(section: str, raw: Mapping[str, Any], problems: list[Problem]) -> tuple[Any, Any] | None:
    """Returns the class of a section and what its options make, None if they make nothing."""
    given = raw.get(section, CampaignConfig.model_fields[section].get_default())
    try:
        plugin = Plugin.model_validate(given)
    except ValidationError:
        return None
    try:
        cls = resolve(GROUP_OF[section], plugin.name)
        made, wrong = attempt(settings_of(section, cls), plugin.options)
    except UnknownPlugin as error:
        problems.append(Problem(f"{section}.name", str(error)))
        return None
    except Exception as error:
        problems.append(Problem(section, f"{plugin.name} cannot be made: {error!r}"))
        return None
    problems += [problem.under(f"{section}.options") for problem in wrong]
    return None if made is None else (cls, made)


def _fit(
    generator_class: type[Any], generator: TaskGenerator, learner_class: type[Any], config: Any
) -> Iterator[Problem]:
    """Yields why the learner cannot play these tasks; it is built to know."""
    del generator_class
    kinds = sorted(learner_class.kinds)
    if generator.kind not in kinds:
        yield Problem(
            "learner.name",
            f"{learner_class.__name__} learns from tasks of the kind {' or '.join(kinds)}, "
            f"{generator.name} makes {generator.kind}; choose another learner or generator",
        )
        return
    section, doing = "generator", f"{generator.name} cannot say its spaces"
    try:
        with time_limit(_PATIENCE_S):
            spaces = spaces_of(generator)
        section = "learner"
        doing = f"{learner_class.__name__} cannot be made for {generator.name}"
        learner_class(*spaces, config, 0)
    except Exception as error:
        yield Problem(section, f"{doing}: {error}")


def _check_score(raw: Mapping[str, Any], generator: TaskGenerator) -> Iterator[Problem]:
    evaluation = raw.get("evaluation")
    score = evaluation.get("score") if isinstance(evaluation, Mapping) else None
    if score == "last_success" and not generator.has_success:
        yield Problem(
            "evaluation.score",
            f"last_success needs tasks that can succeed, and success has no meaning in "
            f"{generator.name}; take mean_return or last_return",
        )


def _check_lifetime(raw: Mapping[str, Any], generator: TaskGenerator) -> Iterator[Problem]:
    is_default = raw.get("lifetime") in (None, {}, LifetimeConfig().model_dump(mode="json"))
    if not is_default and isinstance(generator, ProblemGenerator):
        yield Problem(
            "lifetime",
            f"the tasks of {generator.name} are problems, which have no episodes: the support set "
            f"is what is adapted to; take the section out",
        )


def _check_movable_names(names: Any, space: ParameterSpace) -> Iterator[Problem]:
    for i, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str) and name not in space:
            yield Problem(f"movable[{i}]", f"{name} is no parameter{suggestion(name, space)}")


def _check_listed(config: CampaignConfig, space: ParameterSpace) -> list[Problem]:
    start, target = start_distribution(config, space), target_distribution(config, space)
    problems = []
    for i, name in enumerate(config.movable or []):
        if name in (config.movable or [])[:i]:
            problems.append(Problem(f"movable[{i}]", f"{name} stands twice; keep one"))
        elif not can_be_active(name, start, target):
            when = ", ".join(
                f"{k} in {list(v)}" for k, v in (space[name].active_when or {}).items()
            )
            problems.append(
                Problem(
                    f"movable[{i}]",
                    f"{name} has no effect in these tasks, only with {when}; "
                    f"take it out, or let start or target have that",
                )
            )
    return problems
