"""Strict YAML: numbers are numbers, words are words, and what is refused is refused by name."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curricula.campaigns.config.strict_yaml import BadYaml, dump, parse

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _WORDS
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("3e6", 3e6),
        ("+2.5E+2", 250.0),
        ("200_000", 200_000),
        (".5", 0.5),
        ("5.", 5.0),
        ("010", 10),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("'5'", "5"),
        ("e5", "e5"),
        ("1e", "1e"),
        ("1_", "1_"),
        ("1_.5", "1_.5"),
        ("-", [None]),
        ("[5, 9]", [5, 9]),
    ],
)
def test_scalars_are_what_a_person_means(text: str, value: object) -> None:
    parsed = parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@given(_VALUES)
def test_dump_and_parse_are_inverse(value: object) -> None:
    assert parse(dump(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "a: stands twice, on lines 1 and 3"),
        ("a:\n  b: {c: 1, c: 2}", "a.b.c: stands twice"),
        ("a: !!python/object/apply:os.system [touch /tmp/x]", "python/object/apply:os.system"),
        ("a: [1, !thing 2]", "a[1]: line 1: the tag !thing is not read"),
        ("a: !!set {b}", "the tag !!set is not read"),
        ("a: &x 1\nb: *x", "line 2: aliases (*x) are not read"),
        ("5: x", "a key must be a word, got '5'"),
        ("? [a]\n: x", "a key must be a word, got a sequence"),
        ("a: [1", "is not YAML: column 6"),
        ("a: 1\nb: [1, 2}\nc: 3", "is not YAML: line 2, column 9: expected ',' or ']'"),
        ("a: 1\nb: {c: [1, 2\nd: 3", "is not YAML: line 2, column 8: what is opened here is not c"),
        ('a: 1\nb: "x\nc: 3', "is not YAML: line 2, column 4: what is opened here is not closed"),
        ("a: {c: 1, c: 2}", "a.c: stands twice, on line 1; keep one"),
        ("a: " + "9" * 5000, "a number of 5000 digits is not read"),
        ("a: 1\n  b: 2", "is not YAML: line 2"),
        ("a: 1\n---\nb: 2", "another document"),
        ("\ta: 1", "is not YAML"),
        ("a: 1\nb: \x01", "is not YAML: line 2: the character '\\x01' is not allowed"),
        ("[" * 3000, "line 1: nested deeper than 50 levels"),
    ],
)
def test_what_is_not_plain_is_refused(text: str, expected: str) -> None:
    with pytest.raises(BadYaml) as caught:
        parse(text)
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["a: [1, 2}", "x: 1\na: [1, 2\nb: 3", 'a: "x\nb: 3', "a: \x01"])
def test_an_error_names_one_place(text: str) -> None:
    with pytest.raises(BadYaml) as caught:
        parse(text)
    assert len(re.findall(r"line \d|column \d", str(caught.value).replace(", column", ""))) == 1


def test_an_object_tag_runs_nothing(tmp_path) -> None:
    witness = tmp_path / "ran"
    with pytest.raises(BadYaml):
        parse(f"a: !!python/object/apply:os.mkdir ['{witness}']")
    assert not witness.exists()


def test_every_refusal_comes_at_once() -> None:
    with pytest.raises(BadYaml) as caught:
        parse("a: 1\na: 2\nb: !x 3\n7: 4")
    assert len(caught.value.problems) == 3
