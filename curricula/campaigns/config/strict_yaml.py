"""YAML as a person expects it: plain values, no surprises, nothing executed.

The safe loader, narrowed to the core of YAML 1.2: `1e-3` and `3e6` are numbers, `no` and `on` are
words, a date is a word. A key that stands twice, a tag and an alias are refused, all with their
line, and all at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import yaml

from curricula.campaigns.config.errors import Problem

_DIGITS = "[0-9]+(?:_[0-9]+)*"
_KINDS = {
    "null": (re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    "bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    "int": (re.compile(rf"^[-+]?{_DIGITS}$"), list("-+0123456789")),
    "float": (
        re.compile(
            rf"^[-+]?(?:{_DIGITS}(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?"
            r"|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
        ),
        list("-+0123456789."),
    ),
}
_MAX_DEPTH = 50
_TWICE = "stands twice"
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in (*_KINDS, "str", "map", "seq")}


class BadYaml(ValueError):
    """A text that is not plain YAML.

    Args:
        problems: where and why.
        value: what the rest says, so that it can be checked as well; None if nothing can be said.
    """

    def __init__(self, problems: list[Problem], value: Any = None) -> None:
        self.problems = problems
        self.value = value
        super().__init__("; ".join(map(str, problems)))


class _Loader(yaml.SafeLoader):
    """The safe loader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _kind, (_pattern, _first) in _KINDS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    try:
        return int(loader.construct_scalar(node))
    except ValueError as error:  # Python converts no more than some thousand digits
        long = f"a number of {len(node.value)} digits is not read"
        raise yaml.constructor.ConstructorError(None, None, long, node.start_mark) from error


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def parse(text: str) -> Any:
    """Returns the plain value of a YAML text; an empty text is None.

    Raises:
        BadYaml: if it is not YAML, or holds a tag, an alias, or a key twice.

    Example:
        >>> parse("{lr: 1e-3, steps: 3e6, size: [5, 7], layout: no}")
        {'lr': 0.001, 'steps': 3000000.0, 'size': [5, 7], 'layout': 'no'}
    """
    try:
        node = _composed(text)
        problems = list(_refused(node, "")) if node else []
        if problems:
            readable = all(_TWICE in problem.message for problem in problems)
            raise BadYaml(problems, yaml.load(text, Loader=_Loader) if readable else None)
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise BadYaml([Problem("", f"is not YAML: {_told(error, text)}")]) from error


def dump(value: Any) -> str:
    """Returns plain values as YAML that `parse` takes back, keys in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def key_lines(text: str) -> dict[int, str]:
    r"""Returns the dotted path of the key that begins each line; lines without one are left out.

    Example:
        >>> key_lines("a:\n  b: [1, 2]\nc: {d: 3}")
        {0: 'a', 1: 'a.b', 2: 'c'}
    """
    found: dict[int, str] = {}

    def walk(node: yaml.Node | None, prefix: str) -> None:
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            found.setdefault(key.start_mark.line, f"{prefix}{key.value}")
            walk(value, f"{prefix}{key.value}.")

    walk(_composed(text), "")
    return found


def _composed(text: str) -> yaml.Node | None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise BadYaml([Problem("", f"line {line}: nested deeper than {_MAX_DEPTH} levels")])
        if isinstance(event, yaml.AliasEvent):
            raise BadYaml(
                [Problem("", f"line {line}: aliases (*{event.anchor}) are not read; write it out")]
            )
    return yaml.compose(text, Loader=_Loader)


def _refused(node: yaml.Node, path: str) -> Iterator[Problem]:
    """Yields what a strict reader refuses in a node and all below it."""
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        yield Problem(path, f"line {line}: the tag {tag} is not read; only plain values are")
    elif isinstance(node, yaml.MappingNode):
        yield from _refused_entries(node, path)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _refused(item, f"{path}[{i}]")


def _refused_entries(node: yaml.MappingNode, path: str) -> Iterator[Problem]:
    first_line: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            yield Problem(path, f"line {line}: a key must be a word, got {_text(key)}")
            continue
        here = f"{path}.{key.value}" if path else key.value
        if key.value in first_line:
            lines = dict.fromkeys([first_line[key.value], line])
            where = f"on line{'s' if len(lines) > 1 else ''} {' and '.join(map(str, lines))}"
            yield Problem(here, f"{_TWICE}, {where}; keep one")
        first_line.setdefault(key.value, line)
        yield from _refused(value, here)


def _text(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else f"a {node.id}"


def _told(error: yaml.YAMLError, text: str) -> str:
    """Returns what the parser found, and the one place where there is something to mend."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: the character {text[error.position]!r} is not allowed"
    mark, what = error.problem_mark, error.problem.removeprefix("but ")
    opened = re.search(r"flow|quoted", error.context or "")
    if opened and mark.line != error.context_mark.line:
        rule = "is not closed" if opened[0] == "quoted" else "is not closed, or lacks a comma"
        mark, what = error.context_mark, f"what is opened here {rule} ({what})"
    column = f"column {mark.column + 1}"
    return f"{column if _is_one_line(text) else f'line {mark.line + 1}, {column}'}: {what}"


def _is_one_line(text: str) -> bool:
    return "\n" not in text.strip()


class _Dumper(yaml.SafeDumper):
    """Writes flat lists on one line, and quotes every word that any YAML reads as another thing."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


for _kind, (_pattern, _first) in _KINDS.items():  # beside those of YAML 1.1
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


def _flow_if_plain(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    plain = not any(isinstance(item, list | dict) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=plain)


_Dumper.add_representer(list, _flow_if_plain)
