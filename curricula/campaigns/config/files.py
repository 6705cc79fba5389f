"""Campaign files: from YAML and overrides to a configuration that can run, and back.

`load` reads a file or a preset, applies `key.sub=value` overrides, and checks everything that can
be checked without starting anything. Whatever is wrong is told at once, as one `ConfigErrors`.
The configuration it returns is complete: every default is written out, plug-in options too.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from curricula.campaigns.config import strict_yaml
from curricula.campaigns.config.checks import check, check_movable, resolved
from curricula.campaigns.config.errors import ConfigErrors, Problem, suggestion, validated
from curricula.campaigns.config.plugins import GROUP_OF, make_generator
from curricula.campaigns.config.regions import movable, start_distribution, target_distribution
from curricula.campaigns.config.schema import CampaignConfig, Plugin

__all__ = [
    "ConfigErrors",
    "dump",
    "is_preset",
    "load",
    "loads",
    "movable",
    "presets",
    "start_distribution",
    "target_distribution",
]


def load(path_or_preset: str | Path, overrides: Iterable[str] = ()) -> CampaignConfig:
    """Returns the resolved configuration of a campaign file or preset.

    Args:
        path_or_preset: a file, or the name of a preset (`presets()`).
        overrides: "key.sub=value", the value read as YAML: "start.size=[5, 9]".

    Raises:
        ConfigErrors: with everything that is wrong.
    """
    source, text = _read(path_or_preset)
    return loads(text, overrides, source)


def loads(text: str, overrides: Iterable[str] = (), source: str = "the campaign") -> CampaignConfig:
    """Returns the resolved configuration of a YAML text; `source` names it in errors.

    Raises:
        ConfigErrors: with everything that is wrong.
    """
    raw, problems = _parsed(text)
    if raw is not None:
        problems += apply_overrides(raw, overrides)
        config = _validated(raw, problems)
        if config is not None and not problems:
            return config
    raise ConfigErrors(source, problems)


def dump(config: CampaignConfig) -> str:
    """Returns the configuration as YAML; `loads(dump(config)) == config`."""
    return strict_yaml.dump(config.model_dump(mode="json"))


def presets() -> dict[str, str]:
    """Returns the ready campaigns, each with the first line of its comment."""
    found = {}
    for entry in sorted(_preset_folder().iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            first = entry.read_text(encoding="utf-8").partition("\n")[0]
            found[entry.name.removesuffix(".yaml")] = first.lstrip("# ").strip()
    return found


def is_preset(name: str | Path) -> bool:
    """Whether a name means a preset: there is one, and no file of that name."""
    return not Path(name).is_file() and str(name) in presets()


def apply_overrides(raw: dict[str, Any], overrides: Iterable[str]) -> list[Problem]:
    """Puts "key.sub=value" overrides into a raw configuration; returns those that do not fit.

    Example:
        >>> raw = {"budget": {"hours": 1}}
        >>> apply_overrides(raw, ["budget.hours=2", "start.size=[5, 9]", "seed"])
        [Problem(path='seed', message='an override is written key.sub=value')]
        >>> raw
        {'budget': {'hours': 2}, 'start': {'size': [5, 9]}}
    """
    problems = []
    for override in overrides:
        path, sign, text = override.partition("=")
        if not sign or not all(path.split(".")):
            problems.append(Problem(path, "an override is written key.sub=value"))
            continue
        try:
            problems += _put(raw, path, strict_yaml.parse(text))
        except strict_yaml.BadYaml as error:
            told = [problem.message.removeprefix("line 1: ") for problem in error.problems]
            problems += [Problem(path, f"{text!r}: {message}") for message in told]
    return problems


def _parsed(text: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Returns what the text says, if anything can be read at all, and what is wrong with it."""
    try:
        raw, problems = strict_yaml.parse(text), []
    except strict_yaml.BadYaml as error:
        raw, problems = error.value, error.problems
    if not isinstance(raw, dict) and not problems:
        shown = "nothing" if raw is None else f"a {type(raw).__name__}"
        problems = [Problem("", f"a campaign file holds key: value, got {shown}")]
    return (raw if isinstance(raw, dict) else None), problems


def _put(raw: dict[str, Any], path: str, value: Any) -> list[Problem]:
    *parents, last = path.split(".")
    section = raw
    for depth, key in enumerate(parents):
        inner = section.get(key)
        if isinstance(inner, str) and key in GROUP_OF:
            inner = {"name": inner}
        elif inner is None:
            inner = _default_plugin(key) if depth == 0 else {}
        if not isinstance(inner, dict):
            where = ".".join(parents[: depth + 1])
            return [Problem(path, f"cannot be set, as {where} is {inner!r} and has no keys")]
        section[key] = inner
        section = inner
    section[last] = value
    return []


def _default_plugin(section: str) -> dict[str, Any]:
    """Returns a section that only names its default plug-in, for an override of its options."""
    default = CampaignConfig.model_fields[section].default if section in GROUP_OF else None
    return {"name": default.name} if isinstance(default, Plugin) else {}


def _validated(raw: dict[str, Any], problems: list[Problem]) -> CampaignConfig | None:
    """Adds what is wrong to the problems; returns the configuration if it is right by itself."""
    config, wrong = validated(CampaignConfig, raw)
    problems += [*wrong, *check(raw)]
    if problems or config is None:
        return None
    problems += check_movable(config, make_generator(config.generator))
    full = {section: resolved(section, getattr(config, section)) for section in GROUP_OF}
    return config.model_copy(update=full)


def _read(path_or_preset: str | Path) -> tuple[str, str]:
    """Returns what to call the source in errors, and its text."""
    if is_preset(path_or_preset):
        preset = _preset_folder() / f"{path_or_preset}.yaml"
        return f"the preset {path_or_preset}", preset.read_text(encoding="utf-8")
    source = str(path_or_preset)
    try:
        return source, Path(path_or_preset).read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = suggestion(source, presets())
        message = f"there is neither such a file nor such a preset{hint}"
        raise ConfigErrors(source, [Problem("", message)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigErrors(source, [Problem("", f"cannot be read as text: {error}")]) from error


def _preset_folder() -> Any:
    return importlib.resources.files("curricula.campaigns") / "presets"
