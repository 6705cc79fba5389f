"""From a section of the campaign file to a working plug-in.

A `Plugin` section is a name and options. The options are checked against what the class says it
takes: the fields of its `Config` dataclass (learners, curricula, searches), or the arguments of
its constructor (generators). What the file leaves out is filled in, so that a saved configuration
says everything.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from curricula.campaigns.config.errors import ConfigErrors, Problem, validated
from curricula.campaigns.config.schema import Plugin
from taskgen.registry import resolve

if TYPE_CHECKING:
    from curricula.curriculum import Curriculum
    from curricula.search import DistributionSearch
    from learners.learner import Learner
    from taskgen.generator import TaskGenerator

GROUP_OF = {
    "generator": "generators",
    "learner": "learners",
    "curriculum": "curricula",
    "search": "searches",
}
"""Section of the campaign file → group of the registry."""

_KEYWORD = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def make_generator(plugin: Plugin) -> TaskGenerator:
    """Returns the generator of a section.

    Raises:
        UnknownPlugin: if there is no such generator.
        ConfigErrors: if an option is unknown, missing or of the wrong kind.
    """
    cls = resolve("generators", plugin.name)
    return build(cls, plugin.options)


def make_learner(plugin: Plugin, generator: TaskGenerator, seed: int) -> Learner:
    """Returns the learner of a section, for the spaces of a generator, untrained.

    Raises:
        UnknownPlugin: if there is no such learner.
        ConfigErrors: if an option is unknown, missing or of the wrong kind.
    """
    cls = resolve("learners", plugin.name)
    config = build(cls.Config, plugin.options)
    return cls(*spaces_of(generator), config, seed)


def spaces_of(generator: TaskGenerator) -> list[Any]:
    """Returns the spaces that a generator's learners are made for, None where it has none.

    Of observations and actions; of problems those of inputs and targets.
    """
    names = {"problem": ("input_space", "target_space")}
    of_kind = names.get(generator.kind, ("observation_space", "action_space"))
    return [getattr(generator, name, None) for name in of_kind]


def make_curriculum(plugin: Plugin) -> Curriculum:
    """Returns the curriculum of a section.

    Raises:
        UnknownPlugin: if there is no such curriculum.
        ConfigErrors: if an option is unknown, missing or of the wrong kind.
    """
    cls = resolve("curricula", plugin.name)
    return cls(build(cls.Config, plugin.options))


def make_search(plugin: Plugin, journal: Path | None = None) -> DistributionSearch:
    """Returns the search of a section; `journal` is the file for its own record.

    Raises:
        UnknownPlugin: if there is no such search.
        ConfigErrors: if an option is unknown, missing or of the wrong kind.
    """
    cls = resolve("searches", plugin.name)
    return cls(build(cls.Config, plugin.options), journal)


def settings_of(section: str, cls: type[Any]) -> Callable[..., Any]:
    """Returns what a plug-in's options are the arguments of: its `Config`, or the class itself."""
    return cls if section == "generator" else cls.Config


def resolved_options(settings: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Returns all options with defaults filled in, as plain values for the saved configuration.

    Raises:
        ConfigErrors: with every option that is unknown, missing or of the wrong kind.

    Example:
        >>> from fractions import Fraction
        >>> resolved_options(Fraction, {"denominator": 3})
        {'numerator': 0, 'denominator': 3}
    """
    model, problems = validated(options_model(settings), options)
    if model is None or problems:
        raise ConfigErrors(settings.__name__, problems)
    return model.model_dump(mode="json")


def build(settings: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Returns `settings(**options)` with the options checked and converted first.

    Raises:
        ConfigErrors: with every option that is unknown, missing, of the wrong kind, or refused by
            the class itself.
    """
    made, problems = attempt(settings, options)
    if problems:
        raise ConfigErrors(settings.__name__, problems)
    return made


def attempt(settings: Callable[..., Any], options: dict[str, Any]) -> tuple[Any, list[Problem]]:
    """Returns what the options that are right make, and all that is wrong with the others.

    An option is at fault where the class refuses it by name ("gamma must lie in [0, 1], …"); it is
    left out, and the rest tried again. None where something is missing, or where the class refuses
    what comes together.
    """
    model, problems = validated(options_model(settings), options)
    if model is None:
        return None, problems
    given = {name: getattr(model, name) for name in options if name in model.model_fields_set}
    while True:
        try:
            return settings(**given), problems
        except ValueError as error:
            name, _, rule = str(error).removesuffix(".").partition(" ")
        if name not in given:
            return None, [*problems, Problem("", f"{name} {rule}".strip())]
        problems.append(Problem(name, rule))
        del given[name]
        if name in _required(settings):
            return None, problems


def _required(settings: Callable[..., Any]) -> set[str]:
    arguments = inspect.signature(settings).parameters
    return {name for name, each in arguments.items() if each.default is inspect.Parameter.empty}


def options_model(settings: Callable[..., Any]) -> type[BaseModel]:
    """Returns a pydantic model of the keyword arguments that a class or function takes."""
    hints = _hints(settings)
    factories = _default_factories(settings)
    fields: dict[str, Any] = {}
    extra = "forbid"
    for name, argument in inspect.signature(settings).parameters.items():
        if argument.kind is inspect.Parameter.VAR_KEYWORD:
            extra = "allow"
        elif argument.kind in _KEYWORD:
            fields[name] = (hints.get(name, Any), _default(argument, factories.get(name)))
    config = ConfigDict(extra=extra, arbitrary_types_allowed=True, protected_namespaces=())  # type: ignore[typeddict-item]
    return create_model(settings.__name__, __config__=config, **fields)


def _default(argument: inspect.Parameter, factory: Callable[[], Any] | None) -> Any:
    if factory is not None:
        return Field(default_factory=factory)
    return ... if argument.default is inspect.Parameter.empty else argument.default


def _default_factories(settings: Callable[..., Any]) -> dict[str, Callable[[], Any]]:
    if not dataclasses.is_dataclass(settings):
        return {}
    missing = dataclasses.MISSING
    found = {field.name: field.default_factory for field in dataclasses.fields(settings)}
    return {name: factory for name, factory in found.items() if factory is not missing}


def _hints(settings: Callable[..., Any]) -> dict[str, Any]:
    """Returns the annotations; none where they name what only a type checker imports."""
    source = settings if dataclasses.is_dataclass(settings) else settings.__init__
    try:
        return get_type_hints(source, include_extras=True)
    except (NameError, TypeError):
        return {}
