"""What every key of a campaign file means, as comments in the file itself.

The words are those that stand where a key is defined: the descriptions of the configuration, the
docstrings of plug-ins and their settings, the parameters of the generator.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from curricula.campaigns.config import strict_yaml
from curricula.campaigns.config.files import dump
from curricula.campaigns.config.plugins import GROUP_OF, make_generator, settings_of
from curricula.campaigns.config.schema import CampaignConfig, Plugin
from taskgen.hints import either
from taskgen.parameters import describe_bounds
from taskgen.registry import resolve

_WIDTH = 100


def explained(config: CampaignConfig) -> str:
    """Returns the configuration as YAML with a comment above every key.

    It says what `dump` says: `loads(explained(config)) == config`.
    """
    text, found = dump(config), dict(explanations(config))
    lines = []
    keys = strict_yaml.key_lines(text)
    for number, line in enumerate(text.splitlines()):
        indent = " " * (len(line) - len(line.lstrip()))
        comment = found.get(keys.get(number, ""), "")
        lines += textwrap.wrap(
            comment, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        lines.append(line)
    return "\n".join(lines) + "\n"


def explanations(config: CampaignConfig) -> Iterator[tuple[str, str]]:
    """Yields the path of every key and what it means."""
    yield from _of_model(type(config), "")
    for section in GROUP_OF:
        plugin: Plugin = getattr(config, section)
        cls = resolve(GROUP_OF[section], plugin.name)
        yield f"{section}.name", _first_line(cls)
        for name, text in _of_arguments(settings_of(section, cls)).items():
            yield f"{section}.options.{name}", text
    for name, parameter in make_generator(config.generator).space.items():
        for section in ("start", "target"):
            yield f"{section}.{name}", f"{parameter.doc or name}; {describe_bounds(parameter)}"


def _of_model(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        text = field.description or ""
        if get_origin(kind) is Literal:
            text += f" ({either(map(str, get_args(kind)))})"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            text = text or _first_line(kind)
            yield from _of_model(kind, f"{prefix}{name}.")
        yield prefix + name, text


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _of_arguments(settings: Any) -> dict[str, str]:
    """Returns what docstrings say of the arguments of a class, those of its bases among them."""
    found: dict[str, str] = {}
    for cls in reversed(inspect.getmro(settings)):
        _, _, section = inspect.cleandoc(cls.__doc__ or "").partition("Args:\n")
        for name, text in re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", section, re.MULTILINE):
            found[name] = re.sub(r"\bNone\b", "null", " ".join(text.split())).removesuffix(".")
    return found
